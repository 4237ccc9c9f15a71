"""Files: a regular file that is there, with the bytes, mode and owner that it should have.

Symbolic links are followed (inode(7): the link's own mode and owner mean nothing here). Ids are compared, not the names that they go by, and bytes
by their SHA-256, so that no content of a node ever travels.
"""

import errno
import hashlib
import os
import re
import shlex
import stat
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from power_edge import stderr
from power_edge.model import Command, Finding, Observations, Remedy, ResourceType, Unseen, agrees, compare, drifts, undecided
from power_edge.model.declared.resources.files_schema import File as Declared

REGULAR = "regular file"
MISSING = "missing"
LONGEST_CONTENT_TO_MEND = 2048
"""Bytes of a declared content up to which a command that writes it is still one that a person would paste."""

_TYPES = {
    stat.S_IFREG: REGULAR,
    stat.S_IFDIR: "directory",
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "character device",
    stat.S_IFBLK: "block device",
}
_NOT_THERE = ("No such file or directory", "Not a directory", "Too many levels of symbolic links", "Symbolic link loop")
_ERRNO = "|".join(sorted(re.escape(text) for text in {*map(os.strerror, errno.errorcode), *_NOT_THERE, "I/O error"}))
_OF_STAT = re.compile(rf"^(?:\S*/)?stat: (?!(?:line )?\d+: ).*: ({_ERRNO})(?: \(os error \d+\))?$", re.MULTILINE)
"""A message of stat about a file, in glibc's and musl's words for errno; uutils adds a number. What a wrapper of that name says is none."""


class File(NamedTuple):
    """What a path leads to. `mode` is st_mode, type included; `size` counts bytes; `user` and `group` are the names of the ids, None without one.

    `target` is where a symbolic link leads. `sha256` is None when it was not asked for, or not to be had: then `dark` says why.
    `uids` and `gids` are the ids of the names that were declared, as the node knows them.
    """

    mode: int
    uid: int
    gid: int
    size: int
    user: str | None = None
    group: str | None = None
    target: str | None = None
    sha256: str | None = None
    dark: str | None = None
    uids: Mapping[str, int] = {}
    gids: Mapping[str, int] = {}

    @property
    def type(self) -> str:
        return _TYPES.get(stat.S_IFMT(self.mode), "something else")


class Broken(NamedTuple):
    """A symbolic link that leads nowhere."""

    target: str


def parse(section: bytes) -> Observations:
    """Path -> File; None: there is nothing; Broken: a link to nothing; Unseen: could not look."""
    told: dict[str, dict[str, str]] = {tag: {} for tag in ("seen", "gone", "link", "hash", "dark", "user", "group")}
    for line in section.decode("ascii", "surrogateescape").split("\n"):
        if line:
            tag, name, said = line.split(" ", 2)
            if tag not in told:
                raise ValueError(f"no line of this probe: {line!r}")
            told[tag][unescape(name)] = said if tag in ("gone", "dark") else _shown(said)
    uids = {name: int(number) for name, number in told["user"].items()}
    gids = {name: int(number) for name, number in told["group"].items()}
    seen: dict[str, Any] = {}
    for path, why in told["gone"].items():
        seen[path] = _nothing(path, why, told["link"].get(path))
    for path, line in told["seen"].items():
        mode, uid, gid, size, user, group = line.split(":")
        seen[path] = File(
            mode=int(mode, 16),
            uid=int(uid),
            gid=int(gid),
            size=int(size),
            user=_name(user),
            group=_name(group),
            target=told["link"].get(path),
            sha256=_digest(told["hash"].get(path)),
            dark=_reason(told["dark"].get(path)),
            uids=uids,
            gids=gids,
        )
    return seen


def _nothing(path: str, said: str, target: str | None) -> Broken | Unseen | None:
    """What stat's messages tell of a file that is not to be found; `said` is its stderr."""
    lines = said.replace("\1", "\n")
    # busybox prints a name as it is, so that a message can be several lines.
    messages = list(_OF_STAT.finditer(lines.replace(path, path.replace("\n", "?"))))
    if not messages or not all(message[1] in _NOT_THERE for message in messages):
        return Unseen(_reason(messages[-1][0] if messages else said) or "stat failed without a word")
    return None if target is None else Broken(target)


def _reason(said: str | None) -> str | None:
    """Why a tool failed, from its stderr with the byte 1 at the ends of lines."""
    return None if said is None else _shown(stderr.reason(said.replace("\1", "\n")))


def _shown(said: str) -> str:
    """Text that any report can carry: where a link leads is any bytes."""
    text = said.encode("ascii", "surrogateescape").decode("utf-8", "backslashreplace")
    return text if text.isprintable() else "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def _name(name: str) -> str | None:
    return None if name == "UNKNOWN" else name  # what stat prints for an id without a name


def _digest(text: str | None) -> str | None:
    if text is not None and not re.fullmatch("[0-9a-f]{64}", text):
        raise ValueError(f"no SHA-256: {text!r}")
    return text


def _escape(name: str) -> str:
    """Printable ASCII without blanks and backslashes; every other byte as printf(1)'s %b takes it: backslash, 0, three octal digits."""
    return re.sub(rb"[^!-\[\]-~]", lambda byte: f"\\0{ord(byte[0]):03o}".encode(), name.encode("utf-8", "surrogateescape")).decode("ascii")


def unescape(name: str) -> str:
    """A path as the probe's arguments and lines spell it -> the path."""
    raw = re.sub(rb"\\0([0-3][0-7]{2})", lambda octal: bytes([int(octal[1], 8)]), name.encode("utf-8", "surrogateescape"))
    return raw.decode("utf-8", "surrogateescape")


def canonical(path: str) -> str:
    """Without doubled slashes and dots, which lead to the same file on every node. Not so `..` (after a link) and a final slash (no file has one)."""
    parts = [part for part in path.split("/") if part not in ("", ".")]
    return "/" + "/".join(parts) + ("/" if parts and path.endswith(("/", "/.")) else "")


def ask(items: Sequence[Declared]) -> Iterator[str]:
    """The probe's arguments: of each file its path, whether its hash is wanted, and the names whose ids are."""
    for declared in items:
        want = "*" if declared.sha256 is not None else "-" if declared.content is None else str(len(_bytes(declared.content)))
        names = (
            _escape(name).replace(":", "\\0072") if name is not None and not name.isdecimal() else "" for name in (declared.owner, declared.group)
        )
        yield ":".join((want, *names, _escape(canonical(declared.path))))


def _bytes(content: str) -> bytes:
    return content.encode("utf-8", "surrogateescape")


def expected(declared: Declared) -> dict[str, Any]:
    """A path alone asserts a regular file, so `type` is always among the fields."""
    fields = {field: getattr(declared, field) for field in ("content", "sha256", "mode", "owner", "group")}
    return {"type": REGULAR} | {field: value for field, value in fields.items() if value is not None}


def problems(declared: Declared) -> Iterator[tuple[str, str]]:
    if declared.content is not None and declared.sha256 is not None:
        digest = hashlib.sha256(_bytes(declared.content)).hexdigest()
        if digest != declared.sha256.lower():
            yield "sha256", f"contradicts content, whose SHA-256 is {digest}: declare one of the two"


def judge(declared: Declared, seen: File | Broken | None) -> Iterator[Finding]:
    """`seen` is None when nothing is there."""
    if not isinstance(seen, File):
        why = "no such file" if seen is None else f"a symbolic link to {seen.target}, where nothing is"
        for field, value in expected(declared).items():
            yield drifts(field, value, MISSING, why)
        return
    yield compare("type", REGULAR, seen.type, f"a symbolic link to {seen.target}" if seen.target is not None else None)
    if declared.content is not None:
        yield _judge_content(declared.content, seen)
    if declared.sha256 is not None:
        yield _judge_sha256(declared.sha256, seen)
    if declared.mode is not None:
        actual = f"{stat.S_IMODE(seen.mode):04o}"
        yield (agrees if int(declared.mode, 8) == stat.S_IMODE(seen.mode) else drifts)("mode", declared.mode, actual)
    if declared.owner is not None:
        yield _judge_owner("owner", declared.owner, seen.uid, seen.user, seen.uids)
    if declared.group is not None:
        yield _judge_owner("group", declared.group, seen.gid, seen.group, seen.gids)


def _judge_content(content: str, seen: File) -> Finding:
    declared = _bytes(content)
    if seen.type != REGULAR:
        return drifts("content", content, seen.type)
    if seen.sha256 is not None:
        same = hashlib.sha256(declared).hexdigest() == seen.sha256
        return (agrees if same else drifts)("content", content, f"sha256:{seen.sha256} ({seen.size} bytes)")
    if seen.dark is None and seen.size != len(declared):
        return drifts("content", content, f"{seen.size} bytes", f"declared: {len(declared)} bytes")
    return undecided("content", content, seen.dark or "the node did not tell its hash")


def _judge_sha256(digest: str, seen: File) -> Finding:
    if seen.type != REGULAR:
        return drifts("sha256", digest, seen.type)
    if seen.sha256 is None:
        return undecided("sha256", digest, seen.dark or "the node did not tell its hash")
    return (agrees if digest.lower() == seen.sha256 else drifts)("sha256", digest, seen.sha256)


def _judge_owner(field: str, declared: str, number: int, name: str | None, numbers: Mapping[str, int]) -> Finding:
    actual = str(number) if name is None or declared.isdecimal() else name
    if declared.isdecimal():
        return (agrees if int(declared) == number else drifts)(field, declared, actual)
    if declared == name or numbers.get(declared) == number:
        return agrees(field, declared, declared, None if declared == name else f"id {number}, also called {actual}")
    return drifts(
        field, declared, actual, None if declared in numbers else f"the node knows no {'user' if field == 'owner' else 'group'} of that name"
    )


def remedy(declared: Declared, seen: File | Broken | None, drifted: Sequence[Finding]) -> Remedy:
    """What would make the file as declared."""
    return Remedy(tuple(_commands(declared, seen, drifted)))


def _commands(declared: Declared, seen: File | Broken | None, drifted: Sequence[Finding]) -> Iterator[Command]:
    """Nothing where something else than a file is in the way, where the bytes are not at hand, or where a terminal could not show the path."""
    fields = {finding.field for finding in drifted}
    content = None if declared.content is None else _bytes(declared.content)
    if isinstance(seen, Broken) or (seen is not None and seen.type != REGULAR) or not declared.path.isprintable():
        return
    writes = seen is None or bool(fields & {"content", "sha256"})
    if writes and (content is None or len(content) > LONGEST_CONTENT_TO_MEND or b"\0" in content):
        return
    if seen is None:
        yield _made(declared)
    if writes and content is not None:
        yield "sh", "-c", f'printf "{_printf(content)}" >{shlex.quote(declared.path)}'
    if seen is None:
        return
    if fields & {"owner", "group"}:
        owner = declared.owner if "owner" in fields else ""
        group = f":{declared.group}" if "group" in fields else ""
        yield "chown", "--", f"{owner}{group}", declared.path
    # After the others: the kernel drops setuid and setgid when a program changes hands (chown(2)).
    if declared.mode is not None and ("mode" in fields or fields & {"owner", "group"}):
        yield "chmod", "--", declared.mode, declared.path


def _made(declared: Declared) -> Command:
    """An empty file with the declared attributes, to be written to afterwards: there is no moment in which others could read a secret."""
    owner = ("-o", declared.owner) if declared.owner is not None else ()
    group = ("-g", declared.group) if declared.group is not None else ()
    return "install", "-D", "-m", declared.mode or "0644", *owner, *group, "--", "/dev/null", declared.path


def _printf(content: bytes) -> str:
    """A format of printf(1) that prints these bytes, on one line and without anything that a shell would read within double quotes."""
    octal = re.sub(rb"^-|[^ !#%&(-[\]-_a-~]", lambda byte: f"\\{ord(byte[0]):03o}".encode(), content)
    return octal.decode("ascii").replace("%", "%%").replace("\\012", "\\n")


def fact(seen: File | Broken | None) -> File | None:
    """None for a link that leads nowhere, too: its record would be true in an `assert`."""
    return seen if isinstance(seen, File) else None


RESOURCE = ResourceType(
    name="files",
    declares=list[Declared],
    key="path",
    parse=parse,
    judge=judge,
    remedy=remedy,
    expected=expected,
    canonical=canonical,
    problems=problems,
    ask=ask,
    fact=fact,
)
