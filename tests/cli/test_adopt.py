"""`power-edge adopt` from its words to the file, with an answer made by hand in place of a node."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from power_edge.cli import cli, main
from power_edge.probing.failure import Unreachable
from power_edge.probing.framing import read
from power_edge.text import identifier
from tests.support.answers import MACHINE, OTHER, answer, digest, sysctl

STATE = """\
version: "1.0"
metadata: {site: x, environment: development}
sysctl:
  vm.swappiness: "60"   # ours
  kernel.panic: "10"
  net.ipv4.ip_forward: "1"
  vm.dirty_ratio: "20"
"""
VALUES = {"vm.swappiness": "10", "kernel.panic": "0", "net.ipv4.ip_forward": "1"}
ADOPTED = STATE.replace('"60"', '"10"').replace('"10"\n', '"0"\n', 1)


class Lab:
    """A node whose answer a test sets; what comes of a command."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "state.yaml"
        self.answer: bytes | Unreachable = b""
        self.values({})

    def values(self, more: dict[str, str]) -> None:
        keys = [*{**VALUES, **more}, "vm.dirty_ratio"]
        unseen = sysctl({**VALUES, **more}, keys).replace(
            b"grep: vm/dirty_ratio: No such file or directory",
            b"grep: vm/dirty_ratio: Permission denied",
        )
        self.answer = answer("rig", {"sysctl.0": unseen})


@pytest.fixture
def rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    folder = tmp_path / "node-configs" / "rig"
    folder.mkdir(parents=True)
    (folder / "state.yaml").write_text(STATE)
    (folder / "system-identity.yaml").write_text(
        f"identifiers: {{primary_id: {MACHINE}, id_type: machine-id}}\n"
        f"composite_key: {{key: 'linux:{MACHINE}', hash: {digest(MACHINE)}}}\nvalidation: {{require_match: true}}\n"
    )
    lab = Lab(folder)

    class Pending:
        def answer(self) -> object:
            if isinstance(lab.answer, Unreachable):
                raise lab.answer
            return read(lab.answer)

    monkeypatch.setattr(
        "power_edge.checking.check.start", lambda jobs: {job.script.node: Pending() for job in jobs}
    )
    monkeypatch.chdir(tmp_path)
    return lab


Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr("sys.argv", ["power-edge", "adopt", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return int(str(ended.value.code)), out + err

    return run


def test_all_drift(run: Run, rig: Lab) -> None:
    status, message = run("rig", "--yes")
    assert status == 0
    assert rig.file.read_text() == ADOPTED
    assert "--- node-configs/rig/state.yaml" in message
    assert '-  vm.swappiness: "60"   # ours\n' in message
    assert '+  vm.swappiness: "10"   # ours\n' in message
    assert "not adopted: sysctl[vm.dirty_ratio]: unknown: permission denied" in message
    assert 'sysctl[kernel.panic]: value: "10" -> "0"' in message
    assert run("rig", "--yes")[1].startswith("rig: nothing to adopt\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ["node-configs/rig/state.yaml::sysctl[kernel.panic]"],
        ["sysctl[kernel.panic]", "sysctl[net.ipv4.ip_forward]"],
        ["-k", "PANIC"],
        ["-k", "sysctl and rig and not (vm.swap or dirty)"],
    ],
)
def test_some_of_it(run: Run, rig: Lab, arguments: list[str]) -> None:
    assert run("rig", *arguments, "--yes")[0] == 0
    assert rig.file.read_text() == STATE.replace('panic: "10"', 'panic: "0"')


def test_an_item_is_found_by_the_id_that_pytest_shows(run: Run, rig: Lab) -> None:
    """What is escaped depends on the length of a word, and with its type before it a name is
    longer.
    """
    name = f"/{'a' * 43}::b::c"
    rig.file.write_text(f"{STATE}files:\n- path: '{name}'\n")
    assert identifier(name) == name
    message = run("rig", "--yes", f"files[{name}]")[1]
    assert "is not an item of" not in message
    assert "not adopted: files[" in message


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["rig"], "use --yes to write it"),
        (
            ["rig", "--yes", "sysctl[kernel.panic]", "sysctl[vm.dirty_ratio]"],
            "can be adopted; these can: sysctl[kernel.panic]\n",
        ),
        (["rig", "--yes", "-k", "dirty"], "can be adopted; none of them can\n"),
        (["rig", "--yes", "-k", "panic or dirty"], "not all of the named items can be adopted"),
        (["rig", "--yes", "sysctl[kernel.panick]"], "did you mean sysctl[kernel.panic]?"),
        (["rig", "--yes", "\x1b[1m"], r"'\x1b[1m' is not an item of rig"),
        (
            ["rig", "--yes", "x"],
            "without an id, power-edge adopt rig shows all that can be adopted",
        ),
        (
            ["rig", "--yes", "-k", "panick"],
            "-k 'panick' matches no item of rig; did you mean panic?",
        ),
        (["rig", "--yes", "-k", "a and"], "at column"),
        (["rig", "--yes", "-k", "panic(a=1)"], "call parameters"),
        (["rig", "--yes", "-k", "a", "sysctl[kernel.panic]"], "not by both"),
        (["rigg"], "did you mean rig?"),
        (["rig", "--hosts=a b"], "names no host"),
    ],
)
def test_what_is_refused(run: Run, rig: Lab, arguments: list[str], message: str) -> None:
    status, words = run(*arguments)
    assert status == 4
    assert message in words
    assert "\x1b" not in words
    assert rig.file.read_text() == STATE


@pytest.mark.parametrize(
    ("answered", "status"),
    [(answer("rig", machine=OTHER, gate="wrong"), 12), (Unreachable("no route"), 11)],
)
def test_a_shut_gate_is_never_adopted(
    run: Run, rig: Lab, answered: bytes | Unreachable, status: int
) -> None:
    rig.answer = answered
    assert run("rig", "--yes")[0] == status
    assert rig.file.read_text() == STATE


@pytest.mark.parametrize(("reply", "new"), [("y\n", ADOPTED), ("n\n", STATE), ("\n", STATE)])
def test_a_person_is_asked(rig: Lab, monkeypatch: pytest.MonkeyPatch, reply: str, new: str) -> None:
    monkeypatch.setattr(
        "power_edge.cli._confirm.sys", SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True))
    )
    done = CliRunner().invoke(cli, ["adopt", "rig"], input=reply, obj=None)
    assert "Write this to node-configs/rig/state.yaml? [y/N]" in done.output
    assert (done.exit_code, rig.file.read_text()) == (0, new)


def test_a_file_that_is_changed_while_the_person_thinks(
    rig: Lab, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def agreed(*_: object, **__: object) -> bool:
        rig.file.write_text(STATE + "# mine\n")
        return True

    monkeypatch.setattr("power_edge.cli.adopt.agreed", agreed)
    status, message = run("rig")
    assert (status, rig.file.read_text()) == (4, STATE + "# mine\n")
    assert "was changed meanwhile" in message


def test_what_a_node_says_is_no_word_to_the_terminal(rig: Lab, run: Run) -> None:
    rig.file.write_text(rig.file.read_text().replace("vm.swappiness", "kernel.core_pattern"))
    rig.values({"kernel.core_pattern": "\x1b]0;x\x07"})
    status, message = run("rig", "-k", "core_pattern", "--yes")
    assert status == 0
    assert "\x1b" not in message
    assert '"\\e]0;x\\a"   # ours' in rig.file.read_text()


def test_what_identity_yaml_demands_is_not_adopted(run: Run, rig: Lab) -> None:
    (rig.file.parent / "identity.yaml").write_text(
        'version: "1.0"\nnode: {hostname: rig}\nsystem_tuning:\n  swappiness: 60\n'
        "network_tuning: {max_syn_backlog: 512}\n"
    )
    rig.values({"net.ipv4.tcp_max_syn_backlog": "256"})
    status, message = run("rig", "--yes")
    assert status == 0
    assert max(map(len, message.splitlines())) <= 80
    text = " ".join(message.split())
    assert "not adopted: sysctl[vm.swappiness]: node-configs/rig/identity.yaml:4 demands it" in text
    assert (
        "not adopted: sysctl[net.ipv4.tcp_max_syn_backlog]: node-configs/rig/identity.yaml:5"
        in text
    )
    assert rig.file.read_text() == STATE.replace('"10"', '"0"')
    derived = "node-configs/rig/identity.yaml::sysctl[net.ipv4.tcp_max_syn_backlog]"
    assert run("rig", derived, "--yes")[0] == 4
