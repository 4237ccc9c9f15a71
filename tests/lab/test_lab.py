"""The lab itself: the nodes are what the other tests take them for, and nothing of them outlives
its run.
"""

import os
import re
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.lab import requirements, roots
from tests.support.lab.checking import CHECKOUT
from tests.support.lab.nodes import Lab, Node

pytestmark = pytest.mark.lab

CRASHING = """
import sys, time
from pathlib import Path
from tests.support.lab.nodes import open_lab
with open_lab(Path(sys.argv[1])) as lab, lab.node("crashing") as node:
    print(lab.holder, node.leader, flush=True)
    time.sleep(600)
"""


def test_a_node_runs_systemd_and_is_reached_over_ssh_with_its_host_key_checked(
    lab: Lab, node: Node
) -> None:
    assert lab.ssh(f"root@{node.address}", "systemctl is-system-running").stdout == "running\n"
    assert (
        lab.ssh(f"root@{node.address6}", "cat /etc/machine-id; hostname").stdout
        == f"{node.machine_id}\n{node.name}\n"
    )


def test_the_two_plain_users_differ_by_sudo(lab: Lab, node: Node) -> None:
    assert lab.ssh(f"stella@{node.name}", "sudo -n id -un").stdout == "root\n"
    assert lab.ssh(f"guest@{node.name}", "sudo -n id -un", check=False).returncode == 1


def test_nodes_are_apart_from_each_other_and_from_this_machine(lab: Lab, node: Node) -> None:
    here = Path("/proc/sys/net/ipv4/ip_forward").read_text()
    with lab.node("apart") as other:
        other.sh(
            "sysctl -qw net.ipv4.ip_forward=1; iptables -P INPUT ACCEPT; touch /etc/of-the-other; systemctl stop cron"
        )
        assert (
            node.sh(
                "sysctl -n net.ipv4.ip_forward; ls /etc/of-the-other 2>&1 | wc -l; systemctl is-active cron"
            )
            == "0\n1\nactive"
        )
        assert Path("/proc/sys/net/ipv4/ip_forward").read_text() == here
        assert other.machine_id != node.machine_id


def test_a_reboot_keeps_the_disk_and_forgets_the_rest(lab: Lab) -> None:
    with lab.node("rebooted") as node:
        node.sh(
            "touch /root/kept /run/forgotten; systemctl -q disable --now cron; sysctl -qw net.ipv4.ip_forward=1; nft add table ip by_hand"
        )
        again = lab.reboot(node)
        assert not Path(f"/proc/{node.leader}").exists()
        again = lab.reboot(again)
        left = again.sh(
            "ls /root; test ! -e /run/forgotten; systemctl is-active cron || :; sysctl -n net.ipv4.ip_forward; nft list ruleset"
        )
        assert left == "kept\ninactive\n0"
        reached = lab.ssh(
            f"root@{again.address6}",
            "systemctl is-system-running; systemctl list-jobs; cat /etc/machine-id",
        )
        assert reached.stdout == f"running\nNo jobs running.\n{node.machine_id}\n"


@pytest.mark.skipif(
    roots.own_distribution() != "debian",
    reason="Debian 13 is made from the archive of a Debian machine",
)
def test_a_node_ends_whatever_it_has_notified(lab: Lab) -> None:
    with lab.node("notifying", root=roots.TRIXIE) as node:
        node.sh(
            "for each in 1 2 3 4 5 6 7 8 9 10 11 12; do systemctl daemon-reload; done"
        )  # a queue of datagrams holds ten


def test_the_firewalld_node_has_firewalld_in_force(firewalld_node: Node) -> None:
    assert (
        firewalld_node.sh("firewall-cmd --state; systemctl is-system-running") == "running\nrunning"
    )


def test_the_rpm_node_has_rpms_and_no_dpkg_database(lab: Lab, rpm_node: Node) -> None:
    assert (
        "pekernel-5.14.0-427.el9.x86_64\npekernel-5.14.0-503.el9.x86_64\n"
        in lab.ssh(f"guest@{rpm_node.name}", "rpm -qa | sort").stdout
    )
    assert rpm_node.sh("dpkg-query -W", check=False) == ""


def test_nothing_of_a_crashed_run_is_left(tmp_path: Path) -> None:
    command = [sys.executable, "-c", CRASHING, str(tmp_path)]
    with subprocess.Popen(
        command,
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
    ) as run:
        assert run.stdout is not None
        holder, leader = map(int, run.stdout.readline().split())
        ends = [os.pidfd_open(pid) for pid in (holder, leader)]
        run.send_signal(signal.SIGKILL)
    for end in ends:
        assert select.select([end], [], [], 20)[0], (
            "still running"
        )  # a pidfd is readable when its process has ended: pidfd_open(2)
        os.close(end)
    assert str(tmp_path) not in Path("/proc/self/mounts").read_text()


@pytest.mark.skipif(
    roots.own_distribution() != "debian", reason="Debian 13 comes from a Debian archive"
)
def test_a_node_whose_systemd_notifies_of_each_reload_can_be_switched_off(lab: Lab) -> None:
    """More of them than the socket holds (net.unix.max_dgram_qlen)."""
    with lab.node("reloading", root=roots.TRIXIE) as node:
        node.sh(
            "for turn in $(seq $(cat /proc/sys/net/unix/max_dgram_qlen)) 1 2; do systemctl daemon-reload; done"
        )


def test_a_root_that_was_not_built_whole_is_not_there() -> None:
    broken = roots.Root(
        name="broken", below=roots.CORE, script="echo half >/half; echo because; exit 3"
    )
    with pytest.raises(RuntimeError, match="because"):
        roots.layers(broken)
    assert not list(roots.cache().glob("*broken*[0-9a-f]/*"))


def test_where_nodes_cannot_be_booted_the_run_says_so_and_why(lab: Lab) -> None:
    unprivileged = [
        "setpriv",
        "--bounding-set=-sys_admin",
        "--inh-caps=-sys_admin",
        "--",
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
    ]
    done = lab.run(*unprivileged, __file__, check=False, cwd=CHECKOUT)
    assert done.returncode == pytest.ExitCode.NO_TESTS_COLLECTED
    last = done.stdout.splitlines()[-3:]
    assert (
        "tests on real nodes (-m lab): nodes live in namespaces, which this machine does not let us make"
        in " ".join(last)
    )


def test_a_missing_tool_fails_and_names_the_script_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(requirements, "TOOLS", ("sh", "no-such-tool"))
    assert requirements.missing() == ["no-such-tool"]


def test_the_example_of_the_documentation_runs(tmp_path: Path) -> None:
    (example,) = re.findall(
        r"```python\n(.*?)```", (CHECKOUT / "docs/lab.md").read_text(), re.DOTALL
    )
    (tmp_path / "test_example.py").write_text(example)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-c",
        str(CHECKOUT / "pyproject.toml"),
        "-p",
        "tests.support.lab.fixtures",
    ]
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")
    } | {"PYTHONPATH": str(CHECKOUT)}
    done = subprocess.run(
        [*command, str(tmp_path)],
        check=False,
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
