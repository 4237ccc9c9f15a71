"""Reasons of several nodes that are one cause."""

import pytest

from power_edge.report.blocked_cause import cause


@pytest.mark.parametrize(
    ("reason", "names"),
    [
        ("ssh: connect to host {0} port 22: No route to host", ["10.0.0.1", "10.0.0.27"]),
        ("ssh: connect to host {0} port 22: No route to host", ["fd00::1", "fe80::2%eth0"]),
        ("ssh: Could not resolve hostname {0}: Name or service not known", ["rig-1", "rig-10"]),
        ("{0}: Permission denied (publickey).", ["op@rig-1", "op@rig-2"]),
        ("no identity on file; record one with: power-edge identity {0} --write", ["a", "b"]),
        ("connect to host 10.0.0.1 port 22: refused ({0})", ["a.b", "c.d"]),
    ],
)
def test_one_cause(reason: str, names: list[str]) -> None:
    assert len({cause(reason.format(name), [name, ""]) for name in names}) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("connect to host a port 22: refused", "connect to host a port 23: refused"),
        ("a: Permission denied", "a: Connection refused"),
        ("no answer in 10 s", "no answer in 20 s"),
        (
            "identity on file 0b94, this machine's e8cc",
            "identity on file 0b95, this machine's e8cc",
        ),
    ],
)
def test_two_causes(one: str, other: str) -> None:
    assert cause(one, ["a"]) != cause(other, ["a"])


def test_a_name_is_not_taken_out_of_a_word() -> None:
    assert cause("a: bad-a and a-b, a.b", ["a"]) == "*: bad-a and a-b, *.b"
