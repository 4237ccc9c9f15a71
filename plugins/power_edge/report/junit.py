"""JUnit: what pytest's own report says of our items, in the words of the JSON report."""

import json
from typing import Protocol

from power_edge.model.generated import report_schema
from power_edge.report.own_test_name import OWN_TYPE, own_test_name
from power_edge.report.record import as_json


class TestCase(Protocol):
    """What pytest's LogXML keeps of one test case until it is written."""

    properties: list[tuple[str, str]]

    def add_attribute(self, name: str, value: object) -> None:
        """Set an attribute of the element."""

    def add_property(self, name: str, value: object) -> None:
        """Add a property to the element."""


def annotate(testcase: TestCase, item: report_schema.Item) -> None:
    """Name the test case after its item, and add the fields of its record as properties, once.

    pytest writes the attributes file and line under junit_family=xunit1 alone. Its own line counts
    from 0, ours from 1.
    """
    file, _, line = (item.source or "").rpartition(":")
    for name, value in (
        ("classname", f"{item.node}.{item.type}"),
        ("name", item.name),
        ("file", file),
        ("line", line),
    ):
        testcase.add_attribute(name, value)
    if not any(name == "outcome" for name, _ in testcase.properties):
        for name, value in as_json(item).items():
            testcase.add_property(name, _text(value))


def annotate_own(testcase: TestCase, node: str, test: str, outcome: str | None) -> None:
    """Name the test case of an own test after its node, and set its properties.

    `test` is its test id. The properties are those of its last phase.
    """
    for attribute, value in (("classname", f"{node}.own"), ("name", own_test_name(node, test))):
        testcase.add_attribute(attribute, value)
    ours = {"node": node, "type": OWN_TYPE, **({"outcome": outcome} if outcome else {})}
    testcase.properties[:] = [each for each in testcase.properties if each[0] not in ours]
    for name, text in ours.items():
        testcase.add_property(name, text)


def _text(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
