"""The output of iptables-save(8) and ip6tables-save(8) as a program."""

import re
from collections.abc import Container, Iterable, Iterator, Mapping
from itertools import pairwise
from typing import NamedTuple

from power_edge.resources.firewall.packets import marks
from power_edge.resources.firewall.packets.dimension import Mark
from power_edge.resources.firewall.packets.program import (
    ALLOW,
    DENY,
    MANY_RULES,
    REJECT,
    Action,
    BaseChain,
    Effect,
    Effort,
    FilterRule,
    Key,
    Program,
    limited,
)
from power_edge.resources.firewall.packets.rule_match import Match
from power_edge.resources.firewall.readers import ipsets
from power_edge.resources.firewall.readers.iptables_options import (
    FLAGS,
    NO_SETS,
    OPTIONS,
    OptionReader,
    Sets,
    Token,
)

HOOKS = {
    "PREROUTING": "prerouting",
    "INPUT": "input",
    "FORWARD": "forward",
    "OUTPUT": "output",
    "POSTROUTING": "postrouting",
}
PRIORITIES = {"raw": -300, "mangle": -150, "nat": -100, "filter": 0, "security": 50}
"""Priorities of netfilter's hooks (linux/netfilter_ipv4.h). Those of nat depend on the hook."""
TARGETS = {
    "ACCEPT": Effect(ALLOW),
    "DROP": Effect(DENY),
    "REJECT": Effect(REJECT),
    "RETURN": Effect(Action.RETURN),
}
HARMLESS = frozenset({
    "LOG", "NFLOG", "ULOG", "TRACE", "MARK", "CONNMARK", "CONNSECMARK", "SECMARK", "AUDIT",
    "CHECKSUM", "TCPMSS", "TOS", "DSCP", "TTL", "HL", "CLASSIFY", "SET", "LED", "IDLETIMER",
    "RATEEST", "ECN", "SNAT", "MASQUERADE",
})  # fmt: skip
"""Targets after which a packet goes on, or which only change the source of outgoing packets."""
MANY_HOPS = 64
"""As many as hosts give their own packets (RFC 1700)."""
_TOKEN = re.compile(r'"((?:\\.|[^"\\])*)"|(\S+)', re.DOTALL)
_COMMENT = re.compile(r' -m comment --comment (?:"(?:\\.|[^"\\])*"|\S+)', re.DOTALL)
_LINE_WITH_COMMENT = re.compile(r'(?:[^"\n]+|"(?:\\.|[^"\\])*")*(?:"[^\n]*)?', re.DOTALL)
"""A line, with the following ones where a quoted comment goes on."""


class SavedRule(NamedTuple):
    """One rule as iptables-save prints it.

    `matches`: each `-m NAME`, with the tokens from there to the next one. `target`: None for a rule
    without one. `jump`: JUMP or GOTO. `rest`: the target's own options.
    """

    line: str
    tokens: tuple[Token, ...]
    matches: tuple[tuple[str, tuple[Token, ...]], ...]
    target: str | None
    jump: Action
    rest: tuple[Token, ...]


def read(text: str, family: int, kind: str, sets: Sets = NO_SETS) -> Program:
    """Return the output of iptables-save (family 4) or ip6tables-save (6) as a program.

    `kind` begins the keys of its chains. ValueError for other text. Only the legacy variant can be
    read so: the variant of nftables leaves out conditions that it cannot express.
    """
    policies, saved = _parsed(text, kind)
    room = Effort(MANY_RULES)
    rules = {
        key: tuple(
            rule for one in some for rule in limited(as_rules(one, family, key, saved, sets), room)
        )
        for key, some in saved.items()
    }
    bases = (_base(key, policy, family) for key, policy in policies.items() if key[2] in HOOKS)
    return Program(
        chains={name: {family: some} for name, some in rules.items()}, bases=tuple(bases)
    )


def listed(text: str, kind: str) -> Mapping[Key, list[SavedRule]]:
    """Return the rules of each chain, in their order.

    A table that the tool could not show ("incompatible, use 'nft' tool") is missing.
    """
    return _parsed(text, kind)[1]


def parse_rule(line: str, start: str) -> SavedRule:
    """Return one line that adds a rule to a chain. `start`: what comes before the rule itself."""
    return _saved(line.removeprefix(start), line)


def _parsed(text: str, kind: str) -> tuple[dict[Key, str], dict[Key, list[SavedRule]]]:
    policies: dict[Key, str] = {}
    rules: dict[Key, list[SavedRule]] = {}
    table = ""
    for line in _lines(text):
        if line.startswith("*"):
            _refuse_cut(table)
            table = line[1:].strip()
        elif line.strip() == "COMMIT":
            table = ""
        elif line.startswith(":") and table:
            name, policy, *_ = [*line[1:].split(), "", ""]
            rules[kind, table, name], policies[kind, table, name] = [], policy
        elif table and line.startswith("-A "):
            chain, _, rest = line[3:].partition(" ")
            if (kind, table, chain) not in rules:
                raise ValueError(
                    f"iptables-save adds to a chain that it does not list: {chain[:80]!r}"
                )
            rules[kind, table, chain].append(_saved(rest, line))
        elif line.strip() and not line.startswith("#"):
            raise ValueError(f"not a line of iptables-save: {line[:80]!r}")
    _refuse_cut(table)
    return policies, rules


def _refuse_cut(table: str) -> None:
    """Raise ValueError where a table has not ended (`COMMIT`): rules of it may be missing."""
    if table:
        raise ValueError(f"the output of iptables-save was cut short in the table {table[:80]!r}")


def _lines(text: str) -> Iterator[str]:
    return (match[0] for match in _LINE_WITH_COMMENT.finditer(text) if match[0])


def _saved(rest: str, line: str) -> SavedRule:
    tokens = tuple((quoted or bare, bool(bare)) for quoted, bare in _TOKEN.findall(rest))
    end = next(
        (place for place, token in enumerate(tokens) if _ends(tokens, place, token)), len(tokens)
    )
    starts = [
        place
        for place in range(end)
        if tokens[place] == ("-m", True) and not _is_value(tokens, place)
    ]
    matches = tuple(
        (tokens[start + 1][0] if start + 1 < end else "", tokens[start:stop])
        for start, stop in pairwise([*starts, end])
    )
    target = tokens[end + 1][0] if end + 1 < len(tokens) else None
    jump = Action.GOTO if tokens[end : end + 1] == (("-g", True),) else Action.JUMP
    return SavedRule(line, tokens, matches, target, jump, tokens[end + 2 :])


def _ends(tokens: tuple[Token, ...], place: int, token: Token) -> bool:
    return token in {("-j", True), ("-g", True)} and not _is_value(tokens, place)


def _is_value(tokens: tuple[Token, ...], place: int) -> bool:
    """Return whether a word that looks like an option is the value of the one before.

    A comment `-j` is printed without quotes.
    """
    before = tokens[place - 1] if place else ("", False)
    return (
        before[1]
        and before[0] in OPTIONS
        and before[0] not in FLAGS
        and not _is_value(tokens, place - 1)
    )


def _base(chain: tuple[str, str, str], policy: str, family: int) -> BaseChain:
    _, table, name = chain
    hook = HOOKS[name]
    if table not in PRIORITIES:
        raise ValueError(f"iptables table {table!r}")
    verdict = {"ACCEPT": ALLOW, "DROP": DENY}.get(policy)
    if verdict is None:
        raise ValueError(f"policy {policy!r} of chain {name}")
    return BaseChain(
        hook,
        PRIORITIES[table],
        chain,
        (family,),
        verdict,
        table == "filter",
        text=f"the nat table's {name}" if table == "nat" else "",
        nat=table == "nat",
    )


def as_rules(
    saved: SavedRule, family: int, key: Key, chains: Container[Key], sets: Sets = NO_SETS
) -> Iterator[FilterRule]:
    """Yield a rule of the chain `key`. `chains`: those that it can jump to.

    First with the elements that stay in sets; then, as passing, with those that expire as well.
    """
    rules_now = list(_as_rules(saved, family, key, chains, sets))
    later = (
        list(_as_rules(saved, family, key, chains, ipsets.permanent_only(sets)))
        if any(name == "set" for name, _ in saved.matches)
        else rules_now
    )
    yield from later
    yield from passing(rules_now) if rules_now != later else ()


def passing(rules: Iterable[FilterRule]) -> Iterator[FilterRule]:
    """Yield the rules as rules that match through elements of sets that expire."""
    doubt = "marks set by an element of a set that expires"
    return (
        rule._replace(passing=True, opaque=rule.opaque or (doubt if rule.changes else None))
        for rule in rules
    )


def _as_rules(
    saved: SavedRule, family: int, key: Key, chains: Container[Key], sets: Sets
) -> Iterator[FilterRule]:
    match = Match({family})
    OptionReader(match, family, saved.tokens, sets).read()
    own = (*key[:2], saved.target or "")
    effect = Effect(saved.jump, own) if own in chains else target(saved.target, saved.rest)
    match.changes += changes(saved.target, saved.rest) if own not in chains else []
    if sum(token in {("-j", True), ("-g", True)} for token in saved.tokens) > 1:
        # An argument looks like a target (--string -j). Which is which depends on all options of
        # all matches.
        effect = Effect(Action.UNKNOWN)
    text = as_text(saved, family)
    if own not in chains:
        yield from beside(match, saved.target, saved.rest, text)
    yield from match.rules(effect, text)


def as_text(saved: SavedRule, family: int) -> str:
    """Return a rule as text for people."""
    return f"{'iptables' if family == 4 else 'ip6tables'} {_COMMENT.sub('', saved.line)[:200]}"


def target(name: str | None, options: tuple[Token, ...]) -> Effect:
    """Return the effect of a target that is not a chain."""
    if name is None or name in HARMLESS:
        return Effect(Action.NEXT)
    if name == "NOTRACK" or (name == "CT" and ("--notrack", True) in options):
        return Effect(Action.NOTRACK)
    if name == "CT":
        return Effect(Action.NEXT)
    return TARGETS.get(name, Effect(Action.UNKNOWN))


def beside(
    match: Match, name: str | None, options: tuple[Token, ...], text: str
) -> Iterator[FilterRule]:
    """Yield what a target does to packets beside its effect: zones of connection tracking, hops."""
    if name == "CT" and any(bare and word.startswith("--zone") for word, bare in options):
        yield from match.zone(text)
    if _leaves_few_hops(name, options):
        yield from match.hops(text)


def _leaves_few_hops(name: str | None, options: tuple[Token, ...]) -> bool:
    """Return whether a target may leave a packet few hops (iptables-extensions(8), TTL and HL)."""
    match [word for word, _ in options] if name in {"TTL", "HL"} else None:
        case None | ["--ttl-inc" | "--hl-inc", _]:
            return False
        case ["--ttl-set" | "--hl-set", value] if value.isdecimal():
            return int(value) < MANY_HOPS
    return True


def changes(name: str | None, options: tuple[Token, ...]) -> list[marks.Change]:
    """Return the marks that a target sets (iptables-extensions(8), MARK and CONNMARK)."""
    if name not in {"MARK", "CONNMARK"}:
        return []
    which = marks.PACKET if name == "MARK" else marks.CONNECTION
    words = [word for word, _ in options]
    try:
        match words:
            case ["--set-xmark" | "--set-mark" as option, value]:
                number, _, mask = value.partition("/")
                bits = int(mask or str(marks.ALL), 0)
                # --set-mark also clears the bits of its value
                kept = marks.ALL & ~(bits | (int(number, 0) if option == "--set-mark" else 0))
                return [marks.Change(which, kept, 0, int(number, 0), which == marks.CONNECTION)]
            case ["--restore-mark" | "--save-mark" as option, *more] if name == "CONNMARK":
                masks = dict(zip(more[::2], more[1::2], strict=True))
                if set(masks) <= {"--nfmask", "--ctmask", "--mask"}:
                    nfmask, ctmask = (
                        int(masks.get(one, masks.get("--mask", str(marks.ALL))), 0)
                        for one in ("--nfmask", "--ctmask")
                    )
                    if option == "--restore-mark":
                        return [marks.Change(marks.PACKET, marks.ALL & ~nfmask, ctmask, 0, True)]
                    return [marks.Change(marks.CONNECTION, marks.ALL & ~ctmask, nfmask, 0, True)]
    except ValueError:
        pass
    return [marks.Change(one, None) for one in Mark]
