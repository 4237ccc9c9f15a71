"""Judge the firewall's items.

docs/verdicts/firewall.md has the choices and their reasons.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from power_edge.model import Finding, Outcome, Value, agrees, drifts, undecided
from power_edge.model.generated.resources.firewall_schema import Firewall, Rule
from power_edge.resources.firewall import defaults, later, queries, traffic
from power_edge.resources.firewall.packets.dimension import DADDR, Dimension
from power_edge.resources.firewall.packets.program import (
    ALLOW,
    ANSWER,
    DENY,
    INCOMING,
    LIMIT,
    OPENINGS,
    OUTGOING,
    VERDICTS,
    Region,
    Undecidable,
)
from power_edge.resources.firewall.packets.sets import Box, subtract_all
from power_edge.resources.firewall.ruleset import Ruleset
from power_edge.resources.firewall.state import any_part, in_force
from power_edge.resources.firewall.undeclared import extras, port_ranges
from power_edge.text import printable

WORST_FIRST = (Outcome.DRIFT, Outcome.UNKNOWN, Outcome.COMPLIANT)
MAY_COME = "on interfaces that the node does not have now"


class Declared(NamedTuple):
    """One item: a field of the section, or one of its rules.

    The whole section comes along, since rules are read together. `place` is the rule's index.
    """

    field: str
    value: Any
    firewall: Firewall
    place: int = 0


class FamilyVerdict(NamedTuple):
    """The verdict on one family, for a question that is asked of each."""

    outcome: Outcome
    actual: str | None
    why: str | None = None


def judge(declared: Declared, observed: Ruleset) -> Iterator[Finding]:
    """Yield the findings about one item, one for each declared field."""
    try:
        match declared.field:
            case "enabled":
                yield _enabled(declared.value, observed)
            case "default_incoming" | "default_outgoing":
                yield _default(declared, observed)
            case "exclusive":
                yield _exclusive(declared, observed)
            case _:
                yield from _rule(declared, observed)
    except Undecidable as error:
        field = "action" if declared.field == "rule" else declared.field
        yield undecided(
            field, declared.value.action if declared.field == "rule" else declared.value, str(error)
        )


def _enabled(expected: bool, observed: Ruleset) -> Finding:
    actual, why = in_force(observed) if expected else any_part(observed)
    if actual is None:
        return undecided("enabled", expected, why or "")
    return (
        agrees("enabled", expected, actual, why)
        if actual is expected
        else drifts("enabled", expected, actual, why)
    )


def _default(declared: Declared, observed: Ruleset) -> Finding:
    outward = declared.field == "default_outgoing"
    answers = {}
    for family in queries.judged_families(observed, declared.value):
        held = {
            action: defaults.default(observed, family, action, outward=outward)
            for action in VERDICTS
        }
        actual = next((action.value for action, holds in held.items() if holds), None)
        outcome = {True: Outcome.COMPLIANT, False: Outcome.DRIFT, None: Outcome.UNKNOWN}[
            held[declared.value]
        ]
        reason = None if actual else "there is no single default"
        if outcome is Outcome.UNKNOWN:
            reason = _unread(observed, OUTGOING if outward else INCOMING) or (
                "it depends on rules that cannot be interpreted, or on rules for single or "
                "broadcast addresses"
            )
        answers[family] = FamilyVerdict(outcome, actual, reason)
        if outward and outcome is Outcome.COMPLIANT and declared.value == ALLOW:
            answered = defaults.answered(observed, family)
            if not answered:
                answers[family] = FamilyVerdict(
                    Outcome.DRIFT if answered is False else Outcome.UNKNOWN,
                    actual,
                    f"the answers to these connections {'are' if answered is False else 'may be'} "
                    "dropped: accept established connections",
                )
    return _combined(declared.field, declared.value, answers)


def _unread(observed: Ruleset, hooks: Sequence[str]) -> str | None:
    """Return why rules that every packet meets at a hook could not be read; None: they were."""
    return next(
        (
            base.text
            for base in observed.program.bases
            if base.chain is None and base.hook in hooks and base.boxes == ({},)
        ),
        None,
    )


def _combined(field: str, expected: Value, answers: dict[int, FamilyVerdict]) -> Finding:
    """Return the worst of the families' verdicts. `actual` names the families where they differ."""
    worst = next(
        outcome
        for outcome in WORST_FIRST
        if outcome in {answer.outcome for answer in answers.values()}
    )
    kinds = {answer.actual for answer in answers.values()}
    actual = (
        kinds.pop()
        if len(kinds) == 1
        else ", ".join(f"IPv{family}: {answer.actual or '?'}" for family, answer in answers.items())
    )
    reasons = {
        family: answer.why
        for family, answer in answers.items()
        if answer.why and answer.outcome is worst
    }
    if len(set(reasons.values())) == 1 and len(reasons) == len(answers):
        why: str | None = next(iter(reasons.values()))
    else:
        why = "; ".join(f"IPv{family}: {text}" for family, text in reasons.items()) or None
    if worst is Outcome.UNKNOWN:
        return undecided(field, expected, why or "cannot be decided", actual)
    return Finding(field, worst, expected, actual, why)


def _exclusive(declared: Declared, observed: Ruleset) -> Finding:
    found = extras(declared.firewall, observed)
    certain = [extra.text for extra in found if extra.sure]
    if certain:
        return drifts("exclusive", True, False, f"open and not declared: {'; '.join(certain)}")
    if found:
        return undecided(
            "exclusive",
            True,
            _unread(observed, INCOMING)
            or f"perhaps open and not declared: {'; '.join(extra.text for extra in found)}",
        )
    return agrees("exclusive", True, True)


def _rule(declared: Declared, observed: Ruleset) -> Iterator[Finding]:
    rule: Rule = declared.value
    yield agrees("proto", rule.proto, rule.proto)
    if rule.port is not None:
        yield agrees("port", rule.port, rule.port)
    families = queries.families_of(observed, rule)
    answers = {family: _action(declared, observed, family) for family in families}
    yield _combined("action", rule.action, answers)
    yield from _width(declared, observed, families)


def _action(declared: Declared, observed: Ruleset, family: int) -> FamilyVerdict:
    """Return whether all packets of the rule are treated as declared.

    Packets of an earlier rule with another action are left to that rule.
    """
    rule: Rule = declared.value
    for name in _named(rule).values():
        upper = observed.network.ports.get(name)
        if upper is not None:
            return FamilyVerdict(
                Outcome.UNKNOWN,
                None,
                f"{name} is a port of {printable(upper)}, and what comes by it counts as "
                f"coming by {printable(upper)}: declare that one",
            )
    box = traffic.packets(rule, family)
    if box is None:
        return FamilyVerdict(
            Outcome.UNKNOWN, None, "no connection from another machine has these addresses"
        )
    before = [
        other
        for other in (declared.firewall.rules or [])[: declared.place]
        if other.action != rule.action and traffic.overlap(rule, other)
    ]
    boxes = subtract_all([box], _boxes(before, family))
    if not boxes:
        return FamilyVerdict(
            Outcome.UNKNOWN,
            None,
            "earlier declared rules already decide about all of its connections",
        )
    if rule.action not in OPENINGS and (hand_made := traffic.from_reserved(rule, family)):
        earlier = (traffic.from_reserved(other, family) for other in before)
        boxes += subtract_all([hand_made], [each for each in earlier if each is not None])
    if rule.routed:
        own = observed.network.addresses.get(family, ())
        boxes = subtract_all(boxes, [{DADDR[family]: own}] if own else [])
        if not boxes:
            return FamilyVerdict(
                Outcome.UNKNOWN,
                None,
                "the node itself has these addresses, and forwards nothing to them",
            )
    answer = _fared(rule, observed, family, boxes)
    mixed = " or " in (answer.actual or "")  # under a limit, packets of one kind differ
    if answer.outcome is Outcome.DRIFT and mixed and _is_limit(rule, observed, family, boxes):
        answer = answer._replace(actual=LIMIT)
    missing = next(
        (name for name in _named(rule).values() if name not in (observed.network.interfaces or ())),
        None,
    )
    if answer.outcome is Outcome.COMPLIANT and missing is not None:
        return FamilyVerdict(
            Outcome.UNKNOWN,
            answer.actual,
            f"the node has no interface {missing} now (ip link shows them)"
            if observed.network.interfaces
            else "the node's interfaces could not be read",
        )
    icmp = rule.proto == "icmp"
    if icmp and not rule.routed and rule.action in OPENINGS and answer.outcome is Outcome.COMPLIANT:
        silent = next(
            (path for path in observed.network.echo_ignored if f"/net/ipv{family}/" in path), None
        )
        return (
            answer
            if silent is None
            else FamilyVerdict(
                Outcome.DRIFT, "deny", f"the kernel answers no echo request: {silent} is not 0"
            )
        )
    if icmp and rule.action not in OPENINGS:
        return _no_icmp(rule, observed, family, answer)
    return answer


def _named(rule: Rule) -> dict[Dimension, str]:
    """Return the interfaces that a rule names, by their side."""
    named = {Dimension.IIF: rule.interface, Dimension.OIF: rule.out_interface}
    return {side: name for side, name in named.items() if name is not None}


def _boxes(rules: Iterable[Rule], family: int) -> list[Box]:
    return [box for rule in rules if (box := traffic.packets(rule, family)) is not None]


def _is_limit(rule: Rule, observed: Ruleset, family: int, boxes: list[Box]) -> bool:
    """Return whether the packets of a rule certainly meet a limit, whatever it declares."""
    if rule.action == LIMIT:
        return False
    try:
        limited = _fared(replace(rule, action=LIMIT), observed, family, boxes)
    except Undecidable:
        return False
    return limited.outcome is Outcome.COMPLIANT


def _fared(rule: Rule, observed: Ruleset, family: int, boxes: list[Box]) -> FamilyVerdict:
    """Return the verdict on these packets: the worst on any of the rule's demands."""
    found = list[FamilyVerdict]()
    for demand in queries.demands(observed, rule, family):
        answers = [
            _verdict(rule, demand, family, regions)
            for regions in queries.trace(demand.ruleset, family, boxes, traffic.hooks_of(rule))
        ]
        found.append(
            answers[0]
            if all(other.outcome is answers[0].outcome for other in answers)
            else FamilyVerdict(Outcome.UNKNOWN, None, "chains have equal priority")
        )
        if ALLOW in demand.verdicts and found[-1].outcome is Outcome.COMPLIANT:
            found[-1] = _going_on(rule, demand.ruleset, family, boxes) or found[-1]
    return min(found, key=lambda answer: WORST_FIRST.index(answer.outcome))


def _going_on(rule: Rule, observed: Ruleset, family: int, boxes: list[Box]) -> FamilyVerdict | None:
    """Return the verdict if connections are accepted but cannot continue; None if they can."""
    stopped = later.cut_off(rule, observed, family, boxes)
    certain = [region for region in stopped if region is not None and region.sure]
    if certain and len(certain) == len(stopped):
        first = certain[0]
        which = "the answer" if first.box[Dimension.STAGE] == ANSWER else "the next packet"
        return FamilyVerdict(
            Outcome.DRIFT,
            first.verdict,
            f"the first packet of a connection is accepted, but {which} meets {first.verdict} "
            f"{_decided_by(first, observed, family)}: accept established connections",
        )
    doubt = next(filter(None, stopped), None)
    if doubt is None:
        return None
    why = doubt.doubt or "chains have equal priority"
    return FamilyVerdict(
        Outcome.UNKNOWN, None, f"packets after the first one of a connection may be stopped: {why}"
    )


def _verdict(
    rule: Rule, demand: queries.Demand, family: int, regions: list[Region]
) -> FamilyVerdict:
    observed, wanted = demand.ruleset, demand.verdicts
    # A declared interface or address that the node does not have now is judged as if it had it.
    by_interface = [
        region for region in regions if queries.interface_exists(observed, region, _named(rule))
    ]
    present = [
        region for region in by_interface if queries.address_exists(observed, region)
    ] or by_interface
    verdicts = [
        verdict
        for verdict in VERDICTS
        if any(region.verdict == verdict for region in present or regions)
    ]
    actual = " or ".join(verdicts)
    wrong = [region for region in present if region.verdict not in wanted and region.sure]
    if wrong or (present and not wanted & set(verdicts)):
        first = min(wrong or present, key=lambda region: traffic.unusual(observed, region.box))
        part = "" if len(verdicts) == 1 else "in part "
        return FamilyVerdict(
            Outcome.DRIFT,
            actual,
            f"{part}{first.verdict}{_at_ports(first, rule)} {_decided_by(first, observed, family)}"
            f"{', at any rate' if demand.beyond else ''}",
        )
    # In firewalld an interface belongs to a zone. A rule of another tool that names an interface
    # covers less than was declared.
    judged = (
        by_interface if observed.has_firewalld_rules and observed.network.interfaces else regions
    )
    doubtful = next((region for region in judged if region.verdict not in wanted), None)
    if doubtful is not None:
        missing = (
            "for addresses that the node does not have now: declare `to`"
            if queries.interface_exists(observed, doubtful, _named(rule))
            else MAY_COME
        )
        return FamilyVerdict(
            Outcome.UNKNOWN, actual, doubtful.doubt or f"the result differs {missing}"
        )
    if rule.action == ALLOW and not all(region.ruled for region in present):
        filters = defaults.filters_forwarded if rule.routed else defaults.filters
        filtered = filters(observed, family)
        if not filtered:
            outcome = Outcome.DRIFT if filtered is False else Outcome.UNKNOWN
            actual = f"{ALLOW} (unfiltered)" if filtered is False else ALLOW.value
            return FamilyVerdict(
                outcome, actual, "reachable only because nothing filters: no rule allows it"
            )
    by_default = rule.action != LIMIT and not any(region.by for region in present)
    return FamilyVerdict(
        Outcome.COMPLIANT, rule.action, "by the default policy" if by_default else None
    )


def _at_ports(region: Region, rule: Rule) -> str:
    """Return at which ports of a rule's range a region is; "" for all of them."""
    if rule.port is None or region.box[Dimension.DPORT] == (traffic.ports(rule.port),):
        return ""
    return f" at {port_ranges(region.box[Dimension.DPORT])}"


def _decided_by(region: Region, observed: Ruleset, family: int) -> str:
    """Return which rule decided on a region, and what is unusual about its packets."""
    where = f"by {region.by}" if region.by else "by the default policy"
    by_hand = traffic.unusual(observed, region.box)
    note = traffic.unusual_note(region.box, family, by_hand=by_hand)
    return f"{where} ({note})" if note else where


def _no_icmp(rule: Rule, observed: Ruleset, family: int, answer: FamilyVerdict) -> FamilyVerdict:
    """Return the verdict on `deny icmp` or `reject icmp`: no request may be answered.

    Unknown where echo requests are treated differently from other requests.
    """
    if answer.actual is not None and ALLOW in answer.actual:
        return answer
    box = traffic.packets(rule, family, traffic.OTHER_REQUESTS[family])
    boxes = [box] if box is not None else []
    fared = queries.trace(observed, family, boxes, traffic.hooks_of(rule))
    if answer.outcome is Outcome.COMPLIANT and all(
        region.verdict != ALLOW for regions in fared for region in regions
    ):
        return answer
    return FamilyVerdict(Outcome.UNKNOWN, answer.actual, "kinds of ICMP are treated differently")


def _width(declared: Declared, observed: Ruleset, families: list[int]) -> Iterator[Finding]:
    """Yield findings for `from`, `to` and `interface`: nobody else may get in, but by another
    declared rule.
    """
    rule: Rule = declared.value
    narrow = rule.action in OPENINGS and not rule.routed
    wider = _wider(declared, observed) if narrow and families else None
    for field, text in (
        ("from", rule.from_),
        ("to", rule.to),
        ("interface", rule.interface),
        ("out_interface", rule.out_interface),
        ("routed", rule.routed or None),
    ):
        if text is None:
            continue
        if wider is None or text == "any":
            yield agrees(field, text, text)
        elif wider.outcome is Outcome.DRIFT:
            yield drifts(field, text, wider.actual, wider.why)
        else:
            yield undecided(field, text, wider.why or "", wider.actual)


def _wider(declared: Declared, observed: Ruleset) -> FamilyVerdict | None:
    """Return whether other sources, targets or interfaces than declared are let in; None where they
    are not.
    """
    rule: Rule = declared.value
    is_narrow = bool(traffic.named_families(rule)) or rule.interface is not None
    if not is_narrow or declared.firewall.default_incoming == ALLOW:
        return None
    allowed = [other for other in declared.firewall.rules or [] if other.action in OPENINGS]
    doubt = None
    for family in queries.judged_families(observed, DENY):
        verdict = _wider_in(rule, allowed, observed, family)
        if verdict is not None and verdict.outcome is Outcome.DRIFT:
            return verdict
        doubt = verdict or doubt
    return doubt


def _gets_in(region: Region, rule: Rule, observed: Ruleset) -> bool:
    """Return whether a region counts against a narrow rule.

    One that is open on any interface that may come is not confined to the declared one. In
    firewalld each interface belongs to a zone, and a default zone has those that may come.
    """
    if rule.interface is None or observed.has_firewalld_rules:
        return queries.applies(observed, region)
    return queries.address_exists(observed, region) and (
        queries.interface_exists(observed, region) or queries.most_interfaces(region)
    )


def _wider_in(
    rule: Rule, allowed: list[Rule], observed: Ruleset, family: int
) -> FamilyVerdict | None:
    """Return the same of one family. `allowed`: the declared openings."""
    from_anywhere = traffic.packets(replace(rule, from_="any", to="any", interface=None), family)
    undeclared = subtract_all(
        [from_anywhere] if from_anywhere is not None else [],
        _boxes((other for other in allowed if traffic.overlap(rule, other)), family),
    )
    open_by_order = [
        [
            region
            for region in regions
            if region.verdict == ALLOW and _gets_in(region, rule, observed)
        ]
        for regions in queries.trace(observed, family, undeclared)
    ]
    certain = [
        min(
            (region for region in regions if region.sure),
            key=lambda region: not queries.interface_exists(observed, region),
            default=None,
        )
        for regions in open_by_order
    ]
    if certain[0] is not None and None not in certain:
        by = f"by {certain[0].by}" if certain[0].by else "by default"
        where = "" if queries.interface_exists(observed, certain[0]) else f", {MAY_COME}"
        why = f"IPv{family} is open wider than declared, {by}{where}"
        return FamilyVerdict(Outcome.DRIFT, "wider", why)
    regions = [region for regions in open_by_order for region in regions]
    if not regions:
        return None
    why = regions[-1].doubt or "chains have equal priority"
    return FamilyVerdict(
        Outcome.UNKNOWN, None, f"IPv{family} may be open wider than declared: {why}"
    )
