"""The operator's ssh_config, as the real ssh resolves it (`ssh -G`, which connects to nothing) with
the options that the probe's ssh is given.
"""

import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from power_edge.probing import route
from power_edge.probing.failure import Unreachable
from power_edge.probing.process import Lifeline
from power_edge.probing.route import Route
from power_edge.probing.transport import ask
from tests.probing.test_transport import job
from tests.support.answers import answer

pytestmark = pytest.mark.shell

needs_ssh = pytest.mark.skipif(shutil.which("ssh") is None, reason="no ssh here")


@pytest.fixture(autouse=True)
def another_ssh() -> Iterator[None]:
    """The options depend on the ssh in PATH, and are found out once a process."""
    route._ssh_options.cache_clear()
    yield
    route._ssh_options.cache_clear()


def argv(route: Route, sockets: Path | None = None) -> list[str]:
    """The command line of ssh, without the command for the node."""
    line, words = route.host(10, sockets).backend._build_ssh_command("true")
    return shlex.split(" ".join(line) % tuple(map(shlex.quote, words)))[:-1]


def resolved(config: str, tmp_path: Path, *, sockets: bool = False) -> dict[str, str]:
    """What ssh would do, by option."""
    file = tmp_path / "config"
    file.write_text(f"Host rig\n{config}\n")
    ssh, *options = argv(Route("ssh://rig", ssh_config=str(file)), tmp_path if sockets else None)
    done = subprocess.run(
        [ssh, "-G", *options], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stderr == ""
    return {
        name: value for name, _, value in (line.partition(" ") for line in done.stdout.splitlines())
    }


@needs_ssh
@pytest.mark.parametrize("sockets", [False, True], ids=["probe", "own tests"])
@pytest.mark.parametrize(
    ("config", "option", "value"),
    [
        ("ForwardAgent yes", "forwardagent", "no"),
        ("ForwardX11 yes", "forwardx11", "no"),
        ("LocalForward 8080 127.0.0.1:80", "clearallforwardings", "yes"),
        ("RemoteForward 8080 127.0.0.1:80", "clearallforwardings", "yes"),
        ("DynamicForward 1080", "clearallforwardings", "yes"),
        ("Tunnel yes", "tunnel", "false"),
        ("GSSAPIDelegateCredentials yes", "gssapidelegatecredentials", "no"),
        ("PermitLocalCommand yes\nLocalCommand touch owned", "permitlocalcommand", "no"),
        ("RemoteCommand exec tmux", "remotecommand", None),
        ("RequestTTY force", "requesttty", "false"),
        ("BatchMode no", "batchmode", "yes"),
        ("SessionType none", "sessiontype", "default"),
        ("StdinNull yes", "stdinnull", "no"),
        ("ForkAfterAuthentication yes", "forkafterauthentication", "no"),
    ],
)
def test_what_the_operators_ssh_does_for_people_is_left_out(
    config: str, option: str, value: str | None, tmp_path: Path, *, sockets: bool
) -> None:
    """Nothing of theirs breaks a check, and nothing is opened to the node: no agent, display, port,
    tunnel or ticket, and no command is run.
    """
    assert resolved(config, tmp_path, sockets=sockets).get(option) == value


@needs_ssh
def test_a_connection_of_the_operator_is_neither_used_nor_kept(tmp_path: Path) -> None:
    """hostile.md 18: `ControlMaster auto` left a master behind, and a node that had gone cost 29 s
    instead of 11.
    """
    found = resolved("ControlMaster auto\nControlPath ~/.ssh/%C\nControlPersist 10m", tmp_path)
    assert (found["controlmaster"], found.get("controlpath", "none")) == ("false", "none")


@needs_ssh
def test_how_ssh_judges_host_keys_is_the_operators_own_word(tmp_path: Path) -> None:
    found = resolved(
        "StrictHostKeyChecking accept-new\nUserKnownHostsFile /srv/known\nProxyJump gate\nHostKeyAlias rigs",
        tmp_path,
    )
    assert (found["stricthostkeychecking"], found["userknownhostsfile"], found["hostkeyalias"]) == (
        "accept-new",
        "/srv/known",
        "rigs",
    )
    assert found["proxyjump"] == "gate"


def stand_in(
    folder: Path, monkeypatch: pytest.MonkeyPatch, does: str, version: str = "OpenSSH_9.6p1"
) -> None:
    """A program named ssh, first in PATH."""
    script = folder / "bin" / "ssh"
    script.parent.mkdir()
    script.write_text(
        f'#!/bin/sh\n[ "$1" != -V ] || {{ echo "{version}, OpenSSL 3" >&2; exit 0; }}\n{does}\n'
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{script.parent}{os.pathsep}{os.environ['PATH']}")


@pytest.mark.parametrize(
    ("version", "knows"),
    [
        ("OpenSSH_8.6p1", False),
        ("OpenSSH_7.4p1", False),
        ("OpenSSH_8.7p1", True),
        ("OpenSSH_10.0p2", True),
        ("OpenSSH_for_Windows_9.5p1", True),
        ("x", False),
    ],
)
def test_an_ssh_is_given_no_option_that_it_does_not_know(
    version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, knows: bool
) -> None:
    """It would end with "Bad configuration option", and no node could be checked."""
    stand_in(tmp_path, monkeypatch, "exit 1", version)
    assert ("SessionType=default" in argv(Route("ssh://rig"))) is knows


def test_the_answer_comes_over_whatever_is_named_ssh(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "answer").write_bytes(answer("a"))
    stand_in(tmp_path, monkeypatch, f"cat >/dev/null; cat {tmp_path}/answer")
    assert ask(job("a"), Lifeline()).node == "a"


UNKNOWN = "No ED25519 host key is known for rig and you have requested strict checking."
CHANGED = "Host key for rig has changed and you have requested strict checking."


@pytest.mark.parametrize(
    ("messages", "message"),
    [
        (
            ("Host key verification failed.",),
            "Host key verification failed. Add its key to known_hosts (ssh-keyscan, or connect once by hand)",
        ),
        ((UNKNOWN, "Host key verification failed."), f"{UNKNOWN} Host key verification failed."),
        (
            ("@@@@@@", CHANGED, "Host key verification failed."),
            f"{CHANGED} Host key verification failed.",
        ),
        (("root@rig: Permission denied (publickey).",), "root@rig: Permission denied (publickey)."),
        (
            ("ssh: Could not resolve hostname rig: Name or service not known",),
            "ssh: Could not resolve hostname rig: Name or service not known",
        ),
        ((), "ssh failed without an error message"),
    ],
)
@pytest.mark.parametrize(
    "before",
    [(), ('command-line line 0: Unsupported option "gssapidelegatecredentials"',)],
    ids=["", "no GSSAPI"],
)
def test_what_keeps_ssh_from_the_node_is_told_in_its_own_words(
    messages: tuple[str, ...],
    message: str,
    before: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words = "".join(f"echo {shlex.quote(line)} >&2\n" for line in (*before, *messages))
    stand_in(tmp_path, monkeypatch, f"{words}exit 255")
    with pytest.raises(Unreachable) as raised:
        ask(job("a"), Lifeline())
    assert str(raised.value) == message
