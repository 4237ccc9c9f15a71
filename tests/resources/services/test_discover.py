"""Services: which units are a person's choice, by what Debian and others leave on disk, and what is
declared of them.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from power_edge.checking.evaluate import judge
from power_edge.model import Item, Outcome, Source
from power_edge.model.generated.resources.services_schema import Service
from power_edge.resources.services import RESOURCE, canonical
from power_edge.resources.services.discover import DISCOVERY
from power_edge.resources.services.unit import Puller, Trigger, Unit
from tests.support.scripts import HOSTILE
from tests.support.trees import lines, run, tool, write

pytestmark = pytest.mark.shell

SYSTEMCTL = """
tree=${0%/bin/*}/manager
for word; do
    case $word in
    list-units) cat "$tree/units"; exit ;;
    list-unit-files) cat "$tree/files"; exit ;;
    show) break ;;
    esac
done
while [ "$1" != -- ]; do shift; done
shift
for unit; do [ ! -e "$tree/$unit" ] || cat "$tree/$unit"; done
"""
RECORDS = "var/lib/systemd/deb-systemd-helper-enabled"
PRESETS = "usr/lib/systemd/system-preset/90-systemd.preset"
WANTS = "etc/systemd/system/multi-user.target.wants"
REST = {"ActiveState": "inactive", "SubState": "dead"}


def systemd(tree: Path, units: Mapping[str, Mapping[str, str]]) -> None:
    """A manager that knows these units, by the properties that are out of the usual: loaded,
    running and enabled, with a file below /usr/lib.
    """
    known = []
    for name, given in units.items():
        file = name if "@" not in name else f"{name.partition('@')[0]}@.{name.rpartition('.')[2]}"
        usual = {
            "Id": name,
            "LoadState": "loaded",
            "ActiveState": "active",
            "SubState": "running",
            "Type": "simple",
        }
        usual |= {
            "RemainAfterExit": "no",
            "UnitFileState": "enabled",
            "FragmentPath": f"/usr/lib/systemd/system/{file}",
            "NRestarts": "0",
        }
        known.append({**usual, **given})
    write(
        tree,
        {
            f"manager/{unit['Id']}": "".join(f"{key}={value}\n" for key, value in unit.items())
            + "\n"
            for unit in known
        },
    )
    listed = "".join(
        f"{unit['Id']} {unit['LoadState']} {unit['ActiveState']} {unit['SubState']} A title\n"
        for unit in known
    )
    files = "".join(
        f"{unit['Id']} {unit['UnitFileState']} enabled\n" for unit in known if "@" not in unit["Id"]
    )
    write(tree, {"manager/units": listed, "manager/files": files, "proc/uptime": "1000.00 1.00\n"})
    tool(tree, "systemctl", SYSTEMCTL)


def packages(
    tree: Path,
    owned: Mapping[str, Sequence[str]],
    priorities: Mapping[str, str],
    automatic: Sequence[str] = (),
    depends: Mapping[str, str] = {},
    provides: Mapping[str, str] = {},
) -> None:
    """Debian's database, as far as it is read: files, priority, dependencies of packages, and which
    were installed for others' sake.
    """
    write(
        tree,
        {
            f"var/lib/dpkg/info/{name}.list": "".join(f"{path}\n" for path in paths)
            for name, paths in owned.items()
        },
    )
    rows = (
        (name, priority, "no", "installed", depends.get(name, "") + ", ", provides.get(name, ""))
        for name, priority in priorities.items()
    )
    write(tree, {"table": "".join("\t".join(row) + "\n" for row in rows)})
    tool(tree, "dpkg-query", f"cat {tree}/table")
    write(
        tree,
        {
            "var/lib/apt/extended_states": "".join(
                f"Package: {name}\nArchitecture: amd64\nAuto-Installed: 1\n\n" for name in automatic
            )
        },
    )


BROUGHT = {
    "the package itself": ({}, {}, ()),
    "one that it depends on": ({"asked": "owner (>= 1:2)"}, {}, ("owner",)),
    "one of several": ({"asked": "other | owner, more"}, {}, ("owner",)),
    "one behind another": (
        {"asked": "between (= 1)", "between": "owner:any"},
        {},
        ("owner", "between"),
    ),
    "one that provides what it depends on": (
        {"asked": "virtual"},
        {"owner": "virtual (= 2), more"},
        ("owner",),
    ),
}


@pytest.mark.parametrize("case", BROUGHT)
def test_the_unit_of_a_manually_installed_package_is_found(tmp_path: Path, case: str) -> None:
    depends, provides, automatic = BROUGHT[case]
    asked = "owner" if not automatic else "asked"
    systemd(tmp_path, {"unit.service": {}})
    write(tmp_path, links("unit.service") | {f"{RECORDS}/multi-user.target.wants/unit.service": ""})
    names = dict.fromkeys(("owner", asked, *automatic), "optional")
    packages(
        tmp_path,
        {"owner": ["/lib/systemd/system/unit.service"]},
        names,
        automatic,
        depends,
        provides,
    )
    why = (
        "its package owner is installed manually"
        if not automatic
        else "its package owner is a dependency of asked, which is installed manually"
    )
    assert lines(run("services", tmp_path)) == {"+unit.service": why}


@pytest.mark.parametrize(
    ("priorities", "automatic", "depends"),
    [
        ({"owner": "optional", "asked": "optional"}, ["owner", "asked"], {"asked": "owner"}),
        ({"owner": "optional", "asked": "important"}, ["owner"], {"asked": "owner"}),
        ({"owner": "standard", "asked": "optional"}, ["owner"], {"asked": "owner"}),
        (
            {"owner": "optional", "asked": "optional", "base": "required"},
            ["owner"],
            {"asked": "owner", "base": "owner"},
        ),
        ({"owner": "optional", "asked": "optional"}, ["owner"], {"asked": "owner-more, my-owner"}),
        ({"owner": "optional", "asked": "optional"}, ["owner"], {"owner": "asked"}),
    ],
)
def test_the_unit_of_an_automatically_installed_package_is_not_found(
    tmp_path: Path,
    priorities: Mapping[str, str],
    automatic: Sequence[str],
    depends: Mapping[str, str],
) -> None:
    systemd(tmp_path, {"unit.service": {}})
    write(tmp_path, links("unit.service") | {f"{RECORDS}/multi-user.target.wants/unit.service": ""})
    packages(
        tmp_path, {"owner": ["/lib/systemd/system/unit.service"]}, priorities, automatic, depends
    )
    assert lines(run("services", tmp_path)) == {}


def links(*names: str, folder: str = WANTS) -> dict[str, str]:
    return {f"{folder}/{name}": "" for name in names}


DEBIAN: dict[str, dict[str, str]] = {
    "asked.service": {},
    "no-note.service": {},
    "automatic.service": {},
    "base.service": {},
    "merged.service": {"FragmentPath": "/lib/systemd/system/merged.service"},
    "chosen.service": {},
    "rests.service": {"UnitFileState": "disabled", **REST},
    "dropped.service": {"UnitFileState": "disabled", **REST},
    "started.service": {"UnitFileState": "disabled"},
    "pulled.service": {"UnitFileState": "disabled", "WantedBy": "other.service"},
    "helper.service": {"Type": "oneshot", **REST},
    "only-for-a-service.service": {},
    "bus.service": {"UnitFileState": "static", "BusName": "org.example"},
    "getty@tty1.service": {},
    "getty@tty2.service": {
        "UnitFileState": "disabled"
    },  # as the manager remembers it: the link was made by hand
    "getty@tty3.service": {"UnitFileState": "disabled"},
    "made@x.service": {"UnitFileState": "enabled-runtime"},
    "session@1.service": {"UnitFileState": "static"},
    "by-hand.service": {"FragmentPath": "/etc/systemd/system/by-hand.service"},
    "of-a-vendor.service": {},
    "foreign.service": {},
    "masked.service": {"UnitFileState": "masked", "LoadState": "masked", **REST},
    "masked-by-package.service": {"UnitFileState": "masked", "LoadState": "masked", **REST},
    "masked-by-removal.service": {"UnitFileState": "masked", "LoadState": "masked", **REST},
    "masked-below-usr.service": {"UnitFileState": "masked", "LoadState": "masked", **REST},
    "changed.service": {
        "UnitFileState": "static",
        "DropInPaths": "/etc/systemd/system/changed.service.d/a.conf",
    },
    "changed-by-package.service": {
        "UnitFileState": "static",
        "DropInPaths": "/etc/systemd/system/changed-by-package.service.d/a.conf",
    },
    "as-all.service": {
        "UnitFileState": "static",
        "DropInPaths": "/etc/systemd/system/service.d/a.conf /run/systemd/system/as-all.service.d/b.conf",
    },
    "gone.service": {"LoadState": "not-found", "FragmentPath": "", **REST},
    "script.service": {"UnitFileState": "generated", "SourcePath": "/etc/init.d/script"},
    "script-of-package.service": {
        "UnitFileState": "generated",
        "SourcePath": "/etc/init.d/script-of-package",
    },
}
ON_DEBIAN = {
    "+asked.service": "its package server is installed manually",
    "+merged.service": "its package server is installed manually",
    "+made@x.service": "its package server is installed manually",
    "+foreign.service": "its package foreign is installed manually",
    "+no-note.service": "its package server is installed manually",
    "+chosen.service": "its package base does not enable it",
    "+getty@tty2.service": "its package base does not enable it",
    "+dropped.service": "its package base enables it",
    "+started.service": "nothing enables it",
    "-bus.service": "its package server is installed manually; D-Bus starts it when it is needed",
    "+by-hand.service": "/etc/systemd/system/by-hand.service belongs to no package",
    "+of-a-vendor.service": "/usr/lib/systemd/system/of-a-vendor.service belongs to no package",
    "+masked.service": "masked in /etc/systemd/system",
    "+changed.service": "/etc/systemd/system/changed.service.d/a.conf belongs to no package",
    "-gone.service": "there is no such unit file",
    "+script.service": "/etc/init.d/script belongs to no package",
}


def debian(tree: Path) -> None:
    systemd(tree, DEBIAN)
    server = ["asked", "no-note", "helper", "made@", "session@", "only-for-a-service", "bus"]
    base = [
        "base",
        "chosen",
        "rests",
        "dropped",
        "started",
        "pulled",
        "getty@",
        "changed",
        "changed-by-package",
        "as-all",
    ]
    owned = {
        "server": [f"/lib/systemd/system/{name}.service" for name in server]
        + ["/usr/lib/systemd/system/merged.service"],
        "base": [f"/usr/lib/systemd/system/{name}.service" for name in base]
        + [
            "/etc/systemd/system/changed-by-package.service.d/a.conf",
            "/etc/systemd/system/masked-by-package.service",
            "/etc/init.d/script-of-package",
        ],
        "library": ["/usr/lib/systemd/system/automatic.service"],
        "foreign:i386": ["/usr/lib/systemd/system/foreign.service"],
    }
    packages(
        tree,
        owned,
        {"server": "optional", "base": "important", "library": "optional", "foreign": "optional"},
        ["library"],
    )
    of_packages = (
        "asked.service",
        "automatic.service",
        "base.service",
        "merged.service",
        "helper.service",
        "foreign.service",
    )
    write(
        tree,
        links(
            *of_packages,
            "no-note.service",
            "chosen.service",
            "gone.service",
            "getty@tty1.service",
            "getty@tty2.service",
        )
        | links("only-for-a-service.service", folder="etc/systemd/system/asked.service.wants")
        | links("made@x.service", folder="run/systemd/generator/asked.service.wants")
        | links(
            "script.service",
            "script-of-package.service",
            folder="run/systemd/generator.late/multi-user.target.wants",
        )
        | links(*of_packages, "dropped.service", folder=f"{RECORDS}/multi-user.target.wants")
        | links("only-for-a-service.service", folder=f"{RECORDS}/asked.service.wants")
        | links(
            "masked.service",
            "masked-by-package.service",
            "masked-by-removal.service",
            folder="etc/systemd/system",
        )
        | links("masked-by-removal.service", folder="var/lib/systemd/deb-systemd-helper-masked")
        | {
            PRESETS: "# as on Debian\nenable getty@.service\ndisable debug-shell.service\nenable *\n"
        }
        | {"usr/lib/systemd/system/getty@.service": "[Install]\nDefaultInstance=tty1\n"},
    )


def test_what_a_person_decided_on_debian(tmp_path: Path) -> None:
    debian(tmp_path)
    assert lines(run("services", tmp_path)) == ON_DEBIAN


def test_the_inventory_has_the_same_reasons_and_the_rest(tmp_path: Path) -> None:
    debian(tmp_path)
    found = lines(run("services", tmp_path, "all"))
    assert found.items() >= ON_DEBIAN.items()
    assert (found["+rests.service"], found["+masked-below-usr.service"]) == ("disabled", "masked")
    assert {what[1:] for what in found} == {*DEBIAN} - {"getty@tty3.service", "session@1.service"}


RPM: dict[str, dict[str, str]] = {
    "usual.service": {},
    "chosen.service": {},
    "never.service": {"UnitFileState": "disabled", **REST},
    "dropped.service": {"UnitFileState": "disabled", **REST},
    "listed@a.service": {},
    "listed@b.service": {},
    "by-hand.service": {
        "UnitFileState": "static",
        "FragmentPath": "/etc/systemd/system/by-hand.service",
        **REST,
    },
    "many-1.service": {},
    "many-2.service": {},
}


def test_without_dpkg_the_presets_say_what_the_distribution_enables(tmp_path: Path) -> None:
    systemd(tmp_path, RPM)
    enabled = (
        "usual.service",
        "chosen.service",
        "listed@a.service",
        "listed@b.service",
        "many-1.service",
        "many-2.service",
    )
    presets = (
        "enable usual.service\nenable  dropped.service\nenable listed@.service a c\n"
        "disable many-2.service\nenable many-*\ndisable *\nenable chosen.service\n"
    )
    write(
        tmp_path,
        links(*enabled)
        | links("by-hand.service", folder="etc/systemd/system")
        | {PRESETS: presets},
    )
    assert lines(run("services", tmp_path)) == {
        "+chosen.service": "the distribution does not enable it",
        "+listed@b.service": "the distribution does not enable it",
        "+many-2.service": "the distribution does not enable it",
        "+dropped.service": "the distribution enables it",
        "+by-hand.service": "/etc/systemd/system/by-hand.service belongs to no package",
    }


FAILED = {"ActiveState": "failed", "SubState": "failed"}


@pytest.mark.parametrize(
    ("properties", "sign", "why"),
    [
        ({}, "+", ""),
        (FAILED, "+", "; it has failed"),
        (
            {"ActiveState": "activating", "SubState": "auto-restart"},
            "+",
            "; it is activating (auto-restart) now",
        ),
        (
            {"NRestarts": "7", "ActiveEnterTimestampMonotonic": "990000000"},
            "-",
            "; systemd restarted it 7 times, the last time within a minute",
        ),
        ({"NRestarts": "7", "ActiveEnterTimestampMonotonic": "900000000"}, "+", ""),
        ({"ActiveEnterTimestampMonotonic": "990000000"}, "+", ""),
        (
            {"NRestarts": "7", "ActiveEnterTimestampMonotonic": "990000000", **FAILED},
            "+",
            "; it has failed",
        ),
        ({"LoadState": "bad-setting", **REST}, "-", "; it cannot be loaded: bad-setting"),
        ({"TriggeredBy": "b.timer c.socket"}, "+!", ""),
        (
            {"TriggeredBy": "b.timer c.socket", "UnitFileState": "static"},
            "-",
            "; b.timer starts it",
        ),
        (
            {"TriggeredBy": r'"odd\\x2dname.timer"', "UnitFileState": "static"},
            "-",
            r"; odd\x2dname.timer starts it",
        ),
        ({"TriggeredBy": "c.socket", "UnitFileState": "static"}, "+", ""),
        (
            {"BusName": "org.example", "UnitFileState": "static", **REST},
            "-",
            "; D-Bus starts it when it is needed",
        ),
        (
            {"BusName": "org.example", "UnitFileState": "static", "WantedBy": "multi-user.target"},
            "+",
            "",
        ),
        ({"BusName": "org.example", "UnitFileState": "disabled", **REST}, "+", ""),
        ({"BusName": "org.example", "UnitFileState": "enabled"}, "+", ""),
    ],
)
def test_what_does_not_last_is_reported(
    tmp_path: Path, properties: dict[str, str], sign: str, why: str
) -> None:
    triggers = {
        "b.timer": {"UnitFileState": "static"},
        r"odd\x2dname.timer": {"UnitFileState": "static"},
        "c.socket": {"UnitFileState": "static", **REST},
    }
    systemd(
        tmp_path,
        {"a.service": {"FragmentPath": "/etc/systemd/system/a.service"} | properties, **triggers},
    )
    write(tmp_path, links("a.service", folder="etc/systemd/system"))
    assert lines(run("services", tmp_path)) == {
        f"{sign}a.service": f"/etc/systemd/system/a.service belongs to no package{why}"
    }


def test_what_a_boot_forgets_is_reported_while_it_runs(tmp_path: Path) -> None:
    units = {
        "a.service": {
            "UnitFileState": "transient",
            "FragmentPath": "/run/systemd/transient/a.service",
        },
        "b.service": {"UnitFileState": "enabled-runtime"},
        "c.socket": {
            "UnitFileState": "generated",
            "FragmentPath": "/run/systemd/generator/c.socket",
        },
        "d.service": {"UnitFileState": "static", "FragmentPath": "/run/systemd/system/d.service"},
    }
    systemd(tmp_path, units)
    assert lines(run("services", tmp_path)) == {
        "-a.service": "made at run time (systemd-run); the next boot removes it",
        "-b.service": "enabled-runtime, which a boot forgets",
        "-c.socket": "a generator of systemd makes it at each boot",
        "-d.service": "/run/systemd/system/d.service, which a boot forgets",
    }
    systemd(tmp_path, {name: {**properties, **REST} for name, properties in units.items()})
    assert lines(run("services", tmp_path)) == {}


def test_an_alias_is_reported_once_under_the_name_of_its_unit(tmp_path: Path) -> None:
    systemd(tmp_path, {"real.service": {"FragmentPath": "/etc/systemd/system/real.service"}})
    write(
        tmp_path,
        links("other.service", "real.service")
        | {"manager/other.service": (tmp_path / "manager/real.service").read_text()},
    )
    assert lines(run("services", tmp_path)) == {
        "+real.service": "/etc/systemd/system/real.service belongs to no package"
    }


def test_hostile_names_of_links_are_not_queried(tmp_path: Path) -> None:
    systemd(tmp_path, {"a.service": {"UnitFileState": "static"}})
    tool(tmp_path, "systemctl", f'printf "%s\\n" "$@" >>"${{0%/bin/*}}/asked"\n{SYSTEMCTL}')
    names = [f"{name}.service" for name in HOSTILE if "/" not in name] + [
        "-x.service",
        "t@.service",
    ]
    write(tmp_path, links(*names))
    assert lines(run("services", tmp_path)) == {}
    asked = {
        word for word in (tmp_path / "asked").read_text().splitlines() if word.endswith(".service")
    }
    assert asked == {
        "a.service",
        "b.service",
        "a\\.service",
    }  # b: the second line of a name that has two
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize(
    ("name", "body", "message"),
    [
        (
            "systemctl",
            "echo 'System has not been booted with systemd as init system' >&2; exit 1",
            b"not been booted",
        ),
        ("systemctl", ":", b"is systemd running, or is this a chroot?"),
        (
            "systemctl",
            f'case " $* " in *" show "*) echo Timeout >&2; exit 1 ;; esac\n{SYSTEMCTL}',
            b"Timeout",
        ),
        (
            "systemctl",
            f'case " $* " in *" list-unit-files "*) echo Timeout >&2; exit 1 ;; esac\n{SYSTEMCTL}',
            b"Timeout",
        ),
        ("dpkg-query", "echo 'parsing file status' >&2; exit 2", b"parsing file"),
    ],
)
def test_a_probe_that_cannot_look_says_why(
    tmp_path: Path, name: str, body: str, message: bytes
) -> None:
    debian(tmp_path)
    tool(tmp_path, name, body)
    done = run("services", tmp_path)
    assert done.returncode != 0
    assert done.stdout == b""
    assert message in done.stderr


def test_without_systemd_it_says_that_only_its_units_can_be_declared(tmp_path: Path) -> None:
    done = run("services", tmp_path, shell=("env", f"PATH={tmp_path}", "/bin/sh"))
    assert done.returncode != 0
    assert done.stderr == b"this node has no systemctl, and only systemd units can be declared\n"


def test_records_that_only_root_may_read_are_reported_once(tmp_path: Path) -> None:
    debian(tmp_path)
    tool(tmp_path, "find", "exit 1")
    found = lines(run("services", tmp_path))
    assert found == {"?what packages enabled": f"only root can read all of /{RECORDS}"}


@pytest.mark.parametrize(
    ("argument", "name"),
    [
        ("ssh.service", "ssh"),
        ("!ssh.service", "ssh"),
        ("apt-daily.timer", "apt-daily.timer"),
        ("openvpn@server.service", "openvpn@server"),
        (r"a\x2db.service", r"a\x2db"),
        ("named.socket.service", "named.socket.service"),
        ("1.5.service", "1.5"),
    ],
)
def test_names_are_as_people_write_them(argument: str, name: str) -> None:
    assert DISCOVERY.name(argument) == name
    assert canonical(name) == argument.removeprefix("!")


BOOT = (Puller("multi-user.target", "disk", True),)
SOCKET, TIMER = Trigger("a.socket", True, True), Trigger("a.timer", True, True)
RUNS = {"state": "running", "enabled": True}


def loaded(active: str, sub: str, file_state: str, kind: str | None = None, **more: Any) -> Unit:
    """A unit a.service whose file systemd has read."""
    return Unit("a.service", "loaded", active, sub, file_state, kind, **more)


@pytest.mark.parametrize(
    ("observed", "wanted"),
    [
        (loaded("active", "running", "enabled", "simple", pullers=BOOT), RUNS),
        (
            loaded("active", "running", "disabled", "simple"),
            {"state": "running", "enabled": False},
        ),
        (
            loaded("active", "running", "static", "simple"),
            {"state": "running"},
        ),
        (loaded("active", "running", "static", "simple", pullers=BOOT), RUNS),
        (
            loaded("active", "exited", "enabled", "oneshot", remains=True, pullers=BOOT),
            RUNS,
        ),
        (
            loaded("active", "exited", "generated", "forking", pullers=BOOT),
            {"enabled": True},
        ),
        (
            loaded("inactive", "dead", "enabled", "simple", pullers=BOOT),
            {"state": "stopped", "enabled": True},
        ),
        (
            loaded("inactive", "dead", "enabled", "oneshot", pullers=BOOT),
            {"enabled": True},
        ),
        (
            loaded("inactive", "dead", "enabled", "oneshot", remains=True, pullers=BOOT),
            {"state": "stopped", "enabled": True},
        ),
        (
            loaded("inactive", "dead", "disabled", "simple"),
            {"state": "disabled"},
        ),
        (
            loaded("inactive", "dead", "disabled", "oneshot"),
            {"state": "disabled"},
        ),
        (Unit("a.service", "masked", "inactive", "dead", "masked"), {"state": "disabled"}),
        (
            Unit("a.service", "masked", "active", "running", "masked"),
            {"state": "running", "enabled": False},
        ),
        (
            Unit("a.service", "masked", "inactive", "dead", "masked", claimed_by=("b.service",)),
            None,
        ),
        (loaded("inactive", "dead", "static", "simple"), {"state": "stopped"}),
        (
            loaded("failed", "failed", "enabled", "simple", pullers=BOOT),
            {"enabled": True},
        ),
        (loaded("failed", "failed", "disabled", "simple"), {"enabled": False}),
        (loaded("failed", "failed", "static", "simple"), None),
        (
            loaded("activating", "auto-restart", "enabled", "simple", pullers=BOOT),
            {"enabled": True},
        ),
        (
            loaded("active", "auto-restart-queued", "enabled", "simple", pullers=BOOT),
            {"enabled": True},
        ),
        (
            loaded("inactive", "dead", "enabled", "simple", queued=True, pullers=BOOT),
            {"enabled": True},
        ),
        (
            loaded("inactive", "dead", "enabled", "simple", left=True, pullers=BOOT),
            {"enabled": True},
        ),
        (
            loaded("active", "running", "enabled", "simple", triggers=(SOCKET,), pullers=BOOT),
            RUNS,
        ),
        (
            loaded("inactive", "dead", "enabled", "simple", triggers=(SOCKET,), pullers=BOOT),
            {"enabled": True},
        ),
        (
            loaded("inactive", "dead", "disabled", "simple", triggers=(SOCKET,)),
            None,
        ),
        (
            loaded("active", "running", "enabled", "simple", triggers=(TIMER,), pullers=BOOT),
            {"enabled": True},
        ),
        (
            loaded("inactive", "dead", "enabled", "simple", triggers=(TIMER,), pullers=BOOT),
            {"enabled": True},
        ),
        (
            loaded("inactive", "dead", "static", "oneshot", triggers=(TIMER,)),
            None,
        ),
        (Unit("a.timer", "loaded", "active", "elapsed", "enabled", pullers=BOOT), RUNS),
        (Unit("a.service", "not-found", "inactive", "dead", ""), None),
    ],
    ids=str,
)
def test_what_is_declared_is_what_holds_and_lasts(
    observed: Unit, wanted: Mapping[str, Any] | None
) -> None:
    assert (
        next((form for form in DISCOVERY.forms("a", observed) if holds(form, observed)), None)
        == wanted
    )


def holds(form: Mapping[str, Any], observed: Unit) -> bool:
    declared = Service(name="a", **form)
    item = Item(
        "n", "services", "a", "a.service", declared, RESOURCE.asserts(declared), (Source("f", 1),)
    )
    return judge(RESOURCE, item, {"a.service": observed}).outcome is Outcome.COMPLIANT


@pytest.mark.parametrize(
    ("name", "unit"), [("ssh", "ssh.service"), ("apt-daily.timer", "apt-daily.timer")]
)
def test_a_unit_is_watched_by_its_full_name(name: str, unit: str) -> None:
    assert RESOURCE.triggers(Service(name=name), "debian").units == (unit,)
