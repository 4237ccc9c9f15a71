"""What the kernel compares and nft does not print: `compared` of the probe, beside nft's JSON.

tests/lab/test_hidden_conditions.py has the same by packets.
"""

import re
import subprocess
from typing import Any

import pytest

from power_edge import package_data
from power_edge.resources.firewall.packets import marks
from power_edge.resources.firewall.packets.dimension import BITS, Dimension
from power_edge.resources.firewall.packets.program import ALLOW, Action, Effect, FilterRule
from power_edge.resources.firewall.packets.sets import FALSE, Box
from power_edge.resources.firewall.readers.nft_bytecode import (
    STATEMENT,
    Comparison,
    compared,
    read,
)
from power_edge.resources.firewall.readers.nft_objects import Rule
from tests.resources.firewall.test_firewall import (
    ACCEPT,
    ALLOW_22,
    TCP22,
    nft,
    observed,
    outcome,
)

PLAIN = "inet t in 9\tmeta l4proto=0x00000006"


@pytest.mark.parametrize(
    ("compared", "expected"),
    [
        (PLAIN, "compliant"),
        ("inet t in 9 7\tmeta l4proto=0x00000006", "compliant"),
        ("inet t in 9\tmeta l4proto=0x06", "compliant"),
        (f"{PLAIN}\tct l3protocol", "unknown"),
        (f"{PLAIN}\tmeta iiftype\tether", "unknown"),
        (f"{PLAIN}\tmeta nfproto=0x00000002", "drift"),
        (f"{PLAIN}\tmeta nfproto=0x0000000a", "drift"),
        (f"{PLAIN}\tmeta protocol=0x00000008", "drift"),
        (f"{PLAIN}\tmeta protocol=0x0000dd86", "drift"),
        (f"{PLAIN}\tmeta protocol=0x000086dd", "drift"),
        (f"{PLAIN}\tmeta protocol=0x00000081", "drift"),
        (f"{PLAIN}\tmeta l4proto=0x00000011", "drift"),
        (f"{PLAIN}\t?", "unknown"),
        (f"{PLAIN}\tip protocol=0x00000006", "unknown"),
        (f"{PLAIN}\tip6 nexthdr=0x00000000", "unknown"),
        ("inet t in 8\tmeta l4proto=0x00000006", "unknown"),
        ("", "unknown"),
    ],
)
def test_a_rule_is_for_the_packets_that_meet_all_that_the_kernel_compares(
    compared: str, expected: str
) -> None:
    found = observed(nft=nft([TCP22, ACCEPT]), compared=compared)
    assert outcome(ALLOW_22, found) == expected


def test_comparisons_that_could_not_be_read_hide_any_condition() -> None:
    for readings in ({"compared": (1, "not supported")}, {"compared": PLAIN, "moved": "yes"}):
        assert outcome(ALLOW_22, observed(nft=nft([TCP22, ACCEPT]), **readings)) == "unknown"


def test_the_lines_of_the_probe() -> None:
    found = read(
        "inet t in 9\tmeta l4proto=0x00000006\tct l3protocol\n"
        "inet t in 10 9\tmeta nfproto=0x0000000a\tstatement\n"
        "inet t in 11 10\n"
    )
    assert [*found["inet t in 9"]] == [("meta l4proto", b"\x06"), ("ct l3protocol", b"")]
    assert [*found["inet t in 10"]] == [("meta nfproto", b"\x0a"), (STATEMENT, b"")]
    assert [*found["inet t in 11"]] == []
    with pytest.raises(ValueError, match="non-hexadecimal"):
        read("inet t in 9\tmeta l4proto=six")


TCP, ESP = Comparison("meta l4proto", b"\x06"), Comparison("meta l4proto", b"\x32")
IPV4, IPV6 = Comparison("meta nfproto", b"\x02"), Comparison("meta nfproto", b"\x0a")
HIDDEN, CHANGE = Comparison("ct l3protocol", b""), Comparison(STATEMENT, b"")
ALL: Box = {}
PROTO_TCP: Box = {Dimension.PROTO: ((6, 6),)}
PRINTED = Rule(("inet", "t", "in"), "9", [])
FOUR = marks.Change(marks.PACKET, 0, 0, 4)


@pytest.mark.parametrize(
    ("comparisons", "expected"),
    [
        ([], [(ALL, True)]),
        ([TCP], [(PROTO_TCP, True)]),
        ([TCP, ESP], []),
        ([IPV4], [(ALL, True)]),
        ([IPV6], []),
        ([Comparison("meta protocol", b"\x08")], [(ALL, True)]),
        ([Comparison("meta protocol", b"\x86\xdd")], []),
        ([Comparison("meta protocol", b"\x81")], []),
        ([Comparison("ip protocol", b"\x06")], [(PROTO_TCP, True)]),
        ([Comparison("ip6 nexthdr", b"\x06")], [(ALL, False)]),
        ([HIDDEN], [(ALL, False)]),
        ([TCP, HIDDEN], [(PROTO_TCP, False)]),
        ([HIDDEN, IPV6], []),
        ([TCP, CHANGE], [(PROTO_TCP, True)]),
        ([CHANGE, TCP], [(PROTO_TCP, True)]),
    ],
    ids=str,
)
def test_what_an_end_of_a_rule_is_for(
    comparisons: list[Comparison], expected: list[tuple[Any, bool]]
) -> None:
    """All comparisons come before it. In IPv4."""
    for action in (ALLOW, Action.DENY, Action.REJECT, Action.RETURN, Action.JUMP, Action.GOTO):
        assert parts(Effect(action), comparisons) == expected


def parts(effect: Effect, comparisons: list[Comparison], family: int = 4, **more: Any) -> list[Any]:
    rule = FilterRule(({},), effect, "x", **more)
    found = compared([rule], PRINTED, family, {"inet t in 9": comparisons})
    return [(box, each.opaque is None) for each in found for box in each.boxes]


@pytest.mark.parametrize(
    ("comparisons", "expected"),
    [
        ([], [(ALL, True)]),
        ([TCP], [(PROTO_TCP, True)]),
        ([CHANGE], [(ALL, True)]),
        ([TCP, CHANGE], [(PROTO_TCP, True)]),
        ([CHANGE, TCP], [(ALL, True)]),  # it acts before this is compared
        ([CHANGE, TCP, CHANGE], [(ALL, False)]),
        ([TCP, CHANGE, TCP, CHANGE], [(PROTO_TCP, True)]),
        ([CHANGE, HIDDEN], [(ALL, True)]),
        ([CHANGE, HIDDEN, CHANGE], [(ALL, False)]),
        ([HIDDEN, CHANGE], [(ALL, False)]),
        ([CHANGE, IPV4, CHANGE], [(ALL, True)]),
        ([IPV6, CHANGE], []),
    ],
    ids=str,
)
def test_what_a_statement_within_a_rule_is_for(
    comparisons: list[Comparison], expected: list[tuple[Any, bool]]
) -> None:
    assert parts(Effect(Action.NEXT), comparisons, changes=(FOUR,)) == expected
    assert parts(Effect(Action.NOTRACK), comparisons) == expected


@pytest.mark.parametrize(
    ("comparisons", "expected"),
    [
        ([], [("allow", ALL, True, 1)]),
        ([TCP, CHANGE], [("allow", PROTO_TCP, True, 1)]),
        ([CHANGE, IPV4], [("allow", ALL, True, 1)]),
        ([CHANGE, TCP], [("next", ALL, True, 1), ("allow", PROTO_TCP, True, 0)]),
        ([CHANGE, IPV6], [("next", ALL, True, 1)]),
        ([CHANGE, HIDDEN], [("next", ALL, True, 1), ("allow", ALL, False, 0)]),
        ([IPV6, CHANGE, TCP], []),
        ([CHANGE, IPV6, CHANGE], [("allow", ALL, False, 1)]),
    ],
    ids=str,
)
def test_what_is_compared_behind_a_change_narrows_the_end_alone(
    comparisons: list[Comparison], expected: list[tuple[str, Any, bool, int]]
) -> None:
    rule = FilterRule(({},), Effect(ALLOW), "x", changes=(FOUR,))
    found = compared([rule], PRINTED, 4, {"inet t in 9": comparisons})
    assert [
        (each.effect.action, *each.boxes, each.opaque is None, len(each.changes)) for each in found
    ] == expected


def test_a_mark_that_was_looked_at_before_it_was_set_is_not_the_one_at_the_end() -> None:
    looked = {BITS[marks.PACKET][0]: FALSE}
    rule = FilterRule((looked,), Effect(ALLOW), "x", changes=(FOUR,))
    change, end = compared([rule], PRINTED, 4, {"inet t in 9": [CHANGE, TCP]})
    assert change.boxes == (looked,)
    assert (end.boxes, end.opaque is None) == ((PROTO_TCP,), False)


def test_what_is_not_known_stays_so() -> None:
    assert parts(Effect(Action.UNKNOWN), [IPV6]) == [(ALL, True)]
    assert parts(Effect(ALLOW), [TCP], opaque="x") == [(PROTO_TCP, False)]
    rule = FilterRule(({},), Effect(ALLOW), "x")
    printed = Rule(("inet", "t", "in"), "8", [])
    (unread,) = compared([rule], printed, 4, {"inet t in 9": []})
    assert "could not be read" in (unread.opaque or "")


def test_the_header_behind_that_of_ipv6() -> None:
    next_header = Comparison("ip6 nexthdr", b"\x06")
    assert parts(Effect(ALLOW), [next_header], 6) == [({**PROTO_TCP, Dimension.EXT: FALSE}, True)]
    assert parts(Effect(ALLOW), [Comparison("ip6 nexthdr", b"\x2c")], 6) == [(ALL, False)]
    assert parts(Effect(ALLOW), [Comparison("ip protocol", b"\x06")], 6) == [(ALL, False)]
    for value in (b"\x86\xdd", b"\xdd\x86"):
        assert parts(Effect(ALLOW), [Comparison("meta protocol", value)], 6) == [(ALL, True)]


COMPARED = re.search(
    r"^compared\(\) \{.*?^\}", package_data.text("probes/resources/firewall.sh"), re.M | re.S
)
L4PROTO = "[ meta load l4proto => reg 1 ]"
IS_TCP = "[ cmp eq reg 1 0x00000006 ]"
PORT = "[ payload load 2b @ transport header + 2 => reg 1 ]"


def printed_by_probe(*instructions: str, blank: str = "") -> str:
    """Return what the probe makes of the instructions of one rule. `blank`: ends its first line."""
    assert COMPARED is not None
    text = "".join(f"  {each}\n" for each in instructions)
    ran = subprocess.run(
        ["sh", "-c", f"{COMPARED[0]}\ncompared"],
        input=f"inet t in 9 7{blank}\n{text}table inet t {{\n\tchain in {{\n",
        capture_output=True,
        text=True,
        check=True,
    )
    return ran.stdout.removesuffix("\n").removeprefix("inet t in 9 7")


@pytest.mark.shell
@pytest.mark.parametrize(
    ("instructions", "found"),
    [
        ([L4PROTO, IS_TCP, PORT, "[ cmp eq reg 1 0x00001600 ]"], "\tmeta l4proto=0x00000006"),
        ([L4PROTO, "[ cmp eq reg 1 0x06 ]"], "\tmeta l4proto=0x06"),
        ([L4PROTO, "[ lookup reg 1 set __set0 0x0 ]"], ""),
        ([L4PROTO, "[ payload load 2b @ transport header + 2 => reg 9 ]", "[ lookup reg 1 set s 0x0 ]"], ""),
        (["[ ct load state => reg 1 ]", "[ bitwise reg 1 = ( reg 1 & 0x00000006 ) ^ 0x00000000 ]", "[ cmp neq reg 1 0x00000000 ]"], ""),
        (["[ ct load src_ip => reg 1 , dir original ]", "[ cmp eq reg 1 0x04030201 ]"], ""),
        (["[ ct load protocol => reg 1 , dir original ]"], "\tct protocol"),
        (["[ payload load 1b @ network header + 9 => reg 1 ]", IS_TCP], "\tip protocol=0x00000006"),
        (["[ log prefix x [ cmp eq reg 1 0x00 ] level 4 ]"], ""),
        (["[ immediate reg 1 0x00000003 ]", "[ meta set mark with reg 1 ]"], "\tstatement"),
        # Forms that are not those of the libnftnl that this was written for.
        (["[ meta l4proto => reg 1 ]", IS_TCP], "\t?"),
        (["[ meta load l4proto to reg 1 ]", IS_TCP], "\t?\tmeta l4proto=0x00000006"),
        (["[ meta load l4proto => reg 1", IS_TCP], "\t?"),
        ([L4PROTO, "[ cmp eq reg 1 tcp ]"], "\t?"),
        ([L4PROTO, "[ cmp reg 1 == 0x06 ]"], "\t?"),
        (["[ ct l3protocol => reg 1 ]"], "\t?"),
        (["[ payload load 1 @ network + 9 => reg 1 ]", IS_TCP], "\t?"),
        (["[ newer load something => reg 1 ]"], "\t?"),
        (["[ log prefix a line break"], "\t?"),
        # A comparison with what was loaded further above, as other programs than nft may write it.
        ([L4PROTO, "[ payload load 2b @ transport header + 2 => reg 9 ]", IS_TCP], "\t?"),
        ([L4PROTO, "[ bitwise reg 1 = ( reg 1 & 0x0000000f ) ^ 0x00000000 ]", IS_TCP], ""),
    ],
)  # fmt: skip
def test_an_instruction_in_another_form_is_not_one_without_a_condition(
    instructions: list[str], found: str
) -> None:
    assert printed_by_probe(*instructions) == found
    assert printed_by_probe(*instructions, blank=" ") == found  # as libnftnl before 1.2
