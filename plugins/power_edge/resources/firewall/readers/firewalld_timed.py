"""Rules of firewalld that may go by themselves (`firewall-cmd --add-port=8080/tcp --timeout=1h`).

firewalld tells which settings a zone or a policy has at runtime and not in its file, and not which
of these it was given for a time. So all of them may be.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

from power_edge.json_value import Json, a_list, an_object, decoded
from power_edge.resources.firewall.packets.dimension import SADDR, Dimension
from power_edge.resources.firewall.packets.program import VERDICTS, FilterRule, Key, Program
from power_edge.resources.firewall.packets.rule_match import protocol
from power_edge.resources.firewall.packets.sets import Numbers

NONE = "none"
"""What the probe prints where nothing is timed."""
_PORT = re.compile(r'\bport port="(?P<port>[0-9]+(?:-[0-9]+)?)" protocol="(?P<proto>[a-z-]+)"')
_OPENS = frozenset({"ports", "rules_str", "rich_rules"})
_UNTIMED = frozenset({"interfaces", "sources", "target", "version", "short", "description"})
"""Settings that firewall-cmd takes no --timeout for."""


class Timed(NamedTuple):
    """A setting that may be timed. `place`: the end of the names of its chains, without the part
    (`_allow`). None: any of firewalld's.

    `proto`, `ports`: of the packets that it is about; None: any. `from_some`: only some senders.
    """

    place: str | None
    proto: int | None = None
    ports: Numbers | None = None
    from_some: bool = False


def read(text: str) -> list[Timed]:
    """Return the settings that may be timed. ValueError for what the probe does not print."""
    lines = text.split("\n")
    if lines in ([NONE], [""]):
        return []
    if len(lines) % 3:
        return [Timed(None)]  # `unread` is the last line: firewalld did not tell of all
    found = list[Timed]()
    for head, now, file in zip(lines[::3], lines[1::3], lines[2::3], strict=True):
        kind, _, name = head.partition(" ")
        place = f"_policy_{name}" if kind == "policy" else f"_{name}"
        settings, kept = _settings(now), _settings(file)
        for key in settings.keys() - _UNTIMED:
            now_set, on_file = settings[key], kept.get(key)
            if not isinstance(now_set, list) or not isinstance(on_file, list | None):
                found += [Timed(place)] if now_set != on_file else []
                continue
            found += [_timed(place, key, each) for each in now_set if each not in (on_file or [])]
    return found


def _settings(text: str) -> Mapping[str, Json]:
    """Return the settings in an answer of busctl (a{sv}). ValueError for another text."""
    try:
        (settings,) = a_list(an_object(decoded(text))["data"])
        return {key: an_object(value)["data"] for key, value in an_object(settings).items()}
    except (KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"not understood: firewalld's settings ({error})") from None


def _timed(place: str, key: str, value: Json) -> Timed:
    if key == "ports" and isinstance(value, list) and len(value) == 2:
        return _of_port(place, str(value[0]), str(value[1]), from_some=False)
    if key in _OPENS and isinstance(value, str) and (port := _PORT.search(value)):
        from_some = re.search(r'\bsource (?!NOT )[a-z]+="', value) is not None
        return _of_port(place, port["port"], port["proto"], from_some=from_some)
    return Timed(place)


def _of_port(place: str, text: str, proto: str, *, from_some: bool) -> Timed:
    low, _, high = text.partition("-")
    try:
        return Timed(place, protocol(proto), ((int(low), int(high or low)),), from_some)
    except ValueError:
        return Timed(place)


def passing(program: Program, timed: Iterable[Timed]) -> Program:
    """Return the program, in which the rules of these settings hold for a time only."""
    some = list(timed)
    if not some:
        return program
    chains = {
        key: {
            family: tuple(
                rule._replace(passing=True)
                if rule.effect.action in VERDICTS and _may_be_of(rule, key, family, some)
                else rule
                for rule in rules
            )
            for family, rules in by_family.items()
        }
        for key, by_family in program.chains.items()
    }
    return replace(program, chains=chains)


_PARTS = ("_pre", "_log", "_deny", "_allow", "_post")


def _may_be_of(rule: FilterRule, key: Key, family: int, timed: Iterable[Timed]) -> bool:
    """Return whether one of the settings may have made a rule of this chain."""
    part = next((each for each in _PARTS if key[2].endswith(each)), None)
    own = key[1] == "firewalld" or key[2].startswith(("IN_", "FWD_", "FWI_", "FWO_"))
    return bool(own and part) and any(
        (each.place is None or key[2].removesuffix(part or "").endswith(each.place))
        and _fits(rule, family, each)
        for each in timed
    )


def _fits(rule: FilterRule, family: int, timed: Timed) -> bool:
    if timed.ports is None:
        return True
    proto = ((timed.proto, timed.proto),)
    return any(
        box.get(Dimension.PROTO) == proto
        and box.get(Dimension.DPORT) == timed.ports
        and (not timed.from_some or SADDR[family] in box)
        for box in rule.boxes
    )
