"""The sysctl probe, run: in the shells that nodes have, as a plain user, with and without sudo, in a node and on this machine."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from power_edge import data
from power_edge.judging import judge
from power_edge.model import Item, Observations, Result, Source, Unseen
from power_edge.resources.sysctl import RESOURCE, Setting, canonical, parse
from tests.lab.nodes import Node

pytestmark = pytest.mark.lab

BODY = data.text("probes/resources/sysctl.sh")
SHELLS = [["dash"], ["bash"], ["mksh"], ["busybox", "sh"]]
SECRET = "net/ipv4/tcp_fastopen_key"


def judged(key: str, value: str, seen: Observations) -> Result:
    declared = Setting(key, value)
    return judge(RESOURCE, Item("node", "sysctl", key, canonical(key), declared, RESOURCE.asserts(declared), Source("f", 1)), seen)


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
def test_every_key_of_this_machine(shell: list[str]) -> None:
    root = Path("/proc/sys")
    paths = sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file() and "random" not in path.parts)
    done = subprocess.run(
        [*shell, "-c", BODY, "pe", *paths], check=True, capture_output=True, env={"PATH": os.environ["PATH"], "LC_ALL": "C"}, timeout=60
    )
    seen = parse(done.stdout)
    assert list(seen) == paths
    steady = {
        path: (root / path).read_text(errors="surrogateescape") for path in paths if path.startswith(("net/ipv4/conf/", "kernel/sched", "vm/dirty"))
    }
    assert {path: seen[path] for path in steady} == {path: value.removesuffix("\n") for path, value in steady.items()}


def put(node: Node, key: str, value: str) -> None:
    node.run("sh", "-euc", 'printf "%s\\n" "$2" >"/proc/sys/$1"', "put", canonical(key), value)


@pytest.mark.parametrize("shell", SHELLS[:2], ids=lambda shell: shell[0])
def test_what_has_no_value(node: Node, shell: list[str]) -> None:
    seen = parse(
        node.run(*shell, "-c", BODY, "pe", "vm/drop_caches", "net/ipv4/conf/lo", "vm/swappiness/x", "net/core/bpf_jit_harden").stdout.encode()
    )
    assert len(seen) == 4
    assert all(isinstance(value, Unseen) for value in seen.values()), seen


def test_a_long_value_is_read_to_its_end(node: Node) -> None:
    key, whole = "net.ipv4.ip_local_reserved_ports", ",".join(map(str, range(1024, 9000, 2)))
    put(node, key, whole)
    seen = parse(node.run("sh", "-c", BODY, "pe", canonical(key)).stdout.encode())
    shutil.copy(str(shutil.which("busybox")), node.tree / "usr/local/bin")
    cut = parse(node.run("sh", "-c", f'grep() {{ busybox grep "$@"; }}\n{BODY}', "pe", canonical(key)).stdout.encode())
    put(node, key, "")
    assert judged(key, whole, seen).outcome.value == "compliant"
    assert judged(key, whole[:1024], seen).outcome.value == "drift"
    assert judged(key, whole[:1024], cut).outcome.value == "unknown"


def test_a_plain_user_with_and_without_sudo(node: Node) -> None:
    def value(user: str, sudo: str) -> object:
        run = ("runuser", "-u", user, "--", "env", f"PE_SUDO={sudo}", "LC_ALL=C", "sh", "-c", BODY, "pe", SECRET, "net/ipv4/ip_forward")
        seen = parse(node.run(*run).stdout.encode())
        assert seen["net/ipv4/ip_forward"] in ("0", "1")
        return seen[SECRET]

    assert value("stella", "sudo -n") == "00000000-00000000-00000000-00000000"
    assert isinstance(value("stella", ""), Unseen)
    assert isinstance(value("guest", "sudo -n"), Unseen)


@pytest.mark.parametrize(
    ("key", "value", "other"),
    [
        ("net.ipv4.tcp_keepalive_time", "7200", "600"),
        ("net.ipv4.ip_local_port_range", "32768 60999", "32768 60998"),
        ("net.ipv4.conf.v0/7.forwarding", "1", "0"),
        ("net.ipv4.ip_local_reserved_ports", "8080,8081,8082", ""),
        ("net.ipv4.ping_group_range", "0 0", "1 0"),
    ],
)
def test_the_command_to_mend_mends(node: Node, key: str, value: str, other: str) -> None:
    node.sh("ip link show v0.7 || ip link add v0.7 type veth peer name v1")
    put(node, key, other)
    found = judged(key, value, parse(node.run("sh", "-c", BODY, "pe", canonical(key)).stdout.encode()))
    assert found.outcome.value == "drift"
    node.sh(str(found.mend))
    assert judged(key, value, parse(node.run("sh", "-c", BODY, "pe", canonical(key)).stdout.encode())).outcome.value == "compliant"
