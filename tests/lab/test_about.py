"""Real nodes at a glance: over ssh as several users, by hand, and the ones that give no good
answer.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from power_edge.config.schema import validator
from tests.support.lab.checking import CHECKOUT, declare, digest
from tests.support.lab.nodes import Lab, Node
from tests.support.lab.t420 import t420_node

POWER_EDGE = str(Path(sys.executable).with_name("power-edge"))
BY_HAND = CHECKOUT / "probes" / "about-this-node.sh"
HOSTILE = """\
[Unit]
Description=\x1b]0;owned\x07 copies\tthe logs
[Service]
ExecStart=/bin/false
"""

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def node(lab: Lab) -> Iterator[Node]:
    """The T420 with a unit that failed and says hostile things of itself."""
    with t420_node(lab) as booted:
        booted.write("/etc/systemd/system/copy-logs.service", HOSTILE)
        booted.sh(
            "systemctl daemon-reload; systemctl start copy-logs; iptables -t nat -A POSTROUTING -o host0 -j MASQUERADE"
        )
        booted.sh("ufw allow 22/tcp; ufw --force enable")
        yield booted


def about(
    lab: Lab, *arguments: str, cwd: Path = CHECKOUT, **environment: str
) -> subprocess.CompletedProcess[str]:
    done = lab.run(
        POWER_EDGE,
        "about",
        *arguments,
        f"--ssh-config={lab.ssh_config}",
        check=False,
        cwd=cwd,
        **environment,
    )
    assert "Traceback" not in done.stderr
    return done


def as_json(lab: Lab, *arguments: str, cwd: Path = CHECKOUT, **environment: str) -> Any:
    done = about(lab, *arguments, "--json", cwd=cwd, **environment)
    assert (done.returncode, done.stderr) == (0, "")
    observed = json.loads(done.stdout)
    validator("about").validate(observed)
    return observed


@pytest.mark.parametrize("user", ["root", "stella", "guest"])
def test_what_each_user_sees(lab: Lab, node: Node, user: str) -> None:
    observed = as_json(lab, f"{user}@{node.name}")
    assert (observed["who"]["hostname"], observed["node"], observed["who"]["purpose"]) == (
        node.name,
        node.name,
        "VPN Gateway & Container Host",
    )
    assert observed["who"]["identity"] == {"kind": "machine-id", "hash": digest(node.machine_id)}
    assert observed["looked_as"] == {
        "user": user,
        "root": {"root": "root", "stella": "sudo", "guest": "plain"}[user],
    }
    assert [unit["name"] for unit in observed["services"]["failed"]] == ["copy-logs.service"]
    assert {port["port"] for port in observed["security"]["open_ports"]} == {22, 1194}
    assert "10.8.0.1/24" in observed["network"]["interfaces"][0]["addresses"]
    assert [(vpn["interface"], vpn["kind"]) for vpn in observed["network"]["vpns"]] == [
        ("tun0", "tun")
    ]
    unread = {thing["what"] for thing in observed["unread"]} - {"model", "updates"}
    roles = {role["name"] for role in observed["who"]["roles"] if role["evidence"]}
    if user == "guest":
        assert unread == {"sshd", "firewall", "programs", "masquerade"}
        assert (observed["security"]["sshd"], observed["security"]["firewall"]) == (None, None)
        assert roles == {"vpn-gateway", "container-host"}
    else:
        assert unread == set()
        assert observed["security"]["sshd"]["ports"] == [22]
        assert {chain["policy"] for chain in observed["security"]["firewall"]["chains"]} == {"drop"}
        assert {port["program"] for port in observed["security"]["open_ports"]} == {
            "sshd",
            "openvpn",
        }
        assert roles == {"vpn-gateway", "container-host", "edge-router"}


@pytest.mark.parametrize("lang", ["C", "de_DE.ISO-8859-1", "tr_TR.UTF-8"])
def test_what_a_person_sees(lab: Lab, node: Node, lang: str) -> None:
    done = about(lab, f"stella@{node.name}", LANG=lang, LC_ALL=lang, COLUMNS="80")
    assert done.returncode == 0
    assert "1 unit failed" in done.stdout
    assert "copy-logs.service" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert done.stdout.replace("\n", "").isprintable()


def test_by_hand(lab: Lab, node: Node, tmp_path: Path) -> None:
    ssh = tmp_path / "ssh"
    ssh.write_text(f'#!/bin/sh\nexec /usr/bin/ssh -F {lab.ssh_config} "$@"\n')
    ssh.chmod(0o755)
    carried = lab.run(
        "sh",
        str(BY_HAND),
        f"guest@{node.name}",
        LANG="tr_TR.UTF-8",
        PATH=f"{tmp_path}:{os.environ['PATH']}",
    )
    script = lab.run("sh", str(BY_HAND), "--print").stdout
    for command in (
        carried.stdout,
        *(node.run(*shell, "-c", script).stdout for shell in (["dash"], ["bash"])),
    ):
        assert f" Host name      {node.name}\n" in command
        assert "\n FAILED         copy-logs.service " in command
        assert "\n openvpn        openvpn@server.service runs\n" in command
        assert max(map(len, command.splitlines())) <= 80
        assert command.replace("\n", "").isprintable()
    assert "only root can" in carried.stdout
    assert "only root can" not in node.run("dash", "-c", script).stdout


def test_an_unreachable_machine_is_11(lab: Lab, node: Node) -> None:
    done = about(lab, "ssh://root@10.8.0.1:9")
    assert (done.returncode, done.stdout) == (11, "")
    assert done.stderr.startswith("Error: unreachable: ")
    assert lab.run("sh", str(BY_HAND), "root@127.0.0.1", check=False).returncode == 11


def test_of_another_machine_than_the_nodes_nothing_is_read(
    lab: Lab, node: Node, tmp_path: Path
) -> None:
    declare(tmp_path, node, {"sysctl": {"net.ipv4.ip_forward": "1"}})
    (tmp_path / "node-configs" / node.name).rename(tmp_path / "node-configs" / "the-right-one")
    declare(tmp_path, node, {"sysctl": {"net.ipv4.ip_forward": "1"}}, machine_id="0" * 31 + "1")
    node.sh(
        "printf '#!/bin/sh\\ntouch /read-all-the-same\\n' >/usr/local/bin/ss; chmod +x /usr/local/bin/ss"
    )
    done = about(lab, node.name, cwd=tmp_path)
    node.sh("rm /usr/local/bin/ss")
    assert (done.returncode, done.stdout) == (12, "")
    assert "another machine: its machine-id is on file for the-right-one" in done.stderr
    assert not (node.tree / "read-all-the-same").exists()


def test_a_node_that_hangs_in_one_part(lab: Lab, node: Node, tmp_path: Path) -> None:
    declare(tmp_path, node, {"sysctl": {"net.ipv4.ip_forward": "1"}}, section_timeout=1)
    node.sh("printf '#!/bin/sh\\nsleep 1000\\n' >/usr/local/bin/ss; chmod +x /usr/local/bin/ss")
    observed = as_json(lab, node.name, cwd=tmp_path)
    node.sh("rm /usr/local/bin/ss")
    assert {"part": "security", "what": "security", "why": "timed out"} in observed["unread"]
    assert observed["security"]["sshd"]["ports"] == [22]
    assert observed["system"]["id"] == "debian"


def test_a_node_without_an_identity_on_file_may_be_looked_at(
    lab: Lab, node: Node, tmp_path: Path
) -> None:
    declare(tmp_path, node, {"sysctl": {"net.ipv4.ip_forward": "1"}})
    (tmp_path / "node-configs" / node.name / "system-identity.yaml").unlink()
    assert as_json(lab, node.name, cwd=tmp_path)["node"] == node.name


def test_looking_changes_nothing(lab: Lab, node: Node) -> None:
    node.sh("touch /var/tmp/before")
    as_json(lab, f"root@{node.name}")
    assert (
        node.sh(
            "find / -xdev -newer /var/tmp/before -type f ! -path '/proc/*' ! -path '/sys/*' ! -path '/run/*' ! -path '/var/log/*'"
        )
        == ""
    )
