"""A build gets its version from its builder, and its commit from git or from the archive."""

import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path
from zipfile import ZipFile

import pytest
from packaging.version import Version

pytestmark = pytest.mark.shell

CHECKOUT = Path(__file__).parents[2]
PARTS = ("plugins", "schemas", "probes", "compliance", "deploy")
FILES = ("pyproject.toml", "hatch_build.py", "commit.txt", "README.md", "LICENSE", ".gitattributes")
WRITTEN = "$Format:%H$"


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that make a wheel, without git."""
    folder = tmp_path_factory.mktemp("export")
    for part in PARTS:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(CHECKOUT / part, folder / part, ignore=ignored)
    for file in FILES:
        shutil.copy(CHECKOUT / file, folder)
    (folder / "commit.txt").write_text(WRITTEN)
    (folder / ".gitignore").write_text("__pycache__/\ndist/\n")
    return folder


@pytest.fixture(scope="module")
def checkout(export: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as the only commit of a repository."""
    folder = tmp_path_factory.mktemp("checkout") / "tree"
    shutil.copytree(export, folder)
    git(folder, "init", "-q")
    git(folder, "add", ".")
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    git(folder, *who, "commit", "-q", "-m", "all", "--no-gpg-sign")
    return folder


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", folder, *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def run(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`hatchling build` in a folder."""
    usual = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "POWER_EDGE_VERSION")}
    return subprocess.run(
        [sys.executable, "-m", "hatchling", "build", *words],
        check=False,
        cwd=folder,
        env={**usual, **environment},
        capture_output=True,
        text=True,
    )


def build(folder: Path, target: str, into: Path, **environment: str) -> Path:
    done = run(folder, "-t", target, "-d", str(into), **environment)
    assert done.returncode == 0, done.stderr
    (made,) = into.glob("*.whl" if target == "wheel" else "*.tar.gz")
    return made


def contents(wheel: Path) -> Mapping[str, bytes]:
    with ZipFile(wheel) as opened:
        return {
            name.replace(wheel.name.split("-")[1], "VERSION"): opened.read(name)
            for name in opened.namelist()
        }


def commit_in(wheel: Path) -> str:
    return contents(wheel)["power_edge/commit.txt"].decode().strip()


def test_without_git_and_without_a_version_it_is_below_every_release(
    export: Path, tmp_path: Path
) -> None:
    wheel = build(export, "wheel", tmp_path)
    assert wheel.name == "power_edge-0.0.0.dev0-py3-none-any.whl"
    assert Version("0.0.0.dev0") < Version("0.0.0rc0")
    assert commit_in(wheel) == ""
    assert "power_edge/deploy/systemd/power-edge-watch@.service" in contents(wheel)


def test_a_pre_release_and_its_release_differ_in_metadata_and_record(
    checkout: Path, tmp_path: Path
) -> None:
    tested, released = (
        contents(build(checkout, "wheel", tmp_path / given, POWER_EDGE_VERSION=given))
        for given in ("1.3.0rc145", "1.3.0")
    )
    assert tested["power_edge/commit.txt"].decode().strip() == git(checkout, "rev-parse", "HEAD")
    assert tested.keys() == released.keys()
    assert {name for name in tested if tested[name] != released[name]} == {
        "power_edge-VERSION.dist-info/METADATA",
        "power_edge-VERSION.dist-info/RECORD",
    }


def test_the_wheel_of_the_sdist_is_that_of_the_checkout(checkout: Path, tmp_path: Path) -> None:
    epoch = {"SOURCE_DATE_EPOCH": "1700000000"}
    direct = build(checkout, "wheel", tmp_path / "a", POWER_EDGE_VERSION="1.3.0rc145", **epoch)
    sdist = build(checkout, "sdist", tmp_path / "b", POWER_EDGE_VERSION="1.3.0rc145", **epoch)
    with tarfile.open(sdist) as opened:
        opened.extractall(tmp_path / "c", filter="data")
    # As pip builds it later, on another machine: the version is the sdist's own.
    (unpacked,) = (tmp_path / "c").iterdir()
    later = build(unpacked, "wheel", tmp_path / "d", **epoch)
    assert later.name == direct.name == "power_edge-1.3.0rc145-py3-none-any.whl"
    assert later.read_bytes() == direct.read_bytes()


def test_an_archive_of_git_knows_its_commit(checkout: Path, tmp_path: Path) -> None:
    git(checkout, "archive", "-o", str(tmp_path / "archive.tar"), "HEAD")
    with tarfile.open(tmp_path / "archive.tar") as opened:
        opened.extractall(tmp_path / "tree", filter="data")
    exported = build(tmp_path / "tree", "wheel", tmp_path / "a", POWER_EDGE_VERSION="1.3.0")
    direct = build(checkout, "wheel", tmp_path / "b", POWER_EDGE_VERSION="1.3.0")
    assert exported.read_bytes() == direct.read_bytes()


def test_a_tree_with_changes_is_no_commit(checkout: Path, tmp_path: Path) -> None:
    changed = tmp_path / "tree"
    shutil.copytree(checkout, changed)
    (changed / "probes" / "new.sh").touch()
    assert commit_in(build(changed, "wheel", tmp_path / "out")) == ""


def test_a_repository_further_up_is_another_tree(checkout: Path, tmp_path: Path) -> None:
    outer = tmp_path / "outer"
    outer.mkdir()
    shutil.copytree(checkout / ".git", outer / ".git")
    shutil.copytree(checkout, outer / "inner", ignore=shutil.ignore_patterns(".git"))
    assert commit_in(build(outer / "inner", "wheel", tmp_path / "out")) == ""


@pytest.mark.parametrize(
    "given", ["1.3", "v1.3.0", "1.3.0-pre.145", "1.3.0rc145+abc1234", "1.3.0\n"]
)
def test_a_version_of_another_form_is_refused(given: str, export: Path, tmp_path: Path) -> None:
    done = run(export, "-t", "wheel", "-d", str(tmp_path), POWER_EDGE_VERSION=given)
    assert done.returncode != 0
    assert "POWER_EDGE_VERSION is" in done.stderr
    assert "write a release such as 1.3.0, or a pre-release such as 1.3.0rc145" in done.stderr
    assert not [*tmp_path.iterdir()]
