"""What the kernel compares and nft does not print: `compared` of the probe, beside nft's JSON.

tests/lab/test_hidden_conditions.py has the same by packets.
"""

import re
import subprocess

import pytest

from power_edge import package_data
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


COMPARED = re.search(
    r"^compared\(\) \{.*?^\}", package_data.text("probes/resources/firewall.sh"), re.M | re.S
)
L4PROTO = "[ meta load l4proto => reg 1 ]"
IS_TCP = "[ cmp eq reg 1 0x00000006 ]"
PORT = "[ payload load 2b @ transport header + 2 => reg 1 ]"


def compared(*instructions: str) -> str:
    """Return what the probe makes of the instructions of one rule."""
    assert COMPARED is not None
    text = "".join(f"  {each}\n" for each in instructions)
    ran = subprocess.run(
        ["sh", "-c", f"{COMPARED[0]}\ncompared"],
        input=f"inet t in 9 7\n{text}table inet t {{\n\tchain in {{\n",
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
    assert compared(*instructions) == found
