"""The sets that `-m set` looks at, as ipset(8) saves them: single addresses and networks.

The elements that are in a set now are judged. Elements that expire are kept apart, since they may
be gone a moment later. A set with anything that is not understood is left out.
"""

import shlex
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from power_edge.resources.firewall.packets.sets import (
    NOTHING,
    Numbers,
    address,
    network,
    numbers,
    without,
)

TYPES = frozenset({"hash:ip", "hash:net", "bitmap:ip"})
FAMILIES = {"inet": 4, "inet6": 6}
SIZES = frozenset({"hashsize", "maxelem", "bucketsize", "initval", "timeout", "range"})
"""Options of a set that have a value and do not change its members."""
PLAIN = frozenset({"counters", "comment", "skbinfo"})
VALUED = frozenset({"packets", "bytes", "comment", "skbmark", "skbprio", "skbqueue"})
"""Options of an element that have a value and do not change it."""


class AddressSet(NamedTuple):
    """The addresses in a set.

    `permanent`: those that stay until somebody removes them. `all`: these, and those that expire.
    `expires`: whether there are any that expire, also where they are left out (`permanent_only`).
    """

    family: int
    permanent: Numbers
    all: Numbers
    expires: bool


def permanent_only(sets: Mapping[str, AddressSet]) -> Mapping[str, AddressSet]:
    """Return the sets without the elements that expire."""
    return {name: each._replace(all=each.permanent) for name, each in sets.items()}


class _Element(NamedTuple):
    span: tuple[int, int]
    expires: bool
    is_exception: bool


def read(text: str, changing: Iterable[str]) -> Mapping[str, AddressSet]:
    """Return the sets in the output of `ipset save`.

    `changing`: sets that packets change; they are left out.
    """
    families: dict[str, int] = {}
    elements: dict[str, list[_Element]] = {}
    unreadable = set(changing)
    for line in text.split("\n"):
        try:
            command, name, *words = shlex.split(line) or ["", ""]
        except ValueError:
            return {}
        try:
            if command == "create":
                families[name], elements[name] = _family(words), []
            elif command == "add":
                elements[name].append(_element(words, families[name]))
        except (ValueError, KeyError, IndexError):
            unreadable.add(name)
    return {
        name: _set(families[name], some)
        for name, some in elements.items()
        if name not in unreadable
    }


def _family(words: list[str]) -> int:
    """Return the family of a set. ValueError for a set that is not understood."""
    kind, *rest = words
    if kind not in TYPES:
        raise ValueError(kind)
    options = dict(_options(rest, PLAIN, SIZES | {"family"}))
    return FAMILIES[options.get("family", "inet")]


def _element(words: list[str], family: int) -> _Element:
    entry, *rest = words
    options = dict(_options(rest, frozenset({"nomatch"}), VALUED | {"timeout"}))
    low, dash, high = entry.partition("-")
    if dash:
        (found, first), (_, last) = address(low), address(high)
        span = first, last
    else:
        found, span = network(entry)
    if found != family:
        raise ValueError(entry)
    return _Element(span, options.get("timeout", "0") != "0", "nomatch" in options)


def _options(
    words: list[str], plain: frozenset[str], valued: frozenset[str]
) -> Iterator[tuple[str, str]]:
    left = iter(words)
    for word in left:
        if word not in plain | valued:
            raise ValueError(word)
        yield word, next(left) if word in valued else ""


def _set(family: int, elements: list[_Element]) -> AddressSet:
    permanent = _members([each for each in elements if not each.expires])
    current = _members(elements)
    # When an exception expires, its addresses become members.
    always = without(permanent, without(permanent, current))
    return AddressSet(
        family,
        always,
        numbers([*permanent, *current]),
        any(each.expires for each in elements),
    )


def _members(elements: list[_Element]) -> Numbers:
    """Return the members: the smallest network that holds an address decides."""
    found = NOTHING
    for size in sorted(
        {high - low for low, high in (each.span for each in elements)}, reverse=True
    ):
        level = [each for each in elements if each.span[1] - each.span[0] == size]
        found = numbers([*found, *(each.span for each in level if not each.is_exception)])
        found = without(found, numbers(each.span for each in level if each.is_exception))
    return found
