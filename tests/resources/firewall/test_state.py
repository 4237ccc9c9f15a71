"""Whether a firewall is in force: ufw in part, and firewalld with its backend of iptables."""

from dataclasses import replace

import pytest

from power_edge.model.generated.resources.firewall_schema import Firewall
from power_edge.resources.firewall.readers.ufw_files import Settings
from power_edge.resources.firewall.ruleset import Firewalld, Ufw
from power_edge.resources.firewall.state import Loaded, ufw_loaded
from tests.resources.firewall.test_firewall import (
    ACCEPT,
    legacy,
    nft,
    observed,
    results,
    save,
)

ZONES = (
    "INPUT -j INPUT_ZONES",
    "INPUT_ZONES -i eth0 -g IN_public",
    "INPUT_ZONES -g IN_public",
    "IN_public -p tcp -m tcp --dport 22 -j ACCEPT",
)


@pytest.mark.parametrize(
    ("rules", "runs", "enabled", "disabled"),
    [
        (ZONES, True, "compliant", "drift"),
        (ZONES, False, "unknown", "drift"),
        (ZONES[1:], True, "drift", "drift"),
        (ZONES[:1], True, "drift", "drift"),
        (ZONES[:3], True, "drift", "drift"),
    ],
    ids=["whole", "stopped", "no jump", "no zones", "an empty zone"],
)
def test_firewalld_with_iptables(
    rules: tuple[str, ...], runs: bool, enabled: str, disabled: str
) -> None:
    """The policy alone stops connections in each of these."""
    node = replace(legacy(*rules, chains=["INPUT_ZONES", "IN_public"]), firewalld=Firewalld(runs))
    assert [
        str(results(Firewall(enabled=wanted), node)["enabled"].outcome) for wanted in (True, False)
    ] == [enabled, disabled]


ON_FILE = tuple(
    f"### tuple ### allow tcp 22 {every} any {every} in" for every in ("0.0.0.0/0", "::/0")
)


@pytest.mark.parametrize(
    ("ipv6", "held", "loaded"),
    [
        (True, "46", {4: Loaded.FULL, 6: Loaded.FULL}),
        (True, "4", {4: Loaded.FULL, 6: Loaded.PART}),
        (True, "6", {4: Loaded.PART, 6: Loaded.FULL}),
        (False, "4", {4: Loaded.FULL, 6: Loaded.FULL}),
        (False, "", {4: Loaded.PART, 6: Loaded.FULL}),
    ],
)
def test_rules_of_ufw_that_are_on_file_and_not_in_the_kernel(
    ipv6: bool, held: str, loaded: dict[int, Loaded]
) -> None:
    """Those of user6.rules are not loaded with IPV6=no."""
    rules = {
        family: [
            f"INPUT -j ufw{mark}-before-input",
            f"ufw{mark}-before-input -j ufw{mark}-user-input",
            *([f"ufw{mark}-user-input -p tcp -m tcp --dport 22 -j ACCEPT"] * (family in held)),
        ]
        for family, mark in (("4", ""), ("6", "6"))
    }
    chains = [f"ufw{mark}-{chain}-input" for mark in ("", "6") for chain in ("before", "user")]
    node = replace(
        legacy(*rules["4"], v6=rules["6"], chains=chains),
        ufw=Ufw(Settings(enabled=True, incoming="deny", ipv6=ipv6), ON_FILE),
    )
    assert {family: ufw_loaded(node, family) for family in (4, 6)} == loaded


def test_a_chain_that_accepts_everything_hides_no_other_base_chain() -> None:
    ufw = save(
        "INPUT -j ufw-before-input", "ufw-before-input -i lo -j ACCEPT", chains=["ufw-before-input"]
    )
    first = nft([ACCEPT], policy="accept", prio=-10)
    assert (
        ufw_loaded(observed(nft=first, ip_legacy_tables="filter", ip_legacy=ufw), 4) is Loaded.FULL
    )


TUPLE = "### tuple ### deny tcp 23 {0} any {0} in"
NOT_UNDERSTOOD = "### tuple ### deny tcp"
BY_HAND = "-A ufw{}-user-input -p tcp --dport 23 -j DROP"
CLOSED = "DEFAULT_INPUT_POLICY=DROP"
V4, V6 = "0.0.0.0/0", "::/0"


@pytest.mark.parametrize(
    ("files", "enabled"),
    [
        ({"ufw_rules": "", "ufw_rules6": ""}, "compliant"),
        ({"ufw_rules": TUPLE.format(V4), "ufw_rules6": ""}, "drift"),
        ({"ufw_rules": "", "ufw_rules6": TUPLE.format(V6)}, "drift"),
        (
            {"ufw_rules": "", "ufw_rules6": TUPLE.format(V6), "ufw_settings": CLOSED},
            "drift",
        ),
        (
            {"ufw_rules": "", "ufw_rules6": TUPLE.format(V6), "ufw_settings": f"IPV6=no\n{CLOSED}"},
            "compliant",
        ),
        ({"ufw_rules": NOT_UNDERSTOOD, "ufw_rules6": ""}, "unknown"),
        ({"ufw_rules": "", "ufw_rules6": NOT_UNDERSTOOD}, "unknown"),
        ({"ufw_rules": f"{TUPLE.format(V4)}\n{NOT_UNDERSTOOD}", "ufw_rules6": ""}, "unknown"),
        ({"ufw_rules": (2, "sed: cannot open"), "ufw_rules6": ""}, "unknown"),
        ({"ufw_rules": "", "ufw_rules6": (2, "sed: cannot open")}, "unknown"),
        ({}, "unknown"),
        ({"ufw_rules": "", "ufw_rules6": "", "ufw_code": "[ -e /x ] || ENABLED=no"}, "unknown"),
        (
            {"ufw": "ENABLED=no", "ufw_rules": "", "ufw_rules6": "", "ufw_code": ". /etc/x"},
            "unknown",
        ),
        ({"ufw_rules": "", "ufw_rules6": "", "ufw_lines": (2, "sed: cannot open")}, "unknown"),
        ({"ufw_rules": "", "ufw_rules6": "", "ufw_lines": BY_HAND.format("")}, "unknown"),
        ({"ufw_rules": "", "ufw_rules6": "", "ufw_lines6": BY_HAND.format("6")}, "unknown"),
    ],
    ids=str,
)
def test_empty_chains_of_ufw_are_all_only_if_its_files_say_so(
    files: dict[str, str | tuple[int | str, str]], enabled: str
) -> None:
    """Somebody emptied the chains of the user's rules, or there are no such rules."""
    texts = {
        f"ip{mark}_legacy": save(
            f"INPUT -j ufw{mark}-before-input",
            f"ufw{mark}-before-input -i lo -j ACCEPT",
            f"ufw{mark}-before-input -j ufw{mark}-user-input",
            chains=[f"ufw{mark}-before-input", f"ufw{mark}-user-input"],
        )
        for mark in ("", "6")
    }
    node = observed(
        nft='{"nftables": []}',
        ip_legacy_tables="filter",
        ip6_legacy_tables="filter",
        **{"ufw": "yes", "ufw_settings": f"IPV6=yes\n{CLOSED}", **texts, **files},
    )
    assert [
        str(results(Firewall(enabled=wanted), node)["enabled"].outcome) for wanted in (True, False)
    ] == [enabled, "drift"]


@pytest.mark.parametrize("conf", ["ENABLED=yes", "ENABLED=no"])
def test_whether_a_boot_loads_ufw_is_unknown_where_its_configuration_is_code(conf: str) -> None:
    node = observed(nft='{"nftables": []}', ufw=conf, ufw_code=". /etc/x")
    found = {
        wanted: str(results(Firewall(enabled=wanted), node)["enabled"].outcome)
        for wanted in (True, False)
    }
    assert found == {True: "drift", False: "unknown"}
