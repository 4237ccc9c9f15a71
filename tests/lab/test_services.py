"""The services probe and its mends on a real node: each kind of drift is made, found, and turned
back with the printed command.
"""

import re
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from power_edge.checking.evaluate import judge
from power_edge.model import Result
from power_edge.model.generated.resources.services_schema import Service
from power_edge.report.shell_line import shell_line
from power_edge.resources.services import RESOURCE, ask
from power_edge.resources.services.unit import Unit
from tests.support.cases import check
from tests.support.items import item_of
from tests.support.lab.nodes import Lab, Node
from tests.support.lab.recorded import make, recorded
from tests.support.scripts import body

pytestmark = pytest.mark.lab

BODY = body("services", "resources")
SHELLS = [("dash",), ("bash",), ("mksh",), ("busybox", "sh")]


def unit(*settings: str, install: str = "WantedBy=multi-user.target", section: str = "") -> str:
    """A unit that sleeps, unless the settings say otherwise."""
    run = (
        ()
        if any(setting.startswith("ExecStart=") for setting in settings)
        else ("ExecStart=/bin/sleep infinity",)
    )
    return "\n".join(
        [
            "[Unit]",
            section,
            "[Service]",
            *settings,
            *run,
            *(["[Install]", install] if install else []),
            "",
        ]
    )


FRAIL = "ExecStartPre=/usr/bin/test -e /run/healed"
UNITS = {
    "plain": unit(),
    "bare": unit(install=""),
    "frail": unit(FRAIL, section="StartLimitBurst=1\nStartLimitIntervalSec=600"),
    "looping": unit(FRAIL, "Restart=always", "RestartSec=600"),
    "ended": unit(
        "RemainAfterExit=yes",
        'ExecStart=/bin/sh -c "[ -e /run/healed ] && exec sleep infinity; exit 0"',
        # The start is over when the daemon is, so that the test need not wait for it.
        'ExecStartPost=/bin/sh -c "[ -e /run/healed ] || while kill -0 $MAINPID; do :; done"',
    ),
    "gone": unit(),
    "waited": unit(),
    "timed": unit(),
    "bound": unit(install=""),
    "binder": unit(section="BindsTo=bound.service"),
    "named": unit(install=""),
    "wanted": unit(),
    "delegated": unit(
        "Delegate=yes",
        "KillMode=process",
        "Type=forking",
        "ExecStart=/bin/sh -c 'sleep infinity & for tree in /sys/fs/cgroup/systemd /sys/fs/cgroup/unified /sys/fs/cgroup; do"
        " cd $$tree/system.slice/delegated.service 2>/dev/null && mkdir -p below && echo $! >below/cgroup.procs; done; :'",
    ),
    "aliased": unit(install="WantedBy=multi-user.target\nAlias=other-name.service"),
    "no-stop": unit(section="RefuseManualStop=yes"),
    "no-start": unit(section="RefuseManualStart=yes"),
    "mistyped": unit(install="WantedBy=multiuser.target"),
    "required": unit(install=""),
    "requirer": unit(section="Requires=required.service"),
    "wanter": unit(section="Wants=by-line.service"),
    "needs-plain": unit(section="Requires=plain.service"),
    "part-of-plain": unit(section="PartOf=plain.service"),
    "copied": unit(install=""),
    "kept": unit(install=""),
}
MORE = {
    "/etc/systemd/system/waited.socket": "[Socket]\nListenStream=/run/waited\n[Install]\nWantedBy=sockets.target\n",
    "/etc/systemd/system/timed.timer": "[Timer]\nOnCalendar=daily\n[Install]\nWantedBy=timers.target\n",
    "/etc/systemd/system/kept.timer": "[Timer]\nOnCalendar=daily\n[Install]\nWantedBy=timers.target\n",
    "/etc/systemd/system/naming.socket": "[Socket]\nListenStream=/run/naming\n[Install]\nWantedBy=sockets.target\n",
    "/etc/systemd/system/naming.socket.d/other.conf": "[Socket]\nService=named.service\n",
    "/opt/linked.service": unit(),
    "/opt/elsewhere.service": unit(),
    "/usr/lib/systemd/system/by-line.service": unit(install=""),
    "/usr/lib/systemd/system/copied.service": unit(install=""),
    "/usr/lib/systemd/system/hidden.service": unit(),
    "/usr/lib/systemd/system/emptied.service": unit(),
    "/usr/local/lib/systemd/system/vendor.service": unit(),
    "/usr/local/lib/systemd/system/masked.service": unit(),
}


@pytest.fixture(scope="module")
def units(lab: Lab) -> Iterator[Node]:
    vendor = "cd /usr/lib/systemd/system; mkdir -p multi-user.target.wants; ln -s ../copied.service multi-user.target.wants/"
    with lab.node(
        "units",
        files={f"/etc/systemd/system/{name}.service": text for name, text in UNITS.items()} | MORE,
        prepare=vendor,
    ) as node:
        yield node


def checked(
    node: Node, declared: Service, *as_user: str, shell: tuple[str, ...] = ("sh",)
) -> Result:
    done = node.run(*as_user, *shell, "-c", BODY, "pe", *ask([declared]))
    item = item_of(RESOURCE, declared.name, declared)
    return judge(RESOURCE, item, RESOURCE.parse(done.stdout.encode()))


# What is done to the unit, what it is declared to be.
DRIFTS = [
    ("systemctl disable --now plain", Service(name="plain", state="running", enabled=True)),
    ("systemctl enable --now plain", Service(name="plain", state="disabled")),
    ("systemctl enable --now plain", Service(name="plain", state="stopped", enabled=True)),
    ("systemctl enable --now plain", Service(name="plain", state="running", enabled=False)),
    (
        "systemctl enable --now plain; rm /etc/systemd/system/multi-user.target.wants/plain.service",
        Service(name="plain", state="running", enabled=True),
    ),
    (
        "systemctl disable plain; systemctl enable --now --runtime plain",
        Service(name="plain", state="running", enabled=True),
    ),
    ("systemctl mask masked", Service(name="masked", state="running", enabled=True)),
    (
        "systemctl stop masked; systemctl enable masked; systemctl mask --runtime masked",
        Service(name="masked", state="running", enabled=True),
    ),
    (
        "systemctl stop masked; systemctl enable masked; systemctl mask --runtime masked",
        Service(name="masked", state="disabled"),
    ),
    (
        "systemctl stop looping; rm -f /run/healed; systemctl start looping || :",
        Service(name="looping", state="stopped"),
    ),
    ("systemctl enable --now waited.socket", Service(name="waited", state="disabled")),
    ("systemctl start waited.socket", Service(name="waited", state="stopped")),
    (
        "systemctl start waited.socket; systemctl enable --now waited",
        Service(name="waited", state="disabled"),
    ),
    (
        "mkdir -p /etc/systemd/system/sockets.target.wants; ln -s ../waited.socket /etc/systemd/system/sockets.target.wants/",
        Service(name="waited", state="disabled"),
    ),
    ("systemctl enable --now timed.timer", Service(name="timed", state="disabled")),
    ("systemctl enable --now timed.timer", Service(name="timed.timer", state="disabled")),
    ("systemctl enable --now timed.timer", Service(name="timed", enabled=False)),
    (
        "systemctl enable --now timed.timer; systemctl start timed",
        Service(name="timed", state="stopped", enabled=False),
    ),
    (
        "systemctl enable aliased; rm /etc/systemd/system/multi-user.target.wants/aliased.service",
        Service(name="other-name", state="running"),
    ),
    (
        "cd /usr/local/lib/systemd/system; mkdir multi-user.target.wants; ln -s ../vendor.service multi-user.target.wants/",
        Service(name="vendor", state="disabled"),
    ),
    (
        "systemctl disable --now masked; systemctl mask --runtime masked",
        Service(name="masked", state="running", enabled=True),
    ),
    (
        "systemctl mask masked; systemctl mask --runtime masked",
        Service(name="masked", state="running", enabled=True),
    ),
    ("systemctl link /opt/linked.service", Service(name="linked", state="running", enabled=True)),
    ("systemctl enable wanter", Service(name="by-line", enabled=False)),
]

# What no command is printed for: what is done, what is declared, and a word of the advice.
ADVICE = [
    (
        "rm -f /run/healed; systemctl start frail; systemctl start frail",
        Service(name="frail", state="running"),
        "journalctl -u frail.service",
    ),
    (
        "rm -f /run/healed; systemctl start looping",
        Service(name="looping", state="running"),
        "journalctl -u looping.service",
    ),
    (
        "systemctl start copied",
        Service(name="copied", state="disabled"),
        "ln -s /dev/null /etc/systemd/system/multi-user.target.wants/copied.service",
    ),
    (
        "mkdir /usr/local/lib/systemd/system/timers.target.wants; ln -s /etc/systemd/system/kept.timer /usr/local/lib/systemd/system/timers.target.wants/;"
        " systemctl daemon-reload; systemctl start kept.timer",
        Service(name="kept", enabled=False),
        "systemctl mask kept.timer",
    ),
    (":", Service(name="no-start", state="running"), "RefuseManualStart"),
    (":", Service(name="mistyped", enabled=True), "WantedBy="),
    (":", Service(name="bare", enabled=True), "[Install]"),
    (
        "systemctl enable requirer",
        Service(name="required", enabled=False),
        "requirer.service requires it",
    ),
    (
        "systemctl enable --now /opt/elsewhere.service",
        Service(name="elsewhere", state="disabled"),
        "would remove its link",
    ),
    (":", Service(name="not-there", state="running"), "install the package"),
]


@pytest.mark.parametrize(
    ("arrange", "declared", "word"),
    ADVICE,
    ids=lambda value: value if isinstance(value, str) else value.name,
)
def test_where_no_command_helps_a_sentence_says_what_would(
    units: Node, arrange: str, declared: Service, word: str
) -> None:
    units.sh(f"{{ {arrange}; }} >/dev/null 2>&1 || :")
    found = checked(units, declared)
    assert (found.outcome.value, shell_line(found.remedy)) == ("drift", None)
    assert word in str(found.advice)


def test_a_unit_that_refuses_to_be_stopped_is_disabled(units: Node) -> None:
    units.sh("systemctl enable --now no-stop 2>/dev/null")
    found = checked(units, Service(name="no-stop", state="disabled"))
    assert (shell_line(found.remedy), "RefuseManualStop" in str(found.advice)) == (
        "systemctl disable no-stop.service",
        True,
    )


@pytest.mark.parametrize("arrange", ["ln -sf /dev/null", ": >"])
def test_a_mask_in_a_wants_folder_is_left_alone(units: Node, arrange: str) -> None:
    units.sh(f"{arrange} /etc/systemd/system/multi-user.target.wants/copied.service")
    assert checked(units, Service(name="copied", enabled=False)).outcome.value == "compliant"
    assert checked(units, Service(name="copied", enabled=True)).outcome.value == "drift"
    units.sh("rm /etc/systemd/system/multi-user.target.wants/copied.service")


def test_what_else_a_stop_takes_and_whether_it_cuts_the_way_in(units: Node) -> None:
    units.sh("systemctl start needs-plain part-of-plain")
    found = checked(units, Service(name="plain", state="stopped"))
    assert not found.mend_cuts
    assert "Stopping it also stops needs-plain.service, part-of-plain.service." in str(found.advice)
    units.sh("systemctl stop plain")
    assert checked(units, Service(name="ssh", state="disabled")).mend_cuts
    assert checked(units, Service(name="dbus", state="stopped")).mend_cuts
    assert not checked(units, Service(name="cron", state="disabled")).mend_cuts


def test_the_unit_that_carries_this_connection_is_known(lab: Lab, units: Node) -> None:
    units.write("/root/probe.sh", BODY)
    said = lab.ssh("root@units", "sh", "/root/probe.sh", "'!cron.service'").stdout
    observed = RESOURCE.parse(said.encode())["cron.service"]
    assert isinstance(observed, Unit)
    assert observed.change is not None
    assert "ssh.service" in observed.change.access


@pytest.mark.parametrize(
    ("arrange", "declared"), DRIFTS, ids=lambda value: value if isinstance(value, str) else ""
)
def test_the_command_to_mend_mends(units: Node, arrange: str, declared: Service) -> None:
    units.sh(f"{{ {arrange}; }} >/dev/null 2>&1")
    found = checked(units, declared)
    assert found.outcome.value == "drift", found
    units.sh(str(shell_line(found.remedy)))
    again = checked(units, declared)
    assert again.outcome.value == "compliant", (shell_line(found.remedy), again)


@pytest.mark.parametrize(
    ("arrange", "declared", "outcome"),
    [
        (
            "systemctl enable --now plain",
            Service(name="plain", state="running", enabled=True),
            "compliant",
        ),
        ("systemctl start bare", Service(name="bare", state="running", enabled=False), "compliant"),
        ("systemctl start bare", Service(name="bare", enabled=True), "drift"),
        (
            "systemctl start gone; rm /etc/systemd/system/gone.service; systemctl daemon-reload",
            Service(name="gone", state="running"),
            "compliant",
        ),
        ("systemctl stop gone", Service(name="gone", state="stopped"), "unknown"),
        (":", Service(name="gone", state="disabled", optional=True), "compliant"),
        (":", Service(name="systemd-journald", state="running", enabled=True), "compliant"),
        (":", Service(name="multi-user.target", state="running"), "compliant"),
        (":", Service(name="x" * 250, state="stopped"), "unknown"),
        (
            "rm -f /etc/systemd/system/other-name.service; systemctl daemon-reload",
            Service(name="other-name", state="stopped", optional=True),
            "unknown",
        ),
        (
            "ln -s /dev/null /etc/systemd/system/other-name.service; systemctl daemon-reload",
            Service(name="other-name", state="disabled"),
            "unknown",
        ),
        (
            r"mkdir -p /run/x; systemd-run -q --unit='a\x2db' sleep infinity",
            Service(name=r"a\x2db", state="running"),
            "compliant",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_found(units: Node, arrange: str, declared: Service, outcome: str) -> None:
    units.sh(f"{{ {arrange}; }} >/dev/null 2>&1")
    assert checked(units, Service(name="cron", state="running")).outcome.value == "compliant"
    done = units.run(
        "sh", "-c", BODY, "pe", *ask([declared, Service(name="cron", state="running")])
    )
    item = item_of(RESOURCE, declared.name, declared)
    found = judge(RESOURCE, item, RESOURCE.parse(done.stdout.encode()))
    assert found.outcome.value == outcome, found


RUNS: dict[str, Any] = {"state": "running", "enabled": True}
LATER = [
    # What the manager has not read again (it does at the next boot): a link without its unit, masks
    # below /usr.
    (
        "systemctl enable --now /opt/linked.service; rm /etc/systemd/system/linked.service",
        Service(name="linked", **RUNS),
        "unknown",
    ),
    (
        "systemctl enable --now hidden; ln -s /dev/null /usr/local/lib/systemd/system/hidden.service",
        Service(name="hidden", **RUNS),
        "drift",
    ),
    (
        "systemctl enable --now emptied; : >/usr/lib/systemd/system/emptied.service",
        Service(name="emptied", **RUNS),
        "drift",
    ),
    (
        "systemctl --no-reload enable naming.socket",
        Service(name="named", state="disabled"),
        "drift",
    ),
    (
        "systemctl enable binder; systemctl stop binder bound",
        Service(name="bound", state="disabled"),
        "drift",
    ),
    (
        "systemctl start delegated; systemctl stop delegated",
        Service(name="delegated", state="stopped"),
        "unknown",
    ),
    ("systemctl enable --now wanted", Service(name="wanted", **RUNS), "compliant"),
    ("systemctl set-default rescue.target", Service(name="wanted", **RUNS), "unknown"),
    ("systemctl set-default multi-user.target", Service(name="wanted", **RUNS), "compliant"),
    (
        "ln -sf /dev/null /etc/systemd/system/multi-user.target",
        Service(name="wanted", **RUNS),
        "unknown",
    ),
    ("rm /etc/systemd/system/multi-user.target", Service(name="wanted", **RUNS), "compliant"),
]


@pytest.mark.parametrize(
    ("arrange", "declared", "outcome"), LATER, ids=[arrange for arrange, _, _ in LATER]
)
def test_what_a_boot_would_find(units: Node, arrange: str, declared: Service, outcome: str) -> None:
    units.sh(f"{{ {arrange}; }} >/dev/null 2>&1")
    assert checked(units, declared).outcome.value == outcome


@pytest.mark.parametrize(
    "name",
    [
        "socket-without-service",
        "ordering-cycle",
        "generator-changed",
        "link-into-run",
        "requires-a-masked-unit",
        "condition-added-while-up",
    ],
)
def test_what_a_boot_does_otherwise_than_its_job_list(lab: Lab, name: str) -> None:
    case = recorded("services", name)
    with lab.node("otherwise") as node:
        make(node, case)
        asked = case.asked
        observed = RESOURCE.parse(node.run("sh", "-c", BODY, "pe", *asked).stdout.encode())
    for verdict in case.verdicts:
        check(verdict, verdict.declared, {"services": observed})


def test_a_plain_user_and_every_shell_see_the_same(units: Node) -> None:
    for shell in ("mksh", "busybox"):
        shutil.copy(str(shutil.which(shell)), units.tree / "usr/local/bin")
    asked = [
        *ask(
            [
                Service(name=name, state="stopped")
                for name in ("plain", "waited", "gone", "other-name")
            ]
        ),
        "cron.service",
        "timed.timer",
        "ssh.service",
    ]
    runs = [*SHELLS, ("runuser", "-u", "guest", "--", "sh")]
    first, *others = (
        timeless(units.run(*shell, "-c", BODY, "pe", *asked).stdout) for shell in runs
    )
    assert "\ncomplete\n" in first
    assert len(RESOURCE.parse(first.encode())) == len(asked)
    for answer in others:
        assert answer == first


def timeless(answer: str) -> str:
    """An answer without the time, and without what the journal has, which not everybody may read."""
    answer = re.sub(r"(== clock\n).*", r"\g<1>0 0", answer)
    return re.sub(r"^\S+ (start|before|stop) [0-9.]+\n", "", answer, flags=re.MULTILINE)


@pytest.mark.parametrize("asked", ["cron.service", "!cron.service"])
def test_without_a_running_systemd_the_probe_fails(units: Node, asked: str) -> None:
    bare = (
        "unshare",
        "-pf",
        "--mount-proc",
        "sh",
        "-c",
        'mount -t tmpfs none /run; exec sh -c "$@"',
        "sh",
    )
    assert units.run(*bare, BODY, "pe", asked, check=False).returncode != 0
    silent = f"systemctl() {{ :; }}\n{BODY}"  # as in a chroot: status 0 and not a word
    assert units.run("sh", "-c", silent, "pe", asked, check=False).returncode != 0


def test_a_find_that_fails_is_no_word_that_no_generator_changed(units: Node) -> None:
    asked = [*ask([Service(name="cron", enabled=True)])]
    assert "unsure *" not in units.run("sh", "-c", BODY, "pe", *asked).stdout
    broken = f"find() {{ return 1; }}\n{BODY}"
    assert "unsure * find could not tell" in units.run("sh", "-c", broken, "pe", *asked).stdout
