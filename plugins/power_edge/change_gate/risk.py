"""The risk of a change: the highest level of all reasons against it."""

from collections.abc import Iterable, Iterator, Sequence
from enum import IntEnum
from typing import NamedTuple

from power_edge.change_gate.forecast import Forecast
from power_edge.change_gate.rules import Breach, touches
from power_edge.change_gate.sides import Difference
from power_edge.config.node_configs import CONNECTION, FILES, ROLES, SYSTEM_IDENTITY
from power_edge.config.policy import FILE, Policy
from power_edge.model import Outcome

ACCESS = ("access_control", "firewall")
"""Fields that decide who gets into a node."""


class Level(IntEnum):
    """How much care a change needs."""

    LOW = 0
    MEDIUM = 1
    HIGH = 2


class Risk(NamedTuple):
    """A level, and all reasons for one above LOW, the highest first."""

    level: Level
    reasons: tuple[tuple[Level, str], ...]


def risk(
    difference: Difference,
    breaches: Sequence[Breach],
    policy: Policy | None,
    forecasts: Iterable[Forecast],
) -> Risk:
    """Return the risk of a change; docs/gating.md has the same list."""
    found = [
        *_high(difference, breaches, policy),
        *_medium(difference),
        *_of_answers(forecasts),
    ]
    reasons = tuple(sorted(dict.fromkeys(found), key=lambda each: -each[0]))
    return Risk(max((level for level, _ in reasons), default=Level.LOW), reasons)


def _high(
    difference: Difference, breaches: Sequence[Breach], policy: Policy | None
) -> Iterator[tuple[Level, str]]:
    kept = [change for change in difference.changes if not change.of_node]
    paths = {path for change in kept for path in change.paths}
    protected = (policy.declared.protected if policy is not None else None) or ()
    if breaches:
        yield Level.HIGH, "it breaks the policy"
    if any(file.path == FILE for file in difference.files):
        yield Level.HIGH, "it changes the policy"
    if any(touches(pattern, path) for pattern in ACCESS for path in paths):
        yield Level.HIGH, "it changes who gets into a node (access_control, firewall)"
    if any(touches(pattern, path) for pattern in protected for path in paths):
        yield Level.HIGH, "it changes a protected field"
    if any(change.type == SYSTEM_IDENTITY for change in kept):
        yield Level.HIGH, "it changes which machine a node is (system-identity.yaml)"
    if difference.removed:
        yield Level.HIGH, "a node is removed, so it is no longer checked"
    touched = difference.touched
    if len(touched) > 1 and 2 * len(touched) > len(difference.pairs):
        yield Level.HIGH, "it touches more than half of all nodes"


def _medium(difference: Difference) -> Iterator[tuple[Level, str]]:
    known = set(difference.touched)
    environments = {
        node.state.metadata.environment
        for pair in difference.pairs
        if pair.name in known
        for node in (pair.before, pair.now)
        if node is not None
    }
    if "production" in environments:
        yield Level.MEDIUM, "it touches a production node"
    if difference.roles:
        yield Level.MEDIUM, "it changes what a role demands"
    if any(pair.is_renamed for pair in difference.pairs):
        yield Level.MEDIUM, "a node gets another name"
    if any(change.type == CONNECTION for change in difference.changes):
        yield Level.MEDIUM, "it changes how a node is reached (connection.yaml)"
    if any(is_other(file.path) for file in difference.files):
        yield Level.MEDIUM, "it changes files that are not declarations, such as tests, which run"


def is_other(path: str) -> bool:
    """Whether a file below node-configs/ declares nothing: a test, a note, or a stray file."""
    *_, folder, name = path.split("/")
    return path != FILE and name not in FILES and not (folder == ROLES and name.endswith(".yaml"))


def _of_answers(forecasts: Iterable[Forecast]) -> Iterator[tuple[Level, str]]:
    for forecast in forecasts:
        results = [result for _, result in forecast.results]
        if any(result.mend_cuts for result in results):
            yield Level.HIGH, "a command that ends a drift could cut the way to a node"
        if any(result.outcome is Outcome.DRIFT for result in results):
            yield Level.MEDIUM, "nodes drift once it is merged"
        if forecast.why is not None or any(
            result.outcome is not Outcome.DRIFT and result.outcome is not Outcome.COMPLIANT
            for result in results
        ):
            yield Level.MEDIUM, "what it does to some nodes is unknown"
