"""Prometheus: the state of the nodes as a textfile for node_exporter.

Gauges of this run, base units, no timestamps of our own, and no observed value as a label: each
drift would be a new series. The catalogue is DESIGN's; a series that says nothing (compliance of
what was not seen) is left out. Every series carries its node, since node_exporter keeps only one of
two series that are equal in two files. It does the same where one series has two HELP texts: they
change with the name alone.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from power_edge import exit_status
from power_edge.atomic_file import write
from power_edge.config import Node
from power_edge.identity.gate import Gate
from power_edge.model import Outcome
from power_edge.report.own_test_name import OWN_TYPE, own_test_name

__all__ = ["Sample", "write_textfile"]

_COMPLIANT = {Outcome.COMPLIANT: 1, Outcome.DRIFT: 0, Outcome.WAIVED: 1}
_LAST_SEEN = "power_edge_last_seen_timestamp_seconds"


class Sample(NamedTuple):
    """One node as this run saw it: `results` as Result.metadata() gives them, the gate's among
    them.
    """

    node: Node
    gate: Gate
    results: Sequence[Mapping[str, Any]]
    stale: bool
    """Judged by an answer that is too old to say whether the node is there, and which machine it
    is.
    """
    observed: float | None
    """When the node itself answered, in seconds since 1970; None where it did not."""
    own: Mapping[str, Outcome] | None
    """The outcomes of the operators' own tests by id, None where there are none."""

    def outcomes(self) -> Iterator[tuple[str, str, Outcome]]:
        """Type, name and outcome of each check, own tests among them."""
        for result in self.results:
            yield result["type"], result["name"], Outcome(result["outcome"])
        for test, outcome in (self.own or {}).items():
            yield OWN_TYPE, own_test_name(self.node.name, test), outcome


def write_textfile(
    file: Path, samples: Sequence[Sample], broken: Sequence[str], started: float, ended: float
) -> None:
    """Write the file so that a reader sees the old one or the new one, whole.

    Raises OSError and leaves the old one.

    `broken` are nodes whose configuration could not be used, the times are in seconds since 1970.
    When a node that did not answer was last seen is taken over from the old file.
    """
    write(file, render(samples, broken, started, ended, last_seen(file)).encode("utf-8"))


def render(
    samples: Sequence[Sample],
    broken: Sequence[str],
    started: float,
    ended: float,
    seen_before: Mapping[str, float],
) -> str:
    """The text of the file; `seen_before` says of nodes when they were last seen by earlier runs."""
    from prometheus_client import (
        CollectorRegistry,
        Gauge,
        generate_latest,
    )  # 40 ms, for runs that write the file

    registry = CollectorRegistry()

    def gauge(name: str, text: str, *labels: str) -> Gauge:
        return Gauge(name, text, ("node", *labels), registry=registry)

    checks = gauge("power_edge_checks", "Checks by outcome.", "type", "outcome")
    compliant = gauge(
        "power_edge_check_compliant",
        "1 where a check is compliant, 0 where it drifted.",
        "type",
        "name",
    )
    reachable = gauge("power_edge_node_reachable", "Whether the node answered.")
    match = gauge(
        "power_edge_identity_match",
        "Whether the node is the machine that its configuration is meant for.",
    )
    info = gauge(
        "power_edge_node_info",
        "The node as its configuration describes it.",
        "site",
        "purpose",
        "identity_hash",
    )
    duration = gauge("power_edge_run_duration_seconds", "How long the run took.")
    last_run = gauge("power_edge_last_run_timestamp_seconds", "When the run ended.")
    last_seen = gauge(_LAST_SEEN, "When the node itself last answered.")
    unusable = gauge(
        "power_edge_config_error", "1 for a node whose configuration could not be used."
    )
    for sample in samples:
        name = sample.node.name
        counts = Counter((kind, outcome) for kind, _, outcome in sample.outcomes())
        kinds = [result["type"] for result in sample.results]
        for kind in dict.fromkeys(kinds if sample.own is None else [*kinds, OWN_TYPE]):
            for outcome in Outcome:
                checks.labels(name, kind, outcome.value).set(counts[kind, outcome])
        for kind, check, outcome in sample.outcomes():
            if outcome in _COMPLIANT:
                compliant.labels(name, kind, check).set(_COMPLIANT[outcome])
        answered = sample.gate.status != exit_status.UNREACHABLE
        if not sample.stale:
            reachable.labels(name).set(answered)
            if answered:
                match.labels(name).set(sample.gate.matches)
        info.labels(name, *_described(sample.node)).set(1)
        duration.labels(name).set(ended - started)
        last_run.labels(name).set(ended)
        unusable.labels(name).set(0)
    for name in broken:
        unusable.labels(name).set(1)
    observed = {name: seen_before[name] for name in broken if name in seen_before}
    observed |= {
        sample.node.name: at
        for sample in samples
        if (at := sample.observed or seen_before.get(sample.node.name)) is not None
    }
    for name, at in observed.items():
        last_seen.labels(name).set(at)
    return generate_latest(registry).decode("utf-8")


def last_seen(file: Path) -> dict[str, float]:
    """When each node of a textfile was last seen, by node; nothing where there is no such file."""
    from prometheus_client.parser import text_string_to_metric_families

    try:
        if not file.is_file():  # reading /dev/stdout or a pipe would wait
            return {}
        # A label may hold all that else ends a line for Python: \r, \x85, U+2028.
        lines = [
            line
            for line in file.read_bytes().decode("utf-8").split("\n")
            if line.startswith(f"{_LAST_SEEN}{{")
        ]
        families = list(text_string_to_metric_families("\n".join(lines) + "\n"))
    except (OSError, ValueError):
        return {}  # no file of ours, and about to be replaced
    return {
        sample.labels["node"]: sample.value
        for family in families
        for sample in family.samples
        if "node" in sample.labels
    }


def _described(node: Node) -> tuple[str, str, str]:
    purpose = node.identity.node.purpose if node.identity is not None else None
    key = node.system_identity.composite_key if node.system_identity is not None else None
    return node.state.metadata.site, purpose or "", key.hash if key is not None else ""
