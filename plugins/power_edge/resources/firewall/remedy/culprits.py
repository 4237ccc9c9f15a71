"""Which rules keep packets from being treated as declared."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from power_edge.model.generated.resources.firewall_schema import Rule
from power_edge.resources.firewall import defaults, queries, traffic
from power_edge.resources.firewall.judge import Declared
from power_edge.resources.firewall.packets.dimension import DADDR, SADDR, Dimension
from power_edge.resources.firewall.packets.program import Key, Region
from power_edge.resources.firewall.ruleset import Ruleset


class Culprit(NamedTuple):
    """A rule that decides: its text for people, and its chain.

    A policy has neither. A base chain that cannot be followed has no chain.
    """

    text: str
    chain: Key | None

    @property
    def is_policy(self) -> bool:
        """Whether it is the policy of a base chain."""
        return not self.text


def _culprit(region: Region) -> Culprit:
    return Culprit(region.by, region.chain)


def of_rule(rule: Rule, observed: Ruleset) -> set[Culprit]:
    """Return what decides otherwise on a declared rule's packets."""
    return {
        _culprit(each)
        for demand, regions in queries.trace_demands(observed, rule)
        for each in regions
        if each.verdict not in demand.verdicts and each.sure
    }


def doubt(rule: Rule, observed: Ruleset) -> str | None:
    """Return why it is unknown what becomes of some of a rule's packets (DNAT), or None."""
    for _, regions in queries.trace_demands(observed, rule):
        found = next((each for each in regions if not each.sure), None)
        if found is not None:
            return found.doubt or found.by
    return None


def of_default(declared: Declared, observed: Ruleset) -> set[Culprit]:
    """Return what decides otherwise on most connections of a default."""
    outward = declared.field == "default_outgoing"
    peer = DADDR if outward else SADDR
    found = set[Culprit]()
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
                    found.add(_culprit(region))
    return found


def foreign(observed: Ruleset, own: Callable[[Key | None], bool]) -> set[Culprit]:
    """Return rules that let in most connections. `own`: whether a chain is the provider's; the
    rules of these are left out.
    """
    return {
        _culprit(region)
        for family in traffic.FAMILIES
        for region in queries.open_regions(observed, family)
        if region.by
        and not own(region.chain)
        and defaults.broad(region.box.get(SADDR[family], ()), family)
        and defaults.most_ports(region.box.get(Dimension.DPORT, ((0, 65535),)))
    }


def named(found: Iterable[Culprit]) -> str:
    """Return some rules in words; "" for none but policies."""
    some = sorted({each.text for each in found if not each.is_policy})
    return " and ".join(f"'{each}'" for each in some[:2]) + (" and others" if len(some) > 2 else "")
