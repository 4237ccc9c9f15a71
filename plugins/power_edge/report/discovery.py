"""What was discovered, as a table for people: 80 columns, no colour needed."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from textwrap import wrap
from typing import Any

from rich import box
from rich.table import Table

from power_edge.discovering import Found, Section
from power_edge.report.terminal import WIDTH, printable, shortened
from power_edge.resources import resource

MOST = 60
"""Rows of a type that are shown; the file has them all."""
_DIGEST = 64


def table(sections: Iterable[Section]) -> Table:
    """A row for each thing that is declared: its type, its name, what is declared of it, where that comes from."""
    made = Table("", "name", "declared", "where it comes from", box=box.SIMPLE_HEAD, pad_edge=False, width=WIDTH)
    made.columns[1].overflow = made.columns[3].overflow = "fold"
    for section in sections:
        rows = list(_rows(section))
        for index, (name, declared, why) in enumerate(rows[:MOST]):
            made.add_row(section.type if index == 0 else "", name, declared, why, end_section=index == min(len(rows), MOST) - 1)
        if len(rows) > MOST:
            made.add_row("", f"and {len(rows) - MOST} more", "", "", end_section=True)
    return made


def _rows(section: Section) -> Iterator[tuple[str, str, str]]:
    key = resource(section.type).key
    for found in section.found:
        if isinstance(found.value, list):
            yield from ((_cell(_words(entry)), "", _cell(found.why)) for entry in found.value)
        else:
            yield _cell(found.name), _cell(_declared(found, key)), _cell(found.why)


def _declared(found: Found, key: str | None) -> str:
    if isinstance(found.value, Mapping):
        return _words({name: value for name, value in found.value.items() if name != key}) or "there"
    return _word("", found.value)


def _words(fields: Mapping[str, Any]) -> str:
    return ", ".join(filter(None, (_word(name, value) for name, value in fields.items())))


def _word(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return name if value else f"not {name}" if name else str(value).lower()
    text = str(value)
    return f"{text[:12]}..." if len(text) == _DIGEST else text


def _cell(text: str) -> str:
    return shortened(text, 200).replace("[", "\\[")


def notes(sections: Sequence[Section]) -> Iterator[str]:
    """What is not declared: counts of what was left out, and by name what could not be seen."""
    left_out = [f"{len(section.left_out)} of {section.type}" for section in sections if section.left_out]
    if left_out:
        yield f"left out: {', '.join(left_out)}; state.yaml says why"
    by_reason: dict[str, list[str]] = {}
    for section in sections:
        for what, why in section.hidden:
            by_reason.setdefault(why, []).append(what)
    for why, names in by_reason.items():
        shown = ", ".join(map(printable, names[:10])) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
        yield from wrap(f"not seen: {shown}: {printable(why)}", WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
