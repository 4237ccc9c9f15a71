"""What drifts once a change is merged, as answers show it; and what is unknown."""

import os
from pathlib import Path
from typing import Any

import pytest

from tests.support import answers
from tests.support.change import Site

pytestmark = pytest.mark.shell


@pytest.fixture
def asked(site: Site) -> Site:
    for index in (1, 2, 3, 4):
        site.node(f"rig-{index}", machine=f"{index}" * 32)
    site.branch()
    for index in (1, 2, 3):
        site.node(f"rig-{index}", {"vm.swappiness": "10"})
    site.commit()
    return site


def answer(site: Site, index: int, value: str, **given: Any) -> Path:
    machine = given.pop("machine", f"{index}" * 32)
    return site.answer(f"rig-{index}", {"vm.swappiness": value}, machine=machine, **given)


def test_drift_has_its_command_and_the_rest_is_unknown(asked: Site) -> None:
    answer(asked, 1, "60")
    answer(asked, 4, "60")
    folder = answer(asked, 2, "10")
    done = asked.run(f"--answers={folder}")
    assert done.exit_code == 0
    text = " ".join(done.output.split())
    assert (
        "drift: sysctl[vm.swappiness] on 1 node (rig-1): value: 10 expected, 60 observed mend: "
        "sysctl -w vm.swappiness=10" in text
    )
    assert "unknown: 1 node (rig-3): no recorded answer" in text
    assert "compliant already: 1 node (rig-2)" in text
    assert "rig-4" not in text.partition("once merged")[2]
    assert "medium: nodes drift once it is merged" in text
    assert "medium: what it does to some nodes is unknown" in text


def test_a_compliant_canary_adds_no_risk(asked: Site) -> None:
    for index in (1, 2, 3):
        folder = answer(asked, index, "10")
    reasons = asked.report(f"--answers={folder}")["risk_reasons"]
    assert not any("drift" in each["why"] or "unknown" in each["why"] for each in reasons)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"age": 90_000}, "old, more than 24 h (--max-age)"),
        ({"age": -3600}, "from the future"),
        ({"machine": answers.OTHER}, "was not judged"),
        ({"gate": None}, "was not judged"),
    ],
)
def test_an_answer_that_says_nothing_is_unknown(
    asked: Site, given: dict[str, Any], why: str
) -> None:
    folder = answer(asked, 1, "60", **given)
    [first, *_] = asked.report(f"--answers={folder}")["forecasts"]
    assert first["node"] == "rig-1"
    assert first["items"] == []
    assert why in first["unknown"]


def test_an_old_answer_may_be_allowed(asked: Site) -> None:
    folder = answer(asked, 1, "60", age=90_000)
    [first, *_] = asked.report(f"--answers={folder}", "--max-age=2d")["forecasts"]
    assert [each["outcome"] for each in first["items"]] == ["drift"]


def test_what_the_answer_does_not_mention_is_unknown(asked: Site) -> None:
    asked.node("rig-1", {"vm.swappiness": "10", "kernel.panic": "1"})
    folder = answer(asked, 1, "10")
    [first, *_] = asked.report(f"--answers={folder}")["forecasts"]
    assert {each["name"]: each["outcome"] for each in first["items"]} == {
        "vm.swappiness": "compliant",
        "kernel.panic": "unknown",
    }
    assert (
        "unknown: 1 node (rig-1): sysctl[kernel.panic]" in asked.run(f"--answers={folder}").output
    )


def test_hostile_answers_are_unknown(asked: Site) -> None:
    folder = answer(asked, 1, "60")
    (folder / "rig-1.answer").write_bytes(b"\x1b[2J::set-output name=a::b\n")
    (folder / "rig-2.answer").write_bytes((answer(asked, 3, "1") / "rig-3.answer").read_bytes())
    (folder / "rig-3.answer").unlink()
    os.mkfifo(folder / "rig-3.answer")
    found = {
        each["node"]: each["unknown"] for each in asked.report(f"--answers={folder}")["forecasts"]
    }
    assert "cannot be used" in found["rig-1"]
    assert found["rig-2"] == "its answer is from rig-3"
    assert found["rig-3"] == "its answer is not a regular file"


def test_a_folder_that_is_none_is_a_usage_error(asked: Site) -> None:
    assert asked.run("--answers=/no/such").exit_code == 2
    assert asked.run("--max-age=x").exit_code == 2
