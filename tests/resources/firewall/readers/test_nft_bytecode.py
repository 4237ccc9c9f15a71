"""What the kernel compares and nft does not print: `compared` of the probe, beside nft's JSON.

tests/lab/test_hidden_conditions.py has the same by packets.
"""

import pytest

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
