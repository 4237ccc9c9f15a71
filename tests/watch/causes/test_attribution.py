"""Which act caused a change: the last one that did something to that very item."""

import pytest

from power_edge.model import Item
from power_edge.watch.audit.reports import cause_of
from power_edge.watch.causes.attribution import (
    Window,
    choose,
    only_reads,
    subject_of_command,
    subject_of_commit,
    touches,
)
from power_edge.watch.causes.cause import Act, Cause, as_text
from power_edge.watch.causes.processes import Process
from power_edge.watch.event import Event, Kind, Subject
from tests.support.audit import events
from tests.support.cases import items_of

(MOTD,) = items_of({"files": [{"path": "/etc/motd", "mode": "0644"}]})
(CRON,) = items_of({"services": [{"name": "cron", "state": "running"}]})
(SWAPPINESS,) = items_of({"sysctl": {"vm.swappiness": "60"}})
(UFW,) = items_of({"packages": [{"name": "ufw", "state": "present"}]})
(POLICY,) = items_of({"firewall": {"default_incoming": "deny"}})
ALL = [MOTD, CRON, SWAPPINESS, UFW, POLICY]
UNITS = Subject(Kind.PATH, "/etc/systemd/system")
RULESET = Subject(Kind.TOPIC, "nftables")


def act(subject: Subject, path: str | None = None, argv: str = "", **cause: object) -> Act:
    found = Cause("audit", pid=100)._replace(**cause)  # type: ignore[arg-type]
    return Act(subject, found.time or 10.0, found, path, tuple(argv.split()))


@pytest.mark.parametrize(
    ("done", "item"),
    [
        (act(Subject(Kind.PATH, "/etc/motd"), "/etc/motd"), MOTD),
        (act(Subject(Kind.PATH, "/etc/motd"), "/run/motd"), MOTD),
        (act(Subject(Kind.VALUE, "/proc/sys/vm/swappiness")), SWAPPINESS),
        (act(Subject(Kind.UNIT, "cron.service")), CRON),
        (act(UNITS, "/etc/systemd/system/multi-user.target.wants/cron.service"), CRON),
        (act(UNITS, "/etc/systemd/system/cron.service.d/limits.conf"), CRON),
        (act(UNITS, "/etc/systemd/system/ssh.service"), None),
        (act(UNITS, "/etc/systemd/system"), None),
        (act(RULESET), POLICY),
        (act(subject_of_commit(100)), None),
        (act(Subject(Kind.TOPIC, "unit-files")), None),
        (act(Subject(Kind.PATH, "/etc/sysctl.d"), "/etc/sysctl.d/vm.swappiness"), None),
        (act(Subject(Kind.PATH, "/var/lib/dpkg/status"), "/var/lib/dpkg/status"), None),
    ],
)
def test_an_act_touches_its_very_item_alone(done: Act, item: Item | None) -> None:
    assert [each for each in ALL if touches(done, each, "debian")] == ([item] if item else [])


@pytest.mark.parametrize(
    ("argv", "does"),
    [
        ("systemctl stop cron", True),
        ("systemctl --now disable ssh.service cron.service", True),
        ("systemctl -s 9 kill cron", True),
        ("systemctl status cron", False),
        ("systemctl show cron.service", False),
        ("systemctl is-active cron", False),
        ("systemctl stop ssh", False),
        ("systemctl stop cron.timer", False),
        ("systemctl status stop cron", False),
        ("systemctl", False),
    ],
)
def test_a_command_touches_the_units_that_it_changes(argv: str, does: bool) -> None:
    assert touches(act(subject_of_command("systemctl"), argv=argv), CRON) is does
    assert not touches(act(subject_of_command("echo"), argv=argv), CRON)


@pytest.mark.parametrize(
    ("argv", "reads"),
    [
        ("systemctl show cron.service", True),
        ("/usr/bin/systemctl --no-pager", True),
        ("systemctl stop cron", False),
        ("systemctl daemon-reload", False),
        ("ufw status", False),
        ("", False),
    ],
)
def test_what_only_reads(argv: str, reads: bool) -> None:
    assert only_reads(tuple(argv.split())) is reads


def test_no_act_no_cause() -> None:
    others = [act(Subject(Kind.PATH, "/etc/issue"), "/etc/issue", user="mallory")]
    assert choose(others, MOTD, Window(0, 100)) is None
    assert choose([], MOTD, Window(0, 100)) is None


def test_only_acts_of_the_time_count() -> None:
    done = act(Subject(Kind.PATH, "/etc/motd"), user="alice", time=50.0)
    assert choose([done], MOTD, Window(51, 60)) is None
    assert choose([done], MOTD, Window(40, 49)) is None
    assert choose([done], MOTD, Window(50, 60)) is None
    assert choose([done], MOTD, Window(49, 50)) == done.cause


def test_of_several_acts_nobody_is_named_for_what_another_may_have_done() -> None:
    motd = Subject(Kind.PATH, "/etc/motd")
    first = act(motd, user="alice", command="vi /etc/motd", terminal="pts/0", pid=1001, time=50.0)
    last = act(motd, user="bob", command="sed -i x /etc/motd", terminal="pts/0", pid=1002, time=51)
    assert choose([last, first], MOTD, Window(0, 100)) == Cause(
        "audit",
        terminal="pts/0",
        time=51.0,
        detail=("one of: vi /etc/motd (1001), sed -i x /etc/motd (1002)",),
    )
    # What holds for all of them is said.
    again = last._replace(cause=last.cause._replace(user="alice"))
    cause = choose([again, first], MOTD, Window(0, 100))
    assert cause is not None
    assert (cause.user, cause.command, cause.pid) == ("alice", None, None)


def test_two_files_of_two_users_in_one_second() -> None:
    (issue,) = items_of({"files": [{"path": "/etc/issue", "mode": "0644"}]})
    acts = [
        act(Subject(Kind.PATH, path), path, user=user, pid=pid, time=50.0)
        for path, user, pid in (("/etc/motd", "alice", 7), ("/etc/issue", "bob", 8))
    ]
    for item, user in ((MOTD, "alice"), (issue, "bob")):
        cause = choose(acts, item, Window(0, 100))
        assert cause is not None
        assert (cause.user, cause.detail) == (user, ())


def commit(pid: int, at: float, *line: tuple[int, str], command: str = "ip6tables") -> Act:
    return act(RULESET, kind="commit", command=command, pid=pid, time=at)._replace(
        line=((pid, command), *line)
    )


def test_a_commit_before_the_first_event_made_no_later_drift() -> None:
    old, new = commit(7, 99.0, command="nft a"), commit(8, 100.0, command="nft b")
    later = commit(9, 100.3, command="nft c")
    assert choose([old, new], POLICY, Window(98, 101, 100.0)) == new.cause
    # Two within one burst: either may have done it.
    cause = choose([old, new, later], POLICY, Window(98, 101, 100.0))
    assert cause is not None
    assert (cause.command, cause.pid) == (None, None)
    assert cause.detail == ("one of: nft b (8), nft c (9)",)


def test_twenty_processes_of_one_command_are_that_command() -> None:
    ufw = (500, "/usr/bin/python3 /usr/sbin/ufw allow 22/tcp"), (400, "-bash"), (1, "init")
    acts = [commit(pid, 100 + pid / 1000, *ufw) for pid in range(501, 521)]
    cause = choose(acts, POLICY, Window(98, 101, 100.0))
    assert cause is not None
    assert (cause.pid, cause.command) == ufw[0]
    assert as_text(cause) == "/usr/bin/python3 /usr/sbin/ufw allow 22/tcp (process 500)"
    # Another user's commit beside them: nothing is said that is not true of all.
    foreign = commit(600, 100.9, (500, "reused"), command="nft")
    other = foreign._replace(cause=foreign.cause._replace(user="bob"))
    cause = choose([*acts, other], POLICY, Window(98, 101, 100.0))
    assert cause is not None
    assert (cause.pid, cause.command) == (None, None)
    assert cause.detail == ("one of: ip6tables (20 processes), nft (600)",)
    # All that come from PID 1 alone have nothing in common.
    daemons = [commit(pid, 100.1, (1, "init"), command=f"d{pid}") for pid in (7, 8)]
    cause = choose(daemons, POLICY, Window(98, 101, 100.0))
    assert cause is not None
    assert cause.command is None


def test_one_process_is_one_cause() -> None:
    motd = Subject(Kind.PATH, "/etc/motd")
    acts = [act(motd, user="alice", time=time) for time in (50.0, 50.1, 50.2)]
    assert choose(acts, MOTD, Window(0, 100)) == acts[-1].cause


def test_systemd_acts_for_others() -> None:
    unit = "/etc/systemd/system/multi-user.target.wants/cron.service"
    assert choose([act(UNITS, unit, pid=1)], CRON, Window(0, 100)) is None


def test_a_commit_gets_its_user_from_the_record_of_its_process() -> None:
    commit = act(RULESET, kind="commit", command="nft", pid=7, time=10.0)
    record = act(subject_of_commit(7), user="alice", command="nft flush ruleset", pid=7, time=9.99)
    another = act(subject_of_commit(8), user="mallory", pid=8, time=10.0)
    assert choose([record, commit, another], POLICY, Window(0, 100)) == record.cause
    assert choose([commit, another], POLICY, Window(0, 100)) == commit.cause
    assert choose([record, another], POLICY, Window(0, 100)) is None


# Audit and a running systemd: the records were captured on a machine without systemd, and a node's
# D-Bus reports a stop in the same second. The command line and the time join the two.


def test_a_stop_that_d_bus_reports_is_that_of_the_recorded_systemctl() -> None:
    sudo, run = events("sudo-systemctl-stop")
    stopped = Event("dbus", Subject(Kind.UNIT, "cron.service"), run.time + 0.04, "deactivating")
    recorded = Act(
        subject_of_command("systemctl"),
        run.time,
        cause_of(run, [], "stella", [sudo]),
        argv=run.argv,
    )
    cause = choose([recorded], CRON, Window(stopped.time - 2, stopped.time + 0.5))
    assert cause == Cause(
        "audit",
        user="stella",
        command="systemctl stop cron.service",
        via=("sudo systemctl stop cron.service",),
        terminal="pts/6",
        pid=23681,
        time=1796073004.233,
    )
    (ssh,) = items_of({"services": [{"name": "ssh", "state": "running"}]})
    assert choose([recorded], ssh, Window(stopped.time - 2, stopped.time + 0.5)) is None


SHELL = Process(17080, "bash", 17000, 1000, 1000, "bash", "session-3.scope")
SUDO = Process(17087, "sudo", 17080, 0, 1000, "sudo sysctl -w vm.swappiness=61", "session-3.scope")
MONITOR = SUDO._replace(pid=17094, parent=17087)
SYSCTL = Process(17095, "sysctl", 17094, 0, 1000, "sysctl -w vm.swappiness 61", "session-3.scope")


def test_the_chain_of_a_living_process() -> None:
    sudo, write = events("sudo-sysctl")
    cause = cause_of(write, [SYSCTL, MONITOR, SUDO, SHELL], "stella", [sudo])
    assert cause == Cause(
        "audit",
        user="stella",
        command="sysctl -w vm.swappiness=61",
        via=("sudo sysctl -w vm.swappiness=61",),
        unit="session-3.scope",
        terminal="pts/0",
        pid=17095,
        time=1796072981.177,
    )


def test_the_chain_of_a_sudo_that_is_about_to_end() -> None:
    sudo, write = events("sudo-sysctl")
    ending = [each._replace(command="") for each in (MONITOR, SUDO)]
    assert cause_of(write, [*ending, SHELL], "stella", [sudo]).via == (
        "sudo sysctl -w vm.swappiness=61",
    )


def test_the_chain_of_a_sudo_that_writes_no_records() -> None:
    _, write = events("sudo-sysctl")
    cause = cause_of(write, [SYSCTL, MONITOR, SUDO, SHELL], "stella")
    assert cause.via == ("sudo sysctl -w vm.swappiness=61",)


def test_the_chain_when_all_have_ended() -> None:
    sudo, write = events("sudo-sysctl")
    cause = cause_of(write, [], "stella", [sudo])
    assert cause.via == ("sudo sysctl -w vm.swappiness=61",)
    assert (cause.command, cause.terminal) == ("sysctl -w vm.swappiness=61", "pts/0")


def test_another_use_of_sudo_is_no_chain() -> None:
    sudo, write = events("sudo-sysctl")
    other, _ = events("sudo-tee")
    assert cause_of(write, [], "stella", [other]).via == ()
    sudo.login = 7
    assert cause_of(write, [], "stella", [sudo]).via == ()
    sudo.login, sudo.session = write.login, 7
    cause = cause_of(write, [], "stella", [sudo])
    assert (cause.via, cause.terminal) == ((), "pts/1")


def test_the_command_line_of_a_living_process_counts_if_it_is_the_program_of_the_record() -> None:
    (write,) = events("shell-with-old-title")
    own = Process(6985, "sh", 6875, 0, 1000, "sh -c echo x >/etc/motd", None)
    assert cause_of(write, [own], None).command == "sh -c echo x >/etc/motd"
    # It is about to end, and has no command line any more.
    assert cause_of(write, [own._replace(command="")], None).command == "/usr/bin/dash"
    # It has become another program since.
    assert cause_of(write, [own._replace(name="vi")], None).command == "/usr/bin/dash"
