"""Wait for a machine."""

import sys

from power_edge.probing.framing import Answer
from power_edge.probing.parallel import Pending


def wait_for(pending: Pending) -> Answer:
    """Wait for an answer; after a second, say on a terminal what is awaited.

    Raises Unreachable.
    """
    if sys.stderr.isatty() and not pending.is_done_within(1.0):
        from rich.console import Console

        with Console(stderr=True).status(f"reading the machine, at most {pending.limit:.0f} s"):
            return pending.answer()
    return pending.answer()
