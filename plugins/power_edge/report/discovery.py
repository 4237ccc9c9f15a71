"""What was discovered, as a table for 80 columns that needs no colour, or as plain values."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from textwrap import wrap

from rich import box
from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from power_edge.discover.sections import Found, Section
from power_edge.report.terminal import WIDTH, shortened
from power_edge.resources import resource
from power_edge.text import printable

MOST = 50
"""Names in one row. The file has them all."""
LONGEST = 200


def table(sections: Iterable[Section]) -> Table:
    """Return a table: a row for each type, declaration and reason, with its names."""
    rows = Table("", "declared", box=box.SIMPLE_HEAD, pad_edge=False, width=WIDTH)
    rows.columns[1].ratio = 1
    for section in sections:
        for index, ((declared, why), names) in enumerate(_by_declaration(section).items()):
            head = Text(printable("; ".join(filter(None, (declared, why)))), "bold")
            rows.add_row(
                section.type if index == 0 else "",
                Group(head, Padding(_listed(names), (0, 0, 0, 2))),
            )
        if section.found:
            rows.add_section()
    return rows


def _by_declaration(section: Section) -> dict[tuple[str, str], list[str]]:
    key = resource(section.type).key
    groups: dict[tuple[str, str], list[str]] = {}
    for found in section.found:
        if isinstance(found.value, list):
            groups.setdefault(("", shortened(found.why, LONGEST)), []).extend(
                _words(entry) for entry in found.value
            )
        else:
            groups.setdefault(
                (shortened(_declared(found, key), LONGEST), shortened(found.why, LONGEST)), []
            ).append(found.name)
    return groups


def _listed(names: list[str]) -> Text:
    shown = [shortened(name, LONGEST) for name in names[:MOST]] + (
        [f"and {len(names) - MOST} more"] if len(names) > MOST else []
    )
    return Text(
        "\n".join(shown)
        if any(" " in name or "/" in name for name in shown[:-1])
        else ", ".join(shown),
        overflow="fold",
    )


def _declared(found: Found, key: str | None) -> str:
    if isinstance(found.value, Mapping):
        return (
            _words({name: value for name, value in found.value.items() if name != key}) or "there"
        )
    return _word("", found.value)


def _words(fields: Mapping[str, object]) -> str:
    return ", ".join(filter(None, (_word(name, value) for name, value in fields.items())))


def _word(name: str, value: object) -> str:
    if isinstance(value, bool):
        return name if value else f"not {name}" if name else str(value).lower()
    text = str(value)
    return "content" if name == "sha256" else text


def as_dict(sections: Iterable[Section]) -> dict[str, object]:
    """Return what was found as plain values: by type what is declared, left out, not observed."""
    return {
        section.type: {
            "declared": section.value,
            "left_out": [each._asdict() for each in section.left_out],
            "not_observed": [each._asdict() for each in section.hidden],
        }
        for section in sections
    }


def notes(sections: Sequence[Section]) -> Iterator[str]:
    """Yield lines about what is not declared: how many were left out, and the names of those that
    could not be observed.
    """
    left_out = [
        f"{len(section.left_out)} of {section.type}" for section in sections if section.left_out
    ]
    if left_out:
        yield f"left out: {', '.join(left_out)}; state.yaml says why"
    by_reason: dict[str, list[str]] = {}
    for section in sections:
        for what, why in section.hidden:
            by_reason.setdefault(why, []).append(what)
    for why, names in by_reason.items():
        shown = ", ".join(map(printable, names[:10])) + (
            f" and {len(names) - 10} more" if len(names) > 10 else ""
        )
        yield from wrap(
            f"not observed: {shown}: {printable(why)}",
            WIDTH,
            subsequent_indent="  ",
            break_long_words=False,
            break_on_hyphens=False,
        )
