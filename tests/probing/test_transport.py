"""Nodes side by side: each has its own answer, reason and deadline. No process is started."""

import errno
import os
import re
import resource
import threading
from types import SimpleNamespace

import pytest

from power_edge.probing import parallel, transport
from power_edge.probing.failure import NotAsked, Unreachable, one_line
from power_edge.probing.framing import Answer
from power_edge.probing.parallel import start
from power_edge.probing.process import Lifeline, NoRoom
from power_edge.probing.route import Route
from power_edge.probing.script import ProbeScript, Timeouts
from power_edge.probing.transport import Job, ask
from tests.support.answers import answer


def job(name: str, **timeouts: int) -> Job:
    return Job(ProbeScript(name, None, (), Timeouts(**timeouts)), Route("ssh://rig"))


def answered(name: str) -> Answer:
    return Answer(name, 0, 0, {}, "open", {}, True)


def test_a_node_that_hangs_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "_GRACE", -2.0)
    never = threading.Event()

    def ask(job: Job, _: Lifeline) -> Answer:
        if job.script.node == "hangs":
            never.wait()
        return answered(job.script.node)

    try:
        pending = start(
            [job("hangs", connect=1, node=1), *(job(str(number)) for number in range(100))], ask
        )
        assert [pending[str(number)].answer().node for number in range(100)] == [
            str(number) for number in range(100)
        ]
        assert not pending["hangs"].is_done_within(0)
        with pytest.raises(Unreachable, match="no answer in 0 s"):
            pending["hangs"].answer()
    finally:
        never.set()


def test_the_caller_waits_until_the_commands_run() -> None:
    """Not until they end, and not for a node that cannot be asked."""
    goes_on = threading.Event()

    def ask(job: Job, lifeline: Lifeline) -> Answer:
        if job.script.node == "fails":
            raise NotAsked("no process")
        lifeline.begun.set()
        goes_on.wait()
        return answered(job.script.node)

    try:
        jobs = [job("a"), job("fails"), job("b")]
        pending = start(jobs, ask, head_start=threading.TIMEOUT_MAX)
        assert not pending["a"].is_done_within(0)
        assert pending["fails"].is_done_within(0)
    finally:
        goes_on.set()


def test_a_caller_who_only_waits_gives_no_head_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loop of a watch has other nodes, too."""
    waited: list[float] = []

    class Watched(Lifeline):
        def __init__(self) -> None:
            super().__init__()
            wait = self.begun.wait
            self.begun.wait = lambda timeout=None: waited.append(timeout) or wait(0)  # type: ignore

    monkeypatch.setattr(parallel, "Lifeline", Watched)
    goes_on = threading.Event()

    def ask(job: Job, _: Lifeline) -> Answer:
        goes_on.wait()
        return answered(job.script.node)

    try:
        start([job("a")], ask, head_start=0.0)
        assert waited == [0.0]
        start([job("a")], ask)
        assert waited[1] > 0
    finally:
        goes_on.set()


def test_a_node_that_waits_for_its_turn_has_as_many_deadlines() -> None:
    """Each of those before it may take its own in full."""
    width = parallel.WIDTH
    pending = start(
        [job(str(number), connect=3, node=20) for number in range(2 * width + 1)],
        lambda job, _: answered(job.script.node),
    )
    alone = pending["0"].limit
    assert alone == 23 + parallel._GRACE
    turns = {0: 1, width - 1: 1, width: 2, 2 * width - 1: 2, 2 * width: 3}
    assert {number: pending[str(number)].limit for number in turns} == {
        number: alone * turn for number, turn in turns.items()
    }


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (Unreachable("no route"), "no route"),
        (RuntimeError("first\nsecond"), "first"),
        (RuntimeError("\n \n"), "RuntimeError"),
        (KeyError(), "KeyError"),
        (SystemExit(1), "1"),
        (TimeoutError("timed out"), "timed out"),
        (MemoryError(), "MemoryError"),
    ],
)
def test_whatever_ends_the_way_is_a_reason(error: BaseException, message: str) -> None:
    def fail(_: Job, __: Lifeline) -> Answer:
        raise error

    with pytest.raises(Unreachable) as raised:
        start([job("a")], fail)["a"].answer()
    assert str(raised.value) == message


NOT_STARTED = "the probe did not start"
TOOLS = " (the node needs a POSIX sh, base64 and gzip)"
SHELL = (
    " (the login shell did not run it: the account must be allowed to run commands, and no startup file, such as ~/.bashrc or ~/.cshrc, may end the"
    " shell, start another or read its input)"
)


class Host:
    """A testinfra host whose command ends as it is told."""

    def __init__(self, stdout: bytes, stderr: bytes = b"") -> None:
        self.backend = SimpleNamespace(NAME="ssh")
        self.result = SimpleNamespace(stdout_bytes=stdout, stderr_bytes=stderr, rc=0)

    def run(self, command: str) -> SimpleNamespace:
        if self.result.rc:
            raise RuntimeError(self.result)
        return self.result


def answer_of(host: Host, monkeypatch: pytest.MonkeyPatch) -> Answer:
    monkeypatch.setattr(Route, "host", lambda *_: host)
    return ask(job("a"), Lifeline())


def test_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    assert answer_of(Host(b"Welcome!" + answer("a")), monkeypatch).node == "a"


@pytest.mark.parametrize(
    ("host", "message"),
    [
        (Host(b""), SHELL),
        (
            Host(b"Welcome!\nThis account is not available.\n"),
            f": This account is not available.{SHELL}",
        ),
        (
            Host(b"This account is not available.\n", b"x\nsh: gzip: not found\n"),
            f": sh: gzip: not found{TOOLS}",
        ),
        (
            Host(b"", b"bash: base64: command not found\ngzip: stdin: unexpected end of file\n"),
            f": bash: base64: command not found{TOOLS}",
        ),
        (
            Host(b"", b"sudo: unable to resolve host rig\nsudo: a password is required\n"),
            ": sudo: a password is required",
        ),
        (
            Host(b"", b"sudo: a password is required\nERROR: ld.so: object 'x' from LD_PRELOAD\n"),
            ": sudo: a password is required",
        ),
        (Host(b"", b"Word too long.\n"), f": Word too long.{SHELL}"),
        (
            Host(b"Welcome\n", b"gzip: stdin: unexpected end of file\n"),
            f": gzip: stdin: unexpected end of file{SHELL}",
        ),
        (Host(b"", b"sh: tmux: not found\n"), f": sh: tmux: not found{SHELL}"),
        *(
            (Host(b"", f"{line}\n".encode()), f": {line}{TOOLS}")
            for line in (
                "base64: Command not found.",
                "zsh:1: command not found: base64",
                "mksh: gzip: inaccessible or not found",
                "fish: Unknown command: base64",
                'exec: "sh": executable file not found in $PATH',
            )
        ),
        (Host(b"", b"\xff\n"), f": \ufffd{SHELL}"),
        (Host(b"", b"'sh' is not recognized\r\n"), f": 'sh' is not recognized{TOOLS}"),
    ],
)
def test_no_answer(host: Host, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Unreachable) as raised:
        answer_of(host, monkeypatch)
    assert str(raised.value) == f"connected, but {NOT_STARTED}{message}"


def test_no_answer_of_a_client_that_may_have_reached_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    host = Host(b"", b"Cannot connect to the Docker daemon\n")
    host.backend.NAME = "docker"
    with pytest.raises(Unreachable, match=f"^{NOT_STARTED}: Cannot connect to the Docker daemon$"):
        answer_of(host, monkeypatch)


def test_a_host_key_that_nobody_could_be_asked_about(monkeypatch: pytest.MonkeyPatch) -> None:
    host = Host(b"", b"Host key verification failed.\r\n")
    host.result.rc = 255
    with pytest.raises(
        Unreachable,
        match=r"^Host key verification failed\. Add its key to known_hosts \(ssh-keyscan, or connect once by hand\)$",
    ):
        answer_of(host, monkeypatch)


@pytest.mark.parametrize(
    "why", ["No ED25519 host key is known for rig and", "Host key for rig has changed and"]
)
def test_of_a_refused_host_key_it_is_told_whether_it_is_unknown_or_has_changed(
    monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    host = Host(
        b"",
        f"@@@\r\n{why} you have requested strict checking.\r\nHost key verification failed.\r\n".encode(),
    )
    host.result.rc = 255
    with pytest.raises(Unreachable) as raised:
        answer_of(host, monkeypatch)
    assert (
        str(raised.value)
        == f"{why} you have requested strict checking. Host key verification failed."
    )


def test_of_ssh_s_own_failure_its_last_line_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    host = Host(b"", b"Warning: x\r\nssh: connect to host rig port 22: No route to host\r\n")
    host.result.rc = 255
    with pytest.raises(Unreachable) as raised:
        answer_of(host, monkeypatch)
    assert str(raised.value) == "ssh: connect to host rig port 22: No route to host"


@pytest.mark.parametrize(
    ("limit", "width"), [(400, 25), (100_000, 64), (resource.RLIM_INFINITY, 64)]
)
def test_as_many_nodes_are_asked_at_once_as_files_may_be_open(
    monkeypatch: pytest.MonkeyPatch, limit: int, width: int
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (limit, limit))
    assert parallel._width() == pytest.approx(width, abs=10 if 100 < limit < 1000 else 0)
    pending = start(
        [job(str(number)) for number in range(100)], lambda job, _: answered(job.script.node)
    )
    assert {pending[str(number)].answer().node for number in range(100)} == {
        str(number) for number in range(100)
    }


@pytest.mark.parametrize("free", [0, 19])
def test_where_too_few_files_may_be_open_no_node_is_asked(
    monkeypatch: pytest.MonkeyPatch, free: int
) -> None:
    limit = len(os.listdir("/dev/fd")) + free  # noqa: PTH208
    monkeypatch.setattr(resource, "getrlimit", lambda _: (limit, limit))
    pending = start([job("a"), job("b")], lambda job, _: answered(job.script.node))
    for each in pending.values():
        with pytest.raises(NotAsked, match="Too many open files"):
            each.answer()


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (OSError(errno.EMFILE, "Too many open files"), "Too many open files"),
        (RuntimeError("can't start new thread"), "Resource temporarily unavailable"),
        (MemoryError(), "Cannot allocate memory"),
    ],
)
def test_a_backend_that_finds_no_room_says_nothing_of_the_node(
    monkeypatch: pytest.MonkeyPatch, error: BaseException, why: str
) -> None:
    """paramiko opens sockets and starts threads in this process."""

    def connect(*_: object) -> None:
        raise error

    monkeypatch.setattr(Route, "host", connect)
    with pytest.raises(NotAsked, match=re.escape(why)):
        ask(job("a"), Lifeline())


ANSWERED = SimpleNamespace(stdout_bytes=answer("a"), stderr_bytes=b"", rc=0)


class Short:
    """An `execute` that finds no room the first times."""

    def __init__(self, times: int) -> None:
        self.left = times

    def __call__(self, *_: object) -> SimpleNamespace:
        self.left -= 1
        if self.left >= 0:
            raise NoRoom("Resource temporarily unavailable")
        return ANSWERED


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Route, "host", lambda *_: Host(b""))
    monkeypatch.setattr(transport, "_PAUSES", (0.0, 0.0, 0.0))


def test_a_node_is_asked_when_this_machine_has_room_again(
    monkeypatch: pytest.MonkeyPatch, at_once: None
) -> None:
    monkeypatch.setattr(transport, "execute", Short(3))
    assert ask(job("a"), Lifeline()).node == "a"


def test_that_this_machine_has_no_room_is_no_fault_of_the_node(
    monkeypatch: pytest.MonkeyPatch, at_once: None
) -> None:
    monkeypatch.setattr(transport, "execute", Short(4))
    with pytest.raises(NotAsked) as raised:
        ask(job("a"), Lifeline())
    assert str(raised.value) == (
        "not asked, because this machine ran out of resources (Resource temporarily unavailable): raise its limits (ulimit -n, ulimit -u), or check fewer"
        " nodes at once"
    )


@pytest.mark.parametrize("threads", [0, 1, 3])
def test_as_many_threads_ask_as_can_be_started(
    monkeypatch: pytest.MonkeyPatch, threads: int
) -> None:
    """hostile.md 15, of threads: "can't start new thread" ended the run."""
    real = threading.Thread.start
    started: list[threading.Thread] = []

    def begin(thread: threading.Thread) -> None:
        if len(started) == threads:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        real(thread)

    monkeypatch.setattr(threading.Thread, "start", begin)
    pending = start(
        [job(str(number)) for number in range(7)], lambda job, _: answered(job.script.node)
    )
    if threads:
        assert [pending[str(number)].answer().node for number in range(7)] == [
            str(number) for number in range(7)
        ]
        assert [pending[str(number)].turn for number in range(7)] == [
            number // threads + 1 for number in range(7)
        ]
    else:
        for each in pending.values():
            with pytest.raises(
                NotAsked, match="not asked, because this machine ran out of resources"
            ):
                each.answer()


def test_the_answers_of_all_nodes_share_a_limit() -> None:
    def longest(count: int) -> set[int]:
        pending = start(
            [job(str(number)) for number in range(count)], lambda job, _: answered(job.script.node)
        )
        return {each.job.longest >> 20 for each in pending.values()}

    assert {count: longest(count) for count in (1, 4, 5, 64, 65, 200)} == {
        1: {64},
        4: {64},
        5: {51},
        64: {4},
        65: {4},
        200: {4},
    }


@pytest.mark.parametrize("end", ["", "\nHost key verification failed."])
def test_what_ssh_or_a_node_says_without_end_is_cut(end: str) -> None:
    result = SimpleNamespace(stderr_bytes=f"{'x' * 100_000}{end}".encode())
    assert len(one_line(RuntimeError(result))) < 700


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (OSError(-2, "Name or service not known"), "Name or service not known"),
        (FileNotFoundError(2, "No such file or directory", "/a\x1b"), r"No such file or directory: '/a\x1b'"),
        (OSError("gone"), "gone"),
        (OSError(), "OSError"),
    ],
)  # fmt: skip
def test_an_error_of_the_system_has_no_number(error: OSError, line: str) -> None:
    assert one_line(error) == line
