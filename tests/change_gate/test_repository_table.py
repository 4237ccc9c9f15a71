"""What the gate makes of each answer of git: no failure is an empty answer, no commit another."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from power_edge.change_gate import repository
from power_edge.change_gate.repository import Base, Blob, Commit, Repository, Signature, unpack
from power_edge.probing.process import Ended
from power_edge.release.schema_set import Unusable

ONE, TWO, THREE = ("1" * 40, "2" * 40, "3" * 40)
BASE = Base("main", ONE, TWO)


class Git:
    """Answers commands from a table; None, and a command that is not in it, fails."""

    def __init__(self, top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.top, self.root = top, top / "a/node-configs"
        self.root.mkdir(parents=True)
        self.answers: dict[str, bytes | None] = {
            "rev-parse --show-toplevel": f"{top}\n".encode(),
            "rev-parse --show-superproject-working-tree": b"",
            "rev-parse --is-shallow-repository": b"false\n",
        }
        monkeypatch.setattr(repository, "git", self)

    def __call__(self, *words: str, stdin: bytes = b"", folder: Path | None = None) -> Ended:
        assert folder in (self.top, self.root.parent), words
        key = " ".join([*words, stdin.decode().replace("\n", " ")]).strip()
        answer = self.answers.get(key)
        return Ended(128, b"of a failure\n", b"") if answer is None else Ended(0, answer, b"")

    def found(self, answers: Mapping[str, bytes | None]) -> Repository:
        self.answers |= answers
        return Repository(self.root)


@pytest.fixture
def git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Git:
    return Git(tmp_path / "top", monkeypatch)


def commit(ref: str) -> str:
    return f"rev-parse --verify --quiet --end-of-options {ref}^{{commit}}"


def refs(**refs: str) -> dict[str, bytes | None]:
    return {commit(name): f"{hash_}\n".encode() for name, hash_ in refs.items()}


def merge_base(tip: str) -> str:
    return f"merge-base --all {tip} HEAD"


SHALLOW = "rev-parse --is-shallow-repository"
MAIN = {
    **refs(HEAD=THREE, **{"refs/heads/main": ONE}),
    merge_base(ONE): f"{TWO}\n".encode(),
}
REMOTE = refs(**{"refs/remotes/origin/HEAD": TWO})
AT_TWO = {merge_base(TWO): f"{TWO}\n".encode()}


@pytest.mark.parametrize(
    ("ref", "answers", "base"),
    [
        (None, MAIN, Base("main", ONE, TWO)),
        # What others have comes first, and of it what they call their main branch.
        (None, {**MAIN, **REMOTE, **AT_TWO}, Base("origin/HEAD", TWO, TWO)),
        (
            None,
            {**MAIN, **AT_TWO, **refs(**{"refs/remotes/origin/main": TWO})},
            Base("origin/main", TWO, TWO),
        ),
        (
            None,
            {**MAIN, **AT_TWO, **refs(**{"refs/remotes/origin/master": TWO})},
            Base("origin/master", TWO, TWO),
        ),
        (
            None,
            {**MAIN, **AT_TWO, **refs(**{"refs/heads/master": TWO})},
            Base("main", ONE, TWO),
        ),
        (
            None,
            {**AT_TWO, **refs(HEAD=THREE, **{"refs/heads/master": TWO})},
            Base("master", TWO, TWO),
        ),
        # A ref that is named is the one, and keeps its name.
        ("v1", {**MAIN, **REMOTE, **AT_TWO, **refs(v1=TWO)}, Base("v1", TWO, TWO)),
        (
            "refs/heads/main",
            {**MAIN, **REMOTE, **AT_TWO},
            Base("refs/heads/main", ONE, TWO),
        ),
        # A shallow clone is enough if HEAD comes straight from the tip.
        (None, {**MAIN, SHALLOW: b"true\n", merge_base(ONE): ONE.encode()}, Base("main", ONE, ONE)),
    ],
)
def test_the_base(git: Git, ref: str | None, answers: dict[str, bytes | None], base: Base) -> None:
    assert git.found(answers).base(ref) == base


FETCH = "git fetch --unshallow, or in a workflow fetch-depth: 0"
BRINGS = "git fetch --unshallow brings the rest, or in a workflow fetch-depth: 0"
LEFT = f"this clone is shallow and does not show where HEAD left 'main': {FETCH}"


@pytest.mark.parametrize(
    ("ref", "answers", "message"),
    [
        (
            None,
            {**MAIN, commit("HEAD"): None},
            "the repository has no commit yet, so there is nothing to compare with",
        ),
        (
            None,
            {**MAIN, commit("refs/heads/main"): None},
            "no main branch was found (origin/HEAD, main, master): name what to compare with:"
            " --base=REF",
        ),
        ("v1", MAIN, "'v1' is not a git ref"),
        (
            "v1",
            {**MAIN, SHALLOW: b"true\n"},
            f"'v1' is not a git ref; this clone is shallow: {BRINGS}",
        ),
        ("", MAIN, "'' is not a git ref"),
        (None, {**MAIN, merge_base(ONE): b"\n"}, "HEAD and 'main' have no commit in common"),
        (None, {**MAIN, merge_base(ONE): None}, "HEAD and 'main' have no commit in common"),
        (
            None,
            {**MAIN, merge_base(ONE): f"{TWO}\n{THREE}\n".encode()},
            "HEAD and 'main' have more than one merge base: merge 'main' into the branch once more",
        ),
        # What a shallow clone shows may be too old, too little, or one of several.
        (None, {**MAIN, SHALLOW: b"true\n"}, LEFT),
        (None, {**MAIN, SHALLOW: None}, LEFT),
        (None, {**MAIN, SHALLOW: b"true\n", merge_base(ONE): None}, LEFT),
        (
            None,
            {**MAIN, SHALLOW: b"true\n", merge_base(ONE): f"{ONE}\n{TWO}\n".encode()},
            LEFT,
        ),
    ],
)
def test_a_base_that_is_not_certain_is_refused(
    git: Git, ref: str | None, answers: dict[str, bytes | None], message: str
) -> None:
    with pytest.raises(Unusable) as caught:
        git.found(answers).base(ref)
    assert str(caught.value).replace('"', "'") == message


LIST = f"ls-tree -r -z --full-tree {ONE} -- a/node-configs/"


@pytest.mark.parametrize(
    ("listed", "tree"),
    [
        (b"", {}),
        (f"100644 blob {TWO}\ta/node-configs/rig/x\0".encode(), {"rig/x": Blob("100644", TWO)}),
        (
            f"120000 blob {TWO}\ta/node-configs/b\0".encode()
            + f"100755 blob {THREE}\ta/node-configs/c\0".encode(),
            {"b": Blob("120000", TWO), "c": Blob("100755", THREE)},
        ),
        # A name is any bytes: with a tab, a line break, and none of UTF-8.
        (
            f"100644 blob {TWO}\ta/node-configs/a\tb\nc".encode() + b"\xff\0",
            {"a\tb\nc\udcff": Blob("100644", TWO)},
        ),
        (
            f"100644 blob {TWO}\ta/node-configs/a/node-configs/b\0".encode(),
            {"a/node-configs/b": Blob("100644", TWO)},
        ),
    ],
)
def test_the_files_of_a_commit(git: Git, listed: bytes, tree: dict[str, Blob]) -> None:
    assert git.found({LIST: listed}).tree(ONE) == tree


def test_the_files_of_another_folder(git: Git) -> None:
    listed = f"100644 blob {TWO}\tschemas/a.yaml\0".encode()
    found = git.found({LIST: b"", f"ls-tree -r -z --full-tree {ONE} -- schemas/": listed})
    assert found.tree(ONE, "schemas/") == {"a.yaml": Blob("100644", TWO)}


def test_files_that_git_cannot_list_are_not_none(git: Git) -> None:
    found = git.found({})
    for ask, message in (
        (lambda: found.tree(ONE), f"git cannot list the files of {ONE[:12]}"),
        (lambda: found.commits(BASE), f"git cannot list the commits since {TWO[:12]}"),
        (lambda: found.history(ONE, ["rig"]), f"git cannot list the commits before {ONE[:12]}"),
        (found.present, "git cannot list the files of the work tree"),
        (lambda: found.elsewhere(BASE), f"git cannot compare HEAD with {TWO[:12]}"),
    ):
        with pytest.raises(Unusable) as caught:
            ask()
        assert str(caught.value) == message


def test_a_submodule_in_a_commit(git: Git) -> None:
    found = git.found({LIST: f"160000 commit {TWO}\ta/node-configs/sub\0".encode()})
    with pytest.raises(Unusable, match=rf"a/node-configs/sub.* is a submodule in {ONE[:12]}"):
        found.tree(ONE)


@pytest.mark.parametrize(
    ("printed", "contents"),
    [
        (
            f"{ONE} blob 2\nx\n\n{TWO} blob 0\n\n{THREE} blob 5\n1 2 3\n".encode(),
            {ONE: b"x\n", TWO: b"", THREE: b"1 2 3"},
        ),
        (f"{ONE} missing\n{TWO} blob 1\nx\n{THREE} blob 1\ny\n".encode(), ONE),
        (f"{ONE} blob 1\nx\n{TWO} blob 1\ny\n".encode(), THREE),
        (None, ONE),
    ],
)
def test_contents(git: Git, printed: bytes | None, contents: dict[str, bytes] | str) -> None:
    found = git.found({f"cat-file --batch {ONE} {TWO} {THREE}": printed or b""})
    asked = [THREE, ONE, TWO, ONE]
    if isinstance(contents, str):
        with pytest.raises(Unusable, match=f"^git has no content for the file {contents[:12]}$"):
            found.contents(asked)
    else:
        assert found.contents(asked) == contents


@pytest.mark.parametrize(
    ("listed", "commits"),
    [
        (b"", []),
        (f"{ONE}\n".encode(), [Commit(ONE, ())]),
        (
            f"{ONE} {TWO} {THREE}\n{TWO} {THREE}\n".encode(),
            [Commit(ONE, (TWO, THREE)), Commit(TWO, (THREE,))],
        ),
    ],
)
def test_the_commits_of_a_change(git: Git, listed: bytes, commits: list[Commit]) -> None:
    """Those that main has are not of the change, nor those that were in it at the fork."""
    found = git.found({f"rev-list --parents HEAD ^{ONE} ^{TWO}": listed})
    assert found.commits(BASE) == commits


def test_the_past_of_nodes(git: Git) -> None:
    words = f"rev-list --first-parent --max-count=100 {ONE} --"
    paths = ":(top,literal)a/node-configs/rig :(top,literal)a/node-configs/roles"
    found = git.found({f"{words} {paths}": f"{TWO}\n{THREE}\n".encode()})
    assert found.history(ONE, ["rig", "roles"]) == [TWO, THREE]


VERIFY, SHOWN = (
    f"verify-commit {ONE}",
    f"log -1 --no-show-signature --format=%G?%x00%GS {ONE}",
)
MERGED, OWN_TREE = f"merge-tree --write-tree {TWO} {THREE}", f"rev-parse {ONE}^{{tree}}"
GOOD = {VERIFY: b"", SHOWN: b"G\0ann\n"}
UNTOUCHED = {MERGED: b"tree\n", OWN_TREE: b"tree\n"}
AUTOMATIC = Signature(True, is_automatic=True)
PLAIN, MERGE = (TWO,), (TWO, THREE)


@pytest.mark.parametrize(
    ("parents", "answers", "signature"),
    [
        (PLAIN, GOOD, Signature(True, "ann")),
        ((), GOOD, Signature(True, "ann")),
        (PLAIN, {}, Signature(False)),
        (PLAIN, {SHOWN: b"G\0ann\n"}, Signature(False)),
        # git verifies a key that it does not trust, or that is too old; nobody is named then.
        (PLAIN, {**GOOD, SHOWN: b"U\0ann\n"}, Signature(True)),
        (PLAIN, {**GOOD, SHOWN: b"X\0ann\n"}, Signature(True)),
        (PLAIN, {**GOOD, SHOWN: b"G\0\n"}, Signature(True)),
        (PLAIN, {**GOOD, SHOWN: b"G\n"}, Signature(True)),
        (PLAIN, {**GOOD, SHOWN: None}, Signature(True)),
        (PLAIN, {**GOOD, SHOWN: b"G\0ann\0bob\n"}, Signature(True, "ann\0bob")),
        # The name is what git says, to its last letter.
        (PLAIN, {**GOOD, SHOWN: b"G\0MAX\n"}, Signature(True, "MAX")),
        (PLAIN, {**GOOD, SHOWN: b"G\0ann \n"}, Signature(True, "ann ")),
        # A merge that adds nothing needs none. One that adds something is as any commit.
        (MERGE, UNTOUCHED, AUTOMATIC),
        (MERGE, {**UNTOUCHED, **GOOD}, AUTOMATIC),
        (MERGE, {**UNTOUCHED, OWN_TREE: b"other\n"}, Signature(False)),
        (MERGE, {**UNTOUCHED, **GOOD, OWN_TREE: b"other\n"}, Signature(True, "ann")),
        (MERGE, {**UNTOUCHED, MERGED: None}, Signature(False)),
        (MERGE, {**UNTOUCHED, OWN_TREE: None}, Signature(False)),
        (MERGE, {}, Signature(False)),
        # git merges two. What it would make of one, or of three, is not known.
        ((TWO, THREE, ONE), {**UNTOUCHED, f"{MERGED} {ONE}": b"tree\n"}, Signature(False)),
        (
            PLAIN,
            {OWN_TREE: b"tree\n", f"merge-tree --write-tree {TWO}": b"tree\n"},
            Signature(False),
        ),
        ((), {OWN_TREE: b"tree\n", "merge-tree --write-tree": b"tree\n"}, Signature(False)),
    ],
)
def test_the_signature_of_a_commit(
    git: Git, parents: tuple[str, ...], answers: dict[str, bytes | None], signature: Signature
) -> None:
    assert git.found(answers).signature(Commit(ONE, parents)) == signature


def test_the_files_of_the_work_tree(git: Git) -> None:
    listed = [
        b"a/node-configs/rig/state.yaml",
        b"a/node-configs/conftest.py",
        b"a/node-configs/__pycache__/conftest.pyc",
        b"a/node-configs/rig/__pycache__/x.pyc",
        b"a/node-configs/rig/my__pycache__",
        b"a/node-configs/a/node-configs/b",
        b"a/node-configs/\xff\n",
    ]
    words = "ls-files --cached --others --exclude-standard -z -- :(top,literal)a/node-configs/"
    found = git.found({words: b"".join(each + b"\0" for each in listed)})
    assert found.present() == {
        "rig/state.yaml",
        "conftest.py",
        "rig/my__pycache__",
        "a/node-configs/b",
        "\udcff\n",
    }


def test_what_is_elsewhere(git: Git) -> None:
    """Folders whose names begin alike are others."""
    listed = b"a/node-configs/rig/x\0a/node-configs-2/x\0b/a/node-configs/x\0\xff\nx\0"
    found = git.found({f"diff-tree -r -z --name-only --no-renames {TWO} HEAD": listed})
    assert found.elsewhere(BASE) == ["a/node-configs-2/x", "b/a/node-configs/x", "\udcff\nx"]


def test_the_commit_of_head(git: Git) -> None:
    assert git.found(refs(HEAD=TWO)).head() == TWO


@pytest.mark.parametrize(
    ("asked", "answer", "message"),
    [
        ("toplevel", None, "is in no git repository, so there is nothing to compare it with"),
        ("superproject-working-tree", None, "git cannot say if"),
        ("superproject-working-tree", b"/outer\n", "is in a submodule: the change may have"),
    ],
)
def test_a_folder_that_has_no_history_of_its_own(
    git: Git, asked: str, answer: bytes | None, message: str
) -> None:
    with pytest.raises(Unusable, match=message):
        git.found({f"rev-parse --show-{asked}": answer})


def test_a_folder_that_is_reached_without_a_link(git: Git) -> None:
    assert git.found({}).prefix == "a/node-configs/"
    git.answers["rev-parse --show-toplevel"] = f"{git.root.parent}\n".encode()
    assert Repository(git.root).prefix == "node-configs/"


@pytest.mark.parametrize("link", ["a", "a/node-configs"])
def test_a_link_on_the_way_is_refused(git: Git, link: str) -> None:
    """What it leads to is not what the commits have under that name."""
    moved = git.top / "moved"
    (git.top / link).rename(moved)
    (git.top / link).symlink_to(moved)
    with pytest.raises(Unusable, match=rf"top/{link}\S+ is a symbolic link: name the folder"):
        git.found({})


def test_a_link_to_the_repository_is_none_of_it(git: Git) -> None:
    """The links above a repository are of the machine, not of the change."""
    link = git.top.parent / "link"
    link.symlink_to(git.top)
    git.root = link / "a/node-configs"
    assert git.found({}).prefix == "a/node-configs/"


def test_a_link_into_a_repository_is_refused(git: Git) -> None:
    link = git.top.parent / "link"
    link.symlink_to(git.root.parent)
    git.root = link / "node-configs"
    with pytest.raises(Unusable, match="is reached through a symbolic link"):
        git.found({})


@pytest.mark.parametrize(
    "names",
    [
        ["a", "a/b"],
        ["a/b", "a"],
        ["a", "a"],
    ],
)
@pytest.mark.parametrize("mode", ["100644", "120000"])
def test_a_name_that_is_there_twice_is_refused(tmp_path: Path, names: list[str], mode: str) -> None:
    """Only a file system that takes `A` for `a` makes the last of these possible."""

    class Twice(dict[str, Blob]):
        def items(self) -> list[tuple[str, Blob]]:  # type: ignore[override]
            return [(names[0], Blob(mode, "1")), (names[1], Blob("100644", "2"))]

    with pytest.raises(
        Unusable, match=r"^the commit has (the file|a link) \S+ (twice|that cannot)"
    ):
        unpack(Twice(), {"1": b"to", "2": b"x"}, tmp_path / "in")


def test_what_is_written(tmp_path: Path) -> None:
    tree = {
        "link": Blob("120000", "1"),
        "a/b/file": Blob("100644", "2"),
        "a/program": Blob("100755", "2"),
        "..a/b..": Blob("100644", "2"),
        "a/empty": Blob("100644", "3"),
        "a/link": Blob("120000", "2"),
    }
    unpack(tree, {"1": b"a/b/\xff", "2": b"x"}, tmp_path / "in")
    found = {
        str(path.relative_to(tmp_path / "in")): os.readlink(os.fsencode(path))  # noqa: PTH115
        if path.is_symlink()
        else path.read_bytes()
        for path in (tmp_path / "in").rglob("*")
        if path.is_symlink() or path.is_file()
    }
    assert found == {
        "link": b"a/b/\xff",
        "a/b/file": b"x",
        "a/program": b"x",
        "..a/b..": b"x",
        "a/empty": b"",
        "a/link": b"x",
    }


@pytest.mark.parametrize("target", [b"", b"a\0b", b"x" * 5000])
def test_a_link_that_no_machine_can_make(tmp_path: Path, target: bytes) -> None:
    with pytest.raises(Unusable, match=r"^the commit has a link 'a' that cannot be made$"):
        unpack({"a": Blob("120000", "1")}, {"1": target}, tmp_path / "in")


@pytest.mark.parametrize("name", ["x" * 300, f"{'x' * 300}/a", "x/" * 3000 + "a"])
def test_a_name_that_is_too_long_for_this_machine(tmp_path: Path, name: str) -> None:
    with pytest.raises(Unusable, match=r"of the commit cannot be written: File name too long$"):
        unpack({name: Blob("100644", "1")}, {"1": b"x"}, tmp_path / "in")


@pytest.mark.parametrize("name", ["../out", "/out", "a/../out", "a/.", "a//b", "a/", "", ".."])
def test_a_name_that_leads_elsewhere(tmp_path: Path, name: str) -> None:
    with pytest.raises(Unusable, match=r"^the commit has a file of the name"):
        unpack({name: Blob("120000", "1")}, {"1": b"x"}, tmp_path / "in")
    assert not (tmp_path / "in").exists()
