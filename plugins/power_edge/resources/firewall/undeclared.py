"""What is open and not declared."""

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv6Address, summarize_address_range
from itertools import islice
from typing import NamedTuple

from power_edge.model.generated.resources.firewall_schema import Firewall
from power_edge.resources.firewall import queries, traffic
from power_edge.resources.firewall.packets.dimension import DADDR, NAME_BYTES, SADDR, Dimension
from power_edge.resources.firewall.packets.program import (
    ALLOW,
    OPENINGS,
    SURVEY_STEPS,
    Effort,
)
from power_edge.resources.firewall.packets.rule_match import PROTOCOLS
from power_edge.resources.firewall.packets.sets import (
    Box,
    Numbers,
    everything,
    merge,
    size,
    subtract_all,
    within,
    without,
)
from power_edge.resources.firewall.ruleset import Ruleset
from power_edge.text import printable

MANY_EXTRAS = 50
RANGES = 16
LISTED = 8
"""Up to so many protocols are named."""
MANY = 20_000
"""With more openings times open regions, openings are listed as they are found."""
_NAMES = {number: name for name, number in reversed(list(PROTOCOLS.items()))}


class Extra(NamedTuple):
    """One opening, in the words of a declared rule. Not `sure`: it is perhaps open."""

    text: str
    sure: bool

    @property
    def label(self) -> str:
        """The opening for a list that holds both kinds."""
        return self.text if self.sure else f"{self.text} (perhaps)"


class Opening(NamedTuple):
    """An opening as a set of packets of one family, with all its ports."""

    family: int
    box: Box
    sure: bool


def openings(firewall: Firewall, observed: Ruleset) -> Iterator[Opening]:
    """Yield what others can reach and no rule declares.

    Left out are ICMP, answers to a DHCP client, and everything where `default_incoming` is allow.
    """
    for family in (
        queries.judged_families(observed, "deny") if firewall.default_incoming != ALLOW else ()
    ):
        declared = [
            box
            for rule in firewall.rules or []
            if rule.action in OPENINGS and (box := traffic.packets(rule, family)) is not None
        ]
        regions = list(queries.open_regions(observed, family))
        reported: list[Box] = []
        for sure in (True, False):
            open_ = [region.box for region in regions if region.sure or not sure]
            boxes = subtract_all(
                (region.box for region in regions if region.sure is sure),
                [*declared, traffic.DHCP[family], traffic.NO_PORT],
            )
            for box in _whole(
                merge(
                    boxes,
                    (
                        Dimension.DLOCAL,
                        Dimension.SPORT,
                        SADDR[family],
                        DADDR[family],
                        Dimension.IIF,
                    ),
                ),
                open_,
                family,
            ):
                yield Opening(family, box, sure)
                reported += [box] if sure else []
        if family == 4:
            known = [*declared, *(region.box for region in regions)]
            yield from _to_reserved(observed, known, reported)


def _to_reserved(observed: Ruleset, known: list[Box], reported: Iterable[Box]) -> Iterator[Opening]:
    """Yield what only those can reach whose address no host should have. `known`: what is open to
    others, or declared; what is open to all of them is open to these as well. `reported`: openings
    that are reported, whoever else can reach them. Undecidable where there is too much of both.
    """
    everyone = {SADDR[4]: traffic.UNICAST[4]}
    some = queries.open_to_reserved(observed)
    effort = Effort(SURVEY_STEPS)
    effort.spend(len(some) * len(known))
    left = subtract_all(
        some,
        [
            *({**box, **traffic.FROM_RESERVED} for box in known if everyone.items() <= box.items()),
            *({**box, **traffic.FROM_RESERVED} for box in reported),
            traffic.DHCP[4],
            traffic.NO_PORT,
        ],
    )
    for box in left:
        effort.spend(len(known))
        if subtract_all([{**box, **everyone}], known):
            yield Opening(4, box, sure=True)


def extras(firewall: Firewall, observed: Ruleset) -> list[Extra]:
    """Return the openings in words, one line for both families where they agree."""
    found: dict[tuple[str, str, str, bool], set[int]] = {}
    every = {4: "0.0.0.0/0", 6: "::/0"}
    families = queries.judged_families(observed, "deny")
    for (family, sure, source, target, where_from), boxes in _alike(
        openings(firewall, observed)
    ).items():
        for what in _packets_of(boxes):
            text = f"{what} from {{source}} to {{target}}{where_from}"
            found.setdefault((text, source, target, sure), set()).add(family)
    texts = []
    for (what, source, target, sure), where in found.items():
        one_family = where != set(families) and source == target == "any"
        text = what.format(source=every[min(where)] if one_family else source, target=target)
        texts.append(Extra(f"allow {text}", sure))
    certain = {text for text, sure in texts if sure}
    kept_extras = [extra for extra in texts if extra.sure or extra.text not in certain]
    unique = list(dict.fromkeys(kept_extras))
    return (
        unique
        if len(unique) <= MANY_EXTRAS
        else [
            *unique[:MANY_EXTRAS],
            Extra(
                f"and {len(unique) - MANY_EXTRAS} more",
                any(sure for _, sure in unique[MANY_EXTRAS:]),
            ),
        ]
    )


def _whole(boxes: list[Box], open_: list[Box], family: int) -> list[Box]:
    """Return the boxes, each grown as far as everything in it is open.

    An opening is then reported whole, and not as the part that other rules leave of it.
    """
    if len(boxes) * len(open_) > MANY:
        return boxes
    full = traffic.incoming(family)
    limits = {Dimension.PROTO: traffic.NOT_ICMP, **full}

    def grow(box: Box, dimensions: Iterable[Dimension], open_: list[Box]) -> Box:
        for dimension in dimensions:
            limit = limits.get(dimension, everything(dimension))
            wider = {**box, dimension: limit}
            if box.get(dimension, limit) != limit and not subtract_all([wider], open_):
                box = wider
        return box

    by_hand = [
        dimension
        for unusual in traffic.UNUSUAL[1:]
        for dimension in unusual
        if dimension != Dimension.IIF
    ]
    # Whether packets made by hand are stopped makes no difference to an opening.
    open_or_unusual = [*open_, *traffic.UNUSUAL, traffic.NO_PORT]
    grown: list[Box] = []
    for start in boxes:
        box = grow(start, by_hand, open_)
        if not _crafted(box) and not within(box, traffic.FROM_TCP_PORT_0):
            box = grow(
                box,
                (
                    Dimension.SPORT,
                    Dimension.DPORT,
                    SADDR[family],
                    DADDR[family],
                    Dimension.IIF,
                    Dimension.PROTO,
                    *by_hand,
                ),
                open_or_unusual,
            )
        grown.append(box)
    merged = [box for grew in grown for box in merge([grew], ())]
    kept: list[Box] = []
    for box in merged:
        if not any(within(box, other) for other in kept):
            kept = [*(other for other in kept if not within(other, box)), box]
    return kept


def _crafted(box: Box) -> bool:
    return any(within(box, unusual) for unusual in traffic.UNUSUAL[1:])


def _by_ports(box: Box) -> list[Box]:
    """Return a box for each range of ports, as rules would be declared.

    A long list of ranges stays together.
    """
    ports = box.get(Dimension.DPORT, ())
    return (
        [{**box, Dimension.DPORT: (span,)} for span in ports] if 1 < len(ports) <= RANGES else [box]
    )


def _alike(some: Iterable[Opening]) -> dict[tuple[int, bool, str, str, str], list[Box]]:
    """Return openings that differ in protocol and port alone, by the words for the rest."""
    groups: dict[tuple[int, bool, str, str, str], list[Box]] = {}
    for family, box, sure in some:
        source, target = (_addresses(box[end[family]], family) for end in (SADDR, DADDR))
        ports, interfaces = box.get(Dimension.SPORT), box[Dimension.IIF]
        text = "" if ports is None else f" source port {port_ranges(ports)}"
        unusual_note = traffic.unusual_note(box, family, by_hand=_crafted(box))
        text += f" {unusual_note}" if unusual_note else ""
        text += "" if interfaces == traffic.EXTERNAL else f" {_interfaces(interfaces)}"
        groups.setdefault((family, sure, source, target, text), []).append(box)
    return groups


def _packets_of(boxes: list[Box]) -> list[str]:
    """Return protocols and ports in words.

    One line says "everything but" where that is shorter, and names what is closed.
    """
    lines = [_packets(one) for box in boxes for one in _by_ports(box)]
    open_: list[Box] = [
        {name: box[name] for name in (Dimension.PROTO, Dimension.DPORT) if name in box}
        for box in boxes
    ]
    closed = merge(
        subtract_all([{Dimension.PROTO: traffic.NOT_ICMP}], [*open_, traffic.NO_PORT]),
        (Dimension.PROTO, Dimension.DPORT),
    )
    spans = [len(box.get(Dimension.DPORT, ((0, 0),))) for box in closed]
    named = all(size(box[Dimension.PROTO]) <= LISTED for box in closed)
    if not 0 < len(closed) < len(lines) or sum(spans) > RANGES or not named:
        return lines
    return ["everything but " + ", ".join(sorted(map(_packets, closed)))]


def _packets(box: Box) -> str:
    protocols, ports = box[Dimension.PROTO], box.get(Dimension.DPORT)
    some = (number for low, high in protocols for number in range(low, high + 1))
    listed = size(protocols) <= LISTED
    names = "/".join(_NAMES.get(number, str(number)) for number in some) if listed else ""
    if not names:
        names = "everything" if protocols == traffic.NOT_ICMP else "all other protocols"
    return f"{port_ranges(ports)}/{names}" if ports is not None else names


def port_ranges(some: Numbers) -> str:
    """Return ports in words: `22,60000-61000`; of many ranges the first."""
    text = ",".join(str(low) if low == high else f"{low}-{high}" for low, high in some[:8])
    return text + (",..." if len(some) > 8 else "")


def _interfaces(some: Numbers) -> str:
    others = without(traffic.EXTERNAL, some)
    listed, word = (some, "on") if size(some) <= size(others) else (others, "on all interfaces but")
    names = list(_patterns(listed))
    return f"{word} {', '.join(names[:4])}".replace("{", "{{").replace("}", "}}") + (
        ", ..." if len(names) > 4 else ""
    )


def _patterns(some: Numbers) -> Iterator[str]:
    """Yield interfaces as names and wildcards; `eth* but eth0` for one with a hole in it."""
    place = 0
    while place < len(some):
        low, high = some[place]
        holes = []
        while place + 1 < len(some) and some[place + 1][0] == high + 2:
            holes.append(_interface(high + 1))
            place += 1
            high = some[place][1]
        text = _interface(low) + ("" if low == high else "*")
        yield f"{text} but {' and '.join(holes)}" if holes else text
        place += 1


def _interface(number: int) -> str:
    return printable(number.to_bytes(NAME_BYTES).rstrip(b"\0").decode("utf-8", "surrogateescape"))


def _addresses(some: Numbers, family: int) -> str:
    others = without(traffic.UNICAST[family], some)
    if not others:
        return "any"
    if len(others) < len(some):
        return f"any but {_networks(others, family)}"
    return _networks(some, family)


def _networks(some: Numbers, family: int) -> str:
    texts = list(islice(networks(some, family), 5))
    return ",".join(texts[:4]) + (",..." if len(texts) > 4 else "")


def networks(some: Numbers, family: int) -> Iterator[str]:
    """Yield a set of addresses as addresses and networks."""
    kind = IPv4Address if family == 4 else IPv6Address
    for low, high in some:
        for network in summarize_address_range(kind(low), kind(high)):
            single = network.num_addresses == 1
            yield str(network.network_address if single else network)
