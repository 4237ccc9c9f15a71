"""The commands that would mend a firewall: of ufw and firewalld, each where its own rules are what decides. The rest takes a person."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from power_edge.model import Command, Finding, Remedy
from power_edge.model.declared.resources.firewall_schema import Rule
from power_edge.resources.firewall import asked
from power_edge.resources.firewall.extras import extras
from power_edge.resources.firewall.judging import Declared
from power_edge.resources.firewall.program import ALLOW
from power_edge.resources.firewall.ruleset import Ruleset
from power_edge.resources.firewall.space import Box, interface, meet
from power_edge.resources.firewall.state import in_force, ufw_in

TARGETS = {"allow": "ACCEPT", "deny": "DROP", "reject": "default"}
RICH = {"allow": "accept", "deny": "drop", "reject": "reject"}
EVERY = {"0.0.0.0/0", "::/0", "any"}


class Tuple(NamedTuple):
    """A rule in ufw's files: `### tuple ### ACTION PROTO DPORT DST SPORT SRC [DAPP SAPP] DIRECTION[_INTERFACE] [comment=HEX]`."""

    action: str
    proto: str
    port: str
    target: str
    source: str

    @property
    def family(self) -> int:
        return 6 if ":" in self.source + self.target else 4

    @property
    def plain(self) -> str:
        """What it speaks of, in the words of an extra."""
        what = self.port.replace(":", "-") + f"/{self.proto}" if self.port != "any" else self.proto
        return f"{what} from {_end(self.source)} to {_end(self.target)}"


def _end(text: str) -> str:
    return "any" if text in EVERY else text


def remedy(declared: Declared, seen: Ruleset, drifts: Sequence[Finding]) -> Remedy:
    """What would make the firewall as declared."""
    return Remedy(tuple(_commands(declared, seen, drifts)))


def _commands(declared: Declared, seen: Ruleset, drifts: Sequence[Finding]) -> Iterator[Command]:
    """What would mend the drifts; nothing where that takes a person."""
    try:
        if seen.has_firewalld_rules or seen.firewalld:
            yield from _firewalld(declared, seen, {drift.field for drift in drifts})
        elif seen.ufw is not None:
            yield from _ufw(declared, seen, {drift.field for drift in drifts})
    except ValueError:
        return


def _culprits(declared: Declared, seen: Ruleset) -> set[str]:
    """The rules that keep a declared rule's packets from faring as declared; "" for a default policy."""
    rule: Rule = declared.value
    found = set()
    for family in sorted(asked.named_families(rule)) or asked.judged_families(seen, rule.action):
        box = asked.packets(rule, family)
        for regions in asked.fare(seen, family, [box] if box is not None else []):
            found |= {region.by for region in regions if region.verdict != rule.action and region.sure}
    return found


def _ufw(declared: Declared, seen: Ruleset, fields: set[str]) -> Iterator[Command]:
    active = ufw_in(seen, 4)
    openings = list(_ufw_openings(declared, seen))
    start: list[Command] = [] if active or not declared.firewall.enabled else [*openings, ("ufw", "--force", "enable")]
    if not active and not start and declared.field != "enabled":
        return
    match declared.field:
        case "enabled":
            yield from [("ufw", "disable")] if not declared.value else [("ufw", "reload")] if active else start
        case "default_incoming" | "default_outgoing":
            if not _foreign(seen):
                if start or (declared.field == "default_incoming" and declared.value != ALLOW):
                    yield from openings
                yield ("ufw", "default", declared.value, declared.field.removeprefix("default_"))
                yield from start[-1:]
        case "exclusive":
            yield from _ufw_closing(declared, seen)
        case _:
            commands = list(_ufw_rule(declared, seen, fields, active))
            yield from dict.fromkeys(commands + start if commands else commands)


def _ufw_openings(declared: Declared, seen: Ruleset) -> Iterator[Command]:
    """Declared openings that ufw has not: they come before what closes the rest, or the mend could shut out whoever runs it over SSH."""
    listed = {(each.action, each.plain) for each in _tuples(seen)}
    for rule in declared.firewall.rules or ():
        plain = f"{rule.port}/{rule.proto} from {_end(rule.from_)} to {_end(rule.to)}"
        if rule.action == ALLOW and rule.port is not None and (ALLOW, plain) not in listed:
            yield ("ufw", ALLOW, *_ufw_spec(rule))


def _foreign(seen: Ruleset) -> bool:
    """Whether a rule that is not ufw's lets everything in."""
    regions = [region for family in asked.FAMILIES for region in asked.open_regions(seen, family)]
    return any(region.by and "ufw" not in region.by and asked.broad(region.box.get("saddr4", ()), 4) for region in regions if "saddr4" in region.box)


def _ufw_rule(declared: Declared, seen: Ruleset, fields: set[str], active: bool) -> Iterator[Command]:
    rule: Rule = declared.value
    culprits = _culprits(declared, seen)
    if rule.port is None or any(by and "ufw" not in by for by in culprits):
        return
    spec = _ufw_spec(rule)
    tuples = list(_tuples(seen))
    same = [each for each in tuples if each.plain == f"{rule.port}/{rule.proto} from {_end(rule.from_)} to {_end(rule.to)}"]
    if "action" in fields:
        families = asked.named_families(rule) or set(asked.judged_families(seen, rule.action))
        listed = families <= {each.family for each in same if each.action == rule.action}
        shadowed = any("ufw-user-input" in by or "ufw6-user-input" in by for by in culprits)
        if listed and shadowed:
            yield ("ufw", "delete", rule.action, *spec)
            yield ("ufw", "prepend", rule.action, *spec)
        elif listed:
            yield ("ufw", "reload") if active else ("ufw", "--force", "enable")
        else:
            yield ("ufw", "prepend" if shadowed and not same else rule.action, *((rule.action, *spec) if shadowed and not same else spec))
    elif any(each.plain == f"{rule.port}/{rule.proto} from any to any" and each.action == ALLOW for each in tuples):
        if not any(each.action == ALLOW for each in same):
            yield ("ufw", ALLOW, *spec)
        yield ("ufw", "delete", ALLOW, f"{rule.port}/{rule.proto}")


def _ufw_spec(rule: Rule) -> Command:
    if rule.from_ == rule.to == "any":
        return (f"{rule.port}/{rule.proto}",)
    return ("proto", rule.proto, "from", rule.from_, "to", rule.to, "port", str(rule.port))


def _ufw_closing(declared: Declared, seen: Ruleset) -> Iterator[Command]:
    """Deletes the undeclared rules, if each opening is one of them as it stands."""
    tuples = {f"{ALLOW} {each.plain}": each for each in _tuples(seen) if each.action == ALLOW}
    open_ = [extra.text for extra in extras(declared.firewall, seen) if extra.sure]
    if all(text in tuples for text in open_):
        for each in (tuples[text] for text in open_):
            if each.source in EVERY and each.target in EVERY and each.port != "any":
                yield ("ufw", "delete", ALLOW, f"{each.port}/{each.proto}")
            else:
                port = () if each.port == "any" else ("port", each.port)
                proto = () if each.proto == "any" else ("proto", each.proto)
                yield ("ufw", "delete", ALLOW, *proto, "from", each.source, "to", each.target, *port)


def _tuples(seen: Ruleset) -> Iterator[Tuple]:
    """Incoming rules without interface, source port or application profile, each with one protocol."""
    for line in seen.ufw_tuples or ():
        words = [word for word in line.split()[3:] if not word.startswith("comment=")]
        if len(words) == 7 and words[6] == "in" and words[4] == "any":
            action, proto, port, target, _, source, _ = words
            for each in ("tcp", "udp") if proto == "any" and port != "any" else (proto,):
                yield Tuple(action, each, port, target, source)


def _firewalld(declared: Declared, seen: Ruleset, fields: set[str]) -> Iterator[Command]:
    running = bool(seen.firewalld)
    match declared.field:
        case "enabled" if declared.value:
            yield ("firewall-cmd", "--reload") if running and in_force(seen)[0] is False else ("systemctl", "enable", "--now", "firewalld")
        case "enabled":
            yield ("systemctl", "disable", "--now", "firewalld")
            if not running and ("inet", "firewalld", "filter_INPUT") in seen.program.chains:
                yield ("nft", "delete", "table", "inet", "firewalld")
        case "default_incoming" if running:
            zones = _zones(seen)
            for zone in zones:
                yield ("firewall-cmd", "--permanent", f"--zone={zone}", f"--set-target={TARGETS[declared.value]}")
            if zones:
                yield ("firewall-cmd", "--reload")
        case "rule" if running and fields == {"action"} and declared.value.port is not None:
            if not any(_decided_early(by) for by in _culprits(declared, seen)):
                for zone in _zones(seen):
                    opening = _opening(declared.value)
                    yield ("firewall-cmd", f"--zone={zone}", opening)
                    yield ("firewall-cmd", "--permanent", f"--zone={zone}", opening)


def _decided_early(by: str) -> bool:
    """By a rule that is not firewalld's, or that comes before those that a command would add."""
    return bool(by) and (" firewalld " not in by or "_pre handle" in by or "_deny handle" in by)


def _opening(rule: Rule) -> str:
    if rule.action == ALLOW and rule.from_ == rule.to == "any":
        return f"--add-port={rule.port}/{rule.proto}"
    families = asked.named_families(rule)
    parts = ["rule", *(f'family="ipv{family}"' for family in families)]
    parts += [f'{word} address="{end}"' for word, end in (("source", rule.from_), ("destination", rule.to)) if end != "any"]
    return "--add-rich-rule=" + " ".join([*parts, f'port port="{rule.port}" protocol="{rule.proto}"', RICH[rule.action]])


def _zones(seen: Ruleset) -> list[str]:
    """The zones of the interfaces that a default route uses, or else of all."""
    steps = seen.program.chains.get(("inet", "firewalld", "filter_INPUT_ZONES"), {}).get(4, ())
    zones: Iterable[str] = (
        next(
            (step.do.target[2].removeprefix("filter_IN_") for step in steps if step.do.target and any(_only_by(box, each) for box in step.boxes)), ""
        )
        for each in (interface(name) for name in seen.outside or seen.interfaces or ())
    )
    return [zone for zone in dict.fromkeys(zones) if zone]


def _only_by(box: Box, name: tuple[int, int]) -> bool:
    return set(box) <= {"iif"} and meet(box, {"iif": (name,)}) is not None
