"""What people see: 80 columns, no colour, a thousand items."""

import base64
import json
import re

import pytest

from power_edge.resources import names
from tests.support import answers
from tests.support.cases import RECORDINGS
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
    assert lines.count(f"a files (700 items) unknown: {REASON}") == 1
    drifts = [line for line in lines if re.fullmatch(r"a sysctl\[.*\] value: 1 -> 0", line)]
    assert len(set(drifts)) == len(drifts) == 300
    assert "-v shows each in full, power-edge mends NODE the mends" in lines
    last = "=+ nodes =+\na: 300 drift, 700 unknown, 1 compliant; not declared: firewall, packages,\n  services\n  judged by an answer that is .+ old\n=+ 300 failed, 1 passed, 700 errors in .* =+"
    assert re.search(f"\n{last}\n*$", "\n".join(lines))


def test_a_thousand_items_in_full(project: Project) -> None:
    thousand(project)
    lines = printed(project, "-v")
    assert sum(line.startswith("  mend     sysctl -w net.ipv4.conf.eth") for line in lines) == 300
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


@pytest.mark.parametrize("count", [1, 2, 7])
def test_what_is_unknown_for_one_reason_is_shown_once(project: Project, count: int) -> None:
    project.node("a", {f"vm.key{number}": "1" for number in range(count)})
    project.answer("a", {"sysctl.0": (1, b"", "no way")})
    lines = printed(project)
    assert lines.count("  why      no way") == 1
    text = " ".join("\n".join(lines).split())
    shown = ", ".join(f"vm.key{number}" for number in range(min(count, 5)))
    assert (f" items {shown} " in text) == (count > 1)
    assert ("vm.key4 and 2 more (-v shows each)" in text) == (count == 7)
    assert f"{count} errors" in lines[-1] or f"{count} error " in lines[-1]


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
    assert "a, b sysctl (4 items) unknown: no way" in lines
    assert "a, b files (4 items) unknown: nor here" in lines
    assert sum(line.startswith("ERROR node-configs/") for line in lines) == 2 * 9


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


def test_a_shut_gate_is_shown_once_in_full(project: Project) -> None:
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


def test_what_discovery_could_not_look_at_is_told_with_the_reason_at_each_check(
    project: Project,
) -> None:
    state = project.node("a") / "state.yaml"
    comments = (
        "# services not observed: System has not been booted with systemd as init system (PID 1).",
        "#   Can't operate.\u202e",
        "# firewall left out: enabled: ours",
        "# sysctl not observed: /proc/sys/x: only root can read it",
    )
    state.write_text(state.read_text() + "\n".join(comments) + "\n")
    others = [name for name in names() if name not in ("services", "sysctl")]
    lines = printed(project)
    place = lines.index(f"a: 2 compliant; not declared: {', '.join(others)}")
    assert lines[place + 2 : place + 4] == [
        "  services not looked at: System has not been booted with systemd as init system",
        "    (PID 1). Can't operate.\\u202e (state.yaml says so)",
    ]


def test_a_shut_gate_says_nothing_of_what_is_not_declared(project: Project) -> None:
    project.node("a", gate="wrong", machine=answers.OTHER)
    assert "a: 2 blocked" in printed(project)


def test_no_blank_line_between_the_last_headline_and_the_nodes(project: Project) -> None:
    project.node("a")
    assert re.search(
        r"\[100%\]\n=+ nodes =+\na: 2 compliant; ", project.run("--node=a").stdout.str()
    )


SWAPPY = {"vm.swappiness": "60", "net.ipv4.ip_forward": "1"}


def three(project: Project) -> None:
    """Two that drift alike, one that drifts otherwise."""
    for name, value in (("na", "10"), ("nb", "10"), ("nc", "20")):
        project.node(name, SWAPPY, SWAPPY | {"vm.swappiness": value})


def test_equal_drift_of_several_nodes_is_shown_once(project: Project) -> None:
    three(project)
    text = "\n".join(printed(project))
    assert text.count("  mend     sysctl -w vm.swappiness=60\n") == 2
    assert (
        "node-configs/na/state.yaml:6 and 1 more: drift\n  nodes    na, nb\n"
        "  value  expected  60\n         actual    10\n"
    ) in text
    assert "\nna, nb sysctl[vm.swappiness] value: 60 -> 10\nnc sysctl[vm.swappi" in text
    # It is shown once, and counted three times.
    assert "3 failed" in text
    assert [line for line in text.splitlines() if line.startswith("nb: 1 drift, 2 compliant")]


@pytest.mark.parametrize("arguments", [["-q"], ["--tb=line"], ["-q", "--tb=line"]])
def test_a_line_for_each_drift(project: Project, arguments: list[str]) -> None:
    three(project)
    lines = printed(project, *arguments)
    at = lines.index("na, nb sysctl[vm.swappiness] value: 60 -> 10")
    assert lines[at - 1] == " drift ".center(80, "=")
    assert lines[at + 1] == "nc sysctl[vm.swappiness] value: 60 -> 20"
    assert not [line for line in lines if "expected" in line or "FAILED" in line]


@pytest.mark.parametrize(
    ("declared", "observed", "line"),
    [
        (
            f"/usr/lib/{'x' * 40}/one",
            f"/usr/lib/{'x' * 40}/other",
            "value: ...xxxxxx/one -> ...xxxxxx/other",
        ),
        ("a" * 40, "a" * 41, f"value: ...{'a' * 8} -> ...{'a' * 9}"),
        ("a" * 40, f"b{'a' * 39}", f"value: {'a' * 33}... -> b{'a' * 32}..."),
    ],
)
def test_a_line_shows_what_differs(
    project: Project, declared: str, observed: str, line: str
) -> None:
    project.node("a", {"kernel.core_pattern": declared}, {"kernel.core_pattern": observed})
    assert f"a sysctl[kernel.core_pattern] {line}" in printed(project, "-q")


def test_a_line_alone_is_not_cut(project: Project) -> None:
    """Nothing else says it."""
    reason = "needs root: " + "a reason that is long " * 5 + "indeed"
    project.node("a", sections={"files": [{"path": f"/{name}", "mode": "0644"} for name in "ab"]})
    project.answer("a", {"sysctl.0": answers.sysctl({}), "files.0": (1, b"", reason)})
    assert f"a files (2 items) unknown: {reason}" in printed(project, "-q")
    assert not any(len(line) > 80 for line in printed(project))


def test_quiet_blocks_if_asked_for(project: Project) -> None:
    three(project)
    assert "  mend     sysctl -w vm.swappiness=60" in printed(project, "-q", "--tb=short")


def test_no_line_that_was_not_wanted(project: Project) -> None:
    three(project)
    assert not [line for line in printed(project, "-rN", "--tb=no") if "->" in line]
    assert not [line for line in printed(project, "--no-summary") if "->" in line]


def test_one_cause_is_one_failure(project: Project) -> None:
    """With ufw off nothing is as its rules say; the counts stay per item."""
    project.node(
        "na",
        sections={
            "firewall": {
                "enabled": True,
                "default_incoming": "deny",
                "rules": [{"port": 22, "proto": "tcp", "action": "allow"}],
            }
        },
    )
    off = (RECORDINGS / "ufw" / "disabled" / "section").read_bytes()
    project.answer("na", {"sysctl.0": answers.sysctl({"vm.swappiness": "60"}), "firewall.0": off})
    lines = printed(project)
    assert "na firewall[enabled] true -> false; 2 more follow" in lines
    assert "  follows  default_incoming: deny -> allow" in lines
    assert sum(line.startswith("__") for line in lines) == 1
    assert "3 failed" in lines[-1]
    assert [line for line in lines if line.startswith("na: 3 drift, 2 compliant")]


def test_nodes_that_are_blocked_for_one_cause_are_shown_once(project: Project) -> None:
    for name in ("na", "nb", "nc"):
        project.node(name, identity=None, gate="wrong")
    project.node("nd", machine=answers.OTHER, gate="wrong")
    lines = printed(project)
    assert "  nodes    na, nb, nc" in lines
    assert sum("no identity on file" in line for line in lines) == 3  # block, line, nodes
    assert "3 nodes: 6 blocked" in lines
    assert "nd: 2 blocked" in lines
    assert sum(line.startswith("____") for line in lines) == 2
    assert "4 failed" in lines[-1]
    lines = printed(project, "-q")
    assert sum(line.startswith(("na", "nb", "nc", "nd")) for line in lines) == 3
    assert len([line for line in printed(project, "-v") if line.endswith(": 2 blocked")]) == 4


def test_one_reason_of_several_nodes_is_shown_once_whatever_they_declare(project: Project) -> None:
    project.node("na", {"vm.a": "1", "vm.b": "1"})
    project.node("nb", {"vm.b": "2"})
    for name in ("na", "nb"):
        project.answer(name, {"sysctl.0": (1, b"", "no way")})
    lines = printed(project)
    assert "na, nb sysctl (2 items) unknown: no way" in lines
    assert "  items    vm.a, vm.b" in lines
    assert lines.count("  why      no way") == 1


def test_the_value_that_one_node_expects_is_not_shown_for_another(project: Project) -> None:
    for name, value in (("na", "1"), ("nb", "2")):
        project.node(name, {"vm.a": value})
        project.answer(name, {"sysctl.0": (1, b"", "no way")})
    lines = printed(project)
    assert "na, nb sysctl[vm.a] unknown: no way" in lines
    assert "  items    vm.a" in lines
    assert not [line for line in lines if "expected" in line]


def test_the_header_is_short_for_our_items_alone(project: Project) -> None:
    folder = project.node("a")
    lines = printed(project)
    assert not [line for line in lines if line.startswith(("platform ", "rootdir: ", "plugins: "))]
    assert not [line for line in lines if line.startswith("node-configs/")]
    assert [line for line in printed(project, "-v") if line.startswith("platform ")]
    (folder / "test_own.py").write_text("def test_it(): pass\n")
    lines = printed(project)
    for start in ("platform ", "rootdir: ", "plugins: ", "node-configs/a/test_own.py "):
        assert sum(line.startswith(start) for line in lines) == 1
    assert not [line for line in printed(project, "--no-header") if line.startswith("platform ")]


@pytest.mark.shell
def test_with_workers_the_header_stays(project: Project) -> None:
    """The controller of xdist does not know whether other tests run."""
    folder = project.node("a")
    (folder / "test_own.py").write_text("def test_it(): pass\n")
    lines = printed(project, "-n2")
    assert sum(line.startswith("platform ") for line in lines) == 1


def test_the_header_of_another_plugin_stays(project: Project) -> None:
    project.node("a")
    (project.path / "conftest.py").write_text(
        "def pytest_report_header(): return ['one: line', 'and another']\n"
    )
    lines = printed(project)
    assert "one: line" in lines
    assert "and another" in lines
    assert not [line for line in lines if line.startswith("rootdir: ")]


def test_colour_is_never_needed(project: Project) -> None:
    three(project)
    plain = printed(project)
    result = project.run("--node=*", "--color=yes")
    coloured = result.stdout.str()
    assert "\x1b[32m60\x1b[0m" in coloured
    assert "\x1b[31mdrift\x1b[0m" in coloured
    stripped = re.sub(r"\x1b\[[0-9;]*m", "", coloured).splitlines()
    took = re.compile(r"(?<= in )[0-9.]+s ?=*|[0-9]+ s old")
    assert [took.sub("", line).strip("= ") for line in stripped] == [
        took.sub("", line).strip("= ") for line in plain
    ]


def test_many_fields_are_cut_between_fields(project: Project) -> None:
    project.node("a", sections={"files": [{"path": "/etc/x", "mode": "0644", "owner": "root"}]})
    long = "y" * 300
    project.node("b", {"kernel.core_pattern": "x"}, {"kernel.core_pattern": long})
    lines = printed(project, "--tb=line", "--node=b")
    assert f"b sysctl[kernel.core_pattern] value: x -> {'y' * 33}..." in lines


def test_a_line_alone_has_every_field(project: Project) -> None:
    wanted = {"path": "/etc/x", "mode": "0644", "owner": "root", "group": "root"}
    project.node("a", sections={"files": [wanted]})
    seen = b"seen /etc/x 81ff:1000:1000:3:stella-the-operator:stella-the-operator\n"
    project.answer("a", {"sysctl.0": answers.sysctl({"vm.swappiness": "60"}), "files.0": seen})
    fields = [
        "mode: 0644 -> 0777",
        "owner: root -> stella-the-operator",
        "group: root -> stella-the-operator",
    ]
    assert f"a files[/etc/x] {'; '.join(fields)}" in printed(project, "-q")
    assert f"a files[/etc/x] {fields[0]}; and 2 more" in printed(project)


OBSERVED = "one\ntoo\n::error::three\n"


def differing(project: Project, observed: str = OBSERVED) -> None:
    project.node("a", sections={"files": [{"path": "/etc/x", "content": "one\ntwo\n"}]})
    sent = base64.b64encode(observed.encode()).decode()
    section = f"seen /etc/x 81a4:0:0:{len(observed)}:root:root\ntext /etc/x ={sent}\n"
    project.answer(
        "a",
        {"sysctl.0": answers.sysctl({"vm.swappiness": "60"}), "files.0": section.encode()},
    )


@pytest.mark.parametrize("arguments", [[], pytest.param(["-n2"], marks=pytest.mark.shell)])
def test_a_text_that_differs_is_shown_as_a_diff(project: Project, arguments: list[str]) -> None:
    differing(project)
    text = "\n".join(printed(project, *arguments))
    assert (
        "  diff     - declared, + observed\n     one\n    -two\n    +too\n    +::error::three\n"
    ) in text


def test_no_diff(project: Project) -> None:
    differing(project)
    for arguments in (["--no-diff"], ["-q"], ["--tb=line"]):
        assert "too" not in "\n".join(printed(project, *arguments))


def test_no_report_has_the_text(project: Project) -> None:
    differing(project, "an unheard-of word\n")
    status, report = project.report(
        "--node=a", "--junitxml=junit.xml", "--html=page.html", "--mend-script=mends.sh"
    )
    assert status == 1
    assert "unheard-of" not in json.dumps(report)
    for file in ("junit.xml", "page.html", "mends.sh"):
        assert "unheard-of" not in (project.path / file).read_text()
    assert "unheard-of" in "\n".join(printed(project))


def test_a_secret_has_no_diff(project: Project) -> None:
    """A node that sends it is not believed."""
    differing(project, "password = unheard-of\n")
    assert "unheard-of" not in "\n".join(printed(project))
