"""A comment of a pull request. A hidden marker lets the same comment be found again."""

import re
from typing import Final

from power_edge.change_gate.judgement import Judgement
from power_edge.report.change_gate import words
from power_edge.report.change_gate.formats import text

MARKER: Final = "<!-- power-edge gate -->"
_LONGEST = 60_000
"""GitHub takes 65,536 characters."""


def render(judgement: Judgement) -> str:
    """Return the comment.

    All that a stranger may have written stands in one fenced block: there neither Markdown nor HTML
    is read, nobody is notified, and no issue is linked.
    """
    touched = len(judgement.difference.touched)
    body = _cut(text.render(judgement))
    longest = max((len(run) for run in re.findall("`+", body)), default=0)
    fence = "`" * max(3, longest + 1)
    return (
        f"{MARKER}\n### power-edge gate: {words.verdict(judgement)}\n\n"
        "| risk | bump | nodes | breaches |\n|---|---|---|---|\n"
        f"| {judgement.risk.level.name.lower()} | {judgement.bump} | {touched} |"
        f" {len(judgement.breaches)} |\n\n"
        f"{fence}text\n{body}{fence}\n"
    )


def _cut(body: str) -> str:
    if len(body) <= _LONGEST:
        return body
    kept, _, _ = body[:_LONGEST].rpartition("\n")
    left = body.count("\n") - kept.count("\n")
    return f"{kept}\n... and {left} more lines: `power-edge gate` prints all\n"
