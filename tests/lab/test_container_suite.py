"""The suite of container-host on a node with a real docker and podman: it passes, and each thing that
is broken by hand is found by its test, with its reason.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.lab.checking import check, declare
from tests.support.lab.containers import CONTAINERS, IMAGE, cleared
from tests.support.lab.nodes import Lab, Node

pytestmark = pytest.mark.lab

HTTPD = "busybox httpd -f -p 80 -h /www"
# As its first process httpd does not end on SIGTERM: each stop would take 10 s.
WEB = f"run -d --stop-timeout 0 --name web -p 8080:80 -v /srv/web:/data:ro -v cache:/cache lab:1 {HTTPD}"
BEGIN = f"""
mkdir -p /srv/web
docker network create --subnet 172.30.0.0/16 back
docker {WEB}
docker run -d --name idle lab:1
docker stop -t 0 idle
podman network create --subnet 172.31.0.0/16 back
podman {WEB.replace("8080", "8081")}
podman run -d --name idle lab:1
podman stop -t 0 idle
"""


def identity(runtime: str, port: int, subnet: str) -> dict[str, Any]:
    return {
        "version": "1.0",
        "node": {"hostname": "here"},
        "roles": [{"name": "container-host"}],
        "container_host": {
            "runtime": runtime,
            "workloads": [
                {
                    "name": "web",
                    "image": "lab:1",
                    "state": "running",
                    "ports": [{"host": port, "container": 80}],
                    "volumes": [
                        {"host": "/srv/web", "container": "/data", "read_only": True},
                        {"host": "cache", "container": "/cache", "read_only": False},
                    ],
                },
                {"name": "idle", "image": "lab:1", "state": "stopped"},
                {"name": "old", "image": "lab:1", "state": "absent"},
            ],
            "networks": [{"name": "back", "driver": "bridge", "subnet": subnet}],
        },
    }


IDENTITIES = {
    "docker": identity("docker", 8080, "172.30.0.0/16"),
    "podman": identity("podman", 8081, "172.31.0.0/16"),
}


@pytest.fixture(scope="module")
def machine(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Node, Path]]:
    """A node with containers of docker and podman, and a folder with a node-configs/ for each."""
    folder = tmp_path_factory.mktemp("containers")
    with cleared(), lab.node("containers", root=CONTAINERS) as node:
        node.run("/bin/sh", "-euc", IMAGE, "image", "docker podman")
        node.sh(BEGIN)
        for runtime, content in IDENTITIES.items():
            declare(folder / runtime, node, {})
            place = folder / runtime / "node-configs" / node.name
            (place / "identity.yaml").write_text(yaml.safe_dump(content))
        yield node, folder


def run(lab: Lab, machine: tuple[Node, Path], runtime: str) -> tuple[int, str]:
    options = ["--node=containers", "-k=test_", "-rfE"]
    done = check(lab, *options, folder=machine[1] / runtime)
    return done.status, done.output


@pytest.mark.parametrize("runtime", IDENTITIES)
def test_it_passes(lab: Lab, machine: tuple[Node, Path], runtime: str) -> None:
    status, output = run(lab, machine, runtime)
    assert status == 0, output
    assert "7 passed" in output


STATE = "test_workloads_are_in_their_state"
IMAGES = "test_images_are_those_of_their_tags"
PORTS = "test_declared_ports_are_bound_and_no_others"
TAKES = "test_tcp_ports_take_connections"
VOLUMES = "test_volumes_are_mounted"
NETWORKS = "test_networks_are_there"

Broken = tuple[str, str, dict[str, str]]
"""What is done by hand, how it is undone, and the tests that find it, each with its reason."""


def made(runtime: str, *changes: tuple[str, str]) -> str:
    """Make the container web anew, as it was but for changes."""
    words = (
        f"{runtime} {WEB}" if runtime == "docker" else f"{runtime} {WEB}".replace("8080", "8081")
    )
    for old, new in changes:
        words = words.replace(old, new)
    return f"{runtime} rm -f web; {words}"


def rounds(runtime: str, port: str) -> dict[str, Broken]:
    """What is broken with both programs. Each test finds one thing at most."""
    subnet = IDENTITIES[runtime]["container_host"]["networks"][0]["subnet"]
    return {
        "stopped": (
            f"{runtime} stop -t 0 web; {runtime} tag lab:1 was:1; {runtime} tag lab:2 lab:1",
            f"{runtime} tag was:1 lab:1; {runtime} start web",
            {STATE: "web is exited", IMAGES: "another image than the present lab:1"},
        ),
        "gone": (
            f"{runtime} rm -f web; {runtime} network rm back",
            f"{runtime} network create --subnet {subnet} back; {made(runtime)}",
            {STATE: "there is no container web", NETWORKS: "there is no network back"},
        ),
        "other things declared": (
            f"{runtime} start idle; {made(runtime, (port, '8090'), ('-v cache:/cache', ''))}",
            f"{runtime} stop -t 0 idle; {made(runtime)}",
            {STATE: "idle is running", PORTS: "8090, 80, 'tcp'", VOLUMES: "mounted on /cache"},
        ),
        "more than is declared": (
            f"{runtime} create --name old lab:1;"
            + made(runtime, (":ro", ""), ("-v cache", "-p 8090:81 -v cache")),
            f"{runtime} rm old; {made(runtime)}",
            {STATE: "old is there", PORTS: "8090, 81, 'tcp'", VOLUMES: "web: /data"},
        ),
        "on 127.0.0.1 alone, with another folder": (
            made(runtime, (f"{port}:80", f"127.0.0.1:{port}:80"), ("/srv/web", "/srv")),
            made(runtime),
            {TAKES: "nothing listens on", VOLUMES: "web: /data"},
        ),
    }


BRIDGE = '$(docker network inspect -f "br-{{slice .Id 0 12}}" back)'
REJECT = "-p tcp --dport 80 -j REJECT --reject-with tcp-reset"
BROKEN: dict[tuple[str, str], Broken] = (
    {
        (runtime, what): found
        for runtime, port in (("docker", "8080"), ("podman", "8081"))
        for what, found in rounds(runtime, port).items()
    }
    | {
        ("docker", "paused"): ("docker pause web", "docker unpause web", {STATE: "web is paused"}),
        ("docker", "it ends again and again"): (
            made("docker", ("-d", "-d --restart=always"), (HTTPD, "/bin/busybox false"))
            # The seventh time docker waits for 12 s before it starts it again.
            + "; until docker inspect -f '{{.RestartCount}} {{.State.Status}}' web"
            " | grep '^7 restarting'; do :; done",
            made("docker"),
            {STATE: "web is restarting"},
        ),
        ("docker", "docker is stopped, its socket is not"): (
            "systemctl stop docker.service",
            "systemctl start docker; docker start web",
            {"test_runtime_answers": "docker.service is not active"},
        ),
        ("docker", "a bridge has no address, and packets are rejected"): (
            f"ip addr del 172.30.0.1/16 dev {BRIDGE}; iptables -I OUTPUT -d 172.17.0.0/16 {REJECT}",
            f"ip addr add 172.30.0.1/16 dev {BRIDGE}; iptables -D OUTPUT 1",
            {
                NETWORKS: "no interface is up with an address in 172.30.0.0/16",
                TAKES: "nothing listens on",
            },
        ),
    }
)


@pytest.mark.parametrize(("runtime", "what"), BROKEN)
def test_what_is_broken_by_hand_is_found(
    lab: Lab, machine: tuple[Node, Path], runtime: str, what: str
) -> None:
    node, _ = machine
    by_hand, undo, expected = BROKEN[runtime, what]
    node.sh(by_hand)
    try:
        status, output = run(lab, machine, runtime)
        active = node.sh("systemctl is-active docker.service || :")
    finally:
        node.sh(undo)
    assert status == 1, output
    for test, reason in expected.items():
        assert f"container-host[{test}]" in output, output
        assert reason in output, output
    assert (active == "active") is ("stop docker" not in by_hand), "asking started docker"
