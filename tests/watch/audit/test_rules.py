"""Rules in their binary form."""

import struct

from power_edge.watch.audit.rules import (
    KEY,
    command_rule,
    encode,
    file_rule,
    folder_rule,
    key_of,
    syscall_rule,
)


def words(rule: bytes) -> tuple[int, ...]:
    return struct.unpack_from("=260I", rule)


def test_a_rule_for_a_file_is_that_of_auditctl() -> None:
    # auditctl -w /etc/motd -p wa -k power-edge: all system calls, on their exit, always.
    rule = encode(file_rule("/etc/motd"))
    flags, action, count, *rest = words(rule)
    assert (flags, action, count) == (4, 2, 3)
    assert rest[:64] == [0xFFFFFFFF] * 64
    assert rest[64:67] == [106, 105, 210]
    assert rest[128:131] == [2 | 8, len("/etc/motd"), len(KEY)]
    assert rest[192:195] == [0x40000000] * 3
    assert rest[256] == len("/etc/motd") + len(KEY)
    assert rule[260 * 4 :] == b"/etc/motdpower-edge"


def test_a_rule_for_a_folder_names_its_system_calls() -> None:
    rest = words(encode(folder_rule("/proc/sys", [0, 257], attributes=False)))[3:]
    assert rest[0] == 1
    assert rest[8] == 1 << 1
    assert sum(rest[:64]) == 3
    assert rest[64:67] == (106, 107, 210)
    assert rest[128] == 2


def test_a_rule_for_a_command_and_for_a_system_call() -> None:
    assert words(encode(command_rule("/usr/sbin/ufw")))[3 + 128] == 1
    rest = words(encode(syscall_rule(164)))
    assert rest[2] == 1
    assert rest[3 + 64] == 210
    assert rest[3 + 5] == 1 << 4


def test_our_rules_are_known_by_their_key() -> None:
    for rule in (file_rule("/etc/motd"), folder_rule("/é"), command_rule("/x"), syscall_rule(1)):
        assert key_of(encode(rule)) == KEY


def test_rules_of_others_are_not_ours() -> None:
    ours = encode(file_rule("/etc/power-edge"))
    assert key_of(ours[: -len(KEY)] + b"login-key!") == "login-key!"
    theirs = bytearray(encode(syscall_rule(1)))
    struct.pack_into("=I", theirs, 4 * (3 + 64), 11)  # the field is arch, not a key
    assert key_of(bytes(theirs)) is None
    assert key_of(ours[:1000]) is None
    assert key_of(b"") is None
