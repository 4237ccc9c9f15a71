"""The bump that a change requires: each of the three that can ask for it, what is missing, and every
state of a repository that cannot be judged.
"""

import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from power_edge.config import ConfigError
from power_edge.release import git as repository_of
from power_edge.release import interface
from power_edge.release.changes import Verdict
from power_edge.release.fragments import TYPES, fragments
from power_edge.release.required_bump import (
    CHANGELOG,
    INTERFACE,
    SCHEMAS,
    Required,
    bumped,
    check_committed,
    next_version,
    required,
)
from power_edge.release.schema_set import Unusable
from power_edge.release.version import Version
from tests.support.repository import commit, git, make, write

pytestmark = pytest.mark.shell

CHECKOUT = Path(__file__).parents[2]
STATE = """\
type: object
additionalProperties: false
properties:
  version: {type: string}
  a: {type: string}
"""
WIDER = STATE.replace("a: {type: string}", "a: {type: [string, integer]}")
NARROWER = STATE.replace("a: {type: string}", "a: {type: string, maxLength: 5}")
MORE = STATE + "  b: {type: string%s}\n"
PYPROJECT = """\
[project]
name = "a"
[tool.power-edge]
first-release = "2.0.0"
[tool.hatch.build.targets.wheel]
only-include = ["plugins/power_edge", "schemas"]
"""
STATE_FILE = "schemas/state.schema.yaml"
VERSION = "schemas/VERSION"
FIRST: dict[str, str | None] = {
    STATE_FILE: STATE,
    VERSION: "1.0\n",
    interface.FILE: "# head\npytest --node=VALUE\npytest --watch\n",
    "pyproject.toml": PYPROJECT,
    "changelog.d/+first.feature.md": "first\n",
    "plugins/power_edge/a.py": "",
    "node-configs/rig/state.yaml": "a\n",
}
FEATURE = {"changelog.d/1.feature.md": "b\n"}
BREAKING = {"changelog.d/1.breaking.md": "b\n"}
BUGFIX = {"changelog.d/1.bugfix.md": "b\n"}
MINOR, MAJOR, PATCH = Verdict.MINOR, Verdict.MAJOR, Verdict.PATCH


@pytest.fixture(autouse=True)
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = make(tmp_path / "repository", monkeypatch)
    commit(FIRST, "v1.2.3")
    return folder


def asked(found: Required) -> tuple[Verdict, Verdict, Verdict]:
    return found.by(SCHEMAS), found.by(CHANGELOG), found.by(INTERFACE)


def after(*changes: Mapping[str, str | None]) -> Required:
    commit({path: text for change in changes for path, text in change.items()})
    return required(None)


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(Unusable) as caught:
        call()
    assert "\n" not in str(caught.value)
    return str(caught.value)


# Who asks


def test_nothing_changed() -> None:
    found = required(None)
    assert (found.base, found.bump, found.problems, found.build) == ("v1.2.3", PATCH, (), False)
    assert asked(found) == (PATCH, PATCH, PATCH)


def test_a_release_without_changes_is_compared_by_what_it_is_and_not_by_when() -> None:
    commit({}, "v1.2.4")
    assert required(None).base == "v1.2.4"
    assert required(None, "HEAD~1").base == "v1.2.3"


def test_the_schemas_ask() -> None:
    found = after({STATE_FILE: WIDER, VERSION: "1.1\n"}, FEATURE)
    assert (found.bump, found.problems) == (MINOR, ())
    assert asked(found) == (MINOR, MINOR, PATCH)
    assert [each.why for each in found.reasons if each.source == SCHEMAS] == [
        "a: now allowed as well: integer (state.schema.yaml#/properties/a/type)",
        "schemas/VERSION was 1.0 and is 1.1",
    ]


def test_the_interface_asks() -> None:
    new = after({interface.FILE: "pytest --more\npytest --watch\n\npytest --node=VALUE\n"}, FEATURE)
    assert (asked(new), new.problems) == ((PATCH, MINOR, MINOR), ())
    gone = after({interface.FILE: "pytest --node=VALUE\n"}, BREAKING)
    assert asked(gone) == (PATCH, MAJOR, MAJOR)
    assert gone.reasons[-1].source == SCHEMAS
    assert "gone: pytest --watch" in [each.why for each in gone.reasons]


@pytest.mark.parametrize("type_", TYPES)
def test_a_fragment_asks(type_: str) -> None:
    found = after({f"changelog.d/1.{type_}.2.md": "b\n"})
    assert asked(found) == (PATCH, TYPES[type_], PATCH)
    assert found.bump is TYPES[type_]


def test_a_fragment_of_an_earlier_release_asks_for_nothing() -> None:
    assert after({"plugins/power_edge/a.py": "b"}, BUGFIX).by(CHANGELOG) is PATCH
    assert after({"changelog.d/+first.feature.md": "first, and more\n"}).by(CHANGELOG) is MINOR


def test_fragments_that_a_release_took_away_ask_for_nothing() -> None:
    found = after({"changelog.d/+first.feature.md": None, "CHANGELOG.md": "first\n"})
    assert (found.bump, found.problems) == (PATCH, ())


# What is missing


@pytest.mark.parametrize(
    ("change", "claim", "problem"),
    [
        (
            {STATE_FILE: WIDER, VERSION: "1.1\n"},
            {},
            "no fragment says that this is MINOR (schemas: a: now allowed as well: integer"
            " (state.schema.yaml#/properties/a/type)): write changelog.d/NAME.feature.md",
        ),
        (
            {interface.FILE: "pytest --watch\n"},
            FEATURE,
            "the fragments claim MINOR, and this is MAJOR (interface: gone: pytest --node=VALUE):"
            " write changelog.d/NAME.breaking.md",
        ),
        (
            {"plugins/power_edge/a.py": "b"},
            {},
            "no fragment says what changed in plugins/power_edge/a.py: write"
            " changelog.d/NAME.bugfix.md",
        ),
        (
            {"pyproject.toml": PYPROJECT.replace("name", "dependencies = []\nname")},
            {},
            "no fragment says what changed in pyproject.toml: write changelog.d/NAME.bugfix.md",
        ),
        (
            {interface.FILE: None},
            BREAKING,
            "tests/golden/interface.txt is missing, so nobody knows what changed: make generate"
            " writes it",
        ),
    ],
    ids=["no-fragment", "too-low", "program", "dependencies", "no-list"],
)
def test_what_is_missing_says_what_to_write(
    change: dict[str, str | None], claim: dict[str, str | None], problem: str
) -> None:
    assert after(change, claim).problems == (problem,)


def test_what_is_no_part_of_the_program_needs_no_fragment() -> None:
    found = after({"tests/a.py": "", "pyproject.toml": PYPROJECT + "[tool.ruff]\n"})
    assert (found.problems, found.build) == ((), True)


def test_more_may_be_claimed_than_is_found() -> None:
    assert after({"plugins/power_edge/a.py": "b"}, BREAKING).problems == ()


# Configuration alone


def test_configuration_alone_is_a_patch_without_a_build() -> None:
    change: dict[str, str | None] = {
        "node-configs/rig/state.yaml": "b\n",
        "node-configs/new/state.yaml": "b\n",
        "changelog.d/+rig.config.md": "b\n",
    }
    found = after(change)
    assert (found.bump, found.problems, found.build) == (PATCH, (), False)
    assert after({"plugins/power_edge/b.py": ""}, BUGFIX).build is True


def test_configuration_that_is_gone_is_no_build_and_code_that_is_gone_is_one() -> None:
    assert after({"node-configs/rig/state.yaml": None}).build is False
    found = after({"plugins/power_edge/a.py": None})
    assert found.build is True
    assert "plugins/power_edge/a.py" in found.problems[0]


def test_code_that_moves_into_the_configuration_is_a_build() -> None:
    text = "a = 1\n" * 20
    commit({"plugins/power_edge/b.py": text}, "v1.2.4")
    found = after({"plugins/power_edge/b.py": None, "node-configs/rig/b.py": text})
    assert found.build is True
    assert "plugins/power_edge/b.py" in found.problems[0]


# Another base


def test_a_change_is_compared_with_where_it_parted_from_its_base() -> None:
    git("checkout", "-q", "-b", "change")
    commit({"plugins/power_edge/b.py": "", **BUGFIX})
    git("checkout", "-q", "main")
    commit({interface.FILE: "pytest --node=VALUE\npytest --watch\nnew\n"})
    git("checkout", "-q", "change")
    found = required("main")
    assert (found.base, asked(found)) == ("main", (PATCH, PATCH, PATCH))


def test_each_change_has_its_own_fragment() -> None:
    commit(FEATURE)
    commit({"plugins/power_edge/b.py": ""})
    assert required(None).problems == ()
    assert len(required("HEAD~1").problems) == 1


# schemas/VERSION


@pytest.mark.parametrize(
    ("schema", "says", "right"),
    [
        (WIDER, "1.0", "1.1"),
        (WIDER, "1.2", "1.1"),
        (WIDER, "0.9", "1.1"),
        (NARROWER, "1.1", "2.0"),
        (NARROWER, "2.1", "2.0"),
        (STATE, "0.9", "1.0"),
    ],
)
def test_a_version_of_the_schemas_that_is_not_as_they_ask(
    schema: str, says: str, right: str
) -> None:
    (problem,) = after({STATE_FILE: schema, VERSION: says}, BREAKING).problems
    assert problem.startswith(f"schemas/VERSION is {says}, and was 1.0 at a release: ")
    assert problem.endswith(f"; write {right}")


@pytest.mark.parametrize("says", ["1.1", "2.0"])
def test_the_bump_is_at_least_that_of_the_schemas_version(says: str) -> None:
    found = after({VERSION: says}, BREAKING)
    assert (found.by(SCHEMAS), found.problems) == (MAJOR if says == "2.0" else MINOR, ())


def test_one_step_is_enough_for_all_changes_since_the_release() -> None:
    commit({STATE_FILE: WIDER, VERSION: "1.1", **FEATURE})
    commit(
        {STATE_FILE: WIDER.replace("integer", "integer, boolean"), "changelog.d/2.feature.md": "c"}
    )
    assert required("HEAD~1").problems == ()
    assert required(None).problems == ()


def test_what_is_only_written_raises_the_program_and_not_the_schemas() -> None:
    output = "x-direction: output\ntype: object\nproperties:\n  a: {type: string}\n"
    commit({"schemas/report.schema.yaml": output}, "v1.3.0")
    found = after(
        {"schemas/report.schema.yaml": output.replace("a: {type: string}", "a: {type: integer}")},
        BREAKING,
    )
    assert (found.by(SCHEMAS), found.problems) == (MAJOR, ())


@pytest.mark.parametrize("text", ["one\n", "1.00\n", "1.0.0\n", ""])
def test_a_version_of_the_schemas_that_is_none(text: str) -> None:
    commit({VERSION: text})
    assert "write two numbers, such as 1.0" in refused(lambda: required(None))


def test_a_version_of_the_schemas_that_is_missing() -> None:
    commit({VERSION: None})
    assert required(None).problems[-1] == "schemas/VERSION is missing: write 1.0 into it"


# x-since


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("", "has no x-since"),
        (', x-since: "1.0"', "has x-since 1.0"),
        (', x-since: "1.2"', "has x-since 1.2"),
    ],
    ids=["none", "old", "future"],
)
def test_a_new_field_needs_an_x_since(said: str, words: str) -> None:
    (problem,) = after({STATE_FILE: MORE % said, VERSION: "1.1"}, FEATURE).problems
    assert problem == (
        f'state.schema.yaml: b is new, and {words}: write x-since: "1.1"'
        " (state.schema.yaml#/properties/b)"
    )


def test_a_new_field_with_its_x_since() -> None:
    assert after({STATE_FILE: MORE % ', x-since: "1.1"', VERSION: "1.1"}, FEATURE).problems == ()
    commit({}, "v1.3.0")
    assert after({"tests/a.py": "a"}).problems == ()
    (problem,) = after({STATE_FILE: MORE % "", **BUGFIX}).problems
    assert problem == (
        "state.schema.yaml: b had x-since 1.1, and has None: keep it"
        " (state.schema.yaml#/properties/b)"
    )


def test_a_new_field_that_may_hold_anything_needs_it_too() -> None:
    schema = STATE + "  b: true\n  c: false\n"
    (problem,) = after({STATE_FILE: schema, VERSION: "1.1"}, FEATURE).problems
    assert "state.schema.yaml: b is new, and has no x-since" in problem


def test_a_new_field_speaks_for_those_inside_of_it() -> None:
    schema = STATE + '  b: {type: object, x-since: "1.1", properties: {c: {}}}\n'
    assert after({STATE_FILE: schema, VERSION: "1.1"}, FEATURE).problems == ()


@pytest.mark.parametrize("listed", [True, False])
def test_a_new_resource_type_has_it_in_its_own_file(listed: bool) -> None:
    required_ = "required: [name]\n" if listed else ""
    text = f"type: object\n{required_}additionalProperties: false\nproperties: {{name: {{type: string}}}}\n"
    found = after({"schemas/resources/disks.schema.yaml": text, VERSION: "1.1"}, FEATURE)
    (problem,) = found.problems
    assert problem.startswith("state.schema.yaml: disks is new, and has no x-since")
    assert problem.endswith("(resources/disks.schema.yaml#)")
    assert after({"schemas/resources/disks.schema.yaml": f'{text}x-since: "1.1"\n'}).problems == ()


@pytest.mark.parametrize("said", ["1.1", '"1.01"', '"next"'])
def test_an_x_since_that_is_no_version(said: str) -> None:
    commit({STATE_FILE: MORE % f", x-since: {said}", VERSION: "1.1"})
    assert "x-since is not a version: write two numbers in quotes" in refused(
        lambda: required(None)
    )


# accepted.yaml


ACCEPTED = """\
accepted:
- file: state.schema.yaml
  pointer: /properties/a/maxLength
  verdict: PATCH
  reason: nobody has more
  author: a.person
  release: 1.2.4
"""


def test_an_accepted_verdict_counts_once_the_base_has_it() -> None:
    commit({"schemas/accepted.yaml": ACCEPTED.replace("a/maxLength", "a")})
    together = after({STATE_FILE: NARROWER, "schemas/accepted.yaml": ACCEPTED}, BUGFIX)
    assert (together.bump, together.problems) == (PATCH, ())
    assert required("HEAD~1").bump is MAJOR
    commit({STATE_FILE: STATE})
    commit({STATE_FILE: NARROWER, "changelog.d/2.bugfix.md": "b"})
    assert required("HEAD~1").bump is PATCH


def test_an_accepted_verdict_is_no_excuse_for_the_version_of_the_schemas_in_its_own_change() -> (
    None
):
    commit({STATE_FILE: NARROWER, "schemas/accepted.yaml": ACCEPTED, **BREAKING})
    assert required(None).problems == ()
    (problem,) = required("HEAD~1").problems
    assert problem.endswith("write 2.0")


def test_an_accepted_entry_about_what_is_gone_by_now_is_for_an_earlier_change() -> None:
    gone = STATE.replace("  a: {type: string}\n", "")
    entry = ACCEPTED.replace("/maxLength", "")
    commit({STATE_FILE: gone, "schemas/accepted.yaml": entry, **BUGFIX})
    commit({"tests/a.py": ""})
    assert required("HEAD~1").problems == ()
    assert required(None).problems == ()


def test_an_accepted_yaml_that_cannot_be_used() -> None:
    commit({"schemas/accepted.yaml": "accepted: 1\n"})
    with pytest.raises(ConfigError, match=r"schemas/accepted\.yaml"):
        required(None)


# What comes next


@pytest.mark.parametrize(
    ("bump", "number"), [(MAJOR, "2.0.0"), (MINOR, "1.3.0"), (PATCH, "1.2.4")], ids=str
)
def test_the_next_number(bump: Verdict, number: str) -> None:
    assert bumped(Version.of("1.2.3"), bump).semver == number


def test_the_next_version() -> None:
    commit({"plugins/power_edge/b.py": "", **FEATURE})
    assert next_version().semver == "1.3.0"
    assert next_version(pre=True).semver == "1.3.0-pre.2"


def test_only_first_parents_count() -> None:
    git("checkout", "-q", "-b", "change")
    for number in range(3):
        commit({"a": str(number)})
    git("checkout", "-q", "main")
    git("merge", "-q", "--no-ff", "-m", "merge", "change")
    assert next_version(pre=True).pre == 2


def test_before_the_first_release(repository: Path) -> None:
    git("tag", "-d", "v1.2.3")
    found = required(None)
    assert (found.base, found.problems, found.build) == (None, (), True)
    assert "the schema is new" in found.reasons[0].why
    assert next_version().semver == "2.0.0"
    assert next_version(pre=True).semver == "2.0.0-pre.1"
    commit({"pyproject.toml": PYPROJECT.replace("first-release", "name")})
    assert "does not say which number the first one has" in refused(next_version)
    commit({"pyproject.toml": PYPROJECT.replace("2.0.0", "2.0")})
    assert "is not a version: write three numbers" in refused(next_version)


# What cannot be judged


def test_tags_that_are_no_versions_and_two_of_one_commit() -> None:
    for tag in ("v9", "v9.0.0-pre.3", "v9.0.0rc1", "9.0.0", "v09.0.0", "v9.0.0.0", "latest"):
        git("tag", tag)
    assert required(None).base == "v1.2.3"
    git("tag", "v1.2.10")
    assert required(None).base == "v1.2.10"


def test_a_rollback_is_the_last_release_though_it_is_older() -> None:
    first = git("rev-parse", "HEAD")
    commit({STATE_FILE: WIDER, VERSION: "1.1", **FEATURE}, "v1.3.0")
    git("tag", "v1.3.1", first)
    found = required(None)
    assert (found.base, found.bump, found.problems) == ("v1.3.1", MINOR, ())
    assert next_version().semver == "1.4.0"


def test_after_a_rollback_the_schemas_go_on_from_the_highest_ones() -> None:
    first = git("rev-parse", "HEAD")
    commit({STATE_FILE: MORE % ', x-since: "1.1"', VERSION: "1.1", **FEATURE}, "v1.3.0")
    git("tag", "v1.3.1", first)
    more = MORE % ', x-since: "1.1"' + '  c: {type: string, x-since: "1.2"}\n'
    found = after({STATE_FILE: more, VERSION: "1.2", "changelog.d/2.feature.md": "c"})
    assert (found.base, found.bump, found.problems) == ("v1.3.1", MINOR, ())
    (problem,) = after({VERSION: "1.3"}).problems
    assert problem.endswith("write 1.2")


def test_a_release_without_a_version_of_the_schemas_asks_for_none() -> None:
    commit({VERSION: None}, "v1.3.0")
    git("tag", "-d", "v1.2.3")
    assert after({STATE_FILE: MORE % "", VERSION: "1.0", **FEATURE}).problems == ()


@pytest.mark.parametrize("ref", ["nope", "--help", "", "a\nb", "$(touch x)", "HEAD:schemas"])
def test_a_ref_that_does_not_exist(ref: str, repository: Path) -> None:
    before = sorted(path.name for path in repository.iterdir())
    assert "no git ref" in refused(lambda: required(ref))
    assert "no git ref" in refused(lambda: required(None, ref))
    assert sorted(path.name for path in repository.iterdir()) == before


def test_a_base_that_has_nothing_in_common() -> None:
    git("checkout", "-q", "--orphan", "other")
    commit({"a": "b"})
    assert "have no commit in common" in refused(lambda: required("main"))


def test_a_shallow_clone(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit({"plugins/power_edge/b.py": "", **FEATURE})
    git("clone", "-q", "--depth=1", "--no-tags", repository.as_uri(), str(tmp_path / "clone"))
    monkeypatch.chdir(tmp_path / "clone")
    assert "git fetch --unshallow --tags" in refused(lambda: required(None))
    assert "git fetch --unshallow --tags" in refused(next_version)
    git("tag", "v1.2.3")  # a higher one may be missing all the same
    assert "git fetch --unshallow --tags" in refused(lambda: required(None))
    assert "cannot be counted: git fetch --unshallow --tags" in refused(
        lambda: repository_of.count("HEAD")
    )


def test_a_tree_that_is_not_committed(repository: Path) -> None:
    check_committed()
    write(repository, {".gitignore": "dist\n", "dist/a": ""})
    commit({})
    check_committed()
    write(repository, {"changelog.d/2.feature.md": "b\n"})
    assert refused(check_committed) == (
        "not committed: 'changelog.d/2.feature.md'; a commit is judged, so commit all changes or"
        " remove them"
    )
    write(repository, {"pyproject.toml": "a\n"})
    assert ", and 1 more; " in refused(check_committed)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("1.added.md", "its type is now feature"),
        ("+a.fixed.md", "its type is now bugfix"),
        ("+a.changed.md", "its type is now breaking, feature or bugfix"),
        ("1.features.md", "the types are breaking, feature, bugfix, config, doc"),
        ("feature.md", "name it NAME.TYPE.md"),
        ("a/1.feature.md", "name it NAME.TYPE.md"),
    ],
)
def test_a_fragment_of_no_known_type(name: str, words: str) -> None:
    commit({f"changelog.d/{name}": "b\n"})
    assert words in refused(lambda: required(None))


def test_a_hidden_file_is_no_fragment() -> None:
    assert after({"changelog.d/.template.md": "b\n"}).by(CHANGELOG) is PATCH


def test_a_fragment_that_says_nothing() -> None:
    commit({"changelog.d/1.feature.md": " \n"})
    assert "is empty: say what changed" in refused(lambda: required(None))


@pytest.mark.parametrize(
    ("text", "words"), [("a = [\n", "cannot be read"), ("tool = 1\n", "does not say what a wheel")]
)
def test_a_pyproject_that_cannot_be_used(text: str, words: str) -> None:
    commit({"pyproject.toml": text})
    assert words in refused(lambda: required(None))


def test_a_link_in_place_of_a_file(repository: Path) -> None:
    (repository / "pyproject.toml").unlink()
    (repository / "pyproject.toml").symlink_to("/etc/passwd")
    commit({})
    assert "pyproject.toml is not a regular file" in refused(lambda: required(None))
    assert repository_of.file("HEAD", "no/such/file") is None


# This checkout


def test_the_types_are_those_of_towncrier() -> None:
    pyproject = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())
    assert [each["directory"] for each in pyproject["tool"]["towncrier"]["type"]] == list(TYPES)


def test_the_fragments_of_this_checkout_have_known_types() -> None:
    """It fails with the name that a fragment must have."""
    folder = CHECKOUT / "changelog.d"
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert len(fragments(files)) == sum(not name.startswith(".") for name in files)
