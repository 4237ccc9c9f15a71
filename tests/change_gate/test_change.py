"""Items are compared by all that they declare, and grouped by what differs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from power_edge.change_gate.change import (
    Change,
    Field,
    Kind,
    differences,
    grouped,
    of_document,
    of_items,
)
from power_edge.config.yaml_reader import Document, read
from power_edge.model import Item, Reason, Source, Value
from power_edge.model.generated.resources.services_schema import Service
from tests.support.change import compared

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


def services(**states: str) -> list[Item]:
    return [
        item(Service(name=name, state=state), {"state": state})  # type: ignore[arg-type]
        for name, state in states.items()
    ]


def test_an_item_that_demands_nothing_is_added_and_removed_all_the_same() -> None:
    one = item(Service(name="ssh"), {})
    assert list(differences(None, one)) == [Field("declared", False, True)]
    assert list(differences(one, None)) == [Field("declared", True, False)]


def named(kind: str, name: str, value: str) -> dict[str, Any]:
    if kind == "sysctl":
        return {"sysctl": {name: value}}
    entry = {"path": name, "mode": value} if kind == "files" else {"name": name, "state": value}
    return {"sysctl": {}, kind: [entry]}


@pytest.mark.parametrize(
    ("kind", "values", "before", "now", "names"),
    [
        ("sysctl", "01", "net.ipv4.ip_forward", "net/ipv4/ip_forward", {"net.ipv4.ip_forward", "net/ipv4/ip_forward"}),
        # The policy may have the name before, which no rule makes of the one after.
        ("files", ("0440", "0666"), "/etc//sudoers", "/etc/./sudoers", {"/etc//sudoers", "/etc/./sudoers", "/etc/sudoers"}),
        ("services", ("running", "stopped"), "ssh.service", "ssh.service", {"ssh", "ssh.service"}),
        ("services", ("running", "stopped"), "my.app.service", "my.app.service", {"my.app", "my.app.service"}),
        # `apt-daily` would be the service.
        ("services", ("running", "stopped"), "apt-daily.timer", "apt-daily.timer", {"apt-daily.timer"}),
    ],
)  # fmt: skip
def test_the_spellings_of_an_item(
    tmp_path: Path, kind: str, values: Sequence[str], before: str, now: str, names: set[str]
) -> None:
    found, _ = compared(
        tmp_path,
        lambda at: at.node("a", **named(kind, before, values[0])),
        lambda at: at.node("a", **named(kind, now, values[1])),
    )
    [change] = found.changes
    [paths] = change.paths
    assert {path.removeprefix(f"{kind}.").rpartition(".")[0] for path in paths} == names


UP: dict[str, str] = {"a": "running"}


@pytest.mark.parametrize(
    ("before", "now", "changes"),
    [
        (UP, UP, []),
        (UP, {"a": "stopped"}, [("a", Kind.CHANGED, "running", "stopped")]),
        (UP, {}, [("a", Kind.REMOVED, "running", None)]),
        ({}, UP, [("a", Kind.ADDED, None, "running")]),
        # What comes after one that is the same is not passed over.
        ({**UP, "b": "running"}, {**UP, "b": "stopped"}, [("b", Kind.CHANGED, "running", "stopped")]),
        (UP, {"b": "running"}, [("a", Kind.REMOVED, "running", None), ("b", Kind.ADDED, None, "running")]),
    ],
)  # fmt: skip
def test_each_item_that_differs(
    before: dict[str, str], now: dict[str, str], changes: list[tuple[object, ...]]
) -> None:
    found = of_items("n", services(**before), services(**now), {})
    assert [
        (each.name, each.kind, each.fields[0].was, each.fields[0].now) for each in found
    ] == changes


def test_a_change_has_the_role_whose_file_differs() -> None:
    demanded = Reason(PLACE, "roles", "relay", "relay", "relay needs it")
    other = Reason(PLACE, "roles", "hub", "hub", "hub needs it")
    roles = {"relay": Source("node-configs/roles/relay.yaml", 7)}
    [one], [two] = services(a="running"), services(a="stopped")
    for before, now, role in (
        (one._replace(reasons=(other, demanded)), two, "relay"),
        (one, two._replace(reasons=(demanded,)), "relay"),
        (one, two._replace(reasons=(other,)), None),
        (one, two, None),
    ):
        [change] = of_items("n", [before], [now], roles)
        assert (change.role, change.cause) == (role, roles.get(role or ""))
        assert change.source == PLACE
    [change] = of_items("n", [], [two._replace(reasons=(demanded, demanded))], roles)
    assert change.reasons == ("relay needs it",)
    assert change.paths == (("relay",), ("services.a.state", "services.a.service.state"))


def document(text: str | None) -> Document | None:
    return None if text is None else read(text.encode(), "node-configs/n/x.yaml")


@pytest.mark.parametrize(
    ("before", "now", "changes"),
    [
        ("a: 1", "a: 1", []),
        ("a: 1", "a: 2", [("a", Kind.CHANGED, 1, 2)]),
        ("a: 1", "a: '1'", [("a", Kind.CHANGED, 1, "1")]),
        ("a: 1", "a: true", [("a", Kind.CHANGED, 1, True)]),
        ("a: 1", "a: 1.0", [("a", Kind.CHANGED, 1, 1.0)]),
        ("a: 1", "b: 1", [("a", Kind.REMOVED, 1, None), ("b", Kind.ADDED, None, 1)]),
        ("a: 1\nb: 1", "a: 1\nb: 2", [("b", Kind.CHANGED, 1, 2)]),
        ("a: 1", None, [("a", Kind.REMOVED, 1, None)]),
        (None, "a: 1", [("a", Kind.ADDED, None, 1)]),
        ("a: {b: 1, c: 1}", "a: {c: 1, b: 2}", [("a.b", Kind.CHANGED, 1, 2)]),
        ("a: [1, 2]", "a: [2, 1]", [("a", Kind.CHANGED, [1, 2], [2, 1])]),
        # A list of things with names has no order.
        ("a: [{name: x, b: 1}, {name: y, b: 1}]", "a: [{name: y, b: 1}, {name: x, b: 1}]", []),
        (
            "a: [{name: x, b: 1}, {name: y, b: 1}]",
            "a: [{name: y, b: 2}, {name: x, b: 1}]",
            [("a.y.b", Kind.CHANGED, 1, 2)],
        ),
        ("a: [{name: x}]", "a: [{name: x}, {name: y}]", [("a.y.name", Kind.ADDED, None, "y")]),
        # Two entries with the same name cannot be matched up.
        (
            "a: [{name: x, b: 1}, {name: x, b: 2}]",
            "a: [{name: x, b: 2}, {name: x, b: 2}]",
            [("a", Kind.CHANGED, [{"name": "x", "b": 1}, {"name": "x", "b": 2}], [{"name": "x", "b": 2}] * 2)],
        ),
        ("a: [{name: x}, 1]", "a: [{name: x}, 2]", [("a", Kind.CHANGED, [{"name": "x"}, 1], [{"name": "x"}, 2])]),
        ("a: [{name: 1}]", "a: [{name: 2}]", [("a", Kind.CHANGED, [{"name": 1}], [{"name": 2}])]),
        ("a: {}", "a: []", [("a", Kind.CHANGED, {}, [])]),
        ("a: {}", "a: {}", []),
        ("a: [{b: 1, c: 1}]", "a: [{c: 1, b: 1}]", []),
        ("a: {}", "a: {b: 1}", [("a", Kind.REMOVED, {}, None), ("a.b", Kind.ADDED, None, 1)]),
        # Where a key may hold a password.
        ("ssh: {host: x}", "ssh: {host: y}", [("ssh.host", Kind.CHANGED, None, None)]),
    ],
)  # fmt: skip
def test_each_field_of_a_file_that_differs(
    before: str | None, now: str | None, changes: list[tuple[object, ...]]
) -> None:
    found = [*of_document("n", "x.yaml", document(before), document(now))]
    shown: list[Any] = [
        (each.name, each.kind, each.fields[0].was, each.fields[0].now) for each in found
    ]
    assert repr(shown) == repr(changes)  # 1 and true are equal
    assert all(each.fields[0].secret is (each.name == "ssh.host") for each in found)
    assert {each.paths for each in found} == {((each.name,),) for each in found}
    assert all((each.key, each.fields[0].name) == (each.name, "") for each in found)


def test_of_some_keys_alone() -> None:
    before, now = document("version: 1\nmetadata: {a: 1}\nsysctl: {a: 1}"), document("sysctl: {}")
    found = of_document("n", "state.yaml", before, now, ("version", "metadata"))
    assert [each.name for each in found] == ["version", "metadata.a"]


@pytest.mark.parametrize(
    ("text", "name", "line"),
    [
        ("a: 1\nb:\n  c: 2", "b.c", 3),
        ("a:\n- name: x\n  b: 1\n- name: y\n  b: 2", "a.y.b", 5),
        ("a:\n- name: x\n  b: 1\n- name: y\n  b: 2", "a.x.b", 3),
        ("a:\n  b: {name: x}", "a.b.name", 2),
        ("a:\n- 1\n- 2", "a", 1),
    ],
)
def test_where_a_field_stands(text: str, name: str, line: int) -> None:
    found = {each.name: each.source.line for each in of_document("n", "x", None, document(text))}
    assert found[name] == line
    gone = {each.name: each.source.line for each in of_document("n", "x", document(text), None)}
    assert gone == found


def test_groups_are_by_what_changed() -> None:
    def change(node: str, **more: Any) -> Change:
        given: dict[str, Any] = {
            "type": "sysctl",
            "name": "a",
            "kind": Kind.CHANGED,
            "fields": (Field("value", "1", "2"),),
            **more,
        }
        return Change(node, key="a", source=PLACE, **given)

    alone = [
        change("c", type="services"),
        change("c", name="b"),
        change("c", kind=Kind.ADDED),
        change("c", role="relay"),
        change("c", fields=(Field("other", "1", "2"),)),
        change("c", fields=(Field("value", "0", "2"),)),
        change("c", fields=(Field("value", "1", "2", secret=True),)),
        change("c", fields=(Field("value", "1", "2"), Field("x", "1", "2"))),
    ]
    groups = grouped([change("b"), *alone, change("a")])
    assert sorted(group.nodes for group in groups) == [("a", "b"), *[("c",)] * len(alone)]
