"""Prometheus: the state of the nodes as a textfile for node_exporter. The watch adds its own series
to these (watch/outputs/metrics.py).

Gauges of this run in base units, without timestamps. No observed value is a label, since each drift
would be a new series. DESIGN.md lists the series. A series that says nothing (compliance of what
was not observed) is left out. Every series carries its node: if two files hold equal series,
node_exporter keeps one of them. It does the same for a series with two HELP texts, so these change
only together with the name.
"""

import errno
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from power_edge import exit_status
from power_edge.atomic_file import write
from power_edge.config import Node
from power_edge.identity.identifiers import ANY_MACHINE, expected
from power_edge.model import Outcome
from power_edge.report.node_report import NodeReport
from power_edge.report.own_test_name import OWN_TYPE

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry, Gauge

_COMPLIANT = {Outcome.COMPLIANT: 1, Outcome.DRIFT: 0, Outcome.WAIVED: 1}
_LAST_SEEN = "power_edge_last_seen_timestamp_seconds"
_CONFIG_ERROR = "power_edge_config_error"
"""The series that each node has."""
_SERIES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "power_edge_checks": ("Checks by outcome.", ("type", "outcome")),
    "power_edge_check_compliant": (
        "1 where a check is compliant, 0 where it drifted.",
        ("type", "name"),
    ),
    "power_edge_node_reachable": ("Whether the node answered.", ()),
    "power_edge_identity_match": (
        "Whether the node is the machine that its configuration is meant for.",
        (),
    ),
    "power_edge_node_info": (
        "The node as its configuration describes it.",
        ("site", "purpose", "identity_hash"),
    ),
    "power_edge_run_duration_seconds": ("How long the run took.", ()),
    "power_edge_last_run_timestamp_seconds": ("When the run ended.", ()),
    _LAST_SEEN: ("When the node itself last answered.", ()),
    _CONFIG_ERROR: ("1 for a node whose configuration could not be used.", ()),
}
"""Series -> HELP text, and labels beside the node; in the order of the file."""


class Timing(NamedTuple):
    """How long the check of all items of a node took, and when it ended, in seconds since 1970."""

    duration: float
    ended: float


def write_textfile(
    file: Path, nodes: Sequence[NodeReport], broken: Sequence[str], started: float, ended: float
) -> None:
    """Write the file atomically: a reader gets the old one or the new one, whole.

    `broken` are nodes whose configuration could not be used. Times are in seconds since 1970. For a
    node that did not answer, the old file's time of its last answer is kept.

    Raises OSError and leaves the old file.
    """
    text = render(nodes, broken, started, ended, last_seen(file))
    refuse_a_second(file, text)
    write(file, text.encode("utf-8"))


def refuse_a_second(file: Path, text: str) -> None:
    """Raise OSError if another file of the folder has series of a node of this text.

    node_exporter keeps one of two equal series, and so a check that has stopped could hide this
    one.
    """
    nodes = _values(text, _CONFIG_ERROR)
    for other in sorted(file.parent.glob("*.prom")) if file.suffix == ".prom" else ():
        if other.name != file.name and (
            both := nodes.keys() & _values(_read(other), _CONFIG_ERROR)
        ):
            raise OSError(
                errno.EEXIST,
                f"{other.name} beside it has series of node {min(both)}, and node_exporter keeps"
                " one of two: remove that file, or write this one to another folder",
            )


def render(
    nodes: Sequence[NodeReport],
    broken: Sequence[str],
    started: float,
    ended: float,
    seen_before: Mapping[str, float],
) -> str:
    """Return the text of the file. `seen_before`: node -> when it last answered an earlier run."""
    from prometheus_client import generate_latest

    timing = Timing(ended - started, ended)
    times = {each.node.name: timing for each in nodes}
    return generate_latest(series(nodes, broken, times, seen_before)).decode("utf-8")


def series(
    nodes: Sequence[NodeReport],
    broken: Sequence[str],
    timings: Mapping[str, Timing],
    seen_before: Mapping[str, float],
) -> "CollectorRegistry":
    """Return the series of these nodes. `timings` has each of them by name.

    A node may be in `nodes` and in `broken`: checked by an older configuration than the present
    one, which cannot be used.
    """
    # 40 ms to import, for runs that write the file
    from prometheus_client import CollectorRegistry, Gauge

    registry = CollectorRegistry()
    gauges = {
        name: Gauge(name, text, ("node", *labels), registry=registry)
        for name, (text, labels) in _SERIES.items()
    }
    for each in nodes:
        timing = timings[each.node.name]
        _set_checks(gauges, each)
        _set_node(gauges, each)
        gauges["power_edge_run_duration_seconds"].labels(each.node.name).set(timing.duration)
        gauges["power_edge_last_run_timestamp_seconds"].labels(each.node.name).set(timing.ended)
    for name in broken:
        gauges[_CONFIG_ERROR].labels(name).set(1)
    times = {name: seen_before[name] for name in broken if name in seen_before}
    for each in nodes:
        at = each.observed or seen_before.get(each.node.name)
        if at is not None:
            times[each.node.name] = at
    for name, at in times.items():
        gauges[_LAST_SEEN].labels(name).set(at)
    return registry


def _set_checks(gauges: Mapping[str, "Gauge"], report: NodeReport) -> None:
    name = report.node.name
    outcomes = list(report.outcomes())
    counts = Counter((kind, outcome) for kind, _, outcome in outcomes)
    kinds = [result.type for result in report.results]
    for kind in dict.fromkeys(kinds if report.own is None else [*kinds, OWN_TYPE]):
        for outcome in Outcome:
            gauges["power_edge_checks"].labels(name, kind, outcome.value).set(counts[kind, outcome])
    compliant = dict[tuple[str, str], int]()
    for kind, check, outcome in outcomes:
        if outcome in _COMPLIANT:
            # Two own tests may have one name here. The one that fails counts.
            compliant[kind, check] = min(_COMPLIANT[outcome], compliant.get((kind, check), 1))
    for (kind, check), value in compliant.items():
        gauges["power_edge_check_compliant"].labels(name, kind, check).set(value)


def _set_node(gauges: Mapping[str, "Gauge"], report: NodeReport) -> None:
    name = report.node.name
    if not report.stale:
        answered = report.gate.status != exit_status.UNREACHABLE
        gauges["power_edge_node_reachable"].labels(name).set(answered)
        if answered:
            gauges["power_edge_identity_match"].labels(name).set(report.gate.matches)
    gauges["power_edge_node_info"].labels(name, *_described(report.node)).set(1)
    gauges[_CONFIG_ERROR].labels(name).set(0)


def last_seen(file: Path) -> dict[str, float]:
    """Return when each node of a textfile last answered, by node. Empty if there is no file."""
    return _values(_read(file), _LAST_SEEN)


def _read(file: Path) -> str:
    """Return the text of a file; "" for one that is not ours."""
    try:
        # reading /dev/stdout or a pipe would wait
        return file.read_bytes().decode("utf-8") if file.is_file() else ""
    except (OSError, ValueError):
        return ""


def _values(text: str, series: str) -> dict[str, float]:
    """Return the value of a series for each node in the text of a file. Empty if it is not ours."""
    from prometheus_client.parser import text_string_to_metric_families

    # A label may hold characters that end a line for str.splitlines: \r, \x85, U+2028.
    lines = [line for line in text.split("\n") if line.startswith(f"{series}{{")]
    try:
        families = list(text_string_to_metric_families("\n".join(lines) + "\n"))
    except ValueError:
        return {}
    return {
        sample.labels["node"]: sample.value
        for family in families
        for sample in family.samples
        if "node" in sample.labels
    }


def _described(node: Node) -> tuple[str, str, str]:
    """Return the labels of power_edge_node_info: site, purpose, identity hash."""
    purpose = node.identity.node.purpose if node.identity is not None else None
    on_file = expected(node.system_identity) if node.system_identity is not None else ANY_MACHINE
    return node.state.metadata.site or "", purpose or "", on_file.hash_on_file or ""
