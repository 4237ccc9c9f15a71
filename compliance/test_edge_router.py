"""edge-router: the networks of the node reach what is behind its default route.

net.ipv4.ip_forward proves none of this: each interface decides for the packets that come in by it,
and any chain of the packet filter may drop them.
"""

import pytest

from power_edge.suites import Unknown, routing
from power_edge.suites.netfilter import Verdict, passes
from power_edge.suites.routing import EVERYWHERE


@pytest.fixture
def interfaces(host):
    return routing.interfaces(host)


@pytest.fixture
def outside(host):
    """The interface of the default route."""
    name = routing.default_route(host, 4)
    if name is None:
        raise Unknown("there is no default route, so nothing says where packets go")
    return name


@pytest.fixture
def inside(interfaces, outside):
    """The networks that the router forwards for, each with its interface."""
    found = networks(interfaces, outside, 4)
    if not found:
        raise Unknown(f"no interface but {outside} is up with an IPv4 address")
    return found


def networks(interfaces, outside, version):
    # What docker, podman and Kubernetes forward is not the router's purpose.
    return [
        (address.network, each.name)
        for each in interfaces
        if each.up and each.carrier and each.name != outside
        if not routing.CONTAINERS.fullmatch(each.name)
        for address in each.addresses
        if address.version == version
    ]


@pytest.fixture
def rules(host):
    """What the packet filter does."""
    return routing.packet_filter(host)


def test_each_interface_forwards(host, inside, outside):
    names = dict.fromkeys([outside, *(name for _, name in inside)])
    off = [name for name in names if not routing.forwarding(host, name)]
    assert not off, f"forwarding is off on {', '.join(off)}"


def test_packets_are_routed_both_ways(host, interfaces, inside, outside, rules):
    there = routing.another_address(EVERYWHERE[4], interfaces)
    routing.require_whole(host, EVERYWHERE[4], outside, rules, interfaces)
    for network, name in inside:
        routing.require_whole(host, network, name, rules, interfaces)
        client = routing.another_address(network, interfaces)
        assert routing.route(host, there, client, name)["dev"] == outside
        assert routing.route(host, client, there, outside)["dev"] == name


def test_no_chain_stops_packets(interfaces, inside, outside, rules):
    for network, name in inside:
        not_stopped(rules, network, name, outside, interfaces)


@pytest.mark.declared("config.ipv6", True)
def test_ipv6_is_forwarded(host, interfaces, rules):
    outside = routing.default_route(host, 6)
    inside = networks(interfaces, outside, 6)
    if outside is None or not inside:
        raise Unknown("IPv6 has no default route, or only one network")
    assert routing.forwarding_ipv6(host, outside, *(name for _, name in inside))
    for network, name in inside:
        not_stopped(rules, network, name, outside, interfaces)


def not_stopped(rules, network, inside, outside, interfaces):
    """Fail if a chain stops what a network sends out by the default route, or the answers."""
    ends = {"inside": inside, "outside": outside}
    everywhere = EVERYWHERE[network.version]
    for flow in routing.connection(network, everywhere, known=interfaces, **ends):
        answer = passes(rules, flow)
        if answer.verdict is Verdict.PART:
            raise Unknown(f"{answer.why}: identity.yaml does not say whether that is meant")
        routing.require(answer, flow)
