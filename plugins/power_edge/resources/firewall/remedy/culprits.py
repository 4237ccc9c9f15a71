"""Which rules keep packets from faring as declared."""

from collections.abc import Iterable

from power_edge.model.generated.resources.firewall_schema import Rule
from power_edge.resources.firewall import queries
from power_edge.resources.firewall.judge import Declared
from power_edge.resources.firewall.observation import Ruleset
from power_edge.resources.firewall.packet_sets import size


def of_rule(rule: Rule, observed: Ruleset) -> set[str]:
    """The rules that decide otherwise on a declared rule's packets; "" for a default policy."""
    found = set()
    for family in sorted(queries.named_families(rule)) or queries.judged_families(
        observed, rule.action
    ):
        box = queries.packets(rule, family)
        for regions in queries.fare(observed, family, [box] if box is not None else []):
            found |= {each.by for each in regions if each.verdict != rule.action and each.sure}
    return found


def doubt(rule: Rule, observed: Ruleset) -> str | None:
    """Why it is not known what becomes of some of a declared rule's packets, as with DNAT."""
    for family in sorted(queries.named_families(rule)) or queries.judged_families(
        observed, rule.action
    ):
        box = queries.packets(rule, family)
        for regions in queries.fare(observed, family, [box] if box is not None else []):
            found = next((each for each in regions if not each.sure), None)
            if found is not None:
                return found.doubt or found.by
    return None


def of_default(declared: Declared, observed: Ruleset) -> set[str]:
    """The rules that decide otherwise on most of what a default speaks of; "" for a policy."""
    outward = declared.field == "default_outgoing"
    peer = "daddr" if outward else "saddr"
    found = set()
    for family in queries.judged_families(observed, declared.value):
        for regions in queries.survey(observed, family, outward=outward):
            for region in regions:
                ports = region.box.get("dport", ((0, 65535),))
                peers = region.box.get(f"{peer}{family}", queries.UNICAST[family])
                most = 2 * size(ports) > 65536 and queries.broad(peers, family)
                if (
                    region.verdict != declared.value
                    and region.sure
                    and most
                    and not queries.odd(observed, region.box)
                ):
                    found.add(region.by)
    return found


def foreign(observed: Ruleset, own: str) -> set[str]:
    """Rules of others than `own` that let in most of what comes."""
    return {
        region.by
        for family in queries.FAMILIES
        for region in queries.open_regions(observed, family)
        if region.by
        and own not in region.by
        and queries.broad(region.box.get(f"saddr{family}", ()), family)
        and 2 * size(region.box.get("dport", ((0, 65535),))) > 65536
    }


def named(found: Iterable[str]) -> str:
    """Some rules in words; "" for none."""
    some = sorted(each for each in found if each)
    return " and ".join(f"'{each}'" for each in some[:2]) + (" and others" if len(some) > 2 else "")
