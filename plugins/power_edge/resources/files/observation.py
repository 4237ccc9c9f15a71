"""What the probe of files printed -> what is there."""

import errno
import hashlib
import os
import re
import stat
from collections.abc import Mapping
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
_NOT_THERE = (
    "No such file or directory",
    "Not a directory",
    "Too many levels of symbolic links",
    "Symbolic link loop",
)
_ERRNO = "|".join(
    sorted(
        re.escape(text) for text in {*map(os.strerror, errno.errorcode), *_NOT_THERE, "I/O error"}
    )
)
_OF_STAT = re.compile(
    rf"^(?:\S*/)?stat: (?!(?:line )?\d+: ).*: ({_ERRNO})(?: \(os error \d+\))?$", re.MULTILINE
)
"""A message of stat about a file, in glibc's and musl's words for errno; uutils adds a number.

What a wrapper of that name says is none.
"""


_LONGEST_PATH = 4096
"""PATH_MAX of Linux; each folder of a path is looked up."""


class Mount(NamedTuple):
    """Where a file system is mounted, and of what type it is."""

    point: str
    type: str
    read_only: bool


class Place(NamedTuple):
    """What a command that writes a file, or changes its attributes, must not run into.

    `path` is the file's without symbolic links among its folders. `names` counts hard links.
    `flags` are `i` or `a` (chattr(1)), as far as the node has lsattr; `capabilities` as far as it
    has getcap.
    """

    path: str
    names: int = 1
    acl: bool = False
    flags: str = ""
    folder_flags: str = ""
    capabilities: bool = False
    mount: Mount | None = None


class Salted(NamedTuple):
    """What stands in place of a secret's SHA-256: it tells whether a given one is equal, and is
    never the same twice.
    """

    salt: str
    digest: str

    @classmethod
    def made(cls, salt: str, sha256: str) -> "Salted":
        return cls(salt, hashlib.sha256(f"{salt}{sha256}\n".encode()).hexdigest())

    def fits(self, sha256: str) -> bool:
        return self == Salted.made(self.salt, sha256)


class File(NamedTuple):
    """What a path leads to.

    `mode` is st_mode, type included; `size` counts bytes; `user` and `group` are the names of the
    ids, None without one.

    `target` is where a symbolic link leads. `sha256` is None when it was not asked for, or not to
    be had: then `dark` says why. A secret has `salted` instead. `uids` and `gids` are the ids of
    the names that were declared, as the node knows them. `place` is there where something is not as
    declared.
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
    dark: str | None = None
    uids: Mapping[str, int] = {}
    gids: Mapping[str, int] = {}
    place: Place | None = None

    @property
    def type(self) -> str:
        return _TYPES.get(stat.S_IFMT(self.mode), "something else")


class Missing(NamedTuple):
    """There is nothing.

    `above` is the nearest that there is above it, `in_folder` whether that is a folder.
    """

    uids: Mapping[str, int] = {}
    gids: Mapping[str, int] = {}
    above: str = "/"
    in_folder: bool = True
    place: Place | None = None


class Broken(NamedTuple):
    """A symbolic link that leads nowhere."""

    target: str


def parse(section: bytes) -> dict[str, File | Missing | Broken | NotObserved]:
    """Path -> File; Missing: there is nothing; Broken: a link to nothing; NotObserved: could not look."""
    tags = (
        "seen",
        "gone",
        "link",
        "hash",
        "salted",
        "dark",
        "user",
        "group",
        "more",
        "above",
        "real",
        "mount",
    )
    told: dict[str, dict[str, str]] = {tag: {} for tag in tags}
    for line in section.decode("ascii", "surrogateescape").split("\n"):
        if line:
            tag, name, said = line.split(" ", 2)
            if tag not in told:
                raise ValueError(f"no line of this probe: {line!r}")
            told[tag][unescape(name)] = said if tag in ("gone", "dark") else _shown(said)
    uids = {name: int(number) for name, number in told["user"].items()}
    gids = {name: int(number) for name, number in told["group"].items()}
    mounts = {point: _mount(point, line) for point, line in told["mount"].items()}
    observed: dict[str, Any] = {}
    for path, why in told["gone"].items():
        missing = Missing(uids, gids, *_above(told["above"].get(path)), _place(path, told, mounts))
        observed[path] = _nothing(path, why, told["link"].get(path), missing)
    for path, line in told["seen"].items():
        mode, uid, gid, size, user, group = line.split(":")
        observed[path] = File(
            mode=int(_checked(_MODE, mode), 16),
            uid=int(_checked(_COUNT, uid)),
            gid=int(_checked(_COUNT, gid)),
            size=int(_checked(_COUNT, size)),
            user=_name(user),
            group=_name(group),
            target=told["link"].get(path),
            **_sum(path, told),
            dark=_reason(told["dark"].get(path)),
            uids=uids,
            gids=gids,
            place=_place(path, told, mounts),
        )
    return observed


_MODE = re.compile(r"[0-9a-f]{1,8}")
"""`%f` of stat(1)."""
_COUNT = re.compile(r"[0-9]{1,20}")


def _checked(form: re.Pattern[str], text: str) -> str:
    if form.fullmatch(text) is None:
        raise ValueError(f"no number of stat's: {text[:40]!r}")
    return text


def _nothing(
    path: str, said: str, target: str | None, missing: Missing
) -> Broken | NotObserved | Missing:
    """What stat's messages tell of a file that is not to be found; `said` is its stderr."""
    lines = said.replace("\1", "\n")
    # busybox prints a name as it is, so that a message can be several lines.
    messages = list(_OF_STAT.finditer(lines.replace(path, path.replace("\n", "?"))))
    if not messages or not all(message[1] in _NOT_THERE for message in messages):
        return NotObserved(
            _reason(messages[-1][0] if messages else said) or "stat failed without a word"
        )
    return missing if target is None else Broken(target)


def _reason(said: str | None) -> str | None:
    """Why a tool failed, from its stderr with the byte 1 at the ends of lines."""
    return None if said is None else _shown(stderr.reason(said.replace("\1", "\n")))


def _above(said: str | None) -> tuple[str, bool]:
    kind, _, folder = (said or "d /").partition(" ")
    return unescape(folder), kind == "d"


def _mount(point: str, said: str) -> Mount:
    kind, of_mount, of_system = said.split(":")
    return Mount(point, kind, "ro" in (of_mount, of_system))


def _place(
    path: str, told: Mapping[str, Mapping[str, str]], mounts: Mapping[str, Mount]
) -> Place | None:
    if path not in told["more"]:
        return None
    modes, links, flags, of_folder, capabilities = told["more"][path].split(":")
    if modes == "-" and path in told["seen"]:
        return None
    folder, _, name = path.rpartition("/")
    real = told["real"].get(path)
    if real is not None:
        # What is missing between the nearest folder and the file is missing there, too.
        beyond = folder.removeprefix(_above(told["above"].get(path, f"d {escape(folder)}"))[0])
        folder = f"{real}{beyond}".rstrip("/")
    where = f"{folder}/{name}"
    return Place(
        path=where,
        names=int(links) if links.isdecimal() else 1,
        acl=modes.endswith("+"),
        flags=flags.strip("-"),
        folder_flags=of_folder.strip("-"),
        capabilities=capabilities != "-",
        mount=_mount_of(where, mounts),
    )


def _mount_of(path: str, mounts: Mapping[str, Mount]) -> Mount | None:
    """The mount that a path is on or below."""
    place = path if len(path) <= _LONGEST_PATH else ""
    while place and place not in mounts:
        place = place.rpartition("/")[0]
    return mounts.get(place or "/")


def _shown(said: str) -> str:
    """Text that any report can carry: where a link leads is any bytes."""
    text = said.encode("ascii", "surrogateescape").decode("utf-8", "backslashreplace")
    return (
        text
        if text.isprintable()
        else "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
    )


def _name(name: str) -> str | None:
    return None if name == "UNKNOWN" else name  # what stat prints for an id without a name


def _sum(path: str, told: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """The fields of a file's hash.

    One of a secret that the node did not salt, such as in an answer of an older script, is salted
    here.
    """
    if (salted := told["salted"].get(path)) is not None:
        salt, _, digest = salted.partition(":")
        return {"salted": Salted(_hexadecimal(salt, 32), _hexadecimal(digest, 64))}
    if path not in told["hash"]:
        return {}
    sha256 = _hexadecimal(told["hash"][path], 64)
    return (
        {"salted": Salted.made(token_hex(16), sha256)} if secret_path(path) else {"sha256": sha256}
    )


def _hexadecimal(text: str, digits: int) -> str:
    if not re.fullmatch(f"[0-9a-f]{{{digits}}}", text):
        raise ValueError(f"no {digits} hexadecimal digits in place of a hash")
    return text
