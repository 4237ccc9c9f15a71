"""What becomes of packets in chains, made by hand: each kind of rule, chain and hook."""

from typing import Any

import pytest

from power_edge.resources.firewall import marks, packet_filter
from power_edge.resources.firewall.packet_filter import (
    NEW,
    UNSEEN,
    UNTRACKED,
    Base,
    Do,
    Effort,
    Program,
    Region,
    Rule,
    Undecidable,
    bits_of,
    limited,
    orders,
    walk,
)
from power_edge.resources.firewall.packet_sets import Box

TCP: Box = {"proto": ((6, 6),)}
UDP: Box = {"proto": ((17, 17),)}
PATH = ("ingress", "prerouting", "output", "input")


def key(name: str) -> tuple[str, str, str]:
    return ("inet", "t", name)


def rule(do: str, box: Box = TCP, target: str | None = None, **more: Any) -> Rule:
    return Rule((box,), Do(do, key(target) if target else None), do)._replace(**more)


def base(hook: str = "input", priority: int = 0, chain: str | None = "a", **more: Any) -> Base:
    return Base(hook, priority, key(chain) if chain else None, (4,), text=f"at {hook}")._replace(
        **more
    )


def walked(bases: list[Base], **chains: list[Rule]) -> list[Region]:
    """What becomes of new TCP connections in chains a, b, c."""
    made = Program(
        chains={key(name): {4: tuple(rules)} for name, rules in chains.items()}, bases=tuple(bases)
    )
    return walk(made, PATH, 4, [Region({**TCP, "conntrack": NEW})], Effort(10_000))


def fates(bases: list[Base], **chains: list[Rule]) -> set[str]:
    """The verdicts, with a ? where they are not sure."""
    return {f"{region.verdict}{'' if region.sure else '?'}" for region in walked(bases, **chains)}


ANY = {"allow?", "deny?", "reject?"}
SHUT = base(policy="deny")
BEHIND = base(priority=10, chain="b", policy="deny")


@pytest.mark.parametrize(
    ("bases", "chains", "expected"),
    [
        ([], {}, {"allow"}),
        ([base()], {"a": []}, {"allow"}),
        ([SHUT], {"a": []}, {"deny"}),
        ([base(policy="reject")], {"a": []}, {"reject"}),
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
        ([SHUT], {"a": [rule("deny", {"dport": ((22, 22),)}), rule("reject")]}, {"deny", "reject"}),
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
            [base("prerouting", -300), BEHIND._replace(policy="allow")],
            {
                "a": [rule("jump", target="c", varies=True)],
                "c": [rule("notrack")],
                "b": [rule("deny", {"conntrack": UNTRACKED})],
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
            [base("prerouting", -100, nat=True, policy="deny")],
            {"a": []},
            {"allow?", "deny?", "reject?"},
        ),
        (
            [base("prerouting", -100, nat=True)],
            {"a": [rule("jump", target="c")], "c": [rule("jump", target="b")], "b": [rule("deny")]},
            ANY,
        ),
        ([base("prerouting", -100)], {"a": [rule("deny")]}, {"deny"}),
        # At the priority at which connections are looked up nobody knows which is first.
        ([base("prerouting", -200)], {"a": [rule("deny")]}, {"allow?", "deny?", "reject?"}),
        ([base("output", -200)], {"a": [rule("deny")]}, {"allow?", "deny?", "reject?"}),
        ([base("input", -200)], {"a": [rule("deny")]}, {"deny"}),
        ([base("prerouting", -200), BEHIND], {"a": [rule("deny")], "b": []}, {"deny?", "reject?"}),
        ([base("prerouting", -200), BEHIND], {"a": [rule("unknown")], "b": []}, ANY),
        ([base("prerouting", -200), BEHIND], {"a": [rule("notrack")], "b": []}, ANY),
        # Before that they are not looked up, and after it they are new again.
        ([base("prerouting", -300)], {"a": [rule("deny", {"conntrack": UNSEEN})]}, {"deny"}),
        ([base("output", -300)], {"a": [rule("deny", {"conntrack": UNSEEN})]}, {"deny"}),
        ([base("ingress", 0)], {"a": [rule("deny", {"conntrack": UNSEEN})]}, {"deny"}),
        ([base("prerouting", -199)], {"a": [rule("deny", {"conntrack": UNSEEN})]}, {"allow"}),
        ([base("input", -300)], {"a": [rule("deny", {"conntrack": UNSEEN})]}, {"allow"}),
        (
            [base("prerouting", -300), BEHIND._replace(policy="allow")],
            {"a": [], "b": [rule("deny", {"conntrack": NEW})]},
            {"deny"},
        ),
        (
            [base("prerouting", -300, boxes=(UDP,)), BEHIND._replace(policy="allow")],
            {"a": [], "b": [rule("deny", {"conntrack": NEW})]},
            {"deny"},
        ),
        (
            [base("prerouting", -300), BEHIND],
            {"a": [rule("notrack")], "b": [rule("allow", {"conntrack": UNTRACKED})]},
            {"allow"},
        ),
        (
            [base("prerouting", -100), BEHIND],
            {"a": [rule("notrack")], "b": [rule("allow", {"conntrack": UNTRACKED})]},
            {"deny"},
        ),
    ],
)
def test_what_becomes_of_packets(
    bases: list[Base], chains: dict[str, list[Rule]], expected: set[str]
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
    bases: list[Base], chains: dict[str, list[Rule]], tcp: set[str], udp: set[str]
) -> None:
    made = Program(
        chains={key(name): {4: tuple(rules)} for name, rules in chains.items()}, bases=tuple(bases)
    )
    found: dict[str, set[str]] = {"tcp": set(), "udp": set()}
    for region in walk(made, PATH, 4, [Region(TCP), Region(UDP)], Effort(10_000)):
        found["tcp" if region.box["proto"] == TCP["proto"] else "udp"].add(
            f"{region.verdict}{'' if region.sure else '?'}"
        )
    assert found == {"tcp": tcp, "udp": udp}


def test_a_chain_without_rules_of_the_family_lets_on() -> None:
    made = Program(chains={key("a"): {6: (rule("deny"),)}}, bases=(base(),))
    assert [region.verdict for region in walk(made, PATH, 4, [Region(TCP)], Effort(99))] == [
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
def test_why_it_is_not_sure(bases: list[Base], rules: list[Rule], doubt: str) -> None:
    assert {region.doubt for region in walked(bases, a=rules)} == {doubt}


NAMES = "abc"


def ordered(bases: list[Base], dos: list[str]) -> set[str]:
    """The orders of chains a, b, c, each with one rule."""
    chains = {key(name): {4: (rule(do),)} for name, do in zip(NAMES, dos, strict=False)}
    made = Program(chains=chains, bases=tuple(bases))
    return {
        "".join(each.text for each in order.bases)
        for order in orders(made, PATH, 4, Effort(10_000))
    }


def tied(*dos: str) -> tuple[list[Base], list[str]]:
    return [base(chain=name, text=name) for name, _ in zip(NAMES, dos, strict=False)], [*dos]


@pytest.mark.parametrize(
    ("dos", "expected"),
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
def test_orders_of_chains_of_one_priority(dos: list[str], expected: set[str]) -> None:
    assert ordered(*tied(*dos)) == expected


def test_chains_have_one_order_where_they_do_not_meet() -> None:
    (one, two), dos = tied("deny", "reject")
    assert ordered([one, two], dos) == {"ab", "ba"}
    assert ordered([one, two._replace(priority=1)], dos) == {"ab"}
    assert ordered([one, two._replace(hook="prerouting")], dos) == {"ba"}
    assert ordered([one._replace(boxes=(TCP,)), two._replace(boxes=(UDP,))], dos) == {"ab"}
    assert ordered([one._replace(boxes=(TCP, UDP)), two._replace(boxes=(UDP,))], dos) == {
        "ab",
        "ba",
    }
    assert ordered([one, two._replace(chain=None)], dos) == {"ab", "ba"}
    assert ordered(
        [one._replace(policy="deny"), two._replace(policy="reject")], ["next", "next"]
    ) == {"ab", "ba"}


@pytest.mark.parametrize("limit", ["MANY_BASES", "MANY_ORDERS"])
def test_too_many_orders_are_not_tried(monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    monkeypatch.setattr(packet_filter, limit, 2)
    assert len(ordered(*tied("deny", "reject"))) == 2
    monkeypatch.setattr(packet_filter, limit, 1)
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
    (region,) = walked([base(filters=filters)], a=[rule(do) for do in rules])
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
def test_chains_that_cannot_be_followed(chains: dict[str, list[Rule]]) -> None:
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
    rules = [Rule((TCP, UDP), Do("allow"), "r"), Rule((TCP,), Do("allow"), "r")]
    assert [*limited(rules, Effort(5))] == rules
    with pytest.raises(Undecidable):
        [*limited(rules, Effort(4))]


@pytest.mark.parametrize("do", ["allow", "deny", "next"])
def test_too_many_cases_are_not_followed(monkeypatch: pytest.MonkeyPatch, do: str) -> None:
    monkeypatch.setattr(packet_filter, "MANY_REGIONS", 1)
    made = Program(chains={key("a"): {4: (rule(do), rule(do, UDP))}}, bases=(base(),))
    with pytest.raises(Undecidable):
        walk(made, PATH, 4, [Region(TCP), Region(UDP)], Effort(10_000))


SET, CLEAR = (marks.Change(marks.PACKET, 0, flip=value) for value in (1, 0))
SOMEHOW = marks.Change(marks.PACKET, None)
(MARKED,) = marks.equal(marks.PACKET, 1, 1)
AT_LAST = base(priority=10, chain="b")
DENY_MARKED = rule("deny", MARKED)


def marking(change: marks.Change, box: Box = TCP) -> Rule:
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
            [base("prerouting", -200), AT_LAST._replace(policy="deny")],
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
    bases: list[Base], chains: dict[str, list[Rule]], expected: set[str]
) -> None:
    made = {key(name): {4: tuple(rules)} for name, rules in chains.items()}
    bits = bits_of(made)
    start = Region({**TCP, "conntrack": NEW, **marks.clear(bits)})
    found = walk(
        Program(chains=made, bases=tuple(bases), bits=bits), PATH, 4, [start], Effort(10_000)
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
    rules: list[Rule], bits: tuple[int, ...], expected: set[str]
) -> None:
    chains = {key(name): {4: (each,)} for name, each in zip(NAMES, rules, strict=False)}
    made = Program(
        chains=chains, bases=tuple(base(chain=name, text=name) for name in "ab"), bits=bits
    )
    assert {
        "".join(each.text for each in order.bases)
        for order in orders(made, PATH, 4, Effort(10_000))
    } == expected
