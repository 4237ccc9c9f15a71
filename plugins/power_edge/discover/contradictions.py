"""Where a state.yaml differs from the machine as it was discovered. Pure."""

from collections.abc import Iterable, Iterator
from shlex import quote

from power_edge.checking.evaluate import judge
from power_edge.config.state import State
from power_edge.discover.sections import Section
from power_edge.model import Outcome, Value
from power_edge.resources import resource
from power_edge.yaml_edit.writer import flow


def contradictions(state: State, sections: Iterable[Section]) -> Iterator[str]:
    """Yield a line for each field of an item that is drift, and a last one with what to do.

    Only things that the discovery looked at are compared; a check looks at every item.
    """
    observed = {section.type: section.observations for section in sections}
    found = False
    for item in state.items:
        kind = resource(item.type)
        observations = observed.get(item.type, {})
        if ("" if kind.whole else item.key) not in observations:
            continue
        for finding in judge(kind, item, observations).findings:
            if finding.outcome is Outcome.DRIFT:
                found = True
                yield (
                    f"differs: {item.type}[{item.name}] {finding.field}:"
                    f" {_yaml(finding.expected)} is declared, {_yaml(finding.actual)} was found"
                )
    if found:
        name = quote(state.items[0].node)
        yield f"state.yaml stays as it is; to accept what was found: power-edge adopt {name}"


def _yaml(value: Value) -> str:
    """Return a value as an operator writes it in state.yaml."""
    try:
        return flow([*value] if isinstance(value, tuple) else value)
    except ValueError:  # bytes that no file can contain
        return repr(value)
