"""What a node is asked over ssh: with and without sudo, by several workers, with names that a shell
would take for its own.
"""

from pathlib import Path

import pytest

from tests.support.lab.checking import Check, check, declare, logins
from tests.support.lab.nodes import Lab, Node
from tests.support.lab.roots import TRIXIE, own_distribution

pytestmark = pytest.mark.lab

STATE = {
    "services": [{"name": "cron", "state": "running", "enabled": True}],
    "sysctl": {"net.ipv4.ip_forward": "0"},
    "packages": [{"name": "cron"}],
    "files": [
        {"path": "/etc/hostname", "mode": "0644", "owner": "root"},
        {"path": "/etc/shadow", "sha256": "0" * 64},
    ],
    "firewall": {"enabled": False},
}
OPEN_TO_ALL = {
    "node[identity]",
    "services[cron]",
    "sysctl[net.ipv4.ip_forward]",
    "packages[cron]",
    "files[/etc/hostname]",
}


@pytest.mark.parametrize(
    ("backend", "user"), [("ssh", "root"), ("ssh", "stella"), ("paramiko", "stella")]
)
def test_with_root_or_sudo_all_is_seen(
    lab: Lab, node: Node, tmp_path: Path, backend: str, user: str
) -> None:
    declare(tmp_path, node, STATE, backend=backend, user=user)
    _all_is_seen(check(lab, f"--node={node.name}", folder=tmp_path), node)


OPERATORS = """Host *
    ControlMaster auto
    ControlPath {0}/master-%C
    ControlPersist 10m
    ForwardAgent yes
    ForwardX11 yes
    LocalForward 127.0.0.1:18022 127.0.0.1:22
    RemoteForward 127.0.0.1:18022 127.0.0.1:22
    DynamicForward 127.0.0.1:11080
    ExitOnForwardFailure yes
    PermitLocalCommand yes
    LocalCommand touch {0}/local-command
    RemoteCommand touch /tmp/remote-command; exec tmux
    RequestTTY force
    SessionType none
    StdinNull yes
    ForkAfterAuthentication yes
    BatchMode no
"""
"""What people write into ~/.ssh/config, each of which would keep the script from the node, or open
something.
"""


def test_the_operators_ssh_config_neither_breaks_a_check_nor_opens_anything(
    lab: Lab, node: Node, tmp_path: Path
) -> None:
    declare(tmp_path, node, STATE, user="stella")
    lab.ssh_config.write_text(OPERATORS.format(tmp_path) + lab.ssh_config.read_text())
    try:
        run = check(lab, f"--node={node.name}", folder=tmp_path)
    finally:
        lab.write_ssh_files()
    _all_is_seen(run, node)
    assert [each.name for each in tmp_path.iterdir() if each.name != "node-configs"] == []
    assert node.sh("ls /tmp/remote-command", check=False) == ""


@pytest.mark.skipif(
    own_distribution() != "debian", reason="Debian 13 is made from the archive of a Debian machine"
)
def test_all_is_seen_on_debian_13(lab: Lab, tmp_path: Path) -> None:
    with lab.node("trixie", root=TRIXIE) as node:
        assert node.sh("systemctl --version").startswith("systemd 257 ")
        declare(tmp_path, node, STATE, user="stella")
        _all_is_seen(check(lab, f"--node={node.name}", folder=tmp_path), node)


def _all_is_seen(run: Check, node: Node) -> None:
    assert run.status == 1, run.output
    outcomes = run.outcomes(node.name)
    assert {name for name, outcome in outcomes.items() if outcome == "compliant"} == OPEN_TO_ALL | {
        "firewall[enabled]"
    }
    assert outcomes["files[/etc/shadow]"] == "drift"


def test_without_sudo_what_needs_root_is_unknown_and_says_so(
    lab: Lab, node: Node, tmp_path: Path
) -> None:
    declare(tmp_path, node, STATE, user="guest")
    run = check(lab, f"--node={node.name}", folder=tmp_path)
    assert run.status == 10, run.output
    outcomes = run.outcomes(node.name)
    assert {name for name, outcome in outcomes.items() if outcome == "compliant"} == OPEN_TO_ALL
    assert {name for name, outcome in outcomes.items() if outcome == "unknown"} == {
        "files[/etc/shadow]",
        "firewall[enabled]",
    }
    assert run.item(node.name, "firewall[enabled]")["why"]


def test_workers_of_xdist_make_no_second_probe(lab: Lab, node: Node, tmp_path: Path) -> None:
    state = {
        **STATE,
        "sysctl": {
            f"net.ipv4.conf.{link}.forwarding": "0" for link in ("all", "default", "host0", "lo")
        },
    }
    declare(tmp_path, node, {**state, "files": STATE["files"][:1]})  # type: ignore[index]
    before = logins(node)
    run = check(lab, f"--node={node.name}", "-n2", folder=tmp_path)
    assert run.status == 0, run.output
    assert len(run.outcomes(node.name)) == 9
    assert logins(node) - before == 1


def test_hostile_names_are_judged_literally_and_run_nothing(
    lab: Lab, node: Node, tmp_path: Path
) -> None:
    names = [
        "/srv/$(touch /tmp/pwned)",
        "/srv/`touch /tmp/pwned`",
        "/srv/'; touch /tmp/pwned; '",
        '/srv/"; touch /tmp/pwned; "',
        "/srv/a\ntouch /tmp/pwned",
        "/srv/* /etc/passwd",
        "/srv/\\n",
        "/srv/ü\u202e",
        "/srv/-n",
    ]
    for name in names[1::2]:
        node.run("/bin/sh", "-euc", 'mkdir -p "${1%/*}"; echo here >"$1"', "make", name)
    declare(
        tmp_path,
        node,
        {"files": [{"path": name, "content": "here\n"} for name in names]},
        user="stella",
    )
    run = check(lab, f"--node={node.name}", folder=tmp_path)
    assert run.status == 1, run.output
    files = [item for (_, name), item in run.items.items() if name.startswith("files[")]
    assert [item["name"] for item in files] == names
    assert [item["outcome"] for item in files] == [
        ("compliant" if index % 2 else "drift") for index in range(len(names))
    ]
    assert node.sh("ls /tmp/pwned", check=False) == ""


# Stands before systemctl on a node, and lets it go on only when both nodes have been asked for
# their services.
MEETING = """#!/bin/sh
touch "/meeting/$(hostname)"
until [ -e /meeting/port ] && [ -e /meeting/starboard ]; do sleep 0.05; done
exec /usr/bin/systemctl "$@"
"""


def test_nodes_are_asked_side_by_side(lab: Lab, tmp_path: Path) -> None:
    """Each node waits for the other to be asked: one after the other, the first would never answer."""
    meeting = tmp_path / "meeting"
    meeting.mkdir()
    options = [f"--bind={meeting}:/meeting"]
    files = {"/usr/local/bin/systemctl": MEETING}
    with (
        lab.node("port", files=files, options=options) as port,
        lab.node("starboard", files=files, options=options) as starboard,
    ):
        for node in (port, starboard):
            declare(tmp_path, node, {"services": [{"name": "cron", "state": "running"}]})
        run = check(lab, "--node=*", folder=tmp_path)
    assert run.status == 0, run.output
