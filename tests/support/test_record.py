"""What `make record` decides without a node: the arguments of the probe, and what is a change."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support import cases
from tests.support.cases import Case, load
from tests.support.lab.record import arguments, chosen, compare, differing, not_possible

SHOWN = (
    "== up\n== clock\n{now} {up}\n== asked\na.service\n== show\nId=a.service\nLoadState=loaded\n"
    "SubState=x\nType=simple\nNames=a.service\nRemainAfterExit=no\n"
    "TriggeredBy={triggers}\nActiveEnterTimestamp={entered}\nActiveState={active}\n== end\n"
)


@pytest.fixture
def case(tmp_path: Path) -> Any:
    """Make a case of an area from declarations and a recorded section."""

    def made(area: str, *declared: dict[str, Any], section: str = "", **more: Any) -> Case:
        place = tmp_path / area / "made"
        place.mkdir(parents=True)
        verdicts = [{"declared": each, "verdict": "pass", "why": ""} for each in declared]
        expect = {"source": "a node", "node": "base", "verdicts": verdicts, **more}
        (place / "expect.yaml").write_text(yaml.safe_dump(expect))
        (place / "section").write_text(section)
        return load(place / "expect.yaml")

    return made


@pytest.mark.parametrize(
    ("area", "declared", "expected"),
    [
        ("services", [{"name": "a", "state": "running"}], ["~a.service"]),
        (
            "services",
            [{"name": "a", "state": "running"}, {"name": "a.service", "enabled": True}],
            ["a.service"],
        ),
        (
            "services",
            [{"name": "a", "state": "running"}, {"name": "a", "state": "stopped"}],
            ["~!a.service"],
        ),
        (
            "services",
            [{"name": "a", "state": "disabled"}, {"name": "b", "state": "disabled"}],
            ["=a.service", "=b.service"],
        ),
        (
            "packages",
            [
                {"packages": [{"name": "a", **field}, {"name": "b", "state": "absent"}]}
                for field in ({"state": "present"}, {"version": "1"}, {"state": "latest"})
            ],
            ["+a", "-b"],
        ),
        (
            "packages",
            [
                {"packages": [{"name": "a", **field}]}
                for field in ({"state": "absent"}, {"version": "1"}, {"version": "2"})
            ],
            ["=a=1"],
        ),
        (
            "files",
            [
                {"files": [{"path": "/a", "owner": owner}]}
                for owner in ("root", "toor", "root", "-:refused")
            ],
            ["-:root::/a", "-:toor::/a"],
        ),
        ("files", [{"files": [{"path": "a"}]}, {"files": [{"path": "/b"}]}], ["-:::/b"]),
        ("sysctl", [{"sysctl": {"vm.a": value}} for value in "12"], ["vm/a"]),
        ("ufw", [{"firewall": {"enabled": True}}], []),
        ("ufw", [{"firewall": {"enabled": "perhaps"}}], []),
    ],
)
def test_the_arguments_of_the_probe(
    case: Any, area: str, declared: list[dict[str, Any]], expected: list[str]
) -> None:
    assert arguments(case(area, *declared)) == tuple(expected)


def test_arguments_that_a_case_names(case: Any) -> None:
    named = case("services", {"name": "a", "state": "running"}, asked=["!b.service"])
    assert arguments(named) == ("!b.service",)


@pytest.mark.parametrize(
    ("area", "name", "words"),
    [
        ("identity", "valid", "the files of a machine"),
        ("packages", "pacman-plain", "Arch"),
        ("files", "name-leading-dash", "refused"),
        ("files", "plain", None),
    ],
)
def test_what_no_node_can_record(area: str, name: str, words: str | None) -> None:
    why = not_possible(load(cases.RECORDINGS / area / name / "expect.yaml"))
    assert why is None if words is None else words in str(why)


BEFORE = {"now": 1, "up": 2, "triggers": "b.timer c.timer", "entered": "Mon", "active": "active"}


@pytest.mark.parametrize(
    ("change", "result"),
    [
        ({}, "same"),
        ({"now": 5, "up": 9, "entered": "Tue"}, "same but for times"),
        ({"triggers": "c.timer b.timer"}, "same but for times"),
        ({"active": "failed", "now": 9}, "changed (+1 -1 lines)"),
    ],
)
def test_what_is_a_change(case: Any, change: dict[str, Any], result: str) -> None:
    made = case("services", section=SHOWN.format(**BEFORE))
    assert compare(made, SHOWN.format(**BEFORE | change).encode()) == result


def test_what_no_reader_reads_is_no_change(case: Any) -> None:
    seen = "seen /a 81a4:0:0:0:root:root\n"
    made = case("files", section=seen)
    assert compare(made, f"{seen}mount / ext4:rw:rw\n".encode()) == "same for its reader"
    assert compare(made, seen.replace("81a4", "8180").encode()) == "changed (+1 -1 lines)"


def test_a_verdict_that_comes_out_otherwise(case: Any) -> None:
    section = "seen /a 81a4:0:0:0:root:root\n"
    modes = [{"files": [{"path": "/a", "mode": mode}]} for mode in ("0644", "0600")]
    made = case("files", *modes, section=section)
    (mistake,) = differing(made, made.observed())
    assert mistake.startswith("verdict 2 of expect.yaml: fail, not pass")


def test_the_cases_that_are_chosen() -> None:
    assert [case.name for case in chosen(["files/plain", "files/pl*"])] == ["plain"]
    assert {case.area for case in chosen([])} >= {"services", "ufw", "packages"}
    assert all(case.node for case in chosen([]))
    with pytest.raises(ValueError, match="matches files/plane"):
        chosen(["files/plain", "files/plane"])
