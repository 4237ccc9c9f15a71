"""`make dist`: what its parts decide, without building."""

import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from power_edge import watch_unit
from power_edge.release.version import Version
from tools.dist_artifacts.build import Build, Unbuildable, run
from tools.dist_artifacts.compare import compare
from tools.dist_artifacts.export import export
from tools.dist_artifacts.packages import PROGRAM


def build_of(version: str, place: Path) -> Build:
    build = Build(place, place, 1_700_000_000, "")
    build.out.mkdir()
    (build.out / f"power_edge-{version}-py3-none-any.whl").touch()
    return build


@pytest.mark.parametrize("semver", ["1.3.0-pre.145", "1.3.0"])
def test_each_package_has_the_form_of_a_version_that_version_show_prints(
    semver: str, tmp_path: Path
) -> None:
    version = Version.of(semver)
    build = build_of(version.wheel, tmp_path)
    assert (build.semver, f"{build.package}-1") == (version.oci[0], version.package)


def test_a_development_version_is_below_all(tmp_path: Path) -> None:
    build = build_of("0.0.0.dev0", tmp_path)
    assert (build.semver, build.package) == ("0.0.0-dev.0", "0.0.0~dev0")


def test_a_tar_depends_on_names_and_contents_alone(tmp_path: Path) -> None:
    build = build_of("1.3.0", tmp_path)
    for name, mode, order in (("a", 0o600, "xy"), ("b", 0o755, "yx")):
        folder = tmp_path / name / "folder"
        folder.mkdir(parents=True)
        for file in order:
            (folder / file).write_text(file)
            (folder / file).chmod(mode)
            os.utime(folder / file, (len(name), mode))
        build.tar(folder, tmp_path / f"{name}.tar")
    assert (tmp_path / "a.tar").read_bytes() == (tmp_path / "b.tar").read_bytes()
    with tarfile.open(tmp_path / "a.tar") as opened:
        assert opened.getnames() == ["folder", "folder/x", "folder/y"]


def test_two_builds_that_differ_are_refused(tmp_path: Path) -> None:
    for folder, more in (("a", "1"), ("b", "2")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "same").write_text("x")
        (tmp_path / folder / "other").write_text(more)
    (tmp_path / "b" / "missing").touch()
    with pytest.raises(Unbuildable, match=r"two builds differ in missing, other$"):
        compare(tmp_path / "a", tmp_path / "b")
    compare(tmp_path / "a", tmp_path / "a")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    folder.mkdir()
    (folder / "tracked").write_text("1")
    (folder / "removed").write_text("1")
    (folder / ".gitignore").write_text("ignored\n")
    (folder / "commit.txt").write_text("$Format:%H$\n")
    for words in (
        ["init", "-q"],
        ["add", "."],
        [*("-c", "user.name=a", "-c", "user.email=a@b"), "commit", "-qm", "x", "--no-gpg-sign"],
    ):
        subprocess.run(["git", "-C", folder, *words], check=True)
    return folder


@pytest.mark.shell
def test_a_build_is_made_from_what_git_knows_or_would_add(checkout: Path, tmp_path: Path) -> None:
    (checkout / "ignored").touch()
    clean = export(checkout, tmp_path / "clean", tmp_path)
    head = subprocess.check_output(["git", "-C", checkout, "rev-parse", "HEAD"], text=True)
    assert (clean.tree / "commit.txt").read_text() == head == f"{clean.commit}\n"
    assert not (clean.tree / "ignored").exists()
    (checkout / "new").touch()
    (checkout / "removed").unlink()
    changed = export(checkout, tmp_path / "changed", tmp_path)
    assert (changed.tree / "new").exists()
    assert not (changed.tree / "removed").exists()
    assert (changed.tree / "commit.txt").read_text() == "$Format:%H$\n"


@pytest.mark.shell
def test_a_version_names_one_commit(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POWER_EDGE_VERSION", "1.3.0")
    export(checkout, tmp_path / "clean", tmp_path)
    (checkout / "tracked").write_text("2")
    with pytest.raises(Unbuildable, match="the checkout has changes"):
        export(checkout, tmp_path / "changed", tmp_path)


@pytest.mark.shell
def test_a_step_that_fails_is_said_with_what_it_printed(tmp_path: Path) -> None:
    with pytest.raises(Unbuildable, match=r"sh -c .* ended with 3:\nwhy"):
        run(["sh", "-c", "echo why >&2; exit 3"], tmp_path, dict(os.environ))
    with pytest.raises(Unbuildable, match="no-such-tool is missing: run tests/lab/install-system"):
        run(["no-such-tool"], tmp_path, dict(os.environ))


def test_the_unit_of_the_packages_runs_their_program() -> None:
    unit = watch_unit.with_program(watch_unit.template(), PROGRAM)
    assert "\nExecStart=/usr/bin/power-edge check -q -p no:cacheprovider --node-configs=" in unit
    assert "\nCacheDirectory=power-edge\n" in unit
    assert "python" not in unit
