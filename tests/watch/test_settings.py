"""How often a node is looked at: watcher.yaml, and what holds without it."""

import pytest

from power_edge.model.generated.watcher_schema import EventHandler, Watcher, Watchers
from power_edge.watch.settings import Settings, settings


def watcher(sweep: int | None) -> Watcher:
    handler = EventHandler(sweep_seconds=sweep, debounce_ms=200, buffer_size=7, batch_size=3)
    return Watcher(version="1.0", watchers=Watchers(enabled=True), event_handler=handler)


def seconds(found: Settings) -> tuple[float, float, float]:
    return found.sweep, found.uncovered, found.full


@pytest.mark.parametrize(
    ("given", "local", "expected"),
    [
        (None, True, (5, 30, 300)),
        (2, True, (2, 30, 300)),
        (None, False, (5, 30, 30)),
        (2, False, (5, 2, 2)),
    ],
)
def test_over_a_connection_a_sweep_checks_everything(
    given: int | None, expected: tuple[float, float, float], *, local: bool
) -> None:
    assert seconds(settings(watcher(given), local=local)) == expected
    if given is None:
        assert seconds(settings(None, local=local)) == expected


def test_what_watcher_yaml_says_of_events_holds() -> None:
    found = settings(watcher(None), local=True)
    assert (found.quiet, found.most_waiting, found.most_together) == (0.2, 7, 3)
