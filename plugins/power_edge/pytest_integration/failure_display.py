"""What is wrong, on the terminal: pytest shows its own failures, this shows those of our items."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from power_edge.checking.check import GATE_TYPE
from power_edge.model import Outcome
from power_edge.pytest_integration import compat
from power_edge.pytest_integration.results import DIFF, DIFFERENCES, attached
from power_edge.report.failures import COLOURS, Failure, Group, Piece, block, groups, heading, line
from power_edge.resources import resource

BLOCKS = 30
"""Blocks that a person reads. If there are more, each is one line instead."""
_STATS = ("failed", "error")


class FailureDisplay:
    """Takes the failures of our items out of pytest's summary, and puts them back after it."""

    def __init__(self, reporter: pytest.TerminalReporter, cause: Callable[[str, str], str]) -> None:
        """`cause` takes a node and why its gate is shut: see report/blocked_cause.py."""
        self._reporter = reporter
        self._cause = cause
        self._before: dict[str, list[Any]] = {}
        self._groups: list[Group] = []
        self._style: str = reporter.config.option.tbstyle
        self._cut = False
        self._width = compat.width(reporter)

    @property
    def in_lines(self) -> bool:
        """Whether each failure is one line, and no more."""
        return self._style == "line" or (
            self._style == "auto" and (self._reporter.verbosity < 0 or self._cut)
        )

    def take(self) -> None:
        """Take our failures. With -v and --no-summary all is left to pytest."""
        reporter = self._reporter
        if reporter.verbosity > 0 or reporter.no_summary:
            return
        ours: list[Failure] = []
        for name in _STATS:
            reports = reporter.stats.get(name)
            if not reports:
                continue
            self._before[name] = reports
            failures = [self._failure(report) for report in reports]
            ours += (each for each in failures if each is not None)
            reporter.stats[name] = [
                report for report, each in zip(reports, failures, strict=True) if each is None
            ]
        self._groups = groups(ours, _lead)
        self._cut = len(self._groups) > BLOCKS

    def give_back(self) -> None:
        """Let pytest count all failures."""
        self._reporter.stats.update(self._before)

    def write_blocks(self) -> None:
        """Write each failure in full, or as one line."""
        if self._style == "no":
            return
        title = None
        for group in self._groups:
            colour = {COLOURS[group.outcome]: True}
            if group.outcome is not title:
                title = group.outcome
                self._reporter.write_sep("=", title.value, bold=True, **colour)
            if self.in_lines:
                self._write(line(group, None))
            else:
                title_of = heading(group).removesuffix(":")
                self._reporter.write_sep("_", title_of, bold=True, **colour)
                for each in block(group):
                    self._write(each)
        if self._cut and self._style == "auto" and self._reporter.verbosity == 0:
            self._reporter.write_line("-v shows each in full, power-edge mends NODE the mends")

    def write_lines(self) -> None:
        """Write each failure as one line, unless that was done."""
        if self.in_lines:
            return
        wanted = [each for each in self._groups if self._reporter.hasopt(_letter(each))]
        # Where others failed, pytest has written this line.
        if wanted and not any(map(self._reporter.stats.get, _STATS)):
            self._reporter.write_sep("=", "short test summary info", cyan=True, bold=True)
        for group in wanted:
            self._write(line(group, self._width))

    def _failure(self, report: Any) -> Failure | None:
        item, parts = attached(report), compat.failure_parts(report.longrepr)
        if item is None or parts is None:
            return None
        differences = tuple(getattr(report, DIFFERENCES, ()))
        diff = () if self._reporter.config.option.no_diff else tuple(getattr(report, DIFF, ()))
        shut = item.type == GATE_TYPE and item.outcome == Outcome.BLOCKED.value
        cause = self._cause(item.node, item.why or "") if shut else ""
        return Failure(item, differences, tuple(parts.lines), diff, cause)

    def _write(self, pieces: Iterable[Piece]) -> None:
        self._reporter.ensure_newline()
        for text, markup in pieces:
            self._reporter.write(text, **({markup: True} if markup else {}))
        self._reporter.write("\n")


def _letter(group: Group) -> str:
    """Return the letter of -r that asks for a failure: unknown is an error of pytest's."""
    return "E" if group.outcome is Outcome.UNKNOWN else "f"


def _lead(kind: str) -> str | None:
    return None if kind == GATE_TYPE else resource(kind).lead
