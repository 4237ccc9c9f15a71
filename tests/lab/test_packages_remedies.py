"""Each remedy of a package, run as it is printed: it leads to compliant, and nothing else changes.

Where none is printed, the sentence says why.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from power_edge.model.generated.resources.packages_schema import Package as Declared
from power_edge.report.shell_line import shell_line
from tests.lab.test_packages import outcomes, results
from tests.support.lab.nodes import Lab, Node

pytestmark = pytest.mark.lab

REPOSITORY = r"""
mkdir -p /srv/repo; cd "$(mktemp -d)"
deb() { # NAME VERSION FIELD...: a package whose postinst fails where /fails/NAME is
    rm -rf p; mkdir -p p/DEBIAN
    printf 'Package: %s\nVersion: %s\nArchitecture: %s\nMaintainer: x <x@x>\nDescription: t\n' "$1" "$2" "${arch-all}" >p/DEBIAN/control
    name=$1 version=$2
    shift 2
    for field; do echo "$field"; done >>p/DEBIAN/control
    printf '#!/bin/sh\n[ ! -e /fails/%s ]\n' "$name" >p/DEBIAN/postinst
    chmod 755 p/DEBIAN/postinst
    dpkg-deb -b p "/srv/repo/${name}_${version}_${arch-all}.deb" >/dev/null
}
deb pe-app 1.9-1; deb pe-app 1.10-1
deb pe-rebuilt 1.2-3+b1
deb pe-epoch 2:4.0-3
deb pe-lib 1; deb pe-uses 1 'Depends: pe-lib'; deb pe-lib 2
deb pe-pair 1 'Depends: pe-pair-data (= 1)'; deb pe-pair-data 1
deb pe-pair 2 'Depends: pe-pair-data (= 2)'; deb pe-pair-data 2
deb pe-needs 1 'Depends: pe-dep' 'Recommends: pe-recommended'; deb pe-dep 1; deb pe-recommended 1
deb pe-foe 1 'Conflicts: pe-lib'
deb pe-torn 1
deb pe-essential 1 'Essential: yes'
deb pe-protected 1 'Protected: yes'
arch=i386 deb pe-both 1; arch=amd64 deb pe-both 1
dpkg --add-architecture i386
cd /srv/repo
for file in *.deb; do
    dpkg-deb -f "$file"
    printf 'Filename: ./%s\nSize: %s\nSHA256: %s\n\n' "$file" "$(stat -c %s "$file")" "$(sha256sum <"$file" | cut -d' ' -f1)"
done >Packages
rm -rf /etc/apt/sources.list.d
echo 'deb [trusted=yes] file:/srv/repo ./' >/etc/apt/sources.list
apt-get -qq update
mkdir -p /fails
"""
CLEAN = """
rm -rf /fails/*; apt-mark -q unhold 'pe-*' >/dev/null 2>&1 || :
sed -i 's/reinstreq half-installed$/ok installed/' /var/lib/dpkg/status
set -- $(dpkg-query -W -f '${binary:Package} ${db:Status-Status}\\n' 'pe-*' 2>/dev/null | sed -n '/ not-installed$/!s/ .*//p')
[ $# -eq 0 ] || dpkg --force-all --purge "$@" >/dev/null 2>&1
"""
INSTALL = "apt-get -qq install -y --no-install-recommends {} >/dev/null 2>&1; "


class Case(NamedTuple):
    """`setup` makes the drift of `declared`; then `commands` are printed (the lines of a shell), or
    nothing but `advice`.
    """

    setup: str
    declared: dict[str, Any]
    commands: str | None
    advice: str | None = None
    others: str = ""
    """Packages that change with it, since the declared one needs them."""


HALF = "mkdir -p /fails; touch /fails/{0}; dpkg --force-depends -i /srv/repo/{0}_1_all.deb >/dev/null 2>&1 || :; rm -f /fails/{0}; "
CASES = {
    "missing": Case("", {"name": "pe-app"}, "apt-get install -y --no-install-recommends pe-app"),
    "missing, with what it needs": Case(
        "",
        {"name": "pe-needs"},
        "apt-get install -y --no-install-recommends pe-needs",
        "it also installs what it needs: pe-dep",
        others="pe-dep",
    ),
    "missing in this version": Case(
        "",
        {"name": "pe-app", "version": "1.9-1"},
        "apt-get install -y --no-install-recommends --allow-downgrades pe-app=1.9-1",
    ),
    "older": Case(
        INSTALL.format("pe-app=1.9-1"),
        {"name": "pe-app", "version": "1.10-1"},
        "apt-get install -y --no-install-recommends --allow-downgrades pe-app=1.10-1",
    ),
    "newer": Case(
        INSTALL.format("pe-app=1.10-1"),
        {"name": "pe-app", "version": "1.9-1"},
        "apt-get install -y --no-install-recommends --allow-downgrades pe-app=1.9-1",
    ),
    "not the latest": Case(
        INSTALL.format("pe-app=1.9-1"),
        {"name": "pe-app", "state": "latest"},
        "apt-get install -y --no-install-recommends pe-app",
    ),
    "latest, and missing": Case(
        "",
        {"name": "pe-app", "state": "latest"},
        "apt-get install -y --no-install-recommends pe-app",
    ),
    "a rebuilt version": Case(
        "",
        {"name": "pe-rebuilt", "version": "1.2-3"},
        None,
        "(Version '1.2-3' for 'pe-rebuilt' was not found): the package lists offer 1.2-3+b1",
    ),
    "a version without its epoch": Case(
        INSTALL.format("pe-epoch"),
        {"name": "pe-epoch", "version": "4.0-3"},
        None,
        "declare the version with its epoch: 2:4.0-3",
    ),
    "of no list": Case("", {"name": "pe-nowhere"}, None, "no package list on the node offers it"),
    "there": Case(
        INSTALL.format("pe-app"), {"name": "pe-app", "state": "absent"}, "apt-get remove -y pe-app"
    ),
    "there, in capitals": Case(
        INSTALL.format("pe-app"), {"name": "PE-App", "state": "absent"}, "apt-get remove -y pe-app"
    ),
    "there, for another architecture": Case(
        "dpkg --force-depends -i /srv/repo/pe-both_1_i386.deb >/dev/null 2>&1; ",
        {"name": "pe-both", "state": "absent"},
        "apt-get remove -y pe-both:i386",
    ),
    "needed by another": Case(
        INSTALL.format("pe-uses"),
        {"name": "pe-lib", "state": "absent"},
        None,
        "apt-get remove -y pe-lib would also remove pe-uses",
    ),
    "essential": Case(
        "dpkg -i /srv/repo/pe-essential_1_all.deb >/dev/null; ",
        {"name": "pe-essential", "state": "absent"},
        None,
        "apt-get refuses to remove it: Essential",
    ),
    "protected": Case(
        "dpkg -i /srv/repo/pe-protected_1_all.deb >/dev/null; ",
        {"name": "pe-protected", "state": "absent"},
        None,
        "apt-get refuses to remove it: Essential",
    ),
    "systemd": Case(
        "", {"name": "systemd", "state": "absent"}, None, "would also remove systemd-sysv"
    ),
    "a version that changes another": Case(
        INSTALL.format("pe-pair=1 pe-pair-data=1"),
        {"name": "pe-pair", "version": "2"},
        None,
        "would also change pe-pair-data from 1 to 2",
    ),
    "an install that removes others": Case(
        INSTALL.format("pe-uses"),
        {"name": "pe-foe"},
        None,
        "would also remove pe-uses, remove pe-lib",
    ),
    "on hold": Case(
        INSTALL.format("pe-app=1.9-1") + "apt-mark -q hold pe-app >/dev/null",
        {"name": "pe-app", "version": "1.10-1"},
        None,
        "pe-app is on hold",
    ),
    "on hold, and to go": Case(
        INSTALL.format("pe-app") + "apt-mark -q hold pe-app >/dev/null",
        {"name": "pe-app", "state": "absent"},
        None,
        "pe-app is on hold",
    ),
    "half-configured": Case(
        HALF.format("pe-torn"),
        {"name": "pe-torn"},
        "dpkg --configure pe-torn",
        "if dpkg --configure fails",
    ),
    "half-configured, and to go": Case(
        HALF.format("pe-torn"), {"name": "pe-torn", "state": "absent"}, "apt-get remove -y pe-torn"
    ),
    "unpacked": Case(
        "dpkg --unpack /srv/repo/pe-torn_1_all.deb >/dev/null; ",
        {"name": "pe-torn"},
        "dpkg --configure pe-torn",
        "if dpkg --configure fails",
    ),
    "unpacked in another version": Case(
        "dpkg --unpack /srv/repo/pe-app_1.9-1_all.deb >/dev/null; ",
        {"name": "pe-app", "version": "1.10-1"},
        "apt-get install -y --no-install-recommends --allow-downgrades pe-app=1.10-1",
    ),
    "half-installed": Case(
        INSTALL.format("pe-torn")
        + "sed -i '/^Package: pe-torn$/,/^$/s/^Status: .*/Status: install reinstreq half-installed/' /var/lib/dpkg/status",
        {"name": "pe-torn"},
        "apt-get install -y --no-install-recommends --reinstall pe-torn",
    ),
    "missing, beside a half-configured one": Case(
        HALF.format("pe-torn"),
        {"name": "pe-app"},
        "dpkg --configure -a && apt-get install -y --no-install-recommends pe-app",
        "repair pe-torn by hand",
        others="pe-torn",
    ),
    "to go, beside a half-configured one": Case(
        INSTALL.format("pe-app") + HALF.format("pe-torn"),
        {"name": "pe-app", "state": "absent"},
        "dpkg --configure -a && apt-get remove -y pe-app",
        "repair pe-torn by hand",
        others="pe-torn",
    ),
    "half-configured, as is another one": Case(
        HALF.format("pe-torn") + HALF.format("pe-dep"),
        {"name": "pe-torn"},
        "dpkg --configure -a",
        "repair pe-torn, pe-dep by hand",
        others="pe-dep",
    ),
    "missing, beside a half-installed one": Case(
        INSTALL.format("pe-torn")
        + "sed -i '/^Package: pe-torn$/,/^$/s/^Status: .*/Status: install reinstreq half-installed/' /var/lib/dpkg/status",
        {"name": "pe-app"},
        None,
        "first repair pe-torn (half-installed)",
    ),
}


@pytest.fixture(scope="module")
def stocked(lab: Lab) -> Iterator[Node]:
    with lab.node("stocked") as node:
        node.sh(REPOSITORY)
        yield node


def packages(node: Node, *without: str) -> list[str]:
    """All packages of a node with their states and versions, but for some."""
    rows = node.sh(
        r"dpkg-query -W -f '${binary:Package} ${db:Status-Want} ${db:Status-Status} ${db:Status-Eflag} ${Version}\n'"
    ).splitlines()
    return [
        row
        for row in rows
        if row.split()[0].partition(":")[0] not in without and " not-installed " not in row
    ]


@pytest.mark.parametrize("case", CASES)
def test_a_printed_remedy_leads_to_compliant_and_changes_nothing_else(
    stocked: Node, case: str
) -> None:
    setup, fields, commands, advice, others = CASES[case]
    declared = Declared(**fields)
    stocked.sh(f"set +e\n{setup}\n:")
    try:
        own = {declared.name.lower(), *others.split()}
        before = packages(stocked, *own)
        marks = stocked.sh("apt-mark showhold; apt-mark showauto; touch /root/mark; sleep 0.02")
        [result] = results(stocked, [declared])
        written = stocked.sh(
            "find / -xdev -newer /root/mark ! -path '/proc/*' ! -path '/sys/*' ! -path '/run/*' ! -path '/var/log/journal*'"
        )
        assert written == "", "looking, and trying what apt would do, writes nothing"
        assert (result.outcome.value, shell_line(result.remedy)) == ("drift", commands)
        assert (
            advice is None
            if result.advice is None
            else (advice is not None and advice in result.advice)
        ), result.advice
        assert not result.mend_cuts
        if commands is None:
            return
        stocked.sh(f"export DEBIAN_FRONTEND=noninteractive; {shell_line(result.remedy)}")
        assert outcomes(stocked, declared) == ["compliant"]
        assert packages(stocked, *own) == before
        assert {*stocked.sh("apt-mark showhold; apt-mark showauto").split()} - own == {
            *marks.split()
        } - own
    finally:
        stocked.sh(CLEAN)


@pytest.mark.parametrize(
    "name", ["openssh-server", "sudo", "ufw", "openvpn", "iptables", "nftables"]
)
def test_the_removal_of_what_the_way_to_the_node_may_lead_through_says_so(
    stocked: Node, name: str
) -> None:
    [result] = results(stocked, [Declared(name=name, state="absent")])
    assert (
        result.mend_cuts
        if shell_line(result.remedy) is not None
        else "would also remove" in str(result.advice)
    )


@pytest.mark.parametrize("name", ["mksh", "cron"])
def test_other_removals_do_not(stocked: Node, name: str) -> None:
    [result] = results(stocked, [Declared(name=name, state="absent")])
    assert (shell_line(result.remedy), result.mend_cuts) == (f"apt-get remove -y {name}", False)


def test_the_removal_of_a_login_shell_does(stocked: Node) -> None:
    stocked.sh("usermod -s /bin/mksh guest")
    try:
        [result] = results(stocked, [Declared(name="mksh", state="absent")])
        assert (shell_line(result.remedy), result.mend_cuts) == ("apt-get remove -y mksh", True)
    finally:
        stocked.sh("usermod -s /bin/bash guest")


def test_what_apt_calls_while_it_runs_is_not_called(stocked: Node) -> None:
    stocked.write(
        "/etc/apt/apt.conf.d/90hook",
        'AptCli::Hooks::Install:: "touch /hooked";\nDPkg::Pre-Invoke:: "touch /hooked";\n',
    )
    stocked.write(
        "/etc/apt/apt.conf.d/91hook",
        'APT::Update::Pre-Invoke:: "touch /hooked";\nDPkg::Pre-Install-Pkgs:: "touch /hooked";\n',
    )
    try:
        items = [
            Declared(name="pe-app"),
            Declared(name="mksh", state="absent"),
            Declared(name="cron", state="latest"),
        ]
        assert [shell_line(result.remedy) is not None for result in results(stocked, items)] == [
            True,
            True,
            False,
        ]
        assert stocked.sh("ls /hooked 2>/dev/null || :") == ""
    finally:
        stocked.sh("rm -f /etc/apt/apt.conf.d/9?hook /hooked")


def test_a_plain_user_gets_the_same_remedy(stocked: Node) -> None:
    item = Declared(name="pe-app")
    [by_root] = results(stocked, [item])
    [by_guest] = results(stocked, [item], user="guest")
    assert by_guest.remedy == by_root.remedy
    assert by_root.remedy.commands
