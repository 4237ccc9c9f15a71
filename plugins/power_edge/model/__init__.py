"""The words that everything else speaks: items, observations, findings, results. Imports nothing of ours."""

from power_edge.model.item import Item, Problem, Source
from power_edge.model.outcome import Finding, Outcome, agrees, compare, drifts, undecided
from power_edge.model.resource import Entry, Observations, ResourceType, Unseen
from power_edge.model.result import Result

__all__ = [
    "Entry",
    "Finding",
    "Item",
    "Observations",
    "Outcome",
    "Problem",
    "ResourceType",
    "Result",
    "Source",
    "Unseen",
    "agrees",
    "compare",
    "drifts",
    "undecided",
]
