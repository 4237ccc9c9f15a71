"""goss files as state.yaml: what is taken, what is left out, and that goss agrees."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from power_edge.checking.evaluate import judge
from power_edge.cli import cli, main
from power_edge.config import ConfigError
from power_edge.importing.goss import convert
from power_edge.model import Outcome
from power_edge.probing.framing import read
from power_edge.probing.observe import observe
from power_edge.resources import resource
from tests.importing.record import ANSWER, GOSS, RESULTS, imported

OURS = {
    "Package": ("packages", {"installed", "version"}),
    "Service": ("services", {"running", "enabled"}),
    "KernelParam": ("sysctl", {"value"}),
    "File": ("files", {"exists", "filetype", "mode", "owner", "group", "sha256"}),
}
"""A type of goss in its results -> the resource type, and the properties that items say."""


def of_goss() -> Mapping[tuple[str, str], bool]:
    """Return for each item whether all of goss's assertions held on the recorded node."""
    held: dict[tuple[str, str], bool] = {}
    for line, successful in json.loads(RESULTS.read_text()).items():
        kind, name, field = line.split(" ")
        section, fields = OURS[kind]
        assert field in fields
        held[section, name] = held.get((section, name), True) and successful
    return held


def test_an_item_is_compliant_if_goss_says_so_and_else_never(tmp_path: Path) -> None:
    node = imported(tmp_path)
    answer = read(ANSWER.read_bytes())
    ours = {
        (item.type, item.name): judge(
            resource(item.type), item, observe(resource(item.type), [item], answer)
        ).outcome
        for item in node.items
    }
    theirs = of_goss()
    assert ours.keys() == theirs.keys()
    assert {key for key, outcome in ours.items() if outcome is Outcome.COMPLIANT} == {
        key for key, held in theirs.items() if held
    }


def left_out(text: str) -> list[str]:
    return [str(each) for each in convert(text.encode(), "g.yaml").left_out]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("port:\n  tcp:22: {listening: true}\n", "2: port tcp:22: Power Edge has no such type"),
        ("gossfile:\n  a.yaml: {}\n", "2: gossfile a.yaml: run goss render, and import the one file that it prints"),
        ("port: 5\n", "1: port: Power Edge has no such type"),
        ("file: [a]\n", "1: file: is not a mapping of names"),
        ("file:\n  /a: {exists: false, mode: '0644'}\n", "2: file /a mode: cannot be declared"),
        ("file:\n  /a/: {exists: false}\n", "2: file /a/: path: ends with a slash"),
        ("file:\n  /a: {exists: true, filetype: {or: [file]}}\n", "2: file /a: only files, directories, and"),
        ("file:\n  /a: {exists: true, filetype: directory, linked-to: /b}\n", "2: file /a linked-to: cannot be"),
        ("file:\n  /a: {exists: true, filetype: file, linked-to: /b}\n", "2: file /a linked-to: cannot be"),
        ("file:\n  /a: {exists: true, filetype: symlink, linked-to: /b, mode: '0777'}\n", "2: file /a mode: cannot be"),
        ("file:\n  /a: {exists: true, filetype: symlink}\n", "2: file /a: only files, directories, and symlinks with linked-to can be declared"),
        ("file:\n  /a:\n    exists: true\n    size: 5\n", "4: file /a size: cannot be declared"),
        ("file:\n  /a: {exists: true, mode: {gt: 5}}\n", "2: file /a mode: cannot be declared"),
        ("file:\n  a: {exists: true}\n", "2: file a: "),
        ("package:\n  a b: {installed: true}\n", "2: package a b: "),
        ("package:\n  a: {installed: {or: [true]}}\n", "2: package a: says neither installed: true nor installed: false"),
        ("package:\n  a: {installed: true, versions: ['1', '2']}\n", "2: package a versions: cannot be declared"),
        ("package:\n  a: {installed: true, skip: true}\n", "2: package a: goss skips it"),
        ("package:\n  a: true\n", "2: package a: has no fields"),
        ("file:\n  /a: {exists: {not: true}}\n", "2: file /a: says neither exists: true nor exists: false"),
        ("service:\n  a: {running: {not: true}, enabled: true}\n", "2: service a running: cannot be declared"),
        ("service:\n  a: {runlevels: [5]}\n", "2: service a: says neither running nor enabled"),
        ("kernel-param:\n  vm.swappiness: {value: {gt: 5}}\n", "2: kernel-param vm.swappiness: its value is not text or a number"),
    ],
)  # fmt: skip
def test_what_is_left_out_is_listed_with_its_line(text: str, line: str) -> None:
    (found,) = left_out(text)
    assert found.startswith(f"g.yaml:{line}")


def test_what_asserts_nothing_is_not_listed() -> None:
    text = "file:\n  /a: {exists: true, contents: [], title: x, meta: {a: b}, skip: false}\n"
    assert left_out(text) == []


@pytest.mark.parametrize(
    ("fields", "item"),
    [
        ("exists: false", {"state": "absent"}),
        ("exists: true, filetype: directory, mode: '0755'", {"state": "directory", "mode": "0755"}),
        ("exists: true, filetype: symlink, linked-to: b", {"state": "symlink", "target": "b"}),
        ("exists: true, linked-to: b", {"state": "symlink", "target": "b"}),
        ("exists: true, filetype: file", {}),
    ],
)
def test_what_is_at_a_path(fields: str, item: Mapping[str, str]) -> None:
    found = convert(f"file:\n  /a: {{{fields}}}\n".encode(), "g.yaml")
    assert (yaml.safe_load(found.text)["files"], found.left_out) == ([{"path": "/a", **item}], ())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "file:\n  '{{.Vars.a}}': {exists: true}\n",
            r"\Ag.yaml:2:1: this is a template \(let goss",
        ),
        ("a: [\n", r"\Ag.yaml:"),
        ("", r"\Ag.yaml:1:1: is empty"),
        ("- a\n", r"\Ag.yaml:1"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        convert(text.encode(), "g.yaml")


def test_the_command_prints_a_file_that_loads(tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, ["import", "goss", str(GOSS)])
    assert done.exit_code == 0
    assert len(yaml.safe_load(done.stdout)["packages"]) == 6
    assert done.stderr.endswith("20 items; 0 left out\n")


@pytest.mark.parametrize("file", ["none.yaml", "."])
def test_a_file_that_is_missing_or_a_folder_is_an_unusable_argument(
    file: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["power-edge", "import", "goss", file])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 4
    printed = capsys.readouterr()
    assert printed.out == ""
    assert f"Invalid value for 'FILE': File '{file}'" in printed.err
