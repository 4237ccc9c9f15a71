"""One node's hostile answer costs its own items of one type: not its other types, and no other
node.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from power_edge.checking import check, evaluate
from power_edge.checking.check import BULKY, Checked
from power_edge.config import load_node
from power_edge.model import Item, NotObserved, Observations, Outcome, ResourceType, Result
from power_edge.probing import observe
from power_edge.probing.framing import Answer, read
from tests.support import answers
from tests.support.project import identity_of

TOO_MUCH = "the node's answer is too long or too complex"
PACKAGE = b"manager dpkg amd64 apt-get\nasked ssh\nrow ssh amd64 install/installed/ok 1\n"


def checked(folder: Path, name: str, sections: dict[str, bytes], **declared: Any) -> Checked:
    place = folder / "node-configs" / name
    place.mkdir(parents=True)
    state = {
        "version": "1.0",
        "metadata": {"site": "here", "environment": "development"},
        **declared,
    }
    (place / "state.yaml").write_text(yaml.safe_dump(state))
    (place / "system-identity.yaml").write_text(yaml.safe_dump(identity_of(answers.MACHINE)))
    return Checked(load_node(place), read(answers.answer(name, sections)))


def results(what: Checked) -> dict[str, Result]:
    return {item.name: what.result(item) for item in what.node.items}


@pytest.fixture
def hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader of kernel parameters that never comes to an end."""
    real = observe.parsed

    def parsed(kind: Any, output: Any) -> Any:
        while kind.name == "sysctl":
            pass
        return real(kind, output)

    monkeypatch.setattr(observe, "parsed", parsed)
    monkeypatch.setattr(check, "JUDGING_SECONDS", 0.05)


def test_a_type_that_takes_too_long_is_unknown_and_no_other_is(tmp_path: Path, hangs: None) -> None:
    sections = {"sysctl.0": answers.sysctl({"vm.swappiness": "60"}), "packages.0": PACKAGE}
    one = results(
        checked(tmp_path, "a", sections, sysctl={"vm.swappiness": "60"}, packages=[{"name": "ssh"}])
    )
    assert one["vm.swappiness"].outcome is Outcome.UNKNOWN
    assert TOO_MUCH in (one["vm.swappiness"].why or "")
    assert one["ssh"].outcome is Outcome.COMPLIANT
    assert (
        results(checked(tmp_path, "b", {"packages.0": PACKAGE}, packages=[{"name": "ssh"}]))[
            "ssh"
        ].outcome
        is Outcome.COMPLIANT
    )


def test_an_item_whose_judging_has_no_end_is_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def judge(*_: Any) -> Result:
        while True:
            pass

    monkeypatch.setattr(check, "judge", judge)
    monkeypatch.setattr(check, "JUDGING_SECONDS", 0.05)
    (found,) = results(
        checked(tmp_path, "a", {"packages.0": PACKAGE}, packages=[{"name": "ssh"}])
    ).values()
    assert found.outcome is Outcome.UNKNOWN
    assert TOO_MUCH in (found.why or "")


def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    calls: list[str] = []

    def counting(
        kind: ResourceType[Any, Any], items: Sequence[Item], answer: Answer
    ) -> Observations | NotObserved:
        calls.append(answer.node)
        return observe.observe(kind, items, answer)

    monkeypatch.setattr(check, "observe", counting)
    return calls


@pytest.mark.parametrize(
    ("size", "calls"), [(100, ["a", "b"]), (BULKY, ["a", "b", "a"])], ids=["short", "long"]
)
def test_of_long_answers_what_was_seen_is_kept_for_one_node_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, calls: list[str]
) -> None:
    """Or the memory would be that of all nodes. However often it is answered, it says the same."""
    answered = counted(monkeypatch)
    section = {"packages.0": PACKAGE + b"asked x\n" * (size // 8)}
    a, b = (checked(tmp_path, name, section, packages=[{"name": "ssh"}]) for name in "ab")
    assert [results(each)["ssh"].outcome for each in (a, a, b, a)] == [Outcome.COMPLIANT] * 4
    assert answered == calls


def test_what_was_not_asked_for_is_not_kept(tmp_path: Path) -> None:
    one = checked(
        tmp_path, "a", {"packages.0": PACKAGE + b"asked more\n"}, packages=[{"name": "ssh"}]
    )
    assert one.observations["packages"].keys() == {"ssh"}  # type: ignore[union-attr]


@pytest.mark.parametrize("slow", range(3))
def test_what_was_judged_when_the_time_is_over_stays_and_the_rest_is_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slow: int
) -> None:
    """A verdict is the item's own or unknown, whatever is declared beside it."""
    names = ["kernel.a", "kernel.b", "kernel.c"]
    real = evaluate.judge

    def judge(
        kind: ResourceType[Any, Any], item: Item, observed: Observations | NotObserved
    ) -> Result:
        while item.name == names[slow]:
            pass
        return real(kind, item, observed)

    monkeypatch.setattr(check, "judge", judge)
    monkeypatch.setattr(check, "JUDGING_SECONDS", 0.2)
    observed = answers.sysctl(dict.fromkeys(names, "1"))
    found = results(
        checked(
            tmp_path,
            "a",
            {"sysctl.0": observed},
            sysctl={"kernel.a": "1", "kernel.b": "2", "kernel.c": "1"},
        )
    )
    own = [Outcome.COMPLIANT, Outcome.DRIFT, Outcome.COMPLIANT]
    assert [found[name].outcome for name in names] == own[:slow] + [Outcome.UNKNOWN] * (3 - slow)
