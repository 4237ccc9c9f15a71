"""Discovery of packages: in the shells that nodes have, on nodes of dpkg and of rpm, and of a state
that was made there.
"""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from power_edge.discover.sections import LeftOut, Section
from tests.resources.packages.test_discover import ALONE, OF_ALPINE, alpine, rpms
from tests.support.lab.discovering import FEW, discovered, wrong
from tests.support.lab.nodes import Node
from tests.support.shells import each_shell
from tests.support.trees import lines, run, write

pytestmark = pytest.mark.lab

ASKED_FOR = {"acl", "mksh", "openssh-server", "openvpn", "sudo", "ufw"}
"""What the usual node was made with, beyond the base system and what the others need."""
BUILD = """
cd "$(mktemp -d)"
deb() { # NAME ARCHITECTURE FIELD...
    mkdir -p "$1/DEBIAN"
    printf 'Package: %s\\nVersion: 1.0\\nArchitecture: %s\\nMaintainer: x <x@x>\\nDescription: t\\n' "$1" "$2" >"$1/DEBIAN/control"
    name=$1
    shift 2
    for field; do echo "$field"; done >>"$name/DEBIAN/control"
    dpkg-deb -b "$name" . >/dev/null
}
"""
SOME = (
    BUILD
    + """
dpkg --add-architecture i386
deb pe-foreign i386 'Depends: pe-foreign-lib'
deb pe-foreign-lib i386
deb pe-virtual all 'Depends: pe-service | nosuch'
deb pe-provider all 'Provides: pe-service (= 1)'
deb pe-cycle all 'Depends: pe-cycle-data (>= 1)'
deb pe-cycle-data all 'Depends: pe-cycle'
deb pe-twin all 'Depends: pe-twin-too'
deb pe-twin-too all 'Depends: pe-twin'
deb pe-recommends all 'Recommends: pe-recommended'
deb pe-recommended all
deb linux-image-6.1.0-99-amd64 all
dpkg -i ./*.deb >/dev/null
apt-mark -q auto pe-cycle-data >/dev/null
apt-mark -q hold pe-provider >/dev/null
"""
)


def values(section: Section) -> dict[str, dict[str, str]]:
    """The fields of the packages that the tests made, without the name, by name."""
    return {
        found.name: {field: value for field, value in found.value.items() if field != "name"}
        for found in section.found
        if "pe-" in found.name
    }


@each_shell("dash", "bash", "mksh", "busybox")
def test_in_any_shell(shell: list[str], tmp_path: Path) -> None:
    alpine(tmp_path)
    assert lines(run("packages", tmp_path, shell=shell)) == OF_ALPINE


# A busybox shell has an rpm and a dpkg of its own, which know no database.
OTHERS = each_shell("dash", "bash", "mksh")


@OTHERS
def test_a_database_of_rpm(shell: list[str], tmp_path: Path) -> None:
    rpms(tmp_path)
    assert lines(run("packages", tmp_path, shell=shell)) == dict.fromkeys(
        ["+nginx", "+left-over", "+wine:i686", "+kernel"], ALONE
    )


@OTHERS
def test_a_database_of_dpkg(shell: list[str], tmp_path: Path) -> None:
    stanza = "Package: {}\nStatus: {} ok {}\nArchitecture: all\nVersion: 1\nMaintainer: x\nDescription: x\n{}\n"
    installed = {
        "base": "Essential: yes\nDepends: needed\n",
        "needed": "",
        "wanted": "",
        "auto": "",
        "shell": "Priority: important\n",
    }
    stanzas = [
        stanza.format(name, "install", "installed", more) for name, more in installed.items()
    ]
    stanzas.append(stanza.format("removed", "deinstall", "config-files", ""))
    write(tmp_path, {"var/lib/dpkg/status": "\n".join(stanzas), "etc/os-release": "ID=debian\n"})
    marks = "".join(
        f"Package: {name}\nArchitecture: all\nAuto-Installed: {mark}\n\n"
        for name, mark in (("auto", 1), ("wanted", 0))
    )
    write(tmp_path, {"var/lib/apt/extended_states": marks})
    (tmp_path / "var/lib/dpkg/info").mkdir()
    (tmp_path / "var/lib/dpkg/updates").mkdir()
    assert lines(run("packages", tmp_path, shell=shell)) == {
        "+wanted": "installed manually (apt-mark showmanual)"
    }


@pytest.mark.parametrize("user", ["root", "guest"])
def test_a_node_that_nobody_worked_on(node: Node, user: str) -> None:
    section = discovered(node, "packages", user=user)
    assert {found.name for found in section.found} == ASKED_FOR
    assert section.value == [{"name": name} for name in sorted(ASKED_FOR)]
    assert not section.left_out + section.hidden
    assert wrong(node, section) == []


def test_the_inventory(node: Node) -> None:
    section = discovered(node, "packages", mode="all")
    assert len(section.found) == int(node.sh("dpkg -l | grep -c '^.i'"))
    assert wrong(node, section) == []


def test_what_dpkg_knows_of_packages(node: Node) -> None:
    node.sh(SOME)
    section = discovered(node, "packages")
    assert values(section) == {
        "pe-cycle": {},
        "pe-foreign:i386": {},
        "pe-provider": {"version": "1.0"},
        "pe-recommends": {},
        "pe-recommended": {},
        "pe-twin": {},
        "pe-virtual": {},
    }
    assert section.left_out == (
        LeftOut(
            "linux-image-6.1.0-99-amd64",
            "one kernel version: the next upgrade installs another",
        ),
    )
    assert wrong(node, section) == []
    everything = discovered(node, "packages", mode="all")
    assert {"pe-foreign-lib:i386", "linux-image-6.1.0-99-amd64"} < {
        found.name for found in everything.found
    }
    assert wrong(node, everything) == []
    node.sh(
        "dpkg --force-hold -P $(dpkg-query -W -f '${binary:Package}\\n' 'pe-*' 'linux-image-*') >/dev/null; dpkg --remove-architecture i386"
    )


def test_half_installed_packages_are_left_out(node: Node) -> None:
    node.sh(BUILD + "deb pe-half all; dpkg --unpack ./pe-half*.deb >/dev/null")
    section = discovered(node, "packages")
    assert [left.what for left in section.left_out] == ["pe-half"]
    assert values(section) == {}
    node.sh("dpkg -P pe-half >/dev/null")


def test_a_node_of_rpm(rpm_node: Node) -> None:
    for user in ("root", "guest"):
        section = discovered(rpm_node, "packages", user=user)
        assert {found.name for found in section.found} == {
            "peapp",
            "peepoch",
            "pekernel",
            "pelib",
            "pelib:i686",
            "petilde",
        }
        assert wrong(rpm_node, section, user=user) == []
    before = rpm_node.sh("stat -c '%n %y' /var/lib/rpm/*")
    discovered(rpm_node, "packages")
    assert rpm_node.sh("stat -c '%n %y' /var/lib/rpm/*") == before


NOISY = """
echo /nosuch/library.so >/etc/ld.so.preload
for tool in rpm dpkg dpkg-query; do
    printf '#!/bin/sh\\necho "WARNING: %s is wrapped" >&2\\nexec /usr/bin/%s "$@"\\n' $tool $tool >/usr/local/bin/$tool
    [ -e /usr/bin/$tool ] && chmod 755 /usr/local/bin/$tool || rm /usr/local/bin/$tool
done
"""


@pytest.mark.parametrize("fixture", ["node", "rpm_node"])
def test_warnings_on_stderr_change_nothing(request: pytest.FixtureRequest, fixture: str) -> None:
    machine: Node = request.getfixturevalue(fixture)
    quiet = discovered(machine, "packages", user="guest")
    machine.sh(NOISY)
    try:
        assert discovered(machine, "packages", user="guest") == quiet
        assert discovered(machine, "packages") == quiet
    finally:
        machine.sh(
            "rm -f /etc/ld.so.preload /usr/local/bin/rpm /usr/local/bin/dpkg /usr/local/bin/dpkg-query"
        )


def test_a_database_that_cannot_be_read_is_said(node: Node) -> None:
    node.sh("mv /var/lib/dpkg/status /var/lib/dpkg/status.away")
    section = discovered(node, "packages")
    node.sh("mv /var/lib/dpkg/status.away /var/lib/dpkg/status")
    assert not section.found + section.left_out
    assert "its dpkg database is missing, empty or unreadable" in section.hidden[0].why


NAMES = ["pe-a", "pe-b", "pe-c", "pe-d"]
STATES = st.fixed_dictionaries(
    {
        name: st.tuples(st.sets(st.sampled_from(NAMES), max_size=2), st.booleans(), st.booleans())
        for name in NAMES
    }
)


def reached(state: dict[str, tuple[set[str], bool, bool]], name: str) -> set[str]:
    """What a package needs, directly or not."""
    found: set[str] = set()
    queue = [name]
    while queue:
        new = state[queue.pop()][0] - found
        found |= new
        queue += new
    return found


@FEW
@given(STATES)
def test_what_is_discovered_of_a_state_is_that_state(
    node: Node, state: dict[str, tuple[set[str], bool, bool]]
) -> None:
    script = BUILD
    for name, (needs, _, _) in state.items():
        others = ", ".join(sorted(needs - {name}))
        field = f"'Depends: {others}'" if others else ""
        script += f"deb {name} all {field}\n"
    script += f"dpkg -i ./*.deb >/dev/null\napt-mark -q manual {' '.join(NAMES)} >/dev/null\n"
    for name, (_, auto, held) in state.items():
        script += f"apt-mark -q auto {name} >/dev/null\n" if auto else ""
        script += f"apt-mark -q hold {name} >/dev/null\n" if held else ""
    node.sh(script)
    section = discovered(node, "packages")
    found = values(section)
    manual = [name for name, (_, auto, held) in state.items() if not auto]
    for name, (_, auto, held) in state.items():
        needed = any(
            name in reached(state, other) for other in manual if other not in reached(state, name)
        )
        if held:
            assert found.get(name) == {"version": "1.0"}
        elif auto or needed:
            assert name not in found
    for name in manual:
        assert found.keys() & {
            name,
            *(other for other in NAMES if name in reached(state, other)),
        }, "what was asked for is declared, or what needs it"
    assert wrong(node, section) == []
    node.sh(f"dpkg --force-hold --force-depends -P {' '.join(NAMES)} >/dev/null")
