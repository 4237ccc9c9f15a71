"""Whether everything that one schema allows is allowed by another, and where not.

It is conservative: what cannot be shown is a gap. Keyword by keyword one function of RULES says
what keeps a keyword of the other schema from being shown.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, NamedTuple, TypeAlias

from power_edge.json_value import Json
from power_edge.release.conjuncts import Conjunct, conjuncts, merged, only, same, without
from power_edge.release.schema_set import Place, SchemaSet
from power_edge.release.values import KINDS, canonical, is_valid, kinds, matches, normal

SPLITS = 2
"""How deep the cases of anyOf and oneOf are examined one by one inside each other."""
MOST_CASES = 32

Way: TypeAlias = tuple[tuple[str, str], ...]
"""The way to a part of a value: ("name", NAME), ("item", ""), ("any", PATTERN)."""


class Gap(NamedTuple):
    """A place where the second schema was not shown to allow what the first allows."""

    keyword: str
    first: Place | None
    """Where the first schema says it; None if it says nothing."""
    second: Place | None
    was: Json
    """What the first schema says, then what the second says."""
    now: Json
    narrower: str
    """What it means if the second schema is the newer one, and if the first is."""
    wider: str
    way: Way = ()


Gaps: TypeAlias = list[Gap]
Rule: TypeAlias = Callable[["Containment", Conjunct, Conjunct], Iterable[Gap]]


class Containment:
    """Compares the schemas of one set with those of another, in one direction."""

    def __init__(self, first: SchemaSet, second: SchemaSet) -> None:
        self.first = first
        self.second = second
        self._open: set[tuple[Place | None, Place]] = set()
        self._known: dict[tuple[Place | None, Place], Gaps] = {}
        self._assumed = 0

    def gaps(self, first: Place | None, second: Place | None) -> Gaps:
        """Return where the schema at `second` may refuse what the one at `first` allows.

        None is the schema `true`. Nothing found means that it is shown.
        """
        if second is None:
            return []
        pair = (first, second)
        if pair in self._open:  # a value that contains itself: shown if everything else is
            self._assumed += 1
            return []
        if pair in self._known:
            return self._known[pair]
        self._open.add(pair)
        assumed = self._assumed
        try:
            found = self.between(
                conjuncts(self.first, first), conjuncts(self.second, second), SPLITS
            )
        finally:
            self._open.discard(pair)
        # What was shown by an assumption holds only where the assumption does.
        if found or self._assumed == assumed:
            self._known[pair] = found
        return found

    def between(self, first: Sequence[Conjunct], second: Sequence[Conjunct], splits: int) -> Gaps:
        """Return the gaps between what holds together in one schema and in the other."""
        if any(not part.kinds for part in first) or not merged(first).kinds:
            return []  # the first allows nothing
        return [gap for part in second for gap in self._one(first, part, splits)]

    def _one(self, first: Sequence[Conjunct], second: Conjunct, splits: int) -> Gaps:
        whole = merged(first)
        candidates = [whole] if len(first) == 1 else [whole, *first]
        fewest: Gaps | None = None
        for candidate in candidates:
            found = self._rules(candidate, second)
            if not found:
                return []
            if fewest is None or len(found) < len(fewest):
                fewest = found
        if splits and any(self._shown(case, second, splits) for case in self._cases(first, second)):
            return []
        return fewest or []

    def _rules(self, first: Conjunct, second: Conjunct) -> Gaps:
        return [
            gap for rule in rules_for(second.keywords) for gap in RULES[rule](self, first, second)
        ]

    def _shown(self, cases: Sequence[Sequence[Conjunct]], second: Conjunct, splits: int) -> bool:
        return len(cases) <= MOST_CASES and all(
            not self.between(case, [second], splits - 1) for case in cases
        )

    def _cases(self, first: Sequence[Conjunct], second: Conjunct) -> Iterator[list[list[Conjunct]]]:
        """Yield ways to split the first schema into cases that together are all of it."""
        for index, part in enumerate(first):
            others = [each for at, each in enumerate(first) if at != index]
            for keyword in ("anyOf", "oneOf"):
                place = part.place(keyword)
                branches = part.get(keyword)
                if place is not None and isinstance(branches, list):
                    rest = [*others, without(part, keyword)]
                    yield [
                        [*rest, *conjuncts(self.first, place.at(branch))]
                        for branch in range(len(branches))
                    ]
        whole = merged(first)
        if {"anyOf", "oneOf"} & second.keywords.keys() and 1 < len(whole.kinds) < len(KINDS):
            yield [[*first, only(whole, each)] for each in sorted(whole.kinds)]


def rules_for(keywords: Iterable[str]) -> list[str]:
    """Return the names of the rules for a schema with these keywords."""
    words = set(keywords)
    found: dict[str, None] = {}
    for word in sorted(words):
        for name in _TOGETHER.get(word, (word,)):
            if name in RULES:
                found[name] = None
            else:
                found[OTHER] = None
    if "if" not in words:  # without it, the other two say nothing
        found.pop("if", None)
    return list(found)


def _gap(
    first: Conjunct, second: Conjunct, keyword: str, narrower: str, wider: str, *parts: str | int
) -> Gap:
    """Return the gap at a keyword of the second schema."""
    return Gap(
        keyword,
        first.place(keyword, *parts),
        second.place(keyword, *parts),
        first.get(keyword),
        second.get(keyword),
        narrower,
        wider,
    )


def _under(way: tuple[str, str], gaps: Iterable[Gap]) -> Iterator[Gap]:
    for gap in gaps:
        yield gap._replace(way=(way, *gap.way))


def _listed(values: Iterable[Json]) -> str:
    return ", ".join("null" if value is None else str(value) for value in values)


_KIND_WORDS = {"fraction": "number with a fraction"}


def _type(_: Containment, first: Conjunct, second: Conjunct) -> Iterator[Gap]:
    missing = first.kinds - kinds(second.get("type"))
    if missing:
        names = ", ".join(sorted(_KIND_WORDS.get(each, each) for each in missing))
        yield _gap(
            first, second, "type", f"no longer allowed: {names}", f"now allowed as well: {names}"
        )


def _values(keyword: str) -> Rule:
    def rule(_: Containment, first: Conjunct, second: Conjunct) -> Iterator[Gap]:
        value = second.get(keyword)
        allowed = {canonical(each) for each in _list(value if keyword == "enum" else [value])}
        if not allowed:
            yield _gap(first, second, keyword, "nothing is allowed here", "values are allowed here")
            return
        if first.values is None:
            yield _gap(
                first,
                second,
                keyword,
                "only the listed values are allowed now",
                "values that are not listed are allowed now",
            )
            return
        lost = [each for each in first.values if canonical(each) not in allowed]
        if lost:
            names = _listed(lost)
            gap = _gap(
                first, second, keyword, f"no longer allowed: {names}", f"now allowed: {names}"
            )
            yield gap if gap.first is not None else gap._replace(was=list(first.values))

    return rule


def _simple(keyword: str, of: frozenset[str], implied: Callable[[Conjunct, Json], bool]) -> Rule:
    """Return the rule of a keyword that is about values of some kinds."""

    def rule(_: Containment, first: Conjunct, second: Conjunct) -> Iterator[Gap]:
        if not first.kinds & of:
            return
        wanted = second.get(keyword)
        if first.values is not None:
            shown = all(is_valid(keyword, wanted, value) for value in first.values)
        else:
            shown = implied(first, wanted)
        if not shown:
            yield _gap(first, second, keyword, *_words(keyword, first.get(keyword)))

    return rule


def _words(keyword: str, was: Json) -> tuple[str, str]:
    if keyword == "pattern":
        return (
            "the new pattern was not shown to match all that was allowed",
            "the old pattern was not shown to match all that is allowed now",
        )
    if was is None:
        return f"there is a {keyword} now", f"there is no {keyword} any more"
    return f"{keyword} is stricter", f"{keyword} is less strict"


def _number(value: Json) -> float | int | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _map(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}


def _at_least(keyword: str, *stricter: str, free: int | None = None) -> Callable[..., bool]:
    """Return whether a lower limit is implied by the same one or by a `stricter` kind of it.

    `free` is a limit that every value keeps.
    """

    def implied(first: Conjunct, wanted: Json) -> bool:
        limit = _number(wanted)
        assert limit is not None
        own = _number(first.get(keyword))
        return (
            (free is not None and limit <= free)
            or (own is not None and own >= limit)
            or any(
                (low := _number(first.get(each))) is not None and low >= limit for each in stricter
            )
        )

    return implied


def _at_most(keyword: str, *stricter: str) -> Callable[..., bool]:
    def implied(first: Conjunct, wanted: Json) -> bool:
        limit = _number(wanted)
        assert limit is not None
        own = _number(first.get(keyword))
        return (own is not None and own <= limit) or any(
            (high := _number(first.get(each))) is not None and high <= limit for each in stricter
        )

    return implied


def _multiple(first: Conjunct, wanted: Json) -> bool:
    own = first.get("multipleOf")
    if isinstance(wanted, int) and wanted == 1:
        return "fraction" not in first.kinds
    if isinstance(own, int) and isinstance(wanted, int):
        return own % wanted == 0
    return same(own, wanted)


def _equal(keyword: str) -> Callable[[Conjunct, Json], bool]:
    def implied(first: Conjunct, wanted: Json) -> bool:
        return keyword in first.keywords and same(first.get(keyword), wanted)

    return implied


def _unique(first: Conjunct, wanted: Json) -> bool:
    return wanted is False or first.get("uniqueItems") is True


def _format(_: Containment, first: Conjunct, second: Conjunct) -> Iterator[Gap]:
    # Validators may leave it unchecked; here it counts as checked, whatever the values.
    if "string" in first.kinds and not same(first.get("format"), second.get("format")):
        yield _gap(first, second, "format", *_words("format", first.get("format")))


def _required(_: Containment, first: Conjunct, second: Conjunct) -> Iterator[Gap]:
    if "object" not in first.kinds:
        return
    given = _list(first.get("required"))
    for name in _list(second.get("required")):
        if name not in given:
            gap = _gap(first, second, "required", "must be given now", "need not be given any more")
            yield gap._replace(way=(("name", str(name)),))


def _dependent_required(_: Containment, first: Conjunct, second: Conjunct) -> Iterator[Gap]:
    if "object" not in first.kinds:
        return
    before = _map(first.get("dependentRequired"))
    for name, needed in _map(second.get("dependentRequired")).items():
        given = [*_list(before.get(name)), *_list(first.get("required"))]
        lost = [each for each in _list(needed) if each not in given]
        if lost and not _closed(first, name):
            names = _listed(lost)
            gap = _gap(
                first,
                second,
                "dependentRequired",
                f"needs {names} beside it now",
                f"no longer needs {names} beside it",
            )
            yield gap._replace(way=(("name", name),))


def _dependent_schemas(found: Containment, first: Conjunct, second: Conjunct) -> Iterator[Gap]:
    if "object" not in first.kinds:
        return
    before = _map(first.get("dependentSchemas"))
    for name in _map(second.get("dependentSchemas")):
        place = first.place("dependentSchemas", name) if name in before else None
        if not _closed(first, name):
            yield from found.gaps(place, second.place("dependentSchemas", name))


def _closed(conjunct: Conjunct, name: str) -> bool:
    """Whether an object may not have a property."""
    return conjunct.get("additionalProperties") is False and not _own(conjunct, name)


def _own(conjunct: Conjunct, name: str) -> list[tuple[str, str]]:
    """Return the keys of properties and patternProperties that are for a name."""
    found = [("properties", name)] if name in _map(conjunct.get("properties")) else []
    return found + [
        ("patternProperties", pattern)
        for pattern in _map(conjunct.get("patternProperties"))
        if matches(pattern, name)
    ]


def _for_name(conjunct: Conjunct, name: str) -> list[Place | None]:
    """Return the schemas that a property must keep."""
    own: list[Place | None] = [conjunct.place(*key) for key in _own(conjunct, name)]
    return own or [conjunct.place("additionalProperties")]


def _properties(found: Containment, first: Conjunct, second: Conjunct) -> Iterator[Gap]:
    if "object" not in first.kinds:
        return
    names = {**_map(second.get("properties")), **_map(first.get("properties"))}
    for name in names:
        way = ("name", name)
        if _closed(first, name):
            continue
        before = _for_name(first, name)
        if _closed(second, name):
            place = before[0]
            if place is not None and found.first.schema(place) is False:
                continue
            was = found.first.value(place) if place is not None else None
            yield Gap(
                "properties",
                place,
                second.place("additionalProperties") if place is None else None,
                was,
                None,
                "it is no longer allowed",
                "it is allowed now",
                (way,),
            )
            continue
        for after in _for_name(second, name):
            yield from _under(way, _fewest(found, before, after))


def _fewest(found: Containment, before: Iterable[Place | None], after: Place | None) -> Gaps:
    """Return the gaps of the schema that has fewest: of schemas that all hold one is enough."""
    return min((found.gaps(each, after) for each in before), key=len)


def _pattern_properties(found: Containment, first: Conjunct, second: Conjunct) -> Iterator[Gap]:
    if "object" not in first.kinds:
        return
    before, after = _map(first.get("patternProperties")), _map(second.get("patternProperties"))
    rest = first.place("additionalProperties")
    for pattern in after:
        place = second.place("patternProperties", pattern)
        way = ("any", pattern)
        if pattern in before:
            yield from _under(way, found.gaps(first.place("patternProperties", pattern), place))
            continue
        # A name of this pattern was under any other pattern, or under none.
        others = [first.place("patternProperties", each) for each in before]
        for each in [rest, *others]:
            yield from _under(way, found.gaps(each, place))
    for pattern in before:
        if pattern not in after:
            place = first.place("patternProperties", pattern)
            lost = found.gaps(place, second.place("additionalProperties"))
            if lost:
                yield Gap(
                    "patternProperties",
                    place,
                    None,
                    found.first.value(place) if place is not None else None,
                    None,
                    "these names are no longer allowed, or are judged differently",
                    "these names are allowed now, or are judged differently",
                    (("any", pattern),),
                )


def _additional_properties(found: Containment, first: Conjunct, second: Conjunct) -> Iterator[Gap]:
    if "object" in first.kinds:
        after = second.place("additionalProperties")
        rest = found.gaps(first.place("additionalProperties"), after)
        if rest and second.get("additionalProperties") is False:
            yield _gap(
                first,
                second,
                "additionalProperties",
                "names that are not listed are no longer allowed",
                "names that are not listed are allowed now",
            )
        else:
            yield from _under(("any", ""), rest)


def _property_names(found: Containment, first: Conjunct, second: Conjunct) -> Iterator[Gap]:
    if "object" in first.kinds:
        yield from _under(
            ("any", ""),
            found.gaps(first.place("propertyNames"), second.place("propertyNames")),
        )


def _item(conjunct: Conjunct, index: int) -> Place | None:
    if index < len(_list(conjunct.get("prefixItems"))):
        return conjunct.place("prefixItems", index)
    return conjunct.place("items")


def _prefix_items(found: Containment, first: Conjunct, second: Conjunct) -> Iterator[Gap]:
    if "array" in first.kinds:
        for index in range(_longest_prefix(first, second)):
            yield from _under(("item", ""), found.gaps(_item(first, index), _item(second, index)))


def _longest_prefix(*conjuncts: Conjunct) -> int:
    return max(len(_list(each.get("prefixItems"))) for each in conjuncts)


def _items(found: Containment, first: Conjunct, second: Conjunct) -> Iterator[Gap]:
    if "array" in first.kinds:
        end = _longest_prefix(first, second)
        yield from _under(("item", ""), found.gaps(_item(first, end), _item(second, end)))


def _contains(found: Containment, first: Conjunct, second: Conjunct) -> Iterator[Gap]:
    if "array" not in first.kinds or "contains" not in second.keywords:
        return
    before, after = first.place("contains"), second.place("contains")
    words = (
        "not shown to allow every list that was allowed",
        "more lists may be allowed",
    )
    least, most = second.get("minContains"), _number(second.get("maxContains"))
    needed = 1 if least is None else _number(least) or 0
    had = first.get("minContains")
    had_least = 0 if before is None else 1 if had is None else _number(had) or 0
    if needed and (had_least < needed or found.gaps(before, after)):
        yield _gap(first, second, "contains", *words)
    if most is not None:
        own = _number(first.get("maxContains"))
        if before is None or own is None or own > most or not _alike(found, before, after):
            yield _gap(first, second, "maxContains", *words)


def _alike(found: Containment, first: Place | None, second: Place | None) -> bool:
    return (
        first is not None
        and second is not None
        and normal(found.first, first) == normal(found.second, second)
    )


def _any_of(found: Containment, first: Conjunct, second: Conjunct) -> Iterator[Gap]:
    yield from _branches(found, first, second, "anyOf")


def _one_of(found: Containment, first: Conjunct, second: Conjunct) -> Iterator[Gap]:
    before, after = _places(first, "oneOf"), _places(second, "oneOf")
    if len(before) == len(after) and all(
        _alike(found, old, new) for old, new in zip(before, after, strict=True)
    ):
        return
    lost = list(_branches(found, first, second, "oneOf"))
    yield from lost
    if not lost and not _disjoint(found.second, after):
        yield _gap(
            first,
            second,
            "oneOf",
            "a value may fit more than one of the branches now",
            "a value may have fitted more than one of the branches",
        )


def _places(conjunct: Conjunct, keyword: str) -> list[Place]:
    found = [conjunct.place(keyword, index) for index in range(len(_list(conjunct.get(keyword))))]
    return [place for place in found if place is not None]


def _branches(found: Containment, first: Conjunct, second: Conjunct, keyword: str) -> Iterator[Gap]:
    """Yield the gaps between each branch of the first schema and the nearest of the second."""
    after = _places(second, keyword)
    before = _places(first, keyword)
    if not before:
        # What the first schema says beside it must be in one branch.
        if not any(
            not found.between([first], conjuncts(found.second, branch), 0) for branch in after
        ):
            yield _gap(
                first,
                second,
                keyword,
                f"not shown to fit one of the branches of {keyword}",
                f"need not fit one of the branches of {keyword} any more",
            )
        return
    for index, branch in enumerate(before):
        candidates = [found.gaps(branch, each) for each in after]
        if not candidates or all(candidates):
            nearest = candidates[index] if index < len(candidates) else []
            if nearest and len(before) == len(after):
                yield from nearest
            else:
                yield Gap(
                    keyword,
                    branch,
                    None,
                    found.first.value(branch),
                    None,
                    "this kind of value is not shown to be allowed any more",
                    "this kind of value may be allowed now",
                )


def _disjoint(found: SchemaSet, branches: Sequence[Place]) -> bool:
    """Whether no value can be of two of these schemas, since they want different types."""
    visited: set[str] = set()
    for branch in branches:
        own = merged(conjuncts(found, branch)).kinds
        if own & visited:
            return False
        visited |= own
    return True


def _if(found: Containment, first: Conjunct, second: Conjunct) -> Iterator[Gap]:
    if _alike(found, first.place("if"), second.place("if")):
        yield from found.gaps(first.place("then"), second.place("then"))
        yield from found.gaps(first.place("else"), second.place("else"))
    else:
        yield _gap(
            first,
            second,
            "if",
            "a condition was added or changed; not shown to allow all that was allowed",
            "a condition was removed or changed; more may be allowed",
        )


def _not(found: Containment, first: Conjunct, second: Conjunct) -> Iterator[Gap]:
    if not _alike(found, first.place("not"), second.place("not")):
        yield _gap(
            first,
            second,
            "not",
            "more may be excluded now",
            "less may be excluded now",
        )


def _unevaluated(keyword: str, of: str) -> Rule:
    """Return the rule of a keyword that depends on all others of its schema."""

    def rule(found: Containment, first: Conjunct, second: Conjunct) -> Iterator[Gap]:
        if of not in first.kinds:
            return
        before, after = first.keywords.get(keyword), second.keywords[keyword]
        if before is None or not _alike(found, before.holder, after.holder):
            yield _gap(
                first,
                second,
                keyword,
                "not shown to allow all that was allowed",
                "more may be allowed",
            )

    return rule


def _other(_: Containment, first: Conjunct, second: Conjunct) -> Iterator[Gap]:
    for keyword, wanted in second.keywords.items():
        if keyword in RULES or keyword in _TOGETHER:
            continue
        if keyword not in first.keywords or not same(first.get(keyword), wanted.value):
            yield _gap(
                first,
                second,
                keyword,
                "its rule is not known here; it must be equal to be shown",
                "its rule is not known here",
            )


OTHER: Final = "any other keyword"
_NUMBERS = frozenset({"integer", "fraction"})
_STRINGS, _ARRAYS, _OBJECTS = frozenset({"string"}), frozenset({"array"}), frozenset({"object"})
_OBJECT_RULES = ("properties", "patternProperties", "additionalProperties")
_ARRAY_RULES = ("prefixItems", "items")
_TOGETHER: Final = (
    dict.fromkeys(_OBJECT_RULES, _OBJECT_RULES)
    | dict.fromkeys(_ARRAY_RULES, _ARRAY_RULES)
    | dict.fromkeys(("contains", "minContains", "maxContains"), ("contains",))
    | dict.fromkeys(("if", "then", "else"), ("if",))
)
"""The rules of keywords that are judged together."""

RULES: Final[dict[str, Rule]] = {
    "type": _type,
    "enum": _values("enum"),
    "const": _values("const"),
    "minimum": _simple("minimum", _NUMBERS, _at_least("minimum", "exclusiveMinimum")),
    "maximum": _simple("maximum", _NUMBERS, _at_most("maximum", "exclusiveMaximum")),
    "exclusiveMinimum": _simple("exclusiveMinimum", _NUMBERS, _at_least("exclusiveMinimum")),
    "exclusiveMaximum": _simple("exclusiveMaximum", _NUMBERS, _at_most("exclusiveMaximum")),
    "multipleOf": _simple("multipleOf", _NUMBERS, _multiple),
    "minLength": _simple("minLength", _STRINGS, _at_least("minLength", free=0)),
    "maxLength": _simple("maxLength", _STRINGS, _at_most("maxLength")),
    "pattern": _simple("pattern", _STRINGS, _equal("pattern")),
    "format": _format,
    "minItems": _simple("minItems", _ARRAYS, _at_least("minItems", free=0)),
    "maxItems": _simple("maxItems", _ARRAYS, _at_most("maxItems")),
    "uniqueItems": _simple("uniqueItems", _ARRAYS, _unique),
    "minProperties": _simple("minProperties", _OBJECTS, _at_least("minProperties", free=0)),
    "maxProperties": _simple("maxProperties", _OBJECTS, _at_most("maxProperties")),
    "required": _required,
    "dependentRequired": _dependent_required,
    "dependentSchemas": _dependent_schemas,
    "properties": _properties,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional_properties,
    "propertyNames": _property_names,
    "prefixItems": _prefix_items,
    "items": _items,
    "contains": _contains,
    "anyOf": _any_of,
    "oneOf": _one_of,
    "if": _if,
    "not": _not,
    "unevaluatedProperties": _unevaluated("unevaluatedProperties", "object"),
    "unevaluatedItems": _unevaluated("unevaluatedItems", "array"),
    OTHER: _other,
}
"""One rule per keyword: the gaps that it leaves between what the first conjunct is known to allow
and the keyword in the second.
"""
