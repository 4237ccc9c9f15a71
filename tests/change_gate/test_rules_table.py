"""The rules of a policy over two folders, without git: what is broken, and what is not."""

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from power_edge.change_gate import sides
from power_edge.change_gate.rules import Actor, Breach, Case, breaches, person
from power_edge.config import Node
from power_edge.config.policy import load_policy
from tests.support import answers
from tests.support.change import Folder, compared

Nodes = Mapping[str, Mapping[str, Any]]
"""Name -> the arguments of Folder.node."""
NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
ANN, JOE = Actor((frozenset(["ann"]),)), Actor((frozenset(["joe"]),))


def written(nodes: Nodes, *, roles: Collection[str] = ()) -> Callable[[Folder], None]:
    def write(folder: Folder) -> None:
        for role in roles:
            folder.role(role)
        for name, given in nodes.items():
            folder.node(name, **given)

    return write


def case(
    folder: Path,
    policy: Mapping[str, Any],
    old: Callable[[Folder], object],
    new: Callable[[Folder], object],
    *,
    is_committed: bool = True,
    **more: Any,
) -> Case:
    """Return a change from one side to another; both have the policy, unless `new` writes one."""

    def before(side: Folder) -> None:
        old(side)
        side.policy(**policy)

    def after(side: Folder) -> None:
        side.policy(**policy)
        new(side)

    difference, root = compared(folder, before, after, is_committed=is_committed)
    loaded = load_policy(root)
    assert loaded is not None
    return Case(loaded, difference, **{"now": NOW, "actor": ANN, **more})


def broken(folder: Path, policy: Mapping[str, Any], old: Nodes, new: Nodes, **more: Any) -> str:
    """Return the messages of all breaches, each with its rule."""
    roles = more.pop("roles", ())
    found = breaches(
        case(folder, policy, written(old, roles=roles), written(new, roles=roles), **more)
    )
    return "\n".join(f"{each.rule}: {each.message}" for each in found)


def value(number: int, **more: Any) -> dict[str, Any]:
    return {"sysctl": {"vm.swappiness": str(number)}, **more}


PROD = {"environment": "production"}
LAB = {"nodes": ["lab"]}
SAID = "sysctl[vm.swappiness] changes on 1 production node (rig-2)"
GONE = "sysctl[kernel.panic] is removed from 1 production node (rig-2)"
BOTH = {"sysctl": {"vm.swappiness": "1", "kernel.panic": "1"}}


@pytest.mark.parametrize(
    ("canary", "old", "new", "message"),
    [
        (LAB, {"rig-2": value(1, **PROD), "lab": value(1)}, {"rig-2": value(2, **PROD), "lab": value(1)}, SAID),
        (LAB, {"rig-2": value(1, **PROD), "lab": value(1)}, {"rig-2": value(2, **PROD), "lab": value(2)}, ""),
        (LAB, {"rig-2": value(1), "lab": value(1)}, {"rig-2": value(2), "lab": value(1)}, ""),
        # It was none, and becomes one.
        (LAB, {"rig-2": value(1), "lab": value(1)}, {"rig-2": value(2, **PROD), "lab": value(1)}, SAID),
        # A canary of the environment that it had before.
        ({"environment": "staging"}, {"rig-2": value(1, **PROD), "lab": value(1)}, {"rig-2": value(2, **PROD), "lab": value(2)}, ""),
        (
            {"environment": "staging"},
            {"rig-2": value(1, **PROD), "lab": value(1, environment="development")},
            {"rig-2": value(2, **PROD), "lab": value(2)},
            SAID,
        ),
        # A production node can be a canary.
        ({"nodes": ["rig-1"]}, {"rig-1": value(1, **PROD), "rig-2": value(1, **PROD)}, {"rig-1": value(2, **PROD), "rig-2": value(1, **PROD)}, ""),
        # What comes before it in the list hides no change: a canary, another kind of node, one that
        # is gone, a change of no item.
        (
            LAB,
            {"aa": value(1), "lab": value(1), "oo": value(1, **PROD), "pp": value(1, **PROD, identity={"node": {"hostname": "a"}}), "rig-2": value(1, **PROD)},
            {"aa": value(9), "lab": value(9), "pp": value(1, **PROD, identity={"node": {"hostname": "b"}}), "rig-2": value(2, **PROD)},
            SAID,
        ),
        # One of two canaries is enough, whichever it is.
        ({"nodes": ["lab", "zz"]}, {"rig-2": value(1, **PROD), "lab": value(1), "zz": value(1)}, {"rig-2": value(2, **PROD), "lab": value(3), "zz": value(2)}, ""),
        ({"nodes": ["lab", "zz"]}, {"rig-2": value(1, **PROD), "lab": value(1), "zz": value(1)}, {"rig-2": value(2, **PROD), "lab": value(2), "zz": value(3)}, ""),
        # A new production node.
        (LAB, {"lab": value(1)}, {"rig-2": value(2, **PROD), "lab": value(1)}, SAID),
        (LAB, {"lab": value(1)}, {"rig-2": value(1, **PROD), "lab": value(1)}, ""),
        (LAB, {"rig-2": {**BOTH, **PROD}, "lab": BOTH}, {"rig-2": value(1, **PROD), "lab": BOTH}, GONE),
        (LAB, {"rig-2": {**BOTH, **PROD}, "lab": value(1)}, {"rig-2": value(1, **PROD), "lab": value(1)}, GONE),
        (LAB, {"rig-2": {**BOTH, **PROD}, "lab": BOTH}, {"rig-2": value(1, **PROD), "lab": value(1)}, ""),
    ],
)  # fmt: skip
def test_canary(
    tmp_path: Path, canary: dict[str, Any], old: Nodes, new: Nodes, message: str
) -> None:
    found = broken(tmp_path, {"canary": canary}, old, new)
    assert (message in found) if message else found == ""
    assert found.count("\n") == 0


@pytest.mark.parametrize(
    ("history", "is_lost"),
    [
        ([], False),
        ([{"lab": BOTH}], True),
        ([{"lab": value(1)}], False),
        ([{"lab": value(1)}, {"lab": BOTH}], True),
        # Nothing older is read than what answers the question.
        ([{"lab": BOTH}, None], True),
        ([{"other": BOTH}], False),
        ([{}], False),
    ],
)
def test_a_canary_that_once_had_an_item(
    tmp_path: Path, history: Iterable[Nodes | None], is_lost: bool
) -> None:
    asked = []

    def earlier(names: Collection[str]) -> Iterable[Mapping[str, Node]]:
        asked.append({*names})
        for index, nodes in enumerate(history):
            assert nodes is not None
            past = Folder(tmp_path / str(index))
            written(nodes)(past)
            yield sides.before(past.root).nodes

    old = {"rig-2": {**BOTH, **PROD}, "lab": value(1)}
    new = {"rig-2": value(1, **PROD), "lab": value(1)}
    found = broken(tmp_path / "change", {"canary": LAB}, old, new, earlier=earlier)
    assert (GONE in found) is not is_lost
    assert asked == [{"lab"}]


@pytest.mark.parametrize(
    ("history", "message"),
    [
        # One is lost in this change, and one was lost earlier.
        ([{"lab": BOTH}], ""),
        ([{"lab": value(1)}], GONE),
    ],
)
def test_each_removed_item_needs_a_canary_that_lost_it(
    tmp_path: Path, history: list[Nodes], message: str
) -> None:
    def earlier(_: Collection[str]) -> Iterable[Mapping[str, Node]]:
        for index, nodes in enumerate(history):
            past = Folder(tmp_path / str(index))
            written(nodes)(past)
            yield sides.before(past.root).nodes

    old = {"rig-2": {**BOTH, **PROD}, "lab": value(1)}
    new: Nodes = {"rig-2": {"sysctl": {}, **PROD}, "lab": {"sysctl": {}}}
    found = broken(tmp_path / "change", {"canary": LAB}, old, new, earlier=earlier)
    assert (message in found) if message else found == ""
    assert found.count("\n") == 0


def test_the_past_of_a_canary_is_not_read_for_what_it_loses_now(tmp_path: Path) -> None:
    def earlier(_: Collection[str]) -> Iterable[Mapping[str, Node]]:
        raise AssertionError("read")

    old: Nodes = {"rig-2": {**BOTH, **PROD}, "lab": BOTH}
    new = {"rig-2": value(1, **PROD), "lab": value(1)}
    assert broken(tmp_path, {"canary": LAB}, old, new, earlier=earlier) == ""


def relays(*names: str, change: int = 1) -> dict[str, Any]:
    return {name: value(change, roles=("relay",)) for name in names}


@pytest.mark.parametrize(
    ("share", "old", "new", "words"),
    [
        (0.5, relays("a", "b", "c", "d"), relays("a", "b") | relays("c", "d", change=2), ""),
        (0.5, relays("a", "b", "c", "d"), relays("a") | relays("b", "c", "d", change=2), "3 of the 4"),
        (0.1, relays("a", "b"), relays("a") | relays("b", change=2), ""),
        (0.1, relays("a", "b"), relays("a", "b", change=2), "2 of the 2"),
        # Those without the role count in neither number.
        (0.5, relays("a", "b") | {"c": value(1), "d": value(1)}, relays("a") | relays("b", change=2) | {"c": value(2), "d": value(2)}, ""),
        (0.5, relays("a", "b") | {"c": value(1), "d": value(1)}, relays("a", "b", change=2) | {"c": value(1), "d": value(1)}, "2 of the 2"),
        # Those that get it, lose it, or are gone are touched.
        (0.5, relays("a", "b") | {"c": value(1)}, relays("a", "b", "c", "d"), "2 of the 2"),
        (0.5, relays("a", "b"), {"a": value(1), "b": value(1)}, "2 of the 2"),
        (0.5, relays("a", "b", "c"), relays("c"), "2 of the 3"),
        (0.58, relays(*(f"n{n}" for n in range(50))), relays(*(f"n{n}" for n in range(29)), change=2) | relays(*(f"n{n}" for n in range(29, 50))), ""),
    ],
)  # fmt: skip
def test_max_share(tmp_path: Path, share: float, old: Nodes, new: Nodes, words: str) -> None:
    policy = {"max_share": {"relay": share}}
    found = broken(tmp_path, policy, old, new, roles=["relay"])
    assert (f"max_share: the change touches {words} nodes" in found) if words else found == ""


def test_each_role_has_its_share(tmp_path: Path) -> None:
    old = relays("a", "b") | {name: value(1, roles=("hub",)) for name in ("c", "d")}
    new = relays("a", "b") | {name: value(2, roles=("hub",)) for name in ("c", "d")}
    found = broken(
        tmp_path, {"max_share": {"relay": 0.5, "hub": 0.5}}, old, new, roles=["relay", "hub"]
    )
    assert "with the role hub (c, d), and 50% of them are allowed: 1" in found
    assert "relay" not in found


OWNERS = [
    {"paths": ["node-configs/a"], "who": ["ann"]},
    {"fields": ["sysctl.vm"], "who": ["joe", "Net"]},
]


@pytest.mark.parametrize(
    ("actor", "new", "rules"),
    [
        (ANN, {"a": value(2), "b": value(1)}, ["joe, Net"]),
        (JOE, {"a": value(2), "b": value(1)}, ["ann"]),
        (Actor((frozenset(["joe", "ann"]),)), {"a": value(2), "b": value(1)}, []),
        # Two persons wrote it: each of them must be an owner.
        (Actor((frozenset(["ann"]), frozenset(["joe"]))), {"a": value(2), "b": value(1)}, ["ann", "joe, Net"]),
        (Actor((frozenset(["NET"]), frozenset(["joe"]))), {"a": value(1), "b": value(2)}, []),
        (Actor(), {"a": value(1), "b": value(2)}, ["joe, Net"]),
        (Actor(), {"a": value(1), "b": value(1)}, []),
        (ANN, {"b": value(1)}, ["joe, Net"]),
    ],
)  # fmt: skip
def test_owners(tmp_path: Path, actor: Actor, new: Nodes, rules: list[str]) -> None:
    found = breaches(
        case(
            tmp_path,
            {"owners": OWNERS},
            written({"a": value(1), "b": value(1)}),
            written(new),
            actor=actor,
        )
    )
    assert [each.message.rpartition("owned by ")[2] for each in found] == rules
    assert [each.lift for each in found] == [f"{who} can make the change" for who in rules]


@pytest.mark.parametrize(
    ("actor", "new", "paths"),
    [
        (ANN, value(1), []),
        (ANN, {"sysctl": {"kernel.panic": "5", "vm.swappiness": "5"}}, ["sysctl.vm.swappiness.value", "sysctl.kernel.panic.value"]),
        # One of two fields is the actor's.
        (JOE, {"sysctl": {"kernel.panic": "5", "vm.swappiness": "5"}}, ["sysctl.kernel.panic.value"]),
        (JOE, {"sysctl": {"vm.swappiness": "5"}}, []),
        (Actor(), {"sysctl": {"vm.swappiness": "5"}}, ["sysctl.vm.swappiness.value"]),
        # What is not protected comes first.
        (ANN, value(1, packages=[{"name": "jq"}], firewall={"enabled": True}), ["firewall.enabled.enabled"]),
    ],
)  # fmt: skip
def test_protected(tmp_path: Path, actor: Actor, new: dict[str, Any], paths: list[str]) -> None:
    policy = {
        "protected": ["firewall", "sysctl"],
        "owners": [
            {"fields": ["sysctl.vm"], "who": ["joe"]},
            {"paths": ["node-configs/x"], "who": ["ann"]},
        ],
    }
    found = breaches(
        case(tmp_path, policy, written({"a": value(1)}), written({"a": new}), actor=actor)
    )
    said = [each.message for each in found if each.rule == "protected"]
    assert [each.partition(" is protected")[0] for each in said] == paths


def frozen(tmp_path: Path, now: datetime, new: Nodes) -> list[Breach]:
    windows = [
        {"from": "2026-05-01", "to": "2026-05-02", "why": "past"},
        {"from": "2026-06-01 12:00", "to": "2026-06-01 13:00", "why": "lunch"},
        {"from": "2026-07-01", "to": "2026-07-02", "why": "later"},
    ]
    policy = {"freeze": [{**each, "timezone": "UTC"} for each in windows]}
    return breaches(case(tmp_path, policy, written({"a": value(1)}), written(new), now=now))


@pytest.mark.parametrize(
    ("minute", "hour", "is_broken"),
    [(59, 11, False), (0, 12, True), (0, 13, True), (1, 13, False)],
)
def test_freeze(tmp_path: Path, minute: int, hour: int, is_broken: bool) -> None:
    """The last minute belongs to it."""
    now = datetime(2026, 6, 1, hour, minute, tzinfo=UTC)
    found = frozen(tmp_path, now, {"a": value(2)})
    assert [each.rule for each in found] == ["freeze"] * is_broken
    assert all("lunch" in each.message for each in found)


def test_in_a_freeze_nothing_may_stay_as_it_is(tmp_path: Path) -> None:
    assert frozen(tmp_path, NOW, {"a": value(1)}) == []


@pytest.mark.parametrize(
    ("signed", "new", "more", "words"),
    [
        (True, value(2), {}, []),
        (True, value(2), {"unsigned": ["f" * 40]}, ["1 commit has no signature"]),
        (True, value(2), {"unsigned": ["f" * 40, "e" * 40]}, ["2 commits have no signature"]),
        (True, value(2), {"is_committed": False}, ["some of the change is not committed"]),
        (
            True,
            value(2),
            {"is_committed": False, "unsigned": ["f" * 40]},
            ["1 commit has no signature", "some of the change is not committed"],
        ),
        (True, value(1), {"unsigned": ["f" * 40]}, []),
        (False, value(2), {"unsigned": ["f" * 40], "is_committed": False}, []),
    ],
)
def test_signed(
    tmp_path: Path, signed: bool, new: dict[str, Any], more: dict[str, Any], words: list[str]
) -> None:
    given = case(
        tmp_path,
        {"signed": signed},
        written({"a": value(1)}),
        written({"a": new}),
        **more,
    )
    found = breaches(given)
    assert [each.rule for each in found] == ["signed"] * len(words)
    assert all(word in each.message for word, each in zip(words, found, strict=True))


@pytest.mark.parametrize(
    ("owners", "actor", "keepers", "rules"),
    [
        ([{"paths": ["node-configs/policy.yaml"], "who": ["ann"]}], ANN, ("ann",), []),
        ([{"paths": ["node-configs/policy.yaml"], "who": ["ann"]}], JOE, ("ann",), ["owners", "policy"]),
        ([{"paths": ["node-configs/policy.yaml"], "who": ["ann"]}], Actor(), ("ann",), ["owners", "policy"]),
        ([{"paths": ["node-configs/*"], "who": ["joe", "ann"]}, {"paths": ["node-configs/*.yaml"], "who": ["ann"]}], JOE, ("joe", "ann"), ["owners"]),
        ([{"paths": ["node-configs/*"], "who": ["joe", "ann"]}], JOE, ("joe", "ann"), []),
        ([{"fields": ["sysctl"], "who": ["joe"]}, {"paths": ["node-configs/a"], "who": ["joe"]}], JOE, (), ["policy"]),
    ],
)  # fmt: skip
def test_the_policy_itself(
    tmp_path: Path,
    owners: list[dict[str, Any]],
    actor: Actor,
    keepers: tuple[str, ...],
    rules: list[str],
) -> None:
    nodes = written({"a": value(1)})

    def other_policy(side: Folder) -> None:
        nodes(side)
        side.policy(owners=owners, max_nodes=7)

    found = case(tmp_path, {"owners": owners}, nodes, other_policy, actor=actor)
    assert found.keepers == keepers
    assert [each.rule for each in breaches(found)] == rules


@pytest.mark.parametrize(("most", "is_broken"), [(1, True), (2, False), (3, False)])
def test_max_nodes(tmp_path: Path, most: int, is_broken: bool) -> None:
    old = {name: value(1, machine=answers.MACHINE if name == "a" else None) for name in "abc"}
    new = {"aa": old["a"], "b": value(2), "c": value(1)}
    assert bool(broken(tmp_path, {"max_nodes": most}, old, new)) is is_broken


def test_a_breach_names_its_rule_and_both_places_and_who_lifts_it(tmp_path: Path) -> None:
    policy: dict[str, Any] = {
        "max_share": {"relay": 0.5},
        "max_nodes": 1,
        "canary": LAB,
        "owners": [
            {"paths": ["node-configs/policy.yaml"], "who": ["joe"]},
            {"fields": ["sysctl.vm"], "who": ["joe", "Net"]},
        ],
        "freeze": [
            {"from": "2026-06-01", "to": "2026-06-02", "timezone": "UTC", "why": "lunch"},
        ],
        "protected": ["sysctl.vm", "sysctl.kernel"],
        "signed": True,
    }

    def side(limit: str, sysctl: Mapping[str, str]) -> Callable[[Folder], None]:
        def write(folder: Folder) -> None:
            folder.role("relay", {"sysctl": {"net.core.rmem_max": limit}})
            for name in "ab":
                folder.node(name, sysctl, roles=("relay",), environment="production")
            folder.node("lab")

        return write

    def after(folder: Folder) -> None:
        side("2", {"vm.swappiness": "2"})(folder)
        folder.policy(max_nodes=2)

    before = side("1", {"vm.swappiness": "1", "kernel.panic": "1"})
    unsigned = ["0123456789abcdef"]
    found = breaches(case(tmp_path, policy, before, after, is_committed=False, unsigned=unsigned))
    assert [(each.rule, str(each.source), each.policy.line) for each in found] == [
        ("max_nodes", "node-configs/a/state.yaml:6", 3),
        ("max_share", "node-configs/a/state.yaml:6", 2),
        ("canary", "node-configs/a/state.yaml:6", 4),
        ("canary", "node-configs/roles/relay.yaml:4", 4),
        ("canary", "node-configs/a/state.yaml:0", 4),
        ("owners", "node-configs/policy.yaml:0", 8),
        ("owners", "node-configs/a/state.yaml:6", 12),
        ("freeze", "node-configs/a/state.yaml:6", 18),
        ("protected", "node-configs/a/state.yaml:6", 23),
        ("protected", "node-configs/a/state.yaml:0", 24),
        ("signed", "node-configs/a/state.yaml:6", 25),
        ("signed", "node-configs/a/state.yaml:6", 25),
        ("policy", "node-configs/policy.yaml:0", 1),
    ]
    assert {each.policy.file for each in found} == {"node-configs/policy.yaml"}
    keeper = "joe can change the policy, in a change of its own"
    assert [each.lift for each in found] == [
        *(f"split the change, or {keeper}" for _ in ("max_nodes", "max_share")),
        *(f"make the same change on a canary, or {keeper}" for _ in range(3)),
        "joe can make the change",
        "joe, Net can make the change",
        f"wait, or {keeper}",
        "joe, Net can make the change",
        keeper,
        *(f"sign the commits, or {keeper}" for _ in range(2)),
        "joe can make the change",
    ]
    assert [each.message for each in found] == [
        "the change touches 2 nodes (a, b), and 1 are allowed",
        "the change touches 2 of the 2 nodes with the role relay (a, b), and 50% of them are"
        " allowed: 1",
        *(
            f"sysctl[{name}] changes on 2 production nodes (a, b), and no canary has the same"
            " declaration after the change (lab)"
            for name in ("vm.swappiness", "net.core.rmem_max")
        ),
        "sysctl[kernel.panic] is removed from 2 production nodes (a, b), and no canary lost it"
        " earlier or in this change (lab)",
        "node-configs/policy.yaml is changed by ann, and is owned by joe",
        "sysctl.vm.swappiness.value (2 nodes: a, b) is changed by ann, and is owned by joe, Net",
        "nothing may change until 2026-06-03 00:00 UTC: lunch",
        "sysctl.vm.swappiness.value is protected, and changed by ann (2 nodes: a, b)",
        "sysctl.kernel.panic.value is protected, and changed by ann (2 nodes: a, b)",
        "1 commit has no signature that git verifies (0123456789ab)",
        "some of the change is not committed, so it is not signed",
        "the policy is changed by ann, and is owned by joe",
    ]


def test_where_no_node_changes_a_breach_names_the_file(tmp_path: Path) -> None:
    window = {"from": "2026-06-01", "to": "2026-06-02", "timezone": "UTC", "why": "lunch"}

    def after(folder: Folder) -> None:
        folder.node("a")
        folder.write("a/notes", "x")

    given = case(tmp_path, {"freeze": [window]}, written({"a": {}}), after)
    [breach] = breaches(given)
    assert str(breach.source) == "node-configs/a/notes:0"
    assert breach.lift == (
        "wait, or the policy has no owner: only a merge without this check can change it"
    )


@pytest.mark.parametrize(
    ("signer", "names"),
    [
        ("Ann <ann@x.org>", {"Ann <ann@x.org>", "ann@x.org"}),
        ("ann@x.org", {"ann@x.org"}),
        ("<a@x> Ann", {"<a@x> Ann"}),
        ("Eve <boss@x> <eve@x>", {"Eve <boss@x> <eve@x>", "eve@x"}),
    ],
)
def test_the_names_of_a_signer(signer: str, names: set[str]) -> None:
    """An address inside a name is anybody's."""
    assert person(signer) == names
