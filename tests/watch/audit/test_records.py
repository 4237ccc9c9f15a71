"""Records of the kernel become events."""

import pytest

from power_edge.watch.audit.records import NOBODY, SYSCALL, USER_COMMAND, Assembler, text_of
from tests.support.audit import events, records


def test_a_write_is_put_together_from_its_records() -> None:
    sudo, write = events("sudo-sysctl")
    assert USER_COMMAND in sudo.kinds
    assert (sudo.pid, sudo.login, sudo.session) == (17087, 1000, 534)
    assert (sudo.ran, sudo.terminal) == ("sysctl -w vm.swappiness=61", "pts/0")
    assert write.succeeded
    assert (write.pid, write.parent, write.login, write.session) == (17095, 17094, 1000, 534)
    assert (write.time, write.serial) == (1796072981.177, 347)
    assert (write.command, write.executable, write.terminal) == (
        "sysctl",
        "/usr/sbin/sysctl",
        "pts/1",
    )
    # sysctl writes over its arguments.
    assert write.line == "sysctl -w vm.swappiness 61"
    assert write.keys == ("power-edge",)
    assert (write.architecture, write.syscall) == (0xC000003E, 257)
    assert write.registers[2] == 0o1001
    (path,) = write.paths
    assert path == ("/proc/sys/vm/swappiness", 663257, (0, 0x15), "NORMAL")
    assert write.full(path) == "/proc/sys/vm/swappiness"


def test_a_relative_name_is_one_in_the_working_directory() -> None:
    _, moved = events("sudo-mv-over")
    ours = [path for path in moved.paths if path.name == "sshd_config"]
    assert {moved.full(path) for path in ours} == {"/etc/ssh/sshd_config"}
    assert [path.how for path in ours] == ["DELETE", "CREATE"]
    assert all(path.name == "" for path in moved.paths[4:8])


def test_arguments_with_blanks_are_decoded() -> None:
    (event,) = events("exec-with-blanks")
    assert event.argv == ("/usr/bin/true", "a", "b c")
    assert event.line == "/usr/bin/true a b c"


def test_a_long_argument_comes_in_pieces_and_records() -> None:
    assembler = Assembler()
    for text in (
        'argc=3 a0="sh" a1_len=6 a1[0]=616263',
        'a1[1]=646566 a2="-"',
    ):
        assembler.feed(1309, f"audit(1.5:7): {text}")
    event = assembler.feed(1320, "audit(1.5:7): ")
    assert event is not None
    assert event.argv == ("sh", "abcdef", "-")


def test_the_title_of_an_earlier_program_is_not_the_command_line() -> None:
    (event,) = events("shell-with-old-title")
    assert event.title == "python login.py"
    assert event.line == "/usr/bin/dash"


@pytest.mark.parametrize(
    ("title", "command", "executable", "own"),
    [
        ("-bash", "bash", "/usr/bin/bash", True),
        ("sshd: stella [priv]", "bash", "/usr/bin/bash", False),
        ("/usr/bin/python3 /usr/sbin/ufw deny 22", "ufw", "/usr/bin/python3.11", True),
        ("/bin/sh -e /usr/sbin/service-with-a-long-name", "service-with-a-", "/usr/bin/dash", True),
        ("python login.py sed -i x", "sed", "/usr/bin/sed", False),
    ],
)
def test_a_title_counts_if_it_names_the_program(
    title: str, command: str, executable: str, own: bool
) -> None:
    (event,) = events("shell-with-old-title")
    event.title, event.command, event.executable = title, command, executable
    assert event.line == (title if own else executable)


def test_events_that_overlap_are_kept_apart() -> None:
    (write,), (run,) = records("sudo-sysctl")[1:2], records("exec-with-blanks")[:1]
    rest = [*records("sudo-sysctl")[2:], *records("exec-with-blanks")[1:]]
    assembler = Assembler()
    found = [assembler.feed(*record) for record in (write, run, *rest)]
    assert [event.pid for event in found if event is not None] == [17095, 7000]


def test_an_event_without_an_end_is_handed_out_later() -> None:
    assembler = Assembler()
    kind, text = records("sudo-nft")[1]
    assert assembler.feed(kind, text) is None
    assert assembler.overdue(before=1796073009.149) == []
    (event,) = assembler.overdue(before=1796073009.2)
    assert (event.pid, event.command, event.login) == (24535, "nft", NOBODY)
    assert event.operation == "nft_register_table"
    assert assembler.overdue(before=1796073009.2) == []


def test_events_without_an_end_do_not_pile_up() -> None:
    assembler = Assembler()
    for serial in range(1000):
        assembler.feed(SYSCALL, f"audit(1.0:{serial}): pid=1")
    assert len(assembler.overdue(before=2.0)) == 256


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ('"/etc/motd"', "/etc/motd"),
        ("2F746D702F612062", "/tmp/a b"),
        ("(null)", ""),
        ("FF", "\udcff"),
        ("pts0", "pts0"),
        ('"AB"', "AB"),
    ],
)
def test_values(value: str, text: str) -> None:
    assert text_of(value) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "audit(): pid=1",
        "audit(1.5): pid=1",
        'audit(1.5:1): pid= auid=x ses=0x a0=zz syscall="',
        'audit(1.5:1): item=0 name="a dev=: inode= nametype',
        'audit(1.5:1): argc=99999999 a99999999="x" a1[=3 a[0]=4',
        "audit(1.5:1): msg='cmd= exe=",
    ],
)
def test_what_is_not_understood_is_dropped(text: str) -> None:
    for kind in (1300, 1302, 1305, 1307, 1309, 1320, 1325, 1327, 1123, 9999):
        event = Assembler().feed(kind, text)
        assert event is None or (event.pid == -1 and not event.argv)
