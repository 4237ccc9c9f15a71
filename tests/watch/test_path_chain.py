"""Paths through links and folders, and what their fingerprints notice."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from power_edge.watch.path_chain import Fingerprint, Look, Step, chain, entries, folders


def fingerprint(path: str) -> Fingerprint:
    look = Look()
    return look.fingerprint(look.chain(path))


def test_each_step_and_each_link_of_the_way_is_known(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real/file").write_text("x")
    (tmp_path / "link").symlink_to("real")
    way = chain(f"{tmp_path}/link/../link/./file")
    assert way.exists
    assert way.end == f"{tmp_path}/real/file"
    assert way.links == (f"{tmp_path}/link",) * 2
    assert way.steps[-1] == Step(f"{tmp_path}/real", "file")


@pytest.mark.parametrize(
    ("path", "end"), [("missing/file", "missing"), ("dangling", "nowhere"), ("loop", "loop")]
)
def test_a_way_that_ends_early_ends_at_the_step_that_is_missing(
    tmp_path: Path, path: str, end: str
) -> None:
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "loop").symlink_to("loop")
    way = chain(f"{tmp_path}/{path}")
    assert not way.exists
    assert way.end == f"{tmp_path}/{end}"


def replace(path: Path) -> None:
    new = path.with_name("new")
    new.write_text("x\n")
    new.rename(path)


def relink(path: Path) -> None:
    link = path.parent.parent / "link"
    (path.parent.parent / "other").mkdir()
    link.unlink()
    link.symlink_to("other")


def swap(path: Path) -> None:
    folder = path.parent
    folder.rename(folder.with_name("old"))
    folder.mkdir()
    path.write_text("x\n")


@pytest.mark.parametrize(
    "change",
    [
        lambda path: path.write_text("y\n"),
        lambda path: path.chmod(0o600),
        lambda path: path.unlink(),
        lambda path: path.touch(),
        replace,
        relink,
        swap,
    ],
    ids=["write", "chmod", "delete", "touch", "replace", "relink", "swap"],
)
def test_a_fingerprint_notices(tmp_path: Path, change: Callable[[Path], object]) -> None:
    path = tmp_path / "real/file"
    path.parent.mkdir()
    path.write_text("x\n")
    os.utime(path, (1, 1))
    (tmp_path / "link").symlink_to("real")
    name = f"{tmp_path}/link/file"
    before = fingerprint(name)
    assert fingerprint(name) == before
    change(path)
    assert fingerprint(name) != before


def test_of_a_folder_two_levels_count(tmp_path: Path) -> None:
    (tmp_path / "a.service.d/deep").mkdir(parents=True)
    before = fingerprint(str(tmp_path))
    (tmp_path / "a.service.d/deep/file").touch()
    assert fingerprint(str(tmp_path)) == before
    (tmp_path / "a.service.d/b.conf").touch()
    assert fingerprint(str(tmp_path)) != before
    assert set(folders(chain(str(tmp_path)))) == {str(tmp_path), f"{tmp_path}/a.service.d"}


def test_a_folder_with_very_many_entries_is_not_looked_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("power_edge.watch.path_chain._ENTRIES", 3)
    for number in range(5):
        (tmp_path / str(number)).touch()
    assert len(list(entries(str(tmp_path)))) == 3
