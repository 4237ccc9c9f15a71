"""The commands of ufw.

ufw acts on its files and, if it takes itself for running, on the kernel. It takes itself for
running if the chain ufw-user-input exists. Where nothing leads to that chain, `enable`, `reload`
and `default` end with 0, and change nothing or lock everybody out. Only `ufw-init flush-all` gets
out of that state. It removes the rules of others as well, so it is not printed where there are any.
(Seen with ufw 0.36.2.)
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from power_edge.model import Command, Remedy
from power_edge.model.generated.resources.firewall_schema import Rule
from power_edge.resources.firewall import defaults, queries, traffic
from power_edge.resources.firewall.judge import Declared
from power_edge.resources.firewall.packets.dimension import Dimension
from power_edge.resources.firewall.packets.program import (
    ALLOW,
    DENY,
    LIMIT,
    OPENINGS,
    REJECT,
    FilterRule,
    Key,
    Program,
)
from power_edge.resources.firewall.packets.sets import (
    Box,
    Numbers,
    interface,
    meet,
    subtract_all,
    within,
)
from power_edge.resources.firewall.readers.ufw_files import ANY, EVERY, Settings, Tuple
from power_edge.resources.firewall.remedy import access, culprits
from power_edge.resources.firewall.remedy.culprits import Culprit
from power_edge.resources.firewall.remedy.ufw_plan import Files, port_word
from power_edge.resources.firewall.ruleset import Ruleset
from power_edge.resources.firewall.state import Loaded, any_part, reached, ufw_loaded
from power_edge.resources.firewall.undeclared import openings
from power_edge.text import printable

ENABLE: Command = ("ufw", "--force", "enable")
RELOAD: Command = ("ufw", "reload")
OWN_CHAINS = ("ufw-", "ufw6-")
"""The prefix of ufw's chains."""
DEFAULT_CHAINS = ("skip-to-policy", "reject", "track", "after-logging")
"""The chains that make up ufw's default, without `ufw-` and the direction."""
LOOPBACK: Numbers = (interface("lo"),)


def remedy(declared: Declared, observed: Ruleset, fields: set[str]) -> Remedy:
    """Return what ufw's commands can do about a drift. `fields`: those that drift."""
    assert observed.ufw is not None
    settings, rules = observed.ufw.settings, observed.ufw.rules
    if not settings.plain:
        return Remedy(
            advice="ufw and a boot read ENABLED in /etc/ufw/ufw.conf differently: write "
            "ENABLED=yes or ENABLED=no"
        )
    if declared.field == "enabled" and not declared.value:
        return _disable(observed)
    if rules is None or observed.ufw.by_hand is None:
        return Remedy(advice="ufw's rules in /etc/ufw/user.rules could not be read")
    if observed.ufw.by_hand:
        line = printable(observed.ufw.by_hand[:100])
        return Remedy(
            advice=f"/etc/ufw/user.rules or user6.rules was edited by hand ('{line}'), and every "
            "command of ufw overwrites these files: make the rules with ufw's commands"
        )
    files = Files(rules, settings)
    others = culprits.foreign(observed, _is_own)
    if others:
        return Remedy(
            advice=f"{culprits.named(others)} lets everything in before ufw's rules: remove it "
            "where it is set"
        )
    if not in_force(observed):
        return _start(declared, files, observed)
    match declared.field:
        case "enabled":
            return _enable(declared, observed, files)
        case "default_incoming" | "default_outgoing":
            return _default(declared, observed, files)
        case "exclusive":
            return _exclusive(declared, observed, files)
    return _rule(declared, observed, files, fields)


def in_force(observed: Ruleset) -> bool:
    """Return whether ufw's commands reach the kernel: its rules are loaded in full."""
    loaded = {family: ufw_loaded(observed, family) for family in traffic.FAMILIES}
    needed = [4] if observed.ufw_without_ipv6 else [4, 6]
    return observed.ufw_enabled and all(loaded[family] is Loaded.FULL for family in needed)


def _disable(observed: Ruleset) -> Remedy:
    if any_part(without(observed)).holds is not False:
        return Remedy(advice="other rules than those of ufw filter, too: remove them first")
    return Remedy((("ufw", "disable"),))


def _start(declared: Declared, files: Files, observed: Ruleset) -> Remedy:
    """Return how to put ufw in force: the declared openings come first."""
    firewall, settings = declared.firewall, files.settings
    if not firewall.enabled:
        return Remedy(
            advice="ufw is not in force: declare enabled: true to see what puts it in force"
        )
    before, after = _repair(observed, settings)
    files.open(firewall)
    if declared.field == "rule" and declared.value.action not in OPENINGS:
        if declared.value.port is None:
            return Remedy(advice=_icmp(declared.value))
        _place(declared.value, files)
    elif declared.field in {"default_incoming", "default_outgoing"}:
        direction = declared.field.removeprefix("default_")
        files.commands.append(("ufw", "default", declared.value, direction))
    elif declared.field == "exclusive":
        return Remedy(advice="ufw is not in force: enable it first, then check again")
    if settings.enabled and files.commands:
        before = [("ufw", "disable"), *before]  # with ENABLED=yes ufw would change the kernel
        after = [ENABLE]
    commands = [*before, *files.commands, *after]
    return _closing(declared, observed, files, commands, loading=True)


def _repair(observed: Ruleset, settings: Settings) -> tuple[list[Command], list[Command]]:
    """Return the commands before and after the changes to ufw's files that load all of them.

    ValueError if they would remove the rules of others.
    """
    loaded = {ufw_loaded(observed, family) for family in traffic.FAMILIES}
    chains = {key[2] for key in observed.program.chains}
    marks = {4: "ufw", 6: "ufw6"}
    running = [family for family, mark in marks.items() if f"{mark}-user-input" in chains]
    is_partial = any(
        reached(observed, each, f"{marks[each]}-before-input") is None for each in running
    )
    others = next(_others(observed), None)
    if settings.builtins and others:
        raise ValueError(
            f"a start of ufw removes the rules of others, such as {others}, because "
            "/etc/default/ufw has MANAGE_BUILTINS=yes: set it to no, or start ufw by hand"
        )
    if is_partial:
        if others or settings.init is None:
            raise ValueError(
                "ufw is loaded in part. `ufw-init flush-all` repairs that, and removes the rules "
                f"of others, such as {others or 'docker'}: run it and `ufw --force enable`, then "
                "load the others again"
            )
        return [(settings.init, "flush-all")], [ENABLE]
    if running or {Loaded.PART, Loaded.FULL} & loaded:
        # It takes itself for running, and `enable` would load nothing.
        return [], [RELOAD] if settings.enabled else [ENABLE, RELOAD]
    return [], [ENABLE]


def _enable(declared: Declared, observed: Ruleset, files: Files) -> Remedy:
    """Return how to enable ufw where its rules are loaded in full and it is not enabled."""
    return _closing(declared, observed, files, [RELOAD], loading=True)


def _default(declared: Declared, observed: Ruleset, files: Files) -> Remedy:
    families = queries.judged_families(observed, declared.value)
    if files.settings.ipv6 is False and 6 in families and declared.value != "deny":
        return Remedy(advice=NO_IPV6)
    direction = declared.field.removeprefix("default_")
    others = {each for each in culprits.of_default(declared, observed) if not of_default(each)}
    if others:
        return Remedy(advice=f"{culprits.named(others)} decides on most connections: change it")
    rest, outward = without(observed), direction == "outgoing"
    if declared.value != "deny" and not all(
        defaults.default(rest, family, ALLOW, outward=outward) for family in families
    ):
        return Remedy(
            advice="other rules than those of ufw decide on most connections: change them"
        )
    command: Command = ("ufw", "default", declared.value, direction)
    if declared.value == ALLOW:
        return Remedy((command,))
    if direction == "incoming":
        files.open(declared.firewall)
    return _closing(declared, observed, files, [*files.commands, command])


def _is_own(chain: Key | None) -> bool:
    """Return whether a chain is ufw's."""
    return chain is not None and chain[2].startswith(OWN_CHAINS)


def of_default(found: Culprit) -> bool:
    """Return whether a rule is part of ufw's default, or a policy."""
    return found.is_policy or _in_chains(found, DEFAULT_CHAINS)


def _in_chains(found: Culprit, parts: Iterable[str]) -> bool:
    """Return whether a rule is in one of some chains of ufw, named without `ufw-` and the
    direction.
    """
    starts = tuple(f"{own}{part}-" for own in OWN_CHAINS for part in parts)
    return found.chain is not None and found.chain[2].startswith(starts)


def _rule(declared: Declared, observed: Ruleset, files: Files, fields: set[str]) -> Remedy:
    rule: Rule = declared.value
    if rule.port is None:
        return Remedy(advice=_icmp(rule))
    action = ALLOW if rule.action in OPENINGS else rule.action
    families = traffic.named_families(rule) or set(queries.judged_families(observed, action))
    if files.settings.ipv6 is False and 6 in families:
        return Remedy(advice=NO_IPV6)
    if "action" not in fields:
        return _narrow(declared, observed, files)
    foreign = {each for each in culprits.of_rule(rule, observed) if not _of_user(each)}
    if foreign:
        file = " in /etc/ufw" if any(_is_own(each.chain) for each in foreign) else ""
        return Remedy(
            advice=f"{culprits.named(foreign)}{file} decides before ufw's own rules: change it"
        )
    if files.holds(rule) and not files.shadowed(rule):
        return _closing(declared, observed, files, [RELOAD], loading=True)
    doubt = culprits.doubt(rule, observed)
    if doubt is not None:
        return Remedy(advice=f"the result of a command is unknown: {doubt}")
    if not access.lets_through(without(observed), rule, {ALLOW, rule.action}):
        return Remedy(advice=access.OTHERS.format("ufw"))
    stale = _not_loaded(rule, observed, files)
    _place(rule, files)
    if stale:  # ufw ignores a rule that is on file already
        return _closing(declared, observed, files, [*files.commands, RELOAD], loading=True)
    if rule.action == ALLOW or (
        rule.action == LIMIT and access.lets_through(observed, rule, {DENY, REJECT})
    ):
        return Remedy(tuple(files.commands))
    return _closing(declared, observed, files, files.commands)


def _not_loaded(rule: Rule, observed: Ruleset, files: Files) -> bool:
    """Return whether the rule is on file in a family in which it is not in force."""
    if files.shadowed(rule):
        return False
    for each in files.tuples(rule, rule.action):
        place = files.listed(each)
        if place is not None and files.rules[place].action == each.action:
            box = traffic.packets(rule, each.family)
            for demand in queries.demands(observed, rule, each.family):
                traces = queries.trace(
                    demand.ruleset, each.family, [box] if box is not None else []
                )
                if any(
                    region.verdict not in demand.verdicts
                    for regions in traces
                    for region in regions
                ):
                    return True
    return False


def _place(rule: Rule, files: Files) -> None:
    """Put a rule on file so that it counts. ufw ignores `prepend` of a rule that it has."""
    shadowed = files.shadowed(rule)
    if shadowed:
        for each in files.tuples(rule, rule.action):
            place = files.listed(each)
            if place is not None:
                files.remove(files.rules[place])
    if shadowed or not files.holds(rule):
        files.add(rule, first=shadowed)


def _of_user(found: Culprit) -> bool:
    """Return whether a rule is a user's, or comes behind those."""
    return of_default(found) or _in_chains(found, ("user",))


def _narrow(declared: Declared, observed: Ruleset, files: Files) -> Remedy:
    """Return how to remove the rules that open more than a declared opening says."""
    rule: Rule = declared.value
    boxes = [
        box for family in traffic.FAMILIES if (box := _from_anywhere(rule, family)) is not None
    ]
    too_wide = [
        each for each in files.rules if each.action in OPENINGS and _wider(each, rule, declared)
    ]
    found = [each for each in too_wide if any(meet(each.box(), box) is not None for box in boxes)]
    if not found or any(each.port != port_word(rule) or each.app != "-" for each in found):
        return Remedy(
            advice=f"remove the rules of ufw that open port {rule.port} wider (ufw status "
            "numbered), and open again what else they opened"
        )
    files.open(declared.firewall)
    for each in found:
        if each in files.rules and each.proto == ANY:
            # `22` is one rule for both protocols; only one of them is declared.
            rest = "udp" if rule.proto == "tcp" else "tcp"
            other = replace(
                rule,
                proto=rest,  # type: ignore[arg-type]
                action=each.action,  # type: ignore[arg-type]
                interface=each.interface or None,
                **_ends(each),
            )
            if not files.holds(other):
                files.add(other)
        if each in files.rules:
            files.remove(each)
    return _closing(declared, observed, files, files.commands)


def _ends(each: Tuple) -> dict[str, Any]:
    ends = {"from_": each.source, "to": each.target}
    return {name: ANY if end in EVERY else end for name, end in ends.items()}


def _from_anywhere(rule: Rule, family: int) -> Box | None:
    return traffic.packets(replace(rule, from_=ANY, to=ANY, interface=None), family)


def _wider(each: Tuple, rule: Rule, declared: Declared) -> bool:
    """Return whether a rule of ufw opens more of a declared rule's port than is declared."""
    allowed = [
        box
        for other in declared.firewall.rules or ()
        if other.action in OPENINGS and (box := traffic.packets(other, each.family)) is not None
    ]
    full = _from_anywhere(rule, each.family)
    box = meet(full, each.box()) if full is not None else None
    return box is not None and bool(subtract_all([box], allowed))


def _exclusive(declared: Declared, observed: Ruleset, files: Files) -> Remedy:
    """Return how to remove the openings that are not declared, if they are ufw's."""
    extra = [each for each in openings(declared.firewall, observed) if each.sure]
    boxes = {
        family: [each.box for each in extra if each.family == family] for family in traffic.FAMILIES
    }
    files.open(declared.firewall)
    declared_boxes = {
        family: [
            box
            for rule in declared.firewall.rules or ()
            if rule.action in OPENINGS and (box := traffic.packets(rule, family)) is not None
        ]
        for family in traffic.FAMILIES
    }
    to_remove = [
        each
        for each in files.rules
        if each.action in OPENINGS
        and any(meet(each.box(), box) is not None for box in boxes[each.family])
        and not any(within(meet(traffic.incoming(each.family), each.box()) or {}, box)
                    for box in declared_boxes[each.family])
    ]  # fmt: skip
    for family, some in boxes.items():
        not_covered = subtract_all(
            some, [each.box() for each in to_remove if each.family == family]
        )
        if not_covered:
            return Remedy(
                advice="not all openings come from rules of ufw: see /etc/ufw/before.rules and "
                "iptables-save"
            )
    for each in to_remove:
        if each in files.rules:
            files.remove(each)
    return _closing(declared, observed, files, files.commands)


def _closing(
    declared: Declared,
    observed: Ruleset,
    files: Files,
    commands: Sequence[Command],
    *,
    loading: bool = False,
) -> Remedy:
    """Return commands that could lock the operator out, or a sentence why they are not given.

    `loading`: they load all rules of ufw again, so that the rules in force now do not count.
    """
    if loading and files.settings.edited:
        named = " and ".join(files.settings.edited)
        return Remedy(
            advice=f"{named} was changed after the installation: "
            "read what it does, then load ufw's rules"
        )
    rest = without(observed) if loading else observed
    why = access.closed(declared.firewall, observed, list(files.ordered_rules()), rest)
    if why is not None:
        return Remedy(advice=why)
    return Remedy(tuple(dict.fromkeys(commands)), cuts=True)


@lru_cache(maxsize=4)
def without(observed: Ruleset) -> Ruleset:
    """Return the node with ufw off: no jumps to its chains, no policies of its, ENABLED=no."""
    program = observed.program
    ufw_chains = {key for key in program.chains if _is_own(key)}
    chains = {
        key: {
            family: tuple(rule for rule in rules if rule.effect.target not in ufw_chains)
            for family, rules in by_family.items()
        }
        for key, by_family in program.chains.items()
    }
    tables = {key[:2] for key in ufw_chains}
    if observed.ufw_without_ipv6 and ufw_chains:
        tables |= {("ip6", table) for _, table in tables}
    bases = tuple(
        base._replace(policy=ALLOW) if base.chain is not None and base.chain[:2] in tables else base
        for base in program.bases
    )
    off = observed.ufw and observed.ufw._replace(
        settings=observed.ufw.settings._replace(enabled=False)
    )
    return replace(observed, program=Program(chains=chains, bases=bases), ufw=off)


def _others(observed: Ruleset) -> Iterator[str]:
    """Yield rules in iptables' tables that are not ufw's. `ufw-init flush-all` removes them."""
    rest = without(observed).program
    # With IPV6=no ufw itself allows lo in ip6tables.
    no_ipv6 = observed.ufw is not None and not observed.ufw.settings.ipv6
    for (family, table, chain), by_family in rest.chains.items():
        if family.split()[-1] not in {"ip", "ip6"} or table not in {"filter", "nat", "mangle"}:
            continue
        if chain.startswith(OWN_CHAINS):
            continue
        for rules in by_family.values():
            yield from (f"'{rule.text}'" for rule in rules if not (no_ipv6 and _about_lo(rule)))


def _about_lo(rule: FilterRule) -> bool:
    """Return whether a rule matches packets of the loopback interface alone."""
    return all(LOOPBACK in (box.get(Dimension.IIF), box.get(Dimension.OIF)) for box in rule.boxes)


def _icmp(rule: Rule) -> str:
    return (
        "ufw has no command for icmp: edit /etc/ufw/before.rules and before6.rules to "
        f"{rule.action} it"
    )


NO_IPV6 = (
    "IPV6=no in /etc/default/ufw: ufw drops all IPv6 and loads no rules for it. Set IPV6=yes and "
    "run ufw reload, or declare IPv4 alone (from: 0.0.0.0/0)"
)
