"""From the sections of an answer to observations, by resource type."""

from collections.abc import Mapping, Sequence
from typing import Any

from power_edge.model import Item, NotObserved, Observations, ResourceType
from power_edge.probing.framing import Answer, Output

LONGEST_SECTION = 16 << 20
"""Bytes of one section that are parsed: that takes up to 45 times the memory. 300,000 networks in
nft's JSON have as many.
"""


def observe(
    kind: ResourceType[Any, Any], items: Sequence[Item], answer: Answer
) -> Observations | NotObserved:
    """Return the observations of one type, by the key of the item.

    An item whose section failed is NotObserved with the reason; one that no section mentions is
    left out.
    """
    outputs = [
        output for name, output in answer.outputs.items() if name.rpartition(".")[0] == kind.name
    ]
    if not outputs:
        return NotObserved("not in the answer" if answer.complete else "the answer is incomplete")
    observed: dict[str, object] = {}
    failures = []
    for output in outputs:
        part = parsed(kind, output)
        if isinstance(part, NotObserved):
            failures.append(part.why)
        else:
            observed.update(part)
    if not (kind.whole or kind.lists_all):
        observed = {
            item.key: observed[item.key] for item in items if item.key in observed
        }  # the rest was not asked for, and may be any amount
    if not failures:
        return observed
    if kind.whole or kind.lists_all:
        return NotObserved(failures[0])
    return _with_reason(observed, items, NotObserved(failures[0]))


def parsed(kind: ResourceType[Any, Any], output: Output) -> Observations | NotObserved:
    """Return the observations of one section of a type's probe, or why there are none."""
    failure = output.failure()
    if failure is None and len(output.stdout) > LONGEST_SECTION:
        failure = f"the probe's answer is longer than {LONGEST_SECTION >> 20} MiB"
    if failure is None:
        try:
            return kind.parse(output.stdout)
        # The node may be broken, or hostile: no answer may end the run.
        except Exception as error:
            failure = f"the probe's answer was not understood: {error}"
    return NotObserved(failure)


def _with_reason(
    observed: Mapping[str, object], items: Sequence[Item], reason: NotObserved
) -> Observations:
    return {**{item.key: reason for item in items}, **observed}
