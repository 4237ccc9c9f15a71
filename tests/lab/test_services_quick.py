"""The short answers of the services probe against its full one: the same verdict for every unit of
a node, whatever its state and its declaration.
"""

import re
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import pytest

from power_edge.checking.evaluate import judge
from power_edge.model import Outcome
from power_edge.model.generated.resources.services_schema import Service
from power_edge.report.shell_line import shell_line
from power_edge.resources.services import RESOURCE, ask
from power_edge.resources.services.observation import parse
from power_edge.resources.services.unit import Unit
from tests.support.items import item_of
from tests.support.lab.boots import settle
from tests.support.lab.nodes import Lab, Node
from tests.support.lab.random_units import scenario
from tests.support.lab.roots import BASE, CORE, TRIXIE, Root, own_distribution
from tests.support.scripts import body

pytestmark = pytest.mark.lab

BODY = body("services", "resources")
ON_DEBIAN = pytest.mark.skipif(
    own_distribution() != "debian", reason="Debian 13 is made from the archive of a Debian machine"
)
DECLARED: Sequence[Mapping[str, Any]] = (
    {"state": "running"},
    {"state": "stopped"},
    {"state": "disabled"},
    {"enabled": True},
    {"enabled": False},
    {"state": "running", "enabled": True},
    {"state": "running", "enabled": False},
    {"state": "stopped", "enabled": True},
    {"state": "stopped", "enabled": False},
)
WORK = "Type=oneshot\nExecStart=/bin/true"
SLEEPS = "ExecStart=/bin/sleep infinity"
DAEMON_ENDED = "RemainAfterExit=yes\nExecStart=/bin/true\nType={}"
INSTALL = "[Install]\nWantedBy=multi-user.target\n"
SERVICES = {
    # What is up.
    "runs": SLEEPS,
    "works": f"{WORK}\nRemainAfterExit=yes",
    "works-static": f"{WORK}\nRemainAfterExit=yes",
    "works-for-a-timer": f"{WORK}\nRemainAfterExit=yes",
    "works-edited": f"{WORK}\nRemainAfterExit=yes",
    "works-wanted-by-nobody": f"{WORK}\nRemainAfterExit=yes",
    "works-under-a-condition": f"{WORK}\nRemainAfterExit=yes",
    "works-file-gone": f"{WORK}\nRemainAfterExit=yes",
    "works-masked": f"{WORK}\nRemainAfterExit=yes",
    "ended": DAEMON_ENDED.format("simple"),
    "ended-notify": "Type=notify\nNotifyAccess=all\nRemainAfterExit=yes\nExecStart=/bin/sh -c 'systemd-notify --ready; sleep 1'",
    "ended-forking": "Type=forking\nRemainAfterExit=yes\nExecStart=/bin/true",
    "frozen": SLEEPS,
    "halted": SLEEPS,
    "file-gone": SLEEPS,
    "edited": SLEEPS,
    "dropped-in": SLEEPS,
    "masked-up": SLEEPS,
    "aliased": SLEEPS,
    "inst@": SLEEPS,
    "on-socket": SLEEPS,
    "restarted": f"{SLEEPS}\nRestart=always",
    "stopping": f"{SLEEPS}\nExecStop=/bin/sleep infinity\nTimeoutStopSec=infinity",
    "starting": "Type=notify\nExecStart=/bin/sleep infinity\nTimeoutStartSec=infinity",
    "looping": "ExecStart=/bin/false\nRestart=always\nRestartSec=999",
    # What is down.
    "off": SLEEPS,
    "off-enabled": SLEEPS,
    "off-static": SLEEPS,
    "off-failed": "ExecStart=/bin/false",
    "off-masked": SLEEPS,
    "off-masked-in-run": SLEEPS,
    "off-masked-late": SLEEPS,
    "off-waited": SLEEPS,
    "off-waited-in-vain": SLEEPS,
    "off-waited-at-boot": SLEEPS,
    "off-timed": SLEEPS,
    "off-wanted-by-a-line": SLEEPS,
    "off-wanted-by-a-vendor": SLEEPS,
    "off-wanted-for-bluetooth": SLEEPS,
    "off-wanted-and-masked": SLEEPS,
    "off-linked-by-another-name": SLEEPS,
    "off-aliased-by-hand": SLEEPS,
    "off-called": SLEEPS,
    "off-woken": SLEEPS,
    "off-left": f"{SLEEPS}\nKillMode=process\nExecStartPre=/bin/sh -c 'sleep infinity &'",
    "off-queued": SLEEPS,
    "off-file-gone": SLEEPS,
    "off-file-late": SLEEPS,
    "off-broken": "ExecStart=relative",
    "off-in-run": SLEEPS,
    "off-skipping": f"{SLEEPS}\nExecCondition=/bin/false",
    "off-wanted-for-a-printer": SLEEPS,
    "off-unit@": SLEEPS,
    "claims": SLEEPS,
}
HEADS = {
    "works-under-a-condition": "[Unit]\nConditionPathExists=/run/made-by-hand\n",
    "wants": "[Unit]\nWants=off-wanted-by-a-line.service\n",
    "wakes": "[Unit]\nOnSuccess=off-woken.service\n",
    "off-queued": "[Unit]\nAfter=starting.service\n",
}
BARE = (
    "works-static",
    "works-wanted-by-nobody",
    "off-static",
    "off-wanted-by-a-line",
    "off-wanted-by-a-vendor",
    "off-called",
)
"""Without an [Install] section."""
ETC = "/etc/systemd/system"
OTHERS = {
    f"{ETC}/on-socket.socket": "[Socket]\nListenStream=/run/on-socket\n[Install]\nWantedBy=sockets.target\n",
    f"{ETC}/off-waited.socket": "[Socket]\nListenStream=/run/off-waited\n[Install]\nWantedBy=sockets.target\n",
    f"{ETC}/off-waited-in-vain.socket": "[Socket]\nListenStream=/run/off-waited-in-vain\n",
    f"{ETC}/off-waited-at-boot.path": "[Path]\nPathExists=/nonexistent\n[Install]\nWantedBy=paths.target\n",
    f"{ETC}/off-timed.timer": "[Timer]\nOnCalendar=yearly\n[Install]\nWantedBy=timers.target\n",
    f"{ETC}/works-for-a-timer.timer": "[Timer]\nOnActiveSec=0\n",
    f"{ETC}/mine.target": "[Unit]\nDescription=mine\n",
    f"{ETC}/srv-pe.mount": f"[Mount]\nWhat=tmpfs\nWhere=/srv/pe\nType=tmpfs\n{INSTALL}",
    "/usr/share/dbus-1/system-services/org.lab.Called.service": "[D-BUS Service]\nName=org.lab.Called\nExec=/bin/false\nUser=root\n"
    "SystemdService=dbus-org.lab.Called.service\n",
}
ARRANGE = r"""
set +e
exec 2>/dev/null
mkdir -p /run/systemd/system /usr/lib/systemd/system/multi-user.target.wants multi-user.target.wants bluetooth.target.wants dropped-in.service.d
: >/run/made-by-hand
for file in /run/systemd/system/off-in-run.service /usr/lib/systemd/system/off-wanted-and-masked.service; do
    printf '[Service]\nExecStart=/bin/sleep infinity\n' >$file
done
rm off-wanted-and-masked.service
ln -s ../off-wanted-by-a-vendor.service /usr/lib/systemd/system/multi-user.target.wants/
ln -s ../off-wanted-and-masked.service /usr/lib/systemd/system/multi-user.target.wants/
ln -s /dev/null multi-user.target.wants/off-wanted-and-masked.service
ln -s off-called.service dbus-org.lab.Called.service
systemctl daemon-reload
systemctl enable runs works works-for-a-timer works-edited works-under-a-condition works-file-gone works-masked ended ended-notify \
    ended-forking frozen halted file-gone edited dropped-in masked-up inst@a on-socket.socket on-socket restarted stopping starting looping \
    off-enabled off-failed wants wakes off-waited.socket off-waited-at-boot.path off-timed.timer srv-pe.mount off-broken off-skipping off-unit@a
ln -s ../works-static.service multi-user.target.wants/
ln -s ../off-wanted-for-bluetooth.service bluetooth.target.wants/
mkdir /usr/lib/systemd/system/printer.target.wants
ln -s /etc/systemd/system/off-wanted-for-a-printer.service /usr/lib/systemd/system/printer.target.wants/
printf 'Alias=off-claimed.service\n' >>claims.service
ln -s off-aliased-by-hand.service by-hand.service
ln -s /etc/systemd/system/off-linked-by-another-name.service multi-user.target.wants/another-name.service
ln -s aliased.service also-known.service
systemctl mask off-masked
systemctl mask --runtime off-masked-in-run
systemctl daemon-reload
systemctl start runs works works-static works-for-a-timer.timer works-edited works-wanted-by-nobody works-under-a-condition works-file-gone \
    works-masked ended ended-notify ended-forking frozen halted file-gone edited dropped-in masked-up aliased inst@a inst@b on-socket.socket \
    on-socket restarted stopping wants wakes off-waited.socket off-timed.timer off-left mine.target srv-pe.mount off-file-gone off-masked-late \
    off-waited-in-vain.socket
systemctl start off-failed looping off-skipping off-broken
systemctl start --no-block starting
until [ "$(systemctl show -p SubState --value starting)" = start ]; do :; done
systemctl start --no-block off-queued
systemctl stop off-left off-file-gone off-masked-late off-waited-in-vain.socket off-wanted-by-a-line off-wanted-for-bluetooth
systemctl stop --no-block stopping
until [ "$(systemctl show -p ActiveState --value stopping)" = deactivating ]; do :; done
until [ "$(systemctl show -p SubState --value looping)" = auto-restart ]; do :; done
for unit in ended ended-notify ended-forking; do until [ "$(systemctl show -p SubState --value $unit)" = exited ]; do :; done; done
systemctl freeze frozen || {
    G=$(ls -d /sys/fs/cgroup/unified/system.slice/frozen.service /sys/fs/cgroup/system.slice/frozen.service | sed -n 1p)
    echo 1 >$G/cgroup.freeze
    until grep -q 'frozen 1' $G/cgroup.events; do :; done
}
kill -STOP $(systemctl show -p MainPID --value halted)
systemctl kill -s KILL restarted
until [ "$(systemctl show -p NRestarts --value restarted)" = 1 ]; do :; done
systemd-run -q --unit=made-by-hand sleep infinity
systemd-run -q --unit=made-to-work -r -p Type=oneshot true
# What the manager has not read again.
rm works-file-gone.service file-gone.service off-file-gone.service
printf '[Service]\nType=simple\n' >>works-edited.service
printf '[Service]\nExecStart=/bin/false\n' >>edited.service
printf '[Unit]\nConditionPathExists=/nonexistent\n' >dropped-in.service.d/x.conf
ln -sf /dev/null works-masked.service
ln -sf /dev/null masked-up.service
ln -sf /dev/null off-masked-late.service
printf '[Service]\nExecStart=/bin/sleep infinity\n' >off-file-late-too.service
:
"""


def files() -> dict[str, str]:
    made = {name: text for name, text in SERVICES.items() if name != "off-in-run"} | {
        "wants": SLEEPS,
        "wakes": SLEEPS,
    }
    return OTHERS | {
        f"{ETC}/{name}.service": f"{HEADS.get(name, '')}[Service]\n{text}\n{'' if name in BARE else INSTALL}"
        for name, text in made.items()
    }


@pytest.fixture(
    scope="module",
    params=[pytest.param(BASE, id="own"), pytest.param(TRIXIE, id="trixie", marks=ON_DEBIAN)],
)
def states(lab: Lab, request: pytest.FixtureRequest) -> Iterator[Node]:
    """A node with units in all states that the probe tells apart."""
    root: Root = request.param
    with lab.node("states", root=root, files=files()) as node:
        node.sh(f"cd {ETC}\n{ARRANGE}")
        yield node


def names(node: Node) -> list[str]:
    """The units of this test, loaded or not, under all their names; each fourth of the node's
    others; and a name without a unit.
    """
    listed = node.sh(
        "systemctl list-units --all --full --plain --no-legend; systemctl list-unit-files --full --plain --no-legend;"
        " systemctl show -p Names --value '*' | tr ' ' '\\n'"
    )
    found = {line.split()[0] for line in listed.splitlines() if line.split()}
    declarable = re.compile(
        r"[A-Za-z0-9:_.\\][A-Za-z0-9:_.\\@-]*\.(service|socket|timer|path|target|mount|automount|swap|slice|scope)"
    )
    named = sorted(name for name in found if declarable.fullmatch(name) and "@." not in name)
    ours = {name.partition("@")[0].partition(".")[0] for name in SERVICES} | {
        "wants",
        "wakes",
        "mine",
        "srv-pe",
        "by-hand",
        "also-known",
    }
    own = [
        name
        for name in named
        if name.partition("@")[0].partition(".")[0] in ours
        or "made-" in name
        or "file-late" in name
    ]
    never_loaded = ("inst@c.service", "off-unit@b.service", "off-claimed.service", "none.service")
    return [*own, *[name for name in named if name not in own][::4], *never_loaded]


def looked(node: Node, declared: Sequence[Service], *, full: bool = False) -> Mapping[str, Unit]:
    """What the probe saw of all that is declared; `full`: it is to give the full answer about each."""
    asked = [re.sub("^(~?)[=!]?", r"\1!", word) if full else word for word in ask(declared)]
    return parse(node.run("sh", "-c", BODY, "pe", *asked).stdout.encode("utf-8", "surrogateescape"))


class Verdict(NamedTuple):
    """What is said of a unit.

    Ages are left out, and the order of names, which is the manager's own and changes with each unit
    that it loads.
    """

    outcome: Outcome
    fields: tuple[tuple[str, Outcome, object], ...]
    words: tuple[list[str] | None, ...]


def verdict(declared: Service, observed: Mapping[str, Unit]) -> Verdict:
    """The verdict on a unit.

    The remedy is compared where the unit is to be down: a full answer about what is to run does not
    tell why a start would be in vain.
    """
    item = item_of(RESOURCE, declared.name, declared)
    result = judge(RESOURCE, item, observed)
    down = declared.state in ("stopped", "disabled") or (
        declared.state is None and declared.enabled is False
    )
    said = [result.why, *((shell_line(result.remedy), result.advice) if down else ())]
    words = tuple(
        text and sorted(re.split(r"[ ,]+", re.sub(r"\d+ (s|min)\b", "N", text))) for text in said
    )
    return Verdict(
        result.outcome,
        tuple((each.field, each.outcome, each.actual) for each in result.findings),
        words,
    )


def differences(node: Node, some: Sequence[str]) -> tuple[list[str], Counter[Outcome]]:
    """Where the short answer leads to another verdict than the full one; and how often each verdict
    was had.
    """
    differ = []
    count: Counter[Outcome] = Counter()
    now = looked(node, [Service(name=name, state="running") for name in some], full=True)
    boot = looked(node, [Service(name=name, enabled=True) for name in some], full=True)
    for form in DECLARED:
        declared = [Service(name=name, **form) for name in some]
        short = looked(node, declared)
        full = now if form in ({"state": "running"}, {"state": "stopped"}) else boot
        count.update(verdict(each, full).outcome for each in declared)
        # The time since a restart passes meanwhile: what differs is looked at again.
        if doubtful := [each for each in declared if verdict(each, short) != verdict(each, full)]:
            short, full = looked(node, doubtful), looked(node, doubtful, full=True)
        for each in doubtful:
            if (one := verdict(each, short)) != (other := verdict(each, full)):
                differ.append(f"{each.name} {form}: {one}, in full {other}")
    return differ, count


def test_the_short_answer_leads_to_the_verdict_of_the_full_one(states: Node) -> None:
    some = names(states)
    differ, count = differences(states, some)
    assert differ == []
    assert (
        min(count[outcome] for outcome in (Outcome.COMPLIANT, Outcome.DRIFT, Outcome.UNKNOWN)) > 100
    )


def test_what_is_plainly_as_declared_is_asked_no_more(states: Node) -> None:
    """The full answer of a unit brings its [Install] section."""
    declared = [
        *[Service(name=name, state="running", enabled=True) for name in ("runs", "works")],
        *[Service(name=name, state="disabled") for name in ("off", "off-static")],
        *[Service(name=name, state="running") for name in ("works-static", "works-for-a-timer")],
        Service(name="off-enabled", state="stopped"),
    ]
    told = states.run("sh", "-c", BODY, "pe", *ask(declared)).stdout
    assert "== install" not in told
    assert "off-static.service static" in told
    assert (
        "== install"
        in states.run(
            "sh", "-c", BODY, "pe", *ask([*declared, Service(name="off-waited", state="disabled")])
        ).stdout
    )


def test_a_shell_whose_printf_is_a_program_takes_an_answer_of_any_length(states: Node) -> None:
    shutil.copy(str(shutil.which("mksh")), states.tree / "usr/local/bin")
    every = states.sh("systemctl list-units --all --full --plain --no-legend").splitlines()
    asked = [f"!{line.split()[0]}" for line in every if line[0].isalnum()]
    told = states.run("mksh", "-c", BODY, "pe", *asked).stdout
    assert len(told) > 128 << 10
    assert len(parse(told.encode())) == len(asked)


@pytest.mark.parametrize(
    "root", [pytest.param(CORE, id="own"), pytest.param(TRIXIE, id="trixie", marks=ON_DEBIAN)]
)
def test_the_short_answer_about_units_drawn_at_random(lab: Lab, root: Root) -> None:
    drawn = scenario("quick", 100)
    with lab.node("drawn", root=root) as node:
        settle(node, drawn)
        differ, _ = differences(node, drawn.names)
    assert differ == []
