"""One item in, one result out: silence is unknown, drift beats unknown, and a command that mends is
one line.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import pytest

from power_edge.checking.evaluate import judge
from power_edge.model import (
    NOTHING,
    Entry,
    Finding,
    Item,
    NotObserved,
    Observations,
    Outcome,
    Remedy,
    ResourceType,
    Result,
    Source,
    Value,
    agrees,
    drifts,
    undecided,
)
from power_edge.report.record import as_json, record
from power_edge.report.shell_line import shell_line

FIELDS: dict[str, Value] = {"state": "running", "enabled": True}
OBSERVED = {"a": "observed"}


class Declared(NamedTuple):
    findings: Sequence[Finding]
    commands: Sequence[tuple[str, ...]] = ()


def kind(**more: Any) -> ResourceType[Any, Any]:
    def find(declared: Declared, observed: Any) -> Iterator[Finding]:
        yield from declared.findings

    def remedy(declared: Declared, observed: Any, drifts: Sequence[Finding]) -> Remedy:
        return Remedy(tuple(declared.commands))

    def entries(section: Any) -> Iterator[Entry[Any]]:
        yield from section

    return ResourceType(
        name="things",
        declares=dict,
        parse=lambda _: {},
        judge=find,
        remedy=remedy,
        entries=entries,
        **more,
    )


def result(
    findings: Sequence[Finding],
    commands: Sequence[tuple[str, ...]] = (),
    observed: Observations | NotObserved = OBSERVED,
    **more: Any,
) -> Result:
    item = Item(
        "node",
        "things",
        "A",
        "a",
        Declared(findings, commands),
        FIELDS,
        (Source("node-configs/node/state.yaml", 7),),
    )
    return judge(kind(**more), item, observed)


STATE, ENABLED = agrees("state", "running", "running"), agrees("enabled", True, True)
STOPPED, HIDDEN = drifts("state", "running", "stopped"), undecided("enabled", True, "needs root")


@pytest.mark.parametrize(
    ("findings", "outcome"),
    [
        ([STATE, ENABLED], Outcome.COMPLIANT),
        ([STOPPED, ENABLED], Outcome.DRIFT),
        ([STATE, HIDDEN], Outcome.UNKNOWN),
        ([STOPPED, HIDDEN], Outcome.DRIFT),
        ([HIDDEN, STOPPED], Outcome.DRIFT),
        ([STATE], Outcome.UNKNOWN),
        ([STOPPED], Outcome.DRIFT),
        ([], Outcome.UNKNOWN),
        ([agrees("other", 1, 1)], Outcome.UNKNOWN),
    ],
)
def test_outcome(findings: list[Finding], outcome: Outcome) -> None:
    assert result(findings).outcome is outcome


def test_what_asserts_nothing_is_unknown() -> None:
    item = Item("node", "things", "A", "a", Declared(()), {}, (Source("f", 1),))
    assert judge(kind(), item, OBSERVED).outcome is Outcome.UNKNOWN


def test_a_field_that_nobody_judged_is_named() -> None:
    assert result([STATE]).why == "enabled: was not judged"
    assert as_json(record(result([STATE])))["actual"] == {"state": "running", "enabled": None}
    assert result([STOPPED]).why == "enabled: was not judged"
    assert result([STOPPED._replace(why="it failed")]).why == "state: it failed"


@pytest.mark.parametrize(
    ("observed", "more", "why"),
    [
        (NotObserved("needs root"), {}, "needs root"),
        ({"a": NotObserved("needs root")}, {}, "needs root"),
        ({"b": "observed"}, {}, "the node's answer does not mention it"),
        ({"": NotObserved("no tool")}, {"whole": True}, "no tool"),
        ({"a": "observed"}, {"whole": True}, "the node's answer does not mention it"),
    ],
)
def test_what_was_not_seen_is_unknown_and_never_judged(
    observed: Any, more: dict[str, Any], why: str
) -> None:
    judged = result([STATE, ENABLED], observed=observed, **more)
    assert (judged.outcome, judged.why) == (Outcome.UNKNOWN, why)
    assert as_json(record(judged))["actual"] == {"state": None, "enabled": None}


@pytest.mark.parametrize("observed", [{"a": None}, {}])
def test_what_a_table_of_all_does_not_hold_is_not_on_the_node(observed: Observations) -> None:
    assert result([STOPPED], observed=observed, lists_all=True).outcome is Outcome.DRIFT


def test_a_fault_in_judging_is_unknown() -> None:
    def fault(*_: Any) -> Iterator[Finding]:
        yield STATE
        yield ENABLED
        raise IndexError("out of range")

    item = Item("node", "things", "A", "a", None, FIELDS, (Source("f", 1),))
    broken = ResourceType(
        name="things", declares=dict, parse=lambda _: {}, judge=fault, remedy=lambda *_: NOTHING
    )
    judged = judge(broken, item, {"a": "observed"})
    assert (judged.outcome, judged.why) == (
        Outcome.UNKNOWN,
        "judging failed: IndexError: out of range",
    )


def test_commands_that_mend() -> None:
    assert shell_line(result([STOPPED, ENABLED], [("a", "b c"), ("d",)]).remedy) == "a 'b c' && d"
    assert shell_line(result([STOPPED, ENABLED]).remedy) is None
    assert shell_line(result([STATE, ENABLED], [("a",)]).remedy) is None
    assert shell_line(result([STATE, HIDDEN], [("a",)]).remedy) is None


class Calls:
    """A resource type whose functions keep what they were called with."""

    def __init__(self, remedy: Remedy = NOTHING) -> None:
        self.given: list[tuple[Any, ...]] = []
        self.remedy = remedy

    def kind(self) -> ResourceType[Any, Any]:
        def find(*arguments: Any) -> Iterator[Finding]:
            self.given.append(("judge", *arguments))
            yield from (STOPPED, ENABLED)

        def remedy(*arguments: Any) -> Remedy:
            self.given.append(("remedy", *arguments))
            return self.remedy

        def extra(*arguments: Any) -> Iterator[str]:
            self.given.append(("extra", *arguments))
            yield "more"

        return ResourceType(
            name="things",
            declares=dict,
            parse=lambda _: {},
            judge=find,
            remedy=remedy,
            extra=extra,
        )


ITEM = Item("node", "things", "A", "a", {"declared": 1}, FIELDS, (Source("f", 1),))


@pytest.mark.parametrize(
    ("observations", "observed"), [({"a": "observed"}, "observed"), ({"a": None}, None)]
)
def test_each_function_of_a_type_is_given_what_was_declared_and_what_was_seen(
    observations: Observations, observed: Any
) -> None:
    calls = Calls()
    judged = judge(calls.kind(), ITEM, observations)
    declared = ITEM.declared
    assert calls.given == [
        ("judge", declared, observed),
        ("remedy", declared, observed, [STOPPED]),
        ("extra", declared, observed),
    ]
    assert (judged.item, judged.extra) == (ITEM, ("more",))


@pytest.mark.parametrize(
    ("remedy", "mend", "cuts", "advice"),
    [
        (NOTHING, None, False, None),
        (Remedy((("a",),)), "a", False, None),
        (Remedy((("a",),), cuts=True, advice="careful"), "a", True, "careful"),
        (Remedy(cuts=True, advice="by hand"), None, False, "by hand"),
    ],
)
def test_a_remedy_is_told_in_full(
    remedy: Remedy, mend: str | None, cuts: bool, advice: str | None
) -> None:
    judged = judge(Calls(remedy).kind(), ITEM, OBSERVED)
    assert (shell_line(judged.remedy), judged.mend_cuts, judged.advice) == (mend, cuts, advice)


def test_what_could_not_be_judged_keeps_its_item_and_what_was_expected() -> None:
    def fault(*_: Any) -> Iterator[Finding]:
        raise IndexError

    broken = ResourceType(
        name="things", declares=dict, parse=lambda _: {}, judge=fault, remedy=lambda *_: NOTHING
    )
    assert judge(broken, ITEM, OBSERVED).item is ITEM
    silent = judge(kind(), ITEM._replace(declared=Declared([STATE])), OBSERVED)
    assert silent.findings == (STATE, undecided("enabled", True, "was not judged"))
