"""Prometheus: the state of the nodes as a textfile for node_exporter.

Gauges of this run, base units, no timestamps of our own, and no observed value as a label: each drift would be a new series. The catalogue is
DESIGN's; a series that says nothing (compliance of what was not seen) is left out.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from power_edge import gate
from power_edge.config import Node
from power_edge.gate import Gate
from power_edge.model import Outcome
from power_edge.whole import write

__all__ = ["Sample", "render", "write_textfile"]

_COMPLIANT = {Outcome.COMPLIANT.value: 1, Outcome.DRIFT.value: 0, Outcome.WAIVED.value: 1}


class Sample(NamedTuple):
    """One node as this run saw it: `results` as Result.metadata() gives them, the gate's among them."""

    node: Node
    gate: Gate
    results: Sequence[Mapping[str, Any]]
    stale: bool = False
    """Judged by an answer that is too old to say whether the node is there, and which machine it is."""


def render(samples: Iterable[Sample], broken: Iterable[str], started: float, ended: float) -> str:
    """The text of the file; `broken` are nodes whose configuration could not be used, the times in seconds since 1970."""
    from prometheus_client import CollectorRegistry, Gauge, generate_latest  # 40 ms, for runs that write the file

    registry = CollectorRegistry()
    checks = Gauge("power_edge_checks", "Checks by outcome.", ["node", "type", "outcome"], registry=registry)
    compliant = Gauge("power_edge_check_compliant", "1 where a check is compliant, 0 where it drifted.", ["node", "type", "name"], registry=registry)
    reachable = Gauge("power_edge_node_reachable", "Whether the node answered.", ["node"], registry=registry)
    match = Gauge("power_edge_identity_match", "Whether the node is the machine that its configuration is meant for.", ["node"], registry=registry)
    info = Gauge(
        "power_edge_node_info", "The node as its configuration describes it.", ["node", "site", "purpose", "identity_hash"], registry=registry
    )
    for sample in samples:
        name = sample.node.name
        counts = Counter((result["type"], result["outcome"]) for result in sample.results)
        for kind in {result["type"] for result in sample.results}:
            for outcome in Outcome:
                checks.labels(name, kind, outcome.value).set(counts[kind, outcome.value])
        for result in sample.results:
            if result["outcome"] in _COMPLIANT:
                compliant.labels(name, result["type"], result["name"]).set(_COMPLIANT[result["outcome"]])
        answered = sample.gate.status != gate.UNREACHABLE
        if not sample.stale:
            reachable.labels(name).set(answered)
            if answered:
                match.labels(name).set(sample.gate.matches)
        info.labels(name, *_described(sample.node)).set(1)
    _single(registry, "power_edge_run_duration_seconds", "How long the run took.", ended - started)
    _single(registry, "power_edge_last_run_timestamp_seconds", "When the run ended.", ended)
    unusable = Gauge("power_edge_config_error", "1 for a node whose configuration could not be used.", ["node"], registry=registry)
    for name in broken:
        unusable.labels(name).set(1)
    return generate_latest(registry).decode("utf-8")


def _described(node: Node) -> tuple[str, str, str]:
    purpose = node.identity.node.purpose if node.identity is not None else None
    key = node.system_identity.composite_key if node.system_identity is not None else None
    return node.state.metadata.site, purpose or "", key.hash if key is not None else ""


def _single(registry: Any, name: str, text: str, value: float) -> None:
    from prometheus_client import Gauge

    Gauge(name, text, registry=registry).set(value)


def write_textfile(file: Path, text: str) -> None:
    """Write the file so that a reader sees the old one or the new one, whole. Raises OSError and leaves the old one."""
    write(file, text.encode("utf-8"))
