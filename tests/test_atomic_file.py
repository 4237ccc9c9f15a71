"""Files are written completely or not at all."""

import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from power_edge import atomic_file


@pytest.fixture(autouse=True)
def umask() -> Iterator[None]:
    """Use the umask of a careful root."""
    before = os.umask(0o077)
    yield
    os.umask(before)


def test_a_new_file_is_as_the_umask_has_it_and_a_written_one_for_all_to_read(
    tmp_path: Path,
) -> None:
    with atomic_file.replacing(tmp_path / "a") as beside:
        beside.write_text("new")
    atomic_file.write(tmp_path / "b", b"new")
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in "ab"] == [0o600, 0o644]
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["a", "b"]


def test_an_old_file_s_mode_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_text("old")
    file.chmod(0o640)
    with atomic_file.replacing(file) as beside:
        beside.write_text("new")
        assert file.read_text() == "old"
    assert (file.read_text(), file.stat().st_mode & 0o777) == ("new", 0o640)


@pytest.mark.parametrize("allowed", [True, False])
def test_an_old_file_s_owner_is_kept_where_that_is_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, allowed: bool
) -> None:
    file = tmp_path / "a"
    file.write_text("old")
    owners = []

    def chown(path: Path, uid: int, gid: int) -> None:
        owners.append((uid, gid))
        if not allowed:
            raise PermissionError

    monkeypatch.setattr(os, "chown", chown)
    atomic_file.write(file, b"new")
    assert (file.read_text(), owners) == ("new", [(file.stat().st_uid, file.stat().st_gid)])


def test_a_symbolic_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a").write_text("old")
    link = tmp_path / "a"
    link.symlink_to("real/a")
    atomic_file.write(link, b"new")
    assert link.is_symlink()
    assert (tmp_path / "real" / "a").read_text() == "new"


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_what_goes_wrong_leaves_the_old_file_and_nothing_beside_it(
    tmp_path: Path, error: BaseException
) -> None:
    file = tmp_path / "a"
    file.write_text("old")

    def write() -> None:
        with atomic_file.replacing(file) as beside:
            beside.write_text("half")
            raise error

    with pytest.raises(type(error)):
        write()
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a", "old")]


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        atomic_file.write(tmp_path / "none" / "a", b"")


@pytest.fixture(params=["in one step", "in several"])
def rename(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system that can exchange files, and one that cannot."""
    if request.param == "in several":
        monkeypatch.setattr(atomic_file, "_renameat2", lambda *_: False)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def before_rename(monkeypatch: pytest.MonkeyPatch, name: str, act: Callable[[], object]) -> None:
    """Do something right before a file is put in its place."""
    rename = atomic_file._rename

    def acting(source: Path, target: Path, flag: int) -> None:
        if target.name == name:
            monkeypatch.setattr(atomic_file, "_rename", rename)
            act()
        rename(source, target, flag)

    monkeypatch.setattr(atomic_file, "_rename", acting)


def test_several_files_are_written_all_or_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rename: None
) -> None:
    (tmp_path / "a").write_text("old")
    atomic_file.write_all(tmp_path, {"a": (b"old", b"new"), "b": (None, b"new")})
    assert contents(tmp_path) == {"a": b"new", "b": b"new"}

    written = Path.write_bytes

    def full(self: Path, data: bytes) -> int:
        if data == b"last":
            raise OSError(28, "No space left on device")
        return written(self, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space") as caught:
        atomic_file.write_all(tmp_path, {"a": (b"new", b"newer"), "b": (b"new", b"last")})
    assert caught.value.filename == str(tmp_path / "b")
    assert contents(tmp_path) == {"a": b"new", "b": b"new"}


@pytest.mark.parametrize("place", range(5))
def test_a_rename_that_fails_is_as_if_nothing_was_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: int, rename: None
) -> None:
    """hostile.md 9: a rename that fails in a set of files, be it the fifth."""
    old = {"a": (b"old a", 0o640), "c": (b"old c", 0o600)}
    for name, (content, mode) in old.items():
        (tmp_path / name).write_bytes(content)
        (tmp_path / name).chmod(mode)

    def fail() -> None:
        raise OSError(16, "Device or resource busy")

    before_rename(monkeypatch, "abcde"[place], fail)
    with pytest.raises(OSError, match="busy") as caught:
        atomic_file.write_all(
            tmp_path, {name: (old[name][0] if name in old else None, b"new") for name in "abcde"}
        )
    assert caught.value.filename == str(tmp_path / "abcde"[place])
    assert {
        path.name: (path.read_bytes(), path.stat().st_mode & 0o777) for path in tmp_path.iterdir()
    } == old


def test_what_cannot_be_put_back_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_text("old")
    rename = atomic_file._rename

    def failing(source: Path, target: Path, flag: int) -> None:
        if target.name == "b" or target.read_bytes() == b"new":
            raise OSError(5, "Input/output error")
        rename(source, target, flag)

    monkeypatch.setattr(atomic_file, "_rename", failing)
    with pytest.raises(OSError, match="Input/output") as caught:
        atomic_file.write_all(tmp_path, {"a": (b"old", b"new"), "b": (None, b"new")})
    assert caught.value.__notes__ == [
        "a already has its new content, and its old content could not be restored: Input/output error"
    ]


def by_replacing(file: Path) -> None:
    beside = file.with_name(f"{file.name}~")
    beside.write_bytes(b"by hand")
    beside.replace(file)


def by_writing(file: Path) -> None:
    file.write_bytes(b"by hand")


@pytest.mark.parametrize("edit", [by_replacing, by_writing])
@pytest.mark.parametrize("name", ["b", "c"])
def test_an_edit_by_hand_at_the_last_moment_is_noticed_and_stays(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    edit: Callable[[Path], None],
    rename: None,
) -> None:
    """hostile.md 10: an edit between the last look and the rename."""
    for old in "ab":
        (tmp_path / old).write_text("old")
    before_rename(monkeypatch, name, lambda: edit(tmp_path / name))
    with pytest.raises(atomic_file.Changed) as caught:
        atomic_file.write_all(
            tmp_path, {"a": (b"old", b"new"), "b": (b"old", b"new"), "c": (None, b"new")}
        )
    assert caught.value.file == tmp_path / name
    assert contents(tmp_path) == {"a": b"old", "b": b"old"} | {name: b"by hand"}


@pytest.mark.parametrize(
    "now",
    [
        Path.unlink,
        lambda file: (file.unlink(), file.symlink_to("a")),
        lambda file: (file.unlink(), file.mkdir()),
    ],
)
def test_a_file_that_is_none_any_more_stays_what_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, now: Callable[[Path], object], rename: None
) -> None:
    for old in "ab":
        (tmp_path / old).write_text("old")
    before_rename(monkeypatch, "b", lambda: now(tmp_path / "b"))
    with pytest.raises((atomic_file.Changed, IsADirectoryError)):
        atomic_file.write_all(tmp_path, {"a": (b"old", b"new"), "b": (b"old", b"new")})
    assert (tmp_path / "a").read_text() == "old"
    assert not (tmp_path / "b").is_file() or (tmp_path / "b").is_symlink()
    assert not list(tmp_path.glob(".*"))


def test_another_name_of_a_file_keeps_what_it_had(tmp_path: Path, rename: None) -> None:
    (tmp_path / "a").write_text("old")
    (tmp_path / "hard link").hardlink_to(tmp_path / "a")
    atomic_file.write_all(tmp_path, {"a": (b"old", b"new")})
    assert contents(tmp_path) == {"a": b"new", "hard link": b"old"}


def test_what_a_killed_run_left_is_removed_and_what_is_in_use_stays(tmp_path: Path) -> None:
    left = (
        tmp_path / ".power-edge-0123456789abcdef.tmp",
        tmp_path / ".power-edge-fedcba9876543210.tmp",
    )
    left[0].touch()
    left[1].mkdir()
    (left[1] / "state.yaml").touch()
    with atomic_file.replacing(tmp_path / "b") as in_use:
        atomic_file.write(tmp_path / "a", b"new")
        assert in_use.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


@pytest.mark.shell
def test_a_run_that_is_killed_leaves_whole_files_and_the_next_one_tidies_up(tmp_path: Path) -> None:
    """hostile.md 14: what kill -9 leaves is removed by the next run."""
    child = os.fork()
    if child == 0:
        with atomic_file.replacing(tmp_path / "a") as beside:
            beside.write_text("half")
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    assert len([*tmp_path.iterdir()]) == 1
    atomic_file.write(tmp_path / "a", b"new")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a", b"new")]


def test_without_a_umask_nobody_else_may_write(tmp_path: Path) -> None:
    """hostile.md 19: with a umask of 0 folders are 0755 at most."""
    os.umask(0)
    atomic_file.make_folder(tmp_path / "nodes")
    atomic_file.write_folder(tmp_path / "nodes" / "a", {"x": b"1"})
    with atomic_file.replacing(tmp_path / "report") as beside:
        beside.write_text("new")
    atomic_file.write_all(tmp_path, {"new": (None, b"")})
    assert [path for path in tmp_path.rglob("*") if path.stat().st_mode & 0o022] == []


def test_a_folder_is_made_with_its_files_or_not_at_all(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    atomic_file.write_folder(folder, {"x": b"1", "y": b"2"})
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {"x": b"1", "y": b"2"}
    with pytest.raises(OSError, match="not empty"):
        atomic_file.write_folder(folder, {"z": b"3"})
    assert [path.name for path in folder.parent.iterdir()] == ["a"]


def killed_in_scratch() -> None:
    child = os.fork()
    if child == 0:
        with atomic_file.scratch() as folder:
            (folder / "a").write_text("x")
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)


@pytest.mark.shell
def test_a_scratch_folder_is_for_its_user_alone_and_does_not_outlive_a_killed_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.umask(0)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    killed_in_scratch()
    (left,) = tmp_path.iterdir()
    assert ((left / "a").read_text(), left.stat().st_mode & 0o777) == ("x", 0o700)
    with atomic_file.scratch() as one, atomic_file.scratch() as other:
        assert {one, other} == {*tmp_path.iterdir()}
    assert not [*tmp_path.iterdir()]


@pytest.mark.shell
def test_a_scratch_folder_of_another_user_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    killed_in_scratch()
    left = [*tmp_path.iterdir()]
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    with atomic_file.scratch():
        pass
    assert [*tmp_path.iterdir()] == left
