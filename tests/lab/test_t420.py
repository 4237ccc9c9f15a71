"""The T420, checked over ssh with its published files as they are: compliant; each drift found,
named and mended by the printed command.
"""

import pytest

from tests.support.lab.checking import check
from tests.support.lab.nodes import Lab, Node
from tests.support.lab.t420 import ITEMS, NAME

pytestmark = pytest.mark.lab


def test_it_is_compliant(lab: Lab, t420: Node) -> None:
    run = check(lab, *ITEMS)
    assert run.status == 0, run.output
    outcomes = run.outcomes(NAME)
    assert len(outcomes) == 10
    assert set(outcomes.values()) == {"compliant"}


Drift = tuple[str, str, object, object]
"""Item, field, expected, actual."""

KILLED = "systemctl kill --signal=KILL docker"
ROUNDS: dict[str, dict[str, Drift]] = {
    "stopped, and every sysctl changed": {
        "systemctl stop docker": ("services[docker]", "state", "running", "stopped"),
        "systemctl stop openvpn@server": (
            "services[openvpn@server]",
            "state",
            "running",
            "stopped",
        ),
        "systemctl -q disable ssh": ("services[ssh]", "enabled", True, False),
        "sysctl -qw net.ipv4.ip_forward=0": ("sysctl[net.ipv4.ip_forward]", "value", "1", "0"),
        "sysctl -qw net.bridge.bridge-nf-call-iptables=0": (
            "sysctl[net.bridge.bridge-nf-call-iptables]",
            "value",
            "1",
            "0",
        ),
        "sysctl -qw vm.swappiness=10": ("sysctl[vm.swappiness]", "value", "60", "10"),
        "sysctl -qw fs.inotify.max_user_watches=8192": (
            "sysctl[fs.inotify.max_user_watches]",
            "value",
            "65536",
            "8192",
        ),
        "sysctl -qw kernel.panic=0": ("sysctl[kernel.panic]", "value", "10", "0"),
        "sysctl -qw net.ipv4.tcp_keepalive_time=600": (
            "sysctl[net.ipv4.tcp_keepalive_time]",
            "value",
            "7200",
            "600",
        ),
    },
    "disabled": {
        "systemctl -q disable docker": ("services[docker]", "enabled", True, False),
        # Debian's generator would pull in every configuration of openvpn at boot, enabled or not.
        "echo AUTOSTART=none >/etc/default/openvpn; systemctl daemon-reload; systemctl -q disable openvpn@server": (
            "services[openvpn@server]",
            "enabled",
            True,
            False,
        ),
    },
    "masked and stopped": {
        "systemctl -q mask --now docker": ("services[docker]", "enabled", True, False),
        "systemctl -q mask --now openvpn@server": (
            "services[openvpn@server]",
            "state",
            "running",
            "stopped",
        ),
    },
    "killed": {
        KILLED: ("services[docker]", "state", "running", "failed"),
    },
}
"""What is done by hand on the node, and what the check must say of it.

One round breaks each item at most once.
"""


@pytest.mark.parametrize("round", ROUNDS)
def test_drifts_made_by_hand_are_found_named_and_mended_by_the_printed_commands(
    lab: Lab, t420: Node, round: str
) -> None:
    for by_hand in ROUNDS[round]:
        t420.sh(by_hand)
    drifted = check(lab, *ITEMS)
    assert drifted.status == 1, drifted.output
    outcomes = drifted.outcomes(NAME)
    assert {name for name, outcome in outcomes.items() if outcome != "compliant"} == {
        item for item, *_ in ROUNDS[round].values()
    }
    printed = " ".join(drifted.output.split())
    for by_hand, (item, field, expected, actual) in ROUNDS[round].items():
        result = drifted.item(NAME, item)
        assert (result["outcome"], result["expected"][field], result["actual"][field]) == (
            "drift",
            expected,
            actual,
        )
        assert result["source"].startswith(f"node-configs/{NAME}/state.yaml:")
        if by_hand == KILLED:
            assert result["mend"] is None
            assert "journalctl" in result["advice"]  # why it failed is a person's to find out
            t420.sh("systemctl start docker")
            continue
        assert result["mend"] in printed
        t420.sh(result["mend"])
    mended = check(lab, *ITEMS)
    if KILLED in ROUNDS[round] and mended.status == 10:
        # It ended soon after its start: so it may end again.
        outcomes = mended.outcomes(NAME)
        assert {name for name, found in outcomes.items() if found != "compliant"} == {
            ROUNDS[round][KILLED][0]
        }
        assert "it ended by itself" in mended.output
    else:
        assert mended.status == 0, mended.output
