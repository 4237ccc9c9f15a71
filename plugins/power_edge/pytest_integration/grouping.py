"""Show what hundreds of items have in common once: unknown for one reason (no root, no tool)."""

import copy
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from power_edge.model import Outcome
from power_edge.pytest_integration import compat
from power_edge.pytest_integration.results import attached

SHOWN = 5
"""Items of a node and type that are shown if more are unknown for the same reason. -v shows all."""


def grouped(reports: Sequence[Any]) -> Iterator[Any]:
    """Yield the reports, but of many with the same reason only the first SHOWN.

    The last of these says how many more there are.
    """
    alike: dict[tuple[str, str, str], list[Any]] = defaultdict(list)
    for report in reports:
        if (key := _key(report)) is not None:
            alike[key].append(report)
    large = [group for group in alike.values() if len(group) > SHOWN + 1]
    more = {id(group[SHOWN - 1]): len(group) - SHOWN for group in large}
    hidden = {id(report) for group in large for report in group[SHOWN:]}
    for report in reports:
        if id(report) not in hidden:
            yield _with_count(report, more[id(report)]) if id(report) in more else report


def _key(report: Any) -> tuple[str, str, str] | None:
    item = attached(report)
    if item is None or Outcome(item.outcome) is not Outcome.UNKNOWN:
        return None
    if compat.failure_parts(report.longrepr) is None:
        return None
    # Why an item is demanded is its own.
    demands = "; ".join(dict.fromkeys(each.reason for each in item.reasons or ()))
    return item.node, item.type, (item.why or "").removeprefix(demands).removeprefix("; ")


def _with_count(report: Any, more: int) -> Any:
    item, parts = attached(report), compat.failure_parts(report.longrepr)
    assert item is not None
    assert parts is not None
    note = f"and {more} more of {item.node} for the same reason (-v shows them)"
    twin = copy.copy(report)
    twin.longrepr = compat.failure(
        [*parts.lines, f"  {note}"], parts.file, parts.line, f"{note}: {parts.message}"
    )
    return twin
