"""edge-router: the networks of the node reach what is behind its default route.

net.ipv4.ip_forward proves none of this: each interface decides for the packets that come in by it,
and any chain of the packet filter may drop them.
"""

import re

import pytest

from power_edge.suites import Unknown, routing
from power_edge.suites.netfilter import Verdict, passes
from power_edge.suites.routing import EVERYWHERE

CONTAINERS = re.compile(r"docker0|br-[0-9a-f]{12}|podman[0-9]+|cni[0-9]+")
"""Interfaces of docker, podman and Kubernetes: what they forward is not the router's purpose."""


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
    return [
        (address.network, each.name)
        for each in interfaces
        if each.up and each.carrier and each.name != outside
        if not CONTAINERS.fullmatch(each.name)
        for address in each.addresses
        if address.version == version
    ]


def test_each_interface_forwards(host, inside, outside):
    names = dict.fromkeys([outside, *(name for _, name in inside)])
    off = [name for name in names if not routing.forwarding(host, name)]
    assert not off, f"forwarding is off on {', '.join(off)}"


def test_packets_are_routed_both_ways(host, interfaces, inside, outside):
    there = routing.another_address(EVERYWHERE[4], interfaces)
    for network, name in inside:
        client = routing.another_address(network, interfaces)
        assert routing.route(host, there, client, name)["dev"] == outside
        assert routing.route(host, client, there, outside)["dev"] == name


def test_no_chain_stops_packets(host, inside, outside):
    rules = routing.packet_filter(host)
    for network, name in inside:
        for flow in routing.both_ways(network, EVERYWHERE[4], inside=name, outside=outside):
            not_stopped(rules, flow)


@pytest.mark.declared("config.ipv6", True)
def test_ipv6_is_forwarded(host, interfaces):
    outside = routing.default_route(host, 6)
    inside = networks(interfaces, outside, 6)
    if outside is None or not inside:
        raise Unknown("IPv6 has no default route, or only one network")
    assert routing.forwarding_ipv6(host, outside, *(name for _, name in inside))
    rules = routing.packet_filter(host)
    for network, name in inside:
        for flow in routing.both_ways(network, EVERYWHERE[6], inside=name, outside=outside):
            not_stopped(rules, flow)


def not_stopped(rules, flow):
    answer = passes(rules, flow)
    if answer.verdict is Verdict.PART:
        raise Unknown(f"{answer.why}: identity.yaml does not say whether that is meant")
    routing.require(answer, flow)
