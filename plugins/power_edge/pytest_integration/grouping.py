"""What hundreds of items have in common is told once: unknown for one reason (no root, a tool that
is not there).
"""

import copy
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from power_edge.model import Outcome
from power_edge.pytest_integration.longrepr import failure

SHOWN = 5
"""Items of a node and type that are shown in full where more are unknown for the same reason; -v
shows all.
"""


def folded(reports: Sequence[Any]) -> Iterator[Any]:
    """The reports, but of many that are unknown for the same reason the first few, the last of
    which says how many more there are.
    """
    alike: dict[tuple[str, str, str | None], list[Any]] = defaultdict(list)
    for report in reports:
        if (key := _key(report)) is not None:
            alike[key].append(report)
    last = {
        id(group[SHOWN - 1]): len(group) - SHOWN
        for group in alike.values()
        if len(group) > SHOWN + 1
    }
    hidden = {
        id(report) for group in alike.values() if len(group) > SHOWN + 1 for report in group[SHOWN:]
    }
    for report in reports:
        if id(report) not in hidden:
            yield _with_count(report, last[id(report)]) if id(report) in last else report


def _key(report: Any) -> tuple[str, str, str | None] | None:
    metadata = getattr(report, "power_edge", None)
    if (
        metadata is None
        or metadata["outcome"] != Outcome.UNKNOWN
        or not hasattr(report.longrepr, "reprcrash")
    ):
        return None
    return metadata["node"], metadata["type"], metadata["why"]


def _with_count(report: Any, more: int) -> Any:
    crash, entry = report.longrepr.reprcrash, report.longrepr.reprtraceback.reprentries[0]
    told = f"and {more} more of {report.power_edge['node']} for the same reason (-v shows them)"
    twin = copy.copy(report)
    twin.longrepr = failure(
        [*(line.rstrip("\n") for line in entry.lines), f"  {told}"],
        crash.path,
        crash.lineno,
        f"{told}: {crash.message}",
    )
    return twin
