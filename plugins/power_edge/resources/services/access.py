"""Units that an operator's access to a machine may depend on, by their names."""

import re

_SERVICES = (
    # logins
    r"(open)?sshd?([@-].*)?|dropbear.*|cockpit.*|getty@.*|serial-getty@.*|user@.*",
    # what every login needs
    r"dbus|dbus-broker|systemd-logind|systemd-user-sessions|sssd.*|nslcd|winbind|oddjobd",
    # the network
    r"network(ing|d)?|ifup@.*|ifplugd|netplan.*|systemd-(networkd|resolved|udevd).*",
    r"NetworkManager.*|ModemManager|wpa_supplicant([@-].*)?|iwd|hostapd|connman|wicked.*",
    r"dhcpcd(@.*)?|dhclient(@.*)?|isc-dhcp-.*|pppd?(@.*)?|pppoe.*|teamd(@.*)?",
    r"openvswitch.*|ovs-.*|frr|bird6?|quagga|keepalived",
    # tunnels
    r"openvpn.*|wg-quick@.*|wireguard.*|strongswan.*|ipsec|libreswan|tailscaled?|zerotier-one",
    r"nebula.*|tinc.*|n2n.*|cloudflared|netbird|innernet.*|softether.*|xl2tpd|autossh.*|teleport",
    # firewalls: starting one may cut off access, too
    r"ufw|firewalld|nftables|iptables|ip6tables|netfilter-persistent|shorewall6?(-.*)?|ferm|ipset",
)
_PATTERN = re.compile(
    rf"({'|'.join(_SERVICES)})\.(service|socket)|.*\.(slice|mount|automount|target|scope|device)"
)


def may_carry_access(name: str) -> bool:
    """Return whether access to the machine may depend on a unit of this name: it serves logins, or
    it brings up the network, a tunnel or a firewall. A slice, a mount or a target counts, since it
    takes along all units in it.
    """
    return _PATTERN.fullmatch(name) is not None
