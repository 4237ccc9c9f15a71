"""Services are discovered on real nodes: what a person did is found and true, what the distribution
did is not found.
"""

import shutil
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from power_edge.discover.sections import Section
from tests.lab.test_services import SHELLS, unit
from tests.support.lab.discovering import FEW, discovered, wrong
from tests.support.lab.nodes import Lab, Node
from tests.support.lab.roots import BASE, CORE, FIREWALLD, POSTGRESQL, RPM, TRIXIE, Root
from tests.support.scripts import body

pytestmark = pytest.mark.lab

BODY = body("services", "discovery")
ONCE = ("Type=oneshot", "ExecStart=/bin/true")
UNITS = {
    "static.service": unit(install=""),
    "static-rests.service": unit(install=""),
    "rests.service": unit(),
    "fails.service": unit("ExecStart=/bin/false"),
    "loops.service": unit("ExecStart=/bin/false", "Restart=always", "RestartSec=600"),
    "works.service": unit(*ONCE),
    "waits.service": unit(install=""),
    "waits.socket": "[Socket]\nListenStream=/run/waits\n[Install]\nWantedBy=sockets.target\n",
    "both.service": unit(),
    "both.socket": "[Socket]\nListenStream=/run/both\n[Install]\nWantedBy=sockets.target\n",
    "timed.service": unit(*ONCE, install=""),
    "timed.timer": "[Timer]\nOnCalendar=yearly\n[Install]\nWantedBy=timers.target\n",
    "heeds.service": unit(install=""),
    "heeds.path": "[Path]\nPathExists=/run/never\n[Install]\nWantedBy=paths.target\n",
    "each@.service": unit(),
    r"odd\x2dname.service": unit(),
    "named.socket.service": unit(),
    "alias.service": unit(install="WantedBy=multi-user.target\nAlias=other-name.service"),
    "broken.service": "[Service]\nRestart=always\n",
    "pulled.service": unit(install=""),
    "pulls.service": unit(section="Wants=pulled.service"),
    "dropped-in.service": unit(),
    "lab.target": "[Install]\nWantedBy=multi-user.target\n",
}
MORE = {
    "/etc/systemd/system/systemd-user-sessions.service.d/more.conf": "[Service]\nNice=1\n",
    "/etc/systemd/system/service.d/all.conf": "[Service]\nOOMScoreAdjust=0\n",
    # from which openvpn's generator makes a unit
    "/etc/openvpn/lab.conf": "that of a tunnel which does not come up\n",
    "/opt/linked.service": unit(),
    "/usr/lib/systemd/system/vendor.service": unit(),
    "/usr/local/lib/systemd/system/local.service": unit(),
    "/etc/init.d/legacy": "#!/bin/sh\n### BEGIN INIT INFO\n# Provides: legacy\n# Default-Start: 2 3 4 5\n# Default-Stop:\n### END INIT INFO\n",
}
PREPARE = r"""
systemctl -q enable fails loops works waits.socket both both.socket timed.timer heeds.path alias pulls lab.target vendor nftables
systemctl -q enable each@one 'each@t\x2dwo' 'odd\x2dname' named.socket.service /opt/linked.service
systemctl -q disable apt-daily.timer ufw
systemctl -q mask cron never-was
for level in 2 3 4 5; do ln -s ../init.d/legacy "/etc/rc$level.d/S01legacy"; done
"""
AFTER = """
systemctl start static
systemctl stop openvpn
systemd-run -q --unit=passing sleep infinity
systemctl enable --runtime --now local
{ systemctl start systemd-networkd || : ; } 2>/dev/null
"""
RUNS, RESTS = {"state": "running", "enabled": True}, {"state": "disabled"}
FOUND = {
    "static": {"state": "running"},
    "static-rests": {"state": "stopped"},
    "rests": RESTS,
    "dropped-in": RESTS,
    "fails": {"enabled": True},
    "loops": {"enabled": True},
    "works": {"enabled": True},
    "waits.socket": RUNS,
    "both": RUNS,
    "both.socket": RUNS,
    "timed.timer": RUNS,
    "each@one": RUNS,
    r"each@t\x2dwo": RUNS,
    r"odd\x2dname": RUNS,
    "named.socket.service": RUNS,
    "alias": RUNS,
    "pulls": RUNS,
    "pulled": {"state": "running", "enabled": True},
    "lab.target": RUNS,
    "systemd-user-sessions": RUNS,
    "linked": RUNS,
    "vendor": RUNS,
    "legacy": {"enabled": True},
    "nftables": RUNS,
    "apt-daily.timer": RESTS,
    "ufw": RESTS,
    "cron": RESTS,
    "never-was": RESTS,
    "openvpn": {"state": "stopped", "enabled": True},
    "openvpn@lab": {"state": "stopped", "enabled": True},
    "ssh": RUNS,
}
LEFT_OUT = {
    "waits.service",
    "timed.service",
    "heeds.service",
    "broken.service",
    "passing.service",
    "local.service",
    "systemd-networkd.service",
}


@pytest.fixture(scope="module")
def decided(lab: Lab) -> Iterator[Node]:
    files = {f"/etc/systemd/system/{name}": text for name, text in UNITS.items()} | MORE
    with lab.node("decided", files=files, prepare=PREPARE) as node:
        node.sh(AFTER)
        yield node


def declared(found: Section) -> dict[str, dict[str, Any]]:
    return {
        one.name: {field: value for field, value in one.value.items() if field != "name"}
        for one in found.found
    }


def test_what_a_person_did_is_found_and_true(decided: Node) -> None:
    found = discovered(decided, "services")
    assert declared(found) == FOUND
    assert {left.what for left in found.left_out} == LEFT_OUT
    assert found.hidden == ()
    assert wrong(decided, found) == []


def test_the_inventory_is_true_and_holds_what_was_decided(decided: Node) -> None:
    found = discovered(decided, "services", mode="all")
    assert {name: form for name, form in declared(found).items() if name in FOUND} == FOUND
    assert len(found.found) > 150
    assert wrong(decided, found) == []


def test_each_reason_names_what_shows_it(decided: Node) -> None:
    whys = {one.name: one.why for one in discovered(decided, "services").found}
    assert whys["rests"] == "/etc/systemd/system/rests.service belongs to no package"
    assert whys["vendor"].endswith("/lib/systemd/system/vendor.service belongs to no package")
    assert whys["legacy"] == "/etc/init.d/legacy belongs to no package"
    assert (
        whys["systemd-user-sessions"]
        == "/etc/systemd/system/systemd-user-sessions.service.d/more.conf belongs to no package"
    )
    assert whys["fails"].endswith("; it has failed")
    assert whys["loops"].endswith("; it is activating (auto-restart) now")
    assert whys["nftables"] == "its package nftables does not enable it"
    assert whys["apt-daily.timer"] == "its package apt enables it"
    assert whys["cron"] == "masked in /etc/systemd/system"
    assert whys["openvpn"] == "its package openvpn is installed manually"


def test_a_plain_user_and_every_shell_find_the_same(decided: Node) -> None:
    for tool in ("mksh", "busybox"):
        shutil.copy(str(shutil.which(tool)), decided.tree / "usr/local/bin")
    (answer,) = {decided.run(*shell, "-c", BODY, "pe", "changed").stdout for shell in SHELLS}
    assert answer.count("\n+") > 20
    ours, theirs = (
        discovered(decided, "services", user=user)._replace(observations={})
        for user in ("root", "guest")
    )
    assert ours == theirs  # what root observes beyond that is for checks


FRESH = {
    "core": (CORE, {"ssh"}),
    "base": (BASE, {"openvpn", "ssh", "ufw"}),
    "firewalld": (FIREWALLD, {"firewalld", "ssh"}),
    "rpm": (RPM, set()),
    "trixie": (TRIXIE, {"ssh"}),
}


@pytest.mark.parametrize(("root", "kept"), FRESH.values(), ids=FRESH)
def test_on_a_fresh_node_only_what_was_asked_for_is_found(
    lab: Lab, root: Root, kept: set[str]
) -> None:
    with lab.node("fresh", root=root) as node:
        assert declared(discovered(node, "services")) == dict.fromkeys(kept, RUNS)


def test_the_units_that_an_asked_package_brings_along_are_found_and_true(lab: Lab) -> None:
    with lab.node("database", root=POSTGRESQL) as node:
        cluster = node.sh("pg_lsclusters -h | awk '{ print $1 \"-\" $2 }'")
        found = discovered(node, "services")
        assert declared(found) == dict.fromkeys(
            ["ssh", "postgresql", f"postgresql@{cluster}"], RUNS
        )
        whys = {one.name: one.why for one in found.found}
        assert (
            whys["postgresql"]
            == "its package postgresql-common is a dependency of postgresql, which is installed manually"
        )
        assert wrong(node, found) == []
        node.sh(f"systemctl disable --now postgresql postgresql@{cluster}")
        assert "postgresql" in wrong(node, found)


@pytest.fixture(scope="module")
def made(lab: Lab) -> Iterator[Node]:
    with lab.node(
        "made",
        files={
            f"/etc/systemd/system/{name}": unit()
            for name in ("a.service", "b@.service", r"c\x2dd.service")
        },
    ) as node:
        yield node


UNITS_OF_STATE = ("a", "b@x", r"c\x2dd", "cron", "nftables")


@FEW
@given(chosen=st.tuples(*[st.tuples(st.booleans(), st.booleans())] * len(UNITS_OF_STATE)))
def test_what_was_made_so_is_found_so(made: Node, chosen: Sequence[tuple[bool, bool]]) -> None:
    states = dict(zip(UNITS_OF_STATE, chosen, strict=True))
    for index, (yes, no) in enumerate((("start", "stop"), ("enable", "disable"))):
        for command, wish in ((yes, True), (no, False)):
            if names := [name for name, flags in states.items() if flags[index] is wish]:
                made.run("systemctl", "-q", command, "--", *names)
    found = discovered(made, "services")
    as_packages_leave_it = {
        "cron": {(True, True), (False, True)},
        "nftables": {(False, False)},
        "b@x": {(False, False)},
    }
    wanted = {
        name: form(*flags)
        for name, flags in states.items()
        if flags not in as_packages_leave_it.get(name, ())
    }
    assert {
        name: value for name, value in declared(found).items() if name in UNITS_OF_STATE
    } == wanted
    assert wrong(made, found) == []


def form(running: bool, enabled: bool) -> dict[str, Any]:
    return (
        {"state": "running" if running else "stopped", "enabled": enabled}
        if running or enabled
        else RESTS
    )
