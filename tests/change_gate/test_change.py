"""Items are compared by all that they declare, and grouped by what differs."""

from collections.abc import Mapping

from power_edge.change_gate.change import Change, Field, Kind, differences, grouped, of_items
from power_edge.model import Item, Source, Value
from power_edge.model.generated.resources.services_schema import Service

PLACE = Source("node-configs/a/state.yaml", 4)


def item(declared: Service, expected: Mapping[str, Value]) -> Item:
    return Item(
        "a", "services", declared.name, f"{declared.name}.service", declared, expected, (PLACE,)
    )


def test_a_difference_that_no_report_shows_is_a_change_all_the_same() -> None:
    one = item(Service(name="ssh", state="running", enabled=True), {"state": "running"})
    other = item(Service(name="ssh", state="running", enabled=False), {"state": "running"})
    assert list(differences(one, other)) == [Field("declaration", None, None, secret=True)]
    assert list(differences(one, one)) == []


def test_another_spelling_of_one_thing_is_the_same_item() -> None:
    declared = {"state": "running"}
    one = item(Service(name="ssh", state="running"), declared)
    other = item(Service(name="ssh", state="stopped"), {"state": "stopped"})
    [change] = of_items("a", [one], [other._replace(name="ssh.service")], {})
    assert (change.kind, change.name, change.source) == (Kind.CHANGED, "ssh.service", PLACE)
    assert change.fields == (Field("state", "running", "stopped"),)
    assert change.paths == (("services.ssh.service.state", "services.ssh.state"),)


def test_values_that_only_look_equal_are_not_one_group() -> None:
    def change(node: str, now: Value) -> Change:
        fields = (Field("value", "1", now),)
        return Change(node, "sysctl", "a", "a", Kind.CHANGED, fields, PLACE)

    groups = grouped([change("b", 1), change("a", 1), change("c", True), change("d", "1")])
    assert sorted(group.nodes for group in groups) == [("a", "b"), ("c",), ("d",)]
