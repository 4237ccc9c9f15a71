"""The sysctl probe, run: in the shells that nodes have, as a plain user, with and without sudo, in
a node and on this machine.
"""

import os
import shutil
import subprocess
from fnmatch import fnmatch
from pathlib import Path

import pytest

from power_edge.checking.evaluate import judge
from power_edge.model import NotObserved, Observations, Result
from power_edge.report.shell_line import shell_line
from power_edge.resources.sysctl import RESOURCE
from power_edge.resources.sysctl.key import Setting, canonical
from power_edge.resources.sysctl.kinds import never
from power_edge.resources.sysctl.observation import parse
from tests.support.items import item_of
from tests.support.lab.nodes import Node, as_user
from tests.support.scripts import body

pytestmark = pytest.mark.lab

BODY = body("sysctl", "resources")
SHELLS = [["dash"], ["bash"], ["mksh"], ["busybox", "sh"]]
SECRET = "net/ipv4/tcp_fastopen_key"


def judged(key: str, value: str, observed: Observations) -> Result:
    declared = Setting(key, value)
    return judge(
        RESOURCE,
        item_of(RESOURCE, key, declared),
        observed,
    )


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
def test_every_key_of_this_machine(shell: list[str]) -> None:
    root = Path("/proc/sys")
    paths = sorted(
        str(path.relative_to(root))
        for path in root.rglob("*")
        if path.is_file() and "random" not in path.parts
    )
    done = subprocess.run(
        [*shell, "-c", BODY, "pe", *paths],
        check=True,
        capture_output=True,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
        timeout=60,
    )
    observed = parse(done.stdout)
    assert list(observed) == paths
    steady = {
        path: (root / path).read_text(errors="surrogateescape")
        for path in paths
        if path.startswith(("net/ipv4/conf/", "kernel/sched", "vm/dirty"))
    }
    assert {path: observed[path] for path in steady} == {
        path: value.removesuffix("\n") for path, value in steady.items()
    }


def put(node: Node, key: str, value: str) -> None:
    node.run("sh", "-euc", 'printf "%s\\n" "$2" >"/proc/sys/$1"', "put", canonical(key), value)


@pytest.mark.parametrize("shell", SHELLS[:2], ids=lambda shell: shell[0])
def test_what_has_no_value(node: Node, shell: list[str]) -> None:
    observed = parse(
        node.run(
            *shell,
            "-c",
            BODY,
            "pe",
            "vm/drop_caches",
            "net/ipv4/conf/lo",
            "vm/swappiness/x",
            "net/core/bpf_jit_harden",
        ).stdout.encode()
    )
    assert len(observed) == 4
    assert all(isinstance(value, NotObserved) for value in observed.values()), observed


def test_a_long_value_is_read_to_its_end(node: Node) -> None:
    key, long_value = "net.ipv4.ip_local_reserved_ports", ",".join(map(str, range(1024, 9000, 2)))
    put(node, key, long_value)
    observed = parse(node.run("sh", "-c", BODY, "pe", canonical(key)).stdout.encode())
    shutil.copy(str(shutil.which("busybox")), node.tree / "usr/local/bin")
    cut = parse(
        node.run(
            "sh", "-c", f'grep() {{ busybox grep "$@"; }}\n{BODY}', "pe", canonical(key)
        ).stdout.encode()
    )
    put(node, key, "")
    assert judged(key, long_value, observed).outcome.value == "compliant"
    assert judged(key, long_value[:1024], observed).outcome.value == "drift"
    assert judged(key, long_value[:1024], cut).outcome.value == "unknown"


def test_a_plain_user_with_and_without_sudo(node: Node) -> None:
    def value(user: str, sudo: str) -> object:
        names = (SECRET, "net/ipv4/ip_forward")
        run = node.run(*as_user(user, sudo), "sh", "-c", BODY, "pe", *names)
        observed = parse(run.stdout.encode())
        assert observed["net/ipv4/ip_forward"] in ("0", "1")
        return observed[SECRET]

    assert value("stella", "sudo -n") == "00000000-00000000-00000000-00000000"
    assert isinstance(value("stella", ""), NotObserved)
    assert isinstance(value("guest", "sudo -n"), NotObserved)


REMEDIES = {
    ("net.ipv4.tcp_keepalive_time", "7200", "600"): (),
    ("net.ipv4.ip_local_port_range", "32768 60999", "32768 60998"): (),
    ("net.ipv4.conf.v0/7.forwarding", "1", "0"): (),
    ("net/ipv4/conf/v0.7/rp_filter", "1", "0"): (),
    ("net.ipv4.conf.all.rp_filter", "1", "0"): (),
    ("net.ipv4.ip_local_reserved_ports", "8080,8081,8082", ""): (),
    ("net.ipv4.ip_local_reserved_ports", "", "8080"): (),
    ("net.ipv4.ping_group_range", "0 0", "1 0"): (),
    ("net.ipv4.tcp_rmem", "4096 131072 6291456", "4096 131072 6291457"): (),
    ("net.ipv4.tcp_congestion_control", "reno", "bbr"): (),
    ("net.netfilter.nf_conntrack_tcp_loose", "1", "0"): (),
    ("net.bridge.bridge-nf-call-iptables", "0", "1"): (),
    ("net.ipv6.conf.v1.accept_ra", "0", "1"): (),
    ("net.ipv4.ip_forward", "1", "0"): (
        "net/ipv4/conf/*/forwarding",
        "net/ipv4/conf/all/accept_redirects",
    ),
    ("net.ipv4.ip_forward", "0", "1"): (
        "net/ipv4/conf/*/forwarding",
        "net/ipv4/conf/all/accept_redirects",
    ),
    ("net.ipv4.conf.all.forwarding", "1", "0"): (
        "net/ipv4/conf/*/forwarding",
        "net/ipv4/conf/all/accept_redirects",
        "net/ipv4/ip_forward",
    ),
    ("net.ipv6.conf.all.forwarding", "1", "0"): ("net/ipv6/conf/*/forwarding",),
    ("net.ipv6.conf.all.disable_ipv6", "0", "1"): ("net/ipv6/conf/*/disable_ipv6",),
    ("net.ipv6.conf.all.addr_gen_mode", "1", "0"): ("net/ipv6/conf/*/addr_gen_mode",),
}
"""Key, declared value, value that is there -> other keys that the write changes, which the remedy
must speak of.
"""
EVERY_KEY = "cd /proc/sys; find net -type f | sort | while read -r file; do printf '%s=%s\\n' $file \"$(tr '\\n' ' ' 2>/dev/null <$file)\"; done"
MOVING = ("net/netfilter/nf_conntrack_count", "net/ipv4/tcp_fastopen_key")


def every_key(node: Node) -> dict[str, str]:
    """What can be set below /proc/sys/net, by path."""
    pairs = (line.partition("=") for line in node.sh(EVERY_KEY).splitlines())
    return {key: value for key, _, value in pairs if key not in MOVING}


def look(node: Node, key: str, value: str) -> Result:
    return judged(
        key, value, parse(node.run("sh", "-c", BODY, "pe", canonical(key)).stdout.encode())
    )


@pytest.mark.parametrize(("key", "value", "other"), REMEDIES)
def test_a_printed_remedy_leads_to_compliant_and_changes_nothing_that_it_does_not_speak_of(
    node: Node, key: str, value: str, other: str
) -> None:
    node.sh("ip link show v0.7 >/dev/null 2>&1 || ip link add v0.7 type veth peer name v1")
    put(node, key, value)
    put(node, key, other)
    before = every_key(node)
    found = look(node, key, value)
    assert found.outcome.value == "drift"
    command = shell_line(found.remedy)
    assert command is not None
    node.sh(command)
    assert look(node, key, value).outcome.value == "compliant"
    after = every_key(node)
    changed = {path for path in before if after.get(path) != before[path]} - {canonical(key)}
    allowed = REMEDIES[key, value, other]
    assert [
        path for path in changed if not any(fnmatch(path, pattern) for pattern in allowed)
    ] == []
    assert bool(changed) <= bool(found.advice)
    for pattern in allowed:
        assert pattern.rpartition("/")[2] in str(found.advice)


@pytest.mark.parametrize(
    "key", ["vm.swappiness", "kernel.panic", "fs.inotify.max_user_watches", "kernel.hostname"]
)
def test_a_key_of_the_machine_itself_has_no_command_on_a_container(node: Node, key: str) -> None:
    found = look(node, key, "7")
    assert (found.outcome.value, shell_line(found.remedy)) == ("drift", None)
    assert "/proc/sys is read-only in this container" in str(found.advice)
    assert node.run("sysctl", "-w", f"{key}=7", check=False).returncode != 0


def test_a_key_that_can_be_written_in_a_container_after_all_has_one(node: Node) -> None:
    node.sh(
        "cat /proc/sys/kernel/panic >/root/panic; mount --bind /root/panic /proc/sys/kernel/panic"
    )
    try:
        found = look(node, "kernel.panic", "7")
        node.sh(str(shell_line(found.remedy)))
        assert look(node, "kernel.panic", "7").outcome.value == "compliant"
    finally:
        node.sh("umount /proc/sys/kernel/panic")


def test_every_value_that_a_node_shows_may_be_declared(node: Node) -> None:
    refused = {}
    for line in node.sh(EVERY_KEY.replace("find net", "find .")).splitlines():
        path, _, value = line.removeprefix("./").partition("=")
        if (why := never(path, value)) is not None:
            refused[path] = why
    assert refused == {}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("net.ipv4.ip_forward", "yes"),
        ("net.ipv4.conf.all.rp_filter", '"1"'),
        ("net.ipv6.conf.all.disable_ipv6", "true"),
        ("net.ipv4.ip_local_port_range", "32768-60999"),
        ("net.ipv4.ip_local_port_range", "60999 32768"),
        ("net.ipv4.ip_local_port_range", "1024 65536"),
        ("net.ipv4.ip_local_reserved_ports", "8082-8080"),
        ("net.ipv4.ip_local_reserved_ports", "65536"),
        ("net.ipv4.tcp_rmem", "4k 8k 16k"),
        ("net.ipv4.tcp_congestion_control", "reno bbr"),
        ("net.ipv4.ip_default_ttl", "0"),
        ("net.ipv4.ip_default_ttl", "256"),
        ("net.ipv4.ip_unprivileged_port_start", "65536"),
        ("net.ipv4.tcp_syncookies", "on"),
        ("net.core.somaxconn", "1k"),
    ],
)
def test_what_is_refused_at_load_the_kernel_never_shows(node: Node, key: str, value: str) -> None:
    assert never(canonical(key), value) is not None
    before = node.sh(f"sysctl -n {key}")
    node.run("sysctl", "-w", f"{key}={value}", check=False)
    assert look(node, key, value).outcome.value != "compliant"
    put(node, key, before)
