"""Promotions of a real repository with real builds: what is made, and every reason to make nothing."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from power_edge.config.schema import validator
from power_edge.release import build, tags
from power_edge.release.version import Version
from tests.support import github, releases, repository
from tests.support.releases import release
from tests.support.repository import git

pytestmark = pytest.mark.shell


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release v1.0.0, and a pre-release v1.1.0-pre.2 of a MINOR change after it."""
    folder = tmp_path_factory.mktemp("template") / "project"
    with pytest.MonkeyPatch.context() as monkeypatch:
        releases.make(folder, monkeypatch)
        git("tag", "v1.0.0")
        wider = {"schemas/a.schema.yaml": releases.WIDER, "schemas/VERSION": "1.1\n"}
        releases.change(2, "feature", **wider)
        releases.pre_release("1.1.0-pre.2")
    return folder


@pytest.fixture
def project(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, which is the current folder."""
    return releases.copy(template, tmp_path / "project", monkeypatch)


def refused(*words: str) -> str:
    """The one line of an error; nothing was made."""
    before = git("tag", "--list"), sorted(Path("dist").rglob("*"))
    output = release("promote", *words, status=4)
    assert (git("tag", "--list"), sorted(Path("dist").rglob("*"))) == before
    [line] = [line for line in output.splitlines() if line.startswith("Error: ")]
    return line


def test_a_release_is_the_tested_commit_with_its_own_number(project: Path) -> None:
    release("promote", "v1.1.0-pre.2", "1.1.0")
    folder = project / "dist/v1.1.0"
    record = json.loads((folder / "promotion.json").read_text())
    validator("promotion").validate(record)
    commit = git("rev-parse", "HEAD")
    assert record["release"] == "1.1.0"
    assert record["promoted_from"] == "1.1.0-pre.2"
    assert (record["commit"], record["tree"]) == (commit, git("rev-parse", "HEAD^{tree}"))
    assert record["previous"] == "1.0.0"
    assert record["bump"] == "MINOR"
    assert any("b" in reason for reason in record["reasons"])
    assert record["tested"] == releases.tested(commit)
    assert record["rollback"] is None
    tested = project / "dist/v1.1.0-pre.2/power_edge-1.1.0rc2-py3-none-any.whl"
    for key, path in (
        ("wheel", folder / "power_edge-1.1.0-py3-none-any.whl"),
        ("sdist", folder / "power_edge-1.1.0.tar.gz"),
        ("tested_wheel", tested),
    ):
        digest = sha256(path.read_bytes()).hexdigest()
        assert record[key] == {"file": path.name, "sha256": digest}
    assert subprocess.run(
        ["sha256sum", "-c", "SHA256SUMS"], cwd=folder, check=True, capture_output=True
    )
    named = {line.split()[1] for line in (folder / "SHA256SUMS").read_text().splitlines()}
    assert named == {path.name for path in folder.iterdir()} - {"SHA256SUMS"}
    assert git("cat-file", "-t", "v1.1.0") == "tag"
    assert git("rev-parse", "v1.1.0^{commit}") == commit
    last = git("for-each-ref", "--format=%(contents)", "refs/tags/v1.1.0").splitlines()[-1]
    assert (
        last
        == f"promotion.json sha256:{sha256((folder / 'promotion.json').read_bytes()).hexdigest()}"
    )


def test_what_is_built_says_its_own_version(project: Path) -> None:
    release("promote", "v1.1.0-pre.2", "1.2.0")
    with zipfile.ZipFile(project / "dist/v1.2.0/power_edge-1.2.0-py3-none-any.whl") as wheel:
        assert b"Version: 1.2.0\n" in wheel.read("power_edge-1.2.0.dist-info/METADATA")


def test_a_release_is_verified_by_its_tag(project: Path) -> None:
    release("promote", "v1.1.0-pre.2", "1.1.0")
    release("check-tag", "v1.1.0")


def built_as(version: str) -> Path:
    """A folder as `make dist` leaves it: the wheel, the sdist, and others beside them."""
    commit = git("rev-parse", "v1.1.0-pre.2^{commit}")
    place = Path("place").absolute()
    place.mkdir()
    made = build.build(commit, Version.of(version), place)
    folder = made.wheel.parent
    (folder / "power-edge.pyz").write_bytes(b"pyz")
    (folder / f"power-edge_{version}-1_amd64.deb").write_bytes(b"deb")
    return folder


def test_what_was_built_with_the_wheel_is_part_of_the_release(project: Path) -> None:
    output = release("promote", f"--built={built_as('1.1.0')}", "v1.1.0-pre.2", "1.1.0")
    assert "2 other artifacts came with the same wheel and sdist" in output
    folder = project / "dist/v1.1.0"
    record = json.loads((folder / "promotion.json").read_text())
    validator("promotion").validate(record)
    others = ["power-edge.pyz", "power-edge_1.1.0-1_amd64.deb"]
    assert [each["file"] for each in record["artifacts"]] == others
    release("check-tag", "v1.1.0")
    for name in others:
        assert f"{name}: verified" in release("verify", str(folder / name))
        assert record["artifacts"].pop(0)["sha256"] == sha256(name.encode()[-3:]).hexdigest()


def test_nothing_is_left_to_do_for_the_same_promotion_with_its_artifacts(project: Path) -> None:
    words = [f"--built={built_as('1.1.0')}", "v1.1.0-pre.2", "1.1.0"]
    release("promote", *words)
    assert "nothing is left to do" in refused(*words)
    (project / "place/out/power-edge.pyz").write_bytes(b"another")
    assert "v1.1.0 exists, and is not of this promotion" in refused(*words)


@pytest.mark.parametrize("name", ["promotion.json", "SHA256SUMS", "$(touch x)", "-x", "a\nb"])
def test_a_file_that_can_be_no_artifact_is_refused(name: str, project: Path) -> None:
    folder = built_as("1.1.0")
    (folder / name).touch()
    assert name.splitlines()[0] in refused(f"--built={folder}", "v1.1.0-pre.2", "1.1.0")


def test_a_link_is_no_artifact(project: Path) -> None:
    folder = built_as("1.1.0")
    (folder / "power-edge.pyz").unlink()
    (folder / "power-edge.pyz").symlink_to("/etc/passwd")
    assert "cannot be a file of a release" in refused(f"--built={folder}", "v1.1.0-pre.2", "1.1.0")


@pytest.mark.parametrize("pattern", ["*.whl", "*.tar.gz"])
def test_artifacts_of_another_build_are_refused(pattern: str, project: Path) -> None:
    folder = built_as("1.1.0")
    [file] = folder.glob(pattern)
    content = file.read_bytes()
    file.write_bytes(content + b"x")
    words = f"does not have the {file.name} that is proven"
    assert words in refused(f"--built={folder}", "v1.1.0-pre.2", "1.1.0")
    file.unlink()
    assert words in refused(f"--built={folder}", "v1.1.0-pre.2", "1.1.0")
    file.write_bytes(content)
    file.with_name(f"other{file.suffix}" if file.suffix == ".whl" else "other.tar.gz").touch()
    assert "is not a wheel or sdist of this release" in refused(
        f"--built={folder}", "v1.1.0-pre.2", "1.1.0"
    )


def test_a_dry_run_makes_nothing(project: Path) -> None:
    before = git("tag", "--list"), sorted(Path("dist").rglob("*"))
    assert "nothing was written" in release("promote", "v1.1.0-pre.2", "1.1.0", "--dry-run")
    assert (git("tag", "--list"), sorted(Path("dist").rglob("*"))) == before


def test_the_first_release_has_no_other_before_it(project: Path) -> None:
    git("tag", "-d", "v1.0.0")
    release("promote", "v1.1.0-pre.2", "1.1.0")
    assert json.loads(Path("dist/v1.1.0/promotion.json").read_text())["previous"] is None


@pytest.mark.parametrize("version", ["1.0.1", "1.0.9"])
def test_a_number_below_the_required_one_is_refused(version: str, project: Path) -> None:
    git("tag", "v1.0.1-pre.2", "v1.1.0-pre.2^{}")  # else the pre-release's own number is in the way
    git("tag", "-d", "v1.1.0-pre.2", "v1.0.1-pre.2")
    Path("dist/v1.1.0-pre.2").rename("dist/old")
    releases.pre_release("1.0.1-pre.2")
    assert "so at least 1.1.0" in refused("v1.0.1-pre.2", version)


WRONG_VERSIONS = {
    "1.0.0": "there is a release v1.0.0 already",
    "0.9.0": "is not higher than v1.0.0",
    "1.1.0+a": "is not a version",
    "v1.1.0-pre.3": "is a pre-release",
    "1.0.5": "is lower than its pre-release",
    "$(touch x)": "is not a version",
    "--help\n": "",
}


@pytest.mark.parametrize("version", [each for each in WRONG_VERSIONS if WRONG_VERSIONS[each]])
def test_a_number_that_cannot_be_is_refused(version: str, project: Path) -> None:
    assert WRONG_VERSIONS[version] in refused("v1.1.0-pre.2", version)


@pytest.mark.parametrize(
    ("pre", "words"),
    [
        ("v1.1.0-pre.3", "there is no tag v1.1.0-pre.3"),
        ("v1.0.0", "is not a pre-release"),
        ("HEAD", "is not a version"),
        ("--upload-pack=x", ""),
    ],
)
def test_what_is_no_pre_release_is_refused(pre: str, words: str, project: Path) -> None:
    if words:
        assert words in refused(pre, "1.1.0", "--artifacts=dist/v1.1.0-pre.2")
    else:
        assert releases.run("promote", pre, "1.1.0").exit_code == 2


def test_a_lightweight_tag_is_no_pre_release(project: Path) -> None:
    git("tag", "-f", "v1.1.0-pre.2", "HEAD")
    assert "is a lightweight tag" in refused("v1.1.0-pre.2", "1.1.0")


def test_a_pre_release_of_another_branch_is_refused(project: Path) -> None:
    git("checkout", "-q", "-b", "other")
    releases.change(3)
    folder = releases.artifacts("1.1.0-pre.3")
    assert "is not on main" in release("pre", "1.1.0-pre.3", status=4)
    digest = sha256((folder / "tested.json").read_bytes()).hexdigest()
    git("tag", "-a", "-m", f"a\n\ntested.json sha256:{digest}", "v1.1.0-pre.3")
    assert "is not on main" in refused("v1.1.0-pre.3", "1.1.0")
    # A branch that was merged was never tested as main.
    git("checkout", "-q", "main")
    git("merge", "-q", "--no-ff", "other", "-m", "merged")
    assert "is not on main" in refused("v1.1.0-pre.3", "1.1.0")


def test_main_is_that_of_the_server(project: Path, tmp_path: Path) -> None:
    git("init", "-q", "--bare", str(tmp_path / "server"))
    git("remote", "add", "origin", str(tmp_path / "server"))
    git("push", "-q", "origin", "HEAD~1:refs/heads/main")
    git("fetch", "-q")
    assert "is not on origin/main" in refused("v1.1.0-pre.2", "1.1.0")
    git("push", "-q", "origin", "main")
    git("fetch", "-q")
    release("promote", "v1.1.0-pre.2", "1.1.0", "--dry-run")


def test_a_second_pre_release_of_a_commit_is_refused(project: Path) -> None:
    assert "is the pre-release v1.1.0-pre.2 already" in release("pre", "1.1.0-pre.3", status=4)
    git("tag", "v1.1.0-pre.1")
    assert "has 2 pre-releases" in refused("v1.1.0-pre.2", "1.1.0")


def test_the_tags_of_a_pre_release_and_its_release_are_on_one_commit(project: Path) -> None:
    release("promote", "v1.1.0-pre.2", "1.1.0")
    assert tags.at(git("rev-parse", "HEAD")) == [Version.of("1.1.0-pre.2"), Version.of("1.1.0")]
    releases.change(3)
    releases.pre_release("1.1.1-pre.3")
    release("promote", "v1.1.1-pre.3", "1.1.1")
    record = json.loads(Path("dist/v1.1.1/promotion.json").read_text())
    assert (record["previous"], record["bump"]) == ("1.1.0", "PATCH")


def test_a_second_promotion_is_refused(project: Path) -> None:
    release("promote", "v1.1.0-pre.2", "1.1.0")
    assert "nothing is left to do" in refused("v1.1.0-pre.2", "1.1.0")
    assert "promoted already, as v1.1.0" in refused("v1.1.0-pre.2", "1.2.0")


def test_what_is_older_than_a_release_is_a_rollback(project: Path) -> None:
    releases.change(3)
    releases.pre_release("1.1.0-pre.3")
    release("promote", "v1.1.0-pre.3", "1.1.0")
    assert "--rollback" in refused("v1.1.0-pre.2", "1.2.0")


TESTED: dict[str, tuple[dict[str, Any], str]] = {
    "another commit": ({"commit": "0" * 40}, "is of commit 000000000000"),
    "a failure": (
        {"results": [{"name": "tests", "passed": 7, "failed": 1, "skipped": 0}]},
        "tests has 7 passed and 1 failed",
    ),
    "nothing ran": (
        {"results": [{"name": "tests", "passed": 0, "failed": 0, "skipped": 9}]},
        "tests has 0 passed",
    ),
    "not all of it": (
        {"results": [{"name": "tests", "passed": 7, "failed": 0, "skipped": 0}]},
        "has no result of lint, wheel",
    ),
    "a wrong type": ({"run": 1}, "run"),
}


@pytest.mark.parametrize("kind", TESTED)
def test_tests_that_prove_nothing_are_refused(kind: str, project: Path) -> None:
    content, words = TESTED[kind]
    releases.change(3)
    folder = releases.artifacts("1.1.0-pre.3", releases.tested(git("rev-parse", "HEAD")) | content)
    assert words in release("pre", "1.1.0-pre.3", status=4)
    digest = sha256((folder / "tested.json").read_bytes()).hexdigest()
    git("tag", "-a", "-m", f"a\n\ntested.json sha256:{digest}", "v1.1.0-pre.3")
    assert words in refused("v1.1.0-pre.3", "1.1.0")


def test_a_tested_json_that_was_edited_is_refused(project: Path) -> None:
    file = project / "dist/v1.1.0-pre.2/tested.json"
    file.write_text(file.read_text().replace('"skipped": 1', '"skipped": 0'))
    assert "was changed since the tag was made" in refused("v1.1.0-pre.2", "1.1.0")


def test_a_tag_that_records_no_tests_is_refused(project: Path) -> None:
    git("tag", "-f", "-a", "-m", "1.1.0-pre.2", "v1.1.0-pre.2")
    assert "records no tested.json" in refused("v1.1.0-pre.2", "1.1.0")


@pytest.mark.parametrize("name", ["tested.json", "power_edge-1.1.0rc2-py3-none-any.whl"])
def test_a_missing_artifact_is_refused(name: str, project: Path) -> None:
    (project / "dist/v1.1.0-pre.2" / name).unlink()
    assert name in refused("v1.1.0-pre.2", "1.1.0")


def test_without_a_folder_the_message_names_the_option(project: Path) -> None:
    (project / "dist/v1.1.0-pre.2").rename("dist/elsewhere")
    assert "--artifacts=DIR" in refused("v1.1.0-pre.2", "1.1.0")
    release("promote", "v1.1.0-pre.2", "1.1.0", "--artifacts=dist/elsewhere")


def test_a_dirty_tree_is_refused(project: Path) -> None:
    (project / "pyproject.toml").write_text("")
    assert "pyproject.toml" in refused("v1.1.0-pre.2", "1.1.0")


def test_a_shallow_clone_is_refused(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git("clone", "-q", "--depth=1", project.as_uri(), str(tmp_path / "clone"))
    monkeypatch.chdir(tmp_path / "clone")
    Path("dist").mkdir()
    assert "git fetch --unshallow --tags" in refused("v1.1.0-pre.2", "1.1.0")


def test_outside_of_a_repository_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert "no git repository" in release("promote", "v1.1.0-pre.2", "1.1.0", status=4)


def test_a_wheel_of_other_content_is_refused(project: Path) -> None:
    wheel = project / "dist/v1.1.0-pre.2/power_edge-1.1.0rc2-py3-none-any.whl"
    repack(wheel, "power_edge/__init__.py", b"ANSWER = 3\n")
    assert "power_edge/__init__.py has other bytes" in refused("v1.1.0-pre.2", "1.1.0")


def test_a_wheel_by_another_hatchling_says_which(project: Path) -> None:
    wheel = project / "dist/v1.1.0-pre.2/power_edge-1.1.0rc2-py3-none-any.whl"
    repack(wheel, "power_edge-1.1.0rc2.dist-info/WHEEL", b"Generator: hatchling 1.0\n")
    assert re.search(
        r"WHEEL was made by hatchling \S+, and the tested one by hatchling 1.0",
        refused("v1.1.0-pre.2", "1.1.0"),
    )


def test_a_wheel_that_calls_itself_otherwise_is_refused(project: Path) -> None:
    wheel = project / "dist/v1.1.0-pre.2/power_edge-1.1.0rc2-py3-none-any.whl"
    repack(wheel, "power_edge-1.1.0rc2.dist-info/METADATA", b"Version: 1.0\n")
    assert "calls itself '1.0'" in refused("v1.1.0-pre.2", "1.1.0")


def repack(wheel: Path, name: str, content: bytes) -> None:
    """Change one file in a wheel, and nothing else."""
    with zipfile.ZipFile(wheel) as archive:
        entries = [(info, archive.read(info)) for info in archive.infolist()]
    assert name in {info.filename for info, _ in entries}
    with zipfile.ZipFile(wheel, "w") as archive:
        for info, data in entries:
            archive.writestr(info, content if info.filename == name else data)


def test_a_build_that_depends_on_its_folder_is_refused(project: Path) -> None:
    hook = "[tool.hatch.build.hooks.custom]\n"
    code = (
        "from pathlib import Path\n"
        "from hatchling.builders.hooks.plugin.interface import BuildHookInterface\n"
        "class Hook(BuildHookInterface):\n"
        "    def initialize(self, version, data):\n"
        "        (Path(self.root) / 'plugins/power_edge/where.py').write_text(repr(self.root))\n"
        "        data['artifacts'].append('plugins/power_edge/where.py')\n"
    )
    ignored = ".gitignore", "dist/\nwhere.py\n"
    releases.change(
        3,
        **{
            "pyproject.toml": releases.PYPROJECT + hook,
            "hatch_build.py": code,
            ignored[0]: ignored[1],
        },
    )
    releases.pre_release("1.1.0-pre.3")
    assert "two builds of power_edge-1.1.0-py3-none-any.whl differ" in refused(
        "v1.1.0-pre.3", "1.1.0"
    )


def test_a_project_that_does_not_take_the_version_is_refused(project: Path) -> None:
    fixed = releases.PYPROJECT.replace('dynamic = ["version"]', 'version = "1.1.0rc3"')
    releases.change(
        3,
        **{
            "pyproject.toml": fixed.replace(
                '[tool.hatch.version]\nsource = "env"\nvariable = "POWER_EDGE_VERSION"\n', ""
            )
        },
    )
    releases.pre_release("1.1.0-pre.3")
    assert "must take its version from POWER_EDGE_VERSION" in refused("v1.1.0-pre.3", "1.1.0")


def test_a_build_that_fails_says_why(project: Path) -> None:
    hook = "[tool.hatch.build.hooks.custom]\n"
    code = (
        "import os\n"
        "from hatchling.builders.hooks.plugin.interface import BuildHookInterface\n"
        "class Hook(BuildHookInterface):\n"
        "    def initialize(self, version, data):\n"
        "        if 'rc' not in os.environ['POWER_EDGE_VERSION']: raise SystemExit('no such luck')\n"
    )
    releases.change(3, **{"pyproject.toml": releases.PYPROJECT + hook, "hatch_build.py": code})
    releases.pre_release("1.1.0-pre.3")
    assert "as 1.1.0 failed: no such luck" in refused("v1.1.0-pre.3", "1.1.0")


def test_without_hatchling_it_says_what_to_install(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "find_spec", lambda _: None)
    assert "pip install 'hatchling==1.33.0'" in refused("v1.1.0-pre.2", "1.1.0")


def test_configuration_alone_is_no_release(project: Path) -> None:
    release("promote", "v1.1.0-pre.2", "1.1.0")
    repository.commit({"node-configs/a/state.yaml": "a: 1\n"})
    releases.pre_release("1.1.1-pre.3")
    assert "nothing but configuration" in refused("v1.1.1-pre.3", "1.1.1")


def test_a_change_without_a_fragment_is_refused(project: Path) -> None:
    release("promote", "v1.1.0-pre.2", "1.1.0")
    repository.commit({"plugins/power_edge/more.py": "A = 1\n"})
    releases.pre_release("1.1.1-pre.3")
    assert "version check refuses" in refused("v1.1.1-pre.3", "1.1.1")


def test_a_promotion_cut_off_after_the_tag_is_continued(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a new clone, as a workflow has it: the tag is all that is left of the first run."""
    release("promote", "v1.1.0-pre.2", "1.1.0")
    first = {path.name: path.read_bytes() for path in Path("dist/v1.1.0").iterdir()}
    git("clone", "-q", str(project), str(tmp_path / "clone"))
    monkeypatch.chdir(tmp_path / "clone")
    words = ("promote", "v1.1.0-pre.2", "1.1.0", f"--artifacts={project / 'dist/v1.1.0-pre.2'}")
    assert "of a promotion that was cut off" in release(*words)
    assert {path.name: path.read_bytes() for path in Path("dist/v1.1.0").iterdir()} == first
    assert "nothing is left to do" in release(*words, status=4)


def test_a_promotion_cut_off_before_the_tag_is_continued(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(tags, "make", interrupted)
        assert releases.run("promote", "v1.1.0-pre.2", "1.1.0").exit_code == 1
    assert Path("dist/v1.1.0").exists()
    assert "v1.1.0" not in git("tag", "--list").split()
    assert "kept" in release("promote", "v1.1.0-pre.2", "1.1.0")
    release("check-tag", "v1.1.0")


def test_a_tag_of_somebody_else_is_not_continued(project: Path) -> None:
    git("tag", "-a", "-m", f"1.1.0\n\npromotion.json sha256:{'0' * 64}", "v1.1.0")
    assert "is not of this promotion" in refused("v1.1.0-pre.2", "1.1.0")


def test_a_folder_of_something_else_is_not_overwritten(project: Path) -> None:
    folder = project / "dist/v1.1.0"
    folder.mkdir()
    (folder / "promotion.json").write_text("{}")
    assert "remove the folder" in refused("v1.1.0-pre.2", "1.1.0")
    assert (folder / "promotion.json").read_text() == "{}"


def test_a_key_signs_the_sums(project: Path, tmp_path: Path) -> None:
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    release("promote", "v1.1.0-pre.2", "1.1.0")
    release("promote", "v1.1.0-pre.2", "1.1.0", f"--key={key}")  # it was cut off before this
    assert Path("dist/v1.1.0/SHA256SUMS.sig").read_text().startswith("-----BEGIN SSH SIGNATURE")
    assert "nothing is left to do" in refused("v1.1.0-pre.2", "1.1.0", f"--key={key}")


def test_a_key_that_cannot_sign_is_refused(project: Path, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("no key")
    assert "ssh-keygen cannot sign" in refused("v1.1.0-pre.2", "1.1.0", f"--key={key}")


def test_names_of_refs_are_data(project: Path) -> None:
    assert "is not a version" in refused("$(touch x)", "1.1.0")
    assert not Path("x").exists()


def test_options_of_a_rollback_need_it(project: Path) -> None:
    for words in (["--with-config=HEAD"], ["--accept-config-loss"]):
        done = releases.run("promote", "v1.1.0-pre.2", "1.1.0", *words)
        assert done.exit_code == 2
        assert "belong to --rollback" in done.output


def test_no_environment_of_the_caller_changes_a_build(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1")
    monkeypatch.setenv("POWER_EDGE_VERSION", "9.9.9")
    release("promote", "v1.1.0-pre.2", "1.1.0")
    assert os.listdir("dist/v1.1.0")  # noqa: PTH208


def test_tags_that_are_no_versions_are_nothing(project: Path) -> None:
    for name in ("latest", "v9", "v9.0", "v09.0.0", "9.0.0", "v9.0.0-rc1", "v9.0.0+a", "x/v9.0.0"):
        git("tag", name)
    release("promote", "v1.1.0-pre.2", "1.1.0")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, project: Path) -> Iterator[github.Server]:
    with github.served() as found:
        github.as_in_a_workflow(found, monkeypatch)
        yield found


RELEASES = "/repos/an-owner/a-project/releases"


def test_the_files_of_the_pre_release_are_taken_from_github(
    project: Path, server: github.Server
) -> None:
    assets = []
    for path in Path("dist/v1.1.0-pre.2").iterdir():
        server.answers[f"GET {RELEASES}/assets/{path.name}"] = 200, path.read_bytes()
        assets.append({"name": path.name, "url": f"{server.url}{RELEASES}/assets/{path.name}"})
    server.answers[f"GET {RELEASES}/tags/v1.1.0-pre.2"] = 200, {"assets": assets}
    shutil.rmtree("dist")
    release("promote", "v1.1.0-pre.2", "1.1.0")
    release("check-tag", "v1.1.0")


def test_what_is_published_is_not_promoted_again(project: Path, server: github.Server) -> None:
    """In a new clone, where nothing else says that all was done."""
    release("promote", "v1.1.0-pre.2", "1.1.0")
    shutil.rmtree("dist/v1.1.0")
    server.answers[f"GET {RELEASES}/tags/v1.1.0"] = 200, {"id": 1}
    assert "v1.1.0 is published already" in refused("v1.1.0-pre.2", "1.1.0")


def test_the_whole_program_ends_with_its_usual_statuses(project: Path) -> None:
    code = "import sys; sys.argv[0] = 'power-edge'; from power_edge.command import main; main()"

    def ended(*words: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-c", code, "release", *words],
            capture_output=True,
            text=True,
            check=False,
        )
        assert "Traceback" not in done.stderr
        return done.returncode, done.stdout + done.stderr

    wheel = "dist/v1.1.0-pre.2/power_edge-1.1.0rc2-py3-none-any.whl"
    assert ended("promote", "v1.1.0-pre.2", "1.0.0")[0] == 4
    assert ended("verify", wheel)[0] == 1
    assert ended("verify", "nothing")[0] == 4
    Path("dist/v1.1.0-pre.2/tested.json").write_text("[")
    status, output = ended("promote", "v1.1.0-pre.2", "1.1.0")
    assert (status, "tested.json of v1.1.0-pre.2:2:1: " in output) == (4, True), output


def test_why_git_makes_no_tag_is_said_and_the_next_run_makes_it(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git("tag", "v1.1.0/other")
    said = release("promote", "v1.1.0-pre.2", "1.1.0", status=4)
    assert "Error: the tag v1.1.0 was not made: git tag failed: fatal: cannot lock ref" in said
    assert "user.email" not in said
    git("tag", "-d", "v1.1.0/other")
    with monkeypatch.context() as nobody:
        nobody.setenv("GIT_COMMITTER_NAME", "")
        said = release("promote", "v1.1.0-pre.2", "1.1.0", status=4)
    assert "fatal: empty ident name" in said
    assert "; git config user.name and user.email say who tags" in said
    assert "kept     dist/v1.1.0/" in release("promote", "v1.1.0-pre.2", "1.1.0")


def test_what_a_killed_run_left_is_removed_also_beside_a_signature(project: Path) -> None:
    release("promote", "v1.1.0-pre.2", "1.1.0")
    for folder in (project / "dist", project / "dist/v1.1.0"):
        (folder / ".power-edge-0123456789abcdef.tmp").write_text("half")
    said = release("promote", "v1.1.0-pre.2", "1.1.0", status=4)
    assert "v1.1.0 is promoted already, and nothing is left to do" in said
    assert not [*(project / "dist").rglob(".power-edge-*")]
