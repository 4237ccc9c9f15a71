"""What leads a firewall from a drift back to its declaration, with the provider's commands.

Commands are given only for states from which they led to compliance on a real node
(tests/lab/test_firewall_remedies.py), and never where they could lock the operator out. Otherwise a
sentence says what a person would do.
"""

from collections.abc import Sequence
from enum import Enum

from power_edge.model import Finding, Remedy
from power_edge.model.generated.resources.firewall_schema import Rule
from power_edge.resources.firewall import defaults, later, queries, traffic
from power_edge.resources.firewall.judge import Declared
from power_edge.resources.firewall.packets.program import ALLOW, OPENINGS, Undecidable
from power_edge.resources.firewall.remedy import by_hand, firewalld, routed, ufw
from power_edge.resources.firewall.ruleset import Ruleset
from power_edge.resources.firewall.state import IN_KERNEL, Loaded, any_part, ufw_loaded


class Provider(Enum):
    """Whose rules are in force, or would be."""

    UFW = "ufw"
    FIREWALLD = "firewalld"
    UNDECIDED = "ufw or firewalld"
    OWN = "rules of its own"
    NONE = "none"


def remedy(declared: Declared, observed: Ruleset, drifts: Sequence[Finding]) -> Remedy:
    """Return what leads the firewall to its declaration."""
    fields = {drift.field for drift in drifts}
    try:
        if declared.field == "rule" and (cut := _cut_off(declared.value, observed)):
            return Remedy(advice=cut)
        if declared.field == "default_outgoing" and _unanswered(declared, observed):
            return Remedy(
                advice="connections get out, but their answers are dropped: accept established "
                "connections"
            )
        if declared.field == "rule" and declared.value.routed:
            return routed.remedy(declared, observed)
        match _provider(observed):
            case Provider.UFW:
                return ufw.remedy(declared, observed, fields)
            case Provider.FIREWALLD:
                return firewalld.remedy(declared, observed, fields)
            case Provider.UNDECIDED:
                return Remedy(
                    advice="ufw and firewalld are both installed, and neither is in force: "
                    "remove one, or start the one to use"
                )
            case Provider.OWN:
                return by_hand.remedy(declared, observed)
        return Remedy(advice="no firewall is installed: install ufw, firewalld or nftables")
    except Undecidable:
        return Remedy(advice="the rules are too complex to follow: look at them by hand")
    except ValueError as error:
        return Remedy(advice=f"no command is known: {error}")


def _cut_off(rule: Rule, observed: Ruleset) -> str | None:
    """Return what a person can do if connections are accepted but cannot continue."""
    if rule.action not in OPENINGS:
        return None
    for family in queries.families_of(observed, rule):
        box = traffic.packets(rule, family)
        for demand in queries.demands(observed, rule, family):
            if box is None or ALLOW not in demand.verdicts:
                continue
            for region in later.cut_off(rule, demand.ruleset, family, [box]):
                if region is not None and region.sure:
                    before = f" before '{region.by}'" if region.by else ""
                    return (
                        "new connections are accepted but cannot continue: accept established "
                        f"connections{before}, where these rules are set"
                    )
    return None


def _unanswered(declared: Declared, observed: Ruleset) -> bool:
    """Return whether a default is drift only because answers are dropped."""
    return declared.value == ALLOW and any(
        defaults.default(observed, family, ALLOW, outward=True)
        and defaults.answered(observed, family) is False
        for family in queries.judged_families(observed, ALLOW)
    )


def _provider(observed: Ruleset) -> Provider:
    """Return whose commands apply: those of the provider whose rules are in force."""
    if observed.has_firewalld_rules or observed.firewalld_runs:
        return Provider.FIREWALLD
    loaded = {ufw_loaded(observed, family) for family in traffic.FAMILIES}
    if observed.ufw is not None and loaded & IN_KERNEL:
        return Provider.UFW
    if any_part(ufw.without(observed)).holds is not False:
        return Provider.OWN
    # Where it is unknown whether firewalld runs, no command of firewalld is right.
    stopped = observed.firewalld is not None and observed.firewalld.running is False
    if observed.ufw is None and not stopped:
        return Provider.NONE
    if not stopped:
        return Provider.UFW
    if observed.ufw is None:
        return Provider.FIREWALLD
    # Both are installed. One decides only if it was used and the other was not.
    lines = observed.ufw.lines
    started = observed.ufw.settings.enabled or Loaded.EMPTIED in loaded
    match started or (None if lines is None else bool(lines)), firewalld.was_used(observed):
        case True, False:
            return Provider.UFW
        case False, True:
            return Provider.FIREWALLD
    return Provider.UNDECIDED
