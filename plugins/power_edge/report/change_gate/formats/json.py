"""For programs: one JSON object."""

import json
from collections.abc import Mapping

from power_edge.change_gate.change import Change, Field, Group
from power_edge.change_gate.forecast import Forecast
from power_edge.change_gate.judgement import Judgement
from power_edge.model import Source
from power_edge.report.shell_line import shell_line
from power_edge.text import printable_json


def render(judgement: Judgement) -> str:
    """Return the object. Secrets have neither value."""
    text = json.dumps(_object(judgement), ensure_ascii=False, indent=2, default=str)
    return f"{printable_json(text)}\n"


def _object(judgement: Judgement) -> Mapping[str, object]:
    difference = judgement.difference
    return {
        "passes": judgement.passes,
        "risk": judgement.risk.level.name.lower(),
        "risk_reasons": [
            {"level": level.name.lower(), "why": why} for level, why in judgement.risk.reasons
        ],
        "bump": judgement.bump,
        "base": judgement.base._asdict(),
        "author": judgement.actor.label,
        "policy": judgement.policy is not None,
        "nodes": list(difference.touched),
        "nodes_added": list(difference.added),
        "nodes_removed": list(difference.removed),
        "nodes_renamed": [
            {"was": pair.before.name, "is": pair.name}
            for pair in difference.pairs
            if pair.is_renamed and pair.before is not None
        ],
        "nodes_unusable_in_base": list(difference.broken),
        "roles": [
            {"role": role.name, "what": role.what, **_place(role.source)}
            for role in difference.roles
        ],
        "changes": [_group(group) for group in judgement.groups],
        "files": [{"path": each.path, "kind": each.kind} for each in difference.files],
        "elsewhere": list(judgement.elsewhere),
        "breaches": [
            {
                "rule": breach.rule,
                "message": breach.message,
                **_place(breach.source),
                "policy": _place(breach.policy),
                "lift": breach.lift,
            }
            for breach in judgement.breaches
        ],
        "forecasts": None
        if judgement.forecasts is None
        else [_forecast(each) for each in judgement.forecasts],
    }


def _group(group: Group) -> Mapping[str, object]:
    first = group.first
    return {
        "type": first.type,
        "name": first.name,
        "kind": first.kind,
        "fields": [_field(field) for field in first.fields],
        "role": first.role,
        "reasons": list(first.reasons),
        "nodes": list(group.nodes),
        **_place(first.source),
    }


def _field(field: Field) -> Mapping[str, object]:
    if field.secret:
        return {"field": field.name, "secret": True}
    return {"field": field.name, "was": field.was, "is": field.now}


def _forecast(forecast: Forecast) -> Mapping[str, object]:
    return {
        "node": forecast.node,
        "unknown": forecast.why,
        "items": [
            {**_item(change), "outcome": result.outcome, "mend": shell_line(result.remedy)}
            for change, result in forecast.results
        ],
    }


def _item(change: Change) -> Mapping[str, object]:
    return {"type": change.type, "name": change.name}


def _place(source: Source) -> Mapping[str, object]:
    return {"file": source.file, "line": source.line}
