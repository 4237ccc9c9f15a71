"""Services: every recorded case, and states that no case has."""

from collections.abc import Mapping
from typing import Any

import pytest

from power_edge.model import NotObserved, Observations, Outcome, Remedy
from power_edge.model.generated.resources.services_schema import Service
from power_edge.resources.services import RESOURCE, ask, canonical
from power_edge.resources.services.judge import judge
from power_edge.resources.services.observation import parse
from power_edge.resources.services.remedy import remedy
from power_edge.resources.services.unit import Boot, Change, Puller, Restarts, Trigger, Unit
from tests.support.cases import Case, Verdict, cases, check, parameters, verdict_of

# What the probe reads and the captures do not hold, by case: links on disk, units with similar
# names, file states of other units.
LINKS = {
    "non-root": ["etc/systemd/system/multi-user.target.wants/cron.service"],
    "masked-runtime-still-wanted": ["etc/systemd/system/multi-user.target.wants/pe-mrt.service"],
    "static-pulled-at-boot": ["lib/systemd/system/sysinit.target.wants/systemd-journald.service"],
    "template-instance-generator-wanted": [
        "etc/systemd/system/multi-user.target.wants/openvpn.service",
        "run/systemd/generator/openvpn.service.wants/openvpn@server.service",
    ],
    "boot-truth": [
        "etc/systemd/system/multi-user.target.wants/pe-mrt.service",
        "run/systemd/system/multi-user.target.wants/pe-ert.service",
        "etc/systemd/system/multi-user.target.wants/pe-stale2.service",
        "run/systemd/generator.late/multi-user.target.wants/pe-sysv.service",
        "etc/systemd/system/multi-user.target.wants/openvpn.service",
        "run/systemd/generator/openvpn.service.wants/openvpn@server.service",
    ],
}
FILES = {
    "template-instance-generator-wanted": ["openvpn.service enabled"],
    "boot-truth": ["openvpn.service enabled"],
    "indirect-socket-activated": ["uuidd.socket enabled"],
    "static-pulled-at-boot": ["systemd-journal-flush.service static"],
}
LEFT = {"stopped-leftover-process": ["system.slice/pe-left.service"]}
NAMES = {
    "sshd-name-gone": [
        "lib/systemd/system/ssh.service",
        "lib/systemd/system/cron.service",
        "lib/systemd/system/ssh.service:Alias=sshd.service",
    ]
}


def answer_from(case: Case) -> bytes | NotObserved:
    """Return what the probe would have printed on the node of a case, for all names that its
    verdicts declare.
    """
    if "probe" in case.captures:
        return case.capture("probe")
    for capture in case.captures.values():
        if "not been booted" in capture.stderr:
            return NotObserved(capture.stderr)
    names = dict.fromkeys(
        canonical(str(item["name"]))
        for verdict in case.verdicts
        for item in verdict.declared["services"]
    )
    blocks = [*_blocks(case), *_unrecorded_blocks(case)]
    states = {block["Id"]: "" for block in blocks} | _states(case, blocks)
    lines = ["== up", "== asked", *names, "== show"]
    for block in blocks:
        lines += [*(f"{key}={value}" for key, value in block.items()), ""]
    lines += [
        "== files",
        *(f"{name} {state}" for name, state in states.items()),
        *FILES.get(case.name, ()),
    ]
    links = [*LINKS.get(case.name, ()), *_enabling_links(blocks, states)]
    lines += [
        "== left",
        *LEFT.get(case.name, ()),
        "== links",
        *links,
        "== names",
        *NAMES.get(case.name, ()),
        "== end",
        "",
    ]
    return "\n".join(lines).encode()


def _enabling_links(blocks: list[dict[str, str]], states: dict[str, str]) -> list[str]:
    """Return the links that `systemctl enable` made, if the file state is `enabled` and systemd says
    for which units.
    """
    return [
        f"etc/systemd/system/{puller}.wants/{block['Id']}"
        for block in blocks
        for puller in block.get("WantedBy", "").split()
        if states.get(block["Id"]) == "enabled"
    ]


def _blocks(case: Case) -> list[dict[str, str]]:
    text = "\n\n".join(
        case.capture(name).decode()
        for name in ("show", "socket", "service", "who")
        if name in case.captures
    )
    blocks = [
        dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        for block in text.split("\n\n")
    ]
    filled = {
        "LoadState": "loaded",
        "SubState": "running",
        "Type": "simple",
        "RemainAfterExit": "no",
    }
    if case.name in LEFT:
        filled["ControlGroup"] = f"/{LEFT[case.name][0]}"
    return [filled | block for block in blocks if "Id" in block]


def _unrecorded_blocks(case: Case) -> list[dict[str, str]]:
    """Return the blocks of the two cases that recorded no `systemctl show`."""
    if case.name == "boot-truth":
        names = [line.split()[0] for line in case.capture("before").decode().splitlines()]
    elif case.name == "v257-batch-is-enabled":
        names = ["nosuchd", "systemd-journald"]
    else:
        names = []
    common = {
        "LoadState": "loaded",
        "ActiveState": "active",
        "SubState": "running",
        "Type": "simple",
        "RemainAfterExit": "no",
    }
    gone = {"LoadState": "not-found", "ActiveState": "inactive", "SubState": "dead"}
    return [
        {"Id": canonical(name), **common, **(gone if name == "nosuchd" else {})} for name in names
    ]


def _states(case: Case, blocks: list[dict[str, str]]) -> dict[str, str]:
    if case.name == "boot-truth":
        return {
            canonical(line.split()[0]): line.split("is-enabled=")[1].split()[0]
            for line in case.capture("before").decode().splitlines()
        }
    if case.name == "v257-batch-is-enabled":
        return {"nosuchd.service": "not-found", "systemd-journald.service": "static"}
    if "is-enabled" not in case.captures or not blocks:
        return {}
    words = case.capture("is-enabled").decode().strip()
    if case.name == "batch-with-one-bad-name":
        return dict(
            zip(["cron.service", "sshd.service", "ssh.service"], words.split(), strict=True)
        )
    block = blocks[0]
    state = block["UnitFileState"] if words == "alias" else words
    return {block["Id"]: state} | {
        other["Id"]: other.get("UnitFileState", "") for other in blocks[1:]
    }


def observed(case: Case) -> Mapping[str, Observations | NotObserved]:
    answer = answer_from(case)
    return {"services": answer if isinstance(answer, NotObserved) else parse(answer)}


@pytest.mark.parametrize(("case", "verdict"), [*parameters("services")])
def test_recorded_case(case: Case, verdict: Verdict) -> None:
    check(verdict, verdict.declared, observed(case))


UP = Unit(
    "x.service",
    "loaded",
    "active",
    "running",
    "enabled",
    "simple",
    pullers=(Puller("multi-user.target", "disk", True),),
)
DOWN = UP._replace(active="inactive", sub="dead", file_state="disabled", pullers=())
SOCKET = Trigger("x.socket", active=True, boots=True)
WORDS = {Outcome.COMPLIANT: "pass", Outcome.DRIFT: "fail", Outcome.UNKNOWN: "unknown"}


def verdicts(observed: Unit, **declared: Any) -> dict[str, str]:
    return {
        finding.field: WORDS[finding.outcome]
        for finding in judge(Service(name="x", **declared), observed)
    }


def states(observed: Unit) -> str:
    """Return the verdicts on running, stopped and disabled, then on enabled: true and false."""
    of_state = [
        verdicts(observed, state=state)["state"] for state in ("running", "stopped", "disabled")
    ]
    return " ".join(
        [*of_state, *(verdicts(observed, enabled=enabled)["enabled"] for enabled in (True, False))]
    )


@pytest.mark.parametrize(
    ("observed", "expected"),
    [
        (UP, "pass fail fail pass fail"),
        (UP._replace(active="refreshing", sub="refresh"), "pass fail fail pass fail"),
        (UP._replace(active="maintenance", sub="cleaning"), "fail unknown fail pass fail"),
        (UP._replace(active="a state to come"), "unknown unknown fail pass fail"),
        (DOWN, "fail pass pass fail pass"),
        (
            DOWN._replace(active="failed", sub="failed-before-auto-restart"),
            "fail fail fail fail pass",
        ),
        (DOWN._replace(sub="dead-before-auto-restart"), "fail fail fail fail pass"),
        (DOWN._replace(active="activating", sub="auto-restart-queued"), "fail fail fail fail pass"),
        (DOWN._replace(queued=True), "unknown unknown unknown fail pass"),
        (DOWN._replace(queued=True, job="start"), "unknown unknown unknown fail pass"),
        (
            UP._replace(active="deactivating", sub="stop", queued=True, job="stop"),
            "fail unknown fail pass fail",
        ),
        (
            UP._replace(active="deactivating", sub="stop", queued=True, job="restart"),
            "unknown unknown fail pass fail",
        ),
        (
            UP._replace(active="deactivating", sub="stop", queued=True),
            "unknown unknown fail pass fail",
        ),
        (UP._replace(halted="frozen"), "fail fail fail pass fail"),
        (UP._replace(halted="stopped"), "fail fail fail pass fail"),
        (DOWN._replace(halted="frozen"), "fail pass pass fail pass"),
        (DOWN._replace(left=True), "fail unknown unknown fail pass"),
        (DOWN._replace(triggers=(SOCKET,)), "fail fail fail fail fail"),
        (DOWN._replace(triggers=(SOCKET._replace(boots=False),)), "fail fail fail fail pass"),
        (DOWN._replace(triggers=(SOCKET._replace(active=False),)), "fail pass fail fail fail"),
        (
            DOWN._replace(triggers=(SOCKET._replace(active=None, boots=None),)),
            "fail unknown unknown fail unknown",
        ),
        (DOWN._replace(triggers=(Trigger("x.timer", True, False),)), "fail pass fail fail fail"),
        (
            DOWN._replace(load="masked", file_state="masked", triggers=(SOCKET,)),
            "fail pass pass fail pass",
        ),
        (
            DOWN._replace(load="masked", file_state="masked", claimed_by=("y.service",)),
            "fail unknown unknown fail unknown",
        ),
        (DOWN._replace(load="bad-setting", file_state="enabled"), "fail pass fail unknown fail"),
        (DOWN._replace(load="error"), "fail pass pass unknown pass"),
        (DOWN._replace(file_state=""), "fail pass unknown unknown unknown"),
        (DOWN._replace(file_state="bad"), "fail pass unknown unknown unknown"),
        (DOWN._replace(file_state="generated"), "fail pass unknown unknown unknown"),
        (DOWN._replace(file_state="static"), "fail pass pass fail pass"),
        (
            DOWN._replace(file_state="static", pullers=(Puller("y.service", "disk", None),)),
            "fail pass unknown unknown unknown",
        ),
        (
            DOWN._replace(file_state="static", pullers=(Puller("y.service", "memory", True),)),
            "fail pass unknown unknown unknown",
        ),
        (
            DOWN._replace(file_state="static", pullers=(Puller("y.service", "disk", False),)),
            "fail pass pass fail pass",
        ),
        (
            DOWN._replace(
                file_state="enabled-runtime", pullers=(Puller("y.target", "runtime", True),)
            ),
            "fail pass pass fail pass",
        ),
        (
            DOWN._replace(
                file_state="enabled-runtime", pullers=(Puller("y.target", "generator", True),)
            ),
            "fail pass fail pass fail",
        ),
        (DOWN._replace(file_state="enabled-runtime"), "fail pass unknown unknown unknown"),
        (UP._replace(pullers=()), "pass fail fail unknown fail"),
        (UP._replace(type="simple", sub="exited"), "fail unknown fail pass fail"),
        (UP._replace(type="oneshot", sub="exited"), "pass fail fail pass fail"),
        (UP._replace(load="not-found", file_state="", pullers=()), "pass fail fail fail unknown"),
        (
            DOWN._replace(load="not-found", file_state="", pullers=()),
            "fail unknown unknown fail unknown",
        ),
    ],
)
def test_a_state_that_no_case_has(observed: Unit, expected: str) -> None:
    assert states(observed) == expected


LINK = Puller("multi-user.target", "disk", True)
STARTS, STAYS = Boot(True), Boot(False)


@pytest.mark.parametrize(
    ("observed", "expected"),
    [
        (UP._replace(boot=STARTS), "pass fail"),
        (UP._replace(boot=STAYS), "unknown fail"),
        (
            UP._replace(boot=STAYS, pullers=(Puller("multi-user.target", "mask", False),)),
            "fail pass",
        ),
        (
            UP._replace(
                boot=STAYS,
                pullers=(
                    Puller("multi-user.target", "mask", False),
                    Puller("x.target", "disk", False),
                ),
            ),
            "unknown fail",
        ),
        (UP._replace(boot=Boot(True, unmet="ConditionPathExists=/x")), "unknown fail"),
        (UP._replace(boot=Boot(True, doubt="first boot")), "unknown fail"),
        (DOWN._replace(boot=Boot(True, doubt="first boot")), "unknown unknown"),
        (DOWN._replace(boot=STARTS), "fail fail"),
        (DOWN._replace(boot=STAYS), "fail pass"),
        (DOWN._replace(boot=STAYS, pullers=(LINK,)), "fail pass"),
        (DOWN._replace(boot=Boot(False, wakers=("y.service",))), "fail unknown"),
        (DOWN._replace(boot=STAYS, triggers=(Trigger("x.socket", False, True),)), "fail fail"),
        (DOWN._replace(boot=STAYS, triggers=(Trigger("x.socket", False, None),)), "fail unknown"),
        (DOWN._replace(boot=STAYS, triggers=(Trigger("x.timer", True, False),)), "fail fail"),
        (
            DOWN._replace(boot=STAYS, pullers=(Puller("dev-sda.device", "vendor", False),)),
            "fail unknown",
        ),
        (
            DOWN._replace(boot=STAYS, pullers=(Puller("bluetooth.target", "disk", False),)),
            "fail unknown",
        ),
        (
            DOWN._replace(boot=STAYS, pullers=(Puller("bluetooth.target", "runtime", False),)),
            "fail pass",
        ),
        (
            DOWN._replace(boot=STARTS, pullers=(Puller("multi-user.target", "generator", True),)),
            "unknown unknown",
        ),
        (DOWN._replace(boot=STARTS, file_state="static"), "pass fail"),
        (DOWN._replace(boot=STAYS, file_state="static"), "fail pass"),
        (
            DOWN._replace(boot=Boot(False, wakers=("y.service",)), file_state="static"),
            "unknown unknown",
        ),
        (DOWN._replace(boot=STARTS, file_state="generated"), "pass fail"),
        (DOWN._replace(boot=STAYS, file_state="generated"), "fail pass"),
        (
            DOWN._replace(
                boot=STARTS,
                file_state="enabled-runtime",
                pullers=(Puller("y.target", "generator", True),),
            ),
            "pass fail",
        ),
        (
            DOWN._replace(
                boot=STARTS,
                file_state="enabled-runtime",
                pullers=(Puller("y.target", "runtime", True),),
            ),
            "pass fail",
        ),
        (
            DOWN._replace(boot=Boot(True, unmet="ConditionPathExists=/x"), file_state="static"),
            "unknown unknown",
        ),
        # The boot may differ from the job list: a verdict that holds in both cases is kept.
        (UP._replace(boot=Boot(True, unsure="a cycle")), "unknown fail"),
        (DOWN._replace(boot=Boot(True, unsure="a cycle")), "fail unknown"),
        (DOWN._replace(boot=Boot(False, unsure="a cycle")), "fail unknown"),
        (DOWN._replace(boot=Boot(True, unsure="a cycle"), file_state="static"), "unknown unknown"),
        (DOWN._replace(boot=Boot(False, unsure="a cycle"), file_state="static"), "unknown unknown"),
        (DOWN._replace(boot=STAYS, file_state="enabled-runtime"), "fail pass"),
        (DOWN._replace(boot=STARTS, file_state="masked-runtime"), "unknown fail"),
        (DOWN._replace(boot=STAYS, file_state="masked-runtime"), "fail pass"),
        (DOWN._replace(boot=STAYS, file_state="masked", load="masked"), "fail pass"),
        (DOWN._replace(boot=STARTS, file_state="masked", load="masked"), "fail unknown"),
        (DOWN._replace(boot=STARTS, file_state="linked"), "fail fail"),
        (DOWN._replace(boot=STARTS, file_state="indirect"), "fail fail"),
        (DOWN._replace(boot=STARTS, file_state="bad"), "unknown fail"),
        (DOWN._replace(boot=STAYS, file_state="bad"), "unknown unknown"),
        (UP._replace(boot=STARTS, load="bad-setting"), "unknown fail"),
        # No dry run: only a mask in /etc is sure.
        (UP._replace(unread="no setpriv"), "unknown fail"),
        (DOWN._replace(unread="no setpriv"), "fail unknown"),
        (DOWN._replace(unread="no setpriv", file_state="masked", load="masked"), "fail pass"),
    ],
)
def test_the_boot_and_the_file_state_decide(observed: Unit, expected: str) -> None:
    assert states(observed).split(" ", 3)[3] == expected


def again(**restarts: Any) -> Unit:
    return UP._replace(triggers=(SOCKET._replace(changed=100.0),), restarts=Restarts(**restarts))


@pytest.mark.parametrize(
    ("observed", "expected"),
    [
        (again(number=6, age=2.0), "fail"),
        (again(number=1, age=59.9), "fail"),
        (again(number=600, age=60.0), "pass"),
        # A loop with a period of more than a minute: the current life may always be part of it.
        (again(number=3, age=61.0, uptime=600.0), "unknown"),
        (again(number=3, age=199.0, uptime=600.0), "unknown"),
        (again(number=3, age=200.0, uptime=600.0), "pass"),
        (again(number=2, age=61.0, uptime=600.0), "pass"),
        (again(number=3, age=3599.0, uptime=1e6), "unknown"),
        (again(number=3, age=3600.0, uptime=1e6), "pass"),
        (again(number=3, age=61.0, uptime=600.0, limited=True), "pass"),
        (again(number=0, age=0.0), "pass"),
        (again(number=1, age=None), "unknown"),
        (again(number=6, age=2.0, limited=True), "unknown"),
        (again(number=6, age=2.0)._replace(active="reloading", sub="reload"), "fail"),
        (again(number=1)._replace(active="activating", sub="start"), "fail"),
        (again(number=0)._replace(active="activating", sub="start"), "unknown"),
        # Its socket started it again after it had ended by itself.
        (again(age=2.0, started=100.1, ended=99.0), "unknown"),
        (again(age=2.0, started=100.1, ended=99.0, by_itself=False), "pass"),
        (again(age=2.0, started=101.0, ended=99.0), "pass"),
        (again(age=2.0, started=100.1, ended=30.0), "pass"),
        (again(age=2.0, started=100.1), "pass"),
        (again(age=61.0, started=100.1, ended=99.0), "pass"),
        (
            again(age=2.0, started=100.1, ended=99.0)._replace(
                triggers=(SOCKET._replace(active=False, changed=100.0),)
            ),
            "pass",
        ),
    ],
)
def test_a_service_that_systemd_just_restarted_does_not_run(observed: Unit, expected: str) -> None:
    assert verdicts(observed, state="running") == {"state": expected}


def test_a_loop_of_any_steady_period_up_to_an_hour_never_passes() -> None:
    for period in (61.0, 90.0, 600.0, 3599.0):
        for number in (3, 4, 50):
            for age in (60.0, max(60.0, period / 2), period - 0.5):
                looked = again(number=number, age=age, uptime=30.0 + number * period + age)
                assert verdicts(looked, state="running") == {"state": "unknown"}, (
                    period,
                    number,
                    age,
                )


def test_a_restart_is_reported_with_its_number_and_age() -> None:
    (finding,) = judge(Service(name="x", state="running"), again(number=6, age=2.2))
    assert (finding.actual, finding.why) == (
        "restarting",
        "systemd restarted it 6 times, the last time 2 s ago",
    )


def ended(kind: str, lasted: float | None, *, sysv: bool = False) -> Unit:
    return UP._replace(
        sub="exited", type=kind, remains=True, sysv=sysv, restarts=Restarts(lasted=lasted)
    )


@pytest.mark.parametrize(
    ("observed", "expected"),
    [
        (ended("oneshot", 900.0), "pass fail"),
        (ended("forking", 0.0), "pass fail"),
        (ended("forking", 5.0), "unknown unknown"),
        (ended("forking", 60.0), "fail unknown"),
        (ended("simple", 5.0), "pass fail"),
        (ended("exec", 60.0), "unknown unknown"),
        (ended("notify", 5.0), "fail unknown"),
        (ended("forking", 0.0, sysv=True), "unknown unknown"),
        (ended("forking", 60.0, sysv=True), "fail unknown"),
        (ended("forking", None), "fail unknown"),
    ],
)
def test_active_without_a_process(observed: Unit, expected: str) -> None:
    assert (
        " ".join(verdicts(observed, state=state)["state"] for state in ("running", "stopped"))
        == expected
    )


def test_optional_excuses_a_missing_unit_and_nothing_else() -> None:
    missing = DOWN._replace(load="not-found", file_state="")
    down = {"state": "disabled", "enabled": False, "optional": True}
    assert verdicts(missing, **down) == {"state": "pass", "enabled": "pass"}
    assert verdicts(missing._replace(claimed_by=("ssh.service",)), **down) == {
        "state": "unknown",
        "enabled": "unknown",
    }
    assert verdicts(missing, state="running", enabled=True, optional=True) == {
        "state": "fail",
        "enabled": "fail",
    }
    assert verdicts(UP, **down) == {"state": "fail", "enabled": "fail"}


def test_own_tests_are_given_none_for_a_name_without_a_unit() -> None:
    assert RESOURCE.fact is not None
    assert RESOURCE.fact(DOWN._replace(load="not-found", file_state="")) is None
    gone_but_running = UP._replace(load="not-found")
    assert RESOURCE.fact(gone_but_running) is gone_but_running


def test_a_missing_name_is_explained() -> None:
    case = next(case for case in cases("services") if case.name == "sshd-name-gone")
    _, (result,) = verdict_of({"services": [{"name": "sshd", "state": "stopped"}]}, observed(case))
    assert (
        result.why
        == "state: no such unit (nearest: ssh.service); declare `optional: true` if it need not exist"
    )


def test_names() -> None:
    assert [
        canonical(name)
        for name in ("cron", "cron.service", "dbus.socket", "a.b", "openvpn@server", "")
    ] == [
        "cron.service",
        "cron.service",
        "dbus.socket",
        "a.b.service",
        "openvpn@server.service",
        ".service",
    ]
    declared = [
        Service(name="a", state="running"),
        Service(name="b", state="stopped"),
        Service(name="c.socket", enabled=False),
    ]
    declared += [
        Service(name="d", state="running", enabled=True),
        Service(name="e", state="disabled"),
        Service(name="f", enabled=True),
    ]
    assert [*ask(declared)] == [
        "~a.service",
        "~!b.service",
        "!c.socket",
        "d.service",
        "!e.service",
        "f.service",
    ]
    assert RESOURCE.asserts(Service(name="a", state="running", optional=True)) == {
        "state": "running"
    }


BLOCK = "Id={0}\nNames={0}\nLoadState=loaded\nActiveState=inactive\nSubState=dead"


def test_a_block_is_found_by_name_not_by_position() -> None:
    answer = (
        "== up\n== asked\na.service\nb.service\nc.service\n== show\n"
        + "\n\n".join(BLOCK.format(f"{name}.service") for name in "cxa")
        + "\n== end\n"
    )
    units = parse(answer.encode())
    assert {key: unit.name for key, unit in units.items() if isinstance(unit, Unit)} == {
        "a.service": "a.service",
        "c.service": "c.service",
    }


@pytest.mark.parametrize(
    "cut",
    [
        "Id=a.service\nNames=a.service\nLoadState=loaded\nActiveState=inactive",
        "ActiveState=active\nSubState=running",
        "",
    ],
)
def test_half_a_block_does_not_count(cut: str) -> None:
    assert parse(f"== up\n== asked\na.service\n== show\n{cut}\n\n== end\n".encode()) == {}


@pytest.mark.parametrize(
    "answer",
    [
        b"== up\n== end\n",
        b"== up\n== asked\ncron.service\n== show\n\n== files\ncron.service enabled\n== end\n",
    ],
)
def test_an_empty_answer_says_nothing(answer: bytes) -> None:
    assert parse(answer) == {}


@pytest.mark.parametrize("name", ["optional-alias-gone", "plainly-up", "socket-linked-not-loaded"])
def test_an_answer_cut_short_is_refused_wherever_it_was_cut(name: str) -> None:
    answer = next(case for case in cases("services") if case.name == name).capture("probe")
    whole = len(answer) - len(b"== end\n")
    for length in range(0, whole, 11):
        with pytest.raises(ValueError, match=r"cut short|not an answer|not enough"):
            parse(answer[:length])


def test_another_text_is_refused() -> None:
    with pytest.raises(ValueError, match="not an answer"):
        parse(b"Running in chroot, ignoring command 'show'\n")


def mended(observed: Unit, **declared: Any) -> list[str]:
    service = Service(name="x", **declared)
    return [
        " ".join(argv)
        for argv in remedy(
            service,
            observed,
            [each for each in judge(service, observed) if each.outcome is Outcome.DRIFT],
        ).commands
    ]


@pytest.mark.parametrize(
    ("observed", "declared", "commands"),
    [
        (
            DOWN,
            {"state": "running", "enabled": True},
            ["systemctl enable x.service", "systemctl start x.service"],
        ),
        (DOWN, {"state": "running", "enabled": False}, ["systemctl start x.service"]),
        (UP, {"state": "stopped", "enabled": True}, ["systemctl stop x.service"]),
        (UP, {"state": "disabled"}, ["systemctl stop x.service", "systemctl disable x.service"]),
        (
            UP._replace(triggers=(SOCKET,)),
            {"state": "disabled"},
            ["systemctl stop x.socket x.service", "systemctl disable x.socket x.service"],
        ),
        (ended("forking", 600.0), {"state": "running"}, ["systemctl restart x.service"]),
        (DOWN._replace(active="failed"), {"state": "running"}, []),
        (DOWN._replace(active="failed"), {"state": "running", "enabled": True}, []),
        (DOWN._replace(active="activating", sub="auto-restart"), {"state": "running"}, []),
        (again(number=6, age=2.0), {"state": "running"}, []),
        (
            ended("forking", 5.0, sysv=True),
            {"state": "running", "enabled": False},
            ["systemctl disable x.service"],
        ),
        (ended("notify", 5.0), {"state": "running"}, []),
        (
            DOWN._replace(load="masked", file_state="masked-runtime", pullers=(LINK,), boot=STARTS),
            {"state": "running", "enabled": True},
            [
                "systemctl unmask --runtime x.service",
                "systemctl unmask x.service",
                "systemctl start x.service",
            ],
        ),
        (
            DOWN._replace(load="masked", file_state="masked-runtime", boot=STAYS),
            {"state": "running", "enabled": True},
            [
                "systemctl unmask --runtime x.service",
                "systemctl unmask x.service",
                "systemctl enable x.service",
                "systemctl start x.service",
            ],
        ),
        (DOWN._replace(change=Change(installs=False)), {"enabled": True}, []),
        (DOWN._replace(change=Change(refuses_start=True)), {"state": "running"}, []),
        (
            DOWN._replace(pullers=(Puller("a.target", "mask", False),), boot=STAYS),
            {"enabled": True},
            [],
        ),
        (
            UP._replace(change=Change(refuses_stop=True)),
            {"state": "disabled"},
            ["systemctl disable x.service"],
        ),
        (UP._replace(change=Change(linked=True)), {"enabled": False}, []),
        (
            UP._replace(boot=STARTS, pullers=(LINK, Puller("a.target", "mask", False))),
            {"enabled": False},
            [],
        ),
        (
            UP._replace(boot=STARTS, pullers=(LINK, Puller("a.target", "vendor", True))),
            {"enabled": False},
            ["systemctl disable x.service", "systemctl mask x.service"],
        ),
        (
            UP._replace(
                boot=STARTS,
                pullers=(LINK, Puller("a.target", "vendor", True)),
                change=Change(own_file=True),
            ),
            {"enabled": False},
            [],
        ),
        (
            UP._replace(
                boot=STARTS,
                pullers=(Puller("a.service", "memory", True),),
                change=Change(requirers=("a.service",)),
            ),
            {"enabled": False},
            [],
        ),
        (UP._replace(triggers=(SOCKET._replace(stays=True),)), {"enabled": False}, []),
        (DOWN._replace(type="oneshot"), {"state": "running"}, []),
        (UP._replace(change=Change(upheld=("y.service",))), {"state": "stopped"}, []),
        (DOWN._replace(file_state="static"), {"enabled": True}, []),
        (DOWN._replace(load="bad-setting"), {"state": "running"}, []),
        (DOWN._replace(load="not-found", file_state=""), {"state": "running"}, []),
    ],
)
def test_the_commands_that_mend(
    observed: Unit, declared: dict[str, Any], commands: list[str]
) -> None:
    assert mended(observed, **declared) == commands


def remedied(observed: Unit, **declared: Any) -> Remedy:
    service = Service(name="x", **declared)
    return remedy(
        service,
        observed,
        [each for each in judge(service, observed) if each.outcome is Outcome.DRIFT],
    )


@pytest.mark.parametrize(
    "observed",
    [
        DOWN._replace(load="bad-setting"),
        DOWN._replace(load="not-found", file_state=""),
        DOWN._replace(active="failed"),
        DOWN._replace(active="activating", sub="auto-restart"),
        DOWN._replace(type="oneshot"),
        DOWN._replace(file_state="static"),
        DOWN._replace(file_state="indirect"),
        DOWN._replace(change=Change(refuses_start=True)),
        DOWN._replace(change=Change(installs=False)),
        again(number=6, age=2.0),
        ended("notify", 5.0),
        UP._replace(halted="frozen"),
        UP._replace(halted="stopped"),
        UP._replace(active="deactivating"),
        DOWN._replace(
            load="masked",
            file_state="masked",
            change=Change(mask="/usr/lib/systemd/system/x.service"),
        ),
        DOWN._replace(change=Change(unmet="ConditionPathExists=/x")),
        DOWN._replace(change=Change(forgotten=True)),
        DOWN._replace(change=Change(lacks=("y.service masked",))),
        DOWN._replace(change=Change(unneeded=True)),
    ],
)
def test_where_there_is_no_command_there_is_advice(observed: Unit) -> None:
    found = remedied(observed, state="running", enabled=True)
    assert (found.commands, found.cuts) == ((), False)
    assert found.advice


@pytest.mark.parametrize("state", ["stopped", "disabled"])
def test_what_runs_without_its_unit_file_is_stopped_by_hand(state: str) -> None:
    found = remedied(UP._replace(load="not-found", file_state=""), state=state)
    assert found.commands == ()
    assert "`systemctl stop x.service` ends it" in str(found.advice)


@pytest.mark.parametrize(
    ("observed", "declared", "words"),
    [
        (UP, {"state": "stopped"}, "The next boot starts it again"),
        (DOWN, {"state": "running"}, "until the next boot"),
        (
            UP._replace(change=Change(stops=("y.service",))),
            {"state": "disabled"},
            "also stops y.service",
        ),
        (
            DOWN._replace(change=Change(starts_stop=("y.service",))),
            {"state": "running", "enabled": False},
            "Starting it stops y.service",
        ),
        (
            DOWN._replace(change=Change(also=("y.socket",))),
            {"enabled": True},
            "also changes y.socket",
        ),
        (
            UP._replace(
                file_state="static", boot=STARTS, pullers=(Puller("a.target", "vendor", True),)
            ),
            {"enabled": False},
            "nobody can start it until `systemctl unmask`",
        ),
    ],
)
def test_side_effects_of_commands_are_named(
    observed: Unit, declared: dict[str, Any], words: str
) -> None:
    found = remedied(observed, **declared)
    assert found.commands
    assert words in str(found.advice)


@pytest.mark.parametrize(
    ("name", "change", "cuts"),
    [
        ("x.service", Change(), False),
        ("x.service", Change(access=frozenset({"x.service"})), True),
        ("x.service", Change(stops=("ssh.service",)), True),
        ("x.service", Change(access=frozenset({"y.service"}), stops=("y.service",)), True),
        *(
            (name, Change(), True)
            for name in (
                "ssh.service",
                "sshd.socket",
                "ssh@1-2.service",
                "sshd-keygen@rsa.service",
                "networking.service",
            )
        ),
        *(
            (name, Change(), True)
            for name in (
                "systemd-networkd.socket",
                "NetworkManager.service",
                "wpa_supplicant@wlan0.service",
                "dhcpcd.service",
            )
        ),
        *(
            (name, Change(), True)
            for name in (
                "ufw.service",
                "nftables.service",
                "wg-quick@wg0.service",
                "openvpn-client@a.service",
                "tailscaled.service",
            )
        ),
        *(
            (name, Change(), True)
            for name in (
                "dbus.socket",
                "systemd-logind.service",
                "system.slice",
                "multi-user.target",
                "usr.mount",
            )
        ),
        *(
            (name, Change(), False)
            for name in ("cron.service", "nginx.service", "fail2ban.service", "apt-daily.timer")
        ),
    ],
)
def test_what_could_cut_off_access(name: str, change: Change, cuts: bool) -> None:
    assert remedied(UP._replace(name=name, change=change), state="disabled").cuts is cuts


def test_a_start_cuts_off_access_if_it_stops_what_carries_it_or_starts_a_firewall() -> None:
    assert remedied(
        DOWN._replace(change=Change(starts_stop=("ssh.service",))), state="running"
    ).cuts
    assert remedied(DOWN._replace(name="nftables.service"), state="running").cuts
    assert not remedied(DOWN._replace(name="nftables.service"), enabled=True).cuts


def test_an_alias_is_mended_under_its_real_name() -> None:
    assert mended(DOWN._replace(name="ssh.service"), state="running", enabled=True) == [
        "systemctl enable ssh.service",
        "systemctl start ssh.service",
    ]


def answered(*blocks: str, files: str = "", links: str = "", names: str = "") -> Unit:
    """Return the unit a.service, from an answer with these blocks and parts."""
    properties = "\n\n".join(blocks)
    return parse(
        f"== up\n== asked\na.service\n== show\n{properties}\n\n== files\n{files}\n== links\n{links}\n== names\n{names}\n== end\n".encode()
    )["a.service"]


GONE = "Id=a.service\nNames=a.service\nLoadState=not-found\nActiveState=inactive\nSubState=dead"


def test_a_name_is_not_its_own_nearest() -> None:
    unit = answered(
        GONE,
        names="etc/systemd/system/a.service\nlib/systemd/system/a.socket\n? lib/systemd/system/x.service",
    )
    assert (unit.unusable, unit.nearest) == ("/etc/systemd/system/a.service", ("a.socket",))
    (finding,) = judge(Service(name="a", state="running"), unit)
    assert (
        finding.why
        == "no such unit: /etc/systemd/system/a.service is not a file that systemd can read (a dangling link, or a directory)"
    )
    assert answered(GONE, names="lib/systemd/system/a.socket").unusable == ""


def test_an_alias_may_go_with_what_disable_removes() -> None:
    assert (
        remedied(UP._replace(name="y.service"), enabled=False).advice
        == "x is an alias of y.service and may be gone afterwards: declare y.service."
    )
    assert remedied(UP, enabled=False).advice is None


def test_a_unit_file_in_run_is_forgotten() -> None:
    block = "Id=a.service\nNames=a.service\nLoadState=loaded\nActiveState=inactive\nSubState=dead\nFragmentPath={}/a.service"
    for folder, forgotten in (
        ("/run/systemd/system", True),
        ("/run/systemd/generator.late", False),
        ("/etc/systemd/system", False),
    ):
        assert answered(block.format(folder)).change.forgotten is forgotten


def test_a_mask_is_found_where_unmask_does_not_look() -> None:
    block = "Id=a.service\nNames=a.service\nLoadState={}\nActiveState=inactive\nSubState=dead\nFragmentPath={}/a.service"
    for load, folder, mask in (
        ("masked", "/usr/local/lib/systemd/system", "/usr/local/lib/systemd/system/a.service"),
        ("masked", "/etc/systemd/system.control", "/etc/systemd/system.control/a.service"),
        ("masked", "/etc/systemd/system", ""),
        ("masked", "/run/systemd/system", ""),
        ("loaded", "/usr/lib/systemd/system", ""),
    ):
        assert answered(block.format(load, folder)).change.mask == mask


def test_a_unit_that_a_dbus_call_starts_may_start_after_a_boot() -> None:
    block = "Id=a.service\nNames=a.service\nLoadState=loaded\nActiveState=inactive\nSubState=dead\n\n== files\na.service static\n"
    for jobs, verdict in (("job dbus.socket\n", "unknown"), ("", "pass")):
        answer = f"== up\n== boot\n{jobs}complete\n== asked\na.service\n== show\n{block}== bus\norg.a a.service\n== links\n== names\n== end\n"
        unit = parse(answer.encode())["a.service"]
        assert verdicts(unit, enabled=False, state="stopped") == {
            "enabled": verdict,
            "state": "pass",
        }
        assert verdicts(unit, enabled=True) == {
            "enabled": "fail" if verdict == "pass" else "unknown"
        }


SKIPPED = "Id=a.service\nNames=a.service\nLoadState=loaded\nActiveState={}\nSubState=x\nResult={}\nExecCondition={}\nInactiveExitTimestampMonotonic={}"


@pytest.mark.parametrize(
    ("active", "result", "command", "started", "outcome"),
    [
        ("inactive", "exec-condition", "{ path=/bin/false }", 5, "unknown"),
        ("inactive", "success", "{ path=/bin/false }", 0, "unknown"),
        ("inactive", "success", "{ path=/bin/false }", 5, "pass"),
        ("active", "success", "{ path=/bin/false }", 5, "pass"),
        ("inactive", "success", "", 0, "pass"),
    ],
)
def test_a_unit_that_its_own_command_may_skip(
    active: str, result: str, command: str, started: int, outcome: str
) -> None:
    text = f"{SKIPPED.format(active, result, command, started)}\n\n== files\na.service enabled\n"
    boot = "== boot\njob a.service\ncomplete\n"
    unit = parse(
        f"== up\n{boot}== asked\na.service\n== show\n{text}== links\n== names\n== end\n".encode()
    )["a.service"]
    assert verdicts(unit, enabled=True) == {"enabled": outcome}


QUOTED = r"""Id=a.service
Names=a.service
LoadState=loaded
ActiveState=inactive
SubState=dead
TriggeredBy="x\\x2dy.socket" b.timer"""


def test_names_that_systemd_quotes() -> None:
    socket = (
        BLOCK.format(r"x\x2dy.socket")
        .replace("inactive", "active")
        .replace(r"Names=x\x2dy.socket", r'Names="x\\x2dy.socket"')
    )
    assert answered(QUOTED, socket).triggers == (
        Trigger(r"x\x2dy.socket", True, None),
        Trigger("b.timer", None, None),
    )


def test_what_a_unit_binds_to_starts_with_it() -> None:
    bound = f"{BLOCK.format('a.service')}\nBoundBy=b.service"
    link = "etc/systemd/system/multi-user.target.wants/b.service"
    assert answered(bound, files="a.service static\nb.service enabled", links=link).pullers == (
        Puller("b.service", "memory", True),
    )


def test_a_trigger_may_name_another_unit_in_its_file_or_beside_it() -> None:
    lines = (
        *(
            "etc/systemd/system/multi-user.target.wants/b.path",
            "etc/systemd/system/sockets.target.wants/c.socket",
        ),
        "etc/systemd/system/timers.target.wants/d.timer",
        "== activating",
        *(
            "etc/systemd/system/b.path:Unit = a.service",
            "lib/systemd/system/c.socket.d/x.conf:Service=a.service",
        ),
        "lib/systemd/system/d.timer:Unit=d.service",
    )
    observed = answered(BLOCK.format("a.service"), links="\n".join(lines))
    assert {*observed.triggers} == {
        Trigger("b.path", False, True),
        Trigger("c.socket", False, True),
    }


@pytest.mark.parametrize(
    ("default", "expected"),
    [
        ("graphical.target", "pass"),
        ("runlevel3.target", "pass"),
        ("rescue.target", "unknown"),
        ("", "unknown"),
    ],
)
def test_a_boot_to_another_target(default: str, expected: str) -> None:
    link = "etc/systemd/system/multi-user.target.wants/a.service"
    for state in ("enabled", "static"):
        observed = answered(
            BLOCK.format("a.service"),
            files=f"a.service {state}",
            links=f"{link}\n== default\n{default}",
        )
        assert verdicts(observed, enabled=True)["enabled"] == expected


def test_a_masked_socket_starts_nothing() -> None:
    block = QUOTED.replace(r'"x\\x2dy.socket" b.timer', "a.socket")
    link = "etc/systemd/system/sockets.target.wants/a.socket"
    states = {
        "masked": False,
        "masked-runtime": None,
        "enabled": True,
        "static": True,
        "disabled": True,
    }
    observed = {
        state: answered(
            block, BLOCK.format("a.socket"), files=f"a.socket {state}", links=link
        ).triggers
        for state in states
    }
    assert {
        state: [trigger.boots for trigger in triggers] for state, triggers in observed.items()
    } == {state: [boots] for state, boots in states.items()}


def test_units_that_may_claim_a_masked_name() -> None:
    masked = BLOCK.format("a.service").replace("loaded", "masked")
    names = [
        "? etc/systemd/system/a.service",
        "lib/systemd/system/a.service:Alias=a.service",
        "lib/systemd/system/a.socket",
        "lib/systemd/system/aa.service",
    ]
    assert answered(masked, names="\n".join(names)).claimed_by == ()
    claims = [
        "? etc/systemd/system/secret.service",
        "lib/systemd/system/b.service:Alias=c.service a.service",
    ]
    assert answered(masked, names="\n".join([*names, *claims])).claimed_by == (
        "secret.service",
        "b.service",
    )
    assert answered(masked.replace("masked", "not-found"), names="\n".join(names)).claimed_by == (
        "a.socket",
    )


def test_of_two_links_the_lasting_one_counts() -> None:
    unit = BLOCK.format("a.service") + "\nWantedBy=b.target"
    assert answered(unit, links="run/systemd/system/b.target.wants/a.service").pullers == (
        Puller("b.target", "runtime", None),
    )
    both = (
        "etc/systemd/system/b.target.wants/a.service\nrun/systemd/system/b.target.wants/a.service"
    )
    assert answered(unit, links=both).pullers == (Puller("b.target", "disk", None),)
    assert answered(unit, links="etc/systemd/system/*.wants/*").pullers == (
        Puller("b.target", "memory", None),
    )


@pytest.mark.parametrize(
    ("state", "link", "remembered", "boots"),
    [
        ("enabled", "", "", None),
        ("enabled", "etc/systemd/system/multi-user.target.wants/a.socket", "", True),
        ("enabled", "- etc/systemd/system/multi-user.target.wants/a.socket", "", None),
        ("enabled", "etc/systemd/system/graphical.target.wants/a.socket", "", None),
        ("static", "lib/systemd/system/sockets.target.wants/a.socket", "", True),
        ("static", "run/systemd/system/sockets.target.wants/a.socket", "", False),
        ("static", "lib/systemd/system/some.target.wants/a.socket", "", None),
        ("static", "", "RequiredBy=a.service", False),
        ("static", "", "RequiredBy=a.service b.service", None),
        ("disabled", "", "", False),
        ("disabled", "lib/systemd/system/sockets.target.wants/a.socket", "", True),
        ("enabled-runtime", "run/systemd/system/sockets.target.wants/a.socket", "", None),
        ("", "", "", None),
    ],
)
def test_whether_a_boot_starts_a_trigger(
    state: str, link: str, remembered: str, boots: bool | None
) -> None:
    block = QUOTED.replace(r'"x\\x2dy.socket" b.timer', "a.socket")
    observed = answered(
        block, f"{BLOCK.format('a.socket')}\n{remembered}", files=f"a.socket {state}", links=link
    )
    assert [trigger.boots for trigger in observed.triggers] == [boots]


def test_a_masked_alias_is_not_unmasked() -> None:
    observed = DOWN._replace(load="masked", file_state="masked", claimed_by=("y.service",))
    declared = Service(name="x", state="running", enabled=True)
    given = remedy(declared, observed, [*judge(declared, observed)])
    assert given.commands == ()
    assert given.advice is not None
    assert "y.service" in given.advice
