"""Files: a regular file that is there, with the bytes, mode and owner that it should have.

Symbolic links are followed (inode(7): the link's own mode and owner mean nothing here). Ids are
compared, not the names that they go by, and bytes by their SHA-256, so that no content of a node
ever travels. Of secrets not even that is shown: see secrets.py.
"""

import hashlib
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from power_edge.model import ResourceType, Triggers
from power_edge.model.generated.resources.files_schema import File as Declared
from power_edge.resources.files.judge import HIDDEN, content_bytes, expected, judge
from power_edge.resources.files.observation import REGULAR, Broken, File, Missing, parse
from power_edge.resources.files.remedy import remedy
from power_edge.resources.files.secrets import secret
from power_edge.resources.files.spelling import canonical, escape, unescape

__all__ = [
    "REGULAR",
    "RESOURCE",
    "Broken",
    "File",
    "Missing",
    "ask",
    "canonical",
    "expected",
    "fact",
    "parse",
    "problems",
    "unescape",
]


@dataclass(frozen=True, kw_only=True)
class _Declared(Declared):
    """A declaration whose repr, as a traceback or a failed assertion shows it, holds no secret."""

    content: str | None = field(default=None, repr=False)
    sha256: str | None = field(default=None, repr=False)


def ask(items: Sequence[Declared]) -> Iterator[str]:
    """The probe's arguments: of each file its path, whether its hash is wanted, what else is
    declared, and the names whose ids are wanted.
    """
    for declared in items:
        want = ",".join((_hashing(declared), *_declared(declared))).rstrip(",")
        names = (
            escape(name).replace(":", "\\0072") if name is not None and not name.isdecimal() else ""
            for name in (declared.owner, declared.group)
        )
        yield ":".join((want, *names, escape(canonical(declared.path))))


def _hashing(declared: Declared) -> str:
    if declared.sha256 is not None:
        return "*"
    return "-" if declared.content is None else str(len(content_bytes(declared.content)))


def _declared(declared: Declared) -> Iterator[str]:
    """What tells the probe whether a file drifts: mode, the first digits of the hash (of no
    secret), numeric owner and group.
    """
    yield f"{stat.S_IFREG | int(declared.mode, 8):x}" if declared.mode is not None else ""
    digest = (
        declared.sha256
        if declared.content is None
        else hashlib.sha256(content_bytes(declared.content)).hexdigest()
    )
    yield "" if digest is None or secret(declared) else digest.lower()[:8]
    for name in (declared.owner, declared.group):
        yield name if name is not None and name.isdecimal() else ""


def problems(declared: Declared) -> Iterator[tuple[str, str]]:
    if declared.content is not None and declared.sha256 is not None:
        digest = hashlib.sha256(content_bytes(declared.content)).hexdigest()
        if digest != declared.sha256.lower():
            whose = "" if secret(declared) else f", whose SHA-256 is {digest}"
            yield "sha256", f"contradicts content{whose}: declare one of the two"


def hidden(declared: Declared) -> Sequence[str]:
    """The fields of a declaration that no message may show."""
    return HIDDEN if secret(declared) else ()


def fact(observed: File | Missing | Broken) -> File | None:
    """None for what is missing and for a link that leads nowhere: their records would be true in an
    `assert`.
    """
    return observed if isinstance(observed, File) else None


def triggers(declared: Declared, _: str) -> Triggers:
    """Return the file itself."""
    return Triggers(paths=(declared.path,))


RESOURCE: ResourceType[Declared, File | Missing | Broken] = ResourceType(
    name="files",
    declares=list[_Declared],
    key="path",
    parse=parse,
    judge=judge,
    remedy=remedy,
    expected=expected,
    canonical=canonical,
    problems=problems,
    ask=ask,
    fact=fact,
    triggers=triggers,
    hidden=hidden,
)
