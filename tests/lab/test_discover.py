"""The round trip: what is discovered of a node is true of it at once, item by item, on every kind
of node of the lab.
"""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from power_edge.config import load_node
from tests.support.lab.checking import check, declare
from tests.support.lab.nodes import Lab, Node
from tests.support.lab.roots import FIREWALLD, RPM, TRIXIE, Root

pytestmark = pytest.mark.lab

POWER_EDGE = str(Path(sys.executable).with_name("power-edge"))
SERVICE = "[Service]\nExecStart=/bin/sleep infinity\n"
INSTALL = "[Install]\nWantedBy=multi-user.target\n"
ODD_UNITS = {
    "/etc/systemd/system/pe-static.service": SERVICE,
    "/etc/systemd/system/pe-failed.service": "[Service]\nType=oneshot\nExecStart=/bin/false\n"
    + INSTALL,
    "/etc/systemd/system/pe-template@.service": SERVICE + INSTALL,
    "/etc/systemd/system/pe-oneshot.service": "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n"
    + INSTALL,
    "/etc/systemd/system/pe-listens.socket": "[Socket]\nListenStream=/run/pe-listens\n[Install]\nWantedBy=sockets.target\n",
    "/etc/systemd/system/pe-listens.service": SERVICE,
    "/etc/systemd/system/pe-now-and-then.timer": "[Timer]\nOnCalendar=yearly\n[Install]\nWantedBy=timers.target\n",
    "/etc/systemd/system/pe-now-and-then.service": "[Service]\nType=oneshot\nExecStart=/bin/true\n",
    "/etc/systemd/system/pe\\x2dodd@a\\x20b.service": SERVICE + INSTALL,
}
ODD_FILES = {
    "/etc/pe/with blanks  and 'quotes'": "1",
    '/etc/pe/"double" and $(touch /pe-run)': "2",
    "/etc/pe/new\nline": "3",
    "/etc/pe/-dash": "4",
    "/etc/pe/back\\slash\\n": "5",
    "/etc/pe/ünïcode: yes # no": "6",
    "/etc/sysctl.d/50-pe.conf": "net.ipv4.tcp_keepalive_time = 7201\nnet/ipv4/conf/all/rp_filter=2\n",
}
PREPARE = """
systemctl -q enable pe-failed pe-template@one pe-oneshot pe-listens.socket pe-now-and-then.timer 'pe\\x2dodd@a\\x20b.service'
systemctl -q disable cron
ln -s /dev/null /etc/systemd/system/pe-masked.service
printf secret >/etc/pe/secret
chmod 600 /etc/pe/secret
printf not-utf8 >"$(printf '/etc/pe/\\377')"
"""
# The kernel takes a page at a time, and would cut a number in two.
RESERVED = """
ports=$(seq -s, 10001 2 18001)
echo "net.ipv4.ip_local_reserved_ports = $ports" >/etc/sysctl.d/60-reserved.conf
printf %s "$ports" | dd of=/proc/sys/net/ipv4/ip_local_reserved_ports bs=4092 iflag=fullblock status=none
"""
UFW = """
sed -i s/IPV6=no/IPV6=yes/ /etc/default/ufw
ufw default deny incoming && ufw allow 22/tcp comment 'the way in' && ufw allow from 10.8.0.0/24 to any port 53 proto udp
ufw deny 23/tcp && ufw reject 25/tcp && ufw --force enable
"""
FIREWALL_CMD = """
firewall-cmd -q --add-port=8080/tcp && firewall-cmd -q --add-service=https
firewall-cmd -q --add-rich-rule='rule family=ipv4 source address=10.8.0.0/24 port port=53 protocol=udp accept'
"""
NFT = """
nft -f - <<'RULES'
table inet filter {
    chain input {
        type filter hook input priority filter; policy drop;
        ct state established,related accept
        iif lo accept
        meta l4proto { icmp, ipv6-icmp } accept
        tcp dport { 22, 443 } accept
        ip saddr 10.8.0.0/24 udp dport 53 accept
    }
}
RULES
"""
KINDS: dict[str, tuple[Root | None, str]] = {
    "ufw": (None, UFW),
    "firewalld": (FIREWALLD, FIREWALL_CMD),
    "nftables": (None, NFT),
    "rpm": (RPM, "true"),
    "trixie": (TRIXIE, "true"),
    "odd": (None, RESERVED),
}


@contextmanager
def booted(lab: Lab, kind: str, name: str) -> Iterator[Node]:
    root, script = KINDS[kind]
    options = {"files": ODD_UNITS | ODD_FILES, "prepare": PREPARE} if kind == "odd" else {}
    with lab.node(name, **({"root": root} if root is not None else {}), **options) as node:  # type: ignore[arg-type]
        node.sh(script)
        yield node


@pytest.fixture(scope="module", params=KINDS)
def machine(request: pytest.FixtureRequest, lab: Lab) -> Iterator[Node]:
    with ExitStack() as stack:
        yield stack.enter_context(booted(lab, request.param, request.param))


def discover(lab: Lab, folder: Path, *arguments: str, status: int = 0) -> str:
    """What `power-edge discover` said, run in a folder; its exit status is held to `status`."""
    done = lab.run(
        POWER_EDGE,
        "discover",
        f"--ssh-config={lab.ssh_config}",
        *arguments,
        check=False,
        cwd=folder,
        COLUMNS="80",
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("user", ["root", "stella", "guest"])
def test_what_is_discovered_is_true_at_once(
    lab: Lab, machine: Node, tmp_path: Path, user: str
) -> None:
    (tmp_path / "node-configs").mkdir()
    discover(lab, tmp_path, f"{user}@{machine.name}")
    checked = check(lab, f"--node={machine.name}", folder=tmp_path)
    assert set(checked.outcomes(machine.name).values()) == {"compliant"}, checked.output
    assert checked.status == 0
    assert not [item for item in checked.items.values() if item.get("extra")]
    assert len(load_node(tmp_path / "node-configs" / machine.name).items) == len(checked.items) - 1


def test_a_node_of_odd_things_is_declared_in_full(lab: Lab, tmp_path: Path) -> None:
    (tmp_path / "node-configs").mkdir()
    with booted(lab, "odd", "odder") as node:
        discover(lab, tmp_path, f"root@{node.name}")
        items = {
            (item.type, item.name): item.expected
            for item in load_node(tmp_path / "node-configs" / node.name).items
        }
    assert len(str(items["sysctl", "net.ipv4.ip_local_reserved_ports"]["value"])) > 18_000
    assert {
        name: dict(expected)
        for (kind, name), expected in items.items()
        if kind == "services" and name.startswith("pe")
    } == {
        "pe-failed": {"enabled": True},
        "pe-listens.socket": {"state": "running", "enabled": True},
        "pe-masked": {"state": "disabled"},
        "pe-now-and-then.timer": {"state": "running", "enabled": True},
        "pe-oneshot": {"state": "running", "enabled": True},
        "pe-static": {"state": "stopped"},
        "pe-template@one": {"state": "running", "enabled": True},
        "pe\\x2dodd@a\\x20b": {"state": "running", "enabled": True},
    }
    assert items["services", "cron"] == {"state": "disabled"}
    assert {path for kind, path in items if kind == "files"} >= {
        path for path in ODD_FILES if not path.startswith("/etc/sysctl")
    }
    assert items["files", "/etc/pe/secret"] == {
        "type": "regular file",
        "mode": "0600",
        "owner": "root",
        "group": "root",
    }


def test_an_unreachable_machine_is_11_and_leaves_nothing(
    lab: Lab, node: Node, tmp_path: Path
) -> None:
    (tmp_path / "node-configs").mkdir()
    assert "unreachable" in discover(lab, tmp_path, f"ssh://root@{node.address}:9", status=11)
    assert list((tmp_path / "node-configs").iterdir()) == []


def test_a_clone_is_not_taken_for_its_original(lab: Lab, node: Node, tmp_path: Path) -> None:
    (tmp_path / "node-configs").mkdir()
    with lab.node("Clone-1", machine_id=node.machine_id):
        discover(lab, tmp_path, "root@Clone-1")
        assert check(lab, "--node=Clone-1", folder=tmp_path).status == 0
        assert "the host name 'Clone-1' instead of 'usual'" in discover(
            lab, tmp_path, f"root@{node.name}", "--merge", status=4
        )
    assert [folder.name for folder in (tmp_path / "node-configs").iterdir()] == ["Clone-1"]


def test_a_section_that_hangs_is_told_and_the_others_are_read(
    lab: Lab, node: Node, tmp_path: Path
) -> None:
    node.write("/usr/local/bin/systemctl", "#!/bin/sh\nexec sleep 1000\n", 0o755)
    declare(tmp_path, node, {"sysctl": {"net.ipv4.ip_forward": "0"}}, section_timeout=1)
    try:
        output = discover(lab, tmp_path, node.name, "--merge", "--only", "services,sysctl")
    finally:
        node.sh("rm /usr/local/bin/systemctl")
    assert "not observed: services: timed out" in output
    assert "net.ipv4.ip_forward" in output
    assert node.sh("pgrep -x sleep || echo none") == "none"


@pytest.mark.parametrize("machine", ["odd", "rpm", "firewalld"], indirect=True)
def test_the_inventory_is_true_as_well(lab: Lab, machine: Node, tmp_path: Path) -> None:
    (tmp_path / "node-configs").mkdir()
    discover(lab, tmp_path, f"root@{machine.name}", "--all")
    checked = check(lab, f"--node={machine.name}", folder=tmp_path)
    assert {
        item: outcome
        for item, outcome in checked.outcomes(machine.name).items()
        if outcome != "compliant"
    } == {}
    assert checked.status == 0
