"""Services that a boot starts by way of generators, of scripts in /etc/init.d and of the message
bus; and states that no boot brings.
"""

from collections.abc import Iterator

import pytest

from power_edge.model import Outcome
from power_edge.model.generated.resources.services_schema import Service
from power_edge.report.shell_line import shell_line
from tests.support.cases import items_of
from tests.support.lab.boots import verdicts
from tests.support.lab.checking import look
from tests.support.lab.nodes import Lab, Node

pytestmark = pytest.mark.lab

SLEEPS = "[Service]\nExecStart=/bin/sleep infinity\n"
SCRIPT = """#!/bin/sh
### BEGIN INIT INFO
# Provides: {0}
# Required-Start:
# Required-Stop:
# Default-Start: 2 3 4 5
# Default-Stop: 0 1 6
### END INIT INFO
[ "$1" != start ] || sleep 1000 &
"""
GENERATOR = """#!/bin/sh
# A generator as OpenVPN's: a link for each file in /etc/lab.d. It mentions cron.service here alone.
mkdir -p "$1/multi-user.target.wants"
mkdir -p -m 1777 /run/generators-ran && : >/run/generators-ran/$$
for file in /etc/lab.d/*; do
    ln -s /etc/systemd/system/made@.service "$1/multi-user.target.wants/made@${file##*/}.service"
done
"""
RC_LOCAL = "#!/bin/sh\ntouch /run/ran\n"


@pytest.fixture
def generated(lab: Lab) -> Iterator[list[Node]]:
    """A node with scripts in /etc/init.d, and a generator that reads a folder; in a list, where a
    test that boots it again puts the new one.
    """
    files = {
        "/etc/init.d/kept": SCRIPT.format("kept"),
        "/etc/init.d/off": SCRIPT.format("off"),
        "/etc/systemd/system/made@.service": SLEEPS,
        "/etc/systemd/system-generators/lab": GENERATOR,
        "/etc/lab.d/one": "1\n",
        "/etc/lab.d/two": "2\n",
    }
    with lab.node(
        "generated", files=files, prepare="update-rc.d kept defaults; update-rc.d off defaults"
    ) as node:
        yield [node]


def outcomes(node: Node, *names: str, **declared: object) -> dict[str, Outcome]:
    items = items_of({"services": [{"name": name, **declared} for name in names]})
    return {result.item.name: result.outcome for result in look(node, items)}


def started(node: Node, name: str) -> bool:
    return node.sh(f"systemctl show -p InactiveExitTimestampMonotonic --value -- {name}") != "0"


def test_a_script_that_may_not_be_run_any_more_is_not_started(
    lab: Lab, generated: list[Node]
) -> None:
    (node,) = generated
    assert outcomes(node, "kept", "off", enabled=True) == {
        "kept": Outcome.COMPLIANT,
        "off": Outcome.COMPLIANT,
    }
    node.sh("chmod -x /etc/init.d/off")
    assert outcomes(node, "kept", "off", enabled=True) == {
        "kept": Outcome.COMPLIANT,
        "off": Outcome.UNKNOWN,
    }
    node.sh("chmod -x /etc/systemd/system-generators/lab")
    assert set(outcomes(node, "kept", "made@one", enabled=True).values()) == {Outcome.UNKNOWN}
    node = lab.reboot(node)
    assert [name for name in ("kept", "off", "made@one") if started(node, name)] == ["kept"]


def test_a_script_that_a_boot_does_not_find(lab: Lab, generated: list[Node]) -> None:
    (node,) = generated
    node.sh("mv /etc/init.d/off /run/off; ln -s /run/off /etc/init.d/off; systemctl daemon-reload")
    expected = {"kept": Outcome.COMPLIANT, "off": Outcome.UNKNOWN}
    assert outcomes(node, *expected, enabled=True) == expected
    node = lab.reboot(node)
    assert [name for name in expected if started(node, name)] == ["kept"]


@pytest.mark.parametrize("user", ["root", "guest"])
def test_a_unit_that_the_next_boot_makes_of_a_script_is_not_missing(
    lab: Lab, generated: list[Node], user: str
) -> None:
    (node,) = generated
    node.sh("cp -a /etc/init.d/kept /etc/init.d/new; sed -i s/kept/new/ /etc/init.d/new")
    node.sh("for level in 2 3 4 5; do ln -s ../init.d/new /etc/rc$level.d/S01new; done")
    for declared in ({"enabled": True}, {"enabled": False}, {"state": "disabled"}):
        service = Service(name="new", optional=True, **declared)
        (result,) = verdicts(lab, node, user, [service]).values()
        assert result.outcome is Outcome.UNKNOWN, (declared, result)
    assert started(lab.reboot(node), "new")


def test_a_file_that_a_generator_reads_and_a_boot_does_not_find(
    lab: Lab, generated: list[Node]
) -> None:
    (node,) = generated
    expected = {"made@one": Outcome.UNKNOWN, "cron": Outcome.COMPLIANT}
    node.sh("mv /etc/lab.d/one /run/one; ln -s /run/one /etc/lab.d/one; systemctl daemon-reload")
    assert outcomes(node, *expected, enabled=True) == expected
    node.sh("mv /etc/lab.d /run/lab.d; ln -s /run/lab.d /etc/lab.d; systemctl daemon-reload")
    assert outcomes(node, *expected, enabled=True) == expected
    node = lab.reboot(node)
    assert [name for name in expected if started(node, name)] == ["cron"]


def test_a_table_of_mounts_that_a_boot_does_not_find(generated: list[Node]) -> None:
    (node,) = generated
    node.sh("mv /etc/fstab /run/fstab || : >/run/fstab; ln -s /run/fstab /etc/fstab")
    node.sh("systemctl daemon-reload")
    assert outcomes(node, "cron", enabled=True) == {"cron": Outcome.UNKNOWN}


def test_an_entry_of_a_generator_that_masks(lab: Lab, generated: list[Node]) -> None:
    """A boot makes the entry again. What it leads to has to last."""
    (node,) = generated
    node.sh("cd /etc/systemd/system; : >made@.service; systemctl stop made@one")
    node.sh(
        "cd /etc/systemd/system; printf '[Service]\\nExecStart=true\\n' >made@one.service; systemctl daemon-reload"
    )
    outcome = {"made@one": Outcome.COMPLIANT, "kept": Outcome.DRIFT}
    assert outcomes(node, *outcome, enabled=False) == outcome
    node.sh("cd /etc/systemd/system; mv made@.service /run/empty; ln -s /run/empty made@.service")
    assert outcomes(node, "made@one", enabled=False) == {"made@one": Outcome.UNKNOWN}


GENERATORS = "/etc/systemd/system-generators"


def test_a_generator_that_a_boot_does_not_find(lab: Lab, generated: list[Node]) -> None:
    (node,) = generated
    node.sh(f"mv {GENERATORS}/lab /run/lab; ln -s /run/lab {GENERATORS}/lab")
    node.sh("systemctl daemon-reload; systemctl start made@one")
    assert outcomes(node, "made@one", enabled=True) == {"made@one": Outcome.UNKNOWN}
    assert not started(lab.reboot(node), "made@one")


def test_a_mask_of_a_generator_that_a_boot_does_not_find(lab: Lab, generated: list[Node]) -> None:
    (node,) = generated
    node.sh(f"mv {GENERATORS}/lab /usr/lib/systemd/system-generators/lab")
    node.sh(f": >/run/none; ln -s /run/none {GENERATORS}/lab; systemctl daemon-reload")
    node.sh("[ ! -e /run/systemd/generator/multi-user.target.wants/made@one.service ]")
    assert outcomes(node, "made@one", enabled=False) == {"made@one": Outcome.UNKNOWN}
    assert started(lab.reboot(node), "made@one")


def test_a_file_that_a_generator_reads_has_come(lab: Lab, generated: list[Node]) -> None:
    (node,) = generated
    names = ("made@one", "made@two", "made@new", "made@other", "cron")
    runs = node.sh("ls /run/generators-ran | wc -l")
    assert set(outcomes(node, "made@one", "made@two", enabled=True).values()) == {Outcome.COMPLIANT}
    node.sh("echo 3 >/etc/lab.d/new; rm /etc/lab.d/two; echo changed >/etc/lab.d/one")
    on = outcomes(node, *names, enabled=True)
    off = outcomes(node, *names, enabled=False)
    # Of which file the generator makes which unit is for the generator alone to say, and no check
    # runs it.
    assert [on[name] for name in names] == [
        Outcome.UNKNOWN,
        Outcome.UNKNOWN,
        Outcome.UNKNOWN,
        Outcome.UNKNOWN,
        Outcome.COMPLIANT,
    ]
    assert [off[name] for name in names] == [
        Outcome.UNKNOWN,
        Outcome.UNKNOWN,
        Outcome.UNKNOWN,
        Outcome.UNKNOWN,
        Outcome.DRIFT,
    ]
    assert node.sh("ls /run/generators-ran | wc -l") == runs
    node = lab.reboot(node)
    assert [name for name in names if started(node, name)] == ["made@one", "made@new", "cron"]


SKIPS = {
    "of-the-unit": "kept-off.service.d",
    "of-a-template": "kept-off@.service.d",
    "of-an-alias": "kept-too.service.d",
    "of-a-prefix": "kept-.service.d",
    "of-the-type": "service.d",
    "of-a-name-put-together": "$(echo kept)-off.service.d",
    "of-a-variable": "$unit-off.service.d",
    "of-a-variable-alone": "$whole.service.d",
}


@pytest.mark.parametrize("case", SKIPS)
def test_a_generator_writes_a_drop_in(lab: Lab, case: str) -> None:
    name = "kept-off@x" if case == "of-a-template" else "kept-off"
    generator = f"""#!/bin/sh
unit=kept whole=kept-off
[ ! -s /etc/lab.conf ] || {{ mkdir -p "$1/{SKIPS[case]}" && printf '[Unit]\\nConditionPathExists=/nonexistent\\n' >"$1/{SKIPS[case]}/skip.conf"; }}
"""
    alias = "" if "@" in name else "Alias=kept-too.service\n"
    files = {
        f"/etc/systemd/system/{name.rstrip('x')}.service": f"{SLEEPS}[Install]\nWantedBy=multi-user.target\n{alias}",
        "/etc/systemd/system-generators/lab": generator,
        "/etc/lab.conf": "",
    }
    with lab.node("drop-ins", files=files, prepare=f"systemctl -q enable {name}") as node:
        assert outcomes(node, name, "cron", enabled=True) == {
            name: Outcome.COMPLIANT,
            "cron": Outcome.COMPLIANT,
        }
        node.sh("echo skip >/etc/lab.conf")
        assert outcomes(node, name, enabled=True) == {name: Outcome.UNKNOWN}
        assert not started(lab.reboot(node), name)


def test_a_generator_names_a_unit_that_starts_others(lab: Lab) -> None:
    """None of them is named by the generator. One is upheld, one is required by what a drop-in
    wants, one has a timer.
    """
    folder = "/etc/systemd/system"
    files = {
        f"{folder}/outer.target": "[Unit]\nUpholds=held.service\n",
        f"{folder}/outer.target.d/more.conf": "[Unit]\nWants=middle.service timed.timer\n",
        f"{folder}/middle.service": f"[Unit]\nRequires=inner.service\n{SLEEPS}",
        f"{folder}/timed.timer": "[Timer]\nOnActiveSec=0\n",
        **{f"{folder}/{name}.service": SLEEPS for name in ("held", "inner", "timed", "apart")},
        "/etc/systemd/system-generators/lab": """#!/bin/sh
[ ! -s /etc/lab.conf ] || { mkdir -p "$1/multi-user.target.wants" && ln -s /etc/systemd/system/outer.target "$1/multi-user.target.wants/"; }
""",
        "/etc/lab.conf": "",
    }
    names = ("held", "inner", "timed", "apart")
    with lab.node("outer", files=files) as node:
        assert set(outcomes(node, *names, enabled=False).values()) == {Outcome.COMPLIANT}
        node.sh("echo on >/etc/lab.conf")
        assert outcomes(node, *names, enabled=False) == {
            **dict.fromkeys(names, Outcome.UNKNOWN),
            "apart": Outcome.COMPLIANT,
        }
        booted = lab.reboot(node)
        assert [name for name in names if started(booted, name)] == ["held", "inner", "timed"]


@pytest.mark.parametrize("mode", ["755", "700"])
def test_rc_local_has_come(lab: Lab, generated: list[Node], mode: str) -> None:
    (node,) = generated
    assert outcomes(node, "rc-local", state="disabled") == {"rc-local": Outcome.COMPLIANT}
    node.write("/etc/rc.local", RC_LOCAL, int(mode, 8))
    assert outcomes(node, "rc-local", state="disabled") == {"rc-local": Outcome.UNKNOWN}
    node.sh("systemctl daemon-reload")
    assert outcomes(node, "rc-local", enabled=True) == {"rc-local": Outcome.COMPLIANT}
    assert outcomes(node, "rc-local", state="disabled") == {"rc-local": Outcome.DRIFT}
    node = lab.reboot(node)
    assert node.sh("ls /run/ran") == "/run/ran"


CALLER = """[Unit]
After=dbus.socket
[Service]
Type=oneshot
ExecStart=busctl get-property org.freedesktop.hostname1 /org/freedesktop/hostname1 org.freedesktop.hostname1 Hostname
[Install]
WantedBy=multi-user.target
"""


def test_a_boot_may_start_what_a_call_on_the_bus_starts(lab: Lab, generated: list[Node]) -> None:
    (node,) = generated
    node.write("/etc/systemd/system/caller.service", CALLER)
    node.sh(
        "systemctl -q enable caller; ln -s /dev/null /etc/systemd/system/systemd-localed.service"
    )
    node = lab.reboot(node)
    assert started(node, "systemd-hostnamed")
    node.sh("systemctl stop systemd-hostnamed")
    called = {
        "systemd-hostnamed": Outcome.UNKNOWN,
        "systemd-localed": Outcome.COMPLIANT,
        "made@other": Outcome.COMPLIANT,
    }
    assert outcomes(node, *called, enabled=False) == called
    assert outcomes(node, *called, state="disabled") == called
    assert outcomes(node, "systemd-hostnamed", enabled=True) == {
        "systemd-hostnamed": Outcome.UNKNOWN
    }
    assert outcomes(node, "systemd-hostnamed", state="stopped") == {
        "systemd-hostnamed": Outcome.COMPLIANT
    }


BUS_FOLDERS = ("usr/share", "usr/local/share", "usr/lib", "etc", "run", "opt/lab")


def test_what_a_call_starts_is_found_wherever_the_bus_reads_it(generated: list[Node]) -> None:
    (node,) = generated
    names = [f"called{number}" for number in range(len(BUS_FOLDERS))] + ["made@called"]
    node.sh("mkdir -p /etc/dbus-1/system.d")
    node.write(
        "/etc/dbus-1/system.d/lab.conf",
        "<busconfig><servicedir>/opt/lab/dbus-1/system-services</servicedir></busconfig>\n",
    )
    for number, (name, folder) in enumerate(zip(names, (*BUS_FOLDERS, "usr/share"), strict=True)):
        node.sh(f"mkdir -p /{folder}/dbus-1/system-services")
        text = f"[D-BUS Service]\nName=lab.n{number}\nExec=/bin/false\nUser=root\nSystemdService = {name}.service\n"
        node.write(f"/{folder}/dbus-1/system-services/lab.n{number}.service", text)
        if "@" not in name:
            node.write(f"/etc/systemd/system/{name}.service", SLEEPS)
    node.sh(
        "systemctl daemon-reload; busctl call org.freedesktop.DBus / org.freedesktop.DBus ReloadConfig"
    )
    assert outcomes(node, *names, state="disabled") == dict.fromkeys(names, Outcome.UNKNOWN)
    for number in range(len(names)):
        node.sh(
            f"busctl --timeout=1 call org.freedesktop.DBus / org.freedesktop.DBus StartServiceByName su lab.n{number} 0",
            check=False,
        )
    read = {name for name in names if started(node, name)}
    assert read >= {"called0", "called1", "called5", "made@called"}


def test_a_service_that_was_restarted_often_gets_the_full_look_for_a_while(
    generated: list[Node],
) -> None:
    """For an hour, and in the first hours after a boot until it has been up for a third of them."""
    (node,) = generated

    def looked(started: str, uptime: int) -> Outcome:
        node.sh(
            f"touch -h -d '{started} minutes ago' /run/systemd/units/invocation:frail.service; echo {uptime * 60}.00 0.00 >/run/uptime"
        )
        return outcomes(node, "frail", state="running")["frail"]

    node.write("/etc/systemd/system/frail.service", SLEEPS + "Restart=always\nRestartSec=0\n")
    node.sh("systemctl start frail; : >/run/uptime; mount --bind /run/uptime /proc/uptime")
    for number in (1, 2, 3):
        node.sh("systemctl kill -s KILL frail")
        node.sh(
            f"until [ $(systemctl show -p NRestarts --value frail) = {number} ] && systemctl is-active -q frail; do :; done"
        )
        assert looked("30", 600) is (Outcome.COMPLIANT if number < 3 else Outcome.DRIFT)
    assert looked("120", 600) is Outcome.COMPLIANT
    assert looked("20", 30) is Outcome.COMPLIANT
    assert looked("10", 30) is Outcome.DRIFT
    # It cannot have started before the boot: the clock was set since.
    assert looked("40", 30) is Outcome.DRIFT


MASKS = {
    "/etc/systemd/system": True,
    "/run/systemd/system": True,
    "/usr/local/lib/systemd/system": False,
    "/etc/systemd/system.control": False,
    "/run/systemd/transient": False,
}


def test_a_mask_is_removed_by_a_command_only_where_that_removes_it(generated: list[Node]) -> None:
    (node,) = generated
    for number, folder in enumerate(MASKS):
        node.write(f"/usr/lib/systemd/system/hidden{number}.service", SLEEPS)
        node.sh(f"mkdir -p {folder}; ln -s /dev/null {folder}/hidden{number}.service")
    node.sh("systemctl daemon-reload")
    items = items_of(
        {
            "services": [
                {"name": f"hidden{number}", "state": "running"} for number in range(len(MASKS))
            ]
        }
    )
    found = look(node, items)
    assert [shell_line(result.remedy) is not None for result in found] == [*MASKS.values()]
    for folder, result in zip(MASKS, found, strict=True):
        command = shell_line(result.remedy)
        if command is None:
            assert f"{folder}/" in str(result.advice)
        else:
            node.sh(command)
    assert [result.outcome is Outcome.COMPLIANT for result in look(node, items)] == [
        *MASKS.values()
    ]


VAIN = {
    "conditional": (
        "[Unit]\nConditionPathExists=/nonexistent\n",
        "running",
        "ConditionPathExists=/nonexistent does not hold",
    ),
    "asserting": (
        "[Unit]\nAssertPathExists=/nonexistent\n",
        "running",
        "AssertPathExists=/nonexistent does not hold",
    ),
    "requiring": (
        "[Unit]\nRequires=hidden.service\n",
        "running",
        "it requires hidden.service, which cannot be loaded (masked)",
    ),
    "unneeded": ("[Unit]\nStopWhenUnneeded=yes\n", "running", "StopWhenUnneeded=yes"),
    "upheld": ("", "stopped", "upholder.service would start it again"),
}


@pytest.mark.parametrize("name", VAIN)
def test_no_command_is_printed_that_systemd_does_not_heed(generated: list[Node], name: str) -> None:
    (node,) = generated
    text, state, words = VAIN[name]
    node.write(f"/etc/systemd/system/{name}.service", text + SLEEPS)
    node.write("/etc/systemd/system/upholder.service", "[Unit]\nUpholds=upheld.service\n" + SLEEPS)
    node.sh("systemctl -q mask hidden.service; systemctl daemon-reload")
    if name == "upheld":
        node.sh("systemctl start upholder; until systemctl is-active -q upheld; do :; done")
    (result,) = look(node, items_of({"services": [{"name": name, "state": state}]}))
    assert (result.outcome, shell_line(result.remedy)) == (Outcome.DRIFT, None)
    assert words in str(result.advice)
    # What would have been printed does not help.
    settled = (
        "systemctl is-active -q upheld" if name == "upheld" else f"! systemctl is-active -q {name}"
    )
    node.sh(
        f"systemctl {'start' if state == 'running' else 'stop'} {name} || :; until {settled}; do :; done"
    )
    (result,) = look(node, items_of({"services": [{"name": name, "state": state}]}))
    assert result.outcome is not Outcome.COMPLIANT


def test_a_frozen_service_does_not_run(generated: list[Node]) -> None:
    (node,) = generated
    group = node.sh(
        "ls -d /sys/fs/cgroup/system.slice/cron.service /sys/fs/cgroup/unified/system.slice/cron.service 2>/dev/null | sed -n 1p",
        check=False,
    )
    node.sh(
        f"echo 1 >{group}/cgroup.freeze; until grep -q 'frozen 1' {group}/cgroup.events; do :; done"
    )
    assert outcomes(node, "cron", state="running") == {"cron": Outcome.DRIFT}
    assert outcomes(node, "cron", state="running", enabled=True) == {"cron": Outcome.DRIFT}
    node.sh(
        f"echo 0 >{group}/cgroup.freeze; until grep -q 'frozen 0' {group}/cgroup.events; do :; done"
    )
    assert outcomes(node, "cron", state="running", enabled=True) == {"cron": Outcome.COMPLIANT}


DEEP = "Slice=a-b-c-d-e.slice\n"
DELEGATED = "Delegate=yes\n"
HALTS = {
    "in-a-deep-slice": (
        SLEEPS + DEEP,
        "echo 1 >$G/cgroup.freeze; until grep -q 'frozen 1' $G/cgroup.events; do :; done",
    ),
    "below-its-group": (
        SLEEPS + DELEGATED,
        "mkdir $G/sub; echo $P >$G/sub/cgroup.procs; echo 1 >$G/sub/cgroup.freeze; until grep -q 'frozen 1' $G/sub/cgroup.events; do :; done",
    ),
    "by-a-signal": (SLEEPS, "kill -STOP $P; until grep -q '^State:.T' /proc/$P/status; do :; done"),
    # ptrace(PTRACE_ATTACH), by its number: the node has no debugger.
    "by-a-debugger": (
        SLEEPS,
        "setsid perl -e 'syscall($ARGV[0] eq q(x86_64) ? 101 : 117, 16, $ARGV[1] + 0, 0, 0) == 0 or die; sleep'"
        " $(uname -m) $P >/dev/null 2>&1 & until grep -q '^State:.t' /proc/$P/status; do :; done",
    ),
    "by-a-signal-but-for-a-helper": (
        "[Service]\nExecStart=/bin/sh -c 'sleep 1000 & exec sleep infinity'\n",
        "kill -STOP $P; until grep -q '^State:.T' /proc/$P/status; do :; done",
    ),
}


@pytest.mark.parametrize("case", HALTS)
def test_a_service_whose_process_does_not_run_is_drift(generated: list[Node], case: str) -> None:
    (node,) = generated
    text, halt = HALTS[case]
    node.write("/etc/systemd/system/halted.service", text)
    node.sh("systemctl daemon-reload; systemctl start halted")
    assert outcomes(node, "halted", "cron", state="running") == {
        "halted": Outcome.COMPLIANT,
        "cron": Outcome.COMPLIANT,
    }
    find = "G=$(systemctl show -p ControlGroup --value halted); P=$(systemctl show -p MainPID --value halted); "
    tree = "T=/sys/fs/cgroup; [ ! -d $T/unified ] || T=$T/unified; G=$T$G; "
    node.sh(f"{find}{tree}{halt}")
    assert outcomes(node, "halted", "cron", state="running") == {
        "halted": Outcome.DRIFT,
        "cron": Outcome.COMPLIANT,
    }


@pytest.mark.parametrize(
    ("verb", "outcome"), [("stop", Outcome.DRIFT), ("restart", Outcome.UNKNOWN)]
)
def test_a_service_on_its_way_down_does_not_run_unless_it_comes_again(
    generated: list[Node], verb: str, outcome: Outcome
) -> None:
    (node,) = generated
    node.write(
        "/etc/systemd/system/slow.service",
        SLEEPS + "ExecStop=/bin/sleep infinity\nTimeoutStopSec=infinity\n",
    )
    node.sh(
        f"systemctl start slow; systemctl {verb} --no-block slow; until systemctl is-active slow | grep -q deactivating; do :; done"
    )
    assert outcomes(node, "slow", state="running") == {"slow": outcome}
    assert outcomes(node, "slow", state="stopped") == {"slow": Outcome.UNKNOWN}
