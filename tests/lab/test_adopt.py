"""Drift of real nodes taken over: the next check is compliant, and what nobody asked about is as it
was.
"""

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from power_edge.yaml_edit.edit import Put, edit
from tests.lab.test_discover import FIREWALL_CMD, NFT, UFW
from tests.support.lab.checking import check, declare
from tests.support.lab.nodes import Lab, Node
from tests.support.lab.roots import FIREWALLD, RPM, Root

pytestmark = pytest.mark.lab

POWER_EDGE = str(Path(sys.executable).with_name("power-edge"))
STATE = """\
# yaml-language-server: $schema=../../state.schema.json
version: "1.0"
metadata: {site: lab, environment: development}

services:
  # the jobs of the night
  - name: cron
    state: running     # always
    enabled: true
  - {name: ssh, state: running, enabled: true}
  # a machine of the past
  - {name: telegraph, state: running}

sysctl:
    net.ipv4.tcp_keepalive_time: '7200'   # seconds
    net.ipv4.no_such_key: "1"             # hidden in a container, it may be

files:
- path: /etc/motd
  content: |
    Authorised use only, and no other
  mode: "0644"       # all may read it
- path: /etc/gone
  # as the vendor has it
  owner: root

packages: [{name: openssh-server}, {name: no-such-package}, {name: sudo, version: '0.1'}, {name: ufw, state: absent}]

firewall:
  enabled: true
  default_incoming: allow   # for now
  rules:
  - {port: 22,  proto: tcp, action: allow}
  - {port: 99,  proto: tcp, action: allow}  # was it ever there?
  exclusive: true
"""


def adopt(lab: Lab, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return lab.run(
        POWER_EDGE,
        "adopt",
        f"--ssh-config={lab.ssh_config}",
        *arguments,
        check=False,
        cwd=folder,
        COLUMNS="80",
    )


def test_all_drift_of_a_node(lab: Lab, node: Node, tmp_path: Path) -> None:
    node.sh("""
        systemctl -q disable --now cron
        sysctl -qw net.ipv4.tcp_keepalive_time=600
        printf 'hello\\n' >/etc/motd
        chmod 600 /etc/motd
        ufw default deny incoming && ufw allow 22/tcp && ufw allow from 10.0.0.0/8 to any port 443 proto tcp && ufw --force enable
    """)
    version = node.run("dpkg-query", "-W", "-f", "${Version}", "sudo").stdout
    declare(tmp_path, node, {})
    file = tmp_path / "node-configs" / node.name / "state.yaml"
    file.write_text(STATE)
    assert check(lab, f"--node={node.name}", folder=tmp_path).status == 1

    done = adopt(lab, tmp_path, node.name, "services[cron]")
    assert (done.returncode, file.read_text()) == (4, STATE), "a pipe is nobody to ask"
    assert "-    state: running     # always\n" in done.stdout
    assert adopt(lab, tmp_path, node.name, "-k", "cron or keepalive", "--yes").returncode == 0
    some = STATE.replace(
        "state: running     # always\n    enabled: true",
        "state: stopped     # always\n    enabled: false",
    ).replace("'7200'", "'600'")
    assert file.read_text() == some

    done = adopt(lab, tmp_path, node.name, "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "not adopted: sysctl[net.ipv4.no_such_key]: unknown: " in done.stderr
    checked = check(lab, f"--node={node.name}", folder=tmp_path)
    assert [
        item for item, outcome in checked.outcomes(node.name).items() if outcome != "compliant"
    ] == ["sysctl[net.ipv4.no_such_key]"]
    assert checked.status == 10
    assert check(lab, f"--node={node.name}", "-k", "not no_such_key", folder=tmp_path).status == 0
    digest = hashlib.sha256(b"hello\n").hexdigest()
    wanted = some
    for old, new in (
        ("  # a machine of the past\n  - {name: telegraph, state: running}\n", ""),
        ("  content: |\n    Authorised use only, and no other\n", ""),
        (
            '  mode: "0644"       # all may read it\n',
            f'  mode: "0600"       # all may read it\n  sha256: {digest}\n',
        ),
        ("- path: /etc/gone\n  # as the vendor has it\n  owner: root\n", ""),
        (
            ", {name: no-such-package}, {name: sudo, version: '0.1'}",
            f", {{name: sudo, version: '{version}'}}",
        ),
        ("state: absent}", "state: present}"),
        ("allow   # for now", "deny   # for now"),
        (
            "  - {port: 99,  proto: tcp, action: allow}  # was it ever there?\n",
            "  - {port: 443, proto: tcp, action: allow, from: 10.0.0.0/8}\n",
        ),
    ):
        assert wanted.count(old) == 1, old
        wanted = wanted.replace(old, new)
    assert file.read_text() == wanted
    done = adopt(lab, tmp_path, node.name, "--yes")
    assert (done.returncode, done.stdout) == (0, f"{node.name}: nothing to adopt\n")


def test_what_could_not_be_looked_at_stays(lab: Lab, node: Node, tmp_path: Path) -> None:
    declare(
        tmp_path,
        node,
        {"firewall": {"enabled": False}, "files": [{"path": "/etc/shadow", "sha256": "0" * 64}]},
        user="guest",
    )
    file = tmp_path / "node-configs" / node.name / "state.yaml"
    before = file.read_text()
    done = adopt(lab, tmp_path, node.name, "--yes")
    assert (done.returncode, file.read_text()) == (0, before)
    assert "not adopted: firewall[enabled]: unknown: " in done.stderr
    assert adopt(lab, tmp_path, node.name, "files[/etc/shadow]", "--yes").returncode == 4


def test_another_machine_is_never_adopted(lab: Lab, node: Node, tmp_path: Path) -> None:
    declare(
        tmp_path, node, {"sysctl": {"net.ipv4.tcp_keepalive_time": "1"}}, machine_id="0" * 31 + "1"
    )
    file = tmp_path / "node-configs" / node.name / "state.yaml"
    before = file.read_text()
    assert adopt(lab, tmp_path, node.name, "--yes").returncode == 12
    (file.parent / "connection.yaml").write_text(f"ssh: {{host: {node.address}, port: 9}}\n")
    assert adopt(lab, tmp_path, node.name, "--yes").returncode == 11
    assert file.read_text() == before


OURS = {
    "/etc/systemd/system/pe.service": "[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n",
    "/etc/pe.conf": "1\n",
}
CHANGES: dict[str, tuple[Root | None, str, str]] = {
    "ufw": (
        None,
        UFW,
        "ufw allow 8443/tcp && ufw delete deny 23/tcp && ufw default reject incoming",
    ),
    "firewalld": (
        FIREWALLD,
        FIREWALL_CMD,
        "firewall-cmd -q --add-port=8443/tcp && firewall-cmd -q --remove-service=https",
    ),
    "nftables": (None, NFT, "nft add rule inet filter input tcp dport 8443 accept"),
    "rpm": (RPM, "true", "true"),
}


@pytest.mark.parametrize("kind", CHANGES)
def test_a_discovered_node_that_changes(lab: Lab, tmp_path: Path, kind: str) -> None:
    root, firewall, change = CHANGES[kind]
    (tmp_path / "node-configs").mkdir()
    options: dict[str, Any] = {"root": root} if root is not None else {}
    with lab.node(f"adopt-{kind}", files=OURS, prepare="systemctl -q enable pe", **options) as node:
        node.sh(firewall)
        found = lab.run(
            POWER_EDGE,
            "discover",
            f"--ssh-config={lab.ssh_config}",
            f"root@{node.name}",
            cwd=tmp_path,
        )
        assert "services" in found.stdout
        file = tmp_path / "node-configs" / node.name / "state.yaml"
        if "firewall:" in file.read_text() and kind != "rpm":
            file.write_text(
                edit(file.read_text(), [Put(("firewall", "exclusive"), True)], "state.yaml")
            )
        assert check(lab, f"--node={node.name}", folder=tmp_path).status == 0
        node.sh(f"systemctl stop pe && echo 23 >/etc/pe.conf && chown 1 /etc/pe.conf && {change}")
        drifted = check(lab, f"--node={node.name}", folder=tmp_path)
        assert {"services[pe]", "files[/etc/pe.conf]"} <= {
            item for item, outcome in drifted.outcomes(node.name).items() if outcome == "drift"
        }
        assert ("firewall[exclusive]" in drifted.output) == (kind != "rpm")
        before = len(file.read_text().splitlines())
        done = adopt(lab, tmp_path, node.name, "--yes")
        assert done.returncode == 0, done.stdout + done.stderr
        adopted = check(lab, f"--node={node.name}", folder=tmp_path)
        assert adopted.status == 0, done.stdout + done.stderr + adopted.output
        assert abs(len(file.read_text().splitlines()) - before) <= 2
