"""Sets of several files: resource types, files that only lend definitions, and where changes are."""

from typing import Any

from power_edge.release.changes import Change, Verdict, compare, field
from power_edge.release.schema_set import checked

STATE: dict[str, Any] = {"type": "object", "additionalProperties": False, "properties": {}}
LISTED: dict[str, Any] = {
    "type": "object",
    "required": ["name"],
    "additionalProperties": False,
    "properties": {"name": {"$ref": "../core.schema.yaml#/$defs/name"}},
}
CORE: dict[str, Any] = {"$defs": {"name": {"type": "string", "maxLength": 9}}}
FILES = {
    "state.schema.yaml": STATE,
    "core.schema.yaml": CORE,
    "resources/disks.schema.yaml": LISTED,
}


def told(old: dict[str, Any], new: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    return [_told(each) for each in compare(checked("old", old), checked("new", new)).changes]


def _told(change: Change) -> tuple[str, str, str, str]:
    return change.verdict.name, change.file, change.pointer, change.field


def without(file: str) -> dict[str, Any]:
    return {name: schema for name, schema in FILES.items() if name != file}


def test_a_resource_type_is_a_section_of_the_state() -> None:
    place = ("resources/disks.schema.yaml", "", "disks")
    assert told(without(place[0]), FILES) == [("MINOR", *place)]
    assert told(FILES, without(place[0])) == [("MAJOR", *place)]


def test_a_change_of_a_definition_is_told_where_it_stands_and_for_each_field() -> None:
    core = {"$defs": {"name": {"type": "string", "maxLength": 8}}}
    more = {**FILES, "resources/mounts.schema.yaml": LISTED}
    pointer = "/$defs/name/maxLength"
    assert told(more, {**more, "core.schema.yaml": core}) == [
        ("MAJOR", "core.schema.yaml", pointer, "disks[].name"),
        ("MAJOR", "core.schema.yaml", pointer, "mounts[].name"),
    ]


def test_a_definition_that_nobody_uses_is_a_patch() -> None:
    core = {"$defs": {**CORE["$defs"], "new": {"type": "string"}}}
    assert [each[0] for each in told(FILES, {**FILES, "core.schema.yaml": core})] == ["PATCH"]


def test_a_list_that_becomes_a_section_is_major() -> None:
    single = {name: value for name, value in LISTED.items() if name != "required"}
    changed = {**FILES, "resources/disks.schema.yaml": single}
    assert told(FILES, changed)[0][0] == "MAJOR"


def test_a_schema_that_is_gone_or_new() -> None:
    assert told(FILES, without("state.schema.yaml"))[0][:2] == ("MAJOR", "state.schema.yaml")
    assert told(without("state.schema.yaml"), FILES)[0][:2] == ("MINOR", "state.schema.yaml")


def test_the_verdict_is_that_of_the_worst_change() -> None:
    old = checked("old", {"a.schema.yaml": {"enum": ["x", "y"], "title": "a"}})
    new = checked("new", {"a.schema.yaml": {"enum": ["y", "z"], "title": "b"}})
    difference = compare(old, new)
    assert difference.verdict is Verdict.MAJOR
    assert [change.verdict.name for change in difference.changes] == ["MAJOR", "PATCH"]


def test_a_field_is_written_as_an_operator_writes_it() -> None:
    way = (("name", "services"), ("item", ""), ("name", "state"))
    assert field(way) == "services[].state"
    assert field((("name", "sysctl"), ("name", "vm.swappiness"))) == 'sysctl["vm.swappiness"]'
    assert field((("name", "labels"), ("any", ""))) == "labels.*"
    assert field(()) == ""
