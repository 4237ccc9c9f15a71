"""Where schemas are read from, and every kind of input that cannot be used: one line says why."""

import os
import shutil
import zipfile
from pathlib import Path

import pytest

from power_edge.config import schema
from power_edge.release import git as release_git
from power_edge.release import tags
from power_edge.release.changes import EMPTY, Verdict, compare
from power_edge.release.schema_set import Unusable, checked
from power_edge.release.source import source
from tests.support.repository import commit as commit_files
from tests.support.repository import git, make, write
from tests.support.trees import tool

pytestmark = pytest.mark.shell

SCHEMAS = Path(__file__).parents[2] / "schemas"
PLAIN = "type: object\nproperties: {a: {type: string}}\n"
WIDER = "type: object\nproperties: {a: {type: [string, integer]}}\n"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return make(tmp_path / "repository", monkeypatch)


def commit(text: str, *tags: str) -> None:
    commit_files({"schemas/a.schema.yaml": text}, *tags)


def refused(word: str) -> str:
    with pytest.raises(Unusable) as caught:
        source(word)
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_two_refs_are_compared(repository: Path) -> None:
    commit(PLAIN, "v1.0.0")
    commit(WIDER)
    difference = compare(source("v1.0.0").schemas, source("HEAD").schemas)
    assert [change.pointer for change in difference.changes] == ["/properties/a/type"]
    assert difference.verdict is Verdict.MINOR
    assert source("last-release").schemas.files == source("v1.0.0").schemas.files


def test_the_highest_release_counts_and_other_tags_do_not(repository: Path) -> None:
    commit(PLAIN, "v1.9.0")
    commit(WIDER, "v1.10.0")
    for tag in ("v1.11.0-pre.3", "v2", "latest", "v1.x.0", "-v"):
        git("update-ref", f"refs/tags/{tag}", "HEAD")
    assert source("last-release").schemas.name == "v1.10.0"


def test_without_a_release_all_is_compared_with_nothing(repository: Path) -> None:
    commit(PLAIN)
    assert source("last-release").schemas is EMPTY
    difference = compare(EMPTY, source("HEAD").schemas)
    assert difference.is_first
    assert difference.verdict is Verdict.MINOR


def test_a_shallow_clone_may_miss_tags_and_refs(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(PLAIN, "v1.0.0")
    commit(WIDER)
    git("clone", "-q", "--depth=1", "--no-tags", repository.as_uri(), str(tmp_path / "clone"))
    monkeypatch.chdir(tmp_path / "clone")
    assert "git fetch --unshallow --tags" in refused("last-release")
    assert "git fetch --unshallow --tags" in refused("v1.0.0")


@pytest.mark.parametrize(
    "ref", ["nope", "--help", "--output=x", "", "a\nb", "$(touch x)", "HEAD:schemas", "HEAD^{tree}"]
)
def test_a_ref_that_is_none_is_refused(ref: str, repository: Path) -> None:
    commit(PLAIN)
    assert "no git ref" in refused(ref)
    assert sorted(path.name for path in repository.iterdir()) == [".git", "schemas"]


@pytest.mark.parametrize("ref", ["-v", "--not", "--branches=x", "$(touch-x)"])
def test_a_ref_that_looks_like_something_else_is_a_ref(ref: str, repository: Path) -> None:
    commit(PLAIN)
    git("update-ref", f"refs/tags/{ref}", "HEAD")
    assert set(source(ref).schemas.files) == {"a.schema.yaml"}


def test_outside_of_a_repository_a_ref_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert "no git repository" in refused("main")
    assert "needs a git repository" in refused("last-release")


def test_a_link_in_a_commit_is_refused(repository: Path) -> None:
    commit(PLAIN)
    (repository / "schemas" / "b.schema.yaml").symlink_to("/etc/passwd")
    git("add", ".")
    git("commit", "-q", "-m", "b")
    assert "not a regular file" in refused("HEAD")


def test_a_commit_without_schemas_is_refused(repository: Path) -> None:
    git("commit", "-q", "--allow-empty", "-m", "a")
    assert "has no schemas" in refused("HEAD")


def test_a_path_wins_over_a_ref(repository: Path) -> None:
    commit(PLAIN)
    write(repository, {"main/b.schema.yaml": PLAIN})
    assert set(source("main").schemas.files) == {"b.schema.yaml"}


def test_folders_of_all_kinds(tmp_path: Path) -> None:
    for inside in (
        "",
        "schemas/",
        "power_edge/schemas/",
        "lib/python3.11/site-packages/power_edge/schemas/",
    ):
        folder = tmp_path / f"of-{len(inside)}"
        write(folder, {f"{inside}a.schema.yaml": PLAIN, f"{inside}resources/b.schema.yaml": PLAIN})
        assert set(source(str(folder)).schemas.files) == {
            "a.schema.yaml",
            "resources/b.schema.yaml",
        }
    assert "has no schemas" in refused(str(tmp_path))


def test_a_wheel(tmp_path: Path) -> None:
    wheel = tmp_path / "power_edge-1.0.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("power_edge/schemas/a.schema.yaml", PLAIN)
        archive.writestr("other/schemas/b.schema.yaml", PLAIN)
    assert set(source(str(wheel)).schemas.files) == {"a.schema.yaml"}
    wheel.write_bytes(wheel.read_bytes()[:40])
    assert "not a wheel that can be read" in refused(str(wheel))


def test_the_program_that_runs_is_this_checkout() -> None:
    assert source("installed").schemas.files == source(str(SCHEMAS)).schemas.files


def test_the_state_is_put_together_as_the_program_does_it() -> None:
    merged = checked("merged", {"state.schema.yaml": schema("state")})
    difference = compare(merged, source("installed").schemas)
    assert [change for change in difference.changes if change.root == "state.schema.yaml"] == []


BAD: dict[str, tuple[dict[str, str], str]] = {
    "not YAML": ({"a.schema.yaml": "a: [\n"}, "a.schema.yaml"),
    "a key twice": ({"a.schema.yaml": "type: object\ntype: object\n"}, "a.schema.yaml"),
    "a list": ({"a.schema.yaml": "- a\n"}, "a.schema.yaml"),
    "too deep": ({"a.schema.yaml": "not: " + "{not: " * 60 + "{}" + "}" * 60}, "a.schema.yaml"),
    "no such type": ({"a.schema.yaml": "type: strin\n"}, "is not a valid schema"),
    "a keyword of a wrong type": (
        {"a.schema.yaml": "properties: {a: 1}\n"},
        "is not a valid schema",
    ),
    "another draft": (
        {"a.schema.yaml": "$schema: http://json-schema.org/draft-07/schema#\n"},
        "2020-12",
    ),
    "a file that is missing": ({"a.schema.yaml": "$ref: b.schema.yaml\n"}, "no such file"),
    "a file elsewhere": ({"a.schema.yaml": "$ref: ../../etc/passwd\n"}, "no such file"),
    "a place that is missing": ({"a.schema.yaml": "items: {$ref: '#/$defs/b'}\n"}, "no schema is"),
    "a place that is not a schema": (
        {"a.schema.yaml": "items: {$ref: '#/examples/0'}\nexamples: [{a: 1}]\n"},
        "no schema is there",
    ),
    "a name": ({"a.schema.yaml": "items: {$ref: '#b'}\n$defs: {b: {$anchor: b}}\n"}, "pointer"),
    "itself": ({"a.schema.yaml": "$ref: '#'\n"}, "refers to itself"),
    "itself by way of another": (
        {
            "a.schema.yaml": "anyOf: [{$ref: b.schema.yaml}]\n",
            "b.schema.yaml": "not: {$ref: a.schema.yaml}\n",
        },
        "refers to itself",
    ),
    "a dynamic reference": ({"a.schema.yaml": "items: {$dynamicRef: '#a'}\n"}, "$dynamicRef"),
    "an id inside": ({"a.schema.yaml": "items: {$id: b}\n"}, "$id"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_schema_that_cannot_be_used_is_refused(kind: str, tmp_path: Path) -> None:
    files, words = BAD[kind]
    write(tmp_path, files)
    assert words in refused(str(tmp_path))


def test_a_file_that_cannot_be_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, {"a.schema.yaml": PLAIN})

    def denied(*_: object) -> None:
        raise PermissionError(13, "Permission denied", "a.schema.yaml")

    monkeypatch.setattr(Path, "open", denied)
    assert "cannot be read" in refused(str(tmp_path))


def test_a_git_that_fails_is_not_read_as_an_empty_answer(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(PLAIN, "v1.0.0")
    head = git("rev-parse", "HEAD")
    real = shutil.which("git")
    reading = 'case " $* " in *" rev-parse "*) exec "$REAL" "$@" ;; esac'
    tool(tmp_path, "git", f'{reading}; echo "fatal: no object" >&2; exit 128')
    monkeypatch.setenv("REAL", str(real))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    for asked in (
        lambda: release_git.files(head, "schemas", (".yaml",)),
        lambda: release_git.file(head, "schemas/a.schema.yaml"),
        lambda: release_git.at_tags(["v1.0.0"], "schemas/a.schema.yaml"),
        lambda: release_git.changed(head, head),
        lambda: release_git.paths(head),
        lambda: release_git.count(head),
        release_git.uncommitted,
        tags.check_whole,
        tags.versions,
        lambda: tags.contains(head, head),
    ):
        with pytest.raises(Unusable, match=r"^git "):
            asked()
