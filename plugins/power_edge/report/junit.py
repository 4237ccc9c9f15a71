"""JUnit: what pytest's own report says of our items, in words of ours."""

import json
from collections.abc import Mapping
from typing import Any, Protocol

from power_edge.report.own_test_name import OWN_TYPE, own_test_name


class TestCase(Protocol):
    """What pytest's LogXML keeps of one testcase until it is written."""

    properties: list[tuple[str, str]]

    def add_attribute(self, name: str, value: object) -> None: ...
    def add_property(self, name: str, value: object) -> None: ...


def annotate(testcase: TestCase, metadata: Mapping[str, Any]) -> None:
    """Name the testcase after its item, and add the fields of its result as properties, once.

    The attributes file and line are written by pytest under junit_family=xunit1 alone; its own line
    counts from 0, ours from 1.
    """
    file, _, line = metadata["source"].rpartition(":")
    for name, value in (
        ("classname", f"{metadata['node']}.{metadata['type']}"),
        ("name", metadata["name"]),
        ("file", file),
        ("line", line),
    ):
        testcase.add_attribute(name, value)
    if not any(name == "outcome" for name, _ in testcase.properties):
        for name, value in metadata.items():
            testcase.add_property(name, _text(value))


def annotate_own(testcase: TestCase, node: str, test: str, outcome: str | None) -> None:
    """Name the testcase of an own test after its node; the properties follow its last phase.

    `test` is its id.
    """
    for attribute, value in (("classname", f"{node}.own"), ("name", own_test_name(node, test))):
        testcase.add_attribute(attribute, value)
    ours = {"node": node, "type": OWN_TYPE, **({"outcome": outcome} if outcome else {})}
    testcase.properties[:] = [each for each in testcase.properties if each[0] not in ours]
    for name, text in ours.items():
        testcase.add_property(name, text)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
