"""Files: whether a regular file exists, with the declared content, mode and owner; or what else
is declared to be at a path.

For a regular file symbolic links are followed. A link's own mode and owner mean nothing (inode(7)).
User and group ids are compared, not their names. Contents are compared by SHA-256. A content leaves
the node only if it differs from a declared text, for a diff, or if a part of it is declared. For a
secret not even the hash is shown: see secrets.py.
"""

import hashlib
import stat
from collections.abc import Iterator, Sequence

from power_edge.model import FactFields, NotObserved, ResourceType, Triggers
from power_edge.model.generated.resources.files_schema import File as Declared
from power_edge.resources.files import lines, path_state
from power_edge.resources.files.attributes import attributes
from power_edge.resources.files.judge import HIDDEN, WITHHELD, content_bytes, expected, judge
from power_edge.resources.files.observation import REGULAR, Broken, File, Missing, parse
from power_edge.resources.files.remedy import remedy
from power_edge.resources.files.secrets import secret
from power_edge.resources.files.source import Loaded, attach, digest, text
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


def ask(items: Sequence[Declared]) -> Iterator[str]:
    """Yield the probe's argument for each file, `WANT:OWNER:GROUP:PATH`; see the probe.

    WANT says whether the hash is wanted, and what is declared besides. OWNER and GROUP are names
    whose ids are wanted, empty for none.
    """
    for declared in items:
        want = (
            _ITSELF
            if declared.state is not None
            else ",".join((_hashing(declared), *_declared(declared))).rstrip(",")
        )
        names = (
            escape(name).replace(":", "\\0072") if name is not None and not name.isdecimal() else ""
            for name in (declared.owner, declared.group)
        )
        yield ":".join((want, *names, escape(canonical(declared.path))))


_ITSELF = "@"
"""The probe follows no link at the path."""


def _hashing(declared: Declared) -> str:
    """Return `*` for a hash in any case, a number for a hash if the file has so many bytes, `-` for
    no hash, `=` for the content.
    """
    if declared.contains is not None or declared.matches is not None:
        return "="
    if (declared_text := text(declared)) is not None and declared.sha256 is None:
        return str(len(content_bytes(declared_text)))
    return "-" if digest(declared) is None else "*"


def _declared(declared: Declared) -> Iterator[str]:
    """Yield what the probe compares to see whether a file drifts: the mode, the first digits of the
    hash (none of a secret), numeric owner and group; empty for what is not declared.
    """
    yield f"{stat.S_IFREG | int(declared.mode, 8):x}" if declared.mode is not None else ""
    sha256 = (
        digest(declared)
        if declared.content is None
        else hashlib.sha256(content_bytes(declared.content)).hexdigest()
    )
    yield "" if sha256 is None or secret(declared) else sha256.lower()[:8]
    for name in (declared.owner, declared.group):
        yield name if name is not None and name.isdecimal() else ""


def problems(declared: Declared) -> Iterator[tuple[str, str]]:
    """Yield the field and the message if `sha256` does not fit `content`, if `matches` is no
    expression that can be used, or if the path of a `state` could mean more than one thing.
    """
    if declared.matches is not None and (why := lines.fault(declared.matches)) is not None:
        yield "matches", why
    if declared.state is not None:
        yield from path_state.problems(declared)
    if declared.content is not None and declared.sha256 is not None:
        found = hashlib.sha256(content_bytes(declared.content)).hexdigest()
        if found != declared.sha256.lower():
            actual = "" if secret(declared) else f", whose SHA-256 is {found}"
            yield "sha256", f"contradicts content{actual}: declare only one of the two"


def hidden(declared: Declared) -> Sequence[str]:
    """Return the fields of a declaration that no message may show."""
    return HIDDEN if secret(declared) else ()


def fact(observed: File | Missing | Broken) -> FactFields | None:
    """Return `type`, `mode`, `owner`, `group` and `sha256`; None for a missing file and for a
    dangling link. For a declaration with `state`: `state`, and its other fields.
    """
    if not isinstance(observed, File):
        return None
    if observed.itself:
        return path_state.fact(observed)
    no_hash = WITHHELD if observed.salted is not None else observed.no_hash or _NO_HASH
    return {
        "type": observed.type,
        **attributes(observed),
        "sha256": observed.sha256 if observed.sha256 is not None else NotObserved(no_hash),
    }


_NO_HASH = "not read, because state.yaml declares neither sha256 nor a content of this length"


_ACCOUNTS = ("/etc/passwd", "/etc/group")


_OF_THE_KERNEL = ("/proc/", "/sys/")
"""File systems whose files change without an event and without a time."""


def triggers(declared: Declared, _: str) -> Triggers:
    """Return the file itself, and what names its owner and group."""
    named = declared.owner is not None or declared.group is not None
    read = any(getattr(declared, field) is not None for field in HIDDEN)
    of_kernel = read and declared.path.startswith(_OF_THE_KERNEL)
    return Triggers(
        paths=(declared.path,),
        databases=_ACCOUNTS if named else (),
        values=(declared.path,) if of_kernel else (),
    )


RESOURCE: ResourceType[Declared, File | Missing | Broken] = ResourceType(
    name="files",
    declares=list[Loaded],
    key="path",
    parse=parse,
    judge=judge,
    remedy=remedy,
    turn=20,
    expected=expected,
    canonical=canonical,
    problems=problems,
    attach=attach,
    ask=ask,
    fact=fact,
    triggers=triggers,
    quiet=0.05,
    hidden=hidden,
)
