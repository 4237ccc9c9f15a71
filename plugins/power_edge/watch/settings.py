"""How a node is watched: watcher.yaml, and the defaults."""

from dataclasses import dataclass, replace

from power_edge.model.generated.watcher_schema import Watcher, Watchers
from power_edge.watch.sources import Source

LOCAL_SWEEP, REMOTE_SWEEP = 5.0, 30.0
"""Seconds between looks at everything: by the sources of the node itself, and over a connection."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All times are in seconds. None stands for no limit.

    `quiet`: the time without an event after which an item is checked; None: what its type says.
    `most_waiting`: events that wait for a check; with one more, everything is checked.
    `most_together`: items that are checked at once. `full`: between checks of everything while the
    sources report each change of all items. `uncovered`: the same while they do not. `doubtful`:
    between checks of the items that are not compliant, since some verdicts change with time alone
    (a service that was restarted counts as running when it has been up for a minute).
    """

    sweep: float = LOCAL_SWEEP
    quiet: float | None = None
    most_waiting: int | None = None
    most_together: int | None = None
    full: float = 300.0
    uncovered: float = REMOTE_SWEEP
    doubtful: float = 10.0
    configured: Watchers | None = None

    def enabled(self, source: Source) -> bool:
        """Whether watcher.yaml leaves a source switched on."""
        section = getattr(self.configured, source.name, None)
        return section is None or section.enabled is not False


def settings(watcher: Watcher | None, *, local: bool) -> Settings:
    """Return the settings of a node. `local`: the watch runs on the node itself.

    Over a connection no source sees the node: everything is checked at intervals.
    """
    handler = watcher.event_handler if watcher is not None else None
    given = handler.sweep_seconds if handler is not None else None
    sweep = float(given) if given is not None else LOCAL_SWEEP if local else REMOTE_SWEEP
    quiet = handler.debounce_ms if handler is not None else None
    chosen = Settings(
        quiet=quiet / 1000 if quiet is not None else None,
        most_waiting=handler.buffer_size if handler is not None else None,
        most_together=handler.batch_size if handler is not None else None,
        configured=watcher.watchers if watcher is not None else None,
    )
    if local:
        return replace(chosen, sweep=sweep)
    return replace(chosen, uncovered=sweep, full=sweep)
