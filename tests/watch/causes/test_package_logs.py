"""The logs of package managers: captured on a node, and for dnf as dnf 4 writes them."""

import time
from collections.abc import Iterator

import pytest

from power_edge.watch.causes import package_logs
from power_edge.watch.causes.cause import Cause
from power_edge.watch.causes.package_logs import LogEntry

APT = """
Start-Date: 2026-11-30  20:32:59
Commandline: apt-get install -y openvpn
Install: openvpn:amd64 (2.6.14-0+deb12u2), liblzo2-2:amd64 (2.10-2, automatic)
End-Date: 2026-11-30  20:33:02

Start-Date: 2026-11-30  21:08:47
Commandline: apt-get remove -y openvpn
Requested-By: stella (1000)
Remove: openvpn:amd64 (2.6.14-0+deb12u2)
End-Date: 2026-11-30  21:08:48

Start-Date: 2026-11-30  21:20:00
Commandline: /usr/bin/unattended-upgrade
Upgrade: libc6:amd64 (2.36-9+deb12u9, 2.36-9+deb12u10), openvpn-lookalike:all (1, 2)
"""
DNF = """\
2026-11-30T10:11:10+0000 INFO --- logging initialized ---
2026-11-30T10:11:12+0000 SUBDEBUG Installed: tree-1.8.0-10.el9.x86_64
2026-11-30T10:11:13+0000 SUBDEBUG Erase: perl-libs-4:5.32.1-481.el9.x86_64
"""


@pytest.fixture(autouse=True)
def _utc() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


START = 1796072927.0
"""21:08:47 UTC."""


def test_an_entry_of_apt_is_a_cause() -> None:
    cause = package_logs.last_of(package_logs.apt(APT), "openvpn", "absent", START + 0.5, START + 3)
    assert cause == Cause(
        "package",
        user="stella",
        command="apt-get remove -y openvpn",
        time=START,
        detail=("Remove: openvpn:amd64 (2.6.14-0+deb12u2)",),
    )


@pytest.mark.parametrize(
    ("package", "since", "until"),
    [
        ("openvpn", START - 900, START - 1),
        ("openvpn", START + 1.1, START + 100),
        ("ufw", START, START + 3),
        ("openvp", START, START + 3),
    ],
)
def test_another_time_or_package_is_no_cause(package: str, since: float, until: float) -> None:
    assert package_logs.last_of(package_logs.apt(APT), package, "absent", since, until) is None


def test_an_entry_that_has_not_ended_counts_from_its_start() -> None:
    entries = [each for each in package_logs.apt(APT) if each.end is None]
    assert [each.package for each in entries] == ["libc6", "openvpn-lookalike"]
    late = package_logs.last_of(iter(entries), "libc6", "present", START + 3600, START + 3601)
    assert late is not None
    assert (late.user, late.command) == (None, "/usr/bin/unattended-upgrade")


DNF_DAY = 1796033472.0


@pytest.mark.parametrize(
    ("log", "package", "since", "states"),
    [
        (package_logs.apt(APT), "libc6", START + 800, {"present", "latest", "half-configured"}),
        (package_logs.apt(APT), "openvpn", START, {"absent", "half-configured"}),
        (package_logs.dnf(DNF), "tree", DNF_DAY, {"present", "latest", "half-configured"}),
        (package_logs.dnf(DNF), "perl-libs", DNF_DAY, {"absent", "half-configured"}),
    ],
)
def test_an_action_explains_what_it_can_lead_to(
    log: Iterator[LogEntry], package: str, since: float, states: set[str]
) -> None:
    entries = list(log)
    assert {
        state
        for state in ("absent", "present", "latest", "half-configured")
        if package_logs.last_of(iter(entries), package, state, since, since + 900)
    } == states


def test_an_entry_of_dnf_is_a_cause() -> None:
    installed, erased = package_logs.dnf(DNF)
    assert installed.package == "tree"
    assert installed.cause.detail == ("Installed: tree-1.8.0-10.el9.x86_64",)
    assert erased.package == "perl-libs"
    assert erased.start == installed.start + 1 == 1796033473.0


@pytest.mark.parametrize("text", ["", "\n\n", "Start-Date: never\nRemove: x:y (1)", "a: b\n\x00"])
def test_what_is_not_understood_is_left_out(text: str) -> None:
    assert list(package_logs.apt(text)) == []
    assert list(package_logs.dnf(text)) == []
