"""Who did it, by the kernel's audit subsystem: on this machine itself, for nodes have none.

Audit is switched on while a test runs, as a watch does; its rules have the key `power-edge`.
"""

import asyncio
import json
import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from power_edge.model.generated.watcher_schema import Auditd, Watchers
from power_edge.watch.audit.rules import KEY, Control, encode, file_rule, key_of
from power_edge.watch.causes.attribution import subject_of_command
from power_edge.watch.causes.cause import Act
from power_edge.watch.event import Event, Kind, Subject
from power_edge.watch.sources import Unavailable, Watched
from power_edge.watch.sources.auditd import SOURCE

POWER_EDGE = str(Path(sys.executable).with_name("power-edge"))
CHECKOUT = Path(__file__).parents[2]
LOGIN = 12345
DEADLINE = 60
ADD, DELETE, LIST = 1011, 1012, 1013


def no_audit() -> str | None:
    """Why this machine has no audit for us, or None."""
    try:
        with Control() as control:
            control.status()
    except (OSError, AttributeError) as error:
        return f"audit cannot be used here: {error}"
    return None


pytestmark = [
    pytest.mark.lab,
    pytest.mark.alone,
    pytest.mark.skipif(no_audit() is not None, reason=no_audit() or ""),
]


class Heard:
    """A listener that keeps what the source reports."""

    def __init__(self) -> None:
        self.is_up = asyncio.Event()
        self.acts: asyncio.Queue[Act] = asyncio.Queue()
        self.events: asyncio.Queue[Event] = asyncio.Queue()
        self.why: list[str] = []

    def up(self) -> None:
        self.is_up.set()

    def limited(self, why: str) -> None:
        self.why.append(why)

    def act(self, act: Act) -> None:
        self.acts.put_nowait(act)

    def event(self, event: Event) -> None:
        self.events.put_nowait(event)

    def lost(self, count: int, why: str) -> None:
        self.why.append(why)


def listening(
    watched: Watched, test: Callable[[Heard, "asyncio.Task[None]"], Awaitable[None]]
) -> None:
    """Run a test while the source runs."""

    async def within() -> None:
        heard = Heard()
        task = asyncio.create_task(run(watched, heard))
        up = asyncio.create_task(heard.is_up.wait())
        try:
            await asyncio.wait([task, up], return_when=asyncio.FIRST_COMPLETED, timeout=DEADLINE)
            assert heard.is_up.is_set(), task
            try:
                async with asyncio.timeout(DEADLINE):
                    await test(heard, task)
            except TimeoutError as error:
                error.add_note(f"the source: {task}; it reported: {heard.why}")
                raise
        finally:
            up.cancel()
            task.cancel()
            await asyncio.gather(task, up, return_exceptions=True)

    async def run(watched: Watched, heard: Heard) -> None:
        await SOURCE.run(watched, heard)

    asyncio.run(within())


def files(*paths: Path) -> Watched:
    return Watched(frozenset(Subject(Kind.PATH, str(path)) for path in paths))


def somebody(*argv: str) -> int:
    """Run a command as somebody who has logged in and become root. Return its process id."""

    log_in = f'echo {LOGIN} >/proc/self/loginuid; exec "$@"'
    with subprocess.Popen(
        ["sh", "-c", log_in, "log-in", *argv], stdout=subprocess.DEVNULL
    ) as process:
        assert process.wait(DEADLINE) == 0
    return process.pid


def ours() -> int:
    """How many rules have our key."""
    with Control() as control:
        return sum(key_of(data) == KEY for kind, data in control._request(LIST) if kind == LIST)


@contextmanager
def rule_of_another(path: Path) -> Iterator[bytes]:
    rule = encode(file_rule(str(path)))[: -len(KEY)] + b"pe-another"
    assert key_of(rule) == "pe-another"
    with Control() as control:
        list(control._request(ADD, rule))
        try:
            yield rule
        finally:
            list(control._request(DELETE, rule))


def test_the_login_user_is_behind_each_change_of_a_file(tmp_path: Path) -> None:
    motd = tmp_path / "motd"
    motd.write_text("hello\n")

    async def test(heard: Heard, task: "asyncio.Task[None]") -> None:
        for script in (
            "echo bye >{}",
            "echo new >{}.new; mv {}.new {}",
            "chmod 600 {}",
            "chown 1 {}",
            "truncate -s 0 {}",
            "rm {}",
            "touch {}",
        ):
            command = ["sh", "-c", script.replace("{}", str(motd)) + "; :"]
            shell = await asyncio.to_thread(somebody, *command)
            act = await heard.acts.get()
            assert (act.subject, act.path) == (Subject(Kind.PATH, str(motd)), str(motd)), script
            assert act.cause.user == f"uid {LOGIN}"
            assert act.cause.pid is not None
            assert act.cause.pid >= shell
            assert act.cause.command
            while not heard.acts.empty():
                assert heard.acts.get_nowait().subject == act.subject
        assert heard.events.empty()

    listening(files(motd), test)
    assert ours() == 0


def test_readers_and_other_files_are_no_acts(tmp_path: Path) -> None:
    motd, issue = tmp_path / "motd", tmp_path / "issue"
    motd.write_text("hello\n")

    async def test(heard: Heard, task: "asyncio.Task[None]") -> None:
        script = f"cat {motd}; ls -l {motd}; echo x >{issue}; mkdir {tmp_path}/sub; echo >{motd}; :"
        await asyncio.to_thread(somebody, "sh", "-c", script)
        act = await heard.acts.get()
        assert act.path == str(motd)
        assert act.cause.command == "sh" or "sh" in str(act.cause.command)
        assert heard.acts.empty()

    listening(files(motd), test)


def test_a_value_has_its_writer_and_is_read_again(tmp_path: Path) -> None:
    value = Subject(Kind.VALUE, "/proc/sys/vm/stat_interval")
    same = Path(value.name).read_text().strip()

    async def test(heard: Heard, task: "asyncio.Task[None]") -> None:
        process = await asyncio.to_thread(somebody, "sh", "-c", f"echo {same} >{value.name}; :")
        act, event = await heard.acts.get(), await heard.events.get()
        assert act.subject == event.subject == value
        assert (act.cause.user, act.cause.pid) == (f"uid {LOGIN}", process)
        assert act.time == event.time
        assert SOURCE.name == event.source

    listening(Watched(frozenset({value})), test)


def test_a_command_of_the_configuration_is_reported() -> None:
    # Audit is the machine's: nobody else runs these, whatever other tests do meanwhile.
    configured = Watchers(
        enabled=True, auditd=Auditd(commands=["pinky"], syscalls=["setdomainname"])
    )

    async def test(heard: Heard, task: "asyncio.Task[None]") -> None:
        process = await asyncio.to_thread(somebody, "/usr/bin/pinky", "-q", "nobody else")
        act = await heard.acts.get()
        assert act.subject == subject_of_command("pinky")
        assert act.argv == ("/usr/bin/pinky", "-q", "nobody else")
        assert (act.cause.user, act.cause.pid) == (f"uid {LOGIN}", process)
        # What this process itself starts (a probe) wakes nothing.
        assert heard.events.empty()
        detached = "sleep 0.3; /usr/bin/pinky -q; sleep 1"
        await asyncio.to_thread(somebody, "setsid", "--fork", "sh", "-c", detached)
        event = await heard.events.get()
        assert event.subject == Subject(Kind.COMMAND, "pinky")
        await heard.acts.get()
        name = Path("/proc/sys/kernel/domainname").read_text().strip()
        program = (
            "import ctypes, sys; name = sys.argv[1].encode();"
            " ctypes.CDLL(None).setdomainname(name, len(name))"
        )
        await asyncio.to_thread(somebody, sys.executable, "-c", program, name)
        act = await heard.acts.get()
        assert act.subject == Subject(Kind.TOPIC, "syscall:setdomainname")

    listening(Watched(frozenset(), configured), test)
    assert ours() == 0


def test_rules_of_others_stay_and_what_a_killed_watch_left_goes(tmp_path: Path) -> None:
    with rule_of_another(tmp_path / "theirs") as rule, Control() as control:
        before = control.status().enabled
        control.add(file_rule(str(tmp_path / "left-behind")))

        async def test(heard: Heard, task: "asyncio.Task[None]") -> None:
            while ours() != 1:  # until the deadline of `listening`
                await asyncio.sleep(0.05)
            assert control.status().enabled == 1

        listening(files(tmp_path / "motd"), test)
        assert ours() == 0
        assert control.status().enabled == before
        listed = [key_of(data) for kind, data in control._request(LIST) if kind == LIST]
        assert listed == [key_of(rule)]


def test_rules_that_somebody_removes_are_noticed(tmp_path: Path) -> None:
    async def test(heard: Heard, task: "asyncio.Task[None]") -> None:
        with Control() as control:
            await asyncio.to_thread(control.remove_ours)
        with pytest.raises(ConnectionError, match="the audit rules of the watch were removed"):
            await task

    listening(files(tmp_path / "motd"), test)


def test_audit_that_is_switched_off_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("power_edge.watch.sources.auditd._LOOK", 0.1)

    async def test(heard: Heard, task: "asyncio.Task[None]") -> None:
        with Control() as control:
            control.enable(0)
        with pytest.raises(ConnectionError, match="switched off"):
            await task

    listening(files(tmp_path / "motd"), test)


def test_a_folder_that_comes_later_gets_its_rule(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("power_edge.watch.sources.auditd._LOOK", 0.1)
    monkeypatch.setattr("power_edge.watch.sources.auditd._RENEWED_AFTER", 1)
    motd = tmp_path / "a" / "b" / "motd"

    async def test(heard: Heard, task: "asyncio.Task[None]") -> None:
        motd.parent.mkdir(parents=True)
        while ours() < 2:
            await asyncio.sleep(0.05)
        await asyncio.to_thread(somebody, "sh", "-c", f"echo x >{motd}; :")
        while (await heard.acts.get()).path != str(motd):
            pass

    listening(files(motd), test)


def test_a_second_watch_does_not_take_the_rules(tmp_path: Path) -> None:
    async def test(heard: Heard, task: "asyncio.Task[None]") -> None:
        with pytest.raises(Unavailable, match="another watch"):
            await SOURCE.run(files(tmp_path / "issue"), Heard())
        assert ours() == 1

    listening(files(tmp_path / "motd"), test)


ELSEWHERE = """
import asyncio, sys
from power_edge.watch.event import Kind, Subject
from power_edge.watch.sources import Unavailable, Watched
from power_edge.watch.sources.auditd import SOURCE

class Listener:
    def up(self): print("up")

try:
    asyncio.run(SOURCE.run(Watched(frozenset({Subject(Kind.PATH, sys.argv[1])})), Listener()))
except Unavailable as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("where", "why"),
    [
        (["unshare", "--net"], "initial network namespace only"),
        (["setpriv", "--bounding-set=-all", "--inh-caps=-all"], "only root may read audit records"),
        (["setpriv", "--bounding-set=-audit_control"], "CAP_AUDIT_CONTROL"),
        (["unshare", "--user", "--map-root-user", "--net"], ""),
    ],
)
def test_where_it_cannot_work_it_says_why(tmp_path: Path, where: list[str], why: str) -> None:
    argv = [*where, sys.executable, "-c", ELSEWHERE, str(tmp_path / "motd")]
    environment = os.environ | {"PYTHONPATH": str(CHECKOUT / "plugins")}
    done = subprocess.run(
        argv, env=environment, capture_output=True, text=True, timeout=DEADLINE, check=True
    )
    assert done.stdout.strip()
    assert "up" not in done.stdout.split()
    assert why in done.stdout
    assert ours() == 0


CAPABLE = ELSEWHERE.replace('print("up")', 'print("up"); raise SystemExit')


def test_two_capabilities_are_enough(tmp_path: Path) -> None:
    only = ["setpriv", "--bounding-set=-all,+audit_read,+audit_control"]
    argv = [*only, sys.executable, "-c", CAPABLE, str(tmp_path / "motd")]
    environment = os.environ | {"PYTHONPATH": str(CHECKOUT / "plugins")}
    done = subprocess.run(
        argv, env=environment, capture_output=True, text=True, timeout=DEADLINE, check=False
    )
    assert done.stdout == "up\n", done.stderr
    assert ours() == 0


STATE = """\
version: "1.0"
metadata: {{site: rig, environment: production}}
sysctl: {{vm.stat_interval: "{value}"}}
files:
- {{path: {motd}, content: "hello\\n"}}
"""


@contextmanager
def watching(folder: Path) -> Iterator[Iterator[dict[str, object]]]:
    """A whole watch of this machine, and its event log as it grows."""
    environment = os.environ | {"PYTHONPATH": str(CHECKOUT / "plugins")}
    subprocess.run(
        [POWER_EDGE, "identity", "here", "--write"],
        cwd=folder,
        env=environment,
        check=True,
        capture_output=True,
    )
    os.mkfifo(folder / "events")
    argv = ["pytest", "--node=here", "--watch", "--event-log=events", "-p", "no:cacheprovider"]
    with subprocess.Popen(
        [sys.executable, "-m", *argv], cwd=folder, env=environment, stdout=subprocess.DEVNULL
    ) as process:
        try:
            with (folder / "events").open() as log:
                yield (json.loads(line) for line in log)
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(DEADLINE) in (0, 1)


def test_a_watch_names_who_changed_a_file_and_a_value(tmp_path: Path) -> None:
    value = Path("/proc/sys/vm/stat_interval")
    before = value.read_text().strip()
    motd = tmp_path / "motd"
    motd.write_text("hello\n")
    node = tmp_path / "node-configs" / "here"
    node.mkdir(parents=True)
    (node / "state.yaml").write_text(STATE.format(value=before, motd=motd))
    user = f"uid {LOGIN}"
    with suppress(KeyError):
        user = pwd.getpwuid(LOGIN).pw_name
    try:
        with watching(tmp_path) as events:
            assert [next(events)["to"] for _ in range(3)] == ["compliant"] * 3
            while ours() < 2:
                pass
            somebody("sh", "-c", f"echo bye >{motd}; :")
            drift = next(events)
            assert (drift["name"], drift["to"]) == (str(motd), "drift")
            cause = drift["cause"]
            assert isinstance(cause, dict), drift
            assert (cause["kind"], cause["user"]) == ("audit", user)
            process = somebody("sh", "-c", f"echo {int(before) + 1} >{value}; :")
            drift = next(events)
            assert (drift["name"], drift["to"]) == ("vm.stat_interval", "drift")
            cause = drift["cause"]
            assert isinstance(cause, dict), drift
            assert (cause["kind"], cause["user"], cause["pid"]) == ("audit", user, process)
    finally:
        value.write_text(before)
    assert ours() == 0


AUDITD = """\
local_events = yes
write_logs = yes
log_file = {log}
log_format = RAW
log_group = root
flush = NONE
max_log_file = 1
max_log_file_action = IGNORE
space_left = 2
space_left_action = IGNORE
admin_space_left = 1
admin_space_left_action = IGNORE
disk_full_action = IGNORE
disk_error_action = IGNORE
"""


@contextmanager
def auditd(folder: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """The machine's auditd, started by hand: it has no rules, and changes no setting."""
    (folder / "auditd.conf").write_text(AUDITD.format(log=folder / "audit.log"))
    (folder / "auditd.conf").chmod(0o600)
    argv = ["auditd", "-f", "-s", "nochange", "-c", str(folder)]
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            end = time.monotonic() + DEADLINE
            with Control() as control:
                while control.status().daemon != process.pid:
                    assert process.poll() is None, "auditd has ended"
                    assert time.monotonic() < end, "auditd does not register"
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("death", [signal.SIGTERM, signal.SIGKILL])
def test_an_auditd_that_comes_and_goes(tmp_path: Path, death: signal.Signals) -> None:
    """It takes no record from a watch, and leaves the watch's rules."""
    value = Path("/proc/sys/vm/stat_interval")
    node = tmp_path / "node-configs" / "here"
    node.mkdir(parents=True)
    motd = tmp_path / "motd"
    motd.write_text("hello\n")
    (node / "state.yaml").write_text(STATE.format(value=value.read_text().strip(), motd=motd))
    (tmp_path / "auditd").mkdir(mode=0o700)
    turns = 0

    def change_is_explained(events: Iterator[dict[str, object]]) -> None:
        for text, outcome in (("bye", "drift"), ("hello", "compliant")):
            somebody("sh", "-c", f"echo {text} >{motd}; :")
            event = next(events)
            assert (event["name"], event["to"]) == (str(motd), outcome)
            if outcome == "drift":
                cause = event["cause"]
                assert isinstance(cause, dict), event
                assert cause["kind"] == "audit"

    with watching(tmp_path) as events:
        assert [next(events)["to"] for _ in range(3)] == ["compliant"] * 3
        while ours() < 2:
            pass
        rules = ours()
        for _ in range(2):
            with auditd(tmp_path / "auditd") as daemon:
                change_is_explained(events)
                daemon.send_signal(death)
                daemon.wait(DEADLINE)
                assert ours() == rules
                change_is_explained(events)
            turns += 1
    assert turns == 2
    assert ours() == 0
