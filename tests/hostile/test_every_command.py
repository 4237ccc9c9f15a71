"""Every command of `power-edge`, with every form of its output, in a repository and towards machines
and files of a stranger: what is shown is text.

The commands and their forms are taken from the program: a new one fails here until something is
given to it.
"""

import json
import os
import shutil
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing
from io import StringIO
from pathlib import Path
from socket import create_connection, create_server
from typing import Any
from xml.etree import ElementTree as ET

import click
import pytest
import yaml

from power_edge.cli import cli, install_service
from power_edge.config import load_node
from power_edge.config.schema import names, schema
from power_edge.pytest_integration import check_main
from power_edge.report.change_gate.formats import names as formats
from power_edge.text import readable
from tests.hostile.test_commands import Lab, machine
from tests.release.test_incident import RECORD
from tests.support import answers, repository
from tests.support.commands import commands_of
from tests.support.hostile import made
from tests.support.hostile.values import TOGETHER, VALUES, coded, harmless, places
from tests.support.releases import SCHEMA
from tests.support.repository import git

pytestmark = pytest.mark.shell
Words = tuple[str, ...]

ANNOTATIONS = {("gate", "github"), ("validate", "github")}
"""Forms in which the lines are commands to a runner, of ours alone."""
IN_JSON = {"json", "gitlab"}
HERE: Mapping[Words, list[Words]] = {
    ("about",): [("ssh://rig",), ("rig",)],
    ("adopt",): [("rig", "--yes"), ("rig",)],
    ("check",): [("rig",)],
    ("derive",): [("rig",), ("rig2",)],
    ("discover",): [("--answers=machine", "--as=new"), ("rig",), ("rig", "--merge")],
    ("gate",): [("--actor={value}", "--answers=."), (), ("--base={value}",)],
    ("identity",): [("ssh://rig",), ("rig",)],
    ("import", "goss"): [("goss.yaml",), ("node-configs/rig/state.yaml",)],
    ("init",): [(), ("{value}",)],
    ("install-service",): [("rig",), ("{value}",)],
    ("mends",): [("rig",)],
    ("nodes",): [(), ("--role={value}",), ("--tag={value}",), ("--site={value}",)],
    ("probe-script",): [("rig",)],
    ("release", "check-tag"): [("1.4.1", "--artifacts=files"), ("{value}",)],
    ("release", "incident"): [("1.4.1", "--artifacts=files", "--who={value}", "--why={value}")],
    ("release", "pre"): [("1.4.1-pre.1", "--artifacts=files"), ("{value}",)],
    ("release", "promote"): [
        ("1.4.1-pre.1", "1.4.1", "--artifacts=files"),
        ("1.4.1-pre.1", "{value}"),
    ],
    ("release", "verify"): [("files/promotion.json",), ("files/{name}",), ("files/SHA256SUMS",)],
    ("schema", "diff"): [("HEAD~1", "HEAD"), ("{value}", "HEAD"), ("HEAD~1", "HEAD", "--accepted=HEAD~1")],
    ("status",): [("{url}",)],
    ("validate",): [(), ("{value}",)],
    ("version", "check"): [("--base=HEAD~1",), ("--base={value}",)],
    ("version", "compare"): [("1.0.0", "{value}")],
    ("version", "needs"): [(), ("{value}",)],
    ("version", "next"): [()],
    ("version", "show"): [("{value}",)],
}  # fmt: skip
SHOWN = {
    "about", "adopt", "derive", "discover", "gate", "identity", "import goss", "mends", "nodes",
    "release incident", "release verify", "schema diff", "status", "validate",
}  # fmt: skip
"""Commands that must have shown the plain value somewhere, or they were tried with nothing."""


def commands(group: click.Group, before: Words = ()) -> Iterator[tuple[Words, click.Command]]:
    for name, command in commands_of(group).items():
        if isinstance(command, click.Group):
            yield from commands(command, (*before, name))
        else:
            yield (*before, name), command


COMMANDS = dict(commands(cli))


def forms(command: click.Command) -> Iterator[tuple[str, Words]]:
    """What changes the form of a command's output: each flag and each choice, by itself."""
    yield "", ()
    for option in command.params:
        if not isinstance(option, click.Option) or not option.expose_value:
            continue
        (name,) = option.opts[-1:]
        if option.is_flag:
            yield name.strip("-"), (name,)
        elif isinstance(option.type, click.Choice):
            yield from ((each, (f"{name}={each}",)) for each in option.type.choices)
        elif option.name == "formats":
            yield from ((each, (f"{name}={each}",)) for each in formats())


def test_each_command_is_tried() -> None:
    assert {*HERE} == {*COMMANDS}
    assert {each for _, each in ANNOTATIONS} <= {
        form for each in COMMANDS.values() for form, _ in forms(each)
    }


def goss(value: str) -> dict[str, Any]:
    """A goss file with a value in each name and field that it may have."""
    fields = dict.fromkeys(
        ("exists", "mode", "owner", "group", "filetype", "linked-to", "contents", "path", "sha256"),
        value,
    )
    return {
        "file": {f"/{value}": {"exists": True}, "/a": fields, value: {"exists": True, "mode": value},
                 "/b": {"exists": True, "filetype": "symlink", "linked-to": value}},
        "package": {value: {"installed": True}, "a": {"installed": True, "versions": [value]}},
        "service": {value: {"running": True}, "b": {"running": True, value: value}},
        "kernel-param": {value: {"value": value}, "vm.x": {"value": value}},
        value: {value: {value: value}},
    }  # fmt: skip


class World:
    """The current folder: a repository, and in it all that commands read."""

    def __init__(self, lab: Lab, value: str, url: str) -> None:
        self.lab, self.value, self.url = lab, value, url
        self.word = os.fsdecode(coded(value.replace("\0", "")))  # as a word of a command line
        self.name = self.word.replace("/", "_")[:60]
        root = lab.folder / "node-configs"
        git("init", "-q", "-b", "main")
        self._node(root / "rig2", readable(value))
        self._policy(root, value)
        self._schemas(value, SCHEMA)
        lab.folder.joinpath("changelog.d").mkdir()
        repository.commit({"changelog.d/1.feature.md": "a\n"}, "v1.0.0")
        git("checkout", "-q", "-b", "change")
        self._schemas(
            value,
            f"title: {json.dumps(readable(value))}\n{SCHEMA}required: [{json.dumps(readable(value))}]\n",
        )
        shutil.rmtree(root / "rig2")
        self._node(root / "rig2", f"{readable(value)}x")
        self._answers(root)
        lab.folder.joinpath("changelog.d", "2.bugfix.md").write_bytes(readable(value).encode())
        (root / "rig2" / f"{self.name}.py").touch()
        git("add", "-A")
        git("commit", "-q", "-m", readable(value).replace("\0", "") or "a")
        self._release(lab.folder / "files")
        shutil.copytree(root, lab.folder.parent / "kept", symlinks=True)

    def anew(self) -> None:
        """Put node-configs/ back as it was: commands have changed it."""
        root = self.lab.folder / "node-configs"
        shutil.rmtree(root)
        shutil.copytree(self.lab.folder.parent / "kept", root, symlinks=True)

    def _policy(self, root: Path, value: str) -> None:
        value = readable(value)
        policy = {
            "owners": [{"paths": ["node-configs/*"], "who": [value]}, {"fields": ["*"], "who": [value]}],
            "freeze": [{"from": "2000-01-01", "to": "2999-01-01", "timezone": "UTC", "why": value}],
            "protected": ["*"],
            "max_nodes": 0,
        }  # fmt: skip
        (root / "policy.yaml").write_bytes(made.written(policy))

    def _schemas(self, value: str, text: str) -> None:
        folder = self.lab.folder / "schemas"
        folder.mkdir(exist_ok=True)
        (folder / "VERSION").write_text("1.0\n")
        (folder / "a.schema.yaml").write_text(text)
        entry = {
            "file": "a.schema.yaml", "pointer": "/required", "verdict": "MINOR", "release": "1.1.0",
            "reason": readable(value), "author": readable(value),
        }  # fmt: skip
        (folder / "accepted.yaml").write_bytes(made.written({"accepted": [entry]}))

    def _node(self, folder: Path, value: str) -> None:
        """A node of another machine, with the value everywhere."""
        made.node(folder, value)
        file = folder / "system-identity.yaml"
        text = file.read_text()
        for form in (str, answers.digest):
            text = text.replace(form(answers.MACHINE), form(answers.OTHER))
        file.write_text(text)

    def _answers(self, root: Path) -> None:
        """What the machines say: every item has drifted or is unknown, in the words of the value."""
        observed = readable(self.value).replace("\n", " ")
        text = self.value.encode("utf-8", "replace").decode()
        for name, machine_id in (("rig", answers.MACHINE), ("rig2", answers.OTHER)):
            node = load_node(root / name)
            keys = [item.name for item in node.items if item.type == "sysctl"]
            sections: dict[str, Any] = {f"{item.type}.0": (1, b"", text) for item in node.items}
            sections["sysctl.0"] = answers.sysctl(dict.fromkeys(keys, observed))
            answer = answers.answer(name, sections, machine=machine_id)
            (self.lab.folder / f"{name}.answer").write_bytes(answer)
        (self.lab.folder / "machine").write_bytes(machine(self.value))
        (self.lab.folder / "goss.yaml").write_bytes(made.written(goss(readable(self.value))))

    def _release(self, folder: Path) -> None:
        folder.mkdir()
        (folder / self.name).write_text("x")
        rollback = {**RECORD["rollback"], "nodes": [self.value], "losses": [self.value]}
        (folder / "promotion.json").write_text(
            json.dumps({**RECORD, "rollback": rollback, "reasons": [self.value]})
        )
        (folder / "tested.json").write_text(json.dumps({"commit": self.value, "run": self.value}))
        line = f"{'0' * 64}  {self.name}\n"
        (folder / "SHA256SUMS").write_bytes(line.encode("utf-8", "surrogatepass"))

    def run(self, words: Words, form: str, given: Words) -> str:
        """What a command prints, which was looked at."""
        mends = words == ("mends",)
        file = self.lab.folder / ("rig.answer" if mends else "machine")
        self.lab.answer = file.read_bytes()
        arguments = [
            each.replace("{value}", self.word)
            .replace("{name}", self.name)
            .replace("{url}", self.url)
            for each in given
        ]
        annotations = (words[0], form) in ANNOTATIONS
        _, out = self.lab.run(*words, *arguments, look=not (annotations or mends))
        if mends:  # a script is indented by tabs
            harmless("\n".join(line.removeprefix("\t") for line in out.split("\n")))
        for line in out.splitlines() if annotations else ():
            self._annotation(line)
        if out and form in IN_JSON:
            json.loads(out)
        if out and form in ("junit",):
            ET.parse(StringIO(out))
        if out and form == "yaml":
            yaml.safe_load(out)
        return out + self.lab.said

    def _annotation(self, line: str) -> None:
        head, _, message = line.removeprefix("::").partition("::")
        level, _, properties = head.partition(" ")
        assert level in ("error", "warning", "notice"), line
        assert {each.partition("=")[0] for each in properties.split(",")} <= {"file", "line", "col"}
        harmless(f"-{message}")


@pytest.fixture
def url(value: str) -> Iterator[str]:
    """The address of a server that says anything in place of a watch's status: each place of the
    schema has the value in turn, and so has the line of its own status.
    """
    bodies = [
        json.dumps(document).encode("utf-8", "surrogatepass")
        for _, document in places(schema("status"), value)
    ]
    word = readable(value).encode().split(b"\n")[0].replace(b"\r", b"")
    pages = [
        *(b"HTTP/1.0 200 OK\r\n\r\n" + body for body in bodies),
        b"HTTP/1.0 500 " + word + b"\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nContent-Type: " + word + b"\r\n\r\n{}",
        word,
    ]

    def serve() -> None:
        number = 0
        while True:
            connection, _ = listener.accept()
            with closing(connection):
                if not connection.recv(65536):
                    return
                connection.sendall(pages[number % len(pages)])
                number += 1

    with closing(create_server(("127.0.0.1", 0))) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        host, port = listener.getsockname()
        yield f"http://{host}:{port}/{len(pages)}"
        with closing(create_connection((host, port))):
            pass
        thread.join()


SOAK = bool(os.environ.get("POWER_EDGE_SOAK"))
PLAIN = "command"
"""The value that no command refuses or cuts."""
KINDS = {**TOGETHER, **(VALUES if SOAK else {PLAIN: VALUES[PLAIN]})}
"""All values at once in three ways, and a plain one; with POWER_EDGE_SOAK each by itself."""


@pytest.mark.parametrize("value", KINDS.values(), ids=KINDS)
def test_every_command(
    value: str,
    url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsysbinary: pytest.CaptureFixture[bytes],
) -> None:
    captured = sys.stdout

    def become_pytest(*_: object) -> None:
        sys.stdout = captured
        raise SystemExit(0)

    monkeypatch.setattr(check_main, "run", become_pytest)
    monkeypatch.setattr(install_service, "FOLDER", tmp_path / "units")
    monkeypatch.setattr(install_service, "_BOOTED", tmp_path / "none")
    repository.alone(monkeypatch)
    (tmp_path / "here").mkdir()
    world = World(Lab(tmp_path / "here", monkeypatch, capsysbinary), value, url)
    shown = dict.fromkeys(map(" ".join, HERE), 0)
    for words, command in COMMANDS.items():
        world.anew()
        for form, options in forms(command):
            for given in HERE[words]:
                turns = int(url.rpartition("/")[2]) if words == ("status",) else 1
                for _ in range(turns):
                    shown[" ".join(words)] += "pwned" in world.run(words, form, (*options, *given))
    for name in names():
        world.run(("schema",), name, (name,))
    if value == VALUES[PLAIN]:
        assert {each for each, count in shown.items() if count} >= SHOWN, shown
    assert not (tmp_path / "units").exists()
