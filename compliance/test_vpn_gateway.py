"""vpn-gateway: clients reach the networks behind the tunnel.

A unit that is active proves none of this: the tunnel may have lost its address, and packets may be
forwarded nowhere.
"""

from shlex import quote

import pytest

from power_edge.suites import Unknown, output, routing, sockets
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
        # Without a carrier no program holds the other end.
        if wanted and each.kind in TUNNELS and each.up and each.carrier and has_address:
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
def test_port_listens(host, gateway, interfaces):
    server = gateway.server_config
    others = [each for each in interfaces if each.kind not in TUNNELS]
    found = sockets.listening(host, server.protocol, server.port)
    assert found, f"nothing listens on {server.port}/{server.protocol}"
    reachable = [each for each in found if each.reachable(others)]
    assert reachable, f"nothing that others can reach listens on {server.port}/{server.protocol}"
    if gateway.provider == "wireguard":
        port = output(host, f"wg show {quote(gateway.interface)} listen-port").strip()
        assert port == str(server.port), f"{gateway.interface} listens on {port}"
    elif gateway.provider is not None:
        program = PROGRAMS[gateway.provider]
        mine = [each for each in reachable if each.held_by(program)]
        assert mine, f"it is not {program}"
        holders = {unit for each in mine for unit in sockets.units(host, each)}
        assert holders & services(gateway), f"it is {program} of {', '.join(sorted(holders))}"


def services(gateway):
    """The units, one of which should hold the port."""
    if gateway.unit is not None:
        names = {gateway.unit.removesuffix(".service")}
    elif gateway.provider == "openvpn":
        names = {f"openvpn@{gateway.instance}", f"openvpn-server@{gateway.instance}"}
    else:
        names = {"tailscaled"}
    return {f"{each}.service" for each in names}


@pytest.fixture
def rules(host):
    """What the packet filter does."""
    return routing.packet_filter(host)


def connection(network, behind, way, tunnel, interfaces):
    """The flows from clients to a network behind the tunnel, and back."""
    ends = {"inside": tunnel.name, "outside": way["dev"]}
    return routing.connection(network, behind, known=interfaces, **ends)


@pytest.fixture
def whole(host, rules, interfaces):
    """Fails if not all of a network is routed by one interface."""
    return lambda network, dev: routing.require_whole(host, network, dev, rules, interfaces)


@pytest.mark.declared("vpn_gateway.routing.ip_forward", True)
def test_all_addresses_are_routed(network, tunnel, routes, whole):
    """The other tests ask for one client, and for one address of each network."""
    whole(network, tunnel.name)
    for behind, way in routes.items():
        whole(behind, way["dev"])


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
def test_no_chain_stops_clients(network, tunnel, routes, rules, interfaces):
    for behind, way in routes.items():
        for flow in connection(network, behind, way, tunnel, interfaces):
            routing.require(passes(rules, flow), flow)


@pytest.mark.declared("vpn_gateway.routing.masquerade", True)
def test_masquerade_is_in_force(network, tunnel, routes, rules, interfaces):
    for behind, way in routes.items():
        flow, *_ = connection(network, behind, way, tunnel, interfaces)
        routing.require(masquerade(rules, flow), flow)
