"""Packages: which of them somebody asked for, by the manager's own word, and what is declared of
them.
"""

import os
import sqlite3
import subprocess
from pathlib import Path

import pytest

from power_edge import package_data
from power_edge.resources.packages.discover import DISCOVERY
from power_edge.resources.packages.observation import Package, Row
from tests.support.scripts import body
from tests.support.trees import lines, run, tool, write

pytestmark = pytest.mark.shell

MANUAL = "installed manually (dnf, zypper)"
ALONE = "no other package needs it"


ALPINE = {
    "alpine-base": "D:busybox musl\n",
    "busybox": "D:so:libc.musl-x86_64.so.1\np:/bin/sh cmd:sh=1\n",
    "musl": "p:so:libc.musl-x86_64.so.1=1\n",
    "nginx": "D:pcre so:libc.musl-x86_64.so.1 !apache2\n",
    "pcre": "D:/bin/sh\n",
    "pinned": "",
    "left-over": "",
}
OF_ALPINE = {
    "+nginx": "listed in /etc/apk/world",
    "+pinned": "listed in /etc/apk/world as pinned=1-r0",
    "+telnet": "refused in /etc/apk/world",
    "-.build-deps": "a virtual package (apk add --virtual)",
}


def alpine(tree: Path) -> None:
    database = "".join(f"P:{name}\nV:1-r0\n{more}\n" for name, more in ALPINE.items())
    world = "alpine-base musl nginx@edge pcre>1 pinned=1-r0 !telnet .build-deps=2024\n"
    write(
        tree,
        {"lib/apk/db/installed": database, "etc/apk/world": world, "etc/os-release": "ID=alpine\n"},
    )


def test_the_world_of_apk(tmp_path: Path) -> None:
    alpine(tmp_path)
    assert lines(run("packages", tmp_path)) == OF_ALPINE
    assert lines(run("packages", tmp_path, "all")) == {f"+{name}": "installed" for name in ALPINE}


def test_packages_that_pacman_installed_explicitly(tmp_path: Path) -> None:
    def describe(name: str, reason: int, depends: str = "", provides: str = "") -> None:
        fields = {
            "NAME": name,
            "VERSION": "1-1",
            "REASON": str(reason) if reason else "",
            "DEPENDS": depends,
            "PROVIDES": provides,
        }
        text = "".join(f"%{field}%\n{value}\n\n" for field, value in fields.items() if value)
        write(tmp_path, {f"var/lib/pacman/local/{name}-1-1/desc": text})

    describe("base", 0, "bash>=5\nlibz.so=1-64")
    describe("bash", 0, provides="sh")
    describe("zlib", 0, provides="libz.so=1-64")
    describe("vim", 0, "sh\nvim-runtime=1-1")
    describe("vim-runtime", 1)
    describe("git", 0)
    describe("orphan", 1, "git")
    write(tmp_path, {"etc/os-release": "ID=manjaro\nID_LIKE=arch\n"})
    assert lines(run("packages", tmp_path)) == {
        "+git": "installed manually (pacman -Qet)",
        "+vim": "installed manually (pacman -Qet)",
    }


RPMS = {
    "bash": ("x86_64", [], []),  # and the file /bin/sh
    "glibc": ("x86_64", ["rpmlib(CompressedFileNames)"], ["libc.so.6()(64bit)"]),
    "nginx": ("x86_64", ["libc.so.6()(64bit)", "/bin/sh", "nginx-core", "(a if b)"], []),
    "nginx-core": ("x86_64", [], []),
    "left-over": ("noarch", [], []),
    "wine": ("i686", [], []),
    "gpg-pubkey": ("(none)", [], []),
}


def rpms(tree: Path) -> None:
    rows = []
    for name, (arch, needs, has) in RPMS.items():
        rows += [
            f"rpm\t{name}\t{arch}",
            *(f"needs\t{name}\t{need}" for need in needs),
            *(f"has\t{name}\t{one}" for one in (name, *has)),
        ]
    rows += ["rpm\tkernel\tx86_64"] * 2  # of two versions
    write(
        tree,
        {
            "table": "\n".join(rows) + "\n",
            "var/lib/rpm/rpmdb.sqlite": "a database",
            "etc/os-release": 'ID="rocky"\nID_LIKE="rhel centos fedora"\n',
        },
    )
    tool(tree, "setpriv", 'shift 3; exec "$@"')
    tool(
        tree,
        "rpm",
        f'case "$*" in *--eval*) echo /var/lib/rpm ;; *-qa*) cat {tree}/table ;; *-qf*) printf "base\\tbash\\n" ;; esac',
    )


def test_without_a_record_the_rpms_that_no_other_needs_are_found(tmp_path: Path) -> None:
    rpms(tmp_path)
    assert lines(run("packages", tmp_path)) == dict.fromkeys(
        ["+nginx", "+left-over", "+wine:i686", "+kernel"], ALONE
    )


def test_the_record_of_dnf_5(tmp_path: Path) -> None:
    rpms(tmp_path)
    reasons = {
        "nginx.x86_64": "User",
        "left-over.noarch": "Dependency",
        "wine.i686": "Group",
        "nginx-core.x86_64": "User",
    }
    record = 'version = "1.0"\n[packages]\n' + "".join(
        f'"{package}" = {{reason="{reason}"}}\n' for package, reason in reasons.items()
    )
    write(tmp_path, {"usr/lib/sysimage/libdnf5/packages.toml": record})
    assert lines(run("packages", tmp_path)) == {"+nginx": MANUAL}


def test_the_record_of_dnf_4(tmp_path: Path) -> None:
    rpms(tmp_path)
    (tmp_path / "var/lib/dnf").mkdir(parents=True)
    with sqlite3.connect(tmp_path / "var/lib/dnf/history.sqlite") as history:
        history.executescript("""
            CREATE TABLE rpm (item_id INTEGER, name TEXT, epoch INTEGER, version TEXT, release TEXT, arch TEXT);
            CREATE TABLE trans_item (id INTEGER PRIMARY KEY, trans_id INTEGER, item_id INTEGER, action INTEGER, reason INTEGER, state INTEGER);
            INSERT INTO rpm VALUES (1, 'nginx', 0, '1', '1', 'x86_64'), (2, 'nginx', 0, '2', '1', 'x86_64'), (3, 'left-over', 0, '1', '1', 'noarch');
            INSERT INTO rpm VALUES (4, 'wine', 0, '1', '1', 'i686'), (5, 'kernel', 0, '1', '1', 'x86_64');
            INSERT INTO trans_item VALUES (1, 1, 1, 1, 1, 1), (2, 2, 2, 6, 2, 1), (3, 3, 3, 1, 2, 1), (4, 4, 3, 1, 1, 1), (5, 5, 4, 1, 5, 1);
            INSERT INTO trans_item VALUES (6, 6, 5, 1, 1, 1), (7, 7, 5, 1, 2, 2);
        """)
    history.close()
    assert lines(run("packages", tmp_path)) == {"+nginx": MANUAL}


def test_the_record_of_zypper(tmp_path: Path) -> None:
    rpms(tmp_path)
    write(
        tmp_path,
        {
            "var/lib/zypp/AutoInstalled": "# nobody asked\nleft-over\nbash\nglibc\nnginx-core\nkernel\n"
        },
    )
    assert lines(run("packages", tmp_path)) == {"+nginx": MANUAL, "+wine:i686": MANUAL}


def test_an_empty_record_is_a_record(tmp_path: Path) -> None:
    rpms(tmp_path)
    write(tmp_path, {"usr/lib/sysimage/libdnf5/packages.toml": 'version = "1.0"\n[packages]\n'})
    assert lines(run("packages", tmp_path)) == {}


@pytest.mark.parametrize(
    ("files", "why"),
    [
        # A folder cannot be read, like a file on a bad disk; that the only database is apk's says
        # nothing then.
        (
            {
                "etc/os-release/x": "",
                "lib/apk/db/installed": "P:a\nV:1\n\n",
                "etc/apk/world": "a\n",
            },
            "etc/os-release cannot be read",
        ),
        (
            {"etc/os-release": "ID=gentoo\n"},
            "Power Edge does not know the package manager of gentoo",
        ),
        ({"etc/os-release": "ID=alpine\n"}, "this is alpine, but its apk database is missing"),
        ({"etc/os-release": "ID=alpine\n", "lib/apk/db/installed": "P:a\n"}, "is not readable"),
        (
            {"etc/os-release": "ID=alpine\n", "lib/apk/db/installed": "\n", "etc/apk/world": "a\n"},
            "empty or could not be read",
        ),
        ({"etc/os-release": "ID=arch\n"}, "this is arch, but its pacman database is missing"),
        ({}, "os-release names no system, and there is no package database"),
    ],
)
def test_an_unreadable_database_is_an_error(
    tmp_path: Path, files: dict[str, str], why: str
) -> None:
    write(tmp_path, files)
    for mode in ("changed", "all"):
        done = run("packages", tmp_path, mode)
        assert (done.returncode != 0, done.stdout) == (True, b"")
        assert why in done.stderr.decode()


FAMILIES = {
    "dpkg": [
        "debian",
        "ubuntu",
        "raspbian",
        "linuxmint/ubuntu debian",
        "kali/debian",
        "proxmox/debian",
        '"devuan"/debian',
    ],
    "rpm": [
        *(
            "rhel/fedora",
            "centos/rhel fedora",
            "fedora",
            "rocky/rhel centos fedora",
            "almalinux/rhel",
            "ol/fedora",
            "amzn/centos rhel fedora",
        ),
        *(
            "amzn/fedora",
            "openEuler",
            "anolis/rhel fedora centos",
            "opensuse-leap/suse opensuse",
            "opensuse-tumbleweed",
            "sles/suse",
        ),
        *(
            "altlinux",
            "mageia/mandriva fedora",
            "photon",
            "mariner",
            "azurelinux/mariner",
            "nobara/fedora",
            "cloudlinux",
            "openmandriva",
        ),
    ],
    "pacman": ["arch", "archarm/arch", "manjaro/arch", "endeavouros/arch", "steamos/arch"],
    "apk": ["alpine", "postmarketos/alpine", "wolfi", "chainguard"],
    "": ["gentoo", "nixos", "void", "slackware", "openwrt/lede openwrt"],
}


@pytest.mark.parametrize(
    ("manager", "release"),
    [(manager, release) for manager, releases in FAMILIES.items() for release in releases],
)
def test_the_check_and_the_discovery_choose_the_package_manager_by_one_table(
    tmp_path: Path, manager: str, release: str
) -> None:
    name, _, like = release.partition("/")
    write(tmp_path, {"etc/os-release": f'NAME="x"\nID={name}\nID_LIKE="{like}"'})
    databases = {
        "dpkg": "var/lib/dpkg/status",
        "rpm": "var/lib/rpm/Packages",
        "pacman": "var/lib/pacman/local/a-1/desc",
        "apk": "lib/apk/db/installed",
    }
    write(tmp_path, dict.fromkeys(databases.values(), "something"))
    chosen = 'choose\necho "chosen $manager"\nexit\n'
    for folder in ("resources", "discovery"):
        shared = "".join(
            package_data.text(f"probes/lib/{name}.sh") for name in ("node", "packages")
        )
        assert body("packages", folder).startswith(shared)
        script = shared + chosen
        tool(tmp_path, "rpm", "echo /var/lib/rpm")  # the machine's own may have another %_dbpath
        environment = {"PATH": f"{tmp_path}/bin:{os.environ['PATH']}", "PE_ROOT": str(tmp_path)}
        done = subprocess.run(
            ["sh", "-c", script], check=False, capture_output=True, text=True, env=environment
        )
        assert done.stdout == (f"chosen {manager}\n" if manager else ""), done.stderr


def test_warnings_of_rpm_and_of_preloaded_libraries_are_no_packages(tmp_path: Path) -> None:
    rpms(tmp_path)
    quiet = lines(run("packages", tmp_path))
    rpm = (tmp_path / "bin/rpm").read_text().removeprefix("#!/bin/sh\n")
    noise = "echo \"ERROR: ld.so: object 'x' from LD_PRELOAD cannot be preloaded\" >&2; printf '+evil\\t\\n-evil\\tx\\n?evil\\tx\\n' >&2\n"
    tool(tmp_path, "rpm", noise + rpm)
    assert lines(run("packages", tmp_path)) == quiet


def test_a_broken_rpm_is_an_error(tmp_path: Path) -> None:
    rpms(tmp_path)
    tool(
        tmp_path,
        "rpm",
        'case "$*" in *--eval*) echo /var/lib/rpm ;; *) echo "error: no such database" >&2; exit 1 ;; esac',
    )
    done = run("packages", tmp_path)
    assert (done.returncode != 0, done.stdout) == (True, b"")
    assert b"no such database" in done.stderr


def row(want: str = "install", version: str = "1.0", status: str = "installed") -> Row:
    return Row("app", "amd64", want, status, "ok", version)


def test_a_package_is_declared_by_name_alone_unless_on_hold() -> None:
    assert list(DISCOVERY.forms("app", Package("dpkg", "apt-get", (row(),)))) == [{}]
    assert list(DISCOVERY.forms("app", Package("dpkg", "apt-get", (row("hold", "2:1.0"),)))) == [
        {"version": "2:1.0"},
        {},
    ]


def test_a_missing_package_is_declared_only_if_apk_refuses_it() -> None:
    assert list(DISCOVERY.forms("app", Package("apk", "apk"))) == [{"state": "absent"}]
    assert (
        list(
            DISCOVERY.forms("app", Package("dpkg", "apt-get", (row("hold", "-", "not-installed"),)))
        )
        == []
    )
