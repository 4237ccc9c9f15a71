"""Judge what is at a path itself, where no link is followed: nothing, a directory, or a link."""

import re
import stat
from collections.abc import Iterator, Mapping

from power_edge.model import FactFields, Finding, NotObserved, Value, drifts, finding, undecided
from power_edge.model.generated.resources.files_schema import File as Declared
from power_edge.resources.files.attributes import attributes, judge_attributes
from power_edge.resources.files.observation import Broken, File, Missing, printable
from power_edge.resources.files.spelling import canonical

ABSENT, DIRECTORY, SYMLINK = "absent", "directory", "symlink"
ANOTHER_QUESTION = "the answer is about another declaration of this path: check it again"


def kind(observed: File | Missing) -> str:
    """Return what is at a path, in the words of `state`; of other kinds the type."""
    if isinstance(observed, Missing):
        return ABSENT
    return SYMLINK if stat.S_ISLNK(observed.mode) else observed.type


def problems(declared: Declared) -> Iterator[tuple[str, str]]:
    """Yield why a path does not say which thing it means. A final slash follows a link, `..` is the
    parent of what is there, and a process' folder is another one each time.
    """
    path = declared.path
    if path.strip("/") and path.endswith(("/", "/.")):
        yield "path", "ends with a slash, which follows a link: write it without"
    if ".." in path.split("/"):
        yield "path", "has .. in it, which no state goes with: write the path without"
    if _OF_A_PROCESS.match(canonical(path)):
        yield (
            "path",
            "is of one process, and what is there differs from reader to reader: remove it",
        )


_OF_A_PROCESS = re.compile(r"/proc/([0-9]+|self|thread-self|net|mounts)(/|$)")


def fact(observed: File) -> FactFields:
    """Return what own tests get: `state`, with `target` of a link and the attributes of others."""
    found = kind(observed)
    if found != SYMLINK:
        return {"state": found, **attributes(observed)}
    leads = NotObserved(_NOT_SENT) if observed.leads is None else printable(observed.leads)
    return {"state": found, "target": leads}


_NOT_SENT = "the node did not send where the link leads"


def judge(
    declared: Declared, fields: Mapping[str, Value], observed: File | Missing | Broken
) -> Iterator[Finding]:
    """Yield a finding for each of the asserted fields. An answer that followed links decides
    none.
    """
    if isinstance(observed, Broken) or not observed.itself:
        for field, value in fields.items():
            yield undecided(field, value, ANOTHER_QUESTION)
        return
    found = kind(observed)
    equal = declared.state == found
    leads = None if isinstance(observed, Missing) else observed.leads
    why = None if equal or leads is None else f"a symbolic link to {printable(leads)}"
    yield finding("state", declared.state, found, equal, why)
    if not equal:
        for field, value in fields.items():
            if field != "state":
                yield drifts(field, value, found)
    elif isinstance(observed, File):
        if declared.target is not None:
            yield _judge_target(declared.target, observed.leads)
        yield from judge_attributes(declared, observed)


def _judge_target(target: str, leads: str | None) -> Finding:
    """Compare the text of a link byte by byte: what is printable need not be all of it."""
    if leads is None:
        return undecided("target", target, _NOT_SENT)
    equal = target == leads
    shown = printable(leads)
    same_look = "they differ in bytes that cannot be printed" if shown == target else None
    return finding(
        "target", target, target if equal else shown, equal, None if equal else same_look
    )
