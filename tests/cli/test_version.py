"""`power-edge version`."""

import json
import sys
from pathlib import Path

import pytest

from power_edge.cli import main
from tests.support.newer_schemas import newer_schemas
from tests.support.repository import commit, git, make, write


def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str
) -> tuple[object, str, str]:
    monkeypatch.setattr(sys, "argv", ["power-edge", "version", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    printed = capsys.readouterr()
    return ended.value.code, printed.out, printed.err


def test_each_form(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, capsys, "show", "v1.3.0-pre.145") == (
        0,
        "git tag   v1.3.0-pre.145\n"
        "wheel     1.3.0rc145\n"
        "OCI tags  1.3.0-pre.145\n"
        "deb, rpm  1.3.0~pre145-1\n",
        "",
    )


@pytest.mark.parametrize(
    ("first", "sign", "second"),
    [("1.3.0-pre.145", "<", "1.3.0"), ("1.10.0", ">", "1.9.9"), ("1.0.0", "=", "1.0.0")],
)
def test_which_is_higher(
    first: str,
    sign: str,
    second: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    printed = run(monkeypatch, capsys, "compare", f"v{first}", second)
    assert printed == (0, f"{first} {sign} {second}\n", "")


@pytest.mark.parametrize("words", [("show", "1.3"), ("compare", "1.3.0", "latest")])
def test_what_is_no_version(
    words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(monkeypatch, capsys, *words)
    assert (code, out) == (4, "")
    assert "is not a version: write three numbers, such as 1.3.0 or 1.3.0-pre.145\n" in err


# check and next: tests/release/test_required.py has all that they can say

MINIMAL: dict[str, str | None] = {
    "schemas/state.schema.yaml": "type: object\nadditionalProperties: false\nproperties: {a: {type: string}}\n",
    "schemas/VERSION": "1.0\n",
    "tests/golden/interface.txt": "pytest --node=VALUE\n",
    "pyproject.toml": "[tool.power-edge]\nfirst-release = '2.0.0'\n[tool.hatch.build.targets.wheel]\nonly-include = ['plugins']\n",
}


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = make(tmp_path / "repository", monkeypatch)
    commit(MINIMAL, "v1.0.0")
    return folder


@pytest.mark.shell
def test_check_says_who_asks_and_what_to_write(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    commit({"tests/golden/interface.txt": "pytest --other\n", "changelog.d/1.feature.md": "a"})
    assert run(monkeypatch, capsys, "check") == (
        1,
        "MAJOR since v1.0.0\n"
        "schemas    PATCH  they allow the same as before\n"
        "changelog  MINOR  changelog.d/1.feature.md\n"
        "interface  MAJOR  gone: pytest --node=VALUE\n"
        "interface  MINOR  new: pytest --other\n",
        "Error: the fragments claim MINOR, and this is MAJOR (interface: gone: pytest --node=VALUE):"
        " write changelog.d/NAME.breaking.md\n",
    )
    commit({"changelog.d/1.breaking.md": "a"})
    assert run(monkeypatch, capsys, "check")[0] == 0
    assert run(monkeypatch, capsys, "check", "--base=HEAD~1")[0] == 0
    assert run(monkeypatch, capsys, "next") == (0, "2.0.0\n", "")
    assert run(monkeypatch, capsys, "next", "--pre") == (0, "2.0.0-pre.3\n", "")


@pytest.mark.shell
def test_check_as_json(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    head = commit({"node-configs/rig/state.yaml": "a"})
    code, out, _ = run(monkeypatch, capsys, "check", "--json")
    assert code == 0
    assert json.loads(out) == {
        "base": "v1.0.0",
        "head": head,
        "bump": "PATCH",
        "build": False,
        "by": {"schemas": "PATCH", "changelog": "PATCH", "interface": "PATCH"},
        "reasons": [
            {"source": "schemas", "bump": "PATCH", "why": "they allow the same as before"},
            {"source": "changelog", "bump": "PATCH", "why": "no fragment"},
            {
                "source": "interface",
                "bump": "PATCH",
                "why": "tests/golden/interface.txt has the same lines",
            },
        ],
        "problems": [],
    }
    assert "nothing to build" in run(monkeypatch, capsys, "check")[1]
    commit({"plugins/a.py": "a"})
    code, out, err = run(monkeypatch, capsys, "check", "--json")
    assert (code, err) == (1, "")
    assert "plugins/a.py" in json.loads(out)["problems"][0]


@pytest.mark.shell
def test_before_the_first_release_it_says_so(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    git("tag", "-d", "v1.0.0")
    _, out, _ = run(monkeypatch, capsys, "check")
    assert out.startswith("there is no release to compare with, so all is compared with nothing.\n")
    assert "note" in json.loads(run(monkeypatch, capsys, "check", "--json")[1])
    assert run(monkeypatch, capsys, "next") == (0, "2.0.0\n", "")


@pytest.mark.shell
def test_many_reasons_are_cut(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    commit({f"changelog.d/{number:02}.feature.md": "a" for number in range(12)})
    _, out, _ = run(monkeypatch, capsys, "check")
    assert out.count("changelog  MINOR") == 10
    assert "changelog  and 2 more: --json lists all\n" in out


@pytest.mark.shell
@pytest.mark.parametrize("words", [("check",), ("next",)])
def test_what_is_not_committed_is_refused(
    words: tuple[str, ...],
    repository: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (repository / "pyproject.toml").write_text("")
    code, out, err = run(monkeypatch, capsys, *words)
    assert (code, out) == (4, "")
    assert "not committed: 'pyproject.toml'" in err


@pytest.mark.shell
def test_a_hostile_repository_is_printed_as_text(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    commit({"tests/golden/interface.txt": "::set-output name=a::b\n\x1b[2J\u202e\n"})
    for words in (("check",), ("check", "--json")):
        code, out, err = run(monkeypatch, capsys, *words)
        assert code == 1
        assert "\x1b" not in out + err
        assert "\u202e" not in out + err
    code, _, err = run(monkeypatch, capsys, "check", "--base=a\x1b[2J\n::error::b")
    assert code == 4
    assert "\x1b" not in err
    assert not any(line.startswith("::") for line in err.splitlines())


# needs

HEAD = 'version: "{}"\nmetadata: {{site: rig, environment: production}}\n'
NEW = "services:\n- {name: ssh, state: running}\n- {name: cron, enabled: true}\n"


def nodes(folder: Path) -> Path:
    write(
        folder / "node-configs",
        {
            "old/state.yaml": HEAD.format("1.0"),
            "new/state.yaml": HEAD.format("1.0") + NEW,
            "new/connection.yaml": "ssh:\n  host: rig\n  user: root\n",
            "new/watcher.yaml": 'version: "1.0"\nwatchers:\n  enabled: true\n  inotify: {}\n',
            "roles/a.yaml": "name: a\ndescription: a\nsection: a\nrules: []\n",
        },
    )
    return folder / "node-configs"


def test_needs_names_the_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = nodes(tmp_path)
    of_new = (
        "new: 1.4\n"
        "  node-configs/new/state.yaml:5: services[1].enabled needs 1.2\n"
        "  node-configs/new/connection.yaml:3: ssh.user needs 1.2\n"
        "  node-configs/new/watcher.yaml:4: watchers.inotify needs 1.4\n"
    )
    with newer_schemas(tmp_path / "newer", monkeypatch):
        monkeypatch.chdir(tmp_path)
        roles = "roles: 1.2\n  node-configs/roles/a.yaml:3: section needs 1.2\n"
        everything = (0, f"{of_new}old: 1.0\n{roles}", "")
        assert run(monkeypatch, capsys, "needs") == everything
        assert run(monkeypatch, capsys, "needs", str(root)) == everything
        assert run(monkeypatch, capsys, "needs", "node-configs/new") == (0, of_new + roles, "")
        monkeypatch.chdir(root / "old")
        assert run(monkeypatch, capsys, "needs", ".") == (0, f"old: 1.0\n{roles}", "")


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("nothing", "is not a folder"),
        ("node-configs/old/state.yaml", "is not a folder"),
        ("empty", "no folder in 'empty' has a state.yaml"),
    ],
)
def test_needs_of_what_is_no_node(
    path: str,
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    nodes(tmp_path)
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    code, out, err = run(monkeypatch, capsys, "needs", path)
    assert (code, out) == (4, "")
    assert words in err


def test_needs_without_nodes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("power_edge.cli.find_node_configs", lambda _: None)
    assert run(monkeypatch, capsys, "needs") == (
        4,
        "",
        "Error: node-configs: there is no node-configs/ in this folder or above it"
        " (change to its folder, or name it; power-edge init makes a first node here)\n",
    )


def test_needs_of_files_that_cannot_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = nodes(tmp_path)
    write(root, {"old/state.yaml": "version: '9.9'\n", "old/connection.yaml": "a: 1\n"})
    code, out, err = run(monkeypatch, capsys, "needs", str(root))
    assert (code, out) == (4, "")
    assert "is for version 9.9 of the schemas, and this Power Edge has 1.0" in err
    assert "connection.yaml" not in err
    write(root, {"old/state.yaml": HEAD.format("1.0")})
    assert "connection.yaml:1:1: unknown key" in run(monkeypatch, capsys, "needs", str(root))[2]
