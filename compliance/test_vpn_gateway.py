"""vpn-gateway: clients reach the networks behind the tunnel.

A unit that is active proves none of this: the tunnel may have lost its address, and packets may be
forwarded nowhere.
"""

import pytest

from power_edge.suites import Unknown, output, routing
from power_edge.suites.netfilter import masquerade, passes
from power_edge.suites.routing import EVERYWHERE

TUNNELS = ("tun", "wireguard", "ovpn", "ovpn-dco")
PROGRAMS = {"openvpn": "openvpn", "tailscale": "tailscaled"}
"""WireGuard listens in the kernel."""


@pytest.fixture
def gateway(node):
    """The section vpn_gateway of identity.yaml."""
    return node.identity.vpn_gateway


@pytest.fixture
def network(gateway):
    """The network of the tunnel, None if it is not declared."""
    declared = gateway.server_config.network if gateway.server_config else None
    return routing.network(declared) if declared else None


@pytest.fixture
def interfaces(host):
    return routing.interfaces(host)


@pytest.fixture
def tunnel(gateway, network, interfaces):
    """The interface of the tunnel. None if there is none that is up with its address."""
    for each in interfaces:
        wanted = gateway.interface in (None, each.name)
        has_address = each.within(network) if network else each.addresses
        if wanted and each.kind in TUNNELS and each.up and has_address:
            return each
    return None


@pytest.fixture
def client(network, interfaces):
    """An address of a client."""
    if network is None:
        raise Unknown("write vpn_gateway.server_config.network: it says whose packets are routed")
    return routing.another_address(network, interfaces)


@pytest.fixture
def routes(host, gateway, client, interfaces, tunnel):
    """The networks behind the tunnel, each with the way there; all, if none is declared."""
    assert tunnel is not None, "the tunnel is not up"
    networks = [routing.network(each.network) for each in gateway.routing.routes or ()]
    found = {}
    for behind in networks or [EVERYWHERE[client.version]]:
        there = routing.another_address(behind, interfaces)
        found[behind] = routing.route(host, there, client, tunnel.name)
    return found


def test_tunnel_is_up_with_the_declared_network(network, tunnel):
    assert tunnel is not None, f"no tunnel is up with an address in {network or 'any network'}"


@pytest.mark.declared("vpn_gateway.server_config.port")
def test_port_listens(host, gateway):
    server = gateway.server_config
    kind = "u" if server.protocol == "udp" else "t"
    sockets = [
        line.split()
        for line in output(host, f"ss -H -ln{kind}p 'sport = :{server.port}'").splitlines()
    ]
    reachable = [each for each in sockets if not each[3].startswith(("127.", "[::1]"))]
    assert reachable, f"nothing listens on {server.port}/{server.protocol}"
    program = PROGRAMS.get(gateway.provider)
    if program is not None:
        named = [each[5] for each in reachable if len(each) > 5]
        if len(named) < len(reachable):
            raise Unknown("ss does not show whose sockets they are: it needs root")
        assert any(f'(("{program}",' in users for users in named), f"it is not {program}"


@pytest.mark.declared("vpn_gateway.routing.ip_forward", True)
def test_clients_are_routed_both_ways(host, client, tunnel, routes):
    for behind, way in routes.items():
        back = routing.route(host, client, way["dst"], way["dev"])
        assert back["dev"] == tunnel.name, f"answers from {behind} leave by {back['dev']}"
        if client.version == 6:
            assert routing.forwarding_ipv6(host, tunnel.name, way["dev"]), "IPv6 is not forwarded"


@pytest.mark.declared("vpn_gateway.routing.routes")
def test_routes_lead_where_they_are_declared(gateway, routes):
    for each in gateway.routing.routes:
        way = routes[routing.network(each.network)]
        assert each.via in (None, way["dev"], way.get("gateway")), (
            f"{each.network} is reached by {way.get('gateway', way['dev'])}, and not by {each.via}"
        )


@pytest.mark.declared("vpn_gateway.routing.ip_forward", True)
def test_no_chain_stops_clients(host, network, tunnel, routes):
    rules = routing.packet_filter(host)
    for behind, way in routes.items():
        for flow in routing.both_ways(network, behind, inside=tunnel.name, outside=way["dev"]):
            routing.require(passes(rules, flow), flow)


@pytest.mark.declared("vpn_gateway.routing.masquerade", True)
def test_masquerade_is_in_force(host, network, tunnel, routes):
    rules = routing.packet_filter(host)
    for behind, way in routes.items():
        flow, _ = routing.both_ways(network, behind, inside=tunnel.name, outside=way["dev"])
        routing.require(masquerade(rules, flow), flow)
