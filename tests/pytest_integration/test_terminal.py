"""What people see: 80 columns, no colour, a thousand items."""

import re

import pytest

from power_edge.resources import names
from tests.support import answers
from tests.support.project import Project, identity_of, item_id

pytest_plugins = ["pytester"]

REASON = "needs root: sudo: a password is required"


def thousand(project: Project) -> None:
    """300 drifts, 700 unknown for one reason."""
    keys = {f"net.ipv4.conf.eth{number}.forwarding": "1" for number in range(300)}
    project.node(
        "a",
        keys,
        sections={
            "files": [{"path": f"/etc/thing/{number}", "mode": "0644"} for number in range(700)]
        },
    )
    project.answer(
        "a", {"sysctl.0": answers.sysctl(dict.fromkeys(keys, "0")), "files.0": (1, b"", REASON)}
    )


def printed(project: Project, *arguments: str) -> list[str]:
    result = project.run("--node=*", *arguments)
    assert "Traceback" not in result.stdout.str()
    assert "\x1b" not in result.stdout.str()
    return result.outlines


def test_a_thousand_items(project: Project) -> None:
    thousand(project)
    lines = printed(project)
    assert not [
        line for line in lines if len(line) > 80 and not line.startswith(("plugins:", "rootdir:"))
    ]
    assert sum(line.startswith("  why      needs root") for line in lines) == 5
    assert "  and 695 more of a for the same reason (-v shows them)" in lines
    assert sum(line.startswith("  mend     sysctl -w net.ipv4.conf.eth") for line in lines) == 300
    assert sum(line.startswith("ERROR node-configs/a/state.yaml::files[") for line in lines) == 5
    last = "=+ nodes =+\na: 300 drift, 700 unknown, 1 compliant; not declared: firewall, packages,\n  services\n  judged by an answer that is .+ old\n=+ 300 failed, 1 passed, 700 errors in .* =+"
    assert re.search(f"\n{last}\n*$", "\n".join(lines))


def test_a_thousand_items_in_full(project: Project) -> None:
    thousand(project)
    lines = printed(project, "-v")
    assert sum(line.startswith("  why      needs root") for line in lines) == 700
    assert item_id("a", "files[/etc/thing/699]") in "\n".join(lines)


def test_folding_hides_nothing_from_reports(project: Project) -> None:
    thousand(project)
    cases = project.junit("--node=a")
    assert sum(case.find("error") is not None for case in cases.values()) == 700
    assert all(
        (error.get("message") or "").endswith(REASON + '"')
        for case in cases.values()
        for error in case.iter("error")
    )


@pytest.mark.parametrize("count", [5, 6, 7])
def test_few_are_all_shown(project: Project, count: int) -> None:
    project.node("a", {f"vm.key{number}": "1" for number in range(count)})
    project.answer("a", {"sysctl.0": (1, b"", "no way")})
    lines = printed(project)
    assert sum(line == "  why      no way" for line in lines) == (count if count < 7 else 5)
    folded = [line for line in lines if line.endswith(" for the same reason (-v shows them)")]
    assert folded == (
        ["  and 2 more of a for the same reason (-v shows them)"] if count == 7 else []
    )


def test_other_reasons_other_nodes_and_own_errors_are_not_folded_into_one(project: Project) -> None:
    for name in ("a", "b"):
        folder = project.node(
            name,
            {f"vm.key{number}": "1" for number in range(4)},
            sections={"files": [{"path": f"/{n}", "mode": "0644"} for n in "1234"]},
        )
        project.answer(name, {"sysctl.0": (1, b"", "no way"), "files.0": (1, b"", "nor here")})
        (folder / "test_own.py").write_text(
            "import pytest\n@pytest.mark.parametrize('n', range(9))\ndef test_it(nothing, n): pass\n"
        )
    lines = printed(project)
    assert sum(line.startswith("ERROR node-configs/") for line in lines) == 2 * (4 + 4 + 9)


def test_blocks(project: Project) -> None:
    long = "x" * 500
    project.node(
        "a",
        {"vm.swappiness": "60", "kernel.domainname": "", "kernel.core_pattern": "|/bin/false"},
        {"vm.swappiness": long, "kernel.core_pattern": ""},
    )
    lines = printed(project)
    assert f"         actual    {'x' * 400}... (500 characters)" in lines
    assert '         actual    ""' in lines
    assert '  value  expected  ""' in lines


def test_a_shut_gate_is_told_once_in_full(project: Project) -> None:
    project.node(
        "a", {f"vm.key{number}": "1" for number in range(1000)}, machine=answers.OTHER, gate="wrong"
    )
    for arguments in ([], ["-m", "sysctl"], ["--tb=no"]):
        text = "\n".join(printed(project, *arguments))
        assert (
            text.count(answers.digest(answers.MACHINE))
            == text.count(answers.digest(answers.OTHER))
            == 1
        )
        assert len(text.splitlines()) < 50


def test_another_machine_that_is_a_node_is_named_on_one_line(project: Project) -> None:
    project.node("stella-PowerEdge-T420", machine=answers.OTHER, gate="wrong")
    project.node("platform-north-7", identity=identity_of(answers.OTHER), machine=answers.OTHER)
    lines = printed(project)
    message = "another machine: its machine-id is on file for platform-north-7"
    assert f"  why      {message}" in lines
    assert lines.count(f"  blocked: {message}") == 1
    assert answers.digest(answers.OTHER) not in "".join(lines)


def test_another_machine_than_need_match_is_named_too(project: Project) -> None:
    project.node(
        "a", identity=identity_of(answers.MACHINE, require_match=False), machine=answers.OTHER
    )
    project.node("b", identity=identity_of(answers.OTHER), machine=answers.OTHER)
    lines = printed(project)
    assert "  gate: identity not required to match: another machine: its machine-id is on" in lines


def test_extras_are_told(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Found beyond the declaration, and no drift."""
    from dataclasses import replace

    from power_edge.resources import resource

    kind = replace(resource("sysctl"), extra=lambda *_: ["allow 23/tcp from any \x1b[31m"])
    monkeypatch.setattr("power_edge.checking.check.resource", lambda _: kind)
    project.node("a")
    assert "  not declared: allow 23/tcp from any \\x1b[31m" in printed(project)
    assert project.report("--node=a")[1]["tests"][1]["metadata"]["power_edge"]["extra"] == [
        "allow 23/tcp from any \x1b[31m"
    ]


def test_what_a_node_does_not_declare_is_told_at_each_check(project: Project) -> None:
    project.node("a")
    others = [name for name in names() if name != "sysctl"]
    line = f"a: 2 compliant; not declared: {', '.join(others)}"
    assert line in printed(project)
    assert line in printed(project, "-q")
    assert len(line) <= 80


def test_a_shut_gate_says_nothing_of_what_is_not_declared(project: Project) -> None:
    project.node("a", gate="wrong", machine=answers.OTHER)
    assert "a: 2 blocked" in printed(project)


def test_no_blank_line_between_the_last_headline_and_the_nodes(project: Project) -> None:
    project.node("a")
    assert re.search(
        r"\[100%\]\n\n=+ nodes =+\na: 2 compliant; ", project.run("--node=a").stdout.str()
    )
