"""What a report format gets at the end of a run."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from power_edge.report.node_report import NodeReport


@dataclass(frozen=True, kw_only=True, slots=True)
class RunReport:
    """A finished run about nodes."""

    status: int
    """The exit status of the run."""
    started: float
    """When it began, in seconds since 1970."""
    nodes: Sequence[NodeReport]
    """The nodes with a selected item that answered, or whose deadline is over."""
    broken: Sequence[str]
    """Names of the selected nodes whose configuration could not be used."""
    incomplete: str | None
    """Why this run says too little of its nodes to replace what an earlier run said of them; None
    if it is complete.
    """
    note: Callable[[str], None]
    """Print a line at the end of the run."""
    could_not_write: Callable[[Path, OSError], None]
    """Print that a file could not be written, and let the run fail."""
