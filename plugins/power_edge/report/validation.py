"""What `power-edge validate` found: as text, as annotations of a GitHub workflow, as JSON."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from power_edge.config.excerpt import excerpt
from power_edge.model import Problem
from power_edge.report.workflow_command import workflow_command
from power_edge.text import counted, printable, printable_json


@dataclass
class Validation:
    """The nodes that were read, and what is wrong with them."""

    items: dict[str, int] = field(default_factory=dict)
    """Usable node -> the number of its items."""
    broken: set[str] = field(default_factory=set)
    """Nodes that cannot be used."""
    problems: list[Problem] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)
    """What will make a check fail, although the files can be used."""
    files: Callable[[str], bytes | None] = lambda _: None
    """Returns the content of a file by its name in messages, None if it cannot be read."""


def text(found: Validation) -> Iterator[tuple[str, bool]]:
    """Yield the lines for people; with each, whether it is about something wrong."""
    for name, count in found.items.items():
        yield printable(f"{name}: {counted(count, 'item')}"), False
    for problem in found.problems:
        yield str(problem), True
        data = found.files(problem.source.file) if problem.source.line else None
        for line in () if data is None else excerpt(data, problem):
            yield printable(line), True
    for note in found.notes:
        yield f"note: {note}", True
    if found.problems:
        nodes = len(found.items) + len(found.broken)
        where = (
            f"; {len(found.broken)} of {counted(nodes, 'node')} unusable" if found.broken else ""
        )
        yield f"{counted(len(found.problems), 'problem')}{where}", True
    elif len(found.items) > 1:
        items = counted(sum(found.items.values()), "item")
        yield f"{counted(len(found.items), 'node')}, {items}: no problem", False


def github(found: Validation) -> Iterator[tuple[str, bool]]:
    """Yield workflow commands, which GitHub shows at the lines of a pull request."""
    for command, problems in (("error", found.problems), ("warning", found.notes)):
        for problem in problems:
            yield workflow_command(command, problem.source, _message(problem)), False


def as_json(found: Validation) -> Iterator[tuple[str, bool]]:
    """Yield one JSON object: nodes with their numbers of items (null if unusable), problems and
    notes with file, line (0: the file as a whole), column, message and hint.
    """
    value: Mapping[str, object] = {
        "nodes": {**found.items, **dict.fromkeys(sorted(found.broken))},
        "problems": list(_objects(found.problems)),
        "notes": list(_objects(found.notes)),
    }
    yield printable_json(json.dumps(value, ensure_ascii=False, indent=2)), False


FORMATS: Mapping[str, Callable[[Validation], Iterator[tuple[str, bool]]]] = {
    "text": text,
    "github": github,
    "json": as_json,
}
"""Name -> the lines, and whether a line goes to stderr."""


def _objects(problems: Iterable[Problem]) -> Iterator[Mapping[str, object]]:
    for problem in problems:
        yield {**problem.source._asdict(), "message": problem.message, "hint": problem.hint}


def _message(problem: Problem) -> str:
    """Return a problem's text without its place."""
    return str(problem._replace(source=problem.source._replace(file="", line=0))).removeprefix(": ")
