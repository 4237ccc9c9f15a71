"""Which rules the audit source sets."""

from pathlib import Path

import pytest

from power_edge.model.generated.watcher_schema import Auditd, Watchers
from power_edge.watch.audit_acts import WRITES
from power_edge.watch.audit_rules import Rule, command_rule, file_rule, folder_rule, syscall_rule
from power_edge.watch.event import Kind, Subject
from power_edge.watch.sources import Watched, auditd
from power_edge.watch.sources.auditd import SOURCE, Wanted, rules

NUMBERS = {name: number for number, name in enumerate(WRITES, 1)} | {"settimeofday": 164}
ALL = sorted(set(NUMBERS.values()) - {164})


def paths(*names: Path | str) -> frozenset[Subject]:
    return frozenset(Subject(Kind.PATH, str(name)) for name in names)


def wanted(subjects: frozenset[Subject], **configured: tuple[str, ...]) -> list[Rule]:
    found = Wanted(
        configured.get("commands", ()), configured.get("syscalls", ()), subjects, NUMBERS, 1
    )
    return [rule._replace(syscalls=tuple(sorted(rule.syscalls))) for rule in rules(found)]


def test_a_file_has_a_rule_of_its_own_though_it_is_missing(tmp_path: Path) -> None:
    (tmp_path / "motd").touch()
    assert wanted(paths(tmp_path / "motd")) == [file_rule(f"{tmp_path}/motd")]
    assert wanted(paths(tmp_path / "none")) == [file_rule(f"{tmp_path}/none")]
    # The first step that is missing: what comes there is looked at anew.
    assert wanted(paths(tmp_path / "none" / "at" / "all")) == [file_rule(f"{tmp_path}/none")]


def test_a_link_and_its_target_have_rules(tmp_path: Path) -> None:
    (tmp_path / "target").touch()
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "link").symlink_to("../target")
    assert wanted(paths(tmp_path / "sub" / "link")) == [
        file_rule(f"{tmp_path}/target"),
        file_rule(f"{tmp_path}/sub/link"),
    ]


def test_folders_and_many_files_of_one_have_one_rule(tmp_path: Path) -> None:
    assert wanted(paths(tmp_path)) == [folder_rule(str(tmp_path), ALL)]
    files = paths(*(tmp_path / name for name in "abc"))
    assert wanted(files) == [folder_rule(str(tmp_path), ALL)]


def test_values_have_one_rule_for_those_who_open_them() -> None:
    found = wanted(frozenset({Subject(Kind.VALUE, "/proc/sys/vm/swappiness")}))
    openings = {NUMBERS[name] for name in ("open", "openat", "openat2", "creat", "truncate")}
    assert found == [folder_rule("/proc/sys", sorted(openings), attributes=False)]


def test_commands_and_system_calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "multi"
    program.touch(mode=0o755)
    for name in ("iptables", "ip6tables"):
        (tmp_path / name).symlink_to("multi")
    monkeypatch.setattr(auditd, "PROGRAMS", str(tmp_path))
    found = wanted(
        frozenset(), commands=("iptables", "ip6tables", "missing"), syscalls=("settimeofday",)
    )
    assert found == [command_rule(str(program)), syscall_rule(164)]


def test_it_is_wanted_for_files_values_and_what_is_configured() -> None:
    assert not SOURCE.wants(Watched(frozenset({Subject(Kind.UNIT, "cron.service")})))
    assert SOURCE.wants(Watched(paths("/etc/motd")))
    off = Watchers(enabled=True, auditd=Auditd(enabled=False, commands=["ufw"]))
    assert not SOURCE.wants(Watched(paths("/etc/motd"), off))
    on = Watchers(enabled=True, auditd=Auditd(commands=["ufw"]))
    assert SOURCE.wants(Watched(frozenset(), on))
