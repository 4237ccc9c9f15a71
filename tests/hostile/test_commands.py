"""Hostile machines and folders, to each command of `power-edge`."""

import json
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from power_edge import resources
from power_edge.about.reading import PARTS
from power_edge.cli import main
from power_edge.config.schema import schema
from power_edge.probing import transport
from power_edge.probing.framing import read
from power_edge.text import quoted, readable
from tests.cli.test_identity import printed
from tests.fuzz.test_answers import corpus
from tests.support import answers
from tests.support.cases import RECORDINGS
from tests.support.hostile import made
from tests.support.hostile.values import TOGETHER, VALUES, coded, harmless, places
from tests.support.project import identity_of

T420 = read((RECORDINGS / "about" / "t420.answer").read_bytes())
STATUSES = (0, 1, 3, 4, 11, 12)


class Lab:
    """A machine that answers each command the same, and a folder with a node that it is."""

    def __init__(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, captured: pytest.CaptureFixture[bytes]
    ) -> None:
        self.folder = folder
        self.answer: bytes | RuntimeError = b""
        self.stderr = b""
        self.said = ""
        """What the last command wrote to stderr."""
        self._monkeypatch, self._captured = monkeypatch, captured
        monkeypatch.chdir(folder)
        monkeypatch.setattr(transport, "execute", self._execute)
        monkeypatch.setattr("power_edge.probing.transport.time.sleep", lambda _: None)
        monkeypatch.setattr("power_edge.probing.route._ssh_options", lambda: "")
        self.node("rig")

    def node(self, name: str) -> Path:
        folder = self.folder / "node-configs" / name
        folder.mkdir(parents=True)
        (folder / "state.yaml").write_bytes(
            made.written({**made.STATE, "sysctl": {"kernel.hostname": "rig"}})
        )
        (folder / "system-identity.yaml").write_bytes(made.written(identity_of(answers.MACHINE)))
        (folder / "connection.yaml").write_text("ssh: {host: 192.0.2.1}\n")
        return folder

    def _execute(self, *_: object) -> SimpleNamespace:
        if isinstance(self.answer, RuntimeError):
            raise self.answer
        return SimpleNamespace(stdout_bytes=self.answer, stderr_bytes=self.stderr)

    def run(self, *arguments: str, look: bool = True) -> tuple[int, str]:
        """The status and the stdout of a command, whose outputs were held against what no output
        may hold; stdout only if `look`.
        """
        self._monkeypatch.setattr(sys, "argv", ["power-edge", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = self._captured.readouterr()
        if look:
            harmless(out)
        harmless(err)
        self.said = err.decode()
        assert (ended.value.code or 0) in STATUSES, self.said
        return int(str(ended.value.code or 0)), out.decode()


@pytest.fixture
def lab(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> Lab:
    return Lab(tmp_path, monkeypatch, capsysbinary)


def with_value(part: str, value: bytes) -> bytes:
    """What a machine tells of itself, and each line of it again with the value in each of its words
    in turn.
    """
    lines, tried, word = [], set(), value.replace(b"\t", b" ")
    for line in T420.outputs[f"about.{part}"].stdout.split(b"\n"):
        lines.append(line)
        words = line.split(b"\t")
        for at in range(len(words)):
            if line and (words[0], at) not in tried:
                tried.add((words[0], at))
                # First, for of most things the first is shown, or the first few.
                lines.insert(0, b"\t".join([*words[:at], word, *words[at + 1 :]]))
                lines.insert(0, b"\t".join([words[0], *([word] * (len(words) - 1))]))
    return b"\n".join([*lines, b"!" + value + b"\t" + value, b""])


def machine(value: str) -> bytes:
    """An answer to whatever is asked, with the value in all that names or describes something."""
    raw, text = coded(value), coded(value).decode("utf-8", "replace")
    sections: dict[str, Any] = {f"about.{part}": with_value(part, raw) for part in PARTS}
    sections["identity"] = (
        0,
        printed(answers.MACHINE, dmi_board_serial="x"),
        f"collect-identity.sh: {text}\n{text}",
    )
    for kind in resources.discoverable():
        sections[f"find.{kind}"] = b"".join(
            sign + raw + b"\t" + raw + b"\n" for sign in (b"+", b"-", b"?", b"")
        )
        sections[f"{kind}.0"] = (1, raw, text)
    one_line = raw.replace(b"\n", b" ")
    sections["find.sysctl"] += b"+vm/swappiness\t" + raw + b"\n+kernel/hostname\t" + raw + b"\n"
    sections["sysctl.0"] = answers.sysctl({"kernel.hostname": one_line, "vm.swappiness": "60"})
    sections["find.services"] += b"+ssh.service\t" + raw + b"\n"
    sections["services.0"] = corpus("services")[0]
    return answers.answer("-", sections, promised=[name for name in sections if " " not in name])


@pytest.mark.shell
@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_a_machine(lab: Lab, value: str) -> None:
    lab.answer = machine(value)
    (lab.folder / "answer").write_bytes(lab.answer)
    assert lab.run("about", "ssh://rig")[0] == 0
    status, out = lab.run("about", "ssh://rig", "--json")
    assert status == 0
    assert "pwned" in str(json.loads(out))
    assert lab.run("identity", "ssh://rig")[0] == 0
    assert lab.run("adopt", "rig", "--yes")[0] in (0, 4)
    assert lab.run("discover", "--answers=answer", "--as=new")[0] in (0, 4)
    assert lab.run("discover", "rig", "--merge")[0] in (0, 4)
    assert lab.run("discover", "rig", "--force", "--all")[0] in (0, 4)
    assert lab.run("init")[0] == 0
    assert lab.run("validate")[0] == 0


@pytest.mark.parametrize("value", TOGETHER.values(), ids=TOGETHER)
def test_no_answer(lab: Lab, value: str) -> None:
    """What a machine, ssh or a login shell says in place of an answer."""
    raw = coded(value)
    failed = RuntimeError(SimpleNamespace(stdout_bytes=raw, stderr_bytes=raw))
    for lab.answer, lab.stderr in (
        (failed, b""),
        (b"", raw),
        (raw, raw),
        (RuntimeError(value), b""),
    ):
        for arguments in (
            ("about", "rig"),
            ("about", "ssh://rig", "--json"),
            ("identity", "rig"),
            ("adopt", "rig"),
            ("discover", "rig"),
            ("init",),
        ):
            assert lab.run(*arguments)[0] == 11, arguments


@pytest.mark.parametrize("value", [*VALUES.values(), *TOGETHER.values()], ids=[*VALUES, *TOGETHER])
def test_an_identity(lab: Lab, value: str) -> None:
    """In every place of system-identity.yaml, as a machine prints it: what fits is printed, and
    what does not is refused.
    """
    good = identity_of(answers.MACHINE)
    statuses = set()
    for _, document in places(schema("system-identity"), readable(value)):
        content = made.written({**good, **document} if isinstance(document, dict) else document)
        for status in (0, 1):
            lab.answer = answers.answer(
                "-", {"identity": (status, content, coded(value).decode("utf-8", "replace"))}
            )
            ended, out = lab.run("identity", "ssh://rig")
            statuses.add(ended)
            assert ended or yaml.safe_load(out)
    assert statuses == {0, 4, 11}


@pytest.mark.parametrize("value", [*VALUES.values(), *TOGETHER.values()], ids=[*VALUES, *TOGETHER])
def test_arguments_and_folders(lab: Lab, value: str) -> None:
    name = value.replace("/", "_").replace("\0", "")[:60]
    lab.answer = machine("x")
    for command in (
        "about",
        "adopt",
        "discover",
        "identity",
        "probe-script",
        "init",
        "schema",
        "validate",
        name,
    ):
        assert lab.run(command, name)[0] == 4 or command == "init"
        lab.run(command, f"ssh://{name}")
        lab.run(command, f"--{name}")
    if not name.isascii() and "\ud800" in name:
        return
    folder = lab.node(name)
    (folder / "watcher.yaml").write_text(value, "utf-8", "surrogatepass")
    for arguments in (
        ("validate",),
        ("validate", "*"),
        ("probe-script", "*"),
        ("about", name),
        ("adopt", name),
        ("identity",),
        ("init",),
        ("discover",),
    ):
        lab.run(*arguments)


WRITING = {
    "a new node": (("discover", "--answers=answer", "--as=new"), "new/state.yaml"),
    "discover": (("discover", "rig", "--merge"), "rig/identity.yaml"),
    "adopt": (("adopt", "rig", "--yes"), "rig/state.yaml"),
    "identity": (("identity", "rig", "--write"), "rig/system-identity.yaml"),
    "init": (("init", "this"), "this/state.yaml"),
}


@pytest.mark.parametrize("case", WRITING)
@pytest.mark.parametrize(
    "name", ["elsewhere", VALUES["osc"], VALUES["newline"], VALUES["command"], VALUES["not utf-8"]]
)
def test_a_node_configs_that_is_a_link_is_followed_and_where_it_leads_is_said(
    lab: Lab, case: str, name: str
) -> None:
    """A branch can bring such a link, and an operator can want one: who writes has to know."""
    arguments, file = WRITING[case]
    lab.answer = machine("x")
    (lab.folder / "answer").write_bytes(lab.answer)
    rig = lab.folder / "node-configs" / "rig"
    if case == "identity":
        (rig / "system-identity.yaml").unlink()
    if case in ("init", "a new node"):  # this machine is not a node yet
        shutil.rmtree(rig)
    target = lab.folder / name.replace("/", "_")
    (lab.folder / "node-configs").rename(target)
    (lab.folder / "node-configs").symlink_to(target)
    before = (target / file).read_bytes() if (target / file).exists() else None
    assert lab.run(*arguments)[0] == 0, lab.said
    assert "node-configs/ is a symbolic link: files are written in " in lab.said
    assert quoted(str(target), 200) in lab.said
    assert (target / file).read_bytes() != before
    assert (lab.folder / "node-configs").is_symlink()


def test_a_node_configs_that_leads_nowhere_is_not_made(lab: Lab) -> None:
    lab.answer = machine("x")
    (lab.folder / "answer").write_bytes(lab.answer)
    shutil.rmtree(lab.folder / "node-configs")
    (lab.folder / "node-configs").symlink_to(lab.folder / "elsewhere")
    assert lab.run("discover", "--answers=answer", "--as=new")[0] in (3, 4)
    assert lab.run("init")[0] in (3, 4)
    assert not (lab.folder / "elsewhere").exists()


def test_no_node_is_made_whose_name_is_another_s_but_for_case(lab: Lab) -> None:
    lab.answer = machine("x")
    (lab.folder / "answer").write_bytes(lab.answer)
    (lab.folder / "node-configs/rig/system-identity.yaml").write_bytes(
        made.written(identity_of(answers.OTHER))
    )
    for arguments in (("discover", "--answers=answer", "--as=Rig"), ("init", "RIG")):
        assert lab.run(*arguments)[0] == 4
        assert "differs from rig in upper and lower case alone" in lab.said
    assert [each.name for each in (lab.folder / "node-configs").iterdir()] == ["rig"]
    assert lab.run("discover", "--answers=answer", "--as=rig-2")[0] == 0


def test_names_that_differ_in_case_alone_are_reported(lab: Lab) -> None:
    shutil.copytree(lab.folder / "node-configs/rig", lab.folder / "node-configs/Rig")
    (lab.folder / "node-configs/Rig/system-identity.yaml").unlink()
    assert lab.run("validate")[0] == 4
    assert lab.said.count("in upper and lower case alone") == 2
    assert lab.run("validate", "rig")[0] == 4
    assert (
        "node-configs/rig: differs from Rig in upper and lower case alone (rename one of the two)"
        in lab.said
    )
