"""Whether a firewall is in force, and whose: the item `enabled`.

Packets decide, and whether the provider's rules are loaded in full. A provider that was stopped,
flushed by hand or loaded in part leaves chains behind, which prove neither.
docs/verdicts/firewall.md has the table.
"""

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import NamedTuple

from power_edge.resources.firewall import defaults, queries, traffic
from power_edge.resources.firewall.packets.dimension import DADDR
from power_edge.resources.firewall.packets.program import ALLOW, VERDICTS, FilterRule, Key
from power_edge.resources.firewall.ruleset import Ruleset


class Status(NamedTuple):
    """Whether a firewall is in force (None: cannot be decided), and why."""

    holds: bool | None
    why: str | None = None


class Loaded(Enum):
    """How much of ufw's rules for incoming connections of one family the kernel runs.

    EMPTIED: `ufw disable` empties the chains and leaves the jumps of INPUT to them, so that ufw
    comes back at the same place. PART: no command of ufw leads there. UNSURE: the chain of the
    user's rules is empty, and whether there are any on file is unknown.
    """

    FULL = "in full"
    PART = "in part"
    UNSURE = "in full or in part"
    EMPTIED = "emptied"
    NONE = "not at all"


IN_KERNEL = {Loaded.FULL, Loaded.PART, Loaded.UNSURE}
"""Incoming packets go through rules of ufw."""


def in_force(observed: Ruleset) -> Status:
    """Return whether a firewall is in force, as `enabled: true` declares."""
    status = _in_force(observed)
    if status.holds and observed.ufw_undecided:
        return Status(None, observed.ufw_undecided)
    return status


def _in_force(observed: Ruleset) -> Status:
    families = queries.judged_families(observed, "deny")
    filtered = {family: defaults.filters(observed, family) for family in families}
    loaded = {family: ufw_loaded(observed, family) for family in families}
    if IN_KERNEL & {*loaded.values()}:
        return _ufw(observed, filtered, loaded)
    if observed.has_firewalld_rules or observed.firewalld_runs:
        return _firewalld(observed, filtered)
    if all(filtered.values()):
        if observed.ufw_enabled:
            return Status(
                None, "ufw is enabled in its configuration but not loaded, and other rules filter"
            )
        return Status(True)
    if None in filtered.values():
        doubts = (
            defaults.why_unsure(observed, family)
            for family, each in filtered.items()
            if each is None
        )
        return Status(
            None, next(filter(None, doubts), "only connections from some sources are filtered")
        )
    if any(filtered.values()):
        return Status(False, f"nothing filters {_named(filtered, False)}")
    if not observed.ufw_enabled:
        return Status(False, "nothing filters incoming connections")
    stopped = Loaded.EMPTIED in loaded.values()
    state = "is stopped: its chains are empty" if stopped else "was not started, or was flushed"
    return Status(False, f"ufw is enabled in its configuration, and {state}")


def any_part(observed: Ruleset) -> Status:
    """Return whether any part of a firewall is in force, or comes with the next boot.

    This is for `enabled: false`: half a firewall is neither enabled nor disabled.
    """
    active = in_force(observed)
    if active.holds:
        return active
    filtered = {family: defaults.filters(observed, family) for family in traffic.FAMILIES}
    if any(filtered.values()):
        return Status(True, f"connections over {_named(filtered, True)} are filtered")
    if observed.firewalld_runs or observed.has_firewalld_rules:
        return Status(True, active.why)
    if observed.ufw_enabled and not observed.ufw_undecided:
        idle = "ufw is enabled in /etc/ufw/ufw.conf"
        if {Loaded.FULL, Loaded.UNSURE} & {
            ufw_loaded(observed, family) for family in traffic.FAMILIES
        }:
            return Status(True, f"{idle}, and its rules are loaded")
        return Status(True, f"nothing filters now, but {idle} and starts at the next boot")
    outgoing = {family: _filters_outgoing(observed, family) for family in traffic.FAMILIES}
    if any(outgoing.values()):
        return Status(True, f"outgoing connections over {_named(outgoing, True)} are filtered")
    if None in (*filtered.values(), *outgoing.values()):
        doubts = (
            defaults.why_unsure(observed, family)
            for family, each in filtered.items()
            if each is None
        )
        return Status(
            None,
            next(filter(None, doubts), "only connections from or to some addresses are filtered"),
        )
    if observed.ufw_undecided:
        return Status(None, observed.ufw_undecided)
    return Status(False, active.why)


def _ufw(
    observed: Ruleset, filtered: Mapping[int, bool | None], loaded: Mapping[int, Loaded]
) -> Status:
    if observed.ufw is not None and not (observed.ufw_enabled or observed.ufw_undecided):
        return Status(
            False,
            "ufw's rules are loaded, but /etc/ufw/ufw.conf says ENABLED=no: no boot loads them",
        )
    if Loaded.PART in loaded.values():
        return Status(
            False, f"ufw is loaded in part: rules for {_named(loaded, Loaded.PART)} are missing"
        )
    others = [family for family, how in loaded.items() if how not in IN_KERNEL]
    idle = [family for family in others if filtered[family] is False]
    if idle:
        return Status(False, f"ufw is active, but nothing filters {_families(idle)}")
    # With IPV6=no, ufw sets the policies of IPv6 to DROP and loads no rules for it.
    if others and observed.ufw is not None and (others != [6] or observed.ufw.settings.ipv6):
        return Status(False, f"{_families(others)} does not go through ufw's rules")
    through_ufw = [family for family in loaded if family not in others]
    if any(filtered[family] is False for family in through_ufw):
        return Status(None, "ufw is active, and stops nothing")
    if any(filtered[family] is None for family in through_ufw):
        return Status(None, "ufw is active, and stops only connections from some sources")
    default = observed.ufw.settings.incoming if observed.ufw is not None else None
    if default not in {None, ALLOW} and not all(
        defaults.default(observed, family, default) for family in through_ufw
    ):
        return Status(None, f"ufw is loaded, but its default, {default}, is not in force")
    if Loaded.UNSURE in loaded.values():
        return Status(
            None,
            f"ufw is active, and has no rule of the user for {_named(loaded, Loaded.UNSURE)}: "
            "whether there are any in /etc/ufw/user.rules or user6.rules could not be read",
        )
    return Status(True, "ufw is active")


def _firewalld(observed: Ruleset, filtered: Mapping[int, bool | None]) -> Status:
    if not observed.has_firewalld_rules:
        return Status(False, "firewalld is running, but the kernel has none of its rules")
    if not observed.firewalld_runs:
        doubt = observed.firewalld.doubt if observed.firewalld is not None else None
        state = f"firewalld {doubt or 'is not running'}"
        state_and_rules = f"{state}, and its rules are still in the kernel"
        return Status(None, state_and_rules if any(filtered.values()) else state)
    part = [family for family in filtered if firewalld_in_part(observed, family)]
    if part:
        return Status(
            False, f"firewalld is loaded in part: rules for {_families(part)} are missing"
        )
    if False in filtered.values():
        idle = _named(filtered, False)
        return Status(None, f"firewalld is running, but nothing filters {idle}")
    if None in filtered.values():
        return Status(None, "firewalld is running, and stops only connections from some sources")
    return Status(True, "firewalld is running")


def ufw_loaded(observed: Ruleset, family: int) -> Loaded:
    """Return how much of ufw's rules incoming connections of a family meet."""
    prefix = "ufw-" if family == 4 else "ufw6-"
    user = [key for key in observed.program.chains if key[2] == f"{prefix}user-input"]
    first_chain = reached(observed, family, f"{prefix}before-input")
    if first_chain is None:
        return Loaded.PART if user and observed.ufw_enabled else Loaded.NONE
    rules = _rules(observed, first_chain, family)
    calls_user_chains = any(rule.effect.target in user for rule in rules if _always(rule))
    if user and not calls_user_chains:
        return Loaded.PART
    if not rules:
        return Loaded.EMPTIED
    if any(_rules(observed, key, family) for key in user):
        return Loaded.FULL
    return {True: Loaded.PART, None: Loaded.UNSURE, False: Loaded.FULL}[_on_file(observed, family)]


def _on_file(observed: Ruleset, family: int) -> bool | None:
    """Return whether ufw's files hold rules that a start of ufw loads into the user's chain.

    None if that is unknown: the rules could not be read, or somebody added lines by hand.
    """
    if observed.ufw is None or (observed.ufw_without_ipv6 and family == 6):
        return False  # with IPV6=no they are kept in user6.rules, and not loaded
    if observed.ufw.rules is not None and any(each.family == family for each in observed.ufw.rules):
        return True
    return False if observed.ufw.rules is not None and observed.ufw.by_hand == "" else None


def ufw_in(observed: Ruleset, family: int) -> bool:
    """Return whether incoming packets of a family go through rules of ufw."""
    return ufw_loaded(observed, family) in IN_KERNEL


def firewalld_in_part(observed: Ruleset, family: int) -> bool:
    """Return whether some of firewalld's rules for incoming connections are missing.

    firewalld 1 and 2: filter_INPUT, or INPUT of its iptables backend, jumps to the chain of the
    zones, which goes to one chain for each zone. None of these is ever empty.
    """
    zones = [
        key for key in observed.program.chains if key[2] in {"filter_INPUT_ZONES", "INPUT_ZONES"}
    ]
    if not zones:
        return False
    reachable = [key for key in zones if reached(observed, family, key[2]) is not None]
    reachable = [key for key in reachable if family in observed.program.chains[key]] or reachable
    steps = [rule for key in reachable for rule in _rules(observed, key, family)]
    targets = [rule.effect.target for rule in steps if rule.effect.target is not None]
    return not steps or not all(_rules(observed, key, family) for key in targets)


def reached(observed: Ruleset, family: int, name: str) -> Key | None:
    """Return the chain of that name that every packet to input reaches; None without one.

    A jump behind a rule that decides on everything is never reached.
    """
    for base in observed.program.path(("input",), family):
        for rule in _rules(observed, base.chain, family) if base.chain is not None else ():
            if rule.effect.target is not None and rule.effect.target[2] == name and _always(rule):
                return rule.effect.target
            if rule.effect.action in VERDICTS and _always(rule):
                break
    return None


def _rules(observed: Ruleset, chain: Key, family: int) -> tuple[FilterRule, ...]:
    return observed.program.chains.get(chain, {}).get(family, ())


def _always(rule: FilterRule) -> bool:
    return {} in rule.boxes and not rule.opaque and not rule.varies


def _filters_outgoing(observed: Ruleset, family: int) -> bool | None:
    """Return what `defaults.filters` returns, for connections that the node opens."""
    stopped = [
        region
        for regions in queries.trace_all(observed, family, outward=True)
        for region in regions
        if region.verdict != ALLOW
    ]
    if any(region.sure and defaults.broad(region.box[DADDR[family]], family) for region in stopped):
        return True
    return None if stopped else False


def _named(by_family: Mapping[int, object], value: object) -> str:
    return _families(family for family, each in by_family.items() if each is value)


def _families(families: Iterable[int]) -> str:
    return " and ".join(f"IPv{family}" for family in families)
