"""Kernel parameters that were set on a node are discovered as they were declared."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.lab.discovering import FEW, discovered, wrong
from tests.lab.nodes import Node

pytestmark = pytest.mark.lab

NUMBERS = {
    "net.ipv4.tcp_keepalive_time": st.integers(1, 32767),
    "net.ipv4.conf.all.rp_filter": st.integers(0, 2),
    "net.ipv4.tcp_max_syn_backlog": st.integers(16, 65535),
    "net.ipv6.conf.default.accept_ra": st.integers(0, 2),
    "net.core.somaxconn": st.integers(128, 65535),
}
RANGES = st.tuples(st.integers(1024, 30000), st.integers(30001, 65535)).map(lambda ends: f"{ends[0]}\t{ends[1]}")
STATES = st.fixed_dictionaries({}, optional={**{key: number.map(str) for key, number in NUMBERS.items()}, "net.ipv4.ip_local_port_range": RANGES})


@FEW
@given(STATES)
def test_a_state_that_was_made_is_discovered(node: Node, state: dict[str, str]) -> None:
    node.write("/etc/sysctl.d/50-made.conf", "".join(f"{key} = {value}\n" for key, value in state.items()))
    node.sh("sysctl -qp /etc/sysctl.d/50-made.conf")
    found = discovered(node, "sysctl", user="guest")
    assert {key: value for key, value in found.value.items() if key in NUMBERS or key.endswith("port_range")} == state
    assert wrong(node, found, user="guest") == []
