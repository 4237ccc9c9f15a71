"""Units that a person's way to a machine may hang on, by their names."""

import re

_SERVICES = (
    # what serves a login
    r"(open)?sshd?([@-].*)?|dropbear.*|cockpit.*|getty@.*|serial-getty@.*|user@.*",
    # what every login passes
    r"dbus|dbus-broker|systemd-logind|systemd-user-sessions|sssd.*|nslcd|winbind|oddjobd",
    # the network
    r"network(ing|d)?|ifup@.*|ifplugd|netplan.*|systemd-(networkd|resolved|udevd).*",
    r"NetworkManager.*|ModemManager|wpa_supplicant([@-].*)?|iwd|hostapd|connman|wicked.*",
    r"dhcpcd(@.*)?|dhclient(@.*)?|isc-dhcp-.*|pppd?(@.*)?|pppoe.*|teamd(@.*)?",
    r"openvswitch.*|ovs-.*|frr|bird6?|quagga|keepalived",
    # tunnels
    r"openvpn.*|wg-quick@.*|wireguard.*|strongswan.*|ipsec|libreswan|tailscaled?|zerotier-one",
    r"nebula.*|tinc.*|n2n.*|cloudflared|netbird|innernet.*|softether.*|xl2tpd|autossh.*|teleport",
    # firewalls: to start one may close the way as well
    r"ufw|firewalld|nftables|iptables|ip6tables|netfilter-persistent|shorewall6?(-.*)?|ferm|ipset",
)
_PATTERN = re.compile(
    rf"({'|'.join(_SERVICES)})\.(service|socket)|.*\.(slice|mount|automount|target|scope|device)"
)


def carries(name: str) -> bool:
    """Whether a unit of this name may carry the way in: it serves logins, or brings up the network,
    a tunnel or a firewall; slices, mounts and targets take all that is in them or behind them."""
    return _PATTERN.fullmatch(name) is not None
