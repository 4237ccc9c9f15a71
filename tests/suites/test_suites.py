"""The role suites, with a node that answers from a table: what passes, drifts, and is unknown."""

import json
import subprocess
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.util import module_from_spec, spec_from_file_location
from ipaddress import ip_network
from pathlib import Path
from threading import Thread
from types import ModuleType, SimpleNamespace
from typing import Any

import msgspec
import pytest
import yaml

from power_edge import package_data
from power_edge.config import role_suites
from power_edge.config.role_files import built_in
from power_edge.config.schema import schema
from power_edge.model.generated.node_identity_schema import ContainerHost, Ssh, VpnGateway
from power_edge.roles.paths import subschema
from power_edge.suites import (
    Unknown,
    exposition,
    for_all,
    netfilter,
    output,
    output_json,
    routing,
    sockets,
    sshd,
    tcp,
)
from power_edge.suites.containers import Runtime, without_links
from tests.suites.fake import Done, Host

FOLDER = package_data.folder("compliance")
SUITES = sorted(FOLDER.glob("*.py"))
CLIENTS = ip_network("10.8.0.0/24")


def suite(name: str) -> ModuleType:
    """A suite as a module; its fixtures are called by their functions."""
    spec = spec_from_file_location(name, FOLDER / f"test_{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


VPN, ACCESS = suite("vpn_gateway"), suite("access_control")
SENDS: Mapping[str, str | Done] = {
    "route get 192.0.2.1": "192.0.2.1 via 192.168.1.254 dev eth0 src 192.168.1.1 uid 0"
}
NO_ROUTE = Done(rc=2, stderr="RTNETLINK answers: Network is unreachable")


@pytest.mark.parametrize("file", SUITES, ids=lambda file: file.stem)
def test_a_suite_is_a_role_s_and_skips_nothing(file: Path) -> None:
    names = [f"test_{name.replace('-', '_')}" for name in built_in()]
    assert file.stem in names
    assert list(role_suites.tests_in(file))
    assert "skip" not in file.read_text()
    assert "xfail" not in file.read_text()


@pytest.mark.parametrize("file", SUITES, ids=lambda file: file.stem)
def test_what_a_test_is_about_can_be_declared(file: Path) -> None:
    name = file.stem.removeprefix("test_")
    (role,) = (each for each in built_in() if each.replace("-", "_") == name)
    settings = yaml.safe_load((package_data.folder("roles") / f"{role}.yaml").read_text()).get(
        "config", {}
    )
    for test in vars(suite(name)).values():
        for mark in getattr(test, "pytestmark", ()):
            assert mark.name == "declared"
            head, _, rest = mark.args[0].partition(".")
            if head == "config":
                assert subschema(settings, rest) is not None, mark
            else:
                assert subschema(schema("node-identity"), mark.args[0]) is not None, mark


# Commands.


def test_a_command_that_fails_or_hangs_is_unknown() -> None:
    host = Host({"fails": Done(rc=1, stderr="why\n"), "hangs": Done(rc=124), "json": "{"})
    for command, why in (("fails", "why"), ("hangs", "not done"), ("gone", "not found")):
        with pytest.raises(Unknown, match=why):
            output(host, command)
    with pytest.raises(Unknown, match="no JSON"):
        output_json(host, "json")


class OverSsh(Host):
    """A node behind testinfra's ssh, which takes each exit status 255 for one of ssh itself."""

    def run(self, command: str) -> Done:
        done = super().run(command)
        if done.rc == 255:
            raise RuntimeError(done)
        return done


def test_over_ssh_a_command_may_end_with_255() -> None:
    host = OverSsh({"fails": Done(rc=255, stderr="why\n")})
    with pytest.raises(Unknown, match="why"):
        output(host, "fails")
    bad = Done(rc=255, stderr="/etc/ssh/sshd_config line 3: Bad configuration option: x\n")
    with pytest.raises(AssertionError, match="sshd refuses its configuration"):
        sshd.settings(OverSsh({**SERVED, "sshd -T": bad}))
    lost = Done(rc=255, stderr="Connection to rig-7 closed by remote host.\n")
    with pytest.raises(Unknown, match="closed by remote host"):
        sshd.settings(OverSsh({**SERVED, "sshd -T": lost}))


def test_another_error_of_testinfra_is_not_taken_for_an_answer() -> None:
    class Broken(Host):
        def run(self, command: str) -> Done:
            raise RuntimeError(command)

    with pytest.raises(RuntimeError, match="true"):
        output(Broken({}), "true")


# vpn-gateway.


def link(name: str, address: str, kind: str = "", *flags: str) -> dict[str, Any]:
    local, _, length = address.partition("/")
    return {
        "ifname": name,
        "flags": ["UP", *flags],
        "linkinfo": {"info_kind": kind},
        "addr_info": [{"local": local, "prefixlen": int(length or 24), "scope": "global"}]
        if address
        else [],
    }


TUN = link("tun0", "10.8.0.1/24", "tun")
ETH = link("eth0", "192.168.1.1/24")
LO = link("lo", "127.0.0.1/8", "", "LOOPBACK")


def interfaces(*links: Mapping[str, Any]) -> list[routing.Interface]:
    return routing.interfaces(Host({"addr show": json.dumps(links)}))


def gateway(**more: Any) -> VpnGateway:
    """The section vpn_gateway of the T420, with changes."""
    return msgspec.convert(
        {
            "provider": "openvpn",
            "server_config": {"network": "10.8.0.0/24", "port": 1194, "protocol": "udp"},
            "routing": {
                "ip_forward": True,
                "masquerade": True,
                "routes": [{"network": "192.168.1.0/24", "via": "eth0"}],
            },
            **more,
        },
        VpnGateway,
    )


def call(fixture: Any, *arguments: Any) -> Any:
    """What a fixture of a suite returns."""
    return fixture.__wrapped__(*arguments)


@pytest.mark.parametrize(
    ("links", "up"),
    [
        ([LO, ETH, TUN], True),
        ([LO, ETH], False),
        ([LO, ETH, link("tun0", "", "tun")], False),
        ([LO, ETH, {**TUN, "flags": []}], False),
        # No program holds its other end.
        ([LO, ETH, link("tun0", "10.8.0.1/24", "tun", "NO-CARRIER")], False),
        ([LO, ETH, link("tun0", "10.9.0.1/24", "tun")], False),
        # Another interface of the network is not a tunnel.
        ([LO, link("eth0", "10.8.0.1/24"), link("tun0", "", "tun")], False),
        ([LO, ETH, link("tun7", "10.8.0.1/24", "tun")], True),
        ([LO, ETH, link("wg0", "10.8.0.1/24", "wireguard")], True),
    ],
)
def test_tunnel(links: list[dict[str, Any]], up: bool) -> None:
    found = call(VPN.tunnel, gateway(), CLIENTS, interfaces(*links))
    assert (found is not None) is up
    if not up:
        with pytest.raises(AssertionError, match="no tunnel is up"):
            VPN.test_tunnel_is_up_with_the_declared_network(CLIENTS, found)


def test_tunnel_of_another_name_is_not_the_declared_one() -> None:
    assert call(VPN.tunnel, gateway(interface="tun1"), CLIENTS, interfaces(LO, TUN)) is None


def test_without_a_network_any_tunnel_that_is_up_with_an_address_counts() -> None:
    given = gateway(server_config=None, routing=None)
    assert call(VPN.network, given) is None
    assert call(VPN.tunnel, given, None, interfaces(LO, ETH, TUN)) is not None
    assert call(VPN.tunnel, given, None, interfaces(LO, ETH, link("tun0", "", "tun"))) is None


def test_whose_packets_are_routed_must_be_declared() -> None:
    with pytest.raises(Unknown, match="write vpn_gateway"):
        call(VPN.client, None, interfaces(TUN))


OPENVPN = 'UNCONN 0 0 0.0.0.0:1194 0.0.0.0:* users:(("openvpn",pid=7,fd=6))\n'
UNIT_OF_7 = "cat /proc/7/cgroup"
CGROUPS = "1:name=systemd:/a.slice/{0}\n0::/a.slice/{0}\n"


@pytest.mark.parametrize(
    ("path", "unit"),
    [
        ("/system.slice/ssh.service", "ssh.service"),
        ("/system.slice/system-openvpn.slice/openvpn@server.service", "openvpn@server.service"),
        ("/system.slice/ssh.service/sub.service", "ssh.service"),  # Delegate=
        ("/system.slice/_ssh.service", "ssh.service"),
        ("/user.slice/user-1000.slice/user@1000.service/app.slice/ssh.service", "user@1000.service"),
        ("/user.slice/user-1000.slice/session-3.scope", "session-3.scope"),
        ("/machine.slice/systemd-nspawn@a.service/payload/system.slice/ssh.service", "systemd-nspawn@a.service"),
        ("/system.slice/docker-0a.scope/system.slice/ssh.service", "docker-0a.scope"),
        ("/", ""),
    ],
)  # fmt: skip
@pytest.mark.parametrize("root", ["/", "/init.scope", "/machine.slice/a.scope/init.scope"])
def test_a_unit_of_a_user_or_of_a_container_is_none_of_the_node(
    path: str, unit: str, root: str
) -> None:
    above = root.removesuffix("init.scope").rstrip("/")
    host = Host(
        {
            "cat /proc/1/cgroup": f"0::{root}\n",
            UNIT_OF_7: f"8:pids:/other.service\n0::{above}{path}\n",
        }
    )
    held = sockets.Socket("*", "", 1194, (("openvpn", 7),))
    assert list(sockets.units(host, held)) == [unit]


def test_a_hierarchy_that_systemd_does_not_use() -> None:
    cgroups = "1:name=systemd:/a/{}\n0::/a\n"
    host = Host(
        {"cat /proc/1/cgroup": cgroups.format("init.scope"), UNIT_OF_7: cgroups.format("b.service")}
    )
    held = sockets.Socket("*", "", 1194, (("openvpn", 7),))
    assert list(sockets.units(host, held)) == ["b.service", ""]


def test_a_process_outside_of_the_control_groups_of_the_node() -> None:
    host = Host({"cat /proc/1/cgroup": "0::/a/init.scope\n", UNIT_OF_7: "0::/b/ssh.service\n"})
    with pytest.raises(Unknown, match="outside"):
        list(sockets.units(host, sockets.Socket("*", "", 1194, (("openvpn", 7),))))


def at(address: str) -> str:
    return OPENVPN.replace("0.0.0.0:1194", f"{address}:1194")


@pytest.mark.parametrize(
    ("printed", "error"),
    [
        (OPENVPN, None),
        ("", AssertionError),
        (at("*"), None),
        (at("[::]"), None),
        (at("192.168.1.1"), None),
        (at("[::ffff:192.168.1.1]"), None),
        (at("0.0.0.0%eth0"), None),
        (at("127.0.0.1"), AssertionError),
        (at("[::1]"), AssertionError),
        (at("[::ffff:127.0.0.1]"), AssertionError),
        (at("[fe80::1]%eth0"), AssertionError),
        (at("10.8.0.1"), AssertionError),  # in the tunnel
        (at("172.17.0.1"), AssertionError),  # docker's
        (at("192.168.1.7"), AssertionError),  # no address of the node
        (at("0.0.0.0%lo"), AssertionError),
        (at("0.0.0.0%eth1"), AssertionError),  # it has no address
        (at("0.0.0.0%docker0"), AssertionError),
        (at("nonsense"), Unknown),
        (OPENVPN.replace("openvpn", "socat"), AssertionError),
        (OPENVPN.partition(" users")[0], Unknown),
        (Done(rc=1, stderr="no"), Unknown),
    ],
)
def test_port(printed: str | Done, error: type[Exception] | None) -> None:
    host = Host(
        {
            "ss -H -lnup 'sport = :1194'": printed,
            UNIT_OF_7: CGROUPS.format("openvpn@server.service"),
        }
    )
    known = interfaces(
        LO, ETH, TUN, link("docker0", "172.17.0.1/16", "bridge"), link("eth1", "", "")
    )
    if error is None:
        VPN.test_port_listens(host, gateway(), known)
        return
    with pytest.raises(error):
        VPN.test_port_listens(host, gateway(), known)


@pytest.mark.parametrize(
    ("declared", "unit", "listens"),
    [
        ({}, "openvpn@server.service", True),
        ({}, "openvpn-server@server.service", True),
        ({}, "openvpn@client.service", False),  # a client binds the same port
        ({"instance": "home"}, "openvpn@home.service", True),
        ({"unit": "vpn"}, "vpn.service", True),
        ({"unit": "vpn"}, "openvpn@server.service", False),
    ],
)
def test_whose_port_it_is(declared: dict[str, Any], unit: str, listens: bool) -> None:
    host = Host({"sport = :1194": OPENVPN, UNIT_OF_7: CGROUPS.format(unit)})
    if listens:
        VPN.test_port_listens(host, gateway(**declared), interfaces(ETH))
    else:
        with pytest.raises(AssertionError, match=unit):
            VPN.test_port_listens(host, gateway(**declared), interfaces(ETH))


@pytest.mark.parametrize(
    ("answer", "error"),
    [("1194\n", None), ("51820\n", AssertionError), (Done(rc=1, stderr="no"), Unknown)],
)
def test_port_of_wireguard(answer: str | Done, error: type[Exception] | None) -> None:
    """Its interface says which, since another program may hold the declared one."""
    given = gateway(provider="wireguard", interface="wg0")
    host = Host({"sport = :1194": OPENVPN, "wg show wg0 listen-port": answer})
    if error is None:
        VPN.test_port_listens(host, given, interfaces(ETH))
        return
    with pytest.raises(error):
        VPN.test_port_listens(host, given, interfaces(ETH))


THERE = "route get 192.168.1.2 from 10.8.0.2 iif tun0"
BACK = "route get 10.8.0.2 from 192.168.1.2 iif eth0"
ROUTED = {
    THERE: '[{"dst":"192.168.1.2","dev":"eth0"}]',
    BACK: '[{"dst":"10.8.0.2","dev":"tun0"}]',
}


def routed(answers: Mapping[str, str | Done], given: VpnGateway | None = None) -> None:
    """The tests of routes."""
    given = given or gateway()
    host, known = Host(answers), interfaces(LO, TUN, ETH)
    tunnel = call(VPN.tunnel, given, CLIENTS, known)
    client = call(VPN.client, CLIENTS, known)
    routes = call(VPN.routes, host, given, client, known, tunnel)
    VPN.test_routes_lead_where_they_are_declared(given, routes)
    VPN.test_clients_are_routed_both_ways(host, client, tunnel, routes)


def route(dst: str, dev: str | None = None, **more: Any) -> dict[str, Any]:
    return {"dst": dst, **({"dev": dev} if dev else {}), **more}


RULE = {"priority": 0, "src": "all", "table": "main"}
TO_CLIENTS = route("10.8.0.0/24", "tun0")
HALF = "10.8.0.128/25"


@pytest.mark.parametrize(
    ("found", "rule", "error"),
    [
        ([TO_CLIENTS], {}, None),
        ([route("default", "tun0")], {}, None),
        ([route("10.8.0.0/25", "tun0"), route(HALF, "tun0")], {}, None),
        ([TO_CLIENTS, route("10.8.0.1", "tun0", type="local", table="local")], {}, None),
        ([TO_CLIENTS, route("10.9.0.0/24", "eth0")], {}, None),
        # Of two routes to the same network the one with the lower metric counts.
        ([TO_CLIENTS, route("10.8.0.0/24", "eth0", metric=9)], {}, None),
        ([route("10.8.0.0/25", "tun0")], {}, AssertionError),
        ([], {}, AssertionError),
        ([TO_CLIENTS, route(HALF, "eth0")], {}, AssertionError),
        # The address that was asked about is routed as declared, and no other one.
        (
            [
                route("default", "tun0"),
                route("10.8.0.0/24", "eth0"),
                route("10.8.0.2", "tun0"),
            ],
            {},
            AssertionError,
        ),
        ([TO_CLIENTS, route(HALF, type="blackhole")], {}, AssertionError),
        ([TO_CLIENTS, route(HALF, nexthops=[])], {}, Unknown),
        ([TO_CLIENTS, route(HALF, "eth0", table="7")], {}, Unknown),
        ([route("10.8.0.0/24", "tun0", table="7")], {}, Unknown),
        ([{}], {}, Unknown),
        ([TO_CLIENTS], {"iif": "tun0"}, None),
        ([TO_CLIENTS], {"src": "10.8.0.0", "srclen": 16}, None),
        ([TO_CLIENTS], {"src": "10.9.0.0", "srclen": 16}, None),
        ([TO_CLIENTS], {"src": "10.8.0.128", "srclen": 25}, Unknown),
        ([TO_CLIENTS], {"dst": "10.8.0.9"}, Unknown),
        ([TO_CLIENTS], {"ipproto": "tcp", "dport": 80}, Unknown),
        ([TO_CLIENTS], {"fwmark": "0x7"}, Unknown),
    ],
)
def test_all_addresses_are_routed(
    found: list[Any], rule: dict[str, Any], error: type[Exception] | None
) -> None:
    host = Host({"route show table all": json.dumps(found), "rule show": json.dumps([RULE | rule])})
    rules = netfilter.ruleset({"nftables": []})._replace(marks="fwmark" in rule)

    def check() -> None:
        routing.require_whole(host, CLIENTS, "tun0", rules, interfaces(TUN, ETH))

    if error is None:
        check()
        return
    with pytest.raises(error):
        check()


def test_a_link_that_is_down_leads_nowhere() -> None:
    host = Host({"route show table all": json.dumps([TO_CLIENTS]), "rule show": json.dumps([RULE])})
    rules = netfilter.ruleset({"nftables": []})
    for known in ([], [link("tun0", "10.8.0.1/24", "tun", "NO-CARRIER")], [{**TUN, "flags": []}]):
        with pytest.raises(AssertionError, match="link is down"):
            routing.require_whole(host, CLIENTS, "tun0", rules, interfaces(*known))


@pytest.mark.parametrize(
    ("printed", "error"),
    [
        ("", None),
        ("src 10.8.0.0/24 dst 0.0.0.0/0 \n\tdir in action block priority 0\n", None),
        ("src 10.8.0.0/24 dst 0.0.0.0/0 \n\tdir fwd action block priority 0\n", Unknown),
        ("src 192.168.1.0/24 dst 10.8.0.0/24 \n\tdir out priority 0 ptype main\n", Unknown),
        ("src 10.9.0.0/24 dst 0.0.0.0/0 \n\tdir fwd action block priority 0\n", None),
        (Done(rc=1, stderr="Cannot open netlink socket: Protocol not supported"), None),
        (Done(rc=2, stderr="RTNETLINK answers: Operation not permitted"), Unknown),
    ],
)
def test_ipsec(printed: str | Done, error: type[Exception] | None) -> None:
    answers = {**RULES, "xfrm policy": printed}
    if error is None:
        filtered(VPN.test_no_chain_stops_clients, answers)
        return
    with pytest.raises(error):
        filtered(VPN.test_no_chain_stops_clients, answers)


def test_routes() -> None:
    routed(ROUTED)


@pytest.mark.parametrize("way", [THERE, BACK])
@pytest.mark.parametrize(
    ("answer", "error", "why"),
    [
        (
            Done(rc=2, stderr="RTNETLINK answers: No route to host"),
            AssertionError,
            "forwarding is off on",
        ),
        (Done(rc=2, stderr="RTNETLINK answers: Invalid argument"), AssertionError, "rp_filter"),
        (
            Done(rc=2, stderr="RTNETLINK answers: Network is unreachable"),
            AssertionError,
            "no route",
        ),
        (Done(rc=2, stderr="RTNETLINK answers: Of the future"), Unknown, "Of the future"),
        ("[]", Unknown, "not understood"),
        ('[{"dev":"lo","type":"blackhole"}]', Unknown, "not understood"),
        ('[{"dst":"192.168.1.2","dev":"eth1"}]', AssertionError, "eth1"),
    ],
)
def test_routes_that_fail(way: str, answer: str | Done, error: type[Exception], why: str) -> None:
    with pytest.raises(error, match=why):
        routed({**ROUTED, way: answer})


RULES = {
    "nft -j list ruleset": json.dumps(
        {
            "nftables": [
                {"table": {"family": "ip", "name": "nat"}},
                {
                    "chain": {
                        "family": "ip",
                        "table": "nat",
                        "name": "POST",
                        "type": "nat",
                        "hook": "postrouting",
                        "policy": "accept",
                    }
                },
                {
                    "rule": {
                        "family": "ip",
                        "table": "nat",
                        "chain": "POST",
                        "expr": [{"masquerade": None}],
                    }
                },
            ]
        }
    ),
    "cat /proc/net/ip_tables_names": "",
    "cat /proc/net/ip6_tables_names": "",
    "xfrm policy": "",
}
NO_RULES = {**RULES, "nft -j list ruleset": '{"nftables": []}'}
LEGACY_DROP = {
    "cat /proc/net/ip_tables_names": "filter\n",
    "iptables-legacy-save -t filter": "*filter\n:FORWARD DROP [0:0]\nCOMMIT\n",
}


def filtered(test: Any, answers: Mapping[str, str | Done]) -> None:
    known = interfaces(LO, TUN, ETH)
    tunnel = call(VPN.tunnel, gateway(), CLIENTS, known)
    rules = call(VPN.rules, Host(answers))
    test(CLIENTS, tunnel, {ip_network("192.168.1.0/24"): {"dev": "eth0"}}, rules, known)


def test_packet_filter() -> None:
    filtered(VPN.test_masquerade_is_in_force, RULES)
    filtered(VPN.test_no_chain_stops_clients, RULES)


@pytest.mark.parametrize(
    ("test", "answers", "error"),
    [
        ("test_masquerade_is_in_force", NO_RULES, AssertionError),
        ("test_masquerade_is_in_force", {}, Unknown),
        ("test_no_chain_stops_clients", {**RULES, **LEGACY_DROP}, AssertionError),
        ("test_no_chain_stops_clients", {**RULES, "ip_tables_names": Done(rc=1)}, Unknown),
        (
            "test_no_chain_stops_clients",
            {**RULES, **LEGACY_DROP, "iptables-legacy-save": Done(rc=127, stderr="not found")},
            Unknown,
        ),
        ("test_no_chain_stops_clients", {**RULES, "nft -j": '{"nftables": 7}'}, Unknown),
    ],
)
def test_packet_filter_that_fails(
    test: str, answers: Mapping[str, str | Done], error: type[Exception]
) -> None:
    with pytest.raises(error):
        filtered(getattr(VPN, test), answers)


# access_control.

SSHD = "port 22\npasswordauthentication no\nkbdinteractiveauthentication no\npermitrootlogin no\n"
FILES = "==> /etc/ssh/sshd_config\nInclude /etc/ssh/sshd_config.d/*.conf\n"
LISTENS = 'LISTEN 0 128 0.0.0.0:22 0.0.0.0:* users:(("sshd",pid=41,fd=3))\n'
TITLE = "sshd: /usr/sbin/sshd -D{} [listener] 0 of 10-100 startups\0"
# As systemd 252 of Debian 12 prints them.
START = """ExecStart={ path=/usr/sbin/sshd ; argv[]=/usr/sbin/sshd -D $SSHD_OPTS ; ignore_errors=no ; start_time=[n/a] }
Environment=
EnvironmentFiles=/etc/default/ssh (ignore_errors=yes)
"""
SERVED = {
    "sshd -T": SSHD,
    "==>": FILES,
    "ss -H -lntp": LISTENS,
    "cat /proc/41/cmdline": TITLE.format(""),
    "cat /proc/41/cgroup": CGROUPS.format("ssh.service"),
    "-p ExecStart": START,
}
DECLARED = Ssh(enabled=True, port=22, password_auth=False, root_login=False)


def ssh_tests(answers: Mapping[str, str | Done], declared: Ssh = DECLARED) -> None:
    host = Host(answers)
    logins = call(ACCESS.logins, host)
    ACCESS.test_passwords_are_accepted_as_declared(host, declared, logins)
    ACCESS.test_root_logs_in_as_declared(host, declared, logins)


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        (SERVED, None),
        (
            {
                **SERVED,
                "sshd -T": SSHD.replace("passwordauthentication no", "passwordauthentication yes"),
            },
            AssertionError,
        ),
        (
            {
                **SERVED,
                "sshd -T": SSHD.replace(
                    "kbdinteractiveauthentication no", "kbdinteractiveauthentication yes"
                ),
            },
            AssertionError,
        ),
        (
            {
                **SERVED,
                "sshd -T": SSHD.replace("permitrootlogin no", "permitrootlogin without-password"),
            },
            AssertionError,
        ),
        # A Match block that fits root.
        (
            {
                **SERVED,
                "-C": SSHD.replace("passwordauthentication no", "passwordauthentication yes"),
            },
            AssertionError,
        ),
        (
            {**SERVED, "-C": SSHD.replace("permitrootlogin no", "permitrootlogin yes")},
            AssertionError,
        ),
        ({**SERVED, "==>": f"{FILES}Match User eve\nPasswordAuthentication yes\n"}, Unknown),
        ({**SERVED, "==>": f"{FILES}match user eve\n permitrootlogin=yes\n"}, Unknown),
        ({**SERVED, "==>": f"{FILES}Match User eve\nSkeyAuthentication yes\n"}, Unknown),
        (
            {
                **SERVED,
                "==>": f"{FILES}Match User eve\nX11Forwarding no\nMatch all\nPermitRootLogin no\n",
            },
            None,
        ),
        ({**SERVED, "==>": f"{FILES}Include /etc/other\n"}, Unknown),
        ({**SERVED, "sshd -T": ""}, Unknown),
        (
            {**SERVED, "sshd -T": Done(rc=255, stderr="/etc/ssh/sshd_config line 3: Bad")},
            AssertionError,
        ),
        ({**SERVED, "sshd -T": Done(rc=255, stderr="sshd: no hostkeys available")}, Unknown),
        ({**SERVED, "sshd -T": Done(rc=127, stderr="not found")}, Unknown),
    ],
)
def test_sshd(answers: Mapping[str, str | Done], error: type[Exception] | None) -> None:
    if error is None:
        ssh_tests(answers)
        return
    with pytest.raises(error):
        ssh_tests(answers)


ON = "port 22\npasswordauthentication yes\nkbdinteractiveauthentication yes\npermitrootlogin yes\n"
ON += "usepam yes\npubkeyauthentication yes\nauthenticationmethods any\n"


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ("", "", None),
        ("dauthentication yes", "dauthentication no", None),  # the other method takes them
        ("authenticationmethods any", "authenticationmethods publickey", Unknown),
        ("permitrootlogin yes", "permitrootlogin yes\ndenyusers root", Unknown),
        ("permitrootlogin yes", "permitrootlogin yes\nallowusers eve", Unknown),
        ("permitrootlogin yes", "permitrootlogin no", AssertionError),
        ("permitrootlogin yes", "permitrootlogin forced-commands-only", AssertionError),
        ("permitrootlogin yes", "permitrootlogin without-password", None),
    ],
)
def test_sshd_that_lets_in(old: str, new: str, error: type[Exception] | None) -> None:
    answers = {**SERVED, "sshd -T": ON.replace(old, new)}
    declared = Ssh(enabled=True, port=22, password_auth=True, root_login=True)
    if error is None:
        ssh_tests(answers, declared)
        return
    with pytest.raises(error):
        ssh_tests(answers, declared)


@pytest.mark.parametrize(
    "settings",
    [
        ON.replace("dauthentication yes", "dauthentication no").replace("usepam yes", "usepam no"),
        ON.replace("permitrootlogin yes", "permitrootlogin prohibit-password").replace(
            "pubkeyauthentication yes", "pubkeyauthentication no"
        ),
    ],
)
def test_a_method_that_cannot_work_lets_nobody_in(settings: str) -> None:
    declared = Ssh(enabled=True, port=22, password_auth=True, root_login=True)
    with pytest.raises(AssertionError):
        ssh_tests({**SERVED, "sshd -T": settings}, declared)


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        ("", "sshd -T"),
        (" -e -4", "sshd -T"),
        (" -o PermitRootLogin=yes", "sshd -T -o PermitRootLogin=yes"),
        (" -oUsePAM=no -o Port=2222", "sshd -T -o UsePAM=no -o Port=2222"),
        (" -o UsePAM no", None),
        (" -f /root/other", None),
    ],
)
def test_settings_that_the_daemon_was_started_with(options: str, asked: str | None) -> None:
    title = {"cat /proc/41/cmdline": TITLE.format(options)}
    if asked is None:
        with pytest.raises(Unknown, match="sshd was started with"):
            sshd.settings(Host({**SERVED, **title}))
        return
    answers = {key: value for key, value in SERVED.items() if key != "sshd -T"} | title
    assert sshd.settings(Host({**answers, asked: "a b\n"})) == {"a": ["b"]}


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        # A second daemon, with files of its own.
        ({"cat /proc/41/cgroup": CGROUPS.format("other.service")}, Unknown),
        # A login that forwards a port has no settings.
        ({"cat /proc/41/cmdline": "sshd: eve@pts/0\0", "sysconfig/sshd": ""}, None),
        ({"ss -H -lntp": "", "sysconfig/sshd": "SSHD_OPTS=\nOPTIONS=''\n# OPTIONS=-e\n"}, None),
        ({"ss -H -lntp": "", "sysconfig/sshd": "SSHD_OPTS=-oUsePAM=no\n"}, Unknown),
        ({"ss -H -lntp": "", "sysconfig/sshd": 'OPTIONS="-o UsePAM=no"\n'}, Unknown),
        *(
            (
                {"ss -H -lntp": "", "-p ExecStart": START.replace(*changed), "sysconfig/sshd": ""},
                Unknown,
            )
            for changed in (
                ("-D", "-D -o UsePAM=no"),
                ("$SSHD_OPTS", "$SSHD_OPTS $CRYPTO_POLICY"),
                ("Environment=", "Environment=A=b SSHD_OPTS=-oUsePAM=no"),
                ("Environment=", 'Environment="OPTIONS=-o UsePAM=no"'),
                ("/etc/default/ssh", "/etc/other"),
            )
        ),
        ({"ss -H -lntp": Done(rc=1)}, Unknown),
    ],
)
def test_which_daemon_is_asked(
    answers: Mapping[str, str | Done], error: type[Exception] | None
) -> None:
    if error is None:
        ssh_tests({**SERVED, **answers})
        return
    with pytest.raises(error):
        ssh_tests({**SERVED, **answers})


SOCKET = "ActiveState=active\nListen=[::]:22 (Stream)\n"
BY_SYSTEMD = 'LISTEN 0 128 *:22 *:* users:(("systemd",pid=1,fd=3))\n'


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        ({}, None),
        ({"ss -H": ""}, AssertionError),
        ({"ss -H": LISTENS.replace("0.0.0.0:22", "127.0.0.1:22")}, AssertionError),
        ({"ss -H": LISTENS.partition(" users")[0]}, Unknown),
        ({"ss -H": LISTENS.replace("sshd", "socat")}, AssertionError),
        ({"cat /proc/41/cgroup": CGROUPS.format("other.service")}, AssertionError),
        ({"ss -H": BY_SYSTEMD, "ssh.socket": SOCKET}, None),
        # systemd listens for sshd on another address than a stranger.
        ({"ss -H": LISTENS.replace("sshd", "socat"), "ssh.socket": SOCKET}, AssertionError),
        # Another socket of systemd's.
        ({"ss -H": BY_SYSTEMD, "ssh.socket": SOCKET.replace(":22", ":2222")}, AssertionError),
        ({"ss -H": BY_SYSTEMD, "ssh.socket": SOCKET.replace("=active", "=failed")}, AssertionError),
    ],
)
def test_port_of_sshd(answers: Mapping[str, str | Done], error: type[Exception] | None) -> None:
    here = {"addr show": json.dumps([LO, ETH]), "ssh.socket": "ActiveState=inactive\n"}
    host = Host({**SERVED, **here, "ss -H": LISTENS, **answers})
    if error is None:
        ACCESS.test_port_listens(host, DECLARED)
        return
    with pytest.raises(error):
        ACCESS.test_port_listens(host, DECLARED)


UNIT = "LoadState=loaded\nActiveState=active\nStateChangeTimestamp=@100\n"


@pytest.mark.parametrize(
    ("times", "loaded"),
    [
        ("99 99\n50 60\n", True),
        ("99 99\n101 101\n", False),
        ("100 100\n", None),
        ("50 101\n", None),
        ("", None),
    ],
)
def test_sshd_has_read_its_files(times: str, loaded: bool | None) -> None:
    shown = f"{UNIT}\nLoadState=not-found\n"
    host = Host({"systemctl show ssh.service": shown, "stat": times, "==>": FILES})
    if loaded is None:
        with pytest.raises(Unknown):
            sshd.loaded(host)
    else:
        assert sshd.loaded(host) is loaded


def test_a_reload_that_failed_read_nothing() -> None:
    shown = f"{UNIT}ReloadResult=exit-code\n"
    answers = {"systemctl show ssh.service": shown, "stat": "99 99\n", "==>": FILES}
    with pytest.raises(Unknown, match="was not reloaded"):
        sshd.loaded(Host(answers))


def test_files_of_other_places_may_be_newer_than_the_daemon() -> None:
    files = f"{FILES}Include /etc/other\n"
    host = Host({"systemctl show ssh.service": UNIT, "stat": "99 99\n", "==>": files})
    with pytest.raises(Unknown, match="Include /etc/other"):
        sshd.loaded(host)


@pytest.mark.parametrize(
    "unit",
    [
        "",
        "LoadState=loaded\nActiveState=inactive\n",
        UNIT.replace("@100", "Mon"),
    ],
)
def test_a_daemon_that_is_not_seen_is_unknown(unit: str) -> None:
    host = Host({"ssh.service": unit, "ssh.socket": "ActiveState=inactive\n", "stat": "1 1\n"})
    with pytest.raises(Unknown):
        sshd.loaded(host)


# monitoring-target.


OK = "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (f"{OK}a 1\n", None),
        (f"{OK}a 1", AssertionError),  # cut off
        (OK, AssertionError),
        (f"{OK}# HELP a b\n", AssertionError),
        (f"{OK}<html>\n", AssertionError),
        (OK.replace("Content-Type: text/plain", "Content-Length: 8") + "a 1\n", AssertionError),
        (OK.replace("Content-Type: text/plain", "Content-Length: 4") + "a 1\n", None),
        (OK.replace("Content-Type: text/plain", "Content-Encoding: gzip") + "a 1\n", Unknown),
        (OK.replace("text/plain", "text/html; charset=utf-8") + "a 1\n", AssertionError),
        (OK.replace("text/plain", "application/openmetrics-text; version=1.0.0") + "a 1\n", None),
        (OK.replace("200 OK", "302 Found") + "a 1\n", AssertionError),
        (OK.replace("200 OK", "500 No") + "a 1\n", AssertionError),
        (OK.replace("200 OK", "401 No") + "a 1\n", Unknown),
        (OK.replace("200 OK", "400 Bad Request") + "a 1\n", Unknown),  # it wants TLS
        ("SSH-2.0-x\r\n", AssertionError),
        ("", AssertionError),
        (Done(rc=7, stderr="bash: connect: Connection refused"), AssertionError),
        (Done(rc=7, stderr="bash: connect: No route to host"), Unknown),
        (Done(rc=124), AssertionError),
        (Done(rc=127, stderr="bash: not found"), Unknown),
    ],
)
def test_exporter(answer: str | Done, error: type[Exception] | None) -> None:
    addresses = {**SENDS, "addr show": json.dumps([LO, ETH])}
    host = Host({**addresses, "/dev/tcp/192.168.1.1/9100": answer})
    if error is None:
        assert exposition.metrics(host, 9100) == {"a": [1.0]}
        return
    with pytest.raises(error):
        exposition.metrics(host, 9100)


def test_an_answer_that_is_no_text() -> None:
    class Binary(Host):
        def run(self, command: str) -> Done:
            if "/dev/tcp" in command:
                b"\x1f\x8b".decode()
            return super().run(command)

    with pytest.raises(Unknown, match="is not text"):
        exposition.metrics(Binary({**SENDS, "addr show": json.dumps([LO, ETH])}), 9100)


class Shell(Host):
    """This machine, but for what is in the table."""

    def __init__(self, answers: Mapping[str, str | Done] = {}) -> None:
        super().__init__(answers)

    def run(self, command: str) -> Done:
        if any(key in command for key in self.answers):
            return super().run(command)
        done = subprocess.run(
            ["sh", "-c", command], check=False, capture_output=True, text=True, timeout=30
        )
        return Done(done.stdout, done.returncode, done.stderr)


@pytest.mark.shell("bash")
def test_the_exporter_is_asked_by_bash() -> None:
    class Exporter(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/metrics" else 404)
            self.end_headers()
            self.wfile.write(b"a 1\n")

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    # In the kernel's eyes this machine's own address, too.
    host = Shell({"addr show": json.dumps([link("eth0", "127.0.0.1/8")])})
    server = HTTPServer(("127.0.0.1", 0), Exporter)
    port = server.server_address[1]
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        assert exposition.metrics(host, port) == {"a": [1.0]}
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    with pytest.raises(AssertionError, match="nothing listens"):
        exposition.metrics(host, port)


HELD = 'LISTEN 0 9 *:9100 *:* users:(("node_exporter",pid=7,fd=3))\n'
BY_OTHER = HELD.replace("*:9100", "192.168.1.1:9100").replace("pid=7", "pid=8")


@pytest.mark.parametrize(
    ("printed", "unit", "error"),
    [
        (HELD, "exporter.service", None),
        (HELD, "other.service", AssertionError),
        ("", "exporter.service", AssertionError),
        (HELD.replace("node_exporter", "docker-proxy"), "docker.service", Unknown),
        (HELD.partition(" users")[0], "exporter.service", Unknown),
        # The service listens where no scraper asks, and another one answers.
        (HELD.replace("*:", "127.0.0.1:") + BY_OTHER, "exporter.service", AssertionError),
        (HELD + BY_OTHER, "exporter.service", Unknown),
    ],
)
def test_whose_metrics_they_are(printed: str, unit: str, error: type[Exception] | None) -> None:
    test = suite("monitoring_target").test_port_is_held_by_the_service
    host = Host(
        {
            "sport = :9100": printed,
            UNIT_OF_7: CGROUPS.format(unit),
            "cat /proc/8/cgroup": CGROUPS.format("other.service"),
            "addr show": json.dumps([LO, ETH]),
        }
    )
    config = {"prometheus_port": 9100, "service": "exporter"}
    if error is None:
        test(host, config)
        test(host, config | {"service": "exporter.service"})
        return
    with pytest.raises(error):
        test(host, config)


def test_the_own_address_is_that_of_the_default_route() -> None:
    docker = link("docker0", "172.17.0.1/16", "bridge")
    answers = {"addr show": json.dumps([docker, TUN, ETH])}
    assert tcp.own_address(Host({**answers, **SENDS})) == "192.168.1.1"
    assert tcp.own_address(Host({**answers, "route get 192.0.2.1": NO_ROUTE})) == "10.8.0.1"
    # An address that others do not know the node by is none.
    assert tcp.own_address(Host({**answers, "route get 192.0.2.1": "x src 172.17.0.1"})) == (
        "10.8.0.1"
    )
    with pytest.raises(Unknown):
        tcp.own_address(Host({**SENDS, "addr show": json.dumps([docker])}))
    # No answer is not an answer that there is no route.
    with pytest.raises(Unknown, match="does not say"):
        tcp.own_address(Host({**answers, "route get 192.0.2.1": Done(rc=124)}))


def test_a_textfile_that_cannot_be_read() -> None:
    test = suite("monitoring_target").test_textfile_collector_reads_all_its_files
    test({})
    test({"node_textfile_scrape_error": [0.0]})
    with pytest.raises(AssertionError):
        test({"node_textfile_scrape_error": [1.0]})


# edge-router.


def test_edge_router() -> None:
    edge = suite("edge_router")
    known = interfaces(
        LO,
        ETH,
        link("wan", "192.0.2.77/24"),
        link("docker0", "172.17.0.1/16", "bridge"),
        link("eth2", "10.1.0.1/24", "", "NO-CARRIER"),
    )
    inside = call(edge.inside, known, "wan")
    assert inside == [(ip_network("192.168.1.0/24"), "eth0")]
    answers = {"conf/wan/forwarding": "1\n", "conf/eth0/forwarding": "1\n", **NO_RULES}
    edge.test_each_interface_forwards(Host(answers), inside, "wan")
    rules = call(edge.rules, Host(answers))
    edge.test_no_chain_stops_packets(known, inside, "wan", rules)
    with pytest.raises(AssertionError, match="forwarding is off on eth0"):
        edge.test_each_interface_forwards(
            Host({**answers, "conf/eth0/forwarding": "0\n"}), inside, "wan"
        )
    rules = call(edge.rules, Host({**answers, **LEGACY_DROP}))
    with pytest.raises(AssertionError, match="FORWARD stops it"):
        edge.test_no_chain_stops_packets(known, inside, "wan", rules)
    with pytest.raises(Unknown, match="neither 0 nor 1"):
        edge.test_each_interface_forwards(Host({**answers, "conf/wan": ""}), inside, "wan")
    with pytest.raises(Unknown, match="no interface but eth0"):
        call(edge.inside, interfaces(LO, ETH), "eth0")


@pytest.mark.parametrize(
    ("printed", "name"),
    [
        ("[]", None),
        ('[{"dev":"wan"}]', "wan"),
        ('[{"dev":"a"},{"dev":"b"}]', Unknown),
        ("[{}]", Unknown),
    ],
)
def test_default_route(printed: str, name: Any) -> None:
    host = Host({"ip -4 -j route show default": printed})
    if name is Unknown:
        with pytest.raises(Unknown):
            routing.default_route(host, 4)
    else:
        assert routing.default_route(host, 4) == name


# Commands about several things.


def test_a_failure_beats_an_unknown() -> None:
    def check(error: Exception | None) -> None:
        if error is not None:
            raise error

    for_all([[None]], check)
    with pytest.raises(Unknown, match="the first"):
        for_all([[Unknown("the first")], [None], [Unknown("the second")]], check)
    with pytest.raises(AssertionError):
        for_all([[Unknown("")], [AssertionError()]], check)


# container-host.


CONTAINERS = suite("container_host")
WEB: dict[str, Any] = {
    "name": "/web",
    "image": "sha256:aaa",
    "state": {"Status": "running", "StartedAt": "2026-03-01T00:00:00Z", "Pid": 7},
    "restarts": 0,
    "ports": {
        "80/tcp": [
            {"HostIp": "0.0.0.0", "HostPort": "8080"},
            {"HostIp": "::", "HostPort": "8080"},
        ],
        "443/tcp": None,
    },
    "mounts": [
        {"Type": "bind", "Source": "/srv/web", "Destination": "/data", "RW": False},
        {"Type": "volume", "Name": "cache", "Source": "/x", "Destination": "/cache", "RW": True},
    ],
    "mode": "default",
}
WORKLOAD = {
    "name": "web",
    "image": "lab:1",
    "ports": [{"host": 8080, "container": 80}],
    "volumes": [
        {"host": "/srv/web/", "container": "/data", "read_only": True},
        {"host": "cache", "container": "/cache"},
    ],
}
BRIDGE = "br-0123456789ab"
NETWORK: dict[str, Any] = {
    "name": "back",
    "id": "0123456789abcdef",
    "options": {},
    "driver": "bridge",
    "subnets": [{"Subnet": "172.30.0.0/16"}],
}
MISSING = Done(rc=1, stderr="Error: No such container: web")
DOCKER_ANSWERS: Mapping[str, str | Done] = {
    **SENDS,
    "ps -q": "",
    "inspect --type container": json.dumps(WEB),
    "image inspect": "sha256:aaa\n",
    "network inspect": json.dumps(NETWORK),
    "addr show": json.dumps([LO, ETH, link(BRIDGE, "172.30.0.1/16", "bridge")]),
    "test -L": "",
    "stat -L": "9:9\n",
    "/dev/tcp/192.168.1.1/8080": "0\n124\n",
}


def container_tests(
    answers: Mapping[str, str | Done] = DOCKER_ANSWERS,
    workload: Mapping[str, Any] = WORKLOAD,
    runtime: str = "docker",
) -> None:
    """All tests of the suite, for one workload and one network."""
    section = msgspec.convert(
        {
            "runtime": runtime,
            "workloads": [workload],
            "networks": [{"name": "back", "driver": "bridge", "subnet": "172.30.0.0/16"}],
        },
        ContainerHost,
    )
    host = Host(answers)
    asked = call(CONTAINERS.runtime, host, section)
    CONTAINERS.test_runtime_answers(asked)
    known = call(CONTAINERS.interfaces, host)
    CONTAINERS.test_networks_are_there(asked, section, known)
    present = call(CONTAINERS.present, asked, section)
    running = call(CONTAINERS.running, present)
    CONTAINERS.test_workloads_are_in_their_state(host, section, asked, present)
    CONTAINERS.test_images_are_those_of_their_tags(asked, present)
    CONTAINERS.test_declared_ports_are_bound_and_no_others(running, known)
    CONTAINERS.test_tcp_ports_take_connections(host, running)
    CONTAINERS.test_volumes_are_mounted(host, present)


def web(**changes: Any) -> dict[str, str]:
    return {"inspect --type container": json.dumps(WEB | changes)}


def bound(address: str) -> dict[str, str]:
    return web(ports={"80/tcp": [{"HostIp": address, "HostPort": "8080"}]})


def test_containers() -> None:
    container_tests()
    container_tests({**DOCKER_ANSWERS, **MISSING_WEB}, {**WORKLOAD, "state": "absent"})
    stopped = web(state={"Status": "exited"}, ports={})
    container_tests({**DOCKER_ANSWERS, **stopped}, {**WORKLOAD, "state": "stopped"})
    # What is not declared is not compared.
    container_tests({**DOCKER_ANSWERS, **web(mode="host")}, {"name": "web", "image": "lab:1"})


@pytest.mark.shell
@pytest.mark.parametrize(
    ("path", "leads_to"),
    [
        ("/data", "/data"),
        ("/var/run/docker.sock", "/run/docker.sock"),
        ("/var/lock/x", "/run/lock/x"),
        ("/up/x", "/x"),
        ("/there", "/etc"),
    ],
)
def test_links_of_a_container_stay_inside(tmp_path: Path, path: str, leads_to: str) -> None:
    for name, target in {"var/run": "/run", "var/lock": "../run/lock", "up": "../../.."}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).symlink_to(target)
    (tmp_path / "there").symlink_to("/here")
    (tmp_path / "here").symlink_to("/etc")
    assert without_links(Shell(), str(tmp_path), path) == leads_to


MISSING_WEB = {"inspect --type container": MISSING}
DATE = "date +%s"


@pytest.mark.parametrize(
    ("answers", "error", "why"),
    [
        ({"ps -q": Done(rc=97)}, AssertionError, "docker.service is not active"),
        ({"ps -q": Done(rc=124)}, Unknown, "no answer"),
        ({"ps -q": Done(rc=1, stderr="permission denied")}, Unknown, "permission denied"),
        (MISSING_WEB, AssertionError, "there is no container web"),
        ({"inspect --type container": Done(rc=97)}, Unknown, "not active"),
        ({"inspect --type container": "{"}, Unknown, "no JSON"),
        ({"inspect --type container": Done(rc=127, stderr="docker: not found")}, Unknown, "docker"),
        # The beginning of an id is a name to docker.
        (web(name="/other"), AssertionError, "there is no container web"),
        (web(state={"Status": "restarting"}), AssertionError, "web is restarting"),
        (
            web(state={"Status": "running", "Health": {"Status": "unhealthy"}}),
            AssertionError,
            "web is unhealthy",
        ),
        (
            web(state={"Status": "running", "Healthcheck": {"Status": "unhealthy"}}),
            AssertionError,
            "web is unhealthy",
        ),
        (
            web(state={"Status": "running", "Health": {"Status": "starting"}}),
            Unknown,
            "no result yet",
        ),
        ({**web(restarts=3), DATE: "1000\n990\n"}, Unknown, "restarted less than"),
        ({**web(restarts=3), DATE: "1000\n900\n"}, None, ""),
        ({"image inspect": "sha256:bbb\n"}, AssertionError, "made from another image"),
        ({"image inspect": Done(rc=1, stderr="Error: No such image: lab:1")}, Unknown, "compare"),
        (web(ports={}), AssertionError, "web"),
        (web(mode="container:1"), Unknown, "in the network container:1"),
        (
            {"/dev/tcp": Done(rc=7, stderr="connect: Connection refused")},
            AssertionError,
            "nothing listens",
        ),
        ({"/dev/tcp": "0\n0\n"}, Unknown, "closed at once"),
        ({"/dev/tcp": "1\n0\n"}, None, ""),
        ({"/dev/tcp": ""}, Unknown, "not understood"),
        (web(mounts=[]), AssertionError, "nothing is mounted on /data"),
        (web(mounts=[WEB["mounts"][0] | {"RW": True}]), AssertionError, "web: /data"),
        (web(mounts=[WEB["mounts"][0] | {"Source": "/srv"}]), AssertionError, "web: /data"),
        (
            {"network inspect": Done(rc=1, stderr="Error: No such network: back")},
            AssertionError,
            "there is no network back",
        ),
        (
            {"network inspect": Done(rc=1, stderr="Error: network back not found")},
            AssertionError,
            "there is no network back",
        ),
        ({"network inspect": json.dumps(NETWORK | {"driver": "macvlan"})}, AssertionError, "back"),
        ({"network inspect": json.dumps(NETWORK | {"subnets": []})}, AssertionError, "back"),
        ({"addr show": json.dumps([LO, ETH])}, AssertionError, "no interface is up"),
        # Another interface has an address in the network.
        (
            {"addr show": json.dumps([LO, ETH, link("br-1", "172.30.0.1/16", "bridge")])},
            AssertionError,
            "no interface is up",
        ),
        (bound("127.0.0.1"), AssertionError, "no other machine reaches"),
        (bound("::1"), AssertionError, "no other machine reaches"),
        (bound("172.30.0.1"), AssertionError, "no other machine reaches"),
        (bound("192.168.1.7"), AssertionError, "no other machine reaches"),
        (bound("192.168.1.1"), None, ""),
        (bound(""), None, ""),
        (bound("::"), Unknown, "IPv6 alone"),
        # The folder was made anew.
        ({"-- /proc/7/root/data": "9:10\n"}, AssertionError, "was replaced"),
        ({"-- /proc/7/root/data": Done(rc=1, stderr="denied")}, Unknown, "denied"),
        # The container's link leads to its own /run, not to the node's.
        (
            {
                "test -L": "1\n/run\n",
                "sh /proc/7/root/run": "",
                "-- /proc/7/root/run": "9:10\n",
                "-- /run": "9:9\n",
            },
            AssertionError,
            "was replaced",
        ),
        ({"test -L": "1\n/data\n"}, Unknown, "more than 40"),
        ({"test -L": Done(rc=1, stderr="no")}, Unknown, "no"),
    ],
)
def test_containers_that_differ(
    answers: Mapping[str, str | Done], error: type[Exception] | None, why: str
) -> None:
    if error is None:
        container_tests({**DOCKER_ANSWERS, **answers})
        return
    with pytest.raises(error, match=why):
        container_tests({**DOCKER_ANSWERS, **answers})


@pytest.mark.parametrize(
    ("name", "declared"),
    [("exited", "running"), ("running", "stopped"), ("paused", "stopped"), ("running", "absent")],
)
def test_a_container_in_another_state(name: str, declared: str) -> None:
    found = web(state={"Status": name, "Health": {"Status": "starting"}}, restarts=3)
    with pytest.raises(AssertionError, match="web is"):
        container_tests({**DOCKER_ANSWERS, **found}, {**WORKLOAD, "state": declared})


@pytest.mark.parametrize(
    ("user", "error"),
    [({"id -u": "0\n"}, None), ({"id -u": "1000\n"}, Unknown), ({}, Unknown)],
)
def test_podman_shows_a_user_only_the_own_containers(
    user: Mapping[str, str | Done], error: type[Exception] | None
) -> None:
    gone = Done(rc=125, stderr='Error: inspecting object: no such container "web"')
    runtime = Runtime(Host({"inspect --type container": gone, **user}), "podman")
    if error is None:
        assert runtime.container("web") is None
    else:
        with pytest.raises(error):
            runtime.container("web")


def test_containerd_is_asked_whether_it_answers_alone() -> None:
    assert Runtime(Host({"ctr version": "Server:"}), "containerd").answers()
    with pytest.raises(Unknown, match="use docker or podman"):
        Runtime(Host({}), "containerd").container("web")
    with pytest.raises(Unknown, match=r"write container_host\.runtime"):
        call(CONTAINERS.runtime, None, msgspec.convert({}, ContainerHost))


@pytest.mark.shell("dash")
@pytest.mark.parametrize(
    ("status", "expected"),
    [("0", "asked\n"), ("3", None), ("4", None), ("1", Unknown), ("127", Unknown)],
)
def test_a_docker_that_is_not_active_is_not_asked(
    tmp_path: Path, status: str, expected: Any
) -> None:
    for name, script in (("systemctl", f"exit {status}"), ("docker", "echo asked | tee asked")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)

    class Shell:
        def run(self, command: str) -> Done:
            done = subprocess.run(
                ["dash", "-c", command],
                check=False,
                capture_output=True,
                text=True,
                cwd=tmp_path,
                env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
            )
            return Done(done.stdout, done.returncode, done.stderr)

    runtime = Runtime(Shell(), "docker")
    if expected is Unknown:
        with pytest.raises(Unknown):
            runtime.answers()
    else:
        assert runtime.answers() is (expected is not None)
    assert (tmp_path / "asked").exists() is (expected == "asked\n")


# k8s-node. The answers of kubectl are as Kubernetes documents them.

KUBERNETES = suite("k8s_node")
READY: dict[str, str | Done] = {
    "show -p ActiveState": "ActiveState=active\n",
    "get node here ": "True",
}
SWAPS = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"


def is_ready(answers: Mapping[str, str | Done], service: str = "k3s") -> None:
    here = SimpleNamespace(identity=SimpleNamespace(node=SimpleNamespace(hostname="Here")))
    KUBERNETES.test_node_is_ready(here, Host({**READY, **answers}), service)


@pytest.mark.parametrize(
    ("answers", "error", "why"),
    [
        ({}, None, ""),
        ({"get node": "False"}, AssertionError, "Ready is False"),
        ({"get node": "Unknown"}, AssertionError, "Ready is Unknown"),
        ({"get node": ""}, Unknown, "not a status"),
        ({"get node": Done(rc=1, stderr='nodes "here" not found')}, Unknown, "not found"),
        ({"get node": Done(rc=124)}, Unknown, "not done"),
        ({"show -p": "ActiveState=inactive\n"}, AssertionError, "k3s is not active"),
        ({"show -p": "ActiveState=failed\n"}, AssertionError, "k3s is not active"),
        ({"show -p": "ActiveState=reloading\n"}, Unknown, "k3s is reloading"),
        ({"show -p": Done(rc=1, stderr="no bus")}, Unknown, "no bus"),
    ],
)
def test_node_is_ready(
    answers: Mapping[str, str | Done], error: type[Exception] | None, why: str
) -> None:
    if error is None:
        is_ready(answers)
        is_ready({"get node": Done(rc=1), "kubelet.conf get node here ": "True"}, "kubelet")
        return
    with pytest.raises(error, match=why):
        is_ready(answers)


def test_an_agent_cannot_ask() -> None:
    with pytest.raises(Unknown, match="ask on a server"):
        is_ready({}, "k3s-agent")


@pytest.mark.parametrize(
    ("test", "answers", "error"),
    [
        ("test_swap_is_off", {"/proc/swaps": SWAPS}, None),
        (
            "test_swap_is_off",
            {"/proc/swaps": f"{SWAPS}/dev/sda2 partition 1 0 -2\n"},
            AssertionError,
        ),
        ("test_swap_is_off", {"/proc/swaps": ""}, Unknown),
        ("test_swap_is_off", {}, Unknown),
        ("test_kernel_has_br_netfilter", {"/proc/sys/net": "bridge\nipv4\n"}, None),
        ("test_kernel_has_br_netfilter", {"/proc/sys/net": "ipv4\n"}, AssertionError),
        ("test_kernel_has_br_netfilter", {}, Unknown),
        ("test_kernel_has_overlay", {"filesystems": "nodev\tproc\nnodev\toverlay\n"}, None),
        ("test_kernel_has_overlay", {"filesystems": "nodev\tproc\n\text4\n"}, AssertionError),
        ("test_kernel_has_overlay", {"filesystems": "\n"}, Unknown),
        ("test_kernel_has_overlay", {}, Unknown),
    ],
)
def test_kernel_of_a_kubernetes_node(
    test: str, answers: Mapping[str, str | Done], error: type[Exception] | None
) -> None:
    if error is None:
        getattr(KUBERNETES, test)(Host(answers))
        return
    with pytest.raises(error):
        getattr(KUBERNETES, test)(Host(answers))
