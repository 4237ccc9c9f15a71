"""What becomes of packets in chains: each kind of rule, chain and hook."""

from typing import Any

import pytest

from power_edge.resources.firewall.packets import chain_order, marks
from power_edge.resources.firewall.packets import walk as walks
from power_edge.resources.firewall.packets.chain_order import orders
from power_edge.resources.firewall.packets.dimension import Dimension
from power_edge.resources.firewall.packets.program import (
    ALLOW,
    FIRST,
    NEW,
    UNSEEN,
    UNTRACKED,
    Action,
    BaseChain,
    Effect,
    Effort,
    FilterRule,
    Program,
    Region,
    Undecidable,
    bits_of,
    limited,
)
from power_edge.resources.firewall.packets.sets import Box
from power_edge.resources.firewall.packets.walk import walk

TCP: Box = {Dimension.PROTO: ((6, 6),)}
UDP: Box = {Dimension.PROTO: ((17, 17),)}
PATH = ("ingress", "prerouting", "output", "input")


def key(name: str) -> tuple[str, str, str]:
    return ("inet", "t", name)


def rule(action: str, box: Box = TCP, target: str | None = None, **more: Any) -> FilterRule:
    return FilterRule(
        (box,), Effect(Action(action), key(target) if target else None), action
    )._replace(**more)


def base(hook: str = "input", priority: int = 0, chain: str | None = "a", **more: Any) -> BaseChain:
    return BaseChain(
        hook, priority, key(chain) if chain else None, (4,), text=f"at {hook}"
    )._replace(**more)


def walked(bases: list[BaseChain], **chains: list[FilterRule]) -> list[Region]:
    """What becomes of new TCP connections in chains a, b, c."""
    program = Program(
        chains={key(name): {4: tuple(rules)} for name, rules in chains.items()}, bases=tuple(bases)
    )
    return walk(
        program,
        PATH,
        4,
        [Region({**TCP, Dimension.CONNTRACK: NEW, Dimension.STAGE: FIRST})],
        Effort(10_000),
    )


def fates(bases: list[BaseChain], **chains: list[FilterRule]) -> set[str]:
    """The verdicts, with a ? where they are not sure."""
    return {f"{region.verdict}{'' if region.sure else '?'}" for region in walked(bases, **chains)}


ANY = {"allow?", "deny?", "reject?"}
SHUT = base(policy=Action.DENY)
BEHIND = base(priority=10, chain="b", policy=Action.DENY)


@pytest.mark.parametrize(
    ("bases", "chains", "expected"),
    [
        ([], {}, {"allow"}),
        ([base()], {"a": []}, {"allow"}),
        ([SHUT], {"a": []}, {"deny"}),
        ([base(policy=Action.REJECT)], {"a": []}, {"reject"}),
        ([SHUT._replace(hook="forward")], {"a": []}, {"allow"}),
        ([SHUT._replace(families=(6,))], {"a": []}, {"allow"}),
        ([SHUT._replace(boxes=(UDP,))], {"a": []}, {"allow"}),
        ([SHUT._replace(boxes=(UDP, TCP))], {"a": []}, {"deny"}),
        ([SHUT], {"a": [rule("allow")]}, {"allow"}),
        ([SHUT], {"a": [rule("allow", UDP)]}, {"deny"}),
        ([base()], {"a": [rule("reject"), rule("deny")]}, {"reject"}),
        ([base(), BEHIND], {"a": [rule("allow")], "b": []}, {"deny"}),
        ([base(), BEHIND], {"a": [rule("reject")], "b": []}, {"reject"}),
        (
            [BEHIND._replace(priority=-10), base()],
            {"a": [rule("reject")], "b": [rule("allow")]},
            {"reject"},
        ),
        ([SHUT], {"a": [rule("next"), rule("allow")]}, {"allow"}),
        ([SHUT], {"a": [rule("return"), rule("allow")]}, {"deny"}),
        (
            [SHUT],
            {"a": [rule("jump", target="c"), rule("allow")], "c": [rule("return"), rule("reject")]},
            {"allow"},
        ),
        (
            [SHUT],
            {"a": [rule("jump", target="c"), rule("allow")], "c": [rule("reject")]},
            {"reject"},
        ),
        ([SHUT], {"a": [rule("goto", target="c"), rule("allow")], "c": []}, {"deny"}),
        ([SHUT], {"a": [rule("goto", target="c")], "c": [rule("allow")]}, {"allow"}),
        ([SHUT], {"a": [rule("deny", UDP), rule("allow")]}, {"allow"}),
        (
            [SHUT],
            {"a": [rule("deny", {Dimension.DPORT: ((22, 22),)}), rule("reject")]},
            {"deny", "reject"},
        ),
        ([base(), BEHIND], {"a": [rule("unknown")], "b": []}, ANY),
        # What matches some packets only, or perhaps.
        (
            [SHUT],
            {
                "a": [rule("jump", target="c", varies=True)],
                "c": [rule("next"), rule("jump", target="b")],
                "b": [rule("return")],
            },
            {"deny"},
        ),
        (
            [base("prerouting", -300), BEHIND._replace(policy=Action.ALLOW)],
            {
                "a": [rule("jump", target="c", varies=True)],
                "c": [rule("notrack")],
                "b": [rule("deny", {Dimension.CONNTRACK: UNTRACKED})],
            },
            {"allow", "deny"},
        ),
        ([SHUT], {"a": [rule("allow", varies=True)]}, {"allow", "deny"}),
        ([SHUT], {"a": [rule("allow", passing=True)]}, {"allow", "deny?"}),
        ([SHUT], {"a": [rule("allow", opaque="who knows")]}, {"allow?", "deny?"}),
        ([SHUT], {"a": [rule("allow", UDP, opaque="who knows")]}, {"deny"}),
        ([SHUT], {"a": [rule("unknown")]}, ANY),
        ([SHUT], {"a": [rule("next", opaque="who knows")]}, {"deny"}),
        (
            [SHUT],
            {"a": [rule("jump", target="c", opaque="who knows")], "c": [rule("return")]},
            {"deny"},
        ),
        (
            [SHUT],
            {"a": [rule("jump", target="c", opaque="who knows")], "c": [rule("allow")]},
            {"allow?", "deny?"},
        ),
        (
            [SHUT],
            {"a": [rule("goto", target="c", opaque="who knows"), rule("allow")], "c": []},
            {"allow?", "deny?"},
        ),
        (
            [SHUT],
            {"a": [rule("goto", target="c", varies=True), rule("allow")], "c": []},
            {"allow", "deny"},
        ),
        ([base(chain=None)], {}, ANY),
        ([base(chain=None, moves=False), BEHIND], {"b": []}, {"deny?", "reject?"}),
        ([base(chain=None), BEHIND], {"b": []}, ANY),
        ([base(chain=None, boxes=(UDP,))], {}, {"allow"}),
        # A nat chain is called for tracked connections alone.
        ([base("prerouting", -100, nat=True)], {"a": [rule("allow")]}, {"allow"}),
        (
            [base("prerouting", -100, nat=True)],
            {"a": [rule("deny")]},
            {"allow?", "deny?", "reject?"},
        ),
        (
            [base("prerouting", -100, nat=True)],
            {"a": [rule("reject")]},
            {"allow?", "deny?", "reject?"},
        ),
        (
            [base("prerouting", -100, nat=True, policy=Action.DENY)],
            {"a": []},
            {"allow?", "deny?", "reject?"},
        ),
        (
            [base("prerouting", -100, nat=True)],
            {"a": [rule("jump", target="c")], "c": [rule("jump", target="b")], "b": [rule("deny")]},
            ANY,
        ),
        ([base("prerouting", -100)], {"a": [rule("deny")]}, {"deny"}),
        # At the priority at which connections are looked up the order is unknown.
        ([base("prerouting", -200)], {"a": [rule("deny")]}, {"allow?", "deny?", "reject?"}),
        ([base("output", -200)], {"a": [rule("deny")]}, {"allow?", "deny?", "reject?"}),
        ([base("input", -200)], {"a": [rule("deny")]}, {"deny"}),
        ([base("prerouting", -200), BEHIND], {"a": [rule("deny")], "b": []}, {"deny?", "reject?"}),
        ([base("prerouting", -200), BEHIND], {"a": [rule("unknown")], "b": []}, ANY),
        ([base("prerouting", -200), BEHIND], {"a": [rule("notrack")], "b": []}, ANY),
        # Before that they are not looked up, and after it they are new again.
        (
            [base("prerouting", -300)],
            {"a": [rule("deny", {Dimension.CONNTRACK: UNSEEN})]},
            {"deny"},
        ),
        ([base("output", -300)], {"a": [rule("deny", {Dimension.CONNTRACK: UNSEEN})]}, {"deny"}),
        ([base("ingress", 0)], {"a": [rule("deny", {Dimension.CONNTRACK: UNSEEN})]}, {"deny"}),
        (
            [base("prerouting", -199)],
            {"a": [rule("deny", {Dimension.CONNTRACK: UNSEEN})]},
            {"allow"},
        ),
        ([base("input", -300)], {"a": [rule("deny", {Dimension.CONNTRACK: UNSEEN})]}, {"allow"}),
        (
            [base("prerouting", -300), BEHIND._replace(policy=Action.ALLOW)],
            {"a": [], "b": [rule("deny", {Dimension.CONNTRACK: NEW})]},
            {"deny"},
        ),
        (
            [base("prerouting", -300, boxes=(UDP,)), BEHIND._replace(policy=Action.ALLOW)],
            {"a": [], "b": [rule("deny", {Dimension.CONNTRACK: NEW})]},
            {"deny"},
        ),
        (
            [base("prerouting", -300), BEHIND],
            {"a": [rule("notrack")], "b": [rule("allow", {Dimension.CONNTRACK: UNTRACKED})]},
            {"allow"},
        ),
        (
            [base("prerouting", -100), BEHIND],
            {"a": [rule("notrack")], "b": [rule("allow", {Dimension.CONNTRACK: UNTRACKED})]},
            {"deny"},
        ),
    ],
)
def test_what_becomes_of_packets(
    bases: list[BaseChain], chains: dict[str, list[FilterRule]], expected: set[str]
) -> None:
    assert fates(bases, **chains) == expected


BOTH = {"allow", "deny"}


@pytest.mark.parametrize(
    ("bases", "chains", "tcp", "udp"),
    [
        ([base()], {"a": [rule("deny", UDP)]}, {"allow"}, {"deny"}),
        ([SHUT], {"a": [rule("allow"), rule("allow", UDP)]}, {"allow"}, {"allow"}),
        ([base()], {"a": [rule("deny"), rule("reject", UDP)]}, {"deny"}, {"reject"}),
        ([base()], {"a": [rule("unknown"), rule("unknown", UDP)]}, ANY, ANY),
        ([base(chain=None, moves=False)], {}, ANY, ANY),
        ([SHUT], {"a": [rule("allow", varies=True)]}, BOTH, {"deny"}),
        ([SHUT], {"a": [rule("allow", passing=True)]}, {"allow", "deny?"}, {"deny"}),
        ([SHUT], {"a": [rule("allow", opaque="who knows")]}, {"allow?", "deny?"}, {"deny"}),
        (
            [SHUT],
            {
                "a": [rule("jump", {}, "c"), rule("allow", {})],
                "c": [rule("return"), rule("return", UDP), rule("reject", {})],
            },
            {"allow"},
            {"allow"},
        ),
    ],
)
def test_what_becomes_of_two_kinds_of_packets(
    bases: list[BaseChain], chains: dict[str, list[FilterRule]], tcp: set[str], udp: set[str]
) -> None:
    program = Program(
        chains={key(name): {4: tuple(rules)} for name, rules in chains.items()}, bases=tuple(bases)
    )
    found: dict[str, set[str]] = {"tcp": set(), "udp": set()}
    for region in walk(program, PATH, 4, [Region(TCP), Region(UDP)], Effort(10_000)):
        found["tcp" if region.box[Dimension.PROTO] == TCP[Dimension.PROTO] else "udp"].add(
            f"{region.verdict}{'' if region.sure else '?'}"
        )
    assert found == {"tcp": tcp, "udp": udp}


def test_a_chain_without_rules_of_the_family_lets_packets_pass() -> None:
    program = Program(chains={key("a"): {6: (rule("deny"),)}}, bases=(base(),))
    assert [region.verdict for region in walk(program, PATH, 4, [Region(TCP)], Effort(99))] == [
        "allow"
    ]


@pytest.mark.parametrize(
    ("bases", "rules", "doubt"),
    [
        ([base()], [rule("unknown")], "unknown: not understood"),
        ([base()], [rule("unknown", opaque="who knows")], "unknown: who knows"),
        ([base()], [rule("deny", opaque="who knows"), rule("unknown")], "deny: who knows"),
        (
            [base(chain=None, text="a chain that could not be read")],
            [],
            "a chain that could not be read",
        ),
        (
            [base("prerouting", -200)],
            [rule("deny")],
            "at prerouting: it runs before connections are looked up, or after",
        ),
    ],
)
def test_why_it_is_not_sure(bases: list[BaseChain], rules: list[FilterRule], doubt: str) -> None:
    assert {region.doubt for region in walked(bases, a=rules)} == {doubt}


NAMES = "abc"


def ordered(bases: list[BaseChain], actions: list[str]) -> set[str]:
    """The orders of chains a, b, c, each with one rule."""
    chains = {key(name): {4: (rule(action),)} for name, action in zip(NAMES, actions, strict=False)}
    program = Program(chains=chains, bases=tuple(bases))
    return {
        "".join(each.text for each in order.bases)
        for order in orders(program, PATH, 4, Effort(10_000))
    }


def tied(*actions: str) -> tuple[list[BaseChain], list[str]]:
    return [base(chain=name, text=name) for name, _ in zip(NAMES, actions, strict=False)], [
        *actions
    ]


@pytest.mark.parametrize(
    ("actions", "expected"),
    [
        (["deny", "deny"], {"ab"}),
        (["deny", "allow"], {"ab"}),
        (["unknown", "allow"], {"ab"}),
        (["deny", "reject"], {"ab", "ba"}),
        (["deny", "notrack"], {"ab", "ba"}),
        (["unknown", "deny"], {"ab", "ba"}),
        (["notrack", "notrack"], {"ab", "ba"}),
        (["deny", "deny", "reject"], {"abc", "acb", "bca", "cab"}),
        (["deny", "reject", "allow"], {"abc", "bac"}),
    ],
)
def test_orders_of_chains_of_one_priority(actions: list[str], expected: set[str]) -> None:
    assert ordered(*tied(*actions)) == expected


def test_chains_have_one_order_where_they_do_not_meet() -> None:
    (one, two), actions = tied("deny", "reject")
    assert ordered([one, two], actions) == {"ab", "ba"}
    assert ordered([one, two._replace(priority=1)], actions) == {"ab"}
    assert ordered([one, two._replace(hook="prerouting")], actions) == {"ba"}
    assert ordered([one._replace(boxes=(TCP,)), two._replace(boxes=(UDP,))], actions) == {"ab"}
    assert ordered([one._replace(boxes=(TCP, UDP)), two._replace(boxes=(UDP,))], actions) == {
        "ab",
        "ba",
    }
    assert ordered([one, two._replace(chain=None)], actions) == {"ab", "ba"}
    assert ordered(
        [one._replace(policy=Action.DENY), two._replace(policy=Action.REJECT)], ["next", "next"]
    ) == {"ab", "ba"}


@pytest.mark.parametrize("limit", ["MANY_BASES", "MANY_ORDERS"])
def test_too_many_orders_are_not_tried(monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    monkeypatch.setattr(chain_order, limit, 2)
    assert len(ordered(*tied("deny", "reject"))) == 2
    monkeypatch.setattr(chain_order, limit, 1)
    with pytest.raises(Undecidable):
        ordered(*tied("deny", "reject"))


@pytest.mark.parametrize(
    ("filters", "rules", "ruled", "by"),
    [
        (True, ["allow"], True, "allow"),
        (False, ["allow"], False, "allow"),
        (True, [], False, ""),
        (True, ["deny"], False, "deny"),
    ],
)
def test_a_rule_of_a_filter_chain_rules(
    filters: bool, rules: list[str], ruled: bool, by: str
) -> None:
    (region,) = walked([base(filters=filters)], a=[rule(action) for action in rules])
    assert (region.ruled, region.by) == (ruled, by)


def test_what_a_later_chain_stops_is_not_ruled() -> None:
    (region,) = walked([base(), BEHIND], a=[rule("allow")], b=[])
    assert (region.verdict, region.ruled, region.by) == ("deny", False, "")


@pytest.mark.parametrize(
    "chains",
    [
        {},
        {"a": [rule("jump", target="a")]},
        {"a": [rule("jump", target="c")]},
        {"a": [rule("goto", target="c")], "c": [rule("jump", target="a")]},
    ],
)
def test_chains_that_cannot_be_followed(chains: dict[str, list[FilterRule]]) -> None:
    with pytest.raises(Undecidable):
        fates([base()], **chains)


def test_effort_ends_when_more_is_spent_than_there_is() -> None:
    effort = Effort(5)
    effort.spend(3)
    effort.spend(2)
    with pytest.raises(Undecidable):
        effort.spend(1)
    with pytest.raises(Undecidable):
        Effort(3).spend(4)


def test_rules_cost_one_and_their_boxes() -> None:
    rules = [FilterRule((TCP, UDP), Effect(ALLOW), "r"), FilterRule((TCP,), Effect(ALLOW), "r")]
    assert [*limited(rules, Effort(5))] == rules
    with pytest.raises(Undecidable):
        [*limited(rules, Effort(4))]


@pytest.mark.parametrize("action", ["allow", "deny", "next"])
def test_too_many_cases_are_not_followed(monkeypatch: pytest.MonkeyPatch, action: str) -> None:
    monkeypatch.setattr(walks, "MANY_REGIONS", 1)
    program = Program(chains={key("a"): {4: (rule(action), rule(action, UDP))}}, bases=(base(),))
    with pytest.raises(Undecidable):
        walk(program, PATH, 4, [Region(TCP), Region(UDP)], Effort(10_000))


SET, CLEAR = (marks.Change(marks.PACKET, 0, flip=value) for value in (1, 0))
SOMEHOW = marks.Change(marks.PACKET, None)
(MARKED,) = marks.equal(marks.PACKET, 1, 1)
AT_LAST = base(priority=10, chain="b")
DENY_MARKED = rule("deny", MARKED)


def marking(change: marks.Change, box: Box = TCP) -> FilterRule:
    return rule("next", box, changes=(change,))


@pytest.mark.parametrize(
    ("bases", "chains", "expected"),
    [
        ([base()], {"a": [DENY_MARKED]}, {"allow"}),
        ([base()], {"a": [marking(SET), DENY_MARKED]}, {"deny"}),
        ([base()], {"a": [marking(SET), marking(CLEAR), DENY_MARKED]}, {"allow"}),
        ([base()], {"a": [marking(SET, UDP), DENY_MARKED]}, {"allow"}),
        ([base()], {"a": [marking(SOMEHOW), DENY_MARKED]}, {"allow?", "deny?"}),
        ([base()], {"a": [marking(SET._replace(tracked=True)), DENY_MARKED]}, {"deny"}),
        ([base("prerouting", -300), AT_LAST], {"a": [marking(SET)], "b": [DENY_MARKED]}, {"deny"}),
        (
            [base("prerouting", -300), AT_LAST],
            {"a": [marking(SET._replace(tracked=True))], "b": [DENY_MARKED]},
            {"allow"},
        ),
        (
            [base("prerouting", -100, nat=True), AT_LAST],
            {"a": [marking(SET)], "b": [DENY_MARKED]},
            {"allow?", "deny?"},
        ),
        (
            [base("prerouting", -200), AT_LAST._replace(policy=Action.DENY)],
            {"a": [marking(SET)], "b": []},
            ANY,
        ),
        (
            [base()],
            {"a": [rule("jump", target="c", varies=True), DENY_MARKED], "c": [marking(SET)]},
            {"allow", "deny"},
        ),
    ],
)
def test_marks_are_followed(
    bases: list[BaseChain], chains: dict[str, list[FilterRule]], expected: set[str]
) -> None:
    program = {key(name): {4: tuple(rules)} for name, rules in chains.items()}
    bits = bits_of(program)
    start = Region({**TCP, Dimension.CONNTRACK: NEW, Dimension.STAGE: FIRST, **marks.clear(bits)})
    found = walk(
        Program(chains=program, bases=tuple(bases), bits=bits), PATH, 4, [start], Effort(10_000)
    )
    assert {f"{region.verdict}{'' if region.sure else '?'}" for region in found} == expected


@pytest.mark.parametrize(
    ("rules", "bits", "expected"),
    [
        ([marking(SET), marking(CLEAR)], (0,), {"ab", "ba"}),
        ([marking(SET), marking(CLEAR)], (), {"ab"}),
        ([marking(SET), rule("next")], (0,), {"ab"}),
        ([marking(SET), DENY_MARKED], (0,), {"ab", "ba"}),
        ([rule("next"), rule("next")], (0,), {"ab"}),
    ],
)
def test_orders_of_chains_that_set_marks(
    rules: list[FilterRule], bits: tuple[int, ...], expected: set[str]
) -> None:
    chains = {key(name): {4: (each,)} for name, each in zip(NAMES, rules, strict=False)}
    program = Program(
        chains=chains, bases=tuple(base(chain=name, text=name) for name in "ab"), bits=bits
    )
    assert {
        "".join(each.text for each in order.bases)
        for order in orders(program, PATH, 4, Effort(10_000))
    } == expected
