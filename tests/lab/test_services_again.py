"""Services that end and are started again by something that systemd does not count, on real nodes."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

import pytest

from power_edge.model import Finding, Observations
from power_edge.model.generated.resources.services_schema import Service
from power_edge.resources.services import RESOURCE, ask
from power_edge.resources.services.judge import judge
from power_edge.resources.services.unit import Unit
from tests.support.lab.nodes import Lab, Node
from tests.support.lab.roots import CORE, TRIXIE, Root, own_distribution
from tests.support.scripts import body

pytestmark = pytest.mark.lab

BODY = body("services", "resources")
ON_DEBIAN = pytest.mark.skipif(
    own_distribution() != "debian", reason="Debian 13 is made from the archive of a Debian machine"
)
ETC = "/etc/systemd/system"
LOOKS = 12
SLEEPS = "ExecStart=/bin/sleep infinity"
ENDS = "ExecStart=/bin/sleep 1"
DIES_WITH_A_HELPER = "ExecStart=/bin/sh -c 'sleep infinity & sleep 1'"
ALWAYS = "Restart=always\nRestartSec=0"

LOOPS = {
    "upheld": ENDS,
    "upheld-helper": DIES_WITH_A_HELPER,
    "upheld-command": f"{ENDS}\nExecStop=/bin/true\nExecStopPost=/bin/true",
    "ping": ENDS,
    "pong": ENDS,
    "fails": "ExecStart=/bin/sh -c 'sleep 1; exit 1'",
    "rescues": ENDS,
    "wanted": ENDS,
    "forgiven": f"{ENDS}\n{ALWAYS}",
    "scripted": ENDS,
    "scripted-restart": ENDS,
    "scripted-helper": DIES_WITH_A_HELPER,
    "forgotten": ENDS,
    "direct": f"{ENDS}\n{ALWAYS}\nRestartMode=direct",
    "direct-forgiven": f"{ENDS}\n{ALWAYS}\nRestartMode=direct",
    "direct-steps": f"{ENDS}\n{ALWAYS}\nRestartMode=direct\nRestartSteps=3\nRestartMaxDelaySec=1",
}
REMEMBERED = ("scripted", "scripted-restart", "scripted-helper")
"""A unit wants them, so systemd does not forget when they ended."""
STARTERS = {
    "upholds": f"Upholds=upheld.service upheld-helper.service upheld-command.service|{SLEEPS}",
    "ticks": "Wants=wanted.service|Type=oneshot\nExecStart=/bin/true",
    **{
        f"script-{name}": f"|ExecStart=/bin/sh -c 'while sleep .2; do {command}; done'"
        for name, command in {
            "start": "systemctl start scripted scripted-helper forgotten",
            "restart": "systemctl is-active -q scripted-restart || systemctl restart scripted-restart",
            "forgive": "systemctl reset-failed forgiven direct-forgiven",
        }.items()
    },
}
STEADY = {
    "restarted": SLEEPS,
    "restarted-always": f"{SLEEPS}\nRestart=always",
    "restarted-command": f"{SLEEPS}\nExecStop=/bin/true\nExecStopPost=/bin/true",
    "restarted-slow": f"ExecStart=/bin/sh -c 'trap \"sleep .3; exit\" TERM; while :; do sleep .1; done'\n{ALWAYS}",
}
"""A person restarts them."""
HEADS = {
    "ping": "OnSuccess=pong.service",
    "pong": "OnSuccess=ping.service",
    "fails": "OnFailure=rescues.service",
    "rescues": "OnSuccess=fails.service",
}
TIMER = "[Timer]\nOnActiveSec=0\nOnUnitInactiveSec=500ms\nAccuracySec=1ms\n"
STARTED = "journalctl -q -b -o cat MESSAGE_ID=39f53479d3a045ac8e11786248231fbf UNIT={}.service"


def unit(head: str, service: str) -> str:
    return f"[Unit]\nStartLimitIntervalSec=0\n{head}\n[Service]\n{service}\n[Install]\nWantedBy=multi-user.target\n"


def words(
    node: Node, state: Literal["running", "stopped"], names: Sequence[str]
) -> Mapping[str, str]:
    """The verdict on each service, all asked in one go."""
    declared = [Service(name=name, state=state) for name in names]
    units = RESOURCE.parse(node.run("sh", "-c", BODY, "pe", *ask(declared)).stdout.encode())
    return {each.name: found(each, units).outcome.value for each in declared}


def found(declared: Service, units: Observations) -> Finding:
    """The only finding about a service of which the probe saw something."""
    observed = units[f"{declared.name}.service"]
    assert isinstance(observed, Unit)
    (finding,) = judge(declared, observed)
    return finding


def files() -> dict[str, str]:
    texts = {name: unit(HEADS.get(name, ""), text) for name, text in (LOOPS | STEADY).items()}
    texts |= {name: unit(*text.split("|", 1)) for name, text in STARTERS.items()}
    return {f"{ETC}/{name}.service": text for name, text in texts.items()} | {
        f"{ETC}/ticks.timer": TIMER
    }


@pytest.fixture(
    scope="module",
    params=[pytest.param(CORE, id="own"), pytest.param(TRIXIE, id="trixie", marks=ON_DEBIAN)],
)
def again(lab: Lab, request: pytest.FixtureRequest) -> Iterator[Node]:
    root: Root = request.param
    enable = f"systemctl -q enable {' '.join(REMEMBERED)}"
    with lab.node("again", root=root, files=files(), prepare=enable) as node:
        yield node


def test_what_is_started_again_and_again_never_passes(again: Node) -> None:
    again.sh(f"systemctl start {' '.join(STEADY)}; systemctl restart {' '.join(STEADY)}")
    scripts = " ".join(name for name in STARTERS if name.startswith("script-"))
    looped = " ".join(name for name in LOOPS if name.startswith(("direct", "forgiven")))
    again.sh(f"systemctl start upholds ping fails ticks.timer {scripts} {looped}")
    # Each has ended once, and the journal has that.
    for name in LOOPS:
        again.sh(f"until [ $({STARTED.format(name)} | wc -l) -ge 2 ]; do sleep .1; done")
    looks = [words(again, "running", [*LOOPS, *STEADY]) for _ in range(LOOKS)]
    passed = {name for look in looks for name, word in look.items() if word == "compliant"}
    assert passed == {*STEADY}
    assert {look[name] for look in looks for name in STEADY} == {"compliant"}
    followed = ("ping", "pong", "rescues", "fails", "upheld", "upheld-helper", "upheld-command")
    stops = [words(again, "stopped", followed) for _ in range(LOOKS)]
    assert not {name for look in stops for name, word in look.items() if word == "compliant"}


def test_what_a_unit_upholds_is_not_surely_stopped(again: Node) -> None:
    again.write(
        f"{ETC}/limited.service",
        "[Unit]\nStartLimitBurst=1\nStartLimitIntervalSec=1d\n[Service]\nExecStart=/bin/false\n",
    )
    again.write(f"{ETC}/insists.service", f"[Unit]\nUpholds=limited.service\n[Service]\n{SLEEPS}\n")
    again.sh("systemctl daemon-reload; systemctl start insists")
    again.sh(
        "until systemctl is-failed -q limited; do sleep .1; done; systemctl reset-failed limited || :"
    )
    again.sh("until systemctl is-failed -q limited; do sleep .1; done")
    assert words(again, "stopped", ["limited"]) == {"limited": "unknown"}
    again.sh("systemctl stop insists")
    assert words(again, "stopped", ["limited"]) == {"limited": "compliant"}


DIRECT = {
    "direct-file": "direct-file.service",
    "direct-drop-in": "direct-drop-in.service.d/x.conf",
    "direct-pre-fix": "direct-pre-.service.d/x.conf",
    "direct-template@one": "direct-template@.service",
    "direct-instance@one": "direct-instance@one.service.d/x.conf",
    "direct-alias": "other-direct.service.d/x.conf",
    "direct-in-run": "/run/systemd/system/direct-in-run.service.d/x.conf",
    "direct-all": "service.d/x.conf",
}
"""By service, the file that says RestartMode=direct."""


@pytest.mark.parametrize("name", DIRECT)
def test_a_direct_restart_is_found_though_systemd_keeps_the_old_link(
    again: Node, name: str
) -> None:
    file = re.sub("@.*", "@", name)
    place = DIRECT[name] if DIRECT[name].startswith("/") else f"{ETC}/{DIRECT[name]}"
    again.sh(f"mkdir -p {place.rpartition('/')[0]}")
    again.write(
        f"{ETC}/{file}.service",
        f"[Service]\n{SLEEPS}\n{ALWAYS}\n[Install]\nAlias=other-direct.service\n",
    )
    again.sh(
        f"printf '[Service]\n{SLEEPS}\n{ALWAYS}\nRestartMode=direct\n' >{place}"
        if place.endswith(".service")
        else f"printf '[Service]\nRestartMode=direct\n' >{place}"
    )
    again.sh(
        f"[ {name} != direct-alias ] || ln -sf {name}.service {ETC}/other-direct.service; systemctl daemon-reload; systemctl start {name}"
    )
    again.sh("echo 36000.00 0.00 >/run/uptime; mount --bind /run/uptime /proc/uptime")
    try:
        again.sh(
            f"touch -h -d '120 minutes ago' /run/systemd/units/invocation:{name}.service; systemctl kill -s KILL {name}"
        )
        again.sh(
            f"until [ $(systemctl show -p NRestarts --value {name}) = 1 ] && systemctl is-active -q {name}; do :; done"
        )
        assert words(again, "running", [name]) == {name: "drift"}
    finally:
        again.sh(f"umount /proc/uptime; rm {place}; systemctl stop {name}; systemctl daemon-reload")


def test_processes_of_a_unit_that_is_gone_are_not_nothing(again: Node) -> None:
    again.write(
        f"{ETC}/ghost.service",
        # `forking`: the start is over when the processes are there.
        "[Service]\nType=forking\nSlice=odd.slice\nKillMode=process\nExecStart=/bin/sh -c 'sleep infinity & sleep infinity &'\n",
    )
    again.sh(
        f"systemctl daemon-reload; systemctl start ghost; systemctl stop ghost; rm {ETC}/ghost.service; systemctl daemon-reload"
    )
    units = RESOURCE.parse(again.run("sh", "-c", BODY, "pe", "~=ghost.service").stdout.encode())
    finding = found(Service(name="ghost", state="stopped", optional=True), units)
    assert finding.why == "no such unit, but processes are left in its control group"
