"""Compares two versions by the rules of dpkg, rpm, apk or pacman.

Sources: deb-version(7); rpm-version(7) and rpmvercmp(); apk-tools' version.c; vercmp(8). All but
apk's can compare any two strings.
"""

import re
from collections.abc import Callable, Mapping
from itertools import zip_longest


def dpkg(one: str, two: str) -> int:
    """Return a negative number if `one` is older, 0 if both are the same to dpkg, a positive number
    if `one` is newer.
    """
    epoch, upstream, revision = _debian(one)
    other_epoch, other_upstream, other_revision = _debian(two)
    return (
        epoch - other_epoch
        or _debian_part(upstream, other_upstream)
        or _debian_part(revision, other_revision)
    )


def _debian(version: str) -> tuple[int, str, str]:
    epoch, colon, rest = version.partition(":")
    if not colon or not _digits(epoch):
        epoch, rest = "0", version
    upstream, dash, revision = rest.rpartition("-")
    return int(epoch), (upstream if dash else rest), revision if dash else ""


def _debian_part(one: str, two: str) -> int:
    while one or two:
        text, number, one = _debian_split(one)
        other_text, other_number, two = _debian_split(two)
        for index in range(max(len(text), len(other_text))):
            if order := _weight(text, index) - _weight(other_text, index):
                return order
        if number != other_number:
            return number - other_number
    return 0


def _debian_split(part: str) -> tuple[str, int, str]:
    """Return the leading text, the number after it, and the rest."""
    match = re.match(r"([^0-9]*)([0-9]*)", part)
    assert match is not None
    return match[1], int(match[2] or 0), part[match.end() :]


def _weight(text: str, index: int) -> int:
    """Return the sort order of a character: `~`, then the end, then letters, then all others."""
    if index >= len(text):
        return 0
    char = text[index]
    if char == "~":
        return -1
    return ord(char) if char.isascii() and char.isalpha() else ord(char) + 0x110000


def rpm(one: str, two: str) -> int:
    """Compare as `dpkg` does, by rpm's rules, versions of the form [EPOCH:]VERSION[-RELEASE].

    A release that only one of them has is ignored, as in a dependency.
    """
    return _by_parts(one, two, _rpm_part)


def pacman(one: str, two: str) -> int:
    """Compare as `rpm` does, by the rules of vercmp(8)."""
    return _by_parts(one, two, _pacman_part)


def _by_parts(one: str, two: str, compare: Callable[[str, str], int]) -> int:
    epoch, version, release = _evr(one)
    other_epoch, other_version, other_release = _evr(two)
    order = compare(epoch, other_epoch) or compare(version, other_version)
    return order or (
        0 if release is None or other_release is None else compare(release, other_release)
    )


def _evr(version: str) -> tuple[str, str, str | None]:
    epoch, colon, rest = version.partition(":")
    if not colon or not _digits(epoch or "0"):
        epoch, rest = "0", version
    upstream, dash, release = rest.rpartition("-")
    return epoch or "0", (upstream if dash else rest), release if dash else None


def _rpm_part(one: str, two: str) -> int:
    for token, other in zip_longest(_rpm_tokens(one), _rpm_tokens(two), fillvalue=""):
        if token == other:
            continue
        if "~" in (token, other):  # older than anything, even the end
            return -1 if token == "~" else 1
        if "" in (token, other):
            return -1 if token == "" else 1
        if "^" in (token, other):  # newer than the end, older than anything else
            return -1 if token == "^" else 1
        if order := _segments(token, other):
            return order
    return 0


def _rpm_tokens(version: str) -> list[str]:
    return re.findall(r"[0-9]+|[A-Za-z]+|[~^]", version)


def _segments(one: str, two: str) -> int:
    """Compare two runs, each of digits or of letters. A number is newer than letters."""
    if _digits(one) and _digits(two):
        return int(one) - int(two)
    if _digits(one) != _digits(two):
        return 1 if _digits(one) else -1
    return (one > two) - (one < two)


def _pacman_part(one: str, two: str) -> int:
    if one == two:
        return 0
    rest, other = one, two
    while rest and other:
        separator, rest = _separated(rest)
        other_separator, other = _separated(other)
        if not (rest and other):
            break
        if separator != other_separator:
            return separator - other_separator
        pattern = r"[0-9]+" if rest[0] in "0123456789" else r"[A-Za-z]+"
        run, other_run = re.match(pattern, rest), re.match(pattern, other)
        if run is None or other_run is None:
            return 1 if run is not None and _digits(run[0]) else -1
        if order := _segments(run[0], other_run[0]):
            return order
        rest, other = rest[run.end() :], other[other_run.end() :]
    if not rest and not other:
        return 0
    # The longer one is newer (1.0.1), unless its rest is letters (1.0rc).
    alpha = re.compile("[A-Za-z]")
    return -1 if (not rest and not alpha.match(other)) or alpha.match(rest) else 1


def _separated(text: str) -> tuple[int, str]:
    match = re.match(r"[^0-9A-Za-z]*", text)
    assert match is not None
    return match.end(), text[match.end() :]


_APK = re.compile(
    r"([0-9]+)((?:\.[0-9]+)*)([a-z]?)((?:_(?:alpha|beta|pre|rc|cvs|svn|git|hg|p)[0-9]*)*)(?:-r([0-9]+))?"
)
_APK_BEFORE = ("alpha", "beta", "pre", "rc")
_APK_AFTER = ("cvs", "svn", "git", "hg", "p")


def apk(one: str, two: str) -> int:
    """Compare as `dpkg` does, by apk's rules. ValueError: one of them is not a version for apk."""
    key, other = _apk_key(one), _apk_key(two)
    return (key > other) - (key < other)


def _apk_key(version: str) -> list[tuple[int, int]]:
    """Return pairs to compare: the rank of the kind of a part against other kinds, and its value.

    The end is older than any part but _alpha to _rc.
    """
    match = _APK.fullmatch(version)
    if match is None:
        raise ValueError(f"not a version by apk's rules: {version!r}")
    key = [(9, int(match[1]))]
    for part in match[2].split(".")[1:]:
        digits = part.lstrip("0")
        # With leading zeros it is a fraction: 1.05 < 1.1.
        key += [(9, len(digits) - len(part))] if digits != part else []
        key += [(9, int(digits))] if digits else []
    key += [(8, ord(match[3]))] if match[3] else []
    for name, number in re.findall(r"_([a-z]+)([0-9]*)", match[4]):
        key.append(
            (1, _APK_BEFORE.index(name)) if name in _APK_BEFORE else (7, _APK_AFTER.index(name))
        )
        key += [(6, int(number))] if number else []
    key += [(5, int(match[5]))] if match[5] else []
    return [*key, (2, 0)]


def _digits(text: str) -> bool:
    return text.isascii() and text.isdecimal()


COMPARE: Mapping[str, Callable[[str, str], int]] = {
    "dpkg": dpkg,
    "rpm": rpm,
    "apk": apk,
    "pacman": pacman,
}
"""Package manager -> how it compares two versions."""


def same(manager: str, declared: str, actual: str) -> bool:
    """Return whether a declared and an installed version are the same: as text, or to the package
    manager.
    """
    if declared == actual:
        return True
    try:
        return COMPARE[manager](declared, actual) == 0
    except ValueError:
        return False
