"""Recording machines that run systemd."""

import pytest

from power_edge.config import load_state
from tests.lab.checking import CHECKOUT
from tests.lab.nodes import Lab, Node

pytestmark = pytest.mark.lab


def test_services_that_run_and_start_at_boot_are_declared_of_a_node(lab: Lab, node: Node) -> None:
    script = (CHECKOUT / "probes" / "draft-state.sh").read_text()
    for user in ("root", "guest"):
        printed = lab.ssh(f"{user}@{node.name}", script).stdout
        names = {item.name for item in load_state(printed.encode(), "state.yaml", node.name).items if item.type == "services"}
        assert {"cron", "ssh"} <= names
