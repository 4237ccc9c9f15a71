"""k8s-node: the cluster can give the node work, and the kernel has what that needs.

A unit that is active proves none of this: its node may be NotReady.
"""

import pytest

from power_edge.suites import Unknown, output
from power_edge.suites.kubernetes import is_active, ready


@pytest.fixture
def service(node):
    """The service that config.service names."""
    (role,) = (each for each in node.identity.roles if each.name == "k8s-node")
    return role.config["service"]


@pytest.mark.declared("config.service")
def test_node_is_ready(node, host, service):
    assert is_active(host, service), f"{service} is not active"
    status = ready(host, service, node.identity.node.hostname.lower())
    assert status == "True", f"the cluster says that Ready is {status}"


def test_swap_is_off(host):
    header, *areas = output(host, "cat /proc/swaps").splitlines() or [""]
    if not header.startswith("Filename"):
        raise Unknown(f"/proc/swaps: not understood: {header}")
    assert not areas, f"{areas[0].split()[0]} is in use"


def test_kernel_has_br_netfilter(host):
    """br_netfilter, as a module or built in, makes this folder."""
    names = output(host, "ls /proc/sys/net").split()
    assert "bridge" in names, "br_netfilter is not loaded"


def test_kernel_has_overlay(host):
    names = output(host, "cat /proc/filesystems").split()
    if "proc" not in names:
        raise Unknown("/proc/filesystems: not understood")
    assert "overlay" in names, "overlay is not loaded"
