"""Randomly changed schemas, judged by the classifier and by real documents.

A change called MINOR or PATCH must refuse no document that was valid; one called PATCH must allow
no other. POWER_EDGE_FUZZ_SECONDS makes it go on for longer, with other changes each time.
"""

import copy
import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

from jsonschema_rs import ReferencingError, ValidationError

from power_edge.release.bundle import Judge
from power_edge.release.changes import Verdict, compare
from power_edge.release.counterexample import documents
from power_edge.release.schema_set import Place, Unusable, checked
from tests.schema_changes.rows import base

STATE = "state.schema.yaml"
PAIRS = 60
"""In an ordinary run."""
SECONDS = float(os.environ.get("POWER_EDGE_FUZZ_SECONDS", "0"))
SMALL: tuple[Any, ...] = (
    {"type": "string"}, {"type": "integer"}, {"type": ["string", "null"]}, {"enum": ["a", "running", 1]}, {"const": "any"}, {"minLength": 2},
    {"maximum": 9}, True, False, {"type": "array", "items": {"type": "string"}}, {"type": "object"}, {"$ref": "core.schema.yaml#/$defs/name"},
    {"required": ["name"]}, {"type": "array", "prefixItems": [{"type": "string"}]}, {"not": {"const": "a"}},
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    "any", "a", "running", "zz", "", "x1", "/etc", None, True, False, 0, 1, 5, 9, 80, 70000, 1.5, [], ["a"], [1], ["a", 1], {}, {"name": "n"},
    {"name": "n", "state": "running"}, {"port": 1}, {"x-a": 1}, "0644", "present",
)  # fmt: skip
KEYS = [
    "name",
    "state",
    "new",
    "port",
    "note",
    "x-a",
    "extra",
    "owner",
    "restart",
    "services",
    "files",
    "packages",
    "sysctl",
    "firewall",
    "rules",
    "path",
    "n1",
    "labels",
]
RICH: dict[str, Any] = {
    "version": "1.0", "metadata": {"site": "s", "environment": "home-lab", "labels": {"a": "b"}, "extra": {"note": "n"}},
    "services": [{"name": "ssh", "state": "running", "enabled": True}], "sysctl": {"vm.swappiness": "60"},
    "packages": [{"name": "n", "version": None, "state": "present"}],
    "firewall": {"enabled": True, "rules": [{"port": 22, "comment": "c", "weight": 1, "from": "any"}, {"port": 80, "from": ["a"]}]},
    "files": [{"path": "/a", "mode": "0644", "sha256": "0" * 64, "owner": "root", "address": "a"}],
}  # fmt: skip
MAPS, ONE, LISTS = (
    ("properties", "$defs", "patternProperties", "dependentSchemas"),
    ("items", "additionalProperties", "if", "then", "else", "not", "propertyNames", "contains"),
    ("allOf", "anyOf", "oneOf", "prefixItems"),
)


def nodes(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        yield schema
        for key, value in schema.items():
            inner = value.values() if key in MAPS else value if key in LISTS else [value]
            if key in (*MAPS, *ONE, *LISTS):
                for each in inner:
                    yield from nodes(each)


def mutate(files: dict[str, Any], by: random.Random) -> None:
    """Change one keyword of one schema."""
    file = by.choice(sorted(files))
    node = by.choice([each for each in nodes(files[file]) if "$defs" not in each])

    def small() -> Any:
        return copy.deepcopy(by.choice(SMALL))

    match by.randrange(14):
        case 0 if words := [key for key in node if key not in ("$schema", "$id", "properties")]:
            del node[by.choice(words)]
        case 1:
            limits = "minimum maximum minLength maxLength minItems maxItems minProperties maxProperties multipleOf exclusiveMinimum"
            node[by.choice(limits.split())] = by.choice([1, 2, 5, 100])
        case 2:
            types = [
                "string",
                "integer",
                "number",
                ["string", "integer"],
                ["object", "null"],
                "array",
                "object",
                ["array", "null"],
            ]
            node["type"] = by.choice(types)
        case 3 if node.get("properties"):
            del node["properties"][by.choice(sorted(node["properties"]))]
        case 4:
            node.setdefault("properties", {})[
                by.choice(["name", "state", "new", "port", "note"])
            ] = small()
        case 5:
            node["additionalProperties"] = small()
        case 6:
            node[by.choice(LISTS)] = [small() for _ in range(by.choice([1, 2]))]
        case 7:
            node["required"] = by.sample(
                ["name", "state", "port", "version", "metadata", "site"], by.choice([0, 1, 2])
            )
        case 8 if "enum" in node:
            node["enum"] = [*node["enum"], "zz"] if by.random() < 0.6 else node["enum"][1:] or ["a"]
        case 9:
            node.setdefault("patternProperties", {})[by.choice(["^x-", "^n", "a"])] = small()
        case 10:
            node["items"] = small()
        case 11:
            node[by.choice(["not", "if", "then", "else", "propertyNames", "contains"])] = small()
        case 12:
            node[by.choice(["minContains", "maxContains"])] = by.choice([0, 1, 2])
            node.setdefault("contains", small())
        case _:
            node[by.choice(["dependentRequired", "dependentSchemas"])] = by.choice(
                [{"name": ["state"]}, {"port": ["note", "name"]}]
            )
            if "dependentSchemas" in node:
                node["dependentSchemas"] = {"name": small()}
    node["x-note"] = by.random()


def edited(value: Any, by: random.Random) -> Any:
    """A document in which something stands elsewhere, or is gone."""
    value = copy.deepcopy(value)
    for _ in range(by.choice([1, 1, 2])):
        holders = [each for each in _holders(value) if each]
        if not holders or by.random() < 0.15:
            if isinstance(value, dict):
                value[by.choice(KEYS)] = copy.deepcopy(by.choice(VALUES))
            continue
        holder = by.choice(holders)
        key = by.choice(sorted(holder)) if isinstance(holder, dict) else by.randrange(len(holder))
        match by.randrange(3):
            case 0:
                holder[key] = copy.deepcopy(by.choice(VALUES))
            case 1:
                del holder[key]
            case _ if isinstance(holder[key], dict):
                holder[key][by.choice(KEYS)] = copy.deepcopy(by.choice(VALUES))
            case _ if isinstance(holder[key], list):
                holder[key].append(copy.deepcopy(by.choice([*holder[key], *VALUES])))
    return value


def _holders(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        yield value
        for each in value.values() if isinstance(value, dict) else value:
            yield from _holders(each)


def pool(by: random.Random) -> list[Any]:
    known = [*documents(checked("base", base()), STATE), *[RICH] * 200]
    return known + [edited(by.choice(known), by) for _ in range(4000)]


def test_no_change_is_called_less_than_it_is() -> None:
    by = random.Random(time.time_ns() if SECONDS else 7)
    known, root = pool(by), Place(STATE)
    original = checked("base", base())
    judge = Judge(original)
    counts: Counter[str] = Counter()
    end = time.monotonic() + SECONDS
    while counts["pairs"] < PAIRS or time.monotonic() < end:
        files = copy.deepcopy(base())
        for _ in range(by.choice([1, 1, 2, 3])):
            mutate(files, by)
        try:
            changed = checked("changed", files)
            other = Judge(changed)
            other.is_valid(root, RICH)
        except (Unusable, ValidationError, ReferencingError):
            counts["unusable"] += 1
            continue
        values = by.sample(known, 1500)
        allowed = [(judge.is_valid(root, value), other.is_valid(root, value)) for value in values]
        for first, second, is_turned in ((original, changed, False), (changed, original, True)):
            verdict = compare(first, second).verdict
            counts["pairs"] += 1
            counts[verdict.name] += 1
            shown = False
            for value, pair in zip(values, allowed, strict=True):
                was, now = reversed(pair) if is_turned else pair
                shown = shown or (was and not now)
                assert not (was and not now) or verdict is Verdict.MAJOR, (files, value)
                assert not (now and not was) or verdict is not Verdict.PATCH, (files, value)
            counts["MAJOR, seen"] += verdict is Verdict.MAJOR and shown
    print(dict(counts))
    assert counts["MAJOR, seen"] > 0
    assert counts["MINOR"] > 0
    assert counts["PATCH"] > 0
