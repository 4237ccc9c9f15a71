"""monitoring-target: a scraper that asks the node gets its metrics.

A unit that is active proves none of this: it may listen on 127.0.0.1 alone, or not answer.
"""

import pytest

from power_edge.suites import exposition


@pytest.fixture
def metrics(node, host):
    """What the exporter answers, on the node's own address."""
    (role,) = (each for each in node.identity.roles if each.name == "monitoring-target")
    return exposition.metrics(host, (role.config or {}).get("prometheus_port", 9100))


def test_exporter_answers(metrics):
    assert metrics


def test_textfile_collector_reads_all_its_files(metrics):
    assert set(metrics.get("node_textfile_scrape_error", ())) <= {0.0}
