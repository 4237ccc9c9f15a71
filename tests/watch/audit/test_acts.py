"""What an audit event did, and to what."""

import os
from collections.abc import Iterable

import pytest

from power_edge.watch.audit.acts import RULESET, Done, Identity, Known, Places, done
from power_edge.watch.audit.records import AuditEvent
from power_edge.watch.causes.attribution import subject_of_command, subject_of_commit
from power_edge.watch.event import Kind, Subject
from tests.support.audit import events

SSHD = Subject(Kind.PATH, "/etc/ssh/sshd_config")
SWAPPINESS = Subject(Kind.VALUE, "/proc/sys/vm/swappiness")
KNOWN = Known(
    frozenset({"systemctl", "true"}),
    {},
    {257: "openat", 264: "renameat", 82: "rename", 268: "fchmodat"},
    0xC000003E,
)
CONFIG: Identity = (0, 0x71, 10010747)
"""The file of the captures, after it was replaced."""


def did(
    event: AuditEvent,
    subjects: Iterable[Subject] = (SSHD, SWAPPINESS),
    now: dict[str, Identity] | None = None,
    known: Known = KNOWN,
    ours: bool = True,
) -> list[Done]:
    """What an event did, if files are these now."""
    places = Places(subjects, (now or {}).get)
    return list(done(event, places, known, lambda _: ours))


def without_key(event: AuditEvent) -> AuditEvent:
    """The event as another's rule reports it."""
    event.keys = ("identity",)
    return event


@pytest.mark.parametrize("name", ["sudo-sed-in-place", "sudo-mv-over", "sudo-tee", "sudo-chmod"])
def test_a_change_of_a_file_is_found(name: str) -> None:
    event = events(name)[-1]
    assert did(event, now={SSHD.name: CONFIG}) == [Done(SSHD, SSHD.name)]


def test_a_file_that_has_gone_again_is_known_by_our_rule() -> None:
    assert did(events("sudo-tee")[-1]) == [Done(SSHD, SSHD.name)]
    assert did(without_key(events("sudo-tee")[-1])) == []


def test_another_file_of_the_same_name_is_not_ours() -> None:
    # In a container, reported by a rule of somebody else's.
    event = without_key(events("sudo-tee")[-1])
    assert did(event, now={SSHD.name: (0, 0x30, 5)}) == []
    assert did(event, now={SSHD.name: CONFIG}) == [Done(SSHD, SSHD.name)]


def test_a_file_is_known_by_its_identity_whatever_its_name() -> None:
    event = events("sudo-tee")[-1]
    other = Subject(Kind.PATH, "/srv/also-sshd_config")
    assert did(event, [other], now={other.name: CONFIG}) == [Done(other, other.name)]


def test_a_value_has_to_be_that_of_this_machine() -> None:
    event = events("sudo-sysctl")[-1]
    assert did(event, now={SWAPPINESS.name: (0, 0x15, 663257)}) == [
        Done(SWAPPINESS, SWAPPINESS.name)
    ]
    # The same name in another network namespace is another value.
    assert did(event, now={SWAPPINESS.name: (0, 0x15, 1)}) == []


def test_a_reader_changes_nothing() -> None:
    event = without_key(events("sudo-tee")[-1])
    event.registers = (0xFFFFFF9C, 0, 0, 0)
    assert did(event, now={SSHD.name: CONFIG}) == []
    # Nor on another architecture, whose numbers mean something else.
    event = without_key(events("sudo-tee")[-1])
    event.architecture = 0x40000003
    assert did(event, now={SSHD.name: CONFIG}) == []


def test_a_call_that_failed_changes_nothing() -> None:
    event = events("sudo-tee")[-1]
    event.succeeded = False
    assert did(event, now={SSHD.name: CONFIG}) == []


def test_a_change_in_a_folder_names_the_file(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = Subject(Kind.PATH, "/etc")
    event = events("sudo-tee")[-1]
    assert did(event, [folder], now={SSHD.name: CONFIG}) == [Done(folder, SSHD.name)]
    assert did(without_key(event), [folder]) == []
    assert did(events("sudo-tee")[-1], [Subject(Kind.PATH, "/usr")]) == []


def test_a_command_is_known_by_the_name_it_was_called_by() -> None:
    assert did(events("sudo-systemctl-stop")[-1]) == [Done(subject_of_command("systemctl"))]
    assert did(events("exec-with-blanks")[-1]) == [Done(subject_of_command("true"))]
    nothing = KNOWN._replace(commands=frozenset({"ufw"}))
    assert did(events("sudo-systemctl-stop")[-1], known=nothing) == []


def test_a_command_of_a_container_or_of_no_root_stops_nothing_here() -> None:
    event = without_key(events("sudo-systemctl-stop")[-1])
    assert did(event, now={"/usr/bin/systemctl": (0, 0x30, 5)}) == []
    ours = {os.path.realpath("/usr/bin/systemctl"): (0, 0x71, 798770)}
    assert did(event, now=ours) == [Done(subject_of_command("systemctl"))]
    event.user = 1000
    assert did(event, now=ours) == []


def test_a_system_call_of_the_configuration_is_reported_from_our_rules_alone() -> None:
    known = KNOWN._replace(syscalls={268: "fchmodat"}, writers={})
    event = events("sudo-chmod")[-1]
    event.paths.clear()
    assert did(event, known=known) == [Done(Subject(Kind.TOPIC, "syscall:fchmodat"))]
    assert did(without_key(event), known=known) == []


def test_a_commit_is_kept_by_its_process() -> None:
    # It may be a container's: the source `nftables` knows which commits are ours.
    assert did(events("sudo-nft")[-1]) == [Done(subject_of_commit(24535))]
    assert did(events("sudo-nft")[-1], known=KNOWN._replace(ruleset=False)) == []


def test_iptables_legacy_changes_the_ruleset_if_it_is_certainly_ours() -> None:
    event = events("sudo-iptables-legacy")[-1]
    assert did(event) == [Done(subject_of_commit(24740)), Done(RULESET)]
    assert did(event, ours=False) == [Done(subject_of_commit(24740))]
