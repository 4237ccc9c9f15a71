"""What on a node can change its firewall."""

from power_edge.model import Triggers
from power_edge.resources.firewall.judge import Declared

_RULES_AT_BOOT = {
    "debian": ("/etc/nftables.conf", "/etc/iptables"),
    "rhel": ("/etc/sysconfig/nftables.conf", "/etc/sysconfig/iptables", "/etc/sysconfig/ip6tables"),
    "alpine": ("/etc/nftables.nft", "/etc/iptables"),
    "arch": ("/etc/nftables.conf", "/etc/iptables"),
}
"""Files with rules that are loaded at boot, by family of distributions."""
_ECHO = (
    "/proc/sys/net/ipv4/icmp_echo_ignore_all",
    "/proc/sys/net/ipv6/icmp/echo_ignore_all",
)
"""Whether the kernel answers echo requests at all."""


def triggers(_: Declared, family: str) -> Triggers:
    """Return the rule files of every provider, since the node may change its provider, and the
    commands that a person uses.
    """
    return Triggers(
        paths=("/etc/ufw", "/etc/default/ufw", "/etc/firewalld", *_RULES_AT_BOOT.get(family, ())),
        values=_ECHO,
        topics=("nftables", "xtables", "network"),
        commands=("ufw", "firewall-cmd", "nft", "iptables", "ip6tables"),
    )
