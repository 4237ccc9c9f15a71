"""ssh behind its socket, as Ubuntu has it since 22.10: a service that counts by its socket."""

import pytest

from power_edge.model import Outcome, Result
from tests.support.cases import items_of
from tests.support.lab.checking import look
from tests.support.lab.nodes import Lab, Node

pytestmark = pytest.mark.lab


def ssh(node: Node, *, by_socket: bool) -> Result:
    declared = {"name": "ssh", "state": "running", "enabled": True, "by_socket": by_socket}
    (result,) = look(node, items_of({"services": [declared]}))
    return result


def test_ssh_behind_its_socket(lab: Lab) -> None:
    with lab.node(
        "by-socket", prepare="systemctl -q disable ssh.service; systemctl -q enable ssh.socket"
    ) as node:
        assert ssh(node, by_socket=True).outcome is Outcome.COMPLIANT, ssh(node, by_socket=True)
        assert ssh(node, by_socket=False).outcome is Outcome.DRIFT
        node.sh("systemctl -q disable ssh.socket")
        assert ssh(node, by_socket=True).outcome is Outcome.DRIFT
        node.sh("systemctl -q enable ssh.socket; systemctl stop ssh.socket")
        assert ssh(node, by_socket=True).outcome is Outcome.DRIFT
        node.sh(
            "systemctl start ssh.socket; systemctl start ssh.service; systemctl kill -s KILL ssh.service"
        )
        node.sh("systemctl stop ssh.service; systemctl -q mask ssh.service")
        assert ssh(node, by_socket=True).outcome is Outcome.DRIFT
