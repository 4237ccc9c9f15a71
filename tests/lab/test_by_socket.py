"""ssh behind its socket, as Ubuntu has it since 22.10: a service that counts by its socket."""

import pytest

from power_edge.model import Outcome, Result
from power_edge.model.resource import NotObserved
from power_edge.resources.services import RESOURCE
from tests.support.cases import items_of
from tests.support.lab.checking import look
from tests.support.lab.nodes import Lab, Node
from tests.support.lab.roots import CORE, TRIXIE, Root, own_distribution
from tests.support.scripts import body

pytestmark = pytest.mark.lab
ON_DEBIAN = pytest.mark.skipif(
    own_distribution() != "debian",
    reason="Debian 13 is made from the archive of a Debian machine",
)


def ssh(node: Node, *, by_socket: bool) -> Result:
    declared = {"name": "ssh", "state": "running", "enabled": True, "by_socket": by_socket}
    (result,) = look(node, items_of({"services": [declared]}))
    return result


def test_ssh_behind_its_socket(lab: Lab) -> None:
    with lab.node(
        "by-socket", prepare="systemctl -q disable ssh.service; systemctl -q enable ssh.socket"
    ) as node:
        assert ssh(node, by_socket=True).outcome is Outcome.COMPLIANT, ssh(node, by_socket=True)
        assert ssh(node, by_socket=False).outcome is Outcome.DRIFT
        node.sh("systemctl -q disable ssh.socket")
        assert ssh(node, by_socket=True).outcome is Outcome.DRIFT
        node.sh("systemctl -q enable ssh.socket; systemctl stop ssh.socket")
        assert ssh(node, by_socket=True).outcome is Outcome.DRIFT
        node.sh(
            "systemctl start ssh.socket; systemctl start ssh.service; systemctl kill -s KILL ssh.service"
        )
        node.sh("systemctl stop ssh.service; systemctl -q mask ssh.service")
        assert ssh(node, by_socket=True).outcome is Outcome.DRIFT


DROP_IN = "/etc/systemd/system/{unit}.d/x.conf"
COMPLIANT, DRIFT, UNKNOWN = Outcome.COMPLIANT, Outcome.DRIFT, Outcome.UNKNOWN


def outcomes(node: Node) -> tuple[Outcome, Outcome]:
    """Return the outcomes for `state: running` and `enabled: true`, each with `by_socket`."""
    found = {finding.field: finding.outcome for finding in ssh(node, by_socket=True).findings}
    return found["state"], found["enabled"]


def drop_in(unit: str, text: str) -> str:
    path = DROP_IN.format(unit=unit)
    return f"mkdir -p {path.rpartition('/')[0]}; printf '{text}' >{path}; systemctl daemon-reload"


def test_a_socket_that_no_boot_starts_and_a_service_that_cannot_start(lab: Lab) -> None:
    with lab.node(
        "by-broken-socket",
        prepare="systemctl -q disable ssh.service; systemctl -q enable ssh.socket",
    ) as node:
        assert outcomes(node) == (COMPLIANT, COMPLIANT), ssh(node, by_socket=True)

        for setting in ("ConditionPathExists=/nope", "AssertPathExists=/nope"):
            node.sh(drop_in("ssh.socket", f"[Unit]\\n{setting}\\n"))
            assert outcomes(node) == (COMPLIANT, UNKNOWN), ssh(node, by_socket=True)
        node.sh("rm -r /etc/systemd/system/ssh.socket.d; systemctl daemon-reload")

        node.sh("touch /etc/ssh/sshd_not_to_be_run")
        assert outcomes(node) == (DRIFT, UNKNOWN), ssh(node, by_socket=True)
        node.sh("rm /etc/ssh/sshd_not_to_be_run")

        node.sh(drop_in("ssh.service", "[Unit]\\nRequires=gone.service\\nAfter=gone.service\\n"))
        assert outcomes(node) == (DRIFT, DRIFT), ssh(node, by_socket=True)
        node.sh(
            "printf '[Service]\\nExecStart=true\\n' >/etc/systemd/system/gone.service;"
            " systemctl daemon-reload"
        )
        assert outcomes(node) == (UNKNOWN, UNKNOWN), ssh(node, by_socket=True)
        node.sh("rm -r /etc/systemd/system/ssh.service.d; systemctl daemon-reload")
        assert outcomes(node) == (COMPLIANT, COMPLIANT), ssh(node, by_socket=True)

        node.sh(
            "printf '[Socket]\\nListenStream=/run/x.sock\\nService=ssh.service\\n[Install]\\n"
            "WantedBy=sockets.target\\n' >/etc/systemd/system/x.socket; systemctl daemon-reload;"
            " systemctl -q disable ssh.socket; systemctl stop ssh.socket;"
            " systemctl -q enable --now x.socket"
        )
        assert outcomes(node) == (DRIFT, DRIFT), ssh(node, by_socket=True)


def test_a_plain_user_knows_only_of_paths_that_he_sees(lab: Lab) -> None:
    def ready() -> bool:
        done = node.run(
            *("runuser", "-u", "nobody", "--", "sh", "-c", body("services", "resources")),
            *("pe", "~ssh.service"),
        )
        unit = RESOURCE.parse(done.stdout.encode())["ssh.service"]
        assert not isinstance(unit, NotObserved)
        assert unit.active == "inactive"
        return unit.change.ready

    with lab.node(
        "by-socket-unseen",
        prepare="systemctl -q disable ssh.service; systemctl -q enable ssh.socket",
    ) as node:
        assert ready()
        node.sh(drop_in("ssh.service", "[Unit]\\nConditionPathExists=!/root/x/y\\n"))
        assert not ready()


PATH_ONLY = "[Socket]\\nListenStream=\\nListenStream=/run/x.sock\\n"
THIS_MACHINE = "[Socket]\\nListenStream=\\nListenStream=127.0.0.1:22\\nListenStream=[::1]:22\\n"
OTHER_PORT = "[Socket]\\nListenStream=\\nListenStream=2222\\n"
LOOPBACK = "[Socket]\\nBindToDevice=lo\\n"


@pytest.mark.parametrize(
    "root", [CORE, pytest.param(TRIXIE, marks=ON_DEBIAN)], ids=["own", "trixie"]
)
def test_a_socket_that_a_drop_in_moved(lab: Lab, root: Root) -> None:
    with lab.node(
        "by-moved-socket",
        root=root,
        prepare="systemctl -q disable ssh.service; systemctl -q enable ssh.socket",
    ) as node:
        assert outcomes(node) == (COMPLIANT, COMPLIANT), ssh(node, by_socket=True)

        for moved in (PATH_ONLY, THIS_MACHINE, LOOPBACK):
            node.sh(drop_in("ssh.socket", moved))
            node.sh("systemctl restart ssh.socket")
            assert outcomes(node) == (DRIFT, DRIFT), (moved, ssh(node, by_socket=True))

        # The port is the administrator's choice. Until a restart, systemd keeps the socket active
        # and listens nowhere.
        node.sh(drop_in("ssh.socket", OTHER_PORT))
        assert outcomes(node) == (DRIFT, COMPLIANT), ssh(node, by_socket=True)
        node.sh("systemctl restart ssh.socket")
        assert outcomes(node) == (COMPLIANT, COMPLIANT), ssh(node, by_socket=True)

        # Written, and neither loaded nor restarted: a boot reads it.
        node.sh(drop_in("ssh.socket", PATH_ONLY).replace("systemctl daemon-reload", ":"))
        assert outcomes(node) == (COMPLIANT, DRIFT), ssh(node, by_socket=True)
