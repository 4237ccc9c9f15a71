"""Reads the probe's answer about files."""

import errno
import hashlib
import os
import re
import stat
from base64 import b64decode
from collections.abc import Mapping
from functools import cache
from secrets import token_hex
from typing import Any, NamedTuple

from power_edge import stderr
from power_edge.model import NotObserved
from power_edge.resources.files.secrets import secret_path
from power_edge.resources.files.spelling import escape, unescape

REGULAR = "regular file"
_TYPES = {
    stat.S_IFREG: REGULAR,
    stat.S_IFDIR: "directory",
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "character device",
    stat.S_IFBLK: "block device",
}
_MISSING = (
    "No such file or directory",
    "Not a directory",
    "Too many levels of symbolic links",
    "Symbolic link loop",
)
_NOTHING = ("No such file or directory", "Not a directory")
"""A chain of links that is too long to follow does not show that nothing is there."""

_LONGEST_PATH = 4096
"""PATH_MAX of Linux; each folder of a path is looked up."""


LONGEST_TEXT = 256 * 1024
"""Bytes of a content that the probe sends."""


class Mount(NamedTuple):
    """A mounted file system: its mount point and its type."""

    point: str
    type: str
    read_only: bool


class Place(NamedTuple):
    """What a command that writes a file, or changes its attributes, could run into.

    `path` is the path of the file without symbolic links among its folders. `names` is the number
    of its hard links. `flags` and `folder_flags` are `i` or `a` (chattr(1)); empty if the node has
    no lsattr. `capabilities`: it has file capabilities; False if the node has no getcap.
    """

    path: str
    names: int = 1
    acl: bool = False
    flags: str = ""
    folder_flags: str = ""
    capabilities: bool = False
    mount: Mount | None = None


class Salted(NamedTuple):
    """A salted hash of a secret's SHA-256.

    It shows whether a given SHA-256 is equal, and differs each time.
    """

    salt: str
    digest: str

    @classmethod
    def from_sha256(cls, salt: str, sha256: str) -> "Salted":
        """Salt a SHA-256, both in hexadecimal, as the probe does it."""
        return cls(salt, hashlib.sha256(f"{salt}{sha256}\n".encode()).hexdigest())

    def fits(self, sha256: str) -> bool:
        """Return whether this is the salted hash of that SHA-256."""
        return self == Salted.from_sha256(self.salt, sha256)


class File(NamedTuple):
    """A file that exists, or what a symbolic link at its path leads to.

    `mode` is st_mode, type included. `size` is in bytes. `user` and `group` are the names of the
    ids, None for an id without a name. `target` is where a symbolic link leads, None for no link.
    `sha256` is None if it was not asked for, or if the node could not get it: then `no_hash` says
    why. A secret has `salted` instead. `uids` and `gids` are the node's ids for declared names.
    `place` is None if the node found the file as declared. `text` is its content, if it differs
    from a declared text, for a diff alone, or if a part of it is declared; never of a secret.
    `no_text` says why a content that was sent whole is no text.

    `itself`: no link at the path was followed, so this may be a link; `leads` is its text then,
    bytes that are not UTF-8 as surrogates. None: the node did not send it.
    """

    mode: int
    uid: int
    gid: int
    size: int
    user: str | None = None
    group: str | None = None
    target: str | None = None
    sha256: str | None = None
    salted: Salted | None = None
    no_hash: str | None = None
    uids: Mapping[str, int] = {}
    gids: Mapping[str, int] = {}
    place: Place | None = None
    text: str | None = None
    no_text: str | None = None
    itself: bool = False
    leads: str | None = None

    @property
    def type(self) -> str:
        """The kind of file, in words: `regular file`, `directory`, ..."""
        return _TYPES.get(stat.S_IFMT(self.mode), "something else")


class Missing(NamedTuple):
    """No file exists at the path; `itself`: not even a dangling link.

    `above` is the nearest existing path above it; `in_folder`: that is a folder.
    """

    uids: Mapping[str, int] = {}
    gids: Mapping[str, int] = {}
    above: str = "/"
    in_folder: bool = True
    place: Place | None = None
    itself: bool = False


class Broken(NamedTuple):
    """A dangling symbolic link."""

    target: str


def parse(section: bytes) -> dict[str, File | Missing | Broken | NotObserved]:
    """Return by path a File, Missing, Broken (a dangling link), or NotObserved (could not look).

    ValueError: this is not an answer of the probe.
    """
    lines = _lines_by_tag(section)
    uids = {name: int(number) for name, number in lines["user"].items()}
    gids = {name: int(number) for name, number in lines["group"].items()}
    mounts = {point: _mount(point, text) for point, text in lines["mount"].items()}
    observed: dict[str, Any] = {}
    for path, messages in lines["gone"].items():
        missing = Missing(
            uids, gids, *_above(lines["above"].get(path)), _place(path, lines, mounts)
        )
        observed[path] = _not_found(path, messages, lines["link"].get(path), missing)
    for path, messages in lines["none"].items():
        observed[path] = _nothing_at(messages)
    for path, line in lines["self"].items():
        observed[path] = File(
            **_stat_fields(line),
            uids=uids,
            gids=gids,
            itself=True,
            leads=_bytes_of(lines["leads"].get(path)),
        )
    for path, line in lines["seen"].items():
        stated = _stat_fields(line)
        hashed = _hash_fields(path, lines)
        observed[path] = File(
            **stated,
            target=lines["link"].get(path),
            **hashed,
            no_hash=_reason(lines["dark"].get(path)),
            uids=uids,
            gids=gids,
            place=_place(path, lines, mounts),
            **_text_fields(path, lines["text"].get(path), stated["size"], hashed),
        )
    for path, point in lines["apart"].items():
        observed[path] = NotObserved(_APART.format(point))
    return observed


_APART = (
    "this session sees another file system at {} than process 1 does (PrivateTmp= or BindPaths= of"
    " its login service, or a chroot): run the check in the mount namespace of process 1"
)


_TAGS = (
    "seen",
    "gone",
    "self",
    "none",
    "leads",
    "link",
    "hash",
    "salted",
    "dark",
    "text",
    "user",
    "group",
    "more",
    "above",
    "real",
    "mount",
    "apart",
)
_STDERR = ("gone", "none", "dark")
"""Tags whose lines end with the stderr of a tool."""
_Lines = Mapping[str, Mapping[str, str]]
"""Tag -> path (or name) -> the rest of its line."""


def _lines_by_tag(section: bytes) -> _Lines:
    """Read lines of the form `TAG NAME REST`."""
    lines: dict[str, dict[str, str]] = {tag: {} for tag in _TAGS}
    for line in section.decode("ascii", "surrogateescape").split("\n"):
        if line:
            tag, name, rest = line.split(" ", 2)
            if tag not in lines:
                raise ValueError(f"not an answer about files: {line!r}")
            lines[tag][unescape(name)] = rest if tag in _STDERR else printable(rest)
    return lines


_MODE = re.compile(r"[0-9a-f]{1,8}")
"""`%f` of stat(1)."""
_COUNT = re.compile(r"[0-9]{1,20}")


def _stat_fields(line: str) -> dict[str, Any]:
    """Return the fields of File that one line of stat(1) has."""
    mode, uid, gid, size, user, group = line.split(":")
    return {
        "mode": int(_checked(_MODE, mode), 16),
        "uid": int(_checked(_COUNT, uid)),
        "gid": int(_checked(_COUNT, gid)),
        "size": int(_checked(_COUNT, size)),
        "user": _name(user),
        "group": _name(group),
    }


def _bytes_of(hexadecimal: str | None) -> str | None:
    """Read the text of a link, of any bytes."""
    return (
        None
        if hexadecimal is None
        else bytes.fromhex(hexadecimal).decode("utf-8", "surrogateescape")
    )


def _checked(form: re.Pattern[str], text: str) -> str:
    if form.fullmatch(text) is None:
        raise ValueError(f"not a number from stat: {text[:40]!r}")
    return text


@cache
def _of_stat() -> re.Pattern[str]:
    """Match a message of stat about a file, in the words of glibc and musl for errno; uutils adds a
    number. A message of a wrapper script with that name does not match, nor does that of the
    loader.

    Made when it is needed: that takes 30 ms.
    """
    words = {*map(os.strerror, errno.errorcode), *_MISSING, "I/O error"}
    return re.compile(
        r"^(?:\S*/)?stat: (?!(?:line )?\d+: |error while loading )"
        rf".*: ({'|'.join(sorted(map(re.escape, words)))})(?: \(os error \d+\))?$",
        re.MULTILINE,
    )


def _not_found(
    path: str, stderr_text: str, target: str | None, missing: Missing
) -> Broken | NotObserved | Missing:
    """Return what a failed stat means for a path. `target`: where a symbolic link there leads."""
    lines = stderr_text.replace("\1", "\n")
    # busybox does not escape names, so a message can span several lines.
    messages = list(_of_stat().finditer(lines.replace(path, path.replace("\n", "?"))))
    if not messages or not all(message[1] in _MISSING for message in messages):
        return NotObserved(
            _reason(messages[-1][0] if messages else stderr_text)
            or "stat failed without an error message"
        )
    return missing if target is None else Broken(target)


def _nothing_at(stderr_text: str) -> NotObserved | Missing:
    """Return what a failed lstat means. Here a message that is misread makes a false pass, so only
    the last line counts, where a name that holds line breaks cannot put a message of its own.
    """
    last = _of_stat().match(stderr_text.rstrip("\1").rpartition("\1")[2])
    if last is not None and last[1] in _NOTHING:
        return Missing(itself=True)
    return NotObserved(_reason(stderr_text) or "stat failed without an error message")


def _reason(stderr_text: str | None) -> str | None:
    """Return why a tool failed, from its stderr, in which the byte 1 ends lines."""
    return (
        None if stderr_text is None else printable(stderr.reason(stderr_text.replace("\1", "\n")))
    )


def _above(text: str | None) -> tuple[str, bool]:
    """Read `d FOLDER`, or `- PATH` for the nearest existing path that is not a folder."""
    kind, _, folder = (text or "d /").partition(" ")
    return unescape(folder), kind == "d"


def _mount(point: str, text: str) -> Mount:
    kind, of_mount, of_system = text.split(":")
    return Mount(point, kind, "ro" in (of_mount, of_system))


def _place(path: str, lines: _Lines, mounts: Mapping[str, Mount]) -> Place | None:
    if path not in lines["more"]:
        return None
    modes, links, flags, of_folder, capabilities = lines["more"][path].split(":")
    if modes == "-" and path in lines["seen"]:
        return None
    folder, _, name = path.rpartition("/")
    real = lines["real"].get(path)
    if real is not None:
        # Folders that are missing between the nearest folder and the file are missing there, too.
        relative = folder.removeprefix(_above(lines["above"].get(path, f"d {escape(folder)}"))[0])
        folder = f"{real.rstrip('/')}{relative}"
    real_path = f"{folder}/{name}"
    return Place(
        path=real_path,
        names=int(links) if links.isdecimal() else 1,
        acl=modes.endswith("+"),
        flags=flags.strip("-"),
        folder_flags=of_folder.strip("-"),
        capabilities=capabilities != "-",
        mount=_mount_of(real_path, mounts),
    )


def _mount_of(path: str, mounts: Mapping[str, Mount]) -> Mount | None:
    """Return the mount that holds a path."""
    folder = path if len(path) <= _LONGEST_PATH else ""
    while folder and folder not in mounts:
        folder = folder.rpartition("/")[0]
    return mounts.get(folder or "/")


def printable(raw: str) -> str:
    """Return text that any report can carry. The target of a link can be any bytes."""
    text = raw.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return (
        text
        if text.isprintable()
        else "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
    )


def _name(name: str) -> str | None:
    return None if name == "UNKNOWN" else name  # what stat prints for an id without a name


def _text_fields(
    path: str, sent: str | None, size: int, hashed: Mapping[str, object]
) -> dict[str, Any]:
    """Return the fields of File about the content that was sent; none if it is not whole, or not
    the file that was hashed. The probe puts a NUL after what it could not read to the end.
    """
    if sent is None or size > LONGEST_TEXT or "salted" in hashed:
        return {}
    try:
        content = b64decode(sent.removeprefix("="), validate=True)
    except ValueError:
        return {}
    changed = hashed and hashed.get("sha256") != hashlib.sha256(content).hexdigest()
    # The kernel says no true size of its files, and what it prints is never nothing.
    of_kernel = path.startswith(("/proc/", "/sys/")) and size in (0, 4096)
    whole = 0 < len(content) <= LONGEST_TEXT if of_kernel else len(content) == size
    if not whole or changed:
        return {}
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        why = f"it is not UTF-8 (line {line}; Latin-1?): convert it, or declare its sha256"
        return {"no_text": why}
    if "\0" in text:
        return {"no_text": "it has a NUL, so it is not text, or it was not read to its end"}
    return {"text": text}


def _hash_fields(path: str, lines: _Lines) -> dict[str, Any]:
    """Return the fields of File that hold its hash.

    The hash of a secret that the node did not salt (an older script) is salted here.
    """
    if (salted := lines["salted"].get(path)) is not None:
        salt, _, digest = salted.partition(":")
        return {"salted": Salted(_hexadecimal(salt, 32), _hexadecimal(digest, 64))}
    if path not in lines["hash"]:
        return {}
    sha256 = _hexadecimal(lines["hash"][path], 64)
    return (
        {"salted": Salted.from_sha256(token_hex(16), sha256)}
        if secret_path(path)
        else {"sha256": sha256}
    )


def _hexadecimal(text: str, digits: int) -> str:
    if not re.fullmatch(f"[0-9a-f]{{{digits}}}", text):
        raise ValueError(f"a hash without {digits} hexadecimal digits")
    return text
