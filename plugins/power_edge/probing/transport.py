"""Carry a plan to a node and bring its answer back, through a testinfra backend; the nodes side by
side.
"""

import errno
import os
import random
import re
import resource
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, wait
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from queue import Empty, SimpleQueue
from shlex import quote
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from power_edge.probing.framing import NOT_STARTED, Answer, NoAnswer, merge, read
from power_edge.probing.process import (
    LONGEST_OUTPUT,
    TAKES_INPUT,
    Lifeline,
    NoRoom,
    execute,
    need_of_room,
    run,
)
from power_edge.probing.script import Plan, Timeouts, unpacked_by
from power_edge.stderr import errors
from power_edge.text import without_password

WIDTH = 64
"""Nodes asked at once: each costs a thread and, over ssh, a client process that mostly waits."""
LONGEST_TOGETHER = 256 * 1024 * 1024
LONGEST_AT_LEAST = 4 * 1024 * 1024
"""Bytes that the answers of all nodes of a run may have together, and what one node may answer
however many there are: all are kept until judged.
"""
_FILES_EACH, _FILES_KEPT, _FILES_LEAST = 12, 16, 8
"""Open files for each node that is being asked (both ends of the pipes to its process), and open
files kept free for everything else; the least of those with which one node is asked.
"""
_HEAD_START = 0.005
_GRACE = 5.0  # seconds beyond the node's own deadlines, for a slow line to bring the last bytes


_SSH = (
    # No question that nobody answers, an end to a dead line.
    "-o BatchMode=yes -o ServerAliveInterval=5"
    # Nothing that the operator's ssh_config does for people, and nothing of theirs that the node
    # could use.
    " -o RequestTTY=no -o RemoteCommand=none -o PermitLocalCommand=no"
    " -o ClearAllForwardings=yes -o ForwardAgent=no -o ForwardX11=no -o GSSAPIDelegateCredentials=no"
)
_SSH_SINCE_8_7 = "-o SessionType=default -o StdinNull=no -o ForkAfterAuthentication=no"
"""Options that an ssh_config can hold since OpenSSH 8.7, and that would keep the script from the
node. An older ssh refuses to run with them.
"""
_NO_MASTER = "-o ControlMaster=no -o ControlPath=none"
"""A connection that the operator's ssh shares (ControlMaster) would outlive us, and hang us for 29
s when its node has gone.
"""


_HOST_KEY = "Host key verification failed"
_OUR_OPTIONS = "command-line line "
"""How ssh begins a remark on an option that it was built without (GSSAPI); it goes on without it.
"""
_NO_TOOL = re.compile(
    r"(\b(base64|gzip|printf)\b|['\"]sh['\"]|: sh\b).*(not found|not recognized)|(not found|unknown command)\W*(base64|gzip|printf|sh)\b",
    re.IGNORECASE,
)
"""How the shells there are, docker and Windows say that one of these is missing, and not what a
startup file wants.
"""
_SHOWN = 300
"""Letters of a node's own words that a reason holds; looked for at the end of what it printed."""
_LOOKED_AT = 64 * 1024
_HUNG_UP = re.compile(rb"kex_exchange_identification|Connection (closed|reset) by")


class Unreachable(Exception):
    """The node gave no answer; the text says why, in one line."""


class NotAsked(Exception):
    """This machine had no file, process or memory left to ask the node, of which nothing is known
    then.

    The argument says what was missing; the text is one line for people.
    """

    def __str__(self) -> str:
        return f"not asked, since this machine ran short ({self.args[0]}): allow it more (ulimit -n, ulimit -u), or check fewer nodes at once"


class Route(NamedTuple):
    """The way to a node: a testinfra URL, and what testinfra's own options say of it."""

    url: str
    ssh_config: str | None = None
    ssh_identity_file: str | None = None
    ssh_extra_args: str | None = None
    sudo: bool = False
    sudo_user: str | None = None

    def shell_prefix(self) -> str:
        """What is put before the node's shell; never a password prompt."""
        if not self.sudo:
            return ""
        return f"sudo -n -u {quote(self.sudo_user)} " if self.sudo_user else "sudo -n "

    def __repr__(self) -> str:
        """Without the password: a traceback may print this."""
        return f"<Route {without_password(self.url)}>"

    def without_password(self, message: str) -> str:
        """A message without this route's password, whoever put it in."""
        with suppress(ValueError):
            password = urlsplit(self.url).password
            for each in {password, unquote(password)} if password else ():
                message = message.replace(each, "(the password)")
        return message

    def host(self, connect_timeout: int, sockets: Path | None = None) -> Any:
        """testinfra's host object for this way.

        With a folder for `sockets` it is for tests: its commands share one ssh connection for a
        while, and sudo is testinfra's own.

        Without one each command connects anew: a kept master outlives the run, and hangs a later
        one when the node went away.
        """
        import testinfra.host  # takes 20 ms, and validating a configuration needs none of it

        sudo = {} if sockets is None else {"sudo": self.sudo, "sudo_user": self.sudo_user}
        if self.url.startswith("local:"):
            return testinfra.host.get_host(self.url, **sudo)
        # ssh itself takes no password here (BatchMode), and sshpass would show one in `ps`.
        url = without_password(self.url) if self.url.startswith("ssh:") else self.url
        return testinfra.host.get_host(
            url,
            ssh_config=self.ssh_config,
            ssh_identity_file=self.ssh_identity_file,
            ssh_extra_args=" ".join(
                filter(
                    None,
                    (_ssh_options(), _NO_MASTER if sockets is None else "", self.ssh_extra_args),
                )
            ),
            timeout=connect_timeout,
            controlpersist=0 if sockets is None else 10,
            controlpath=None
            if sockets is None
            else f"{sockets}/%%C",  # testinfra formats its command line once more
            **sudo,
        )


@cache
def _ssh_options() -> str:
    """The options for the ssh of this machine. Asking it for its version takes 5 ms, once a run."""
    version = re.search(
        rb"OpenSSH_(?:for_Windows_)?(\d+)\.(\d+)", run(["ssh", "-V"], b"", Lifeline()).stderr
    )
    return (
        f"{_SSH} {_SSH_SINCE_8_7}"
        if version is not None and (int(version[1]), int(version[2])) >= (8, 7)
        else _SSH
    )


class Job(NamedTuple):
    """A plan, and the way to the node that it is for; `longest` are the bytes that the answer may
    have.
    """

    plan: Plan
    route: Route
    longest: int = LONGEST_OUTPUT


def ask(job: Job, lifeline: Lifeline) -> Answer:
    """The node's answer.

    Raises Unreachable and NotAsked. Waits until the command ends or its lifeline is cut: see
    `start` for the deadline.
    """
    with _one_reason(job.route):
        host = _connected(job.route, job.plan.timeouts)
        sudo = job.route.shell_prefix()
        if host.backend.NAME in TAKES_INPUT:
            return _answer(host, unpacked_by(sudo), job.plan.packed(), lifeline, job.longest)
        lines = job.plan.commands(sudo)
        return merge(
            _answer(host, line, b"", lifeline, job.longest // len(lines)) for line in lines
        )


_PAUSES = (0.25, 0.5, 1.0, 2.0)


def _run(host: Any, line: str, sent: bytes, lifeline: Lifeline, longest: int) -> Any:
    """Run a command line; one that the server hung up on before letting it in is tried again, and
    one that this machine has no room for.

    sshd drops some of many that knock at once (MaxStartups, 10 of them by default: sshd_config(5)),
    as when a fleet is behind one jump host.
    """
    for pause in _PAUSES:
        try:
            return execute(host, line, sent, lifeline, longest)
        except NoRoom:
            pass  # until another node's answer is here
        except RuntimeError as error:
            if not _HUNG_UP.search(
                getattr(error.args[0], "stderr_bytes", b"") if error.args else b""
            ):
                raise
        time.sleep(random.uniform(pause / 2, pause))
    return execute(host, line, sent, lifeline, longest)


@contextmanager
def _one_reason(route: Route) -> Iterator[None]:
    try:
        yield
    except (Unreachable, NoAnswer) as error:
        raise Unreachable(route.without_password(str(error))) from None
    except NoRoom as error:
        raise NotAsked(str(error)) from None
    except MemoryError:
        raise NotAsked(os.strerror(errno.ENOMEM)) from None
    except Exception as error:  # testinfra's backends raise whatever their libraries do, an unreachable node among it
        raise Unreachable(
            route.without_password(_one_line(error))
        ) from None  # what they raise may quote a password


def _connected(route: Route, timeouts: Timeouts) -> Any:
    with need_of_room():
        host = route.host(timeouts.connect)
        _check_host_key(host.backend)
    return host


def _answer(host: Any, command: str, sent: bytes, lifeline: Lifeline, longest: int) -> Answer:
    result = _run(host, command, sent, lifeline, longest)
    try:
        return read(result.stdout_bytes)
    except NoAnswer as error:
        silent = str(error) == NOT_STARTED
        # What nologin(8) says, it says on stdout.
        why = _reason(result.stderr_bytes, sent) or (
            _reason(result.stdout_bytes, sent) if silent else ""
        )
        hint = _hint(why, _connects(host)) if silent else ""
        raise Unreachable(
            f"{'connected, but ' if _connects(host) else ''}{error}{f': {why}' if why else ''}{hint}"
        ) from None


def _hint(why: str, login: bool) -> str:
    """What to look at where the probe did not start, by what was printed in place of an answer;
    `login`: a login shell stands in between.
    """
    if _NO_TOOL.search(why):
        return " (it takes a POSIX sh, base64 and gzip)"
    if not login or why.startswith("sudo"):
        return ""
    return (
        " (the login shell did not run it: does the account run commands, and does no startup file, such as ~/.bashrc or ~/.cshrc, end the shell,"
        " exec another or read its input?)"
    )


def _connects(host: Any) -> bool:
    """Whether an answer of whatever kind means that the machine was reached: docker's client says
    in the same way that there is no container.
    """
    return host.backend.NAME in ("ssh", "paramiko")


def _reason(output: bytes, sent: bytes) -> str:
    """The line that says why: a command of the pipe that is missing, before those that starve of
    it; else the last.

    A shell that took the packed script for a command complains of that: such a line says nothing.
    """
    text = output[-_LOOKED_AT:].decode("utf-8", "replace")
    start = sent[:20].decode()
    lines = [
        line.strip()
        for line in errors(text) or text.strip().splitlines()
        if not start or start not in line
    ]
    return next((line for line in lines if "not found" in line), lines[-1] if lines else "")[
        :_SHOWN
    ]


def _check_host_key(backend: Any) -> None:
    """testinfra's paramiko backend accepts any host key with a warning: hold it to known_hosts, as
    ssh does by default.
    """
    if backend.NAME != "paramiko":
        return
    import paramiko

    client = backend.client
    if not isinstance(client._policy, paramiko.WarningPolicy):
        return  # StrictHostKeyChecking no in the ssh_config: the operator's own word
    transport = client.get_transport()
    peer, port = transport.sock.getpeername()[:2]
    known = paramiko.HostKeys()
    for file in _known_hosts(backend):
        if file.is_file():
            known.load(str(file))
    names = [name if port == 22 else f"[{name}]:{port}" for name in (backend.host.name, peer)]
    if not any(known.check(name, transport.get_remote_server_key()) for name in names):
        client.close()
        raise Unreachable(f"the host key of {backend.host.name} is not in known_hosts")


def _known_hosts(backend: Any) -> list[Path]:
    import paramiko

    settings = Path(backend.ssh_config or "~/.ssh/config").expanduser()
    files = "~/.ssh/known_hosts ~/.ssh/known_hosts2 /etc/ssh/ssh_known_hosts"
    if settings.is_file():
        files = (
            paramiko.SSHConfig.from_path(str(settings))
            .lookup(backend.host.name)
            .get("userknownhostsfile", files)
        )
    return [Path(file).expanduser() for file in files.split()]


def start(
    jobs: Sequence[Job], ask: Callable[[Job, Lifeline], Answer] = ask
) -> dict[str, "Pending"]:
    """Ask all nodes at once, in daemon threads: a hung transport keeps neither the others nor the
    end of the run waiting. By node.

    As many are asked at once as this machine has files and threads for. The others wait for their
    turn.
    """
    longest = min(LONGEST_OUTPUT, max(LONGEST_AT_LEAST, LONGEST_TOGETHER // max(1, len(jobs))))
    started = time.monotonic()
    waiting: SimpleQueue[_Turn] = SimpleQueue()
    turns = [_Turn(job._replace(longest=longest), Future(), Lifeline()) for job in jobs]
    for turn in turns:
        waiting.put(turn)
    allowed = _width()
    width = _workers(min(allowed, len(jobs)), waiting, ask)
    for turn in turns if not width else ():
        turn.future.set_exception(
            NotAsked("no thread could be started" if allowed else os.strerror(errno.EMFILE))
        )
    pending = {
        turn.job.plan.node: Pending(
            turn.job, turn.future, started, index // max(1, width) + 1, turn.lifeline
        )
        for index, turn in enumerate(turns)
    }
    # Threads share one interpreter: the caller steps back until the scripts are out, then both go
    # on.
    wait([one.future for one in pending.values()], _HEAD_START)
    return pending


class _Turn(NamedTuple):
    """A node that waits to be asked."""

    job: Job
    future: "Future[Answer]"
    lifeline: Lifeline


def _width() -> int:
    """How many nodes may be asked at once: WIDTH, or fewer (even none) where this process may not
    open files enough.
    """
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit == resource.RLIM_INFINITY:
        return WIDTH
    try:
        free = limit - len(os.listdir("/dev/fd"))  # noqa: PTH208 names alone are counted
    except OSError:
        return 0
    return max(free >= _FILES_EACH + _FILES_LEAST, min(WIDTH, (free - _FILES_KEPT) // _FILES_EACH))


def _workers(
    width: int, waiting: "SimpleQueue[_Turn]", ask: Callable[[Job, Lifeline], Answer]
) -> int:
    """Start threads that ask the waiting nodes, one after the other; how many of `width` this
    machine could start.
    """
    for number in range(width):
        try:
            threading.Thread(
                target=_work, args=(waiting, ask), name=f"ask {number}", daemon=True
            ).start()
        except RuntimeError:
            return number
    return width


def _work(waiting: "SimpleQueue[_Turn]", ask: Callable[[Job, Lifeline], Answer]) -> None:
    while True:
        try:
            job, future, lifeline = waiting.get_nowait()
        except Empty:
            return
        try:
            future.set_result(ask(job, lifeline))
        except (Unreachable, NotAsked) as error:
            future.set_exception(error)
        except BaseException as error:
            future.set_exception(Unreachable(_one_line(error)))


class Pending(NamedTuple):
    """An answer on its way."""

    job: Job
    future: "Future[Answer]"
    started: float
    turn: int
    lifeline: Lifeline
    """What the processes towards the node hang on."""

    @property
    def limit(self) -> float:
        """Seconds from the start until nothing more is waited for."""
        timeouts = self.job.plan.timeouts
        return (timeouts.connect + timeouts.node + _GRACE) * self.turn

    def here_within(self, seconds: float) -> bool:
        """Wait that long; whether there is an answer, or the reason why there is none."""
        return bool(wait([self.future], seconds).done)

    def answer(self) -> Answer:
        """Wait for the answer, at most until the node's deadline; then what was started is ended.

        Raises Unreachable and NotAsked.
        """
        try:
            return self.future.result(max(0.0, self.started + self.limit - time.monotonic()))
        except TimeoutError:
            self.lifeline.cut()
            raise Unreachable(f"no answer in {self.limit:.0f} s") from None


def _one_line(error: BaseException) -> str:
    result: Any = error.args[0] if error.args else None
    if hasattr(
        result,
        "stderr_bytes",
        # testinfra's RuntimeError of ssh's own 255 holds the whole command; only stderr is for people
    ):
        lines = result.stderr_bytes[-_LOOKED_AT:].decode("utf-8", "replace").strip().splitlines()
        told = [line for line in lines if not line.startswith(_OUR_OPTIONS)]
        # Before "Host key verification failed." it says whether the key is unknown or has changed.
        if len(told) == 1 and told[0].startswith(_HOST_KEY):
            # what ssh would ask about, but for BatchMode
            return f"{told[0].strip()} It is not known here: connect once by hand"
        return (
            " ".join(line.strip() for line in told[-2 if told[-1].startswith(_HOST_KEY) else -1 :])
            if told
            else "ssh failed without an error message"
        )
    return next(iter(str(error)[:_LOOKED_AT].strip().splitlines()), type(error).__name__)[:_SHOWN]
