"""Services: every recorded case, and states that no case has."""

import math
import time
from typing import Any

import pytest

from power_edge.model import NotObserved, Outcome, Remedy
from power_edge.model.generated.resources.services_schema import Service
from power_edge.resources.services import RESOURCE, ask, canonical
from power_edge.resources.services.judge import judge
from power_edge.resources.services.observation import parse
from power_edge.resources.services.remedy import remedy
from power_edge.resources.services.unit import Boot, Change, Puller, Restarts, Trigger, Unit
from tests.support.cases import cases, verdict_of

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
        (DOWN._replace(active="activating", sub="start"), "unknown fail fail fail pass"),
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
        (
            UP._replace(pullers=(*UP.pullers, Puller("z.service", "disk", None))),
            "pass fail fail pass fail",
        ),
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
        (DOWN._replace(boot=STARTS, pullers=(LINK,)), "fail fail"),
        (DOWN._replace(boot=STAYS), "fail pass"),
        (DOWN._replace(boot=STAYS, pullers=(LINK,)), "fail pass"),
        (DOWN._replace(boot=Boot(False, wakers=("y.service",))), "fail unknown"),
        (DOWN._replace(boot=STAYS, triggers=(Trigger("x.socket", False, True),)), "fail fail"),
        (
            DOWN._replace(boot=Boot(False, unmet="ConditionPathExists=/x"), triggers=(SOCKET,)),
            "fail unknown",
        ),
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
        (UP._replace(boot=STAYS, sysv=True, pullers=()), "unknown pass"),
        (UP._replace(boot=STAYS, load="not-found", file_state="", pullers=()), "fail unknown"),
        (DOWN._replace(boot=STARTS, file_state="linked-runtime"), "fail fail"),
        (UP._replace(boot=STARTS, file_state="transient"), "fail fail"),
        (
            DOWN._replace(boot=Boot(False, wakers=("y.service",)), file_state="generated"),
            "unknown unknown",
        ),
        (
            DOWN._replace(boot=Boot(False, wakers=("y.service",)), file_state="enabled-runtime"),
            "unknown unknown",
        ),
        (
            DOWN._replace(boot=Boot(False, wakers=("y.service",)), file_state="masked-runtime"),
            "unknown unknown",
        ),
        (
            DOWN._replace(
                boot=STARTS,
                file_state="indirect",
                pullers=(Puller("multi-user.target", "generator", True),),
            ),
            "unknown fail",
        ),
        (DOWN._replace(boot=STAYS, file_state="indirect"), "fail pass"),
        (
            DOWN._replace(boot=Boot(False, doubt="first boot"), file_state="masked-runtime"),
            "unknown unknown",
        ),
        # No word of systemd on the next boot: links decide what they can.
        (UP._replace(goal="rescue.target"), "unknown fail"),
        (UP._replace(pullers=(Puller("multi-user.target", "mask", False),)), "fail pass"),
        (DOWN._replace(file_state="masked-runtime"), "fail pass"),
        (DOWN._replace(file_state="masked-runtime", pullers=(LINK,)), "unknown fail"),
        (DOWN._replace(file_state="masked", load="masked", pullers=(LINK,)), "fail unknown"),
        (
            UP._replace(unread="no setpriv", pullers=(Puller("multi-user.target", "mask", False),)),
            "unknown unknown",
        ),
        (DOWN._replace(unread="no setpriv", file_state="masked-runtime"), "unknown unknown"),
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
        # It ended by itself, and something that systemd does not count started it again.
        (again(age=2.0, started=100.1, ended=99.0), "unknown"),
        (again(age=59.9, started=100.1, ended=99.0), "unknown"),
        (again(age=60.0, started=100.1, ended=99.0), "pass"),
        (again(age=None, started=100.1, ended=99.0), "unknown"),
        (again(age=2.0, started=100.1, ended=30.0), "unknown"),
        (again(age=2.0, started=100.5, ended=99.0), "unknown"),
        (again(age=2.0, started=1.0, ended=99.0), "unknown"),
        (again(age=2.0, started=100.1, ended=99.0)._replace(triggers=()), "unknown"),
        (again(age=2.0, started=100.1, ended=99.0, by_itself=False), "pass"),
        (again(age=2.0, started=100.1), "pass"),
        # A mount that was unmounted, and work that was done twice.
        (again(age=2.0, started=100.1, ended=99.0)._replace(name="x.mount"), "pass"),
        (
            again(age=2.0, started=100.1, ended=99.0)._replace(type="oneshot", sub="exited"),
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
    (finding,) = judge(Service(name="x", state="running"), again(number=1, age=2.2))
    assert finding.why == "systemd restarted it once, 2 s ago"


def ended(kind: str, lasted: float | None, *, sysv: bool = False) -> Unit:
    return UP._replace(
        sub="exited", type=kind, remains=True, sysv=sysv, restarts=Restarts(lasted=lasted)
    )


@pytest.mark.parametrize(
    ("observed", "expected"),
    [
        (DOWN._replace(change=Change(upheld=("y.service",))), "unknown"),
        (DOWN._replace(load="masked", change=Change(upheld=("y.service",))), "pass"),
        (DOWN._replace(follows=("y.service",)), "pass"),
        (DOWN._replace(follows=("y.service",), restarts=Restarts(down=0.0)), "unknown"),
        (DOWN._replace(follows=("y.service",), restarts=Restarts(down=59.9)), "unknown"),
        (DOWN._replace(follows=("y.service",), restarts=Restarts(down=60.0)), "pass"),
        (DOWN._replace(follows=("y.service",), restarts=Restarts(down=None)), "unknown"),
        (DOWN._replace(restarts=Restarts(down=0.0)), "pass"),
        (UP._replace(follows=("y.service",), restarts=Restarts(down=2.0)), "fail"),
    ],
)
def test_what_another_unit_starts_again_is_not_surely_stopped(
    observed: Unit, expected: str
) -> None:
    assert verdicts(observed, state="stopped") == {"state": expected}


@pytest.mark.parametrize(
    ("observed", "expected"),
    [
        (ended("oneshot", 900.0), "pass fail"),
        (ended("forking", 0.0), "pass fail"),
        (ended("forking", 0.9), "pass fail"),
        (ended("forking", 1.0), "unknown unknown"),
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
    missing = MISSING
    down = {"state": "disabled", "enabled": False, "optional": True}
    assert verdicts(missing, **down) == {"state": "pass", "enabled": "pass"}
    assert verdicts(missing._replace(claimed_by=("ssh.service",)), **down) == {
        "state": "unknown",
        "enabled": "unknown",
    }
    assert verdicts(missing._replace(left=True), **down) == {"state": "unknown", "enabled": "pass"}
    (finding,) = judge(
        Service(name="x", state="stopped", optional=True), missing._replace(left=True)
    )
    assert finding.why == "no such unit, but processes are left in its control group"
    assert verdicts(missing, state="running", enabled=True, optional=True) == {
        "state": "fail",
        "enabled": "fail",
    }
    assert verdicts(UP, **down) == {"state": "fail", "enabled": "fail"}


def test_a_boot_may_make_a_unit_that_is_missing() -> None:
    appears = MISSING._replace(appears="a generator makes it")
    for field, value, outcome in (
        ("state", "running", "fail"),
        ("state", "stopped", "pass"),
        ("state", "disabled", "unknown"),
        ("enabled", True, "unknown"),
        ("enabled", False, "unknown"),
    ):
        assert verdicts(appears, **{field: value}, optional=True) == {field: outcome}
    (finding,) = judge(Service(name="x", enabled=False, optional=True), appears)
    assert finding.why == "no such unit, but a boot may make one: a generator makes it"


def test_what_a_boot_does_is_unknown_where_it_was_not_asked() -> None:
    for enabled in (True, False):
        for observed in (UP, DOWN):
            assert verdicts(observed._replace(boot_asked=False), enabled=enabled) == {
                "enabled": "unknown"
            }


@pytest.mark.parametrize("active", ["inactive", "failed"])
def test_what_is_missing_is_not_known_to_be_stopped(active: str) -> None:
    missing = MISSING._replace(active=active, sub=active)
    assert verdicts(missing, state="stopped") == {"state": "unknown"}
    assert verdicts(missing, state="stopped", optional=True) == {"state": "pass"}
    assert verdicts(missing, enabled=False) == {"enabled": "unknown"}


MISSING = DOWN._replace(load="not-found", file_state="")


@pytest.mark.parametrize(
    ("observed", "state", "enabled"),
    [
        (UP, "running", True),
        (UP._replace(halted="frozen"), "frozen", True),
        (UP._replace(halted="stopped"), "stopped by a signal", True),
        (UP._replace(type="oneshot", sub="exited", file_state="static"), "active (exited)", True),
        (DOWN, "stopped", False),
        (DOWN._replace(halted="frozen", file_state="bad"), "stopped", None),
        (DOWN._replace(active="failed", sub="failed"), "failed", False),
        (
            DOWN._replace(active="failed", sub="failed-before-auto-restart"),
            "failed (failed-before-auto-restart)",
            False,
        ),
        (DOWN._replace(active="activating", sub="start"), "activating (start)", False),
        (MISSING, "missing", False),
        (None, "missing", False),
    ],
)
def test_what_is_shown_of_a_drift(observed: Unit | None, state: str, enabled: bool | None) -> None:
    declared = Service(
        name="x",
        state="disabled" if state in ("running", "active (exited)") else "running",
        enabled=True,
    )
    found = {
        finding.field: (finding.expected, finding.actual) for finding in judge(declared, observed)
    }
    assert found == {"state": (declared.state, state), "enabled": (True, enabled)}


@pytest.mark.parametrize(
    ("observed", "declared", "expected"),
    [
        (UP, {"state": "running"}, ("running", "running", None)),
        (UP, {"enabled": False}, (False, True, None)),
        (DOWN, {"state": "disabled"}, ("disabled", "disabled", None)),
        (DOWN, {"enabled": False}, (False, False, None)),
        (DOWN._replace(file_state="bad"), {"enabled": True}, (True, None, "is-enabled says bad")),
        (
            DOWN._replace(queued=True),
            {"state": "stopped"},
            ("stopped", "stopped", "a job for it is queued and has not run yet"),
        ),
        (
            DOWN._replace(load="masked", file_state="masked", claimed_by=("y.service",)),
            {"state": "stopped"},
            ("stopped", None, "the name is masked, but y.service may be meant: declare that unit"),
        ),
        (MISSING, {"state": "running"}, ("running", "missing", "no such unit")),
        (
            MISSING._replace(nearest=("y.service",), claimed_by=("z.service",)),
            {"enabled": True},
            (True, False, "no such unit (nearest: z.service, y.service)"),
        ),
        (
            None,
            {"enabled": False},
            (False, None, "no such unit; declare `optional: true` if it need not exist"),
        ),
        (
            MISSING,
            {"state": "stopped", "optional": True},
            ("stopped", "stopped", "no such unit, and it is optional"),
        ),
        (
            MISSING._replace(claimed_by=("y.service",)),
            {"enabled": False, "optional": True},
            (False, None, "no such unit, but y.service may be meant: declare that unit"),
        ),
    ],
)
def test_what_is_shown_of_a_finding(
    observed: Unit | None, declared: dict[str, Any], expected: tuple[object, object, str | None]
) -> None:
    (finding,) = judge(Service(name="x", **declared), observed)
    assert (finding.expected, finding.actual, finding.why) == expected


DONE = "active (exited): it has done its work and left no process"
MASKED = DOWN._replace(load="masked", file_state="masked")


@pytest.mark.parametrize(
    ("observed", "state", "why"),
    [
        (
            UP._replace(halted="frozen"),
            "running",
            "its processes are frozen: the kernel does not run them",
        ),
        (UP._replace(halted="stopped"), "running", "its process is stopped by a signal (SIGSTOP)"),
        (UP._replace(type="oneshot", sub="exited"), "running", DONE),
        (ended("simple", 5.0), "running", DONE),
        (ended("forking", 0.0), "running", DONE),
        (UP._replace(sub="elapsed"), "running", "it will not fire again"),
        (
            UP._replace(sub="elapsed", load="not-found"),
            "running",
            "it will not fire again, its unit file is gone",
        ),
        (
            again(number=3, age=120.0, uptime=600.0),
            "running",
            "systemd restarted it 3 times, the last time 2 min ago: it may be in a restart loop",
        ),
        (
            again(number=1),
            "running",
            "systemd restarted it once, at an unknown time",
        ),
        (
            again(number=1, age=2.0, limited=True),
            "running",
            "systemd restarted it once, 2 s ago (RuntimeMaxSec= ends it regularly)",
        ),
        (
            again(age=2.0, started=100.1, ended=99.0),
            "running",
            "it ended by itself, and x.socket started it again 2 s ago: it counts as running when"
            " it has been up for 60 s",
        ),
        (
            UP._replace(restarts=Restarts(age=2.0, started=100.1, ended=99.0)),
            "running",
            "it ended by itself, and was started again 2 s ago: it counts as running when it has"
            " been up for 60 s",
        ),
        (
            DOWN._replace(change=Change(upheld=("y.service", "z.target"))),
            "stopped",
            "y.service, z.target starts it again (Upholds=)",
        ),
        (
            DOWN._replace(follows=("y.service",), restarts=Restarts(down=2.0)),
            "stopped",
            "it ended 2 s ago, and the end of y.service starts it (OnSuccess=, OnFailure=)",
        ),
        (
            DOWN._replace(follows=("y.service",), restarts=Restarts(down=None)),
            "stopped",
            "it ended at an unknown time, and the end of y.service starts it (OnSuccess=,"
            " OnFailure=)",
        ),
        (
            again(number=2, age=2.0),
            "running",
            "systemd restarted it 2 times, the last time 2 s ago",
        ),
        (
            again(number=2)._replace(active="activating", sub="start"),
            "running",
            "it is starting (start), after systemd restarted it 2 times",
        ),
        # A socket that is down has started nothing.
        (
            again(age=2.0, started=100.1, ended=99.0)._replace(
                triggers=(SOCKET._replace(active=False, changed=100.0),)
            ),
            "running",
            "it ended by itself, and was started again 2 s ago: it counts as running when it has"
            " been up for 60 s",
        ),
        (
            ended("forking", None),
            "running",
            "its processes have ended, though systemd counts it as active (RemainAfterExit)",
        ),
        (
            ended("forking", 0.0, sysv=True),
            "running",
            "its script in /etc/init.d has ended and left no process; it is unknown whether it"
            " should leave one",
        ),
        (
            ended("forking", 5.0),
            "running",
            "active (exited): its processes ended 5 s after its start; it is unknown whether they"
            " should stay",
        ),
        (
            ended("notify", 5.0),
            "running",
            "its daemon ended 5 s after its start, though systemd counts it as active"
            " (RemainAfterExit)",
        ),
        (
            UP._replace(active="a state to come"),
            "running",
            "systemd says a state to come (running)",
        ),
        (DOWN._replace(queued=True, job="start"), "running", "its start job is not done yet"),
        (MASKED, "running", "it is masked"),
        (
            DOWN._replace(load="bad-setting"),
            "running",
            "its unit file cannot be loaded (bad-setting)",
        ),
        (
            DOWN._replace(type="oneshot"),
            "running",
            "a oneshot without RemainAfterExit=yes is never active between its runs",
        ),
        (DOWN._replace(type="oneshot", remains=True), "running", None),
        (DOWN._replace(triggers=(SOCKET,)), "running", "x.socket starts it"),
        (DOWN._replace(triggers=(SOCKET._replace(active=False),)), "running", None),
        (UP, "stopped", None),
        (UP._replace(load="not-found"), "stopped", "its unit file is gone, and it still runs"),
        (
            UP._replace(active="deactivating", sub="stop-sigterm"),
            "stopped",
            "it is stopping (stop-sigterm)",
        ),
        (
            UP._replace(active="maintenance", sub="cleaning"),
            "stopped",
            "systemd says maintenance (cleaning)",
        ),
        (DOWN, "stopped", None),
        (
            DOWN._replace(active="failed", sub="failed"),
            "stopped",
            "it has failed; nothing of it runs",
        ),
        (DOWN._replace(triggers=(SOCKET,)), "stopped", "x.socket starts it"),
        (
            DOWN._replace(triggers=(SOCKET._replace(active=None),)),
            "stopped",
            "x.socket may start it: its state could not be read",
        ),
        (
            DOWN._replace(triggers=(Trigger("x.timer", True, False),)),
            "stopped",
            "x.timer starts it from time to time",
        ),
        (
            DOWN._replace(active="failed", sub="failed"),
            "disabled",
            "it has failed; nothing of it runs",
        ),
        (DOWN._replace(triggers=(SOCKET,)), "disabled", "x.socket starts it"),
        (
            DOWN._replace(triggers=(SOCKET,), pullers=(LINK,)),
            "disabled",
            "x.socket starts it, disabled, but multi-user.target starts it at boot",
        ),
    ],
)
def test_what_is_said_of_a_state(observed: Unit, state: Any, why: str | None) -> None:
    (finding,) = judge(Service(name="x", state=state), observed)
    assert finding.why == why


NOT_THERE = Puller("multi-user.target", "mask", False)
SAID_OF_A_MASK = (
    "its entry in multi-user.target.wants masks it there (it is empty, or a link to /dev/null)"
)
PERHAPS = Puller("y.service", "disk", None)
STALE = "disabled, but a link that a generator made at the last boot starts it; the next boot may make another one (`systemctl daemon-reload` settles it)"
CONFLICT = "enabled, but no boot starts it, though multi-user.target wants it (it conflicts with another unit, or cannot be loaded)"


@pytest.mark.parametrize(
    ("observed", "enabled", "why"),
    [
        (
            UP._replace(boot=STAYS, pullers=()),
            True,
            "enabled, but only as an alias: no boot starts it",
        ),
        (
            UP._replace(boot=STAYS, pullers=(Puller("x.target", "disk", False),)),
            True,
            "enabled, but only for x.target, which no boot starts",
        ),
        (UP._replace(boot=STAYS), True, CONFLICT),
        (UP._replace(boot=STAYS, pullers=(NOT_THERE,)), True, f"enabled, but {SAID_OF_A_MASK}"),
        (UP._replace(pullers=(NOT_THERE,)), True, SAID_OF_A_MASK),
        (UP._replace(pullers=()), True, "enabled, but only as an alias: no boot starts it"),
        (
            UP._replace(pullers=(Puller("x.target", "disk", False),)),
            True,
            "enabled, but only for x.target, which no boot starts",
        ),
        (
            UP._replace(pullers=(PERHAPS,)),
            True,
            "enabled for y.service; it is unknown whether a boot starts that unit",
        ),
        (
            UP._replace(boot=Boot(True, unmet="ConditionPathExists=/x")),
            True,
            "a boot skips it if ConditionPathExists=/x does not hold at that time",
        ),
        (
            UP._replace(goal="rescue.target"),
            True,
            "enabled, but this machine boots to rescue.target: it is unknown whether that starts it",
        ),
        (UP._replace(boot=Boot(True, doubt="first boot")), True, "first boot"),
        (UP._replace(boot=Boot(True, unsure="a cycle")), True, "a cycle"),
        (UP._replace(load="not-found", file_state="", boot=STAYS), True, "its unit file is gone"),
        (UP._replace(unread="no setpriv"), True, "no dry run of systemd was possible: no setpriv"),
        (
            DOWN._replace(file_state="static", unread="no setpriv"),
            True,
            "static; no boot starts it; no dry run of systemd was possible: no setpriv",
        ),
        (
            DOWN._replace(file_state="static", pullers=(LINK,)),
            True,
            "static; multi-user.target starts it",
        ),
        (
            DOWN._replace(file_state="static", pullers=(PERHAPS,)),
            True,
            "static; it is unknown whether y.service starts it at boot",
        ),
        (DOWN._replace(file_state="static"), True, "static; no boot starts it"),
        (
            DOWN._replace(file_state="static", triggers=(SOCKET,)),
            True,
            "x.socket starts it, not the boot itself",
        ),
        (DOWN._replace(file_state="static", pullers=(NOT_THERE,)), True, SAID_OF_A_MASK),
        (
            DOWN._replace(file_state="static", boot=STARTS, pullers=(LINK,)),
            True,
            "static; multi-user.target starts it",
        ),
        (DOWN._replace(file_state="static", boot=STARTS), True, "static; another unit starts it"),
        (DOWN._replace(file_state="static", boot=STAYS), True, "static; no boot starts it"),
        (
            DOWN._replace(file_state="static", boot=STAYS, triggers=(SOCKET,)),
            True,
            "x.socket starts it, not the boot itself",
        ),
        (
            DOWN._replace(file_state="static", boot=STAYS, pullers=(NOT_THERE,)),
            True,
            SAID_OF_A_MASK,
        ),
        (
            DOWN._replace(file_state="static", boot=Boot(False, wakers=("y.service",))),
            True,
            "static; y.service may start it after a boot",
        ),
        (
            DOWN._replace(file_state="enabled-runtime", boot=STARTS, pullers=(LINK,)),
            True,
            "enabled-runtime; multi-user.target starts it",
        ),
        (
            DOWN._replace(file_state="generated"),
            True,
            "generated; it is unknown whether anything starts it at boot",
        ),
        (
            DOWN._replace(boot=STARTS, pullers=(LINK,)),
            True,
            "disabled; a boot starts it only because of multi-user.target",
        ),
        (
            DOWN._replace(boot=STARTS, pullers=(Puller("multi-user.target", "generator", True),)),
            True,
            STALE,
        ),
        (
            DOWN._replace(file_state="indirect", boot=STARTS),
            True,
            "indirect; a boot starts it only because of another unit",
        ),
        (
            DOWN._replace(file_state="enabled-runtime"),
            True,
            "enabled-runtime; it is unknown whether anything starts it at boot",
        ),
        (DOWN._replace(file_state="bad"), False, "is-enabled says bad"),
        (DOWN, True, None),
        (DOWN._replace(triggers=(SOCKET,)), True, "x.socket starts it, not the boot itself"),
        (DOWN._replace(pullers=(NOT_THERE,)), True, SAID_OF_A_MASK),
        (
            DOWN._replace(boot=STAYS, triggers=(SOCKET,)),
            True,
            "x.socket starts it, not the boot itself",
        ),
        (DOWN._replace(boot=STAYS, pullers=(NOT_THERE,)), True, SAID_OF_A_MASK),
        (DOWN._replace(boot=STAYS, file_state="bad"), True, "is-enabled says bad"),
        (DOWN._replace(file_state=""), True, "is-enabled says nothing about it"),
        (MASKED, True, "masked"),
        (
            MASKED._replace(claimed_by=("y.service",)),
            False,
            "the name is masked, but y.service may be meant: declare that unit",
        ),
        (MASKED._replace(boot=STARTS), False, "masked, but a boot starts it"),
        (UP._replace(load="not-found", file_state=""), False, "its unit file is gone"),
        (DOWN._replace(file_state=""), False, "is-enabled says nothing about it"),
        (DOWN._replace(boot=Boot(True, doubt="first boot")), False, "first boot"),
        (
            DOWN._replace(boot=STARTS, pullers=(Puller("multi-user.target", "generator", True),)),
            False,
            STALE,
        ),
        (
            DOWN._replace(boot=STARTS, pullers=(LINK,)),
            False,
            "disabled, but multi-user.target starts it at boot",
        ),
        (DOWN._replace(boot=STARTS), False, "disabled, but another unit starts it at boot"),
        (
            DOWN._replace(boot=Boot(True, unmet="C=/x")),
            False,
            "another unit starts it at boot, but the boot skips it if C=/x does not hold at that time",
        ),
        (
            DOWN._replace(pullers=(LINK,)),
            False,
            "disabled, but multi-user.target starts it at boot",
        ),
        (DOWN._replace(pullers=(PERHAPS,)), False, "disabled, but y.service may start it at boot"),
        (DOWN._replace(triggers=(SOCKET,)), False, "x.socket starts it"),
        (
            DOWN._replace(triggers=(SOCKET._replace(boots=None, active=False),)),
            False,
            "x.socket may start it after a boot",
        ),
        (
            DOWN._replace(boot=Boot(False, unmet="C=/x"), triggers=(SOCKET,)),
            False,
            "x.socket may start it after a boot, unless C=/x does not hold then",
        ),
    ],
)
def test_what_is_said_of_a_boot(observed: Unit, enabled: bool, why: str | None) -> None:
    (finding,) = judge(Service(name="x", enabled=enabled), observed)
    assert finding.why == why


def test_own_tests_get_the_words_of_a_declaration() -> None:
    def fact(observed: Unit) -> Any:
        return RESOURCE.fact(observed)

    assert fact(DOWN._replace(load="not-found", file_state="")) is None
    assert fact(UP._replace(load="not-found"))["state"] == "running"  # gone, but it runs
    assert fact(UP) == {"state": "running", "enabled": True}
    assert fact(DOWN)["state"] == "stopped"
    assert isinstance(fact(DOWN._replace(active="activating", sub="start"))["state"], NotObserved)


def test_the_boot_is_a_fact_only_where_it_is_declared() -> None:
    """Another declared unit makes the probe read the job list, and no more about this one: whether
    it is enabled by itself, or may be skipped.
    """
    answer = b"== up\nx.service running\n== boot\njob x.service\ncomplete\n{}== end\n"
    told = parse(answer.replace(b"{}", b""))["x.service"]
    assert RESOURCE.fact(told) == {"state": "running", "enabled": True}
    fact: Any = RESOURCE.fact(parse(answer.replace(b"{}", b"== now\nx.service\n"))["x.service"])
    assert fact["state"] == "running"
    assert isinstance(fact["enabled"], NotObserved)


def test_an_answer_about_another_declaration_says_nothing_of_a_boot() -> None:
    answer = b"== up\nx.service running\n== boot\njob x.service\ncomplete\n{}== end\n"
    for now, expected in ((b"", Outcome.COMPLIANT), (b"== now\nx.service\n", Outcome.UNKNOWN)):
        unit = parse(answer.replace(b"{}", now))["x.service"]
        state, enabled = judge(Service(name="x", state="running", enabled=True), unit)
        assert state.outcome is Outcome.COMPLIANT
        assert enabled.outcome is expected


def test_a_missing_name_is_explained() -> None:
    case = next(case for case in cases("services") if case.name == "sshd-name-gone")
    _, (result,) = verdict_of(
        {"services": [{"name": "sshd", "state": "stopped"}]}, {"services": case.observed()}
    )
    assert (
        result.why
        == "state: no such unit (nearest: ssh.service, ssh.socket); declare `optional: true` if it need not exist"
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
    declared += [
        Service(name="g", state="running", enabled=False),
        Service(name="h", state="stopped", enabled=True),
    ]
    assert [*ask(declared)] == [
        "~a.service",
        "~=b.service",
        "=c.socket",
        "d.service",
        "=e.service",
        "f.service",
        "!g.service",
        "!h.service",
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
    answer = next(case for case in cases("services") if case.name == name).section
    whole = len(answer) - len(b"== end\n")
    for length in range(0, whole, 11):
        with pytest.raises(ValueError, match=r"cut short|not an answer|not enough"):
            parse(answer[:length])


def test_another_text_is_refused() -> None:
    with pytest.raises(ValueError, match="not an answer"):
        parse(b"Running in chroot, ignoring command 'show'\n")


TIMER = Trigger("x.timer", True, True)


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
        (
            UP._replace(triggers=(TIMER,)),
            {"state": "stopped", "enabled": False},
            ["systemctl stop x.timer x.service", "systemctl disable x.timer x.service"],
        ),
        (
            DOWN._replace(triggers=(TIMER,)),
            {"enabled": False},
            ["systemctl stop x.timer", "systemctl disable x.timer x.service"],
        ),
        (
            UP._replace(triggers=(TIMER,)),
            {"state": "stopped"},
            ["systemctl stop x.service"],
        ),
        (UP._replace(triggers=(TIMER._replace(stays=True),)), {"enabled": False}, []),
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


def remedied(observed: Unit, name: str = "x", **declared: Any) -> Remedy:
    service = Service(name=name, **declared)
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


LINKED = DOWN._replace(file_state="enabled", pullers=(LINK,))
MASKED_UNTIL_BOOT = DOWN._replace(load="masked", file_state="masked-runtime")
VENDOR = Puller("a.target", "vendor", True)
GENERATOR = Puller("c.target", "generator", True)
REMEMBERED = Puller("b.service", "memory", True)
PULLED = UP._replace(file_state="static", boot=STARTS)
OWN = PULLED._replace(change=Change(own_file=True))
UNMASK = ("systemctl unmask --runtime x.service", "systemctl unmask x.service")
UNTIL_BOOT = "It runs until the next boot: declare `enabled: true` if a boot should start it."
NO_INSTALL = "No boot starts x.service by itself, since its unit file has no usable [Install] section: make another unit want it."
MASKS = "{} wants it, so this masks it: nobody can start it until `systemctl unmask`."
NO_MASK = "`systemctl mask` does not work, since its unit file lies in /etc/systemd/system"


@pytest.mark.parametrize(
    ("observed", "declared", "commands", "advice"),
    [
        # A mask that the manager has read, one that it has not, and one whose file was not asked.
        (MASKED, {"state": "running"}, (*UNMASK, "systemctl start x.service"), None),
        (
            DOWN._replace(file_state="masked"),
            {"state": "running"},
            (*UNMASK, "systemctl start x.service"),
            None,
        ),
        (
            MASKED._replace(file_state=""),
            {"state": "running"},
            (*UNMASK, "systemctl start x.service"),
            None,
        ),
        (MASKED._replace(pullers=(LINK,)), {"enabled": True}, UNMASK, None),
        (MASKED._replace(pullers=(VENDOR,)), {"enabled": True}, UNMASK, None),
        (
            MASKED._replace(pullers=(Puller("rescue.target", "disk", False),)),
            {"enabled": True},
            (*UNMASK, "systemctl enable x.service"),
            None,
        ),
        (
            MASKED._replace(change=Change(installs=False)),
            {"enabled": True},
            (),
            f"{NO_INSTALL} Then `{UNMASK[0]}`, `{UNMASK[1]}`.",
        ),
        (
            MASKED_UNTIL_BOOT._replace(unread="no systemd-analyze"),
            {"state": "running", "enabled": True},
            (*UNMASK, "systemctl enable x.service", "systemctl start x.service"),
            None,
        ),
        (
            MASKED_UNTIL_BOOT._replace(boot=STARTS, pullers=(LINK,)),
            {"enabled": False},
            ("systemctl unmask --runtime x.service", "systemctl disable x.service"),
            None,
        ),
        (
            MASKED_UNTIL_BOOT._replace(pullers=(LINK,)),
            {"enabled": False},
            ("systemctl unmask --runtime x.service", "systemctl disable x.service"),
            None,
        ),
        # What systemctl enable does not change.
        (DOWN._replace(file_state="static"), {"enabled": True}, (), NO_INSTALL),
        (
            DOWN._replace(file_state="transient"),
            {"enabled": True},
            (),
            "`systemctl enable` does not help, since the file state is transient: put a unit file in /etc/systemd/system.",
        ),
        (
            DOWN._replace(file_state="indirect", change=Change(also=("y.socket",))),
            {"enabled": True},
            (),
            "`systemctl enable x.service` enables y.socket, not x.service itself: declare those.",
        ),
        (
            DOWN._replace(file_state="indirect"),
            {"enabled": True},
            (),
            "`systemctl enable x.service` enables other units, not x.service itself: declare those.",
        ),
        (
            DOWN._replace(change=Change(also=("y.socket",))),
            {"enabled": True},
            ("systemctl enable x.service",),
            "Enabling it also changes y.socket (Also=).",
        ),
        # What a start and a restart take along.
        (
            ended("forking", 60.0)._replace(
                change=Change(stops=("y.service",), starts_stop=("z.service",))
            ),
            {"state": "running"},
            ("systemctl restart x.service",),
            "Restarting it also restarts or stops y.service.",
        ),
        (
            DOWN._replace(change=Change(stops=("y.service",))),
            {"state": "running", "enabled": False},
            ("systemctl start x.service",),
            None,
        ),
        (LINKED, {"state": "running"}, ("systemctl start x.service",), None),
        *(
            (
                DOWN._replace(file_state=file_state),
                {"state": "running"},
                ("systemctl start x.service",),
                UNTIL_BOOT,
            )
            for file_state in ("linked", "enabled-runtime")
        ),
        # What no start helps.
        (
            DOWN._replace(restarts=Restarts(number=3)),
            {"state": "running"},
            (),
            "It keeps ending: find the reason with `journalctl -u x.service`.",
        ),
        (
            DOWN._replace(change=Change(lacks=("y.service masked",))),
            {"state": "running"},
            (),
            "systemd does not start x.service: it requires y.service, which cannot be loaded (masked).",
        ),
        (
            UP._replace(halted="stopped"),
            {"state": "running"},
            (),
            "Its process is stopped by a signal: run `systemctl kill -s CONT x.service`, or continue it with the program that stopped it.",
        ),
        # Stops.
        (
            UP._replace(triggers=(TIMER,)),
            {"state": "disabled"},
            ("systemctl stop x.timer x.service", "systemctl disable x.timer x.service"),
            None,
        ),
        (LINKED, {"state": "disabled"}, ("systemctl disable x.service",), None),
        (
            LINKED._replace(active="failed"),
            {"state": "disabled"},
            ("systemctl disable x.service",),
            None,
        ),
        (
            UP._replace(change=Change(refuses_stop=True)),
            {"state": "stopped"},
            (),
            "systemd refuses to stop x.service by hand (RefuseManualStop=yes): it stops with the unit that it belongs to, or at the next shutdown.",
        ),
        (
            UP._replace(change=Change(upheld=("y.service",))),
            {"state": "stopped"},
            (),
            "y.service would start it again at once (Upholds=): stop y.service first, or remove x.service from its Upholds=.",
        ),
        (UP, {"state": "stopped", "enabled": True}, ("systemctl stop x.service",), None),
        (
            UP._replace(file_state="static"),
            {"state": "stopped"},
            ("systemctl stop x.service",),
            None,
        ),
        (
            UP,
            {"state": "disabled"},
            ("systemctl stop x.service", "systemctl disable x.service"),
            None,
        ),
        (
            UP._replace(file_state="masked", boot=STARTS, pullers=(VENDOR,)),
            {"state": "disabled"},
            (),
            "It is masked, but a boot starts it: look at `systemctl cat x.service`. Then `systemctl stop x.service`.",
        ),
        # What disable leaves.
        (
            UP._replace(boot=STARTS, pullers=(LINK,)),
            {"enabled": False},
            ("systemctl disable x.service",),
            None,
        ),
        (
            UP._replace(boot=STARTS, pullers=(LINK, VENDOR._replace(boots=False))),
            {"enabled": False},
            ("systemctl disable x.service",),
            None,
        ),
        (
            UP._replace(boot=STARTS, pullers=(GENERATOR,), sysv=True),
            {"enabled": False},
            ("systemctl disable x.service",),
            None,
        ),
        (
            UP._replace(change=Change(also=("y.socket",))),
            {"enabled": False},
            ("systemctl disable x.service",),
            "Disabling it also changes y.socket (Also=).",
        ),
        *(
            (
                unit._replace(pullers=(puller,)),
                {"enabled": False},
                ("systemctl mask x.service",),
                MASKS.format(puller.name),
            )
            for unit, puller in (
                (PULLED, VENDOR),
                (PULLED, GENERATOR),
                (PULLED._replace(boot=None), VENDOR),
            )
        ),
        (
            PULLED._replace(pullers=(VENDOR,), triggers=(SOCKET,)),
            {"enabled": False},
            (),
            "a.target and x.socket start it: run `systemctl disable x.socket`, and `systemctl mask x.service` if nothing else should start it.",
        ),
        (
            PULLED._replace(pullers=(REMEMBERED,), change=Change(requirers=("b.service",))),
            {"enabled": False},
            (),
            "b.service requires it and would fail without it: change that unit first.",
        ),
        (
            OWN._replace(pullers=(VENDOR,)),
            {"enabled": False},
            (),
            f"{NO_MASK}: mask the entry: `ln -s /dev/null /etc/systemd/system/a.target.wants/x.service`.",
        ),
        (
            OWN._replace(pullers=(REMEMBERED,)),
            {"enabled": False},
            (),
            f"{NO_MASK}: remove x.service from Wants= of b.service.",
        ),
        (
            OWN._replace(pullers=(VENDOR, GENERATOR, REMEMBERED)),
            {"enabled": False},
            (),
            f"{NO_MASK}: mask the entry: `ln -s /dev/null /etc/systemd/system/a.target.wants/x.service` and `ln -s /dev/null /etc/systemd/system/c.target.wants/x.service`, and remove x.service from Wants= of b.service.",
        ),
    ],
)
def test_what_is_printed_for_a_drift(
    observed: Unit, declared: dict[str, Any], commands: tuple[str, ...], advice: str | None
) -> None:
    found = remedied(observed, **declared)
    assert tuple(" ".join(argv) for argv in found.commands) == commands
    assert found.advice == advice


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
    unit = UP._replace(name=name, change=change)
    assert remedied(unit, name, state="disabled").cuts is cuts


def test_a_start_cuts_off_access_if_it_stops_what_carries_it_or_starts_a_firewall() -> None:
    assert remedied(
        DOWN._replace(change=Change(starts_stop=("ssh.service",))), state="running"
    ).cuts
    assert remedied(DOWN._replace(name="nftables.service"), state="running").cuts
    assert not remedied(DOWN._replace(name="nftables.service"), enabled=True).cuts
    assert not remedied(MASKED._replace(name="ssh.service", pullers=(LINK,)), enabled=True).cuts


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


def whole(block: str = "", up: str = "", **parts: str) -> dict[str, Unit]:
    """Return the units of an answer about a.service; `block`: more lines of its block of `systemctl
    show`; `parts`: the other parts.
    """
    block = f"{BLOCK.format('a.service')}\n{block}".strip()
    rest = "".join(f"== {name}\n{text}\n" for name, text in parts.items())
    return parse(
        f"== up\n{up}\n{rest}== asked\na.service\n== show\n{block}\n\n== end\n".encode(
            "utf-8", "surrogateescape"
        )
    )


def field_of(unit: Unit, field: str) -> object:
    """A field, or one of a part of it: `restarts.age`."""
    found: object = unit
    for name in field.split("."):
        found = getattr(found, name)
    return found


def test_what_is_plainly_up_is_enabled_where_the_job_list_has_it() -> None:
    up = "b.service running\nc.service waiting"
    units = whole(up=up, boot="job b.service\ncomplete")
    assert units["b.service"] == Unit(
        "b.service", "loaded", "active", "running", "enabled", boot=Boot(True)
    )
    assert units["c.service"] == Unit("c.service", "loaded", "active", "waiting", "")
    assert whole(up=up, boot="why no setpriv")["b.service"] == Unit(
        "b.service", "loaded", "active", "running", ""
    )


@pytest.mark.parametrize(
    ("part", "text", "field", "value"),
    [
        ("boot", "why no setpriv", "unread", "no setpriv"),
        ("halted", "b.service stopped\na.service frozen", "halted", "frozen"),
        ("jobs", "\nb.service start\na.service stop", "job", "stop"),
        ("left", "a.slice", "left", True),
        ("files", "b.service masked\na.service static", "file_state", "static"),
        ("files", "a.service", "file_state", ""),
        ("default", "rescue.target", "goal", "rescue.target"),
        ("active", "b.service", "change.starts_stop", ("b.service",)),
        ("way", "b.service", "change.access", frozenset({"b.service"})),
        (
            "install",
            "a.service Also=b.service c.service",
            "change.also",
            ("b.service", "c.service"),
        ),
        (
            "vain",
            "a.service unmet ConditionPathExists=/x y",
            "change.unmet",
            "ConditionPathExists=/x y",
        ),
        ("vain", "a.service ready", "change.ready", True),
        (
            "vain",
            "a.service unheard now it listens on a path",
            "change.unheard",
            "it listens on a path",
        ),
        ("vain", "a.service unheard boot a path", "change.unheard_at_boot", "a path"),
        ("install", "a.service Also=a.service b.service b.service", "change.also", ("b.service",)),
        ("vain", "a.service lacks b.service masked", "change.lacks", ("b.service masked",)),
        ("clock", "1000 50.5 20.0", "restarts.uptime", 50.5),
        ("up", "\udcff.service running", "name", "a.service"),
    ],
)
def test_each_part_of_an_answer_is_read(part: str, text: str, field: str, value: object) -> None:
    block = "ControlGroup=/a.slice\nConflicts=b.service"
    assert field_of(whole(block, **{part: text})["a.service"], field) == value
    assert (
        part == "up" or text == "a.service" or field_of(whole(block)["a.service"], field) != value
    )


UP_SINCE = "ActiveState=active\nActiveEnterTimestampMonotonic="


@pytest.mark.parametrize(
    ("block", "field", "value"),
    [
        ("Type=oneshot", "type", "oneshot"),
        ("RemainAfterExit=yes", "remains", True),
        ("RemainAfterExit=no", "remains", False),
        ("Job=7", "queued", True),
        ("Job=0", "queued", False),
        ("Job=", "queued", False),
        ("ControlGroup=/b.slice", "left", False),
        ("SourcePath=/etc/init.d/a", "sysv", True),
        ("SourcePath=/etc/a.conf", "sysv", False),
        ("NRestarts=12", "restarts.number", 12),
        ("NRestarts=[not set]", "restarts.number", 0),
        ("RuntimeMaxUSec=5s", "restarts.limited", True),
        ("RuntimeMaxUSec=infinity", "restarts.limited", False),
        ("RuntimeMaxUSec=0", "restarts.limited", False),
        ("RuntimeMaxUSec=", "restarts.limited", False),
        ("OnSuccessOf=b.service\nOnFailureOf=c.service", "follows", ("b.service", "c.service")),
        ("InactiveExitTimestampMonotonic=2500000", "restarts.started", 2.5),
        ("InactiveExitTimestampMonotonic=[not set]", "restarts.started", 0.0),
        ("ActiveExitTimestampMonotonic=2500000", "restarts.ended", 2.5),
        (
            "StateChangeTimestampMonotonic=5000000\nActiveEnterTimestampMonotonic=2000000",
            "restarts.lasted",
            3.0,
        ),
        (
            "StateChangeTimestampMonotonic=1000000\nActiveEnterTimestampMonotonic=2000000",
            "restarts.lasted",
            0.0,
        ),
        (
            "StateChangeTimestampMonotonic=5000000\nActiveEnterTimestampMonotonic=0",
            "restarts.lasted",
            None,
        ),
        (f"{UP_SINCE}40500000", "restarts.age", 10.0),
        (f"{UP_SINCE}40500000".replace("=active", "=reloading"), "restarts.age", 10.0),
        (f"{UP_SINCE}40500000".replace("=active", "=refreshing"), "restarts.age", 10.0),
        (f"{UP_SINCE}40500000".replace("=active", "=inactive"), "restarts.age", None),
        (f"{UP_SINCE}51500000", "restarts.age", -1.0),
        (f"{UP_SINCE}51600000", "restarts.age", None),
        (f"{UP_SINCE}0\nActiveEnterTimestamp=Thu 1970-01-01 00:16:30 UTC", "restarts.age", 10.0),
        (
            f"{UP_SINCE}45500000\nActiveEnterTimestamp=Thu 1970-01-01 00:16:30 UTC",
            "restarts.age",
            5.0,
        ),
        (
            f"{UP_SINCE}35500000\nActiveEnterTimestamp=Thu 1970-01-01 00:16:30 UTC",
            "restarts.age",
            10.0,
        ),
        (
            f"{UP_SINCE}35500000\nActiveEnterTimestamp=Thu 1970-01-01 00:16:42 UTC",
            "restarts.age",
            15.0,
        ),
        ("RefuseManualStart=yes", "change.refuses_start", True),
        ("RefuseManualStop=yes", "change.refuses_stop", True),
        ("FragmentPath=/etc/systemd/system/a.service", "change.own_file", True),
        ("FragmentPath=/lib/systemd/system/a.service", "change.own_file", False),
        ("FragmentPath=/run/systemd/transient/a.service", "change.forgotten", True),
        ("StopWhenUnneeded=yes", "change.unneeded", True),
        ("RequiredBy=b.service c.service", "change.stops", ("b.service",)),
        ("BoundBy=b.service", "change.stops", ("b.service",)),
        ("ConsistsOf=b.service", "change.stops", ("b.service",)),
        ("PropagatesStopTo=b.service", "change.stops", ("b.service",)),
        ("Conflicts=b.service", "change.starts_stop", ("b.service",)),
        ("ConflictedBy=b.service", "change.starts_stop", ("b.service",)),
        ("UpheldBy=b.service c.service", "change.upheld", ("b.service",)),
        ("RequiredBy=b.service b.service", "change.stops", ("b.service",)),
        ("RequiredBy=b.service d.service", "change.requirers", ("b.service",)),
        ("BoundBy=b.service", "change.requirers", ("b.service",)),
    ],
)
def test_each_setting_of_a_unit_is_read(block: str, field: str, value: object) -> None:
    assert (
        field_of(
            whole(block, active="b.service", clock="1000 50.5 20.0", files="d.service disabled")[
                "a.service"
            ],
            field,
        )
        == value
    )


@pytest.mark.parametrize(
    ("block", "vain", "ready"),
    [
        ("", "ready", True),
        ("NeedDaemonReload=no", "ready", True),
        ("", "unmet ready", False),
        # What was checked is what systemd remembers, and its own command may skip it.
        ("NeedDaemonReload=yes", "ready", False),
        ("ExecCondition={ path=/bin/false }", "ready", False),
    ],
)
def test_whether_nothing_keeps_a_socket_from_starting_it(
    block: str, vain: str, ready: bool
) -> None:
    assert whole(block, vain=f"a.service {vain}")["a.service"].change.ready is ready


@pytest.mark.parametrize(
    ("load", "boot", "appears"),
    [
        ("not-found", "unsure a.service a generator", "a generator"),
        ("not-found", "why no setpriv\nunsure * a generator", "a generator"),
        ("not-found", "unsure * any\nunsure a.service this", "this"),
        ("not-found", "unsure b.service a generator\ncomplete", ""),
        ("loaded", "unsure a.service a generator\ncomplete", ""),
    ],
)
def test_what_a_boot_may_make_of_a_missing_name(load: str, boot: str, appears: str) -> None:
    assert whole(f"LoadState={load}", boot=boot)["a.service"].appears == appears


@pytest.mark.parametrize(
    ("block", "install", "boot", "installs"),
    [
        ("", "WantedBy=multi-user.target", "", True),
        ("", "RequiredBy = multi-user.target", "", True),
        ("", "UpheldBy=x.target multi-user.target", "", True),
        ("", "WantedBy=default.target", "", True),
        ("", "WantedBy=x.target", "", False),
        ("", "WantedBy=x.target", "job x.target\ncomplete", True),
        ("", "WantedBy=x.target", "trap t", False),
        ("", "WantedBy=x.target", "trap t\njob x.target", True),
        ("", "Also=multi-user.target", "", False),
        ("SourcePath=/etc/init.d/a", "", "", True),
        ("SourcePath=/etc/a", "", "", False),
    ],
)
def test_whether_enable_makes_a_boot_start_it(
    block: str, install: str, boot: str, installs: bool
) -> None:
    parts = {"boot": boot} if boot else {}
    change = whole(
        block, install=f"a.service linked\na.service {install}", files="x.target disabled", **parts
    )["a.service"].change
    assert (change.installs, change.linked) == (installs, True)
    assert not whole(block, install="a.service ", **parts)["a.service"].change.linked


def times(left: float, down: float, *more: str) -> str:
    """A service that has been up since second 9, by `systemctl show`."""
    return "\n".join(
        [
            "ActiveState=active\nActiveEnterTimestampMonotonic=9000000",
            f"ActiveExitTimestampMonotonic={left * 1e6:.0f}",
            f"InactiveEnterTimestampMonotonic={down * 1e6:.0f}",
            *more,
        ]
    )


OLD = ("Restart=always", "RestartUSec=500ms")
NEW = (*OLD, "RestartMode=normal")


@pytest.mark.parametrize(
    ("block", "journal", "by_itself"),
    [
        (times(8.0, 8.0), "", True),
        (times(8.0, 8.001), "", False),
        # RestartMode=direct: it was down before, or never.
        (times(8.0, 0.0, *NEW), "", True),
        (times(8.0, 7.9, *NEW), "", True),
        # Commands of its own run after its end.
        (times(8.0, 8.001, "ExecStop={ x }"), "", True),
        (times(8.0, 8.001, "ExecStopPost={ x }"), "", True),
        # Before systemd 254 an automatic restart is a stop as well.
        (times(8.0, 8.5, *OLD), "", True),
        (times(8.0, 8.499, *OLD), "", False),
        (times(8.0, 8.5, *NEW), "", False),
        (times(8.0, 8.5, "Restart=no", "RestartUSec=500ms"), "", False),
        (times(8.0, 8.5, "Restart=always", "RestartUSec=infinity"), "", False),
        (times(8.0, 8.5, "Restart=always", "RestartUSec=1min 1s"), "", False),
        (times(1.0, 8.5, "Restart=always", "RestartUSec=2s 1ms 1us"), "", True),
        (times(8.0, 8.5, "Restart=always", "RestartUSec=1h"), "", False),
        (times(8.0, 8.5, "Restart=always", "RestartUSec=1d"), "", False),
        (times(8.0, 8.5, "Restart=always", "RestartUSec=an age"), "", True),
        (times(8.0, 8.5, "Restart=always"), "", True),
        (times(8.0, 8.5, "Restart=always", "RestartUSec=1w"), "", True),
        # The journal knows better.
        (times(8.0, 8.001), "start 9.0", True),
        (times(0.5, 0.501), "start 9.0", True),
        (times(8.0, 8.001), "start 9.0\nstop 7.0", True),
        (times(8.0, 8.001), "start 9.0\nstop 8.1", False),
        (times(8.0, 8.0), "start 9.0\nstop 7.95", False),
        (times(8.0, 8.0), "start 9.0\nstop 7.9", False),
        (times(8.0, 8.001, "ExecStop={ x }"), "start 8.95\nstop 8.0", False),
        (times(8.0, 8.5, *OLD), "start 9.1\nstop 8.0", False),
        # It does not have the present start: it may lack a stop as well.
        (times(8.0, 8.001), "start 5.0", False),
        (times(8.0, 8.001), "start 8.9", False),
        (times(8.0, 8.0), "start 5.0\nstop 8.0", True),
        # systemd has forgotten that it was up before.
        (times(0.0, 0.0), "start 9.0\nbefore 3.0", True),
        # It had been up for a minute: a person has started it after a crash.
        (times(99.0, 99.001), "start 100.0\nbefore 39.1", True),
        (times(99.0, 99.001), "start 100.0\nbefore 39.0", False),
        (times(0.0, 0.0), "start 9.0\nbefore 3.0\nstop 4.0", False),
        (times(0.0, 0.0), "start 9.0\nbefore 3.0\nstop 2.0", True),
    ],
)
def test_whether_a_service_ended_by_itself(block: str, journal: str, by_itself: bool) -> None:
    again = "\n".join(f"a.service {line}" for line in journal.splitlines())
    restarts = whole(block, again=f"b.service stop 8.0\n{again}")["a.service"].restarts
    assert (restarts.ended > 0.0, restarts.by_itself) == (True, by_itself)


@pytest.mark.parametrize("journal", ["", "a.service start 9.0", "a.service start 5.0"])
def test_a_first_start_comes_after_no_end(journal: str) -> None:
    assert not whole(times(0.0, 0.0), again=journal)["a.service"].restarts.ended


@pytest.mark.parametrize(
    ("block", "down"),
    [
        ("InactiveEnterTimestampMonotonic=2000000", 7.0),
        (
            "InactiveEnterTimestampMonotonic=2000000\n"
            "InactiveEnterTimestamp=Thu 1970-01-01 00:16:35 UTC",
            5.0,
        ),
        ("InactiveEnterTimestampMonotonic=99000000", None),
        ("InactiveEnterTimestampMonotonic=0\nInactiveEnterTimestamp=", math.inf),
    ],
)
def test_how_long_it_has_been_down(block: str, down: float | None) -> None:
    assert whole(block, clock="1000 9.0 9.0")["a.service"].restarts.down == down


def test_what_an_answer_does_not_say_is_nothing() -> None:
    assert whole()["a.service"] == Unit(
        "a.service", "loaded", "inactive", "dead", "", change=Change(installs=False)
    )
    assert parse(
        b"== up\n== asked\na.service\n== show\nId=a.service\nLoadState=loaded\nActiveState=active\nSubState=x\n\n== end\n"
    ) == {
        "a.service": Unit("a.service", "loaded", "active", "x", "", change=Change(installs=False))
    }


VAGUE, B = "a unit that it requires may fail to start", "b.service may fail"
EARLY = "the kernel's command line of this boot adds or masks it, and the next one may not"
FORGOTTEN = "it is an alias of b.service that a boot may forget"
GENERATED = (
    "the source of its generated unit file has changed since (`systemctl daemon-reload` settles it)"
)


@pytest.mark.parametrize(
    ("block", "jobs", "boot"),
    [
        ("", "complete", Boot(False)),
        ("", "job a.service\ncomplete", Boot(True)),
        ("Names=a.service b.service", "job b.service\ncomplete", Boot(True)),
        (
            "",
            "wakes b.timer a.service\nwakes c.service a.service\nwakes d.service b.service\ncomplete",
            Boot(False, wakers=("b.timer", "c.service")),
        ),
        ("TriggeredBy=b.timer", "wakes b.timer a.service\ncomplete", Boot(False)),
        ("", "job a.service\nwakes b.timer a.service\ncomplete", Boot(True)),
        (
            "",
            "trap the next boot installs updates",
            Boot(False, doubt="the next boot installs updates"),
        ),
        ("", "early a.service\ncomplete", Boot(False, doubt=EARLY)),
        ("", "early b.service\ncomplete", Boot(False)),
        (
            "NeedDaemonReload=yes\nFragmentPath=/run/systemd/generator.late/a.service",
            "complete",
            Boot(False, doubt=GENERATED),
        ),
        (
            "NeedDaemonReload=no\nFragmentPath=/run/systemd/generator.late/a.service",
            "complete",
            Boot(False),
        ),
        (
            "NeedDaemonReload=yes\nFragmentPath=/etc/systemd/system/a.service",
            "complete",
            Boot(False),
        ),
        (
            "Id=b.service\nNames=a.service b.service",
            "job b.service\nunloaded a.service\ncomplete",
            Boot(True, doubt=FORGOTTEN),
        ),
        ("Id=b.service\nNames=a.service b.service", "job b.service\ncomplete", Boot(True)),
        (
            "Id=b.service\nNames=a.service b.service",
            "wakes b.timer b.service\nunloaded a.service\ncomplete",
            Boot(False, wakers=("b.timer",), doubt=FORGOTTEN),
        ),
        (
            "Id=b.service\nNames=a.service b.service\nTriggeredBy=b.timer",
            "unloaded a.service\ncomplete",
            Boot(False, doubt=FORGOTTEN),
        ),
        ("NeedDaemonReload=yes", "complete", Boot(False)),
        ("", "job dbus.socket\ncomplete", Boot(False)),
        ("Id=b.service\nNames=a.service b.service", "unloaded a.service\ncomplete", Boot(False)),
        ("", "job a.service\nunloaded a.service\ncomplete", Boot(True)),
        (
            "Id=b.slice\nNames=a.service b.slice",
            "complete",
            Boot(False, doubt="systemd creates it by itself when it is needed"),
        ),
        ("Id=b.slice\nNames=a.service b.slice", "job b.slice\ncomplete", Boot(True)),
        (
            "",
            "job a.service\nunmet a.service ConditionPathExists=/x y\ncomplete",
            Boot(True, unmet="ConditionPathExists=/x y"),
        ),
        ("", "unmet b.service ConditionPathExists=/x\ncomplete", Boot(False)),
        # Whatever is said of an alias is said of the unit.
        (
            "Names=a.service b.service",
            "job a.service\nunmet b.service C=/x\ncomplete",
            Boot(True, unmet="C=/x"),
        ),
        ("Names=a.service b.service", "early b.service\ncomplete", Boot(False, doubt=EARLY)),
        (
            "Names=a.service b.service",
            "wakes c.service b.service\ncomplete",
            Boot(False, wakers=("c.service",)),
        ),
        (
            "Names=a.service b.service",
            "unsure b.service a cycle\ncomplete",
            Boot(False, unsure="a cycle"),
        ),
        (
            "Names=a.service b.service",
            "job dbus.socket\ncomplete\n== bus\norg.b b.service",
            Boot(False, wakers=("a D-Bus call to org.b",)),
        ),
        ("", "job dbus.socket\ncomplete\n== bus\norg.b b.service", Boot(False)),
        ("", "complete\n== bus\norg.a a.service", Boot(False)),
        ("", "unsure a.service a cycle\ncomplete", Boot(False, unsure="a cycle")),
        ("", "unsure * a clock\ncomplete", Boot(False, unsure="a clock")),
        # If there are several reasons, one that names a unit is reported.
        *(
            (
                "",
                f"unsure a.service {one}\nunsure a.service {other}\ncomplete",
                Boot(False, unsure=B),
            )
            for one, other in ((VAGUE, B), (B, VAGUE))
        ),
        ("", "unsure b.service a cycle\ncomplete", Boot(False)),
        ("", "why no setpriv", None),
        ("", "job a.service", None),
    ],
)
def test_what_is_told_of_the_next_boot(block: str, jobs: str, boot: Boot | None) -> None:
    assert whole(block, boot=jobs)["a.service"].boot == boot


SOCKET_LINK = "etc/systemd/system/sockets.target.wants/b.socket"
SOCKETS = "Id=b.socket\nLoadState=loaded\nActiveState={}\nSubState=x\nStateChangeTimestampMonotonic=2500000"


@pytest.mark.parametrize(
    ("block", "parts", "triggers"),
    [
        ("TriggeredBy=b.socket", {}, (Trigger("b.socket", None, None),)),
        (
            "TriggeredBy=b.socket",
            {"files": "b.socket static"},
            (Trigger("b.socket", None, None, stays=True),),
        ),
        (
            f"TriggeredBy=b.socket\n\n{SOCKETS.format('active')}",
            {},
            (Trigger("b.socket", True, None, 2.5),),
        ),
        (
            f"TriggeredBy=b.socket\n\n{SOCKETS.format('inactive')}",
            {},
            (Trigger("b.socket", False, None, 2.5),),
        ),
        (
            f"TriggeredBy=b.socket\n\n{SOCKETS.format('failed')}",
            {},
            (Trigger("b.socket", False, None, 2.5),),
        ),
        (
            "TriggeredBy=b.timer",
            {"boot": "job b.timer\ncomplete"},
            (Trigger("b.timer", None, True),),
        ),
        (
            "TriggeredBy=b.timer",
            {
                "boot": "job b.timer\ncomplete",
                "links": "lib/systemd/system/timers.target.wants/b.timer",
            },
            (Trigger("b.timer", None, True, stays=True),),
        ),
        (
            "TriggeredBy=b.timer",
            {
                "boot": "job b.timer\ncomplete",
                "links": "run/systemd/generator.late/timers.target.wants/b.timer",
            },
            (Trigger("b.timer", None, True, stays=True),),
        ),
        (
            "TriggeredBy=b.timer",
            {
                "boot": "job b.timer\ncomplete",
                "links": "etc/systemd/system/timers.target.wants/b.timer",
            },
            (Trigger("b.timer", None, True),),
        ),
        ("TriggeredBy=b.timer", {"boot": "complete"}, (Trigger("b.timer", None, False),)),
        (
            "TriggeredBy=b.timer",
            {"boot": "wakes c.timer b.timer\ncomplete"},
            (Trigger("b.timer", None, None),),
        ),
        (
            "TriggeredBy=b.timer",
            {"boot": "unsure b.timer a cycle\ncomplete"},
            (Trigger("b.timer", None, None),),
        ),
        (
            "TriggeredBy=b.timer",
            {"boot": "trap t\njob b.timer\ncomplete"},
            (Trigger("b.timer", None, None),),
        ),
        (
            "TriggeredBy=b.socket",
            {"boot": "job b.socket\nunmet b.socket ConditionPathExists=/x\ncomplete"},
            (Trigger("b.socket", None, None),),
        ),
        (
            "TriggeredBy=b.socket",
            {"boot": "job b.socket\nearly b.socket\ncomplete"},
            (Trigger("b.socket", None, None),),
        ),
        (
            "TriggeredBy=b.socket",
            {"boot": "job b.socket\nunmet c.socket ConditionPathExists=/x\ncomplete"},
            (Trigger("b.socket", None, True),),
        ),
        (
            "",
            {"boot": "wakes b.timer a.service\njob b.timer\ncomplete"},
            (Trigger("b.timer", False, True),),
        ),
        (
            "",
            {"boot": "wakes b.socket a.service\njob b.socket\ncomplete"},
            (Trigger("b.socket", False, True),),
        ),
        (
            "",
            {"boot": "wakes b.path a.service\njob b.path\ncomplete"},
            (Trigger("b.path", False, True),),
        ),
        ("", {"boot": "wakes b.service a.service\njob b.service\ncomplete"}, ()),
        ("", {"boot": "wakes b.timer a.service\ncomplete"}, ()),
        (
            "Names=a.service c.service",
            {"boot": "wakes b.timer c.service\njob b.timer\ncomplete"},
            (Trigger("b.timer", False, True),),
        ),
        (
            "Names=a.service c.service",
            {"links": SOCKET_LINK, "activating": "x/b.socket:Service=c.service"},
            (Trigger("b.socket", False, True),),
        ),
        (
            "",
            {"links": SOCKET_LINK, "activating": "x/b.socket:Service=a.service"},
            (Trigger("b.socket", False, True),),
        ),
        ("", {"links": SOCKET_LINK, "activating": "x/b.socket:Service=c.service"}, ()),
        # A line that names no unit says nothing about the lines after it.
        (
            "",
            {
                "links": SOCKET_LINK,
                "activating": "x/c.socket:Service\nx/b.socket:Service=a.service",
            },
            (Trigger("b.socket", False, True),),
        ),
        (
            "",
            {"links": SOCKET_LINK.replace("b.socket", "a.socket")},
            (Trigger("a.socket", False, True),),
        ),
        (
            "",
            {"links": "etc/systemd/system/timers.target.wants/a.timer"},
            (Trigger("a.timer", False, True),),
        ),
        (
            "",
            {"links": "etc/systemd/system/multi-user.target.wants/a.path"},
            (Trigger("a.path", False, True),),
        ),
        (
            "",
            {"links": SOCKET_LINK.replace("b.socket", "a.socket"), "default": "rescue.target"},
            (Trigger("a.socket", False, None),),
        ),
        (
            "",
            {"links": "? " + SOCKET_LINK.replace("b.socket", "a.socket")},
            (Trigger("a.socket", False, None),),
        ),
        ("", {"links": "- " + SOCKET_LINK.replace("b.socket", "a.socket")}, ()),
        ("", {"links": SOCKET_LINK.replace("b.socket", "a.socket").replace("etc/", "run/")}, ()),
        (
            "",
            {
                "links": SOCKET_LINK.replace("b.socket", "a.socket").replace(
                    "sockets.target", "x.target"
                )
            },
            (),
        ),
        (
            "TriggeredBy=a.socket",
            {"links": SOCKET_LINK.replace("b.socket", "a.socket")},
            (Trigger("a.socket", None, True),),
        ),
    ],
)
def test_what_may_start_a_unit(
    block: str, parts: dict[str, str], triggers: tuple[Trigger, ...]
) -> None:
    assert whole(block, **parts)["a.service"].triggers == triggers


def test_the_clock_of_a_node_is_read_as_utc_wherever_this_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        block = f"{UP_SINCE}0\nActiveEnterTimestamp=Thu 1970-01-01 00:16:30 UTC"
        assert whole(block, clock="1000 50.5 20.0")["a.service"].restarts.age == 10.0
    finally:
        monkeypatch.undo()
        time.tzset()


ENTRY = "etc/systemd/system/multi-user.target.wants/a.service"


@pytest.mark.parametrize(
    ("links", "boot", "pullers"),
    [
        (ENTRY, "", (LINK,)),
        (f"? {ENTRY}", "", (LINK._replace(boots=None),)),
        (f"- {ENTRY}", "", (NOT_THERE,)),
        (
            f"{ENTRY}\n- run/systemd/system/multi-user.target.wants/a.service",
            "",
            (LINK._replace(boots=None),),
        ),
        (
            f"{ENTRY}\n- etc/systemd/system/x.target.wants/a.service",
            "",
            (Puller("x.target", "mask", False), LINK),
        ),
        ("lib/systemd/system/multi-user.target.wants/a.service", "", (LINK._replace(by="vendor"),)),
        (
            "run/systemd/generator.late/multi-user.target.wants/a.service",
            "",
            (LINK._replace(by="generator"),),
        ),
        (
            "run/systemd/system/multi-user.target.wants/a.service",
            "",
            (LINK._replace(by="runtime"),),
        ),
        (
            f"{ENTRY}\n- run/systemd/system/multi-user.target.wants/a.service",
            "complete",
            (NOT_THERE,),
        ),
        (
            f"{ENTRY}\netc/systemd/system/x.target.wants/a.service\n- run/systemd/system/multi-user.target.wants/a.service",
            "complete",
            (NOT_THERE, Puller("x.target", "disk", False)),
        ),
        (
            f"{ENTRY}\n- run/systemd/system/multi-user.target.wants/a.service",
            "job a.service\njob multi-user.target\ncomplete",
            (LINK._replace(boots=None),),
        ),
    ],
)
def test_what_entries_pull_in(links: str, boot: str, pullers: tuple[Puller, ...]) -> None:
    parts = {"boot": boot} if boot else {}
    assert whole(links=links, **parts)["a.service"].pullers == pullers


def test_a_mask_has_not_won_over_the_alias_that_a_boot_starts() -> None:
    """The declared name may be an alias of another unit at the next boot."""
    links = f"{ENTRY}\n- run/systemd/system/multi-user.target.wants/a.service"
    for called, puller in (("called a.service\n", LINK._replace(boots=None)), ("", NOT_THERE)):
        boot = f"job x.service\njob multi-user.target\n{called}complete"
        block = "Id=b.service\nNames=a.service b.service"
        assert whole(block, links=links, boot=boot)["a.service"].pullers == (puller,)


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
    """On Debian 12, after `systemctl disable ssh.service`, there is no sshd.service: unknown."""
    found = remedied(UP._replace(name="y.service"), enabled=False)
    assert (found.commands, found.advice) == (
        (),
        "x is an alias of y.service, and disabling it may remove the alias: declare y.service"
        " instead. Then `systemctl disable y.service`.",
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
    buses = "dbus.socket", "dbus.service", "dbus-broker.service"
    for jobs, verdict in (*((f"job {bus}\n", "unknown") for bus in buses), ("", "pass")):
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
        ("failed", "exec-condition", "{ path=/bin/false }", 5, "unknown"),
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


@pytest.mark.parametrize("key", ["BoundBy", "UpheldBy", "RequiredBy", "WantedBy"])
def test_what_a_unit_is_remembered_for_starts_with_it(key: str) -> None:
    bound = f"{BLOCK.format('a.service')}\n{key}=b.service"
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
    ("rows", "verdict"), [("job a.target", "pass"), ("job b.target\ncalled default.target", "fail")]
)
def test_an_alias_may_be_of_another_unit_at_the_next_boot(rows: str, verdict: str) -> None:
    """A default.target in /run is gone then, and the one in /etc is another unit's alias."""
    block = BLOCK.format("a.target").replace("Names=a.target", "Names=a.target default.target")
    answer = f"== up\n== boot\n{rows}\ncomplete\n== asked\na.target\n== show\n{block}\n\n== files\na.target static\n== links\n== names\n== end\n"
    results = verdict_of(
        {"services": [{"name": "a.target", "enabled": True}]}, {"services": parse(answer.encode())}
    )
    assert results[0] == verdict


@pytest.mark.parametrize(
    ("rows", "verdict"),
    [
        ("job b.service", "pass"),
        ("job b.service\ncalled c.service", "fail"),
        ("job a.service\ncalled c.service", "fail"),
    ],
)
def test_a_boot_starts_what_has_the_declared_name_then(rows: str, verdict: str) -> None:
    """c.service is an alias of a.service now, and may be one of b.service at the next boot."""
    block = BLOCK.format("a.service").replace("Names=a.service", "Names=a.service c.service")
    answer = f"== up\n== boot\n{rows}\ncomplete\n== asked\nc.service\n== show\n{block}\n\n== files\na.service disabled\n== links\n== names\n== end\n"
    results = verdict_of(
        {"services": [{"name": "c.service", "enabled": False}]},
        {"services": parse(answer.encode())},
    )
    assert results[0] == verdict


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
    loaded = answered(masked.replace("masked", "loaded"), names="\n".join([*names, *claims]))
    assert (loaded.claimed_by, loaded.nearest, loaded.unusable) == ((), (), "")


def test_the_name_of_a_unit_file_may_have_a_colon() -> None:
    lines = (
        "etc/systemd/system/sockets.target.wants/x:b.socket",
        "etc/systemd/system/timers.target.wants/x:c.timer",
        "== activating",
        "etc/systemd/system/x:b.socket:Service=a.service",
        "etc/systemd/system/x:c.timer.d/y.conf: Unit = a.service",
    )
    observed = answered(BLOCK.format("a.service"), links="\n".join(lines))
    assert {*observed.triggers} == {
        Trigger("x:b.socket", False, True),
        Trigger("x:c.timer", False, True),
    }
    masked = BLOCK.format("a.service").replace("loaded", "masked")
    names = ("lib/systemd/system/x:b.service", "lib/systemd/system/x:b.service:Alias=a.service")
    assert answered(masked, names="\n".join(names)).claimed_by == ("x:b.service",)
    missing = BLOCK.format("x:bb.service").replace("loaded", "not-found")
    answer = f"== asked\nx:bb.service\n== show\n{missing}\n\n== names\n{names[0]}\n== end\n"
    assert parse(answer.encode())["x:bb.service"].nearest == ("x:b.service",)


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
        ("disabled", "lib/systemd/system/some.target.wants/a.socket", "", None),
        ("disabled", "- lib/systemd/system/sockets.target.wants/a.socket", "", False),
        ("static", "- lib/systemd/system/sockets.target.wants/a.socket", "", False),
        (
            "disabled",
            "lib/systemd/system/sockets.target.wants/a.socket\n- etc/systemd/system/sockets.target.wants/a.socket",
            "",
            None,
        ),
        ("disabled", "? lib/systemd/system/sockets.target.wants/a.socket", "", None),
        (
            "disabled",
            "lib/systemd/system/sockets.target.wants/a.socket\n== files\nsockets.target masked",
            "",
            None,
        ),
        (
            "disabled",
            "lib/systemd/system/sockets.target.wants/a.socket\n== files\nsockets.target masked-runtime",
            "",
            None,
        ),
        ("indirect", "", "", False),
        ("linked", "", "", False),
        ("transient", "", "", False),
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
