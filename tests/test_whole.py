"""Files that are whole or not there."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from power_edge import whole


@pytest.fixture(autouse=True)
def umask() -> Iterator[None]:
    """What a careful root's shell has."""
    before = os.umask(0o077)
    yield
    os.umask(before)


def test_a_new_file_is_as_the_umask_has_it_and_a_written_one_for_all_to_read(tmp_path: Path) -> None:
    with whole.replacing(tmp_path / "a") as beside:
        beside.write_text("new")
    whole.write(tmp_path / "b", b"new")
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in "ab"] == [0o600, 0o644]
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["a", "b"]


def test_an_old_file_s_mode_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_text("old")
    file.chmod(0o640)
    with whole.replacing(file) as beside:
        beside.write_text("new")
        assert file.read_text() == "old"
    assert (file.read_text(), file.stat().st_mode & 0o777) == ("new", 0o640)


@pytest.mark.parametrize("allowed", [True, False])
def test_an_old_file_s_owner_is_kept_where_that_is_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, allowed: bool) -> None:
    file = tmp_path / "a"
    file.write_text("old")
    asked = []

    def chown(path: Path, uid: int, gid: int) -> None:
        asked.append((uid, gid))
        if not allowed:
            raise PermissionError

    monkeypatch.setattr(os, "chown", chown)
    whole.write(file, b"new")
    assert (file.read_text(), asked) == ("new", [(file.stat().st_uid, file.stat().st_gid)])


def test_a_symbolic_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a").write_text("old")
    link = tmp_path / "a"
    link.symlink_to("real/a")
    whole.write(link, b"new")
    assert link.is_symlink()
    assert (tmp_path / "real" / "a").read_text() == "new"


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_what_goes_wrong_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path, error: BaseException) -> None:
    file = tmp_path / "a"
    file.write_text("old")

    def write() -> None:
        with whole.replacing(file) as beside:
            beside.write_text("half")
            raise error

    with pytest.raises(type(error)):
        write()
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a", "old")]


def test_a_file_that_must_not_be_there(tmp_path: Path) -> None:
    file = tmp_path / "a"
    whole.write_new(file, b"first")
    with pytest.raises(FileExistsError):
        whole.write_new(file, b"second")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a", "first")]
    assert file.stat().st_mode & 0o777 == 0o644


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        whole.write(tmp_path / "none" / "a", b"")


def test_several_files_are_written_all_or_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    first.write_text("old")
    whole.write_all({first: b"new", second: b"new"})
    assert (first.read_text(), second.read_text()) == ("new", "new")

    written = Path.write_bytes

    def full(self: Path, data: bytes) -> int:
        if data == b"last":
            raise OSError(28, "No space left on device")
        return written(self, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        whole.write_all({first: b"newer", second: b"last"})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]
    assert (first.read_text(), second.read_text()) == ("new", "new")


@pytest.mark.parametrize("place", range(5))
def test_a_rename_that_fails_is_as_if_nothing_was_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: int) -> None:
    files = {tmp_path / name: b"new" for name in "abcde"}
    old = {"a": (b"old a", 0o640), "c": (b"old c", 0o600)}
    for name, (content, mode) in old.items():
        (tmp_path / name).write_bytes(content)
        (tmp_path / name).chmod(mode)
    rename = Path.replace

    def failing(self: Path, target: Path) -> Path:
        if target == tmp_path / "abcde"[place] and not undoing:
            undoing.append(True)
            raise OSError(16, "Device or resource busy")
        return rename(self, target)

    undoing: list[bool] = []
    monkeypatch.setattr(Path, "replace", failing)
    with pytest.raises(OSError, match="busy"):
        whole.write_all(files)
    assert {path.name: (path.read_bytes(), path.stat().st_mode & 0o777) for path in tmp_path.iterdir()} == old


def test_what_cannot_be_put_back_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_text("old")
    rename = Path.replace

    def failing(self: Path, target: Path) -> Path:
        if target.name == "b" or target.read_bytes() == b"new":
            raise OSError(5, "Input/output error")
        return rename(self, target)

    monkeypatch.setattr(Path, "replace", failing)
    with pytest.raises(OSError, match="Input/output") as caught:
        whole.write_all({tmp_path / "a": b"new", tmp_path / "b": b"new"})
    assert caught.value.__notes__ == [f"{tmp_path}/a has its new content already, and could not be put back: Input/output error"]


def test_what_a_killed_run_left_is_removed_and_what_is_in_use_stays(tmp_path: Path) -> None:
    left = (tmp_path / ".power-edge-0123456789abcdef.tmp", tmp_path / ".power-edge-fedcba9876543210.tmp")
    left[0].touch()
    left[1].mkdir()
    (left[1] / "state.yaml").touch()
    with whole.replacing(tmp_path / "b") as in_use:
        whole.write(tmp_path / "a", b"new")
        assert in_use.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_a_run_that_is_killed_leaves_whole_files_and_the_next_one_tidies_up(tmp_path: Path) -> None:
    child = os.fork()
    if child == 0:
        with whole.replacing(tmp_path / "a") as beside:
            beside.write_text("half")
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    assert len([*tmp_path.iterdir()]) == 1
    whole.write(tmp_path / "a", b"new")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a", b"new")]


def test_without_a_umask_nobody_else_may_write(tmp_path: Path) -> None:
    os.umask(0)
    whole.write_folder(tmp_path / "nodes" / "a", {"x": b"1"})
    with whole.replacing(tmp_path / "report") as beside:
        beside.write_text("new")
    whole.write_new(tmp_path / "new", b"")
    assert [path for path in tmp_path.rglob("*") if path.stat().st_mode & 0o022] == []


def test_a_folder_is_made_with_its_files_or_not_at_all(tmp_path: Path) -> None:
    folder = tmp_path / "nodes" / "a"
    whole.write_folder(folder, {"x": b"1", "y": b"2"})
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {"x": b"1", "y": b"2"}
    with pytest.raises(OSError, match="not empty"):
        whole.write_folder(folder, {"z": b"3"})
    assert [path.name for path in folder.parent.iterdir()] == ["a"]
