"""The packages probe, run: on nodes of dpkg and of rpm, and on trees of a database each."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from power_edge.checking.evaluate import judge
from power_edge.model import Result
from power_edge.model.generated.resources.packages_schema import Package as Declared
from power_edge.report.shell_line import shell_line
from power_edge.resources.packages import RESOURCE, ask
from power_edge.resources.packages.observation import parse
from tests.support.cases import RECORDINGS
from tests.support.items import item_of
from tests.support.lab.nodes import Node
from tests.support.scripts import body

pytestmark = pytest.mark.lab

BODY = body("packages", "resources")


def outcomes(node: Node, *items: Declared, environment: Mapping[str, str] = {}) -> list[str]:
    return [result.outcome.value for result in results(node, items, environment)]


def results(
    node: Node, items: Sequence[Declared], environment: Mapping[str, str] = {}, user: str = "root"
) -> list[Result]:
    setting = [f"{name}={value}" for name, value in environment.items()]
    observed = parse(
        node.run(
            "runuser", "-u", user, "--", "env", *setting, "/bin/sh", "-c", BODY, "pe", *ask(items)
        ).stdout.encode()
    )
    return [
        judge(
            RESOURCE,
            item_of(RESOURCE, item.name, item),
            observed,
        )
        for item in items
    ]


def test_a_node_of_dpkg(node: Node) -> None:
    version = node.sh("dpkg-query -W -f '${Version}' procps")
    declared = [
        Declared(name="procps", version=version),
        Declared(name="procps", version=version.removeprefix("2:")),
        Declared(name="Procps", state="absent"),
        Declared(name="procps:i386"),
        Declared(name="nosuch", state="absent"),
        Declared(name="nosuch"),
        Declared(name="awk", state="absent"),  # mawk provides it
        Declared(name="procps", state="latest"),  # nodes have no package lists
    ]
    assert outcomes(node, *declared) == [
        "compliant",
        "drift",
        "drift",
        "drift",
        "compliant",
        "drift",
        "unknown",
        "unknown",
    ]


def test_an_entry_that_was_lost_is_not_absent(node: Node) -> None:
    declared = [
        Declared(name=name, state="absent") for name in ("mksh", "MKSH", "acl", "libacl1", "nosuch")
    ]
    node.sh("cp -p /var/lib/dpkg/status /saved")
    try:
        node.sh(
            "awk -v RS= -v ORS='\\n\\n' '!/^Package: (mksh|libacl1)\\n/' /saved >/var/lib/dpkg/status"
        )
        assert outcomes(node, *declared) == ["unknown", "unknown", "drift", "unknown", "compliant"]
    finally:
        node.sh("mv /saved /var/lib/dpkg/status")


def test_the_database_of_a_session_is_not_the_nodes(node: Node) -> None:
    node.sh(
        "mkdir -p /other/var/lib/dpkg/info /other/var/lib/dpkg/updates; cp -r /var/lib/dpkg/info/format /other/var/lib/dpkg/info"
    )
    node.sh(
        "sed 's/^Package: procps$/Package: elsewhere/' /var/lib/dpkg/status >/other/var/lib/dpkg/status"
    )
    for setting in ("DPKG_ROOT=/other", "DPKG_ADMINDIR=/other/var/lib/dpkg"):
        items = [Declared(name="elsewhere"), Declared(name="procps", state="absent")]
        observed: Mapping[str, Any] = parse(
            node.run("env", setting, "/bin/sh", "-c", BODY, "pe", *ask(items)).stdout.encode()
        )
        assert [row.name for item in items for row in observed[item.name].here] == ["procps"]


def test_a_node_of_rpm(rpm_node: Node) -> None:
    declared = [
        Declared(name="peapp", version="1.20.1-14.el9"),
        Declared(name="peapp", version="1.20.1"),
        Declared(name="peapp", version="1.20"),
        Declared(name="peepoch", version="1.0-1.el9"),
        Declared(name="peepoch", version="2:1.0-1.el9"),
        Declared(name="petilde", version="2.0-1.el9"),
        Declared(name="pelib"),
        Declared(name="pelib:i686"),
        Declared(name="pelib.ppc64le"),
        Declared(name="pekernel", version="5.14.0-427.el9"),
        Declared(name="peapp-1.20.1", state="absent"),
        Declared(name="webserver", state="absent"),
        Declared(name="nosuch", state="absent"),
    ]
    expected = [
        "compliant",
        "compliant",
        "drift",
        "drift",
        "compliant",
        "drift",
        "compliant",
        "compliant",
        "drift",
        "compliant",
    ]
    assert outcomes(rpm_node, *declared) == [*expected, "unknown", "unknown", "compliant"]


def test_rpm_is_believed_about_what_is_missing_only_when_it_shows_something(rpm_node: Node) -> None:
    assert outcomes(rpm_node, Declared(name="nosuch", state="absent")) == ["compliant"]
    rpm_node.sh(
        "cd /var/lib/rpm; cp -a . /root/rpm; head -c 5000 /root/rpm/rpmdb.sqlite >rpmdb.sqlite"
    )
    try:
        broken = rpm_node.run("/bin/sh", "-c", BODY, "pe", "nosuch", check=False)
    finally:
        rpm_node.sh("rm -rf /var/lib/rpm; mv /root/rpm /var/lib/rpm")
    assert broken.returncode != 0
    assert "malformed" in broken.stderr.splitlines()[0]  # a report shows this line


def test_asking_rpm_writes_nothing(rpm_node: Node) -> None:
    times = "stat -c '%n %y %z' /var/lib/rpm /var/lib/rpm/* /var/lib/rpm/.rpm.lock"
    before = rpm_node.sh(times)
    assert outcomes(rpm_node, Declared(name="peapp"), Declared(name="webserver")) == [
        "compliant",
        "unknown",
    ]
    assert rpm_node.sh(times) == before


def in_tree(shell: Sequence[str], tree: Path, *names: str) -> subprocess.CompletedProcess[bytes]:
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C", "PE_ROOT": str(tree)}
    return subprocess.run(
        [*shell, "-c", BODY, "pe", *names],
        check=False,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        env=environment,
    )


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for folder in ("etc", "lib/apk/db", "var/lib/dpkg/updates", "var/lib/dpkg/info"):
        (tmp_path / folder).mkdir(parents=True)
    return tmp_path


SHELLS = [["dash"], ["bash"], ["mksh"], ["busybox", "sh"]]
STATUS = """\
Package: {name}
Status: {status}
Architecture: amd64
Version: 1.0
Maintainer: x
Description: x
{more}
"""


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
def test_the_database_of_apk(shell: list[str], tree: Path) -> None:
    (tree / "etc/os-release").write_text('NAME="Alpine Linux"\nID=alpine\n')
    (tree / "lib/apk/db/installed").write_bytes(
        (RECORDINGS / "packages/apk-installed-db/installed").read_bytes()
    )
    done = in_tree(shell, tree, "musl", "openssh", "py-foo", "cmd", "nosuch")
    assert done.returncode == 0, done.stderr
    observed: Mapping[str, Any] = parse(done.stdout)
    assert [row.version for row in observed["musl"].rows] == ["1.2.4_git20230717-r4"]
    assert observed["py-foo"].providers == ("py3-foo",)
    assert not any(
        observed[name].rows or observed[name].providers for name in ("openssh", "cmd", "nosuch")
    )


@pytest.mark.parametrize(
    "shell", SHELLS[:3], ids=lambda shell: shell[0]
)  # a busybox shell has a dpkg of its own, which fails aloud
def test_the_database_of_dpkg(shell: list[str], tree: Path) -> None:
    (tree / "etc/os-release").write_text("ID=raspbian\nID_LIKE='debian'\n")
    mta = STATUS.format(
        name="mta",
        status="hold ok installed",
        more="Provides: mail-transport-agent, smtp (= 2), any:any\n",
    )
    nano = STATUS.format(name="nano", status="deinstall ok config-files", more="Provides: editor\n")
    (tree / "var/lib/dpkg/status").write_text(f"{mta}\n{nano}\n")
    done = in_tree(shell, tree, "mta", "nano", "mail-transport-agent", "smtp", "editor", "nosuch")
    assert done.returncode == 0, done.stderr
    observed: Mapping[str, Any] = parse(done.stdout)
    assert observed["mta"].rows[0][2:] == ("hold", "installed", "ok", "1.0")
    assert not observed["nano"].here
    assert observed["mail-transport-agent"].providers == observed["smtp"].providers == ("mta",)
    assert not observed["editor"].providers


BROKEN = {
    "nothing": ("", "", "there is no package database that Power Edge knows"),
    "a system that is not known": (
        "ID=gentoo\n",
        STATUS.format(name="a", status="install ok installed", more=""),
        "does not know the package manager of gentoo",
    ),
    "an empty database": ("ID=debian\n", "", "its dpkg database is missing, empty or unreadable"),
    "a database without a package": (
        "ID=debian\n",
        STATUS.format(name="a", status="deinstall ok config-files", more=""),
        "is empty or could not be read",
    ),
    "a broken database": (
        "ID=debian\n",
        STATUS.format(name="a", status="install ok installed", more="garbage"),
        "parsing file",
    ),
    "another manager's database": (
        "ID=fedora\n",
        STATUS.format(name="a", status="install ok installed", more=""),
        "this is fedora, but its rpm database",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_cannot_be_read_fails_aloud(case: str, tree: Path) -> None:
    release, status, why = BROKEN[case]
    (tree / "etc/os-release").write_text(release)
    (tree / "var/lib/dpkg/status").write_text(status)
    done = in_tree(["dash"], tree, "nosuch")
    assert done.returncode != 0
    assert why in done.stderr.decode()


def test_two_databases_and_no_os_release_are_undecided(tree: Path) -> None:
    (tree / "var/lib/dpkg/status").write_text(
        STATUS.format(name="a", status="install ok installed", more="")
    )
    assert in_tree(["dash"], tree, "a").returncode == 0
    (tree / "lib/apk/db/installed").write_text("P:a\nV:1\n\n")
    assert b"databases of dpkg and apk" in in_tree(["dash"], tree, "a").stderr


REPOSITORY = """
cd "$(mktemp -d)"
mkdir -p /srv/repo
for version in 1.9-1 1.10-1; do
    mkdir -p p/DEBIAN
    printf 'Package: pe-app\\nVersion: %s\\nArchitecture: all\\nMaintainer: x <x@x>\\nDescription: t\\n' "$version" >p/DEBIAN/control
    dpkg-deb -b p "/srv/repo/pe-app_$version.deb" >/dev/null
done
rm -f /etc/apt/sources.list /etc/apt/sources.list.d/*
echo 'deb [trusted=yes] file:/srv/repo ./' >/etc/apt/sources.list
"""
OFFER = """
cd /srv/repo
for deb in pe-app_$1.deb; do
    dpkg-deb -f "$deb"
    printf 'Filename: ./%s\\nSize: %s\\nSHA256: %s\\n\\n' "$deb" "$(stat -c %s "$deb")" "$(sha256sum <"$deb" | cut -d' ' -f1)"
done >Packages
touch -d "$2" Packages
rm -rf /var/lib/apt/lists/*
apt-get -q -q update
"""


def test_latest_and_the_commands_to_mend_on_a_real_apt(node: Node) -> None:
    def offer(versions: str, time: str = "now") -> None:
        node.run("/bin/sh", "-euc", OFFER, "offer", versions, time)

    def latest() -> tuple[str, str | None]:
        [result] = results(node, [Declared(name="pe-app", state="latest")])
        return result.outcome.value, shell_line(result.remedy)

    node.sh(REPOSITORY)
    offer("1.9-1")
    assert latest() == ("drift", "apt-get install -y --no-install-recommends pe-app")
    node.sh("apt-get -q -q install -y pe-app")
    assert latest() == ("compliant", None)
    offer("1.9-1", "10 days ago")
    assert latest() == ("unknown", None)
    offer("*", "10 days ago")
    assert latest() == ("drift", "apt-get install -y --no-install-recommends pe-app")
    [older] = results(node, [Declared(name="pe-app", version="1.10-1")])
    node.sh(str(shell_line(older.remedy)))
    offer("*")
    assert latest() == ("compliant", None)
    node.sh(
        "echo 'deb [trusted=yes] http://127.0.0.1:9/dead ./' >>/etc/apt/sources.list; apt-get -q -q update || true"
    )
    assert latest() == ("unknown", None)
    [newer] = results(node, [Declared(name="pe-app", version="1.9-1")])
    node.sh(str(shell_line(newer.remedy)))
    [present] = results(node, [Declared(name="pe-app", state="absent")])
    node.sh(str(shell_line(present.remedy)))
    node.sh("dpkg --unpack /srv/repo/pe-app_1.9-1.deb")
    [unpacked] = results(node, [Declared(name="pe-app")])
    [absent] = results(node, [Declared(name="pe-app", state="absent")])
    assert (unpacked.outcome.value, unpacked.findings[0].actual, absent.outcome.value) == (
        "drift",
        "unpacked",
        "drift",
    )
    node.sh(str(shell_line(unpacked.remedy)))
    assert outcomes(node, Declared(name="pe-app", version="1.9-1")) == ["compliant"]


COMPONENTS = """
rm -rf /srv/parts /etc/apt/sources.list /etc/apt/sources.list.d /var/lib/apt/lists; mkdir -p /srv/parts /tmp/c/DEBIAN; cd /srv/parts
offer() { # VERSION COMPONENT/ARCHITECTURE
    printf 'Package: pe-part\\nVersion: %s\\nArchitecture: all\\nMaintainer: x <x@x>\\nDescription: t\\n' "$1" >/tmp/c/DEBIAN/control
    dpkg-deb -b /tmp/c "pe-part_$1.deb" >/dev/null
    { dpkg-deb -f "pe-part_$1.deb"; printf 'Filename: pe-part_%s.deb\\nSize: %s\\nSHA256: %s\\n\\n' \\
        "$1" "$(stat -c %s "pe-part_$1.deb")" "$(sha256sum <"pe-part_$1.deb" | cut -d' ' -f1)"; } >"dists/x/$2/Packages"
}
native=$(dpkg --print-architecture)
for part in main more_parts empty; do mkdir -p dists/x/$part/binary-$native dists/x/$part/binary-all; : >dists/x/$part/binary-$native/Packages; done
offer 1 main/binary-$native; offer 2 more_parts/binary-$native; offer 2 main/binary-all
cd dists/x
{ printf 'Suite: x\\nArchitectures: all %s\\nNo-Support-for-Architecture-all: Packages\\nComponents: main more_parts empty\\nDate: %s\\nSHA256:\\n' \\
    "$native" "$(date -uR)"
  for file in */*/Packages; do printf ' %s %s %s\\n' "$(sha256sum <$file | cut -d' ' -f1)" "$(stat -c %s $file)" $file; done; } >Release
sources() { echo "deb [trusted=yes] file:/srv/parts x $*" >/etc/apt/sources.list; }
sources main empty
apt-get -qq update
apt-get -qq install -y pe-part=1 >/dev/null 2>&1
"""


def test_a_component_that_was_never_fetched_may_have_the_newer_version(node: Node) -> None:
    latest = Declared(name="pe-part", state="latest")
    node.sh(COMPONENTS)
    assert outcomes(node, latest) == ["compliant"]
    node.sh("echo 'deb [trusted=yes] file:/srv/parts x main empty nosuch' >/etc/apt/sources.list")
    assert outcomes(node, latest) == ["compliant"]
    node.sh(
        "echo 'deb [trusted=yes] file:/srv/parts x main empty more_parts' >/etc/apt/sources.list"
    )
    assert outcomes(node, latest) == ["unknown"]
    node.sh("apt-get -qq update")
    assert outcomes(node, latest) == ["drift"]


DAMAGES = {
    "an empty list": ': >"$list"',
    "an older list": "sed -i 's/^Version: 2/Version: 0.9/' \"$list\"",
    "an older list, compressed": (
        'sed "s/^Version: 2/Version: 0.9/" "$list" | gzip >"$list.gz"; rm "$list"'
    ),
    "an older list that is not in the Release": (
        'sed -i "s/^Version: 2/Version: 0.9/" "$list"; sed -i /more_parts.binary/d "$release"'
    ),
    "no list and a Release that is cut amid a line": 'rm "$list"; truncate -s -10 "$release"',
    "no list and a Release that lacks its line": 'rm "$list"; sed -i /more_parts.binary/d "$release"',
    "an empty list and an empty Release": ': >"$list"; rm "$release"; : >"$release"',
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_list_that_was_damaged_may_have_held_the_newer_version(node: Node, damage: str) -> None:
    """As by a power cut after an update: apt writes its lists without syncing them."""
    latest = Declared(name="pe-part", state="latest")
    node.sh(COMPONENTS + COPIED)
    assert outcomes(node, latest) == ["drift"]
    node.sh(COMPONENTS + COPIED + DAMAGES[damage])
    try:
        assert outcomes(node, latest) == ["unknown"]
    finally:
        node.sh("rm -f /etc/apt/apt.conf.d/zzplain")


COPIED = """
printf 'Acquire::GzipIndexes "false";\\n' >/etc/apt/apt.conf.d/zzplain
rm -rf /var/lib/apt/lists
echo 'deb [trusted=yes] copy:/srv/parts x main empty more_parts' >/etc/apt/sources.list
apt-get -qq update
release=$(echo /var/lib/apt/lists/_srv_parts_dists_x_*Release)
list=$(echo /var/lib/apt/lists/*more*parts_binary-${native}_Packages)
"""

FLAT = """
printf 'Acquire::GzipIndexes "false";\\n' >/etc/apt/apt.conf.d/zzlinks
rm -rf /srv/flat /etc/apt/sources.list /etc/apt/sources.list.d /var/lib/apt/lists; mkdir -p /srv/flat /tmp/p/DEBIAN
printf 'Package: pe-flat\\nVersion: 1\\nArchitecture: all\\nMaintainer: x <x@x>\\nDescription: t\\n' >/tmp/p/DEBIAN/control
dpkg-deb -b /tmp/p /srv/flat/pe-flat_1.deb >/dev/null
cd /srv/flat
{ dpkg-deb -f pe-flat_1.deb; printf 'Filename: ./pe-flat_1.deb\\nSize: %s\\nSHA256: %s\\n\\n' \\
    "$(stat -c %s pe-flat_1.deb)" "$(sha256sum <pe-flat_1.deb | cut -d' ' -f1)"; } >Packages
release() { # DATE MORE...: a Release file of that date
    date=$1; shift
    { printf 'Origin: lab\\nDate: %s\\n' "$(date -uR -d "$date")"; printf '%s\\n' "$@"
      printf 'SHA256:\\n %s %s Packages\\n' "$(sha256sum <Packages | cut -d' ' -f1)" "$(stat -c %s Packages)"; } >Release
}
update() { # METHOD
    echo "deb [trusted=yes] $1:/srv/flat ./" >/etc/apt/sources.list
    apt-get -qq update
    apt-get -qq install -y pe-flat >/dev/null 2>&1
}
"""
AGES = {
    "a link to a new index": ("update file", "compliant"),
    "a link to an old index": ("touch -d '30 days ago' Packages; update file", "unknown"),
    "an old index that was copied": ("touch -d '30 days ago' Packages; update copy", "unknown"),
    "a new index that was copied": ("update copy", "compliant"),
    "a link that leads nowhere": ("update file; rm Packages", "unknown"),
    "an index compressed by lz4": (
        "echo 'Acquire::GzipIndexes \"true\";' >/etc/apt/apt.conf.d/zzlinks; update file",
        "compliant",
    ),
    "an old index compressed by lz4": (
        "echo 'Acquire::GzipIndexes \"true\";' >/etc/apt/apt.conf.d/zzlinks; touch -d '30 days ago' Packages; update file",
        "unknown",
    ),
    "a link to a new Release": (
        "touch -d '30 days ago' Packages; release today; update file",
        "compliant",
    ),
    "a link to a Release that is old by its Date": (
        "release '30 days ago'; update file",
        "unknown",
    ),
    "a copied Release that is old by its Date": ("release '30 days ago'; update copy", "unknown"),
    "a Release of an old file": (
        "release today; touch -d '30 days ago' Release; update copy",
        "unknown",
    ),
    "a link to a Release that leads nowhere": (
        "release today; update file; ln -sfn /nosuch /var/lib/apt/lists/_srv_flat_._Release",
        "unknown",
    ),
    "a Release that is no longer valid": (
        "release '2 days ago' \"Valid-Until: $(date -uR -d yesterday)\"; "
        "echo 'Acquire::Check-Valid-Until \"false\";' >>/etc/apt/apt.conf.d/zzlinks; update file",
        "unknown",
    ),
    "everything touched": (
        "release '30 days ago'; update copy; touch /var/lib/apt/lists/*",
        "unknown",
    ),
    "a restored image": (
        "release '30 days ago'; update copy; cp -rL /var/lib/apt/lists /tmp/x; rm -rf /var/lib/apt/lists; mv /tmp/x /var/lib/apt/lists",
        "unknown",
    ),
    "no lists": ("update file; rm -rf /var/lib/apt/lists/*", "unknown"),
    "lists in another folder": (
        "update file; rm -rf /srv/lists; mv /var/lib/apt/lists /srv/lists; echo 'Dir::State::lists \"/srv/lists/\";' >>/etc/apt/apt.conf.d/zzlinks",
        "compliant",
    ),
    "old lists in another folder": (
        "update file; rm -rf /srv/lists; cp -r /var/lib/apt/lists /srv/lists; rm /srv/lists/*Packages; "
        "cp Packages /srv/lists/_srv_flat_._Packages; touch -d '30 days ago' /srv/lists/*Packages; "
        "echo 'Dir::State::lists \"/srv/lists/\";' >>/etc/apt/apt.conf.d/zzlinks",
        "unknown",
    ),
    "a clock that was set back": ("update file; touch -d tomorrow /var/lib/dpkg/status", "unknown"),
}


@pytest.mark.parametrize("case", AGES)
def test_the_age_of_a_list_is_that_of_what_was_made_and_not_of_a_link_or_a_copy(
    node: Node, case: str
) -> None:
    script, outcome = AGES[case]
    node.sh(FLAT + script)
    try:
        assert outcomes(node, Declared(name="pe-flat", state="latest")) == [outcome]
    finally:
        node.sh("rm -f /etc/apt/apt.conf.d/zzlinks; touch /var/lib/dpkg/status")


BROKEN_PRELOAD = {"LD_PRELOAD": "/nosuch/library.so"}
WRAPPER = """#!/bin/sh
echo "WARNING: {0} is wrapped" >&2
echo "error-prone: {0}" >&2
exec /usr/bin/{0} "$@"
"""


@pytest.mark.parametrize(
    "tool",
    ["", "dpkg", "dpkg-query", "apt-get", "apt-cache", "apt-config", "stat", "sed", "awk", "grep"],
)
def test_warnings_on_stderr_are_no_part_of_what_dpkg_and_apt_say(node: Node, tool: str) -> None:
    node.sh(FLAT + "update file")
    if tool:
        node.write(f"/usr/local/bin/{tool}", WRAPPER.format(tool), 0o755)
    items = [
        Declared(name="pe-flat", state="latest"),
        Declared(name="pe-flat", version="1"),
        Declared(name="pe-flat", state="absent"),
        Declared(name="nosuch", state="absent"),
        Declared(name="awk", state="absent"),
    ]
    try:
        assert outcomes(node, *items, environment=BROKEN_PRELOAD) == [
            "compliant",
            "compliant",
            "drift",
            "compliant",
            "unknown",
        ]
    finally:
        node.sh(
            f"rm -f /usr/local/bin/{tool} /etc/apt/apt.conf.d/zzlinks"
            if tool
            else "rm /etc/apt/apt.conf.d/zzlinks"
        )


@pytest.mark.parametrize("tool", ["", "rpm", "setpriv"])
def test_warnings_on_stderr_are_no_part_of_what_rpm_says(rpm_node: Node, tool: str) -> None:
    if tool:
        rpm_node.write(f"/usr/local/bin/{tool}", WRAPPER.format(tool), 0o755)
    items = [
        Declared(name="peapp", version="1.20.1-14.el9"),
        Declared(name="peapp", state="absent"),
        Declared(name="nosuch", state="absent"),
        Declared(name="webserver", state="absent"),
    ]
    try:
        assert outcomes(rpm_node, *items, environment=BROKEN_PRELOAD) == [
            "compliant",
            "drift",
            "compliant",
            "unknown",
        ]
    finally:
        rpm_node.sh(f"rm -f /usr/local/bin/{tool}" if tool else ":")
