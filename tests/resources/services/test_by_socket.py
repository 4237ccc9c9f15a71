"""A socket that counts for its service (`by_socket`): ssh on Ubuntu since 22.10."""

import pytest

from power_edge.model import Outcome
from power_edge.model.generated.resources.services_schema import Service
from power_edge.resources.services import RESOURCE
from power_edge.resources.services.judge import judge
from power_edge.resources.services.unit import Boot, Change, Trigger, Unit

SSH = Service(name="ssh", state="running", enabled=True, by_socket=True)
BOOT = Boot(starts=False)
READY = Change(ready=True)


def unit(
    *triggers: Trigger, active: str = "inactive", sub: str = "dead", load: str = "loaded"
) -> Unit:
    file_state = "masked" if load == "masked" else "disabled"
    return Unit(
        "ssh.service", load, active, sub, file_state, triggers=triggers, boot=BOOT, change=READY
    )


def socket(active: bool | None, boots: bool | None, name: str = "ssh.socket") -> Trigger:
    return Trigger(name, active, boots)


def outcomes(declared: Service, observed: Unit) -> dict[str, Outcome]:
    return {finding.field: finding.outcome for finding in judge(declared, observed)}


UP_BY_SOCKET = unit(socket(True, True))
OK, BAD, OPEN = Outcome.COMPLIANT, Outcome.DRIFT, Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("observed", "state", "enabled"),
    [
        (unit(socket(True, True)), OK, OK),
        (unit(socket(True, True), active="active", sub="running"), OK, OK),
        (unit(socket(True, False)), OK, BAD),
        (unit(socket(False, True)), BAD, OK),
        (unit(socket(False, False)), BAD, BAD),
        (unit(socket(None, None)), OPEN, OPEN),
        (unit(), BAD, BAD),
        # A service that failed is not waiting.
        (unit(socket(True, True), active="failed", sub="failed"), BAD, OK),
        # Nor is one with processes of an earlier run, or with a job that is not done.
        (UP_BY_SOCKET._replace(left=True), BAD, OK),
        (UP_BY_SOCKET._replace(queued=True), OPEN, OK),
        # No socket can start what is masked.
        (unit(socket(True, True), load="masked"), BAD, BAD),
        # A timer is not a socket.
        (unit(socket(True, True, "ssh.timer")), BAD, BAD),
        # Another socket may listen elsewhere, as on a path in /run.
        (unit(socket(True, True, "x.socket")), BAD, BAD),
        (unit(socket(True, True, "x.socket"), socket(True, True)), OK, OK),
        # Nothing can start a service that lacks what it requires, or that a condition skips.
        (UP_BY_SOCKET._replace(change=Change(lacks=("gone.service not-found",))), BAD, BAD),
        (UP_BY_SOCKET._replace(change=Change(unmet="ConditionPathExists=/x")), BAD, BAD),
        (UP_BY_SOCKET._replace(change=Change()), OPEN, OPEN),
        # A drop-in may have moved the socket to a path, now or for the next boot.
        (UP_BY_SOCKET._replace(change=Change(ready=True, unheard="a path")), BAD, OK),
        (UP_BY_SOCKET._replace(change=Change(ready=True, unheard_at_boot="a path")), OK, BAD),
        (UP_BY_SOCKET._replace(boot=Boot(False, unmet="ConditionPathExists=/x")), OK, OPEN),
        (UP_BY_SOCKET._replace(boot=Boot(False, unsure="it may fail")), OK, OPEN),
        (UP_BY_SOCKET._replace(boot=Boot(False, doubt="a trap")), OK, OPEN),
        (UP_BY_SOCKET._replace(boot=None, unread="no root"), OK, OPEN),
    ],
)
def test_the_socket_counts(observed: Unit, state: Outcome, enabled: Outcome) -> None:
    assert outcomes(SSH, observed) == {"state": state, "enabled": enabled}


@pytest.mark.parametrize(
    ("observed", "state", "enabled"),
    [
        (
            UP_BY_SOCKET,
            ("running", "ssh.socket is active and starts it"),
            (True, "a boot starts ssh.socket, which starts it"),
        ),
        (
            unit(socket(False, False)),
            ("stopped", None),
            (False, None),
        ),
        (
            UP_BY_SOCKET._replace(
                change=Change(ready=True, unheard="now a path", unheard_at_boot="then a path")
            ),
            ("stopped", "now a path"),
            (False, "then a path"),
        ),
        (
            UP_BY_SOCKET._replace(change=Change(lacks=("gone.service not-found",))),
            ("stopped", "it requires gone.service, which cannot be loaded (not-found)"),
            (False, "it requires gone.service, which cannot be loaded (not-found)"),
        ),
        (
            UP_BY_SOCKET._replace(boot=Boot(False, unsure="it may fail")),
            ("running", "ssh.socket is active and starts it"),
            (None, "it may fail"),
        ),
        (
            UP_BY_SOCKET._replace(file_state="linked", boot=Boot(False, doubt="a trap")),
            ("running", "ssh.socket is active and starts it"),
            (None, "a trap"),
        ),
        # What is said of the service alone stays where its socket changes nothing.
        (
            unit(socket(False, False), load="bad-setting"),
            ("stopped", "its unit file cannot be loaded (bad-setting)"),
            (None, "its unit file cannot be loaded (bad-setting)"),
        ),
        (
            unit(socket(True, False), active="failed", sub="failed")._replace(file_state="linked"),
            ("failed", "ssh.socket starts it"),
            (False, "linked"),
        ),
    ],
)
def test_what_is_said_of_the_socket(
    observed: Unit, state: tuple[object, str | None], enabled: tuple[object, str | None]
) -> None:
    found = [(finding.actual, finding.why) for finding in judge(SSH, observed)]
    assert found == [state, enabled]


def test_without_it_the_service_alone_counts() -> None:
    declared = Service(name="ssh", state="running", enabled=True)
    assert outcomes(declared, unit(socket(True, True))) == {"state": BAD, "enabled": BAD}


def test_what_must_be_down_is_not_up_by_its_socket() -> None:
    declared = Service(name="ssh", state="stopped", enabled=False, by_socket=True)
    assert outcomes(declared, unit(socket(True, True)))["state"] is not OK


def test_the_watch_follows_the_socket() -> None:
    assert RESOURCE.triggers(SSH, "debian").units == ("ssh.service", "ssh.socket")
