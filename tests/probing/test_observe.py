"""From sections to observations: what failed is unseen, and nothing that a node prints ends a run."""

from dataclasses import replace
from typing import Any

import pytest

from power_edge.config import load_state
from power_edge.model import Item, NotObserved, Observations
from power_edge.probing import observe as observe_module
from power_edge.probing.framing import read
from power_edge.probing.observe import observe
from power_edge.resources import names, resource
from tests.support import answers

STATE = b"version: '1.0'\nmetadata: {site: x, environment: development}\nsysctl: {vm.swappiness: '60', kernel.panic: '10'}\n"


def items() -> list[Item]:
    return list(load_state(STATE, "node-configs/a/state.yaml", "a").items)


def observed(
    sections: dict[str, Any], *, end: bool = True, **changes: Any
) -> Observations | NotObserved:
    return observe(
        replace(resource("sysctl"), **changes),
        items(),
        read(answers.answer("a", sections, end=end)),
    )


ONE, TWO = answers.sysctl({"vm.swappiness": "60"}), answers.sysctl({"kernel.panic": "1"})


def test_sections_are_merged() -> None:
    assert observed({"sysctl.0": ONE, "sysctl.1": TWO}) == {
        "vm/swappiness": "60",
        "kernel/panic": "1",
    }


def test_of_a_section_that_failed_the_items_are_unseen() -> None:
    assert observed({"sysctl.0": ONE, "sysctl.1": (1, TWO, "no way\nat all")}) == {
        "vm/swappiness": "60",
        "kernel/panic": NotObserved("no way"),
    }


def test_a_table_of_which_a_part_failed_is_unseen() -> None:
    sections = {"sysctl.0": ONE, "sysctl.1": (1, TWO, "no way")}
    for kind in ({"lists_all": True}, {"whole": True}):
        assert observed(sections, **kind) == NotObserved("no way")


@pytest.mark.parametrize(
    ("end", "why"), [(True, "not in the answer"), (False, "the answer is incomplete")]
)
def test_no_section(end: bool, why: str) -> None:
    assert observed({}, end=end) == NotObserved(why)
    assert observed({"sysctls.0": ONE, "sysctl": ONE}, end=end) == NotObserved(why)


@pytest.mark.parametrize(("longest", "whole"), [(len(ONE), True), (len(ONE) - 1, False)])
def test_a_section_that_is_too_long_is_unseen(
    longest: int, whole: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(observe_module, "LONGEST_SECTION", longest)
    found = observed({"sysctl.0": ONE})
    assert isinstance(found, dict)
    assert (found["vm/swappiness"] == "60") is whole


def test_what_was_not_asked_for_is_left_out() -> None:
    other = answers.sysctl({"vm.swappiness": "60", "vm.dirty_ratio": "1"})
    assert observed({"sysctl.0": other}) == {"vm/swappiness": "60"}
    for kind in ({"lists_all": True}, {"whole": True}):
        assert observed({"sysctl.0": other}, **kind) == {
            "vm/swappiness": "60",
            "vm/dirty_ratio": "1",
        }


def test_the_first_failure_is_the_reason() -> None:
    sections = {"sysctl.0": (1, ONE, "first"), "sysctl.1": (1, TWO, "second")}
    assert observed(sections) == dict.fromkeys(
        ("vm/swappiness", "kernel/panic"), NotObserved("first")
    )


@pytest.mark.parametrize(
    "error", [ValueError("odd"), IndexError("odd"), RecursionError("odd"), KeyError("odd")]
)
def test_what_parse_trips_over_is_unseen(error: Exception) -> None:
    def parse(_: bytes) -> Observations:
        raise error

    found = observed({"sysctl.0": ONE}, parse=parse)
    assert isinstance(found, dict)
    assert all(
        isinstance(each, NotObserved) and "was not understood" in each.why
        for each in found.values()
    )


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize(
    "printed",
    [
        b"",
        b"\n",
        b"\0",
        bytes(range(256)) * 9,
        b"== \n== x\n",
        b":\n" * 99,
        b"a\tb\0" * 99,
        b"{",
        b"[" * 5000,
        b"== asked\na\n== values\n",
    ],
)
def test_no_type_takes_noise_otherwise_than_as_not_understood(name: str, printed: bytes) -> None:
    try:
        observed = resource(name).parse(printed)
    except ValueError:
        return
    assert isinstance(observed, dict)
