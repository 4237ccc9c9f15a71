"""container-host: the declared containers run, with what is declared of them.

A daemon that is active proves none of this, and asking it would start one that is stopped: so
`Runtime` asks nothing then.
"""

from posixpath import normpath

import pytest

from power_edge.suites import Unknown, for_all, routing, tcp
from power_edge.suites.containers import (
    Runtime,
    bound_ports,
    image_of,
    require_same_folder,
    why_not_running,
)
from power_edge.suites.sockets import may_come_to

STOPPED = ("exited", "created", "configured")


@pytest.fixture
def section(node):
    """The section container_host of identity.yaml."""
    return node.identity.container_host


@pytest.fixture
def runtime(host, section):
    if section.runtime is None:
        raise Unknown("write container_host.runtime: it says who is asked")
    return Runtime(host, section.runtime)


@pytest.fixture
def present(runtime, section):
    """The workloads that the node should have, each with its container."""
    found = [
        (workload, runtime.container(workload.name))
        for workload in section.workloads
        if workload.state != "absent"
    ]
    missing = [workload.name for workload, container in found if container is None]
    assert not missing, f"there is no container {', '.join(missing)}"
    return found


@pytest.fixture
def running(present):
    """The workloads that should run, each with its container."""
    return [each for each in present if each[0].state != "stopped"]


@pytest.fixture
def interfaces(host):
    return routing.interfaces(host)


def protocol(port):
    return port.protocol or "tcp"


@pytest.mark.declared("container_host.runtime")
def test_runtime_answers(runtime):
    assert runtime.answers(), f"{runtime.name}.service is not active"


@pytest.mark.declared("container_host.workloads")
def test_workloads_are_in_their_state(host, section, runtime, present):
    for workload in section.workloads:
        if workload.state == "absent":
            assert runtime.container(workload.name) is None, f"{workload.name} is there"

    def check(workload, container):
        if workload.state == "stopped":
            status = container["state"]["Status"]
            assert status in STOPPED, f"{workload.name} is {status}"
        else:
            why = why_not_running(host, container)
            assert why is None, f"{workload.name} is {why}"

    for_all(present, check)


@pytest.mark.declared("container_host.workloads")
def test_images_are_those_of_their_tags(runtime, present):
    def check(workload, container):
        expected = runtime.image(workload.image)
        assert image_of(container) == expected, (
            f"{workload.name} was made from another image than the present {workload.image}"
        )

    for_all(present, check)


@pytest.mark.declared("container_host.workloads")
def test_declared_ports_are_bound_and_no_others(running, interfaces):
    def check(workload, container):
        if workload.ports is None:
            return
        declared = {(each.host, each.container, protocol(each)) for each in workload.ports}
        bound = bound_ports(container)
        assert bound.keys() == declared, workload.name
        for port, addresses in bound.items():
            if addresses == {"::"}:
                raise Unknown(f"{workload.name}: {port} is bound for IPv6 alone")
            others = [each for each in addresses if may_come_to(each, interfaces)]
            where = ", ".join(sorted(addresses))
            assert others, f"{workload.name}: no other machine reaches {port}, bound to {where}"

    for_all(running, check)


@pytest.mark.declared("container_host.workloads")
def test_tcp_ports_take_connections(host, running):
    """From the node itself. Another machine may be stopped by a firewall."""
    ports = [
        (workload.name, each.host)
        for workload, _ in running
        for each in workload.ports or ()
        if protocol(each) == "tcp"
    ]
    address = tcp.own_address(host) if ports else None
    for_all(ports, lambda _, port: tcp.takes_connections(host, address, port))


@pytest.mark.declared("container_host.workloads")
def test_volumes_are_mounted(host, present):
    def check(workload, container):
        mounts = {each["Destination"]: each for each in container["mounts"]}
        for volume in workload.volumes or ():
            mount = mounts.get(normpath(volume.container))
            assert mount is not None, f"{workload.name}: nothing is mounted on {volume.container}"
            source = mount["Name"] if mount["Type"] == "volume" else mount["Source"]
            assert source == normpath(volume.host), f"{workload.name}: {volume.container}"
            if volume.read_only is not None:
                assert mount["RW"] is not volume.read_only, f"{workload.name}: {volume.container}"
            if container["state"]["Status"] == "running":
                require_same_folder(host, container, mount)

    for_all(present, check)


@pytest.mark.declared("container_host.networks")
def test_networks_are_there(runtime, section, interfaces):
    def check(declared):
        found = runtime.network(declared.name)
        assert found is not None, f"there is no network {declared.name}"
        assert declared.driver in (None, found["driver"]), declared.name
        subnets = [routing.network(each) for each in found["subnets"]]
        assert declared.subnet is None or routing.network(declared.subnet) in subnets, declared.name
        # docker says nothing of an interface that lost its address. podman's come with containers.
        if (runtime.name, found["driver"]) == ("docker", "bridge"):
            for subnet in subnets:
                bridges = [each for each in interfaces if each.name == found["bridge"]]
                assert any(each.up and each.within(subnet) for each in bridges), (
                    f"{declared.name}: no interface is up with an address in {subnet}"
                )

    for_all(((each,) for each in section.networks), check)
