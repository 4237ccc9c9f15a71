"""Two configurations side by side, without git: which node is which, and what differs."""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from power_edge.change_gate.change import Kind
from power_edge.change_gate.repository import LINK, Blob
from power_edge.change_gate.sides import Difference, FileChange, changed_files
from tests.support import answers
from tests.support.change import Folder, compared

Nodes = Mapping[str, Mapping[str, Any]]
ONE, TWO = {"machine": answers.MACHINE}, {"machine": answers.OTHER}
OTHER_VALUE = {"sysctl": {"vm.swappiness": "2"}}
CLOSED = {"identity": {"access_control": {"ssh": {"password_auth": False}}}}


def difference(folder: Path, old: Nodes, new: Nodes) -> Difference:
    def side(nodes: Nodes) -> Any:
        def write(at: Folder) -> None:
            for name, given in nodes.items():
                at.node(name, **given)

        return write

    return compared(folder, side(old), side(new))[0]


def short(found: Difference) -> list[str]:
    """Return the changes as `rig-1 sysctl[vm.swappiness] changed`, `whole` where a node came or
    went.
    """
    return [
        f"{each.node} {each.type}[{each.name}] {each.kind}{' whole' if each.of_node else ''}"
        for each in found.changes
    ]


@pytest.mark.parametrize(
    ("old", "new", "pairs", "touched", "added", "removed"),
    [
        ({"a": {}}, {"a": {}}, "a=a", "", "", ""),
        ({"a": {}, "b": {}}, {"a": {}, "b": OTHER_VALUE}, "a=a b=b", "b", "", ""),
        ({"a": {}}, {"b": {}}, "a>  >b", "a b", "b", "a"),
        ({"a": ONE}, {"b": ONE}, "a>b", "b", "", ""),
        ({"a": ONE}, {"b": TWO}, "a>  >b", "a b", "b", "a"),
        # A node that stays is no other one's past.
        ({"a": ONE, "b": {}}, {"a": {}, "b": ONE}, "a=a b=b", "a b", "", ""),
        ({"a": ONE, "b": TWO}, {"c": TWO, "d": ONE}, "a>d b>c", "c d", "", ""),
        ({"b": ONE}, {"a": {}, "c": ONE}, ">a b>c", "a c", "a", ""),
    ],
)
def test_which_node_is_which(
    tmp_path: Path, old: Nodes, new: Nodes, pairs: str, touched: str, added: str, removed: str
) -> None:
    found = difference(tmp_path, old, new)
    shown = [
        f"{pair.before.name if pair.before else ''}{'=' if pair.before and pair.now and not pair.is_renamed else '>'}"
        f"{pair.now.name if pair.now else ''}"
        for pair in found.pairs
    ]
    assert sorted(shown) == sorted(pairs.split())
    assert [pair.name for pair in found.pairs] == sorted(pair.name for pair in found.pairs)
    assert list(found.touched) == touched.split()
    assert list(found.added) == added.split()
    assert list(found.removed) == removed.split()


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        ({"a": {}}, {"a": OTHER_VALUE}, ["a sysctl[vm.swappiness] changed"]),
        (
            {"a": {}},
            {"a": {"environment": "production"}},
            ["a state.yaml[metadata.environment] changed"],
        ),
        (
            {},
            {"b": {}},
            [
                "b sysctl[vm.swappiness] added whole",
                "b state.yaml[version] added whole",
                "b state.yaml[metadata.environment] added whole",
            ],
        ),
        ({"b": {}, "c": {}}, {"c": {}}, ["b sysctl[vm.swappiness] removed whole"]),
        ({"a": ONE}, {"a": {**ONE, **OTHER_VALUE}}, ["a sysctl[vm.swappiness] changed"]),
        # A machine that was another node has what that node demanded of it, and no longer does.
        (
            {"a": {**ONE, **OTHER_VALUE}, "b": TWO},
            {"a": {**TWO, **OTHER_VALUE}, "b": ONE},
            ["a sysctl[vm.swappiness] changed", "b sysctl[vm.swappiness] changed"],
        ),
        (
            {"a": {**ONE, "firewall": {"enabled": True}}},
            {"a": {"firewall": {"enabled": True}}, "b": ONE},
            ["b firewall[enabled] removed"],
        ),
        ({"a": {**ONE, **OTHER_VALUE}}, {"b": ONE}, ["b sysctl[vm.swappiness] changed"]),
        # The same for what its files declared beside items.
        (
            {"a": {**ONE, **CLOSED}},
            {"a": CLOSED, "b": {**ONE, "identity": {"node": {"hostname": "here"}}}},
            ["b identity.yaml[access_control.ssh.password_auth] removed"],
        ),
    ],
)
def test_what_differs(tmp_path: Path, old: Nodes, new: Nodes, changes: list[str]) -> None:
    found = short(difference(tmp_path, old, new))
    items = [each for each in found if "system-identity" not in each]
    assert {*changes} <= {*items}
    assert len({*found}) == len(found)
    assert all(
        each in changes or each.endswith("whole") or "state.yaml" in each for each in items
    ), items


def test_a_field_is_shown_where_it_stands(tmp_path: Path) -> None:
    def side(environment: str, host: str) -> Any:
        def write(at: Folder) -> None:
            at.node("a", environment=environment)
            at.write("a/connection.yaml", f"ssh:\n  host: {host}\n")

        return write

    found, _ = compared(tmp_path, side("staging", "x"), side("production", "y"))
    assert [str(each.source) for each in found.changes] == [
        "node-configs/a/state.yaml:4",
        "node-configs/a/connection.yaml:2",
    ]


def test_a_change_of_a_role_is_no_cause_of_a_new_node(tmp_path: Path) -> None:
    """Its items are new because the node is. One that gets the machine of another is compared with
    that one, whatever its role became meanwhile.
    """

    def side(value: str, *names: str) -> Any:
        def write(at: Folder) -> None:
            at.role("relay", {"sysctl": {"net.core.rmem_max": value}})
            for name in names:
                at.node(name, roles=("relay",), machine=answers.MACHINE if name == "a" else None)
            if "c" in names:
                at.node("c", roles=("relay",), machine=answers.MACHINE)
                at.node("a", roles=("relay",), machine=answers.OTHER)

        return write

    found, _ = compared(tmp_path, side("1", "a", "b"), side("2", "a", "b", "c"))
    assert [
        (each.node, each.role, each.of_node)
        for each in found.changes
        if each.name == "net.core.rmem_max"
    ] == [("a", "relay", False), ("b", "relay", False), ("c", None, True), ("c", None, False)]


def test_what_is_only_written_otherwise_does_not_differ(tmp_path: Path) -> None:
    def before(at: Folder) -> None:
        at.node("a", {"vm.swappiness": "1", "kernel.panic": "1"})

    def now(at: Folder) -> None:
        at.node("a", {"kernel.panic": "1", "vm.swappiness": "1"})
        at.write("a/state.yaml", f"# a note\n{(at.root / 'a/state.yaml').read_text()}")

    found, _ = compared(tmp_path, before, now)
    assert (found.changes, found.touched) == ([], [])
    assert not found.is_empty  # a file differs


RULE = {"sysctl": {"net.core.rmem_max": "1"}}
THIRD, OTHER_RULE = {"sysctl": {"vm.dirty_ratio": "1"}}, {"sysctl": {"net.core.rmem_max": "2"}}


@pytest.mark.parametrize(
    ("old", "new", "what", "line"),
    [
        ([RULE], [RULE], None, 0),
        ([RULE], [OTHER_RULE], "rule changed", 4),
        ([RULE, THIRD], [THIRD], "rule removed", 3),
        ([RULE, THIRD, OTHER_RULE], [THIRD], "rules removed", 3),
        ([RULE], [RULE, THIRD], "rule added", 8),
        ([RULE], [RULE, THIRD, THIRD], "rules added", 8),
        ([RULE, THIRD], [OTHER_RULE], "rules changed", 4),
        ([RULE, THIRD], [THIRD, RULE], "rules changed", 3),
        (None, [RULE], "the file is new", 1),
        ([RULE], None, "the file is gone", 0),
    ],
)
def test_what_differs_in_a_role(
    tmp_path: Path, old: list[Any] | None, new: list[Any] | None, what: str | None, line: int
) -> None:
    def side(rules: list[Any] | None) -> Any:
        def write(at: Folder) -> None:
            at.node("a")
            if rules is not None:
                at.role("relay", *rules)

        return write

    found = compared(tmp_path, side(old), side(new))[0].roles
    assert [(each.name, each.what, each.source.line) for each in found] == (
        [] if what is None else [("relay", what, line)]
    )


@pytest.mark.parametrize(
    ("old", "new", "what", "line"),
    [
        ("description: x", "description: y", "description changed", 2),
        ("requires: [a]", "requires: []", "requires changed", 4),
        ("requires: [a]", "", "requires changed", 1),
        ("", "requires: []", "requires changed", 4),
        # As text they are equal; as JSON Schema, another setting is allowed.
        ("config: {const: 1}", "config: {const: true}", "config changed", 4),
        ("config: null", "", "config changed", 1),
        ("config:\n  const: 1", "config:\n  const: 2", "config changed", 4),
        # What cannot be used is not compared rule by rule.
        ("rules: 7", "", "rules changed", 3),
        ("rules: [", "", "the file is new", 1),
    ],
)
def test_what_differs_in_a_role_beside_its_rules(
    tmp_path: Path, old: str, new: str, what: str, line: int
) -> None:
    def side(text: str) -> Any:
        def write(at: Folder) -> None:
            at.node("a")
            lines = {"name": "name: relay", "description": "description: A.", "rules": "rules: []"}
            key = text.partition(":")[0]
            whole = {**lines, **({key: text} if text else {})}
            at.write("roles/relay.yaml", "\n".join([*whole.values(), ""]))

        return write

    [found] = compared(tmp_path, side(old), side(new))[0].roles
    assert (found.name, found.what, found.source.line) == ("relay", what, line)


def name_of(content: bytes, hashed: Any = hashlib.sha1) -> str:
    digest: str = hashed(b"blob %d\0%s" % (len(content), content)).hexdigest()
    return digest


def blob(content: bytes, mode: str = "100644", hashed: Any = hashlib.sha1) -> Blob:
    return Blob(mode, name_of(content, hashed))


FILE = "a/notes"


@pytest.mark.parametrize(
    ("old", "committed", "now", "kind", "is_committed"),
    [
        (b"x", b"x", b"x", None, None),
        (b"x", b"y", b"y", Kind.CHANGED, True),
        (b"x", b"x", b"y", Kind.CHANGED, False),
        (None, b"y", b"y", Kind.ADDED, True),
        (None, None, b"y", Kind.ADDED, False),
        (None, None, b"", Kind.ADDED, False),
        (b"x", None, None, Kind.REMOVED, True),
        (b"x", b"x", None, Kind.REMOVED, False),
        # HEAD has a change that the work tree takes back.
        (b"x", b"y", b"x", Kind.CHANGED, False),
        (b"x", None, b"x", Kind.CHANGED, False),
        (None, b"y", None, Kind.CHANGED, False),
    ],
)
@pytest.mark.parametrize("hashed", [hashlib.sha1, hashlib.sha256])
def test_files_that_differ(
    tmp_path: Path,
    old: bytes | None,
    committed: bytes | None,
    now: bytes | None,
    kind: Kind | None,
    is_committed: bool | None,
    hashed: Any,
) -> None:
    (tmp_path / "a").mkdir()
    if now is not None:
        (tmp_path / FILE).write_bytes(now)

    def tree(content: bytes | None) -> dict[str, Blob]:
        return {} if content is None else {FILE: blob(content, hashed=hashed)}

    found = changed_files(tmp_path, tree(old), tree(committed), {FILE} if now is not None else ())
    assert found == (
        [] if kind is None else [FileChange(f"node-configs/{FILE}", kind, is_committed is True)]
    )


def test_a_file_that_is_as_it_was_hides_none_behind_it(tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / name).write_bytes(b"x")
    old = {"a": blob(b"x"), "b": blob(b"y"), "c": blob(b"x"), "d": blob(b"x")}
    found = changed_files(tmp_path, old, old, ())
    assert [(each.path, each.kind) for each in found] == [
        ("node-configs/b", Kind.CHANGED),
        ("node-configs/d", Kind.REMOVED),
    ]


def test_permissions_are_no_difference_and_a_link_is_one(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(b"x")
    (tmp_path / "link").symlink_to("x")
    for old, now in (
        ({"plain": blob(b"x", "100755"), "link": blob(b"x", LINK)}, []),
        ({"plain": blob(b"x", LINK), "link": blob(b"x")}, ["link", "plain"]),
        ({"plain": blob(b"x"), "link": blob(b"y", LINK)}, ["link"]),
    ):
        found = changed_files(tmp_path, old, old, ())
        assert [each.path for each in found] == [f"node-configs/{name}" for name in now]


def test_what_git_cannot_keep_is_gone(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    old = {"pipe": blob(b""), "folder": blob(b"")}
    found = changed_files(tmp_path, old, old, ())
    assert [each.kind for each in found] == [Kind.REMOVED, Kind.REMOVED]


def test_what_a_check_reads_counts_even_where_git_ignores_it(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.node("a", machine=answers.MACHINE)
    folder.role("relay")
    folder.policy(max_nodes=1)
    folder.write("a/files/b/motd", "x")
    folder.write("a/notes", "x")
    (folder.root / "b").mkdir()
    (folder.root / "b/state.yaml").symlink_to("/no/such")
    found = changed_files(folder.root, {}, {}, ())
    assert [each.path.removeprefix("node-configs/") for each in found] == [
        "a/files/b/motd",
        "a/state.yaml",
        "a/system-identity.yaml",
        "b/state.yaml",
        "policy.yaml",
        "roles/relay.yaml",
    ]


def test_a_large_file_is_hashed_whole(tmp_path: Path) -> None:
    content = b"x" * ((1 << 20) + 1)
    (tmp_path / "large").write_bytes(content)
    for old, kinds in ((content, []), (content[:-1], [Kind.CHANGED])):
        found = changed_files(tmp_path, {"large": blob(old)}, {"large": blob(old)}, ())
        assert [each.kind for each in found] == kinds
