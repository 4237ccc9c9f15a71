"""Conditions on the rate of new connections: on which side of the rate a rule matches.

docs/verdicts/firewall.md, "Limits", has what counts as a rate limit.
"""

import re
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import NamedTuple

from power_edge.json_value import Json

MOST_PER_SECOND = 1_000
"""A higher rate of new connections is not known to limit anybody."""
LARGEST_BURST = 10_000
SECONDS: Mapping[str, int] = {
    "second": 1,
    "minute": 60,
    "hour": 3_600,
    "day": 86_400,
    "week": 604_800,
}
_RATE = re.compile(r"([0-9]{1,9})/([a-z]+)")
VALUED = frozenset({
    "--limit", "--limit-burst", "--name", "--mask", "--seconds", "--hitcount", "--hashlimit",
    "--hashlimit-upto", "--hashlimit-above", "--hashlimit-burst", "--hashlimit-mode",
    "--hashlimit-name", "--hashlimit-srcmask", "--hashlimit-dstmask", "--hashlimit-htable-size",
    "--hashlimit-htable-max", "--hashlimit-htable-expire", "--hashlimit-htable-gcinterval",
    "--hashlimit-rate-interval",
})  # fmt: skip
"""Options of matches on rates that have a value."""
UNCLEAR = "on which side of a rate it matches is unknown"
KEPT = (
    "the kernel keeps the numbers of the first rule with this --hashlimit-name, even of one that "
    "was replaced, and nothing shows them"
)
AT_ONCE = "it limits connections at once, not how many are opened"


class Side(Enum):
    """When a condition holds: as long as a rate is kept, or beyond it.

    RECORDS: always; it counts the packet for conditions of other rules. EITHER: it does not depend
    on a rate, and holds for some packets of a kind and not for others. UNKNOWN: that is not known.
    """

    BELOW = "below"
    ABOVE = "above"
    RECORDS = "records"
    EITHER = "either"
    UNKNOWN = "unknown"


class Rate(NamedTuple):
    """One condition on a rate.

    `memory`: what it counts in, where other rules may count there too; "" for a counter of its own.
    `room`: how often the first connection may count there before it is beyond the rate. `seconds`:
    how long what it counts stays there, where that is its own. `doubt`: why the side is unknown.
    """

    side: Side
    memory: str = ""
    room: int = 0
    seconds: int = 0
    doubt: str = ""


def unknown(doubt: str = UNCLEAR, memory: str = "") -> Rate:
    """Return a condition that holds for some packets of a kind; it is unknown for which."""
    return Rate(Side.UNKNOWN, memory, doubt=doubt)


EITHER = Rate(Side.EITHER)
ANY_MEMORY = "*"
"""What a condition counts in that could not be read at all."""


def of_iptables(module: str, options: Sequence[tuple[str, str, bool]]) -> Rate:
    """Return the condition of `-m MODULE`.

    `options`: each as (option, its value, whether `!` is before it). One that is not known here
    may change what the match means.
    """
    if module in {"connlimit", "hashlimit"}:
        return unknown(AT_ONCE if module == "connlimit" else KEPT)
    given = {option: value for option, value, _ in options}
    if any(negated for *_, negated in options) or len(given) != len(options):
        return unknown(memory=_memory(module, given))
    match module:
        case "limit":
            return _limit(given)
        case "recent":
            return _recent(given)
    return unknown()


def _memory(module: str, given: Mapping[str, str]) -> str:
    return f"recent {given.get('--name', 'DEFAULT')}" if module == "recent" else ""


def _limit(given: Mapping[str, str]) -> Rate:
    """xt_limit: it matches as long as there are tokens (iptables-extensions(8), "limit")."""
    if set(given) - {"--limit", "--limit-burst"}:
        return unknown()
    if not _low(given.get("--limit", "3/hour"), given.get("--limit-burst", "5")):
        return unknown(_high(given.get("--limit", "")))
    return Rate(Side.BELOW, room=int(given.get("--limit-burst", "5")))


_RECENT = frozenset(
    {"--set", "--update", "--rcheck", "--seconds", "--hitcount", "--name", "--mask", "--rsource"}
)


def _recent(given: Mapping[str, str]) -> Rate:
    """xt_recent: `--set` records the sender, and `--update` (`--rcheck`) with `--hitcount` matches
    one that was recorded so often in the last `--seconds`.
    """
    memory = _memory("recent", given)
    modes = {"--set", "--update", "--rcheck"} & set(given)
    if set(given) - _RECENT or len(modes) != 1:
        return unknown(memory=memory)
    if modes == {"--set"}:
        plain = not {"--seconds", "--hitcount"} & set(given)
        return Rate(Side.RECORDS, memory) if plain else unknown(memory=memory)
    hits, seconds = (given.get(name, "") for name in ("--hitcount", "--seconds"))
    if not (hits.isdecimal() and seconds.isdecimal() and int(seconds)):
        return unknown(memory=memory)
    return Rate(Side.ABOVE, memory, room=int(hits) - 1, seconds=int(seconds))


def of_nft(what: Json) -> Rate:
    """Return the condition of a `limit` statement in nft's JSON (libnftables-json(5), "LIMIT")."""
    if not isinstance(what, dict):
        return unknown("a named limit")
    if {"rate_unit", "burst_unit"} & set(what) and (
        what.get("rate_unit", "packets"),
        what.get("burst_unit", "packets"),
    ) != ("packets", "packets"):
        return unknown("it counts bytes")
    over = what.get("inv", False)
    known = {"rate", "burst", "per", "inv", "rate_unit", "burst_unit"}
    if set(what) - known or not isinstance(over, bool):
        return unknown()
    rate = f"{what.get('rate')}/{what.get('per')}"
    burst = str(what.get("burst", 5))
    if not _low(rate, burst):
        return unknown(_high(rate))
    return Rate(Side.ABOVE if over else Side.BELOW, room=int(burst))


def _low(rate: str, burst: str) -> bool:
    """Return whether a rate such as `3/min` is low enough to limit somebody."""
    found = _RATE.fullmatch(rate)
    seconds = [n for unit, n in SECONDS.items() if found and unit.startswith(found[2])]
    if found is None or len(seconds) != 1 or not burst.isdecimal():
        return False
    return (
        0 < int(found[1]) <= MOST_PER_SECOND * seconds[0]
        and len(burst) < 10
        and int(burst) <= LARGEST_BURST
    )


def _high(rate: str) -> str:
    return (
        f"its rate or burst is so high that it may limit nobody (more than {MOST_PER_SECOND} "
        f"connections a second, or {LARGEST_BURST} at first)"
        if _RATE.fullmatch(rate)
        else UNCLEAR
    )
