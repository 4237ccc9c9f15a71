"""The record of a result: the fields of the report schema, in values that every format can hold."""

import json

import pytest
from jsonschema_rs import Draft202012Validator

from power_edge.config import schema
from power_edge.model import Finding, Item, Outcome, Remedy, Result, Source, Value, agrees, drifts
from power_edge.report.record import as_json, from_json, record
from power_edge.report.terminal import block, differences, headline

ITEM = Item(
    "rig",
    "things",
    "A",
    "a",
    None,
    {"state": "running", "enabled": True},
    (Source("node-configs/rig/state.yaml", 7), Source("node-configs/rig/identity.yaml", 9)),
)
STOPPED, ENABLED = drifts("state", "running", "stopped"), agrees("enabled", True, True)
RESULTS = {
    "compliant": Result(ITEM, Outcome.COMPLIANT, (agrees("state", "running", "running"), ENABLED)),
    "drift": Result(
        ITEM,
        Outcome.DRIFT,
        (STOPPED, ENABLED),
        "it failed",
        Remedy((("systemctl", "start", "a b"),), cuts=True, advice="then look"),
        ("allow 23/tcp from any",),
    ),
    "unknown": Result(ITEM, Outcome.UNKNOWN, (), "needs root"),
    "blocked": Result(ITEM, Outcome.BLOCKED, (), "unreachable"),
    "waived": Result(ITEM, Outcome.WAIVED, (STOPPED,)),
}


@pytest.mark.parametrize("outcome", RESULTS)
def test_a_record_fits_the_schema_and_survives_json(outcome: str) -> None:
    item = record(RESULTS[outcome])
    text = json.dumps(as_json(item))
    assert from_json(json.loads(text)) == item
    assert item.outcome == outcome
    report = {"power_edge": {}, "tests": [{"metadata": {"power_edge": json.loads(text)}}]}
    Draft202012Validator(schema("report")).validate(report)


def test_a_sentence_beside_a_command_is_a_note() -> None:
    lines = block(RESULTS["drift"]).split("\n")
    assert "  mend     systemctl start 'a b'" in lines
    assert lines[-1] == "  note     then look"
    alone = RESULTS["drift"]._replace(remedy=Remedy(advice="look"))
    assert block(alone).split("\n")[-1] == "  by hand  look"


def test_all_fields() -> None:
    assert as_json(record(RESULTS["drift"])) == {
        "node": "rig",
        "type": "things",
        "name": "A",
        "outcome": "drift",
        "expected": {"state": "running", "enabled": True},
        "actual": {"state": "stopped", "enabled": True},
        "why": "it failed",
        "source": "node-configs/rig/state.yaml:7",
        "mend": "systemctl start 'a b'",
        "mend_cuts": True,
        "advice": "then look",
        "extra": ["allow 23/tcp from any"],
    }


def test_fields_that_are_not_set_are_left_out_or_null() -> None:
    found = as_json(record(RESULTS["unknown"]))
    assert found["actual"] == {"state": None, "enabled": None}
    assert found["mend"] is None
    assert not {"mend_cuts", "advice", "extra"} & found.keys()
    assert as_json(record(RESULTS["blocked"]))["actual"] is None


def test_a_finding_says_what_of_a_secret_is_shown() -> None:
    hidden = Finding("state", Outcome.DRIFT, "(secret)", "(another)", secret=True)
    found = record(Result(ITEM, Outcome.DRIFT, (hidden,)))
    assert (found.expected["state"], (found.actual or {})["state"]) == ("(secret)", "(another)")


def test_values_become_what_every_format_can_hold() -> None:
    class Word(str):
        __slots__ = ()

    nested: Value = {
        "text": Word("x"),
        "bytes": "a\udcff\udc80",
        "tuple": ("a", None),
        "map": {"1": 2.5},
        "flag": True,
    }
    metadata = as_json(
        record(Result(ITEM, Outcome.DRIFT, (drifts("state", "running", nested), ENABLED)))
    )
    assert metadata["actual"]["state"] == {
        "text": "x",
        "bytes": "a\\xff\\x80",
        "tuple": ["a", None],
        "map": {"1": 2.5},
        "flag": True,
    }
    assert type(metadata["actual"]["state"]["text"]) is str
    assert type(metadata["outcome"]) is str


@pytest.mark.parametrize(
    ("finding", "line", "short"),
    [
        (
            drifts("state", "running", "stopped", "it failed"),
            "state: running expected, stopped observed",
            "state: running -> stopped",
        ),
        # The values alone would not say what is wrong.
        (
            drifts("action", "allow", "allow", "its answers are dropped\x1b"),
            "action: its answers are dropped\\x1b",
            "action: its answers are dropped\\x1b",
        ),
        (drifts("a", "b", "b"), "a: b expected, b observed", "a: b -> b"),
    ],
)
def test_what_one_line_says_of_a_drift(finding: Finding, line: str, short: str) -> None:
    result = Result(ITEM, Outcome.DRIFT, (finding,))
    assert headline(result) == line
    assert differences(result) == (short,)
