"""Adopt the drift of an item that is judged by itself."""

from collections.abc import Iterator, Mapping
from typing import Any

from power_edge.checking.evaluate import judge
from power_edge.config import ConfigError
from power_edge.discover.sections import items
from power_edge.model import Outcome, ResourceType, Result
from power_edge.reconcile.proposals import (
    Adopted,
    NotAdopted,
    Proposal,
    change,
    drifts,
    nothing_holds,
    removal,
)
from power_edge.resources import discovery
from power_edge.yaml_edit.edit import Put, YamlPath


def adopt_item(
    kind: ResourceType[Any, Any], result: Result, path: YamlPath, value: Any, observed: Any
) -> Adopted | NotAdopted:
    """Return the edits that make a drifted item true of what was observed.

    `value` is the item as the file has it, at `path`. A thing that is gone is removed. Of the
    declarations that are true, the one closest to the file is taken.
    """
    item = result.item
    forms = list(discovery(kind.name).forms(item.name, observed))
    secrets = [finding.field for finding in drifts(result) if finding.secret]
    if forms and secrets:
        return NotAdopted(
            item,
            f"{' and '.join(secrets)} of a secret differs: its new value is not shown, "
            "so declare it by hand",
        )
    if not forms or kind.fact(observed) is None:
        return removal(path, result).adopt(item)
    is_mapping = kind.key is not None  # else the value itself, below the item's name
    declared = value if is_mapping else {"value": value}
    for candidate in _closest(declared, result, forms):
        try:
            proposal = change(path, declared, candidate)
            section = [candidate] if is_mapping else {item.name: candidate["value"]}
            (new, _), *_ = items(kind, section)
        except (ConfigError, KeyError, ValueError):
            continue  # what was observed need not be a word that can be declared
        if judge(kind, new, {new.key: observed}).outcome is Outcome.COMPLIANT:
            if not is_mapping:
                proposal = Proposal((Put(path, candidate["value"]),), proposal.summary)
            return proposal.adopt(item)
    return nothing_holds(result)


def _closest(
    declared: Mapping[str, Any], result: Result, forms: list[Mapping[str, Any]]
) -> Iterator[dict[str, Any]]:
    """Yield declarations that may be true, those first that change the least and assert the most.

    `forms` are complete declarations of what was observed, best first. Fields that did not drift
    stay as declared.
    """
    actual = {finding.field: finding.actual for finding in drifts(result)}
    observed = {field: value for field, value in actual.items() if value is not None}

    def with_values(values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the declaration with these values; drifted fields without one are left out."""
        kept = {
            field: values.get(field, value)
            for field, value in declared.items()
            if field not in actual or field in values
        }
        return {**kept, **{field: value for field, value in values.items() if field not in kept}}

    from_forms = [{field: form[field] for field in actual if field in form} for form in forms]
    yield with_values(observed)
    for values in from_forms:
        yield with_values({**observed, **values})
    # One field in place of another: a hash in place of a content.
    for form, values in zip(forms, from_forms, strict=True):
        for field in form:
            if field not in declared:
                yield with_values({**values, field: form[field]})
    for values in from_forms:
        yield with_values(values)
    yield with_values({})
