"""The commands of firewalld.

An opening is made at runtime and on file, so that it holds now and after a reload. A target is kept
on file alone. It needs a reload, which undoes what was set at runtime only: where there is such a
setting, no command is printed. (Seen with firewalld 1.3.3.)
"""

import re
from dataclasses import replace
from functools import lru_cache

from power_edge.model import Command, Remedy
from power_edge.model.generated.resources.firewall_schema import Rule
from power_edge.resources.firewall import defaults, traffic
from power_edge.resources.firewall.judge import Declared
from power_edge.resources.firewall.packets.dimension import Dimension
from power_edge.resources.firewall.packets.program import ALLOW, LIMIT, FilterRule, Key, Program
from power_edge.resources.firewall.packets.sets import interface, meet
from power_edge.resources.firewall.remedy import access, culprits
from power_edge.resources.firewall.remedy.culprits import Culprit
from power_edge.resources.firewall.ruleset import Ruleset
from power_edge.resources.firewall.ssh_access import USUAL_PORT, OrderedRule
from power_edge.resources.firewall.state import any_part, in_force

TARGETS = {"allow": "ACCEPT", "deny": "DROP", "reject": "default"}
RICH = {"allow": "accept", "deny": "drop", "reject": "reject"}
RELOAD: Command = ("firewall-cmd", "--reload")
# It answers when the rules are loaded, a moment after systemctl returns.
AWAIT: Command = ("firewall-cmd", "--state")
START: tuple[Command, ...] = (("systemctl", "enable", "--now", "firewalld"), AWAIT)
RESTART: tuple[Command, ...] = (("systemctl", "restart", "firewalld"), AWAIT)
"""Without its table firewalld cannot reload: it fails to delete the table first."""


def was_used(observed: Ruleset) -> bool | None:
    """Return whether somebody configured firewalld: a boot starts it, or its files hold more than
    was installed. None where they could not be read.
    """
    if observed.firewalld is None or observed.firewalld.boots:
        return observed.firewalld is not None
    stored = observed.firewalld.stored
    return None if stored is None else bool({"more", "own"} & set(stored))


def _pending(observed: Ruleset) -> tuple[str, ...] | None:
    """Return the settings that a reload would undo; None where they are unknown."""
    return observed.firewalld.pending if observed.firewalld is not None else None


def remedy(declared: Declared, observed: Ruleset, fields: set[str]) -> Remedy:
    """Return what firewalld's commands can do about a drift. `fields`: those that drift."""
    if declared.field == "enabled" and not declared.value:
        return _disable(observed)
    if not observed.firewalld_runs:
        return _start(declared, observed)
    if in_force(observed).holds is False:
        if declared.field != "enabled" and not declared.firewall.enabled:
            return Remedy(
                advice="rules of firewalld are missing in the kernel: declare enabled: true to see "
                "what loads them"
            )
        return _reload(declared, observed)
    match declared.field:
        case "enabled":
            return Remedy(
                advice="firewalld is set to let everything in: see firewall-cmd --list-all-zones"
            )
        case "default_incoming":
            return _target(declared, observed)
        case "default_outgoing":
            return Remedy(
                advice="firewalld filters outgoing connections by policies: change them by hand "
                "(firewall-cmd --info-policy shows each)"
            )
        case "exclusive":
            return Remedy(
                advice="firewall-cmd --list-all shows what is open: close what is not declared, a "
                "service with --remove-service, a port with --remove-port"
            )
    return _rule(declared, observed, fields)


def _disable(observed: Ruleset) -> Remedy:
    if any_part(_without(observed)).holds is not False:
        return Remedy(advice="other rules than those of firewalld filter, too: remove them first")
    stop: Command = ("systemctl", "disable", "--now", "firewalld")
    # A firewalld that was killed leaves its rules.
    has_leftovers = (
        not observed.firewalld_runs
        and ("inet", "firewalld", "filter_INPUT") in observed.program.chains
    )
    return Remedy(
        (stop, ("nft", "delete", "table", "inet", "firewalld")) if has_leftovers else (stop,)
    )


def _start(declared: Declared, observed: Ruleset) -> Remedy:
    """Return how to start firewalld: the declared openings on file come first."""
    if not declared.firewall.enabled:
        return Remedy(advice="firewalld is not running: declare enabled: true, or start it")
    if declared.field not in {"enabled", "rule"}:
        return Remedy(advice="firewalld is not running: start it (see enabled), then check again")
    return _loading(declared, observed, "firewall-offline-cmd", START)


def _loading(declared: Declared, observed: Ruleset, tool: str, load: tuple[Command, ...]) -> Remedy:
    """Return how to have firewalld load what is on file, with the declared openings."""
    stored = observed.firewalld.stored if observed.firewalld is not None else None
    if declared.field == "rule" and declared.value.interface is not None:
        return Remedy(advice=_ZONE)
    if declared.field == "rule" and declared.value.action == LIMIT:
        return Remedy(advice=_LIMIT)
    if stored is None or "more" in stored:
        return Remedy(
            advice="firewalld has zones with interfaces or sources, rich or direct rules, or "
            "policies, so it is unknown what it would load: look at firewall-offline-cmd "
            "--list-all-zones, and load it by hand"
        )
    if any(
        defaults.filters(_without(observed), family) is not False for family in traffic.FAMILIES
    ):
        return Remedy(advice="other rules than those of firewalld are in force: remove them first")
    words = [line.split(" ", 1) for line in stored]
    zone = next((rest[0] for name, *rest in words if name == "zone"), "public")
    ports = {rest[0] for name, *rest in words if name == "port"}
    if "service ssh" in stored:
        ports.add(f"{USUAL_PORT}/tcp")
    on_file = [each for text in sorted(ports) for each in _stored(text)]
    commands = list[Command]()
    permanent = ("--permanent",) if tool == "firewall-cmd" else ()
    for rule in declared.firewall.rules or ():
        needed = rule.action == ALLOW or declared.value is rule
        if (
            rule.port is not None
            and rule.interface is None
            and not rule.routed
            and needed
            and f"{rule.port}/{rule.proto}" not in ports
        ):
            commands.append((tool, *permanent, f"--zone={zone}", _opening(rule)))
            on_file += access.ordered_rules([rule])
    why = access.closed(declared.firewall, observed, on_file, _without(observed))
    if why is not None:
        return Remedy(advice=why)
    return Remedy((*commands, *load), cuts=True)


def _stored(text: str) -> list[OrderedRule]:
    port, _, proto = text.partition("/")
    if not re.fullmatch(r"[0-9]{1,5}(-[0-9]{1,5})?", port) or proto not in {"tcp", "udp"}:
        return []
    try:
        return access.ordered_rules([Rule(proto=proto, port=port, action="allow")])  # type: ignore[arg-type]
    except ValueError:  # a range that ends before it begins
        return []


def _reload(declared: Declared, observed: Ruleset) -> Remedy:
    """Return how to reload: firewalld runs, and the kernel lacks some of its rules."""
    if _pending(observed) != ():
        return _keep_pending(observed)
    return _loading(declared, observed, "firewall-cmd", RESTART)


def _target(declared: Declared, observed: Ruleset) -> Remedy:
    zones = _zones(observed)
    if not zones or _has_source_zones(observed):
        return Remedy(advice=_SOURCES)
    if _pending(observed) != ():
        return _keep_pending(observed)
    found = culprits.of_default(declared, observed)
    if any(map(_of_policy, found)):
        return Remedy(advice=_POLICY.format(culprits.named(found)))
    others = {each for each in found if not each.is_policy and not _is_own(each.chain)}
    if others:
        return Remedy(advice=f"{culprits.named(others)} decides on most connections: change it")
    open_now = access.allowed_now(observed, _holds_openings)
    missing = [rule for rule in _allowed(declared) if not access.covered(rule, open_now)]
    openings = [
        (*where, f"--zone={zone}", _opening(rule))
        for rule in missing
        for zone in zones
        for where in (("firewall-cmd",), ("firewall-cmd", "--permanent"))
    ]
    targets: list[Command] = [
        ("firewall-cmd", "--permanent", f"--zone={zone}", f"--set-target={TARGETS[declared.value]}")
        for zone in zones
    ]
    commands = (*openings, *targets, RELOAD)
    if declared.value == ALLOW:
        return Remedy(commands)
    on_file = [*access.ordered_rules(missing), *open_now]
    why = access.closed(declared.firewall, observed, on_file, _without(observed))
    return Remedy(advice=why) if why is not None else Remedy(commands, cuts=True)


def _allowed(declared: Declared) -> list[Rule]:
    rules = declared.firewall.rules or ()
    return [
        rule
        for rule in rules
        if rule.action == ALLOW
        and rule.port is not None
        and rule.interface is None
        and not rule.routed
    ]


def _rule(declared: Declared, observed: Ruleset, fields: set[str]) -> Remedy:
    rule: Rule = declared.value
    if rule.interface is not None:
        return Remedy(advice=_ZONE)
    if rule.action == LIMIT:
        return Remedy(advice=_LIMIT)
    if fields != {"action"} or rule.port is None:
        return Remedy(advice="change it in firewalld: firewall-cmd --list-all shows what is open")
    found = culprits.of_rule(rule, observed)
    early = {each for each in found if _decided_early(each)}
    if early:
        return Remedy(
            advice=f"{culprits.named(early)} decides before the rules of the zones: change it"
        )
    if any(map(_of_policy, found)):
        return Remedy(advice=_POLICY.format(culprits.named(found)))
    doubt = culprits.doubt(rule, observed)
    if doubt is not None:
        return Remedy(advice=f"the result of a command is unknown: {doubt}")
    if not access.lets_through(_without(observed), rule, {ALLOW, rule.action}):
        return Remedy(advice=access.OTHERS.format("firewalld"))
    zones = _zones(observed)
    if not zones or _has_source_zones(observed):
        return Remedy(advice=_SOURCES)
    commands = tuple(
        (*where, f"--zone={zone}", _opening(rule))
        for zone in zones
        for where in (("firewall-cmd",), ("firewall-cmd", "--permanent"))
    )
    if rule.action == ALLOW:
        return Remedy(commands)
    on_file = [*access.ordered_rules([rule]), *access.allowed_now(observed, _holds_openings)]
    why = access.closed(declared.firewall, observed, on_file, _without(observed))
    return Remedy(advice=why) if why is not None else Remedy(commands, cuts=True)


_ZONE = (
    "firewalld opens ports for all interfaces of a zone: firewall-cmd --get-active-zones shows the "
    "zone of each; change the zone, or move the interface to another one"
)
_LIMIT = (
    "firewalld limits by rich rules, and counts all senders of one rule together: remove the port "
    "and its service from the zone, and add 'rule port ... limit value=... accept' by hand"
)
_SOURCES = (
    "the zone of firewalld that decides is chosen by the sender's address, or unknown: "
    "firewall-cmd --get-active-zones shows the zones; change that one"
)
_POLICY = (
    "a policy of firewalld decides ({}), so changing a zone has no effect: change the policy "
    "(firewall-cmd --info-policy shows each)"
)


def _is_own(chain: Key | None) -> bool:
    """Return whether a chain is firewalld's."""
    return chain is not None and chain[1] == "firewalld"


def _holds_openings(chain: Key | None) -> bool:
    """Return whether a chain holds what was opened in a zone or a policy."""
    return chain is not None and _is_own(chain) and chain[2].endswith("_allow")


def _of_policy(found: Culprit) -> bool:
    """Return whether a rule is of a policy of firewalld, which stands before the zones."""
    chain = found.chain
    return chain is not None and _is_own(chain) and chain[2].startswith("filter_IN_policy_")


def _keep_pending(observed: Ruleset) -> Remedy:
    pending = ", ".join(_pending(observed) or ()) or "unknown what"
    return Remedy(
        advice=f"a reload of firewalld would undo what was set at runtime only ({pending}): keep "
        "it with firewall-cmd --runtime-to-permanent, or drop it with --reload, then check again"
    )


def _decided_early(found: Culprit) -> bool:
    """Return whether a rule of others decided, or one before those that a command would add."""
    if found.is_policy:
        return False
    chain = found.chain
    return chain is None or not _is_own(chain) or chain[2].endswith(("_pre", "_deny"))


def _opening(rule: Rule) -> str:
    if rule.action == ALLOW and rule.from_ == rule.to == "any":
        return f"--add-port={rule.port}/{rule.proto}"
    families = traffic.named_families(rule)
    parts = ["rule", *(f'family="ipv{family}"' for family in families)]
    ends = (("source", rule.from_), ("destination", rule.to))
    parts += [f'{word} address="{end}"' for word, end in ends if end != "any"]
    port = f'port port="{rule.port}" protocol="{rule.proto}"'
    return "--add-rich-rule=" + " ".join([*parts, port, RICH[rule.action]])


def _steps(observed: Ruleset) -> list[FilterRule]:
    """Return the rules of filter_INPUT_ZONES, which lead to the zones."""
    chain = observed.program.chains.get(("inet", "firewalld", "filter_INPUT_ZONES"), {})
    return [step for rules in chain.values() for step in rules]


def _has_source_zones(observed: Ruleset) -> bool:
    """Return whether there are zones that are chosen by the sender's address."""
    return any(
        step.opaque or set(box) - {Dimension.IIF} for step in _steps(observed) for box in step.boxes
    )


def _zones(observed: Ruleset) -> list[str]:
    """Return the zones of the interfaces that a default route uses, or else of all."""
    found = []
    for name in observed.network.outside or observed.network.interfaces or ():
        for step in _steps(observed):
            reach = {Dimension.IIF: (interface(name),)}
            if step.effect.target and any(meet(box, reach) is not None for box in step.boxes):
                found.append(step.effect.target[2].removeprefix("filter_IN_"))
                break
    return list(dict.fromkeys(found))


@lru_cache(maxsize=4)
def _without(observed: Ruleset) -> Ruleset:
    """Return the node with firewalld stopped, and without its rules."""
    program = observed.program
    bases = tuple(
        base for base in program.bases if base.chain is None or base.chain[1] != "firewalld"
    )
    chains = {key: rules for key, rules in program.chains.items() if key[1] != "firewalld"}
    stopped = observed.firewalld and observed.firewalld._replace(running=False, doubt=None)
    return replace(observed, program=Program(chains=chains, bases=bases), firewalld=stopped)
