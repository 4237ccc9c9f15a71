"""The states of the recordings, made on lab nodes."""

from tests.support.cases import RECORDINGS, Case, load
from tests.support.lab.nodes import Node
from tests.support.lab.roots import BASE, FIREWALLD, RPM, TRIXIE

ROOTS = {"base": BASE, "firewalld": FIREWALLD, "rpm": RPM, "trixie": TRIXIE}
"""The roots by the names that recordings give them."""

_RESET_FIREWALL = """
ufw --force reset >/dev/null
rm -f /etc/ufw/*.rules.20*
sed -i 's/^IPV6=.*/IPV6=yes/' /etc/default/ufw
for default in 'deny incoming' 'allow outgoing' 'deny routed'; do ufw default $default >/dev/null; done
ufw logging low >/dev/null
sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0
nft flush ruleset
iptables-legacy -F 2>/dev/null && iptables-legacy -P INPUT ACCEPT || :
"""
_RESET_FIREWALLD = """
systemctl stop firewalld
rm -rf /etc/firewalld/zones/* /etc/firewalld/services/* /etc/firewalld/policies/* /etc/firewalld/direct.xml
sed -i 's/^DefaultZone=.*/DefaultZone=public/' /etc/firewalld/firewalld.conf
nft flush ruleset
systemctl reset-failed firewalld
systemctl start firewalld
"""
_AWAIT_FIREWALLD = "until firewall-cmd --state >/dev/null 2>&1; do sleep .1; done"
"""Its name is on the bus, and its unit active, before its rules are in the kernel."""


def recorded(area: str, name: str) -> Case:
    """A case by its name."""
    return load(RECORDINGS / area / name / "expect.yaml")


def make(node: Node, case: Case) -> None:
    """Make the state of a case on a node that has just booted from the case's root.

    AssertionError: its script failed.
    """
    if case.node == "firewalld":
        node.sh(_AWAIT_FIREWALLD)
    if case.setup is not None:
        shared = case.functions.read_text() if case.functions is not None else ""
        node.run("/bin/sh", "-s", stdin=shared + case.setup.read_text())


def make_firewall(node: Node, area: str, name: str) -> Case:
    """Make the state of a firewall's case on a node that had another firewall before; the case."""
    node.sh(_RESET_FIREWALLD if area == "firewalld" else _RESET_FIREWALL)
    case = recorded(area, name)
    make(node, case)
    return case
