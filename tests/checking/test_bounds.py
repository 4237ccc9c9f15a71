"""What a hostile or broken node costs: bytes, memory, open files, and the time of others.

Peaks of memory are measured, times are not.
"""

from pathlib import Path

import pytest

from tests.support import answers
from tests.support.bounded import Nodes

pytestmark = pytest.mark.shell

START = 120
"""MiB that a run takes which asks one healthy node, and as much again."""
GIGABYTE = "exec head -c 1073741824 /dev/zero"
LINES = "exec yes 'a line of some length'"
HEALTHY = answers.answer("b", {"sysctl.0": answers.sysctl({"vm.swappiness": "60"})})


@pytest.fixture
def nodes(tmp_path: Path) -> Nodes:
    return Nodes(tmp_path)


def test_a_healthy_node_passes_behind_the_stand_in(nodes: Nodes) -> None:
    nodes.node("b", HEALTHY)
    run = nodes.check()
    assert (run.status, run.peak < START) == (0, True), run


@pytest.mark.parametrize("prints", [GIGABYTE, LINES], ids=["1 GiB of zeros", "lines for ever"])
def test_an_answer_without_end_is_cut(nodes: Nodes, prints: str) -> None:
    """hostile.md 7: 1 GiB of answer took 3.1 GB of memory, and 98 s against a deadline of 75.

    The other node is checked all the same.
    """
    nodes.node("a", prints)
    nodes.node("b", HEALTHY)
    run = nodes.check()
    assert run.status == 11, run.output
    assert "the answer is longer than 64 MiB" in run.output
    assert "b: 2 compliant" in run.output
    assert run.peak < START + 1.5 * 64


@pytest.mark.parametrize(
    "command",
    [("about", "a"), ("identity", "a"), ("discover", "a")],
    ids=lambda command: command[0],
)
def test_an_answer_without_end_is_cut_for_every_command(
    nodes: Nodes, command: tuple[str, ...]
) -> None:
    nodes.node("a", GIGABYTE)
    run = nodes.command(*command)
    assert run.status == 11, run.output
    assert "unreachable: the answer is longer than 64 MiB" in run.output
    assert run.peak < START + 1.5 * 64


def test_all_answers_of_a_run_together_have_a_limit(nodes: Nodes) -> None:
    for number in range(16):
        nodes.node(f"n{number}", GIGABYTE)
    nodes.node("b", HEALTHY)
    run = nodes.check()
    assert run.status == 11, run.output
    assert "the answer is longer than 15 MiB" in run.output
    assert "16 failed, 2 passed, 16 skipped" in run.output
    assert "b: 2 compliant" in run.output
    assert run.peak < START + 1.5 * 256


def lines(line: str, count: int = 1_000_000) -> bytes:
    return b"".join(
        line.encode() % number if "%" in line else line.encode() for number in range(count)
    )


MILLION = {
    "sysctl.0": b"== asked\n"
    + lines("k/%d\n")
    + b"== values\n"
    + lines("vm/swappiness:1\n", 100_000)
    + b"== end\n",
    "files.0": lines("user u%d 0\n"),
    "services.0": b"== asked\nssh.service\n== left\n" + lines("%d\n") + b"== end\n",
    "packages.0": b"manager dpkg amd64 apt-get\nasked ssh\n" + lines("asked %d\n"),
    "firewall.0": b"= nft 0\n" + lines(" %d\n") + b"= end 0\n",
}
DECLARED = {
    "sysctl": {"vm.swappiness": "60"},
    "files": [{"path": "/etc/motd", "mode": "0644"}],
    "services": [{"name": "ssh", "state": "running"}],
    "packages": [{"name": "ssh"}],
    "firewall": {"enabled": True},
}


@pytest.mark.parametrize("name", MILLION)
def test_a_million_lines(nodes: Nodes, name: str) -> None:
    kind = name.partition(".")[0]
    nodes.node("a", answers.answer("a", {name: MILLION[name]}), **{kind: DECLARED[kind]})
    nodes.node("b", HEALTHY)
    run = nodes.check()
    assert run.status in (1, 10), run.output
    assert "b: 2 compliant" in run.output
    assert run.peak < START + 600


HOSTILE_JSON = {
    "objects": b'{"a":{}},' * 1_000_000 + b"{}]}",
    "rules": b'{"rule":{"family":"inet","table":"t","chain":"c","expr":[]}},' * 200_000 + b"{}]}",
    "nesting": b"[" * 10_000_000,
    "number": b"9" * 10_000_000 + b"]}",
}


@pytest.mark.parametrize("what", HOSTILE_JSON)
def test_a_ruleset_without_measure(nodes: Nodes, what: str) -> None:
    """hostile.md 8, in bytes: what nft prints is the node's, and JSON takes 40 times its size in
    memory.
    """
    chain = b'{"chain":{"family":"inet","table":"t","name":"c"}},'
    text = b'= nft 0\n {"nftables": [' + chain + HOSTILE_JSON[what] + b"\n= end 0\n"
    nodes.node("a", answers.answer("a", {"firewall.0": text}), firewall={"enabled": True})
    nodes.node("b", HEALTHY)
    run = nodes.check()
    assert run.status == 10, run.output
    assert "b: 2 compliant" in run.output
    assert run.peak < START + 900


def test_a_section_longer_than_what_is_looked_into(nodes: Nodes) -> None:
    nodes.node("a", answers.answer("a", {"sysctl.0": b"x" * (16 << 20) + b"\n"}))
    run = nodes.check()
    assert run.status == 10, run.output
    assert "the probe's answer is longer than 16 MiB" in run.output
    assert run.peak < START + 120


@pytest.mark.parametrize(
    ("part", "text"),
    [
        (b"%s B x\n" % answers.NONCE.encode() * 500_000, "its frame has more than 10,000 lines"),
        (b"%s S %s\n" % (answers.NONCE.encode(), b"a " * 8_000_000), ""),
        (b"\n" * 20_000_000, ""),
    ],
    ids=["lines of the frame", "names of sections", "empty lines"],
)
def test_a_frame_without_measure(nodes: Nodes, part: bytes, text: str) -> None:
    answer = answers.answer("a", {"sysctl.0": b""})
    first = answer.index(b"\n", 1) + 1
    nodes.node("a", answer[:first] + part + answer[first:])
    run = nodes.check()
    assert run.status == 11, run.output
    assert text in run.output
    assert run.peak < START + 150


def test_what_is_said_of_a_node_that_prints_no_answer_is_short(nodes: Nodes) -> None:
    nodes.node("a", b"x" * 20_000_000)
    run = nodes.check()
    assert run.status == 11
    assert len(run.output) < 4000
    assert run.peak < START + 60


def about(lines_of: bytes) -> bytes:
    parts = ("who", "hardware", "network", "tuning", "services", "security", "roles", "system")
    return answers.answer(
        "a",
        {f"about.{part}": lines_of for part in parts},
        readings=[("machine-id", "ok", answers.digest(answers.MACHINE))],
    )


@pytest.mark.parametrize(
    "line", ["running\tu%d\td\n", "interface\te%d\tup\t-\n", "listening\ttcp\t0.0.0.0\t22\tp%d\n"]
)
def test_a_million_lines_about_a_machine(nodes: Nodes, line: str) -> None:
    nodes.node("a", about(lines(line, 125_000)))
    run = nodes.command("about", "a", "--json")
    assert run.status == 0, run.output[-2000:]
    assert "longer than 1 MiB" in run.output
    assert run.peak < START + 50


def test_a_million_lines_of_an_identity(nodes: Nodes) -> None:
    nodes.node("a", answers.answer("a", {"identity": lines("k%d: 1\n")}))
    run = nodes.command("identity", "a")
    assert run.status == 4, run.output
    assert "is larger than 4 MiB" in run.output
    assert run.peak < START + 100


def test_a_million_lines_to_discover(nodes: Nodes) -> None:
    found = {"find.sysctl": lines("+k/%d\tx\n"), "sysctl.0": b"== asked\n== values\n== end\n"}
    identity = {"identity": (12, b"", "collect-identity.sh: no machine-id\n")}
    machine = {"about.who": b"hostname\trig\n", "about.hardware": b"", "about.roles": b""}
    nodes.node("a", answers.answer("a", {**identity, **machine, **found}))
    run = nodes.command("discover", "ssh://a", "--as=c", "--only=sysctl")
    assert run.status == 0, run.output[-2000:]
    assert "wrote node-configs/c/" in run.output
    assert run.peak < START + 900


def test_nodes_wait_for_a_turn_where_few_files_may_be_open(nodes: Nodes) -> None:
    """hostile.md 15: with a limit of 40 open files, 10 of 20 healthy nodes were "unreachable: Too
    many open files".
    """
    for number in range(20):
        nodes.node(
            f"n{number}",
            answers.answer(f"n{number}", {"sysctl.0": answers.sysctl({"vm.swappiness": "60"})}),
        )
    run = nodes.check(prefix=("sh", "-c", 'ulimit -n 40; exec "$@"', "limit"))
    assert run.status == 0, run.output
    assert "20 nodes: 2 compliant" in run.output


def test_a_machine_that_may_open_too_few_files_says_nothing_of_its_nodes(nodes: Nodes) -> None:
    """It ended with 11, as though the nodes were gone."""
    nodes.node("a", answers.answer("a", {"sysctl.0": answers.sysctl({"vm.swappiness": "60"})}))
    (nodes.folder / "node-configs/a/test_own.py").write_text(
        "def test_own(host): raise AssertionError\n"
    )
    run = nodes.check(
        "--prometheus-textfile=edge.prom", prefix=("sh", "-c", 'ulimit -n 18; exec "$@"', "limit")
    )
    assert run.status == 10, run.output
    assert (
        "a: 3 unknown\n  not asked, because this machine ran out of resources (Too many open files):"
        in run.output
    )
    text = (nodes.folder / "edge.prom").read_text()
    assert "power_edge_checks{" in text
    assert not [
        word
        for word in (
            "power_edge_node_reachable{",
            "power_edge_identity_match{",
            "power_edge_last_seen_timestamp_seconds{",
        )
        if word in text
    ]
    done = nodes.command("about", "a", prefix=("sh", "-c", 'ulimit -n 18; exec "$@"', "limit"))
    assert (done.status, done.output) == (
        10,
        "Error: not asked, because this machine ran out of resources (Too many open files): raise its limits (ulimit -n, ulimit -u), or check fewer nodes at once\n",
    )


def test_the_figures_of_the_documentation_are_those_of_the_code() -> None:
    from power_edge.checking.check import BULKY, JUDGING_SECONDS
    from power_edge.probing.observe import LONGEST_SECTION
    from power_edge.probing.parallel import LONGEST_AT_LEAST, LONGEST_TOGETHER
    from power_edge.probing.process import LONGEST_OUTPUT

    text = (Path(__file__).parents[2] / "docs" / "ssh.md").read_text()
    for limit in (LONGEST_OUTPUT, LONGEST_TOGETHER, LONGEST_AT_LEAST, LONGEST_SECTION):
        assert f"{limit >> 20} MiB" in text
    assert f"{BULKY >> 10} KiB" in text
    assert f"{JUDGING_SECONDS:g} seconds" in text
