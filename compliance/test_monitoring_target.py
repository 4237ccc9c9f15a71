"""monitoring-target: a scraper that asks the node gets its metrics.

A unit that is active proves none of this: it may listen on 127.0.0.1 alone, or not answer.
"""

import pytest

from power_edge.suites import Unknown, exposition, routing, sockets

PROXIES = {"docker-proxy", "rootlessport", "conmon"}
"""They hold the ports of containers, whoever started these."""


@pytest.fixture
def config(node):
    """The settings of the role."""
    (role,) = (each for each in node.identity.roles if each.name == "monitoring-target")
    return {"prometheus_port": 9100, **(role.config or {})}


@pytest.fixture
def metrics(host, config):
    """What the exporter answers, on the node's own address."""
    return exposition.metrics(host, config["prometheus_port"])


def test_exporter_answers(metrics):
    assert metrics


@pytest.mark.declared("config.service")
def test_port_is_held_by_the_service(host, config):
    # What listens on 127.0.0.1 alone answers no scraper, whoever holds it.
    interfaces = routing.interfaces(host)
    found = [
        each
        for each in sockets.listening(host, "tcp", config["prometheus_port"])
        if each.reachable(interfaces)
    ]
    if any(each.held_by(program) for each in found for program in PROXIES):
        raise Unknown("a container holds the port, and nothing says which service started that")
    service = config["service"].removesuffix(".service") + ".service"
    holders = [set(sockets.units(host, each)) for each in found]
    others = ", ".join(sorted(set().union(*holders) - {service}))
    assert any(service in each for each in holders), f"the port is held by {others or 'nobody'}"
    if not all(service in each for each in holders):
        raise Unknown(f"on another address the port is held by {others}: a scraper may ask there")


def test_textfile_collector_reads_all_its_files(metrics):
    assert set(metrics.get("node_textfile_scrape_error", ())) <= {0.0}
