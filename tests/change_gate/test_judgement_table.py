"""The whole gate over a repository in memory: which commit counts for what, and who made it."""

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from power_edge.change_gate import judgement
from power_edge.change_gate.judgement import Judgement, Question, judge
from power_edge.change_gate.repository import Signature
from power_edge.change_gate.risk import Level
from power_edge.change_gate.rules import Actor
from power_edge.config import ConfigError
from power_edge.config.error import refuse
from tests.support import answers
from tests.support.change import Folder
from tests.support.commits import BASE, Commits

Write = Callable[[Folder], object]
ANN, BOB = Signature(True, "ann"), Signature(True, "bob")
BAD, NOBODY = Signature(False), Signature(True)
MERGE = Signature(True, is_automatic=True)


def nodes(value: int = 60, **policy: Any) -> Write:
    """Write a node with this value and one that stays, and a policy if there are rules."""

    def write(at: Folder) -> None:
        at.node("rig-1", {"vm.swappiness": str(value)})
        at.node("rig-2")
        if policy:
            at.policy(**policy)

    return write


class Gate:
    """Judges a change whose commits are in memory."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.monkeypatch = folder, monkeypatch
        self.asked = 0

    @property
    def root(self) -> Path:
        return self.folder / str(self.asked) / "work/node-configs"

    def tree(self, name: str, write: Write) -> Mapping[str, bytes]:
        side = Folder(self.folder / str(self.asked) / name)
        write(side)
        return side.files()

    def __call__(
        self,
        fork: Write,
        head: Write,
        *,
        tip: Write | None = None,
        work: Write | None = None,
        past: Mapping[str, Write] = {},
        signatures: Mapping[str, Signature] = {"1" * 40: ANN},
        elsewhere: Mapping[str, bytes] = {},
        **asked: Any,
    ) -> Judgement:
        """Return the judgement of `head` against `fork`; `tip` is like `fork`, and the work tree
        like `head`, unless given.
        """
        self.asked += 1
        trees = {
            "fork": self.tree("fork", fork),
            "tip": self.tree("tip", tip or fork),
            "HEAD": {**self.tree("head", head), **elsewhere},
            **{name: self.tree(name, write) for name, write in past.items()},
        }
        present = self.tree("work", work or head)
        repository = Commits(
            trees,
            signatures,
            tuple(past),
            work=frozenset(path.removeprefix("node-configs/") for path in present),
        )
        self.monkeypatch.setattr(judgement, "Repository", {self.root: repository}.__getitem__)
        return judge(Question(root=self.root, **asked))


@pytest.fixture
def gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gate:
    return Gate(tmp_path, monkeypatch)


def rules(found: Judgement) -> list[str]:
    return list(dict.fromkeys(each.rule for each in found.breaches))


STRICT, LOOSE = {"max_nodes": 0}, {"max_nodes": 9}


@pytest.mark.parametrize(
    ("fork", "tip", "head", "work", "broken"),
    [
        (STRICT, STRICT, STRICT, STRICT, ["max_nodes"]),
        (LOOSE, LOOSE, LOOSE, LOOSE, []),
        ({}, {}, STRICT, STRICT, []),
        # A branch from an old commit keeps to the rules of today.
        ({}, STRICT, {}, {}, ["max_nodes"]),
        (LOOSE, STRICT, LOOSE, LOOSE, ["max_nodes"]),
        (STRICT, LOOSE, STRICT, STRICT, []),
        # A change writes no rules for itself.
        (STRICT, STRICT, LOOSE, LOOSE, ["max_nodes", "policy"]),
        (STRICT, STRICT, {}, {}, ["max_nodes", "policy"]),
        (STRICT, STRICT, STRICT, LOOSE, ["max_nodes", "policy"]),
    ],
)
def test_the_policy_is_that_of_the_base_as_it_is_now(
    gate: Gate,
    fork: dict[str, Any],
    tip: dict[str, Any],
    head: dict[str, Any],
    work: dict[str, Any],
    broken: list[str],
) -> None:
    found = gate(nodes(60, **fork), nodes(10, **head), tip=nodes(60, **tip), work=nodes(10, **work))
    assert (rules(found), found.passes) == (broken, not broken)
    assert (found.policy is None) == (not tip)


@pytest.mark.parametrize(
    ("fork", "tip", "head", "work", "touched", "is_committed"),
    [
        (60, 60, 60, 60, [], True),
        (60, 60, 10, 10, ["rig-1"], True),
        # What main did since is not of the change, and does not take its own away.
        (60, 10, 60, 60, [], True),
        (60, 10, 10, 10, ["rig-1"], True),
        # The work tree is judged. What HEAD has beside it is not committed.
        (60, 60, 60, 10, ["rig-1"], False),
        (60, 60, 10, 20, ["rig-1"], False),
        (60, 60, 10, 60, [], False),
    ],
)
def test_the_work_tree_is_compared_with_the_fork(
    gate: Gate,
    fork: int,
    tip: int,
    head: int,
    work: int,
    touched: list[str],
    is_committed: bool,
) -> None:
    found = gate(nodes(fork), nodes(head), tip=nodes(tip), work=nodes(work)).difference
    assert (list(found.touched), found.is_committed) == (touched, is_committed)
    assert found.is_empty == (not touched and is_committed)


@pytest.mark.parametrize(("ref", "touched"), [(None, ["rig-1"]), ("v1", []), ("v2", ["rig-1"])])
def test_the_base_is_the_ref_that_is_named(gate: Gate, ref: str | None, touched: list[str]) -> None:
    """Of another one, the policy and the values are others."""
    past = {"v1": nodes(10), "v2": nodes(20, **STRICT)}
    found = gate(nodes(60), nodes(10), past=past, ref=ref)
    assert (found.base.ref, list(found.difference.touched)) == (ref or "main", touched)
    assert found.passes == (ref != "v2")


def test_head_that_is_the_fork_has_committed_nothing(gate: Gate) -> None:
    """On the main branch itself."""
    old, new = gate.tree("old", nodes(60)), gate.tree("work", nodes(10))
    names = frozenset(path.removeprefix("node-configs/") for path in new)
    commits = Commits({"fork": old, "tip": old, "HEAD": new}, work=names, head_hash="fork")
    gate.monkeypatch.setattr(judgement, "Repository", lambda root: commits)
    assert not judge(Question(root=gate.root)).difference.is_committed


OWNED = {"owners": [{"fields": ["sysctl"], "who": ["ann"]}]}


@pytest.mark.parametrize(
    ("policy", "actor", "signatures", "broken"),
    [
        (OWNED, "ann", {}, []),
        (OWNED, "bob", {"1": ANN}, ["owners"]),
        (OWNED, "ann", {"1": BOB, "2": BAD}, []),  # who is named answers for all of it
        (OWNED, None, {"1": ANN}, []),
        (OWNED, None, {"1": BOB}, ["owners"]),
        (OWNED, None, {"1": ANN, "2": BOB}, ["owners"]),
        (OWNED, None, {"1": ANN, "2": BAD}, ["owners"]),
        (OWNED, None, {}, ["owners"]),
        ({"signed": True}, None, {"1": ANN, "2": MERGE, "3": NOBODY}, []),
        ({"signed": True}, None, {"1": ANN, "2": BAD}, ["signed"]),
        ({"signed": True}, "ann", {"1": BAD, "2": ANN}, ["signed"]),  # a name is no signature
        ({"signed": False, "max_nodes": 9}, "ann", {"1": BAD}, []),
        ({**OWNED, "signed": True}, "ann", {"1": BOB}, []),
        ({}, None, {"1": BAD}, []),
        ({}, "bob", {"1": BAD}, []),
    ],
)
def test_who_made_it_is_named_or_has_signed_all_of_it(
    gate: Gate,
    policy: dict[str, Any],
    actor: str | None,
    signatures: dict[str, Signature],
    broken: list[str],
) -> None:
    found = gate(
        nodes(60, **policy), nodes(10, **policy), signatures=signatures, actor=actor, now=0.0
    )
    assert rules(found) == broken
    if policy:
        asked = list(signatures.values())
        assert found.actor == judgement._actor(actor, asked, is_committed=True)


def test_commits_that_change_no_configuration_need_no_signature(gate: Gate) -> None:
    same = nodes(60, signed=True, max_nodes=0)
    assert gate(same, same, signatures={"1": BAD}).passes


def test_the_commits_without_a_signature_are_named(gate: Gate) -> None:
    signed = {"signed": True}
    names = {"a" * 40: BAD, "b" * 40: ANN, "c" * 40: BAD}
    [breach] = gate(nodes(60, **signed), nodes(10, **signed), signatures=names).breaches
    assert "2 commits have" in breach.message
    assert all((name[:12] in breach.message) == (each is BAD) for name, each in names.items())


def one(*names: str) -> tuple[frozenset[str], ...]:
    return tuple(frozenset([name]) for name in names)


@pytest.mark.parametrize(
    ("named", "signatures", "is_committed", "actor"),
    [
        ("ann", [], True, Actor(one("ann"))),
        ("ann", [BOB, BAD], False, Actor(one("ann"))),
        ("", [ANN], True, Actor(one(""))),
        (None, [ANN], True, Actor(one("ann"))),
        (None, [ANN, ANN], True, Actor(one("ann"))),
        (None, [ANN, BOB, ANN], True, Actor(one("ann", "bob"))),
        (None, [ANN, MERGE], True, Actor(one("ann"))),
        (None, [], True, Actor()),
        (None, [MERGE], True, Actor()),
        (None, [ANN, BAD], True, Actor()),
        (None, [ANN, NOBODY], True, Actor()),
        (None, [ANN, Signature(False, "bob")], True, Actor()),
        (None, [MERGE, ANN, BAD], True, Actor()),
        (None, [ANN], False, Actor(why="some of it is not committed")),
    ],
)
def test_the_actor(
    named: str | None, signatures: list[Signature], is_committed: bool, actor: Actor
) -> None:
    assert judgement._actor(named, signatures, is_committed=is_committed) == actor


FROZEN = {"freeze": [{"from": "2026-01-01", "to": "2026-01-02", "timezone": "UTC", "why": "w"}]}


@pytest.mark.parametrize(
    ("now", "broken"),
    [
        (1_767_225_599.0, []),
        (1_767_225_600.0, ["freeze"]),  # 2026-01-01 00:00 UTC, wherever this runs
        (1_767_398_399.0, ["freeze"]),
        (1_767_398_400.0, []),
        (0.0, []),
    ],
)
def test_a_freeze_is_judged_at_the_time_that_is_asked_for(
    gate: Gate, monkeypatch: pytest.MonkeyPatch, now: float, broken: list[str]
) -> None:
    for given in (now, None):
        # Without a time it is the clock's.
        monkeypatch.setattr("time.time", lambda given=given: now if given is None else 1.0e9)
        found = gate(nodes(60, **FROZEN), nodes(10, **FROZEN), now=given)
        assert rules(found) == broken


PANIC = ("kernel.panic",)
CANARY = {"canary": {"nodes": ["lab"]}}


def canaries(lab: tuple[str, ...], rig: tuple[str, ...]) -> Write:
    def write(at: Folder) -> None:
        at.policy(**CANARY)
        for name, keys, environment in (
            ("lab", lab, "staging"),
            ("rig-1", rig, "production"),
            ("rig-2", PANIC, "staging"),
        ):
            values = {"vm.swappiness": "60", **dict.fromkeys(keys, "1")}
            at.node(name, values, environment=environment)

    return write


@pytest.mark.parametrize(
    ("past", "broken"),
    [
        # The canary never had it, so it has not tried to be without it.
        ({}, ["canary"]),
        ({"a": canaries((), PANIC)}, ["canary"]),
        # It lost it before.
        ({"b": canaries((), PANIC), "a": canaries(PANIC, PANIC)}, []),
        ({"c": canaries((), PANIC), "b": canaries(PANIC, PANIC), "a": canaries((), PANIC)}, []),
    ],
)
def test_what_a_canary_lost_before_the_base(
    gate: Gate, past: dict[str, Write], broken: list[str]
) -> None:
    found = gate(canaries((), PANIC), canaries((), ()), past=past)
    assert rules(found) == broken


def test_the_past_of_some_nodes_has_no_other_ones(gate: Gate) -> None:
    def broken(at: Folder) -> None:
        canaries(PANIC, PANIC)(at)
        at.node("lab", {"kernel.panic": "1"}, files=[{"path": "/a", "source": "files/b/a"}])
        at.write("lab/files/b/a", "x")
        at.write("rig-2/state.yaml", "sysctl: [\n")
        at.write("roles/relay.yaml", "name: relay\ndescription: A role.\nrules: []\n")

    past = {"b": canaries((), ()), "a": broken}
    trees = {name: gate.tree(name, write) for name, write in past.items()}
    commits = cast(Any, Commits(trees, past=tuple(past)))
    found = list(judgement._earlier(commits, BASE, ["lab"]))
    assert [{*each} for each in found] == [{"lab"}, {"lab"}]
    assert ["kernel.panic" in {item.name for item in each["lab"].items} for each in found] == [
        False,
        True,
    ]


@pytest.mark.parametrize("level", [None, *Level])
@pytest.mark.parametrize(("policy", "is_broken"), [({}, False), (LOOSE, False), (STRICT, True)])
def test_the_policy_and_the_risk_refuse_each_for_itself(
    gate: Gate, level: Level | None, policy: dict[str, Any], is_broken: bool
) -> None:
    """The change has a medium risk: it adds a test of a node's own."""

    def change(at: Folder) -> None:
        nodes(60, **policy)(at)
        at.write("rig-1/test_own.py", "def test_it(): pass\n")
        at.node("rig-1", {"vm.swappiness": "10"})

    found = gate(nodes(60, **policy), change, fail_on=level)
    assert found.risk.level == (Level.HIGH if is_broken else Level.MEDIUM)
    assert found.fail_on is level
    assert found.is_too_risky == (level is not None and level <= found.risk.level)
    assert found.passes == (not is_broken and not found.is_too_risky)


@pytest.mark.parametrize("policy", [{}, {"protected": ["sysctl"]}])
def test_an_owner_who_may_change_a_protected_field_takes_a_high_risk(
    gate: Gate, policy: dict[str, Any]
) -> None:
    owned = {**OWNED, **policy}
    found = gate(nodes(60, **owned), nodes(10, **owned), actor="ann", fail_on=Level.HIGH)
    assert (rules(found), found.passes) == ([], not policy)


@pytest.mark.parametrize(
    ("is_answered", "seen", "is_unknown"),
    [
        (False, [], False),
        (True, [("rig-1", "its answer was not judged: no identity on file")], True),
    ],
)
def test_what_answers_show_is_a_part_of_the_risk(
    gate: Gate, is_answered: bool, seen: list[tuple[str, str]], is_unknown: bool
) -> None:
    asked: dict[str, Any] = {}
    if is_answered:
        folder = gate.folder / "answers"
        folder.mkdir()
        (folder / "rig-1.answer").write_bytes(answers.answer("rig-1", {}))
        asked = {"answers": folder, "max_age": 60.0}
    found = gate(nodes(60), nodes(10), **asked)
    shown = [(each.node, (each.why or "").partition(";")[0]) for each in found.forecasts or ()]
    assert (found.forecasts is None, shown) == (not seen, seen)
    assert ("unknown" in str(found.risk.reasons)) == is_unknown


@pytest.mark.parametrize(("later", "is_known"), [(None, True), (60.0, True), (7200.0, False)])
def test_an_answer_is_as_old_as_it_is_at_the_time_that_is_asked_for(
    gate: Gate, later: float | None, is_known: bool
) -> None:
    def side(value: str) -> Write:
        return lambda at: at.node("rig-1", {"vm.swappiness": value}, machine=answers.MACHINE)

    values = {"sysctl.0": answers.sysctl({"vm.swappiness": "60"})}
    (gate.folder / "rig-1.answer").write_bytes(answers.answer("rig-1", values))
    now = None if later is None else time.time() + later
    found = gate(side("60"), side("10"), answers=gate.folder, max_age=3600.0, now=now)
    assert [bool(each.results) for each in found.forecasts or ()] == [is_known]
    assert ("drift" in str(found.risk.reasons)) == is_known


def test_what_is_elsewhere_is_named_and_the_part_of_the_version_is_that_of_both(
    gate: Gate,
) -> None:
    schema = b"$schema: https://json-schema.org/draft/2020-12/schema\nenum: [x]\n"
    more = {"schemas/a.schema.yaml": schema, "program.py": b""}
    found = gate(nodes(60), nodes(10), elsewhere=more)
    assert list(found.elsewhere) == ["program.py", "schemas/a.schema.yaml"]
    assert (found.bump, found.prefix, found.base) == ("MINOR", "node-configs/", BASE)


@pytest.mark.parametrize(("value", "part"), [(60, "none"), (10, "PATCH")])
def test_a_change_of_the_configuration_alone_is_a_patch(gate: Gate, value: int, part: str) -> None:
    assert gate(nodes(60), nodes(value)).bump == part


def test_what_a_new_node_declares_is_in_no_group(gate: Gate) -> None:
    def more(at: Folder) -> None:
        nodes(10)(at)
        at.node("rig-3", {"vm.swappiness": "10"})

    assert [list(each.nodes) for each in gate(nodes(60), more).groups] == [["rig-1"]]


@pytest.mark.parametrize(
    ("fork", "tip", "commit"),
    [("", "max_nods: 1\n", "tip"), ("max_nods: 1\n", "max_nodes: 1\n", None)],
)
def test_a_policy_that_cannot_be_used_is_an_error_of_the_base(
    gate: Gate, fork: str, tip: str, commit: str | None
) -> None:
    def side(policy: str) -> Write:
        def write(at: Folder) -> None:
            nodes(60)(at)
            if policy:
                at.write("policy.yaml", policy)

        return write

    def change() -> Judgement:
        return gate(side(fork), nodes(10), tip=side(tip))

    if commit is None:
        change()
        return
    with pytest.raises(ConfigError, match=rf"in the base \({commit}\)"):
        change()


def test_a_base_that_this_machine_cannot_read_is_said_with_its_commit(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(root: Path) -> Any:
        raise refuse("f", "cannot be read: why", "h")

    monkeypatch.setattr("power_edge.change_gate.sides.before", unreadable)
    with pytest.raises(ConfigError, match=r"in the base \(fork\): cannot be read: why"):
        gate(nodes(60), nodes(10))


@pytest.mark.parametrize("old", ["one\n", ""])
def test_a_source_of_the_base_has_its_content(gate: Gate, old: str) -> None:
    """An empty one there would hide which file changes, or show a change that is none."""

    def side(text: str, value: int) -> Write:
        def write(at: Folder) -> None:
            nodes(value)(at)
            at.node("rig-1", {}, files=[{"path": "/etc/motd", "source": "files/motd"}])
            at.write("rig-1/files/motd", text)
            at.write("rig-1/notes", "not read")
            at.node("rig-2", {"vm.swappiness": str(value)})

        return write

    assert list(gate(side(old, 60), side(old, 10)).difference.touched) == ["rig-2"]
    assert list(gate(side(old, 60), side("two\n", 60)).difference.touched) == ["rig-1"]


def test_any_file_may_be_what_a_link_leads_to(tmp_path: Path) -> None:
    path = "node-configs/rig-1/state.yaml"
    trees = {"fork": {path: b"../shared", "node-configs/shared": b"x", "node-configs/a.yaml": b"y"}}
    for name, links, content in (("a", {path}, "x"), ("b", {"-"}, "")):
        commits = cast(Any, Commits(trees, links=frozenset(links)))
        root = tmp_path / name / "node-configs"
        judgement._written(commits, commits.tree("fork"), root)
        assert ((root / "shared").read_text(), (root / "a.yaml").read_text()) == (content, "y")
        link = root / "rig-1/state.yaml"
        assert (os.readlink(link) if link.is_symlink() else link.read_text()) == "../shared"  # noqa: PTH115


def test_what_a_node_reads_has_its_content_and_the_rest_its_name(tmp_path: Path) -> None:
    """A change may bring files of any size that nothing reads."""
    read = [
        "policy.yaml",
        "roles/r.yaml",
        "a/state.yaml",
        "a/files/motd",
        "a/files/b/c d",
        "a/files/n",
    ]
    rest = ["notes", "a/notes", "files/x", "a/b/files/x", "a/files.d/x", "a/state.yaml.old"]
    tree = {f"node-configs/{name}": name.encode() for name in (*read, *rest)}
    commits = cast(Any, Commits({"fork": tree}))
    judgement._written(commits, commits.tree("fork"), tmp_path / "x")
    found = {name: (tmp_path / "x" / name).read_text() for name in (*read, *rest)}
    assert found == {**{name: name for name in read}, **dict.fromkeys(rest, "")}


def test_a_folder_without_files_is_written_without_asking_for_contents(tmp_path: Path) -> None:
    judgement._written(cast(Any, None), {}, tmp_path / "a/b")
    assert list((tmp_path / "a/b").iterdir()) == []
