"""Commands that meet on one node-configs/: one waits for the other's lock and looks again, and no
edit is lost.

Real processes. A test holds the lock itself until the kernel says that the command waits for it.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from power_edge import atomic_file
from power_edge.config import load_node
from tests.support.crash.injection import REPOSITORY
from tests.support.crash.machine import ANSWER, OPEN, STATE

pytestmark = pytest.mark.lab
OSTYPE = STATE + 'sysctl: {kernel.ostype: "Minix"}\n'
BY_HAND = "# by hand\n"
DISCOVER = ("discover", "stella@rig", "--answers=answer", "--as=rig", "--merge")
MEANWHILE = "was changed meanwhile; nothing was written (try again)"


class Command:
    """A command of power-edge that runs beside the test."""

    def __init__(self, path: Path, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", "from power_edge.cli import main; main()", *arguments],
            cwd=path,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY / "plugins")},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_for_lock(self) -> None:
        """Return when the command waits for a lock."""
        while self.process.poll() is None:
            waiting = [
                line.split()
                for line in Path("/proc/locks").read_text().splitlines()
                if " -> FLOCK" in line
            ]
            if str(self.process.pid) in [fields[5] for fields in waiting]:
                return
            os.sched_yield()
        raise AssertionError(f"it waited for no lock: {self.process.communicate()}")

    def done(self) -> tuple[int, str, str]:
        out, err = self.process.communicate()
        return self.process.returncode, out, err


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A folder with node-configs/rig, and an answer of another machine."""
    folder = tmp_path / "node-configs" / "rig"
    folder.mkdir(parents=True)
    (folder / "state.yaml").write_text(STATE)
    (tmp_path / "answer").write_bytes(ANSWER)
    return tmp_path


def file(here: Path, name: str = "state") -> Path:
    return here / "node-configs" / "rig" / f"{name}.yaml"


def contents(here: Path) -> dict[str, str]:
    root = here / "node-configs"
    return {
        str(path.relative_to(root)): path.read_text() for path in root.rglob("*") if path.is_file()
    }


def edit_state(here: Path) -> None:
    file(here).write_text(file(here).read_text() + BY_HAND)


def write_identity(here: Path) -> None:
    file(here, "system-identity").write_text(OPEN)


@pytest.mark.parametrize(
    ("arguments", "before", "meanwhile", "changed"),
    [
        (DISCOVER, {}, edit_state, "state"),
        (DISCOVER, {}, write_identity, "system-identity"),
        (
            ("adopt", "rig", "--yes"),
            {"state": OSTYPE, "system-identity": OPEN},
            edit_state,
            "state",
        ),
        (("identity", "rig", "--write"), {}, write_identity, "system-identity"),
    ],
)
def test_a_command_waits_and_looks_again(
    here: Path,
    arguments: tuple[str, ...],
    before: dict[str, str],
    meanwhile: Callable[[Path], None],
    changed: str,
) -> None:
    """hostile.md 10: two commands on one node, and no edit is lost."""
    for name, content in before.items():
        file(here, name).write_text(content)
    with atomic_file.locked(here / "node-configs"):
        command = Command(here, *arguments)
        command.wait_for_lock()
        meanwhile(here)
        expected = contents(here)
    status, _, err = command.done()
    assert (status, err.splitlines()[-1]) == (
        4,
        f"Error: node-configs/rig/{changed}.yaml: {MEANWHILE}",
    )
    assert contents(here) == expected


@pytest.mark.parametrize(
    "arguments",
    [DISCOVER, ("adopt", "rig", "--yes"), ("identity", "rig", "--write"), ("init", "this")],
)
@pytest.mark.parametrize("linked", [False, True])
def test_a_command_that_waited_goes_on(
    here: Path, arguments: tuple[str, ...], linked: bool
) -> None:
    """Also where node-configs/ is a link, and the other command came by the folder itself."""
    file(here).write_text(OSTYPE)
    if arguments[0] == "adopt":
        file(here, "system-identity").write_text(OPEN)
    real = here / "node-configs"
    if linked:
        real = (here / "node-configs").rename(here / "real")
        (here / "node-configs").symlink_to(real)
    before = contents(here)
    with atomic_file.locked(real):
        command = Command(here, *arguments)
        command.wait_for_lock()
        assert contents(here) == before
    status, _, err = command.done()
    assert status == 0, err
    assert contents(here) != before
    load_node(here / "node-configs" / ("this" if arguments[0] == "init" else "rig"))


def test_a_folder_that_is_made_meanwhile_stays(here: Path) -> None:
    file(here).unlink()
    file(here).parent.rmdir()
    with atomic_file.locked(here / "node-configs"):
        command = Command(here, *DISCOVER)
        command.wait_for_lock()
        file(here).parent.mkdir()
        file(here).write_text(STATE + BY_HAND)
    status, _, err = command.done()
    assert (status, MEANWHILE in err) == (4, True)
    assert contents(here) == {"rig/state.yaml": STATE + BY_HAND}


def test_two_commands_at_once_make_no_machine_two_nodes(here: Path) -> None:
    with atomic_file.locked(here / "node-configs"):
        commands = [
            Command(here, "discover", "--answers=answer", f"--as={name}") for name in ("one", "two")
        ]
        for command in commands:
            command.wait_for_lock()
    done = sorted(command.done() for command in commands)
    assert [status for status, *_ in done] == [0, 4]
    assert "is for the same machine as node-configs/" in done[1][2]
    assert (
        len([path for path in (here / "node-configs").iterdir() if path.name in ("one", "two")])
        == 1
    )


def test_of_two_commands_that_record_this_machine_the_second_says_which_node_it_is(
    here: Path,
) -> None:
    with atomic_file.locked(here / "node-configs"):
        commands = [Command(here, "init", name) for name in ("one", "two")]
        for command in commands:
            command.wait_for_lock()
    done = [command.done() for command in commands]
    assert [status for status, *_ in done] == [0, 0]
    (node,) = {out for _, out, _ in done}
    assert sorted(path.name for path in (here / "node-configs").iterdir()) == sorted(
        ["rig", node.strip()]
    )


def test_two_commands_at_once_on_one_node_and_what_the_second_adds(here: Path) -> None:
    """Of two edits of one file one is refused, and in when it is tried again."""
    file(here).write_text(OSTYPE)
    file(here, "system-identity").write_text(OPEN)
    with atomic_file.locked(here / "node-configs"):
        commands = [Command(here, "adopt", "rig", "--yes"), Command(here, *DISCOVER)]
        for command in commands:
            command.wait_for_lock()
    done = [command.done() for command in commands]
    assert sorted(status for status, *_ in done) == [0, 4]
    file(here, "connection").unlink(
        missing_ok=True
    )  # discover writes one; adopt looks at this machine
    for arguments, (status, *_) in zip((("adopt", "rig", "--yes"), DISCOVER), done, strict=True):
        if status == 4:
            assert Command(here, *arguments).done()[0] == 0
    state = file(here).read_text()
    assert 'kernel.ostype: "Linux"' in state
    assert "vm.swappiness" in state


HOLD = """
import sys
from pathlib import Path
from power_edge import atomic_file
with atomic_file.locked(Path(sys.argv[1])):
    print(flush=True)
    sys.stdin.read()
"""


def test_the_lock_of_a_killed_command_is_free(here: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "plugins")}
    arguments = [sys.executable, "-c", HOLD, str(here / "node-configs")]
    with subprocess.Popen(
        arguments, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"\n"
        command = Command(here, *DISCOVER)
        command.wait_for_lock()
        holder.kill()
    status, _, err = command.done()
    assert (status, "vm.swappiness" in file(here).read_text()) == (0, True), err


def test_an_edit_by_hand_between_the_look_and_the_rename_is_noticed(here: Path) -> None:
    """hostile.md 10: the command is stopped at its fsync, after it looked and before it renames,
    and the file is edited.
    """
    file(here).write_text(OSTYPE)
    file(here, "system-identity").write_text(OPEN)
    with atomic_file.locked(here / "node-configs"):
        command = Command(here, "adopt", "rig", "--yes")
        command.wait_for_lock()
        pid = command.process.pid
        trace = ["strace", "-p", str(pid), "--trace=fsync", "--inject=fsync:signal=STOP:when=1"]
        tracer = subprocess.Popen(trace, stderr=subprocess.PIPE, text=True)
        assert tracer.stderr is not None
        assert "attached" in tracer.stderr.readline()
    for line in tracer.stderr:
        if "stopped by SIGSTOP" in line:
            break
    edit_state(here)
    expected = {name: text for name, text in contents(here).items() if ".power-edge-" not in name}
    os.kill(pid, signal.SIGCONT)
    status, _, err = command.done()
    tracer.communicate()
    assert (status, err.splitlines()[-1]) == (4, f"Error: node-configs/rig/state.yaml: {MEANWHILE}")
    assert contents(here) == expected
