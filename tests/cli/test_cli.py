"""The command `power-edge`, without a node."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from power_edge.checking import check
from power_edge.cli import MEANT, cli, main
from power_edge.config import load_node, names
from power_edge.own_version import own_version
from tests.support.answers import digest
from tests.support.commands import commands_of
from tests.support.gates import ID

STATE = "version: '1.0'\nmetadata: {site: x, environment: development}\n"


@pytest.fixture
def configs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A node-configs/ of two good nodes, in the current folder."""
    for name in ("rig-1", "rig-2"):
        folder = tmp_path / "node-configs" / name
        folder.mkdir(parents=True)
        (folder / "state.yaml").write_text(
            f"{STATE}sysctl: {{vm.swappiness: '60', kernel.panic: '10'}}\n"
        )
    monkeypatch.chdir(tmp_path)
    return tmp_path / "node-configs"


class Done:
    def __init__(self, status: object, out: str, err: str) -> None:
        self.status, self.out, self.err = status, out, err


Run = Callable[..., Done]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]) -> Run:
    def run(*arguments: str) -> Done:
        monkeypatch.setattr(sys, "argv", ["power-edge", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsysbinary.readouterr()
        assert b"Traceback" not in err
        return Done(ended.value.code, out.decode(), err.decode())

    return run


def test_validate(run: Run, configs: Path) -> None:
    assert run("validate").out == ("rig-1: 2 items\nrig-2: 2 items\n2 nodes, 4 items: no problem\n")
    assert run("validate", "rig-1").out == "rig-1: 2 items\n"
    assert run("validate", "rig-*", "rig-1").status == 0
    (configs / "rig-1" / "state.yaml").write_text(f"{STATE}sysctl: {{vm.swappiness: '60'}}\n")
    assert run("validate", "rig-1").out == "rig-1: 1 item\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--node-configs={}", "validate"],
        ["validate", "--node-configs={}"],
        ["validate", "rig-1", "--node-configs", "{}"],
    ],
)
def test_the_folder_of_nodes_is_named_before_or_after_the_command(
    run: Run, configs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert run(*[each.format("../node-configs") for each in arguments]).out.startswith(
        "rig-1: 2 items\n"
    )


def test_each_command_takes_the_folder_that_messages_name() -> None:
    found = commands_of(cli)
    assert found.keys() >= {"check", "validate"}
    for name, command in found.items():
        assert any("--node-configs" in each.opts for each in command.params), name


def test_validate_tells_all_problems_of_all_nodes(run: Run, configs: Path) -> None:
    for name in ("rig-1", "bad"):
        (configs / name).mkdir(exist_ok=True)
        (configs / name / "state.yaml").write_text(
            f"{STATE}sysctl: {{vm.swappiness: 60}}\nservices: [{{name: --help}}]\n"
        )
    done = run("validate")
    assert (done.status, done.out) == (4, "rig-2: 2 items\n")
    for place in ("bad/state.yaml:3:25: ", "bad/state.yaml:4:19: ", "rig-1/state.yaml:3:25: "):
        assert f"node-configs/{place}" in done.err


def test_validate_names_a_folder_whose_state_is_missing(run: Run, configs: Path) -> None:
    (configs / "rig-3").mkdir()
    (configs / "rig-3" / "connection.yaml").write_text("ssh: {host: rig-3}\n")
    done = run("validate")
    assert done.status == 4
    assert "rig-2: 2 items" in done.out
    assert done.err.startswith(
        "node-configs/rig-3/state.yaml: is missing (write it, or run `power-edge discover TARGET --as rig-3`;"
    )


def test_two_nodes_of_one_machine_are_told_by_either_name(run: Run, configs: Path) -> None:
    identity = "identifiers: {primary_id: ID, id_type: machine-id}\ncomposite_key: {key: 'linux:ID', hash: HASH}\n"
    for name in ("rig-1", "rig-2"):
        (configs / name / "system-identity.yaml").write_text(
            identity.replace("ID", ID).replace("HASH", digest(ID))
        )
    for arguments, second, first in (
        ([], "rig-2", "rig-1"),
        (["rig-1"], "rig-1", "rig-2"),
        (["rig-2"], "rig-2", "rig-1"),
    ):
        done = run("validate", *arguments)
        assert done.status == 4
        same = f"node-configs/{second}/system-identity.yaml: is for the same machine as node-configs/{first}/system-identity.yaml (equal machine-id) ("
        assert done.err.startswith(same)
        assert done.err.count("\n") == 2
        assert done.err.endswith("\n1 problem\n")
    (configs / "rig-3").mkdir()
    (configs / "rig-3" / "state.yaml").write_text(STATE)
    assert run("validate", "rig-3").status == 0


def test_validating_nothing_is_no_success(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("validate").status == 4
    (tmp_path / "node-configs").mkdir()
    done = run("validate")
    assert done.status == 4
    assert "has a state.yaml" in done.err


def test_the_help_of_schema_lists_the_names(run: Run) -> None:
    words = run("schema", "--help").out.replace(",", " ").replace(".", " ").split()
    assert {*names()} <= {*words}


def test_node_configs_elsewhere(run: Run, configs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    assert run("--node-configs", str(configs), "validate", "rig-2").out == "rig-2: 2 items\n"
    done = run("--node-configs", str(configs / "missing"), "validate")
    assert (done.status, done.err) == (
        4,
        f"Error: node-configs: '{configs}/missing' cannot be read: No such file or directory\n",
    )


def test_probe_script_prints_the_script(run: Run, configs: Path) -> None:
    done = run("probe-script", "rig-1")
    assert (done.status, done.err) == (0, "")
    assert done.out == check.script_for(load_node(configs / "rig-1")).text()
    assert done.out.endswith("pe_main </dev/null\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["probe-script", "rig-3"], "did you mean rig-"),
        (["probe-script", "rig-*"], "rig-* matches 2 nodes"),
        (["probe-script"], "Missing argument 'NODE'"),
        (["about", "rig-3"], "did you mean rig-"),
        (["about", "--hosts=x"], "--hosts needs the name of a node"),
        (["about", "nothing://x"], "'nothing' is not a testinfra backend"),
        (["validate", "rig-3"], "no node matches 'rig-3'"),
        (["schema", "stat"], "'stat' is not one of"),
        (["schema"], "Missing argument 'NAME'"),
        (["nothing"], "there is no command 'nothing'\n"),
        (["watch", "rig-1"], "there is no command 'watch' (see: power-edge check NODE --watch)"),
        (["list"], "there is no command 'list' (see: power-edge nodes)"),
        (["--nothing"], "No such option '--nothing'"),
        (["x\x1b[2J"], r"there is no command 'x\x1b[2J'"),
        (["validate", "all"], "write '*' for all nodes, in quotes"),
        (["validate", "rig-01"], "did you mean rig-1?"),
        (["validate", "rig-002"], "did you mean rig-2?"),
        (["--nothing"], "No such option"),
        (["validate", "\x1b[31m"], "'\\x1b[31m'"),
    ],
)
def test_bad_use(run: Run, configs: Path, arguments: list[str], message: str) -> None:
    done = run(*arguments)
    assert done.status == 4
    assert message in done.err
    assert "\x1b" not in done.err


def test_a_command_that_nothing_has_imported_is_near_as_well(
    run: Run, configs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "commands", {})
    assert "there is no command 'chekc' (did you mean check?)" in run("chekc").err


@pytest.mark.parametrize(("old", "new"), [("plan", "probe-script"), ("record", "init")])
@pytest.mark.parametrize("words", [[], ["rig-1"], ["--help"]], ids=str)
def test_an_old_word_is_an_error_that_says_the_new_one(
    run: Run, configs: Path, old: str, new: str, words: list[str]
) -> None:
    done = run(old, *words)
    assert done.status == 4
    assert f"Error: {old} is now: power-edge {new}\n" in done.err


def test_schema(run: Run, configs: Path) -> None:
    state = json.loads(run("schema", "state").out)
    assert {"sysctl", "services", "files", "packages", "firewall"} <= state["properties"].keys()


def every_command(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, each in commands_of(group).items():
        yield (*path, name)
        if isinstance(each, click.Group):
            yield from every_command(each, (*path, name))


@pytest.mark.parametrize("words", [(), *every_command(cli)], ids=" ".join)
def test_a_page_of_help_fits_a_terminal(words: tuple[str, ...]) -> None:
    page = CliRunner().invoke(cli, [*words, "--help"], terminal_width=80).output
    assert page.startswith("Usage: ")
    assert max(map(len, page.splitlines())) <= 80


def test_help_and_version(run: Run) -> None:
    assert run("--help").status == run("probe-script", "-h").status == 0
    assert run("--version").out == f"power-edge {own_version()}\n"


def test_a_full_disk(run: Run, configs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def script_for(_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("power_edge.checking.check.script_for", script_for)
    monkeypatch.setattr("power_edge.cli.os.dup2", lambda *_: None)
    monkeypatch.setattr("sys.stdout.fileno", lambda: 1, raising=False)
    done = run("probe-script", "rig-1")
    assert (done.status, done.err) == (3, "Error: No space left on device\n")


def test_each_command_has_the_name_of_its_module() -> None:
    context = click.Context(cli)
    found = {name: cli.get_command(context, name) for name in cli.list_commands(context)}
    assert found.keys() >= {"check", "import", "probe-script"}
    assert {name: command and command.name for name, command in found.items()} == {
        name: name for name in found
    }


@pytest.mark.shell
def test_a_command_imports_no_other_one(configs: Path) -> None:
    code = (
        "import sys; from power_edge.cli import cli; cli(['validate'], standalone_mode=False);"
        "print(*(name for name in sys.modules if name.startswith('power_edge.cli.')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=configs, capture_output=True, text=True, check=True
    )
    commands = {name.split(".")[2] for name in done.stdout.splitlines()[-1].split()}
    assert {name for name in commands if not name.startswith("_")} == {"validate"}


def test_the_words_of_other_tools_lead_to_commands() -> None:
    for word, meant in MEANT.items():
        assert word not in cli.list_commands(click.Context(cli))
        assert meant.split()[0] in cli.list_commands(click.Context(cli))
