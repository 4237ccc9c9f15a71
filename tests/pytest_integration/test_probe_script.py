"""The script of a node, run by the shells that nodes have."""

import os
import random
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from power_edge.probing.framing import merge, read
from power_edge.probing.script import COMMAND_LIMIT, Timeouts, probe_script
from power_edge.report.shell_line import quoted
from tests.support.scripts import HOSTILE, OPEN, echo_in_place_of_the_probes, items, replace_probes
from tests.support.shells import each_shell

pytestmark = pytest.mark.shell


@pytest.fixture
def echo(monkeypatch: pytest.MonkeyPatch) -> None:
    echo_in_place_of_the_probes(monkeypatch)


def run(command: Sequence[str], script: str, folder: Path) -> bytes:
    return subprocess.run(
        command,
        input=script.encode("utf-8", "surrogateescape"),
        capture_output=True,
        check=False,
        cwd=folder,
    ).stdout


@pytest.mark.usefixtures("echo")
@each_shell()
def test_names_reach_the_probe_as_they_are(shell: list[str], tmp_path: Path) -> None:
    script = probe_script("a", OPEN, items(HOSTILE), Timeouts()).text()
    (tmp_path / "script").write_bytes(script.encode("utf-8", "surrogateescape"))
    printed = subprocess.run(
        [*shell, "script"], capture_output=True, check=True, cwd=tmp_path, stdin=subprocess.DEVNULL
    ).stdout
    output = read(printed).outputs["files.0"]
    assert output.failure() is None
    assert output.stdout.split(b"\0")[:-1] == [
        each.encode("utf-8", "surrogateescape") for each in HOSTILE
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["script"]


@pytest.mark.usefixtures("echo")
def test_a_script_that_was_cut_runs_nothing(tmp_path: Path) -> None:
    """All cuts at ends of lines, and some within. (Of the last line any part that is a command at
    all runs the whole.)
    """
    script = probe_script("a", OPEN, items(["a'b\nc", "d"]), Timeouts()).text()
    last = script.rindex("pe_main")
    ends = [at for at in range(last) if script[at] == "\n"][-80:]
    within = random.Random(7).sample(range(last), 60)
    for at in {*ends, *within, last, last + 3}:
        assert b"PE2" not in run(["sh"], script[:at], tmp_path), script[max(0, at - 60) : at]
    assert b"PE2" in run(["sh"], script, tmp_path)
    assert not list(tmp_path.iterdir())


@each_shell()
@pytest.mark.parametrize(
    "tools",
    [(), pytest.param(("timeout", "setsid"), marks=pytest.mark.shell("busybox"))],
    ids=["timeout", "busybox-timeout"],
)
def test_no_command_line_on_the_node_shows_a_probe_or_an_item(
    shell: list[str], tools: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in tools:
        (tmp_path / name).symlink_to(shutil.which("busybox") or "")
    # What `ps` shows while the section runs, and what its children inherit.
    body = ": zq_probe; set +f; cat /proc/[0-9]*/cmdline | tr '\\0' ' '; env"
    replace_probes(monkeypatch, body)
    monkeypatch.setattr(
        "power_edge.probing.script.resource", lambda _: type("Kind", (), {"ask": None})
    )
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    script = probe_script("a", OPEN, items(["zq_name", "zq_it's"]), Timeouts()).text()
    done = subprocess.run(shell, input=script.encode(), capture_output=True, check=True)
    output = read(done.stdout).outputs["files.0"]
    assert output.failure() is None
    assert b" pe " in output.stdout
    assert b"zq_" not in output.stdout


def incompressible(count: int, seed: int = 1) -> list[str]:
    chance = random.Random(seed)
    return ["".join(chr(chance.randrange(0x4E00, 0x9000)) for _ in range(40)) for _ in range(count)]


@pytest.mark.usefixtures("echo")
def test_a_long_plan_is_split_and_nothing_is_lost(tmp_path: Path) -> None:
    names = incompressible(2000)
    commands = probe_script("a", OPEN, items(names), Timeouts()).commands()
    assert len(commands) > 1
    assert max(map(len, commands)) <= COMMAND_LIMIT
    answers = [
        read(
            subprocess.run(
                ["sh", "-c", command],
                capture_output=True,
                check=True,
                cwd=tmp_path,
                stdin=subprocess.DEVNULL,
            ).stdout
        )
        for command in commands
    ]
    merged = merge(answers)
    assert merged.complete
    assert b"".join(
        merged.outputs[name].stdout
        for name in sorted(merged.outputs, key=lambda name: int(name[6:]))
    ) == b"".join(name.encode() + b"\0" for name in names)


def test_deadlines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace_probes(monkeypatch, "echo begun; exec sleep 60\n")
    script = probe_script("a", OPEN, items(["vm.swappiness"], "sysctl"), Timeouts(section=1)).text()
    output = read(run(["sh"], script, tmp_path)).outputs["sysctl.0"]
    assert output.failure() == "timed out"
    assert output.stdout == b"begun\n"
    assert output.milliseconds is not None
    assert 990 <= output.milliseconds < 60_000


@each_shell()
@pytest.mark.parametrize(
    "printed",
    [r"\0\001\377\r\n\0", r"no newline", "", r"\n\n", r"\342\202\254", r"%s\t\134"],
    ids=ascii,
)
def test_what_a_section_prints_fits_its_checksum(
    shell: list[str], printed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The node's own cksum and tee, against the reader's arithmetic."""
    body = f"printf '{printed.replace('%', '%%')}'; printf 'a\\tb\\nc' >&2"
    replace_probes(monkeypatch, body)
    script = probe_script("a", OPEN, items(["vm.swappiness"], "sysctl"), Timeouts()).text()
    output = read(run(shell, script, tmp_path)).outputs["sysctl.0"]
    assert (output.failure(), output.stderr) == (None, "a\tb\nc")
    assert (
        output.stdout
        == subprocess.run(
            ["printf", printed.replace("%", "%%")], capture_output=True, check=True
        ).stdout
    )


def test_megabytes_go_through_and_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body = "head -c 5000000 /dev/zero | tr '\\0' '\\377'; head -c 100000 /dev/zero"
    replace_probes(monkeypatch, body)
    output = read(
        run(
            ["sh"],
            probe_script("a", OPEN, items(["vm.swappiness"], "sysctl"), Timeouts()).text(),
            tmp_path,
        )
    ).outputs["sysctl.0"]
    assert output.failure() is None
    assert output.stdout == b"\xff" * 5_000_000 + bytes(100_000)


@pytest.mark.parametrize("missing", ["tee", "cksum"])
def test_a_node_without_a_tool_of_the_frame_says_which(tmp_path: Path, missing: str) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in {"sh", "od", "tr", "cat", "date", "id", "tee", "cksum", "sha256sum", "timeout"} - {
        missing
    }:
        (tools / name).symlink_to(shutil.which(name) or name)
    script = probe_script("a", OPEN, items(["vm.swappiness"], "sysctl"), Timeouts()).text()
    # What a script finds beside PATH are the sbin folders, where neither tool is.
    done = subprocess.run(
        [tools / "sh"],
        input=script,
        capture_output=True,
        check=False,
        text=True,
        env={"PATH": str(tools)},
    )
    assert (done.returncode, done.stdout, done.stderr) == (
        1,
        "",
        f"power-edge: {missing}: not found\n",
    )


@pytest.mark.shell("busybox")
@each_shell("dash", "bash", "mksh", "busybox")
@pytest.mark.parametrize(
    "body", ["echo begun; sleep 60; true", "echo begun >&2; sleep 60 | cat; true"]
)
def test_a_deadline_of_busybox_ends_all_that_was_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shell: list[str], body: str
) -> None:
    for name in ("timeout", "setsid", "sleep"):
        (tmp_path / name).symlink_to(shutil.which("busybox") or "")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    replace_probes(monkeypatch, body)
    script = probe_script("a", OPEN, items(["vm.swappiness"], "sysctl"), Timeouts(section=1)).text()
    # Held open, the output would end with the sleep alone.
    done = subprocess.run(
        [*shell, "-c", script],
        stdout=subprocess.PIPE,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=30,
    )
    answer = read(done.stdout)
    assert (answer.outputs["sysctl.0"].failure(), answer.complete) == ("timed out", True)


@pytest.mark.shell("busybox")
def test_what_a_section_says_is_the_same_with_busybox_s_deadline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("timeout", "setsid"):
        (tmp_path / name).symlink_to(shutil.which("busybox") or "")
    body = """printf 'out %s\\n' "$@"; echo err >&2; exit 7"""
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    replace_probes(monkeypatch, body)
    output = read(
        run(
            ["sh"],
            probe_script("a", OPEN, items(["a.b", "c.d"], "sysctl"), Timeouts()).text(),
            tmp_path,
        )
    ).outputs["sysctl.0"]
    assert (output.status, output.stdout, output.stderr) == (7, b"out a/b\nout c/d\n", "err")


def test_without_an_identity_the_gate_stays_shut(tmp_path: Path) -> None:
    observed = read(
        run(
            ["sh"],
            probe_script("a", None, items(["vm.swappiness"], "sysctl"), Timeouts()).text(),
            tmp_path,
        )
    )
    assert (observed.gate, observed.outputs, observed.complete) == ("hidden", {}, True)


@each_shell("bash", "mksh", "busybox")
@pytest.mark.parametrize("argument", [*HOSTILE, ""], ids=ascii)
def test_an_argument_of_a_command_that_mends_means_itself(shell: list[str], argument: str) -> None:
    assert quoted(argument).isprintable()
    done = subprocess.run(
        [*shell, "-c", f"printf %s {quoted(argument)}"],
        capture_output=True,
        check=True,
        stdin=subprocess.DEVNULL,
    )
    assert done.stdout == argument.encode("utf-8", "surrogateescape")
