"""A command line that is remembered and sent again: if nothing has changed, and if nobody else may have written it. No process is started."""

import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from power_edge.probing import ahead, transport
from power_edge.probing.ahead import Ahead, send
from power_edge.probing.transport import Route, Unreachable
from tests.answers import answer
from tests.probing.test_transport import job

ANSWER = answer("a")
FILES = ("state.yaml", "system-identity.yaml", "connection.yaml", "identity.yaml", "watcher.yaml")


class Process:
    """What Popen would have started."""

    started: list["Process"]
    returncode = 0

    def __init__(self, argv: list[Any], **_: Any) -> None:
        self.line = argv[-1]
        self.killed = False
        self.started.append(self)

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, *_: object) -> None:
        """Closes the pipes, and waits."""

    def communicate(self) -> tuple[bytes, bytes]:
        return ANSWER, b""

    def kill(self) -> None:
        self.killed = True


class Backend:
    """As testinfra's of ssh, which runs nothing here."""

    NAME = "ssh"

    def __init__(self, prefix: str = "ssh rig") -> None:
        self.prefix = prefix
        self.ran: list[bytes] = []

    def run(self, command: str) -> Any:
        return self.run_local(f"{self.prefix} %s", command)

    def run_local(self, command: str, *arguments: str) -> Any:
        self.ran.append(self.encode(self.quote(command, *arguments)))
        return self.result(0, self.ran[-1], ANSWER, b"")

    def quote(self, command: str, *arguments: str) -> str:
        return command % tuple(shlex.quote(argument) for argument in arguments)

    def encode(self, line: str) -> bytes:
        return line.encode()

    def result(self, status: int, line: bytes, stdout: bytes, stderr: bytes) -> Any:
        return SimpleNamespace(rc=status, command=line, stdout_bytes=stdout, stderr_bytes=stderr)


class Place:
    """A node's folder, the cache, and the options of a run."""

    def __init__(self, path: Path) -> None:
        self.repository = path / "repository"
        self.folder = self.repository / "node-configs" / "a"
        self.folder.mkdir(parents=True)
        (self.repository / ".git").mkdir()
        self.code = path / "code"
        (self.code / "inner").mkdir(parents=True)
        (self.code / "inner" / "module.py").touch()
        for name in FILES:
            (self.folder / name).write_text(f"{name}\n")
        self.cache = path / "cache"
        self.options: dict[str, object] = {"node": ["a"], "node_configs": None, "file_or_dir": [], "answers": [], "hosts": None, "ssh_config": None}
        self.cwd = self.repository

    def send(self) -> Ahead | None:
        return send(self.options, self.cwd)

    def run(self, command: str = "probe", prefix: str = "ssh rig") -> list[bytes]:
        """A run whose configuration is sound: the command lines that it ran itself, beside what was sent ahead."""
        backend = Backend(prefix)
        sent = self.send()
        assert sent is not None
        sent.stand_before(backend)
        assert backend.run(command).stdout_bytes == ANSWER
        sent.close()
        return backend.ran

    @property
    def remembered(self) -> Path:
        (file,) = (self.cache / "power-edge").iterdir()
        return file


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    made = Place(tmp_path)
    Process.started = []
    monkeypatch.setattr(ahead, "Popen", Process)
    monkeypatch.setattr(ahead, "data", SimpleNamespace(__file__=str(made.code / "data.py"), folder=lambda _: made.code))
    monkeypatch.setenv("XDG_CACHE_HOME", str(made.cache))
    return made


def sent() -> list[bytes]:
    return [process.line for process in Process.started]


def test_what_a_run_sent_is_sent_ahead_by_the_next_one(place: Place) -> None:
    assert place.run() == [b"ssh rig probe"]
    assert sent() == []
    assert place.run() == []
    assert sent() == [b"exec ssh rig probe"]
    assert not Process.started[0].killed
    assert place.run() == []


def test_only_the_first_command_is_remembered_and_taken(place: Place) -> None:
    """One that the server hung up on is run again, and a long plan has several."""
    ran = []
    for _ in range(2):
        backend, early = Backend(), place.send()
        assert early is not None
        early.stand_before(backend)
        for command in ("probe", "probe", "more"):
            backend.run(command)
        ran.append(backend.ran)
    assert ran == [[b"ssh rig probe", b"ssh rig probe", b"ssh rig more"], [b"ssh rig probe", b"ssh rig more"]]


def test_what_would_not_be_sent_is_ended_and_forgotten(place: Place) -> None:
    place.run()
    assert place.run("another probe") == [b"ssh rig 'another probe'"]
    assert Process.started[0].killed
    assert place.run("another probe") == []


def test_it_is_ended_before_the_node_is_asked_anew(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.run()
    killed: list[bool] = []

    def run_local(self: Backend, *_: str) -> Any:
        killed.append(Process.started[0].killed)
        return self.result(0, b"", ANSWER, b"")

    monkeypatch.setattr(Backend, "run_local", run_local)
    place.run("another probe")
    assert killed == [True]


def edit(name: str) -> Callable[[Place], object]:
    return lambda place: (place.folder / name).write_text("something else\n")


def remove(name: str) -> Callable[[Place], object]:
    return lambda place: (place.folder / name).unlink()


def touch(file: Path) -> None:
    """Until the clock of the file system has gone on."""
    before = file.stat().st_ctime_ns
    while file.stat().st_ctime_ns == before:
        file.touch()


CHANGES: dict[str, Callable[[Place], object]] = {
    **{f"{name} edited": edit(name) for name in FILES},
    **{f"{name} removed": remove(name) for name in FILES if name not in ("state.yaml", "connection.yaml")},
    "one more file": edit("waivers.yaml"),
    "--ssh-config": lambda place: place.options.update(ssh_config="other"),
    "--hosts": lambda place: place.options.update(hosts="ssh://other"),
    "--sudo": lambda place: place.options.update(sudo=True),
    "the current folder": lambda place: setattr(place, "cwd", place.folder),
    "Power Edge": lambda place: (place.code / "inner" / "module.py").write_text("changed\n"),
    "a file touched": lambda place: touch(place.folder / "identity.yaml"),
    "Power Edge touched": lambda place: touch(place.code / "inner" / "module.py"),
    "more of Power Edge": lambda place: (place.code / "more.py").touch(),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_nothing_is_sent_after_a_change(place: Place, change: Callable[[Place], object]) -> None:
    place.run()
    change(place)
    assert place.run() == [b"ssh rig probe"]
    assert sent() == []
    assert place.run() == []


def test_libraries_count_as_well(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    libraries = tmp_path / "site-packages"
    libraries.mkdir()
    monkeypatch.setattr(sys, "path", [*sys.path, str(libraries)])
    place.run()
    assert place.run() == []
    (libraries / "yaml-7.dist-info").mkdir()
    assert place.run() == [b"ssh rig probe"]


def test_compiled_files_do_not(place: Place) -> None:
    place.run()
    (place.code / "__pycache__").mkdir()
    (place.code / "__pycache__" / "module.pyc").touch()
    assert place.run() == []


def of_others(name: str, mode: int) -> Callable[[Place], object]:
    return lambda place: (place.remembered if name == "file" else place.remembered.parent).chmod(mode)


def as_link(place: Place) -> None:
    file = place.remembered
    file.rename(place.cache / "file")
    file.symlink_to(place.cache / "file")


def as_folder(place: Place) -> None:
    file = place.remembered
    file.unlink()
    file.mkdir()


def as_linked_folder(place: Place) -> None:
    folder = place.remembered.parent
    folder.rename(place.cache / "folder")
    folder.symlink_to(place.cache / "folder")


def flip(place: Place, at: int) -> None:
    content = bytearray(place.remembered.read_bytes())
    content[at] ^= 1
    place.remembered.write_bytes(content)


SUSPECT: dict[str, Callable[[Place], object]] = {
    "a folder that others may write": of_others("folder", 0o770),
    "a folder that others may read": of_others("folder", 0o755),
    "a file that others may write": of_others("file", 0o602),
    "a file that others may read": of_others("file", 0o644),
    "a link": as_link,
    "a link to a folder": as_linked_folder,
    "an empty file": lambda place: place.remembered.write_bytes(b""),
    "a digest alone": lambda place: place.remembered.write_bytes(place.remembered.read_bytes()[:32]),
    "a file cut short": lambda place: place.remembered.write_bytes(place.remembered.read_bytes()[:-1]),
    "another digest": lambda place: flip(place, 0),
    "another line": lambda place: flip(place, -1),
    "a folder": as_folder,
}


@pytest.mark.parametrize("make", SUSPECT.values(), ids=SUSPECT)
def test_nothing_is_sent_that_may_be_another_s(place: Place, make: Callable[[Place], object]) -> None:
    place.run()
    make(place)
    assert place.run() == [b"ssh rig probe"]
    assert sent() == []


def test_another_user_s_file_is_not_taken(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.run()
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    assert place.run() == [b"ssh rig probe"]
    assert sent() == []


def test_what_is_remembered_is_for_nobody_else_to_read(place: Place) -> None:
    place.run()
    assert [path.stat().st_mode & 0o777 for path in (place.remembered, place.remembered.parent)] == [0o600, 0o700]


@pytest.mark.parametrize("prefix", ["sshpass -p secret ssh rig", "docker exec rig", "sh -c"])
def test_only_ssh_is_remembered_and_no_password(place: Place, prefix: str) -> None:
    place.run(prefix=prefix)
    place.run(prefix=prefix)
    assert sent() == []
    assert not place.cache.exists()


def in_the_repository(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(place.repository / ".cache"))


def led_into_the_repository(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    (place.repository / ".cache").mkdir()
    place.cache.symlink_to(place.repository / ".cache")


def beside_the_nodes(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    (place.repository / ".git").rmdir()
    in_the_repository(place, monkeypatch)


def relative(_: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "cache")


def homeless(_: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(os.path, "expanduser", str)  # as of a user who is in no passwd(5)


@pytest.mark.parametrize("where", [in_the_repository, led_into_the_repository, beside_the_nodes, relative, homeless])
def test_where_nothing_is_remembered(place: Place, where: Callable[[Place, pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch) -> None:
    where(place, monkeypatch)
    assert place.send() is None


def test_a_cache_that_cannot_be_written_is_done_without(place: Place) -> None:
    place.cache.write_text("no folder")
    assert [place.run(), place.run()] == [[b"ssh rig probe"]] * 2


OTHER_RUNS: dict[str, dict[str, object]] = {
    "a pattern": {"node": ["*"], "hosts": "ssh://rig"},
    "two nodes": {"node": ["a", "b"]},
    "a path": {"file_or_dir": ["node-configs/a"]},
    "an answer": {"answers": ["file"]},
    "no such folder": {"node_configs": "missing"},
    "no name": {"node": ["\0"], "hosts": "ssh://rig"},
}


@pytest.mark.parametrize("options", OTHER_RUNS.values(), ids=OTHER_RUNS)
def test_runs_that_are_not_about_one_node(place: Place, options: dict[str, object]) -> None:
    place.options |= options
    assert place.send() is None


def test_a_node_that_is_read_where_it_is(place: Place) -> None:
    (place.folder / "connection.yaml").unlink()
    assert place.send() is None


def test_a_fifo_holds_nobody_up(place: Place) -> None:
    (place.folder / "watcher.yaml").unlink()
    os.mkfifo(place.folder / "watcher.yaml")
    assert place.send() is not None


def test_what_is_not_reached_is_ended(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.run()
    early = place.send()

    def fail(*_: object) -> None:
        raise OSError("no way")

    monkeypatch.setattr(Route, "host", fail)
    with pytest.raises(Unreachable, match="no way"):
        transport.ask(job("a"), early)
    assert Process.started[0].killed


def test_an_answer_that_was_sent_for_ahead(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    backends: list[Backend] = []

    def host(*_: object) -> Any:
        backends.append(Backend())
        return SimpleNamespace(backend=backends[-1], run=backends[-1].run)

    monkeypatch.setattr(Route, "host", host)
    assert [transport.ask(job("a"), place.send()).node for _ in range(2)] == ["a", "a"]
    assert [len(backend.ran) for backend in backends] == [1, 0]
