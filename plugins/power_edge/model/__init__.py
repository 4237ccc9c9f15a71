"""The data that all other packages share: items, observations, findings, results."""

from power_edge.model.item import Item, Problem, Reason, Source
from power_edge.model.outcome import (
    Finding,
    Outcome,
    Value,
    agrees,
    compare,
    drifts,
    finding,
    undecided,
)
from power_edge.model.remedy import NOTHING, Command, Remedy
from power_edge.model.resource import (
    Entry,
    FactFields,
    NotObserved,
    Observations,
    ResourceType,
    Triggers,
)
from power_edge.model.result import Result

__all__ = [
    "NOTHING",
    "Command",
    "Entry",
    "FactFields",
    "Finding",
    "Item",
    "NotObserved",
    "Observations",
    "Outcome",
    "Problem",
    "Reason",
    "Remedy",
    "ResourceType",
    "Result",
    "Source",
    "Triggers",
    "Value",
    "agrees",
    "compare",
    "drifts",
    "finding",
    "undecided",
]
