"""A connection that is kept, over a program named ssh that runs the loop on this machine."""

import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from power_edge.probing import kept_connection, route
from power_edge.probing.failure import Unreachable
from power_edge.probing.kept_connection import Kept
from power_edge.probing.process import Lifeline
from power_edge.probing.route import Route
from power_edge.probing.script import ProbeScript, Section, Timeouts, probe_script
from power_edge.probing.transport import Job
from tests.probing.test_process import Holders
from tests.probing.test_ssh_options import stand_in
from tests.support.answers import answer
from tests.support.shells import each_shell

pytestmark = pytest.mark.shell

RUNS = 'for last; do :; done\nexec sh -c "$last"'
"""Does what sshd does with the command."""
ROUTE = Route("ssh://rig")


@pytest.fixture(autouse=True)
def another_ssh() -> Iterator[None]:
    """The options depend on the ssh in PATH, and are found out once a process."""
    route._ssh_options.cache_clear()
    yield
    route._ssh_options.cache_clear()


class Place:
    """A folder with a program named ssh, and the connection that it makes."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self._monkeypatch = monkeypatch
        self.kept = Kept()

    def ssh(self, does: str) -> None:
        counted = f'echo >>"{self.folder}/starts"\nPATH="{self.folder}/node:$PATH"\n{does}'
        stand_in(self.folder, self._monkeypatch, counted)

    def program(self, name: str, does: str) -> None:
        """A program of the node."""
        path = self.folder / "node" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{does}\n")
        path.chmod(0o755)

    def starts(self) -> int:
        """How often ssh was started."""
        return len((self.folder / "starts").read_text().splitlines())

    def ask(self, name: str, via: Route = ROUTE, longest: int = 1 << 20) -> str:
        """The name of the node that the answer is from."""
        script = probe_script(name, None, (), Timeouts())
        return self.kept.ask(Job(script, via, longest), Lifeline()).node


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    made = Place(tmp_path, monkeypatch)
    with closing(made.kept):
        yield made


@each_shell()
def test_one_connection_takes_many_scripts(place: Place, shell: list[str]) -> None:
    program, *arguments = shell
    place.ssh(RUNS)
    place.program("sh", f'exec {" ".join([shutil.which(program) or program, *arguments])} "$@"')
    assert [place.ask(name) for name in ("one", "two", "three")] == ["one", "two", "three"]
    assert place.starts() == 1


def test_what_a_startup_file_prints_does_no_harm(place: Place) -> None:
    place.ssh(f"printf Welcome; echo stty: no tty >&2\n{RUNS}")
    assert [place.ask("one"), place.ask("two")] == ["one", "two"]
    assert place.starts() == 1


def test_another_route_is_another_connection(place: Place) -> None:
    place.ssh(RUNS)
    assert [place.ask("one"), place.ask("two", Route("ssh://other"))] == ["one", "two"]
    assert place.starts() == 2


AFTERWARDS = {
    "it ends": 'for last; do :; done\n{ IFS= read -r l; echo "$l"; } | sh -c "$last"',
    "it ends at the next script": (
        'for last; do :; done\n{ IFS= read -r l; echo "$l"; IFS= read -r l; } | sh -c "$last"'
    ),
    "something comes after the answer": (
        'for last; do :; done\nsh -c "$last" | while IFS= read -r l; do\n'
        'case $l in *" end") printf "%s\\nmore\\n" "$l" ;; *) echo "$l" ;; esac\ndone'
    ),
    "something comes before the head": (
        'for last; do :; done\nsh -c "$last" | while IFS= read -r l; do\n'
        'case $l in *" begin") printf "%s\\nmore\\n" "$l" ;; *) echo "$l" ;; esac\ndone'
    ),
}


@pytest.mark.parametrize("does", AFTERWARDS.values(), ids=AFTERWARDS)
def test_a_connection_that_cannot_be_used_again_is_replaced(place: Place, does: str) -> None:
    place.ssh(does)
    assert [place.ask("one"), place.ask("two")] == ["one", "two"]
    assert place.starts() == 2


def test_what_is_printed_between_two_scripts_makes_it_unusable(
    place: Place, holders: Holders
) -> None:
    go = place.folder / "go"
    os.mkfifo(go)
    place.ssh(
        f'(exec 9>"{holders.fifo}"; echo begun >&9; cat "{go}" >/dev/null; echo more) &\n{RUNS}'
    )
    assert place.ask("one") == "one"
    holders.await_begun()
    go.write_bytes(b"")
    holders.await_gone()
    assert place.ask("two") == "two"
    assert place.starts() == 2


def test_an_answer_to_half_a_script_makes_it_unusable(place: Place) -> None:
    (place.folder / "answer").write_bytes(answer("eager", gate="wrong"))
    place.ssh(
        "t=$(dd bs=1 count=32 2>/dev/null)\n"
        f'printf "\\n%s begin\\n" "$t"; cat "{place.folder}/answer"\n'
        'printf "\\n%s end\\n" "$t"; cat "$0.fifo" >/dev/null'
    )
    os.mkfifo(place.folder / "bin" / "ssh.fifo")
    names = tuple(os.urandom(40).hex() for _ in range(4000))
    long = Section("sysctl.0", ("resources/sysctl",), names)
    job = Job(ProbeScript("one", None, (long,), Timeouts()), ROUTE)
    assert len(job.script.packed()) > 2 * 64 * 1024
    assert [place.kept.ask(job, Lifeline()).node for _ in range(2)] == ["eager", "eager"]
    assert place.starts() == 2


def test_a_success_ends_the_back_off(place: Place) -> None:
    place.ssh(f'[ ! -e "{place.folder}/down" ] || exit 255\n{RUNS}')
    pauses = []
    for down in (True, True, False, True):
        place.kept._next_try = 0.0
        (place.folder / "down").touch()
        if down:
            with pytest.raises(Unreachable):
                place.ask("one")
        else:
            (place.folder / "down").unlink()
            assert place.ask("one") == "one"
            place.kept._take(Route("ssh://other"))
        pauses.append(place.kept._pause)
    assert pauses == [1, 2, 0, 1]


REPLAY = r"""
read -r t l
a=$(echo "$l"|base64 -d|gzip -dc|sh)
printf '\n%s begin\n%s\n\n%s end\n' "$t" "$a" "$t"
read -r u l
printf '\n%s begin\n%s\n\n%s end\n' "$t" "$a" "$t"
printf '\n%s end\n' "$u"
cat
"""


def test_an_answer_that_was_given_is_no_answer_to_the_next_script(place: Place) -> None:
    place.ssh(REPLAY)
    assert place.ask("one") == "one"
    with pytest.raises(Unreachable, match="the probe did not start"):
        place.ask("two")


FAILURES = {
    "refused": (
        "echo 'ssh: connect to host rig port 22: Connection refused' >&2; exit 255",
        r"^ssh: connect to host rig port 22: Connection refused$",
    ),
    "nologin": (
        "echo 'This account is currently not available.'; exit 1",
        r"^connected, but the probe did not start: This account is currently not available\. \(",
    ),
    "no gzip": (
        'PATH=/nowhere\nfor last; do :; done\nexec /bin/sh -c "exec /bin/${last#exec }"',
        r"not found.*\(the node needs a POSIX sh, base64 and gzip\)$",
    ),
    "too long": (
        "while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done",
        r"^the answer is longer than 1 MiB$",
    ),
}


@pytest.mark.parametrize(("does", "why"), FAILURES.values(), ids=FAILURES)
def test_without_an_answer_the_reason_is_given_and_the_next_attempt_waits(
    place: Place, does: str, why: str
) -> None:
    place.ssh(does)
    for _ in range(3):
        with pytest.raises(Unreachable, match=why):
            place.ask("one")
    assert place.starts() == 1
    place.kept._next_try = 0.0
    with pytest.raises(Unreachable, match=why):
        place.ask("one")
    assert place.starts() == 2


def test_after_a_failure_a_new_connection_is_used(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_connection, "_FIRST_PAUSE", 0)
    place.ssh(f'[ -e "{place.folder}/up" ] || exit 255\n{RUNS}')
    with pytest.raises(Unreachable, match="ssh failed without an error message"):
        place.ask("one")
    (place.folder / "up").touch()
    assert [place.ask("one"), place.ask("two")] == ["one", "two"]
    assert place.starts() == 2


def test_a_person_need_not_wait_for_the_back_off(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_connection, "_FIRST_PAUSE", 1e6)
    place.ssh(f'[ -e "{place.folder}/up" ] || exit 255\n{RUNS}')
    with pytest.raises(Unreachable):
        place.ask("one")
    (place.folder / "up").touch()
    with pytest.raises(Unreachable):
        place.ask("one")
    place.kept.try_now()
    assert place.ask("one") == "one"
    assert place.starts() == 2


def test_sudo_that_is_refused_is_the_reason(place: Place) -> None:
    place.ssh(RUNS)
    place.program("sudo", "echo 'sudo: a password is required' >&2; exit 1")
    with pytest.raises(Unreachable, match=r"did not start: sudo: a password is required$"):
        place.ask("one", Route("ssh://rig", sudo=True))


@pytest.fixture
def holders(tmp_path: Path) -> Iterator[Holders]:
    with closing(Holders(tmp_path / "alive")) as made:
        yield made


HANGS = 'read -r line; exec 9>"{0}"; echo begun >&9; (timeout 1000 sleep 1000; true) & cat >/dev/null; wait'


def test_a_deadline_ends_the_connection(place: Place, holders: Holders) -> None:
    place.ssh(HANGS.format(holders.fifo))
    lifeline = Lifeline()
    found: list[str] = []

    def ask() -> None:
        try:
            place.kept.ask(Job(probe_script("one", None, (), Timeouts()), ROUTE), lifeline)
        except Unreachable as error:
            found.append(str(error))

    asking = threading.Thread(target=ask)
    asking.start()
    holders.await_begun()
    lifeline.cut()
    asking.join(30)
    holders.await_gone()
    assert len(found) == 1
    with pytest.raises(Unreachable, match=r"^no answer within its deadline$"):
        place.ask("one")
    assert place.starts() == 1


def test_nothing_is_left_when_it_is_closed(place: Place, holders: Holders) -> None:
    place.ssh(f'exec 9>"{holders.fifo}"; echo begun >&9\n{RUNS}')
    assert place.ask("one") == "one"
    holders.await_begun()
    place.kept.close()
    holders.await_gone()


def test_after_its_end_no_connection_is_kept(place: Place, holders: Holders) -> None:
    place.ssh(f'exec 9>"{holders.fifo}"; echo begun >&9\n{RUNS}')
    place.kept.close()
    assert place.ask("one") == "one"
    holders.await_gone()


def test_when_this_process_is_killed_the_connection_ends(place: Place, holders: Holders) -> None:
    place.ssh(f'exec 9>"{holders.fifo}"; echo begun >&9\n{RUNS}')
    if (pid := os.fork()) == 0:
        try:
            place.ask("one")
            os.kill(os.getpid(), 9)
        finally:
            os._exit(1)
    assert os.waitpid(pid, 0)[1] == 9
    holders.await_begun()
    holders.await_gone()
