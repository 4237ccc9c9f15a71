"""Annotations for a GitHub workflow, at the lines that changed."""

from collections.abc import Iterator

from power_edge.change_gate.judgement import Judgement
from power_edge.config.node_configs import NODE_CONFIGS
from power_edge.model import Source
from power_edge.report.change_gate import words
from power_edge.report.workflow_command import workflow_command
from power_edge.text import printable


def render(judgement: Judgement) -> str:
    """Return what refuses the change as errors, what drifts as a warning, changes as notices."""
    return "".join(f"{line}\n" for line in _commands(judgement))


def _commands(judgement: Judgement) -> Iterator[str]:
    whole = Source(NODE_CONFIGS, 0)
    for breach in judgement.breaches:
        text = f"{breach.rule}: {breach.message} (rule {breach.policy}; {breach.lift})"
        yield _shown(judgement, "error", breach.source, text)
    if judgement.is_too_risky:
        yield _shown(judgement, "error", whole, words.too_risky(judgement))
    for line, more in words.forecast_lines(judgement):
        if not line.startswith("compliant"):
            yield _shown(judgement, "warning", whole, "; ".join([line, *more]))
    for place, line in words.places(judgement):
        yield _shown(judgement, "notice", place, line)


def _shown(judgement: Judgement, level: str, source: Source, message: str) -> str:
    return workflow_command(level, words.in_repository(judgement, source), printable(message))
