"""Which rules keep packets from faring as declared."""

from collections.abc import Iterable

from power_edge.model.generated.resources.firewall_schema import Rule
from power_edge.resources.firewall import defaults, queries, traffic
from power_edge.resources.firewall.dimension import DADDR, SADDR, Dimension
from power_edge.resources.firewall.judge import Declared
from power_edge.resources.firewall.observation import Ruleset


def of_rule(rule: Rule, observed: Ruleset) -> set[str]:
    """Return the rules that decide otherwise on a declared rule's packets; "" for a policy."""
    return {
        each.by
        for regions in queries.trace_rule(observed, rule)
        for each in regions
        if each.verdict != rule.action and each.sure
    }


def doubt(rule: Rule, observed: Ruleset) -> str | None:
    """Return why it is unknown what becomes of some of a rule's packets (DNAT), or None."""
    for regions in queries.trace_rule(observed, rule):
        found = next((each for each in regions if not each.sure), None)
        if found is not None:
            return found.doubt or found.by
    return None


def of_default(declared: Declared, observed: Ruleset) -> set[str]:
    """Return the rules that decide otherwise on most connections of a default; "" for a policy."""
    outward = declared.field == "default_outgoing"
    peer = DADDR if outward else SADDR
    found = set()
    for family in queries.judged_families(observed, declared.value):
        for regions in queries.trace_all(observed, family, outward=outward):
            for region in regions:
                ports = region.box.get(Dimension.DPORT, ((0, 65535),))
                peers = region.box.get(peer[family], traffic.UNICAST[family])
                most = defaults.most_ports(ports) and defaults.broad(peers, family)
                if (
                    region.verdict != declared.value
                    and region.sure
                    and most
                    and not traffic.unusual(observed, region.box)
                ):
                    found.add(region.by)
    return found


def foreign(observed: Ruleset, own: str) -> set[str]:
    """Return rules of others than `own` that let in most connections."""
    return {
        region.by
        for family in traffic.FAMILIES
        for region in queries.open_regions(observed, family)
        if region.by
        and own not in region.by
        and defaults.broad(region.box.get(SADDR[family], ()), family)
        and defaults.most_ports(region.box.get(Dimension.DPORT, ((0, 65535),)))
    }


def named(found: Iterable[str]) -> str:
    """Return some rules in words; "" for none."""
    some = sorted(each for each in found if each)
    return " and ".join(f"'{each}'" for each in some[:2]) + (" and others" if len(some) > 2 else "")
