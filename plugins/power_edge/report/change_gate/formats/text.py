"""For people: 80 columns, no colour."""

from collections.abc import Iterable, Iterator
from textwrap import wrap

from power_edge.change_gate.judgement import Judgement
from power_edge.report.change_gate import words
from power_edge.report.terminal import WIDTH


def render(judgement: Judgement) -> str:
    """Return the whole report."""
    return "".join(f"{line}\n" for line in lines(judgement))


def lines(judgement: Judgement) -> Iterator[str]:
    """Yield the lines."""
    for line in words.head_lines(judgement):
        yield from _folded(line, "")
    yield from _part("changes", words.change_sections(judgement))
    yield from _part("other files", ((each, []) for each in words.other_files(judgement)))
    if judgement.forecasts is not None:
        yield from _part("once merged", words.forecast_lines(judgement))
    yield from _part("breaches", words.breach_lines(judgement))
    yield ""
    for line in words.verdict_lines(judgement):
        yield from _folded(line, "")


def _part(title: str, blocks: Iterable[tuple[str, list[str]]]) -> Iterator[str]:
    """Yield a part with its title; nothing if it is empty."""
    is_first = True
    for first, more in blocks:
        if is_first:
            yield from ("", title)
            is_first = False
        yield from _folded(first, "  ")
        for line in more:
            yield from _folded(line, "    ")


def _folded(line: str, indent: str) -> Iterator[str]:
    if line.lstrip().startswith("mend: "):
        yield indent + line  # on one line: it is to be pasted
        return
    inner = indent + " " * (len(line) - len(line.lstrip()))
    yield from wrap(
        line.lstrip(),
        WIDTH,
        initial_indent=inner,
        subsequent_indent=f"{inner}  ",
        break_long_words=False,
        break_on_hyphens=False,
    )
