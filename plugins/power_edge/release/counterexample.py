"""A document that was valid and is not: it shows what a MAJOR change does."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice

from power_edge.json_value import Json
from power_edge.release.bundle import Judge
from power_edge.release.changes import Change, Difference, Verdict, with_changes
from power_edge.release.conjuncts import conjuncts, merged
from power_edge.release.containment import Way
from power_edge.release.meaning import for_name, for_pattern, keys, schemas_at, together
from power_edge.release.schema_set import Place, SchemaSet
from power_edge.release.values import matches

_MOST = 40
"""Values that are kept for one place, the smallest ones."""
_BASES = 4
"""Objects that a field is put into."""
_TRIED = 20_000
"""Documents that are tried for one change."""
_DEEPEST = 12
_LONGEST = 300
"""Texts and lists are made no longer."""
_TEXTS = (
    "a", "", "0", "A", "/", "/a", "_", "-", ".", "x-a", "a b", "1.0", "0644", "a.service", "ä",
    "10.0.0.1", "a:b", "a@b", "00000000-0000-0000-0000-000000000001", "0" * 64, "\n", "/A",
)  # fmt: skip
_MORE: tuple[tuple[str, Json], ...] = (("a", ""), ("a", 0), ("x-a", ""))
"""Properties that a schema may not name."""
_ANYTHING: tuple[Json, ...] = ("", 0, True, None, [], {}, "a", 1, 0.5)
_LIMITS = (
    "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength",
    "maxLength", "minItems", "maxItems", "minProperties", "maxProperties",
)  # fmt: skip


def with_counterexamples(difference: Difference, old: SchemaSet, new: SchemaSet) -> Difference:
    """Return the same difference in which each MAJOR change has an example, where one is found."""
    finders = {False: _Finder(old, new), True: _Finder(new, old)}
    alone = sum(change.verdict is Verdict.MAJOR for change in difference.changes) == 1
    return with_changes(
        difference,
        [
            replace(
                change,
                counterexample=finders[change.is_output].find(change, alone=alone),
            )
            if change.verdict is Verdict.MAJOR and change.root and not change.is_meaning
            else change
            for change in difference.changes
        ],
    )


def documents(found: SchemaSet, file: str) -> list[Json]:
    """Return small documents that the schema of a file allows."""
    return _Finder(found, found).allowed(file)


class _Finder:
    """Finds documents that the schemas of one set allow and those of the other refuse."""

    def __init__(self, first: SchemaSet, second: SchemaSet) -> None:
        self._first = first
        self._judge = Judge(first)
        self._other = Judge(second)
        self._numbers: list[Json] = [*sorted(_numbers(first) | _numbers(second))]
        self._texts = [*_TEXTS, *_examples(first), *_examples(second)]
        self._names = [*_TEXTS, *_literals(first), *_literals(second)]
        self._known: dict[Place, list[Json]] = {}

    def allowed(self, file: str) -> list[Json]:
        """Return small documents that the schema of a file of the first set allows."""
        return list(self._values(Place(file), 0))

    def find(self, change: Change, *, alone: bool) -> Json:
        """Return the smallest document that was found; None without one.

        If other changes refuse documents, too, it must be refused at this change's field.
        """
        root = Place(change.root)
        found: list[Json] = []
        for document in islice(self._along(root, change.way), _TRIED):
            if (
                self._judge.is_valid(root, document)
                and not self._other.is_valid(root, document)
                and (alone or self._is_refused_there(root, document, change.way))
            ):
                found.append(document)
        return min(found, key=_size, default=None)

    def _is_refused_there(self, root: Place, document: Json, way: Way) -> bool:
        return any(
            len(way) - 1 <= len(path) and _follows(path, way)
            for path in self._other.refused_at(root, document)
        )

    def _along(self, place: Place, way: Way) -> Iterator[Json]:
        """Yield documents that have something at the end of a way."""
        if not way:
            yield from self._values(place, 0)
            return
        (kind, name), rest = way[0], way[1:]
        here = together(self._first, [place])
        if kind == "item":
            places = [
                *schemas_at(self._first, here, "prefixItems"),
                *schemas_at(self._first, here, "items"),
            ]
            for value in self._ends(places, rest):
                yield [value]
                yield [value, value]
            return
        bases = self._objects(place, 0)[: _BASES if rest else _MOST]
        if kind == "name":
            yield from bases
            names, places = [name], for_name(self._first, here, name)
        else:
            names = [each for each in self._names if not name or matches(name, each)]
            places = for_pattern(self._first, here, name)
        for value in self._ends(places, rest):
            for base in bases:
                for each in names:
                    yield {**base, each: value}

    def _ends(self, places: Iterable[Place], way: Way) -> Iterator[Json]:
        places = list(places)
        for place in places:
            yield from self._along(place, way)
        if not places and not way:
            yield from _ANYTHING

    def _values(self, place: Place, depth: int) -> list[Json]:
        """Return the smallest values found that the schema at a place allows."""
        if place not in self._known:
            self._known[place] = []  # inside itself nothing is known
            candidates = [
                value
                for value in self._candidates(place, depth)
                if self._judge.is_valid(place, value)
            ]
            distinct = {_size(value): value for value in candidates}
            self._known[place] = [distinct[size] for size in sorted(distinct)][:_MOST]
        return self._known[place]

    def _candidates(self, place: Place, depth: int) -> Iterator[Json]:
        if depth > _DEEPEST:
            return
        here = together(self._first, [place])
        for each in here:
            own = merged(conjuncts(self._first, each))
            yield from own.values or ()
            examples = self._first.find(each.at("examples"))
            yield from examples if isinstance(examples, list) else ()
        whole = merged(conjuncts(self._first, place))
        yield from _ANYTHING
        if whole.kinds & {"integer", "fraction"}:
            yield from self._numbers
        if "string" in whole.kinds:
            yield from self._texts
            yield from ("a" * number for number in self._lengths())
        if "array" in whole.kinds:
            yield from self._lists(here, depth)
        if "object" in whole.kinds:
            yield from self._objects(place, depth)

    def _lengths(self) -> list[int]:
        return [
            number for number in self._numbers if isinstance(number, int) and 0 < number <= _LONGEST
        ]

    def _lists(self, here: list[Place], depth: int) -> Iterator[Json]:
        places = schemas_at(self._first, here, "items")
        items = [value for each in places for value in self._values(each, depth + 1)]
        items = items if places else list(_ANYTHING)
        for value in items:
            yield [value]
        if items:
            yield items[:2]
            for length in (2, *self._lengths()):
                yield items[:1] * length

    def _objects(self, place: Place, depth: int) -> list[dict[str, Json]]:
        """Return objects for the schema at a place: with what they need, and with more."""
        here = together(self._first, [place])
        required: dict[str, None] = {}
        for each in here:
            names = self._first.find(each.at("required"))
            required |= dict.fromkeys(map(str, names if isinstance(names, list) else ()))
        values = {
            name: [
                value
                for inner in for_name(self._first, here, name)
                for value in self._values(inner, depth + 1)
            ]
            or [""]
            for name in dict.fromkeys([*required, *keys(self._first, here, "properties")])
        }
        base = {name: values[name][0] for name in required}
        always = self._first.find(place.at("required"))
        least: dict[str, Json] = {
            name: values[name][0]
            for name in (always if isinstance(always, list) else ())
            if isinstance(name, str)
        }
        found: list[dict[str, Json]] = [least, base]
        for name, each_of in values.items():
            found += [{**start, name: value} for start in (least, base) for value in each_of[:8]]
        for first in values:
            found += [
                {**least, first: values[first][0], second: values[second][0]} for second in values
            ]
        found += [{**start, name: value} for start in (least, base) for name, value in _MORE]
        found.append({name: each_of[0] for name, each_of in values.items()})
        distinct = {_size(value): value for value in found if self._judge.is_valid(place, value)}
        return [distinct[size] for size in sorted(distinct)][:_MOST]


def _follows(path: list[str | int], way: Way) -> bool:
    return all(
        isinstance(part, int) if kind == "item" else kind == "any" or part == name
        for part, (kind, name) in zip(path, way, strict=False)
    )


def _size(value: Json) -> tuple[int, str]:
    text = json.dumps(value, sort_keys=True)
    return len(text), text


def _numbers(found: SchemaSet) -> set[float | int]:
    """Return the limits of all schemas of a set, and what is next to them."""
    numbers: set[float | int] = {-1, 0, 1, 2, 3}
    for keyword, value in _keywords(list(found.files.values())):
        if keyword in _LIMITS and isinstance(value, int | float) and not isinstance(value, bool):
            numbers |= {value - 1, value, value + 1}
    return numbers


def _examples(found: SchemaSet) -> list[str]:
    """Return the texts that the schemas of a set give as examples or allow by name."""
    return list(
        dict.fromkeys(
            each
            for keyword, value in _keywords(list(found.files.values()))
            if keyword in ("examples", "enum") and isinstance(value, list)
            for each in value
            if isinstance(each, str)
        )
    )


def _literals(found: SchemaSet) -> list[str]:
    """Return what stands at the beginning of patterns: names that they may be for."""
    return list(
        dict.fromkeys(
            pattern.strip("^$")
            for keyword, value in _keywords(list(found.files.values()))
            if keyword == "patternProperties" and isinstance(value, dict)
            for pattern in value
        )
    )


def _keywords(part: Json) -> Iterator[tuple[str, Json]]:
    if isinstance(part, dict):
        for keyword, value in part.items():
            yield keyword, value
            yield from _keywords(value)
    elif isinstance(part, list):
        for value in part:
            yield from _keywords(value)
