"""probes/discover-edge-node.sh by hand: the script that `power-edge discover` sends, in any shell
and any language, on a made tree.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from power_edge import package_data, resources
from power_edge.checking.target import target
from power_edge.discover.collect import read, script_for
from power_edge.probing import framing
from power_edge.probing.connection import Options
from tests.support import scripts
from tests.support.shells import each_shell
from tests.support.trees import tool, write

pytestmark = pytest.mark.shell

SCRIPT = package_data.folder("probes") / "discover-edge-node.sh"


def run(
    *arguments: str, shell: Sequence[str] = ("sh",), **environment: str
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*shell, SCRIPT, *arguments],
        check=False,
        capture_output=True,
        env={**os.environ, **environment},
        timeout=60,
    )


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    write(
        tmp_path,
        {
            "etc/sysctl.d/a.conf": "net.ipv4.ip_forward = 0\nvm.swappiness=10\n",
            "etc/machine-id": "a5bc498e58b74733905edbb8c8aedf4e\n",
        },
    )
    write(
        tmp_path,
        {
            "proc/sys/net/ipv4/ip_forward": "1\n",
            "proc/sys/vm/swappiness": "10\n",
            "proc/sys/kernel/hostname": "rig-7\n",
        },
    )
    return tmp_path


@each_shell("dash", "bash", "mksh", "busybox")
def test_any_shell_reads_a_tree(tree: Path, shell: list[str]) -> None:
    done = run(
        "--only", "sysctl", shell=shell, PE_ROOT=str(tree), LANG="de_DE.UTF-8", LC_ALL="de_DE.UTF-8"
    )
    assert done.returncode == 0, done.stderr
    found = read(framing.read(done.stdout), resources.discoverable())
    assert found.machine.hostname == "rig-7"
    (section,) = found.sections
    assert [(each.name, each.value, each.why) for each in section.found] == [
        ("net.ipv4.ip_forward", "1", "/etc/sysctl.d/a.conf sets it, but to 0"),
        ("vm.swappiness", "10", "/etc/sysctl.d/a.conf sets it"),
    ]


def test_it_is_the_script_that_is_sent() -> None:
    sent = script_for(
        target(None, None, Options()), resources.discoverable(), everything=True
    ).text()
    by_hand = run("--print", "--all").stdout.decode()
    assert _alike(by_hand) == _alike(sent)


def _alike(script: str) -> list[str]:
    """The lines of a script but for how it quotes, and its deadlines; by hand PE_ROOT is for a
    person to set.
    """
    lines = script.replace("""'"'"'""", r"'\''").splitlines()
    return [
        re.sub(r"^    pe_begin .*", "    pe_begin", line)
        for line in lines
        if line and line != "    unset PE_ROOT"
    ]


def test_a_destination_is_left_to_ssh(tree: Path) -> None:
    tool(tree, "ssh", 'printf "%s\\n" "$@" >"$SAID"; cat >"$SAID.script"')
    said = tree / "said"
    assert (
        run("stella@rig-7", PATH=f"{tree}/bin:{os.environ['PATH']}", SAID=str(said)).returncode == 0
    )
    options = said.read_text().split()
    assert options[-3:] == ["--", "stella@rig-7", "sh"]
    assert {"BatchMode=yes", "ConnectTimeout=10", "RemoteCommand=none", "ForwardAgent=no"} <= set(
        options
    )
    assert Path(f"{said}.script").read_bytes() == run("--print").stdout


@pytest.mark.parametrize("status", [1, 124, 255])
def test_a_machine_on_which_it_did_not_run_is_unreachable(tree: Path, status: int) -> None:
    tool(tree, "ssh", f"cat >/dev/null; exit {status}")
    assert run("stella@rig-7", PATH=f"{tree}/bin:{os.environ['PATH']}").returncode == 11


@pytest.mark.parametrize(
    "arguments",
    [["-oProxyCommand=touch /pe-run"], ["--only"], ["--only", "servces"], ["a", "b"], ["--help"]],
)
def test_what_it_does_not_know_is_answered_with_how_to_call_it(arguments: list[str]) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (4, b"")
    assert b"sh probes/discover-edge-node.sh [--all]" in done.stderr


def test_an_unreadable_folder_is_reported(tree: Path) -> None:
    """Root may read everything, so `[` is made to fail for the folder."""
    refuse = '[() { case "$*" in "-r "*/etc/sysctl.d*) false ;; *) command [ "$@" ;; esac; }\n'
    body = refuse + scripts.body("sysctl", "discovery")
    done = subprocess.run(
        ["bash", "-c", body, "pe", "changed"],
        capture_output=True,
        check=True,
        env={**os.environ, "PE_ROOT": str(tree)},
    )
    assert b"?/etc/sysctl.d\tonly root can look into it\n" in done.stdout


@pytest.mark.parametrize("missing", ["awk", "proc"])
def test_what_cannot_look_is_no_empty_answer(tree: Path, missing: str) -> None:
    tools = tree / "tools"
    tools.mkdir()
    for name in {"awk", "cut", "grep", "md5sum", "sed", "sort", "tr", "find", "cat"} - {missing}:
        (tools / name).symlink_to(shutil.which(name) or name)
    if missing == "proc":
        shutil.rmtree(tree / "proc")
    body = scripts.body("sysctl", "discovery")
    done = subprocess.run(
        [shutil.which("dash") or "sh", "-c", body, "pe", "changed"],
        capture_output=True,
        check=False,
        env={"PE_ROOT": str(tree), "PATH": str(tools)},
    )
    assert (done.returncode, done.stdout) == (1, b"")
    assert (
        f"this node has no {'/proc/sys' if missing == 'proc' else missing}" in done.stderr.decode()
    )


def test_no_answer_goes_to_a_terminal(tree: Path) -> None:
    """It is what a machine printed, raw."""
    master, slave = os.openpty()
    done = subprocess.run(
        ["sh", SCRIPT],
        check=False,
        stdout=slave,
        stderr=subprocess.PIPE,
        env={**os.environ, "PE_ROOT": str(tree)},
        timeout=60,
    )
    os.close(slave)
    with pytest.raises(OSError, match="Input/output error"):  # nothing was written to it
        os.read(master, 1)
    os.close(master)
    assert (done.returncode, b"The answer goes to a file" in done.stderr) == (4, True)
