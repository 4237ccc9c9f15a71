"""The rules of role files: conditions, types and texts."""

from typing import Any

import msgspec
import pytest

from power_edge.config.role_files import schemas
from power_edge.model.generated.role_schema import RoleFile
from power_edge.roles.derive import Beside, derive

CONFIG = {
    "type": "object",
    "properties": {
        "on": {"type": "boolean", "default": False},
        "count": {"type": "integer"},
        "words": {"type": "array"},
    },
}


def derived(rule: dict[str, Any], config: dict[str, Any] | None = None, **identity: Any) -> Any:
    """What one rule of a role derives: declarations; or what is wrong."""
    text = {"name": "r", "description": "x", "config": CONFIG, "rules": [{"reason": "y", **rule}]}
    role = msgspec.convert(text, RoleFile)
    declared = {"roles": [{"name": "r", "config": config}], **identity}
    found = derive(declared, Beside(None, {}), {"r": role}, schemas())
    return [fault.message for fault in found.faults] or [each.declaration for each in found.demands]


ITEM = {"item": {"sysctl": {"a.b": "1"}}}
YES: list[dict[str, str]] = [{"a.b": "1"}]


@pytest.mark.parametrize(
    ("when", "config", "holds"),
    [
        ({"config.on": False}, {}, True),  # by default
        ({"config.on": True}, {"on": True}, True),
        ({"config.on": [True, False]}, {"on": True}, True),
        ({"config.count": 1}, {"count": 1}, True),
        ({"config.count": True}, {"count": 1}, False),  # true is not 1
        ({"config.count": [2, 3]}, {"count": 1}, False),
        ({"config.count": None}, {}, True),
        ({"config.count": None}, {"count": 0}, False),
        ({"config.count": 0}, {"count": None}, False),
        ({"config.on": False, "config.count": 1}, {"count": 2}, False),
    ],
)
def test_conditions(when: dict[str, Any], config: dict[str, Any], holds: bool) -> None:
    assert derived({**ITEM, "when": when}, config) == (YES if holds else [])


@pytest.mark.parametrize(
    ("item", "config", "expected"),
    [
        ({"sysctl": {"a.b": "{config.on}"}}, {"on": True}, {"a.b": "1"}),
        ({"sysctl": {"a.b": "{config.count}"}}, {"count": 7}, {"a.b": "7"}),
        ({"sysctl": {"a.{config.count}.b": "x{config.on}"}}, {"count": 7}, {"a.7.b": "x0"}),
        ({"firewall": {"rules": [{"port": "{config.count}"}]}}, {"count": 7}, {"rules": [{"port": 7}]}),
        ({"services": {"name": "a{config.on}", "enabled": "{config.on}"}}, {}, {"name": "afalse", "enabled": False}),
        ({"services": {"name": "{not a path} {}"}}, {}, {"name": "{not a path} {}"}),
    ],
)  # fmt: skip
def test_values_keep_their_types(
    item: dict[str, Any], config: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert derived({"item": item}, config) == [expected]


def test_a_path_without_a_value_derives_nothing() -> None:
    assert derived({"item": {"sysctl": {"a.b": "{config.count}"}}}) == []


def test_a_list_is_no_text() -> None:
    rule = {"item": {"services": {"name": "a{config.words}"}}}
    assert derived(rule, {"words": ["x"]}) == [
        "r needs one value at config.words, and it is a list or a mapping"
    ]
