"""The watch for Prometheus: the series of a run, and those of the watch itself. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

from power_edge.report.prometheus import Timing, series
from power_edge.watch.outputs.view import BOUNDS, History, View, node_report
from power_edge.watch.supervisor import Health

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_EVENTS = "power_edge_watch_events_total"
_LOST = "power_edge_watch_events_lost_total"
_UP = "power_edge_watch_source_up"
_DETECTION = "power_edge_drift_detection_seconds"
_HELP: Mapping[str, str] = {
    _EVENTS: "Events that a source reported.",
    _LOST: "Events that a source lost, as far as it is known. A full check follows each loss.",
    _UP: "Whether a source reports events.",
    _DETECTION: "Seconds from an event to the verdict that an item drifted.",
}
"""HELP texts change only together with the name (see report/prometheus.py)."""


def render(views: Sequence[View], broken: Sequence[str], seen_before: Mapping[str, float]) -> str:
    """Return all series as text.

    A node has the series of a run once all its items were checked. `broken` are nodes whose
    configuration could not be used when the watch began. `seen_before`: node -> when it last
    answered an earlier run or watch.
    """
    from prometheus_client import generate_latest

    checked = [
        (report, Timing(view.state.full_seconds or 0.0, view.state.last_full))
        for view in views
        if view.state.last_full is not None and (report := node_report(view)) is not None
    ]
    refused = [view.node.name for view in views if view.config_error is not None]
    registry = series(
        [report for report, _ in checked],
        [*broken, *refused],
        {report.node.name: timing for report, timing in checked},
        seen_before,
    )
    registry.register(_Watch(views))
    return generate_latest(registry).decode("utf-8")


class _Watch:
    """A collector: the series of the watch itself, made from views."""

    def __init__(self, views: Sequence[View]) -> None:
        self._views = views

    def collect(self) -> "Iterator[Metric]":
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        labels = ("node", "source")
        # The client library adds _total to the name of a counter.
        events = CounterMetricFamily(_EVENTS.removesuffix("_total"), _HELP[_EVENTS], labels=labels)
        lost = CounterMetricFamily(_LOST.removesuffix("_total"), _HELP[_LOST], labels=labels)
        up = GaugeMetricFamily(_UP, _HELP[_UP], labels=labels)
        for node, source in self._sources():
            events.add_metric((node, source.name), source.events)
            lost.add_metric((node, source.name), source.lost)
            up.add_metric((node, source.name), source.up)
        yield from (events, lost, up, self._detection())

    def _sources(self) -> Iterator[tuple[str, Health]]:
        for view in self._views:
            for source in view.sources:
                yield view.node.name, source

    def _detection(self) -> "Metric":
        from prometheus_client.core import HistogramMetricFamily

        family = HistogramMetricFamily(_DETECTION, _HELP[_DETECTION], labels=("node",))
        for view in self._views:
            family.add_metric(
                (view.node.name,), buckets(view.history), view.history.detection_seconds
            )
        return family


def buckets(history: History) -> list[tuple[str, float]]:
    """Return the buckets of a histogram: upper bound, and how many detections took at most that."""
    bounds = [*map(str, BOUNDS), "+Inf"]
    counts = map(float, accumulate(history.detections))
    return list(zip(bounds, counts, strict=True))
