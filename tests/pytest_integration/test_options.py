"""Options that cannot be used: one clear line, status 4, no traceback."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.hostile.test_passwords import PASSWORD, WAYS
from tests.support import answers
from tests.support.project import PASSED_OVER, Project

pytest_plugins = ["pytester"]


def refused(project: Project, *arguments: str, nodes: tuple[str, ...] = ()) -> str:
    """The one line of a run that is refused."""
    result = project.run(*arguments, nodes=nodes)
    assert result.ret == 4
    assert "Traceback" not in result.stdout.str() + result.stderr.str()
    (line,) = [line for line in result.errlines if line]
    return line


@pytest.mark.parametrize("age", ["xyz", "", "-1", "1.5h", "24 h", "1w", "9" * 5000])
def test_max_age(project: Project, age: str) -> None:
    project.node("a")
    assert refused(project, "--node=a", f"--max-age={age}").startswith(
        f"ERROR: --max-age={age}: write seconds, or a number with s, m, h or d"
    )


def test_a_max_age_without_answers(project: Project) -> None:
    project.node("a")
    assert refused(project, "--node=a", "--max-age=3h") == (
        "ERROR: --max-age is about answers: add --answers=FILE, or leave it out"
    )


@pytest.mark.parametrize("name", ["edge.txt", "prom", "edge.prom.tmp"])
def test_a_textfile_that_node_exporter_does_not_read(project: Project, name: str) -> None:
    project.node("a")
    assert refused(project, "--node=a", f"--prometheus-textfile={name}", nodes=("a",)) == (
        f"ERROR: --prometheus-textfile={name}: node_exporter reads *.prom alone: {name}.prom"
    )
    assert not (project.path / name).exists()


@pytest.mark.parametrize("option", ["--ssh-config", "--ssh-identity-file"])
def test_a_file_that_is_missing_is_told_once_and_before_any_node(
    project: Project, option: str
) -> None:
    project.node("a")
    project.node("b")
    words = ("--node=*", "--hosts=ssh://192.0.2.1", f"{option}=none/here")
    assert refused(project, *words) == f"ERROR: {option}=none/here: there is no such file"
    assert project.run("--node=*", f"{option}=none").ret == 0
    assert project.run("--node=*", f"{option}=none/here").ret == 0  # nothing goes over ssh
    local = project.run("--node=*", f"{option}=none/here", "--collect-only", nodes=())
    assert local.ret == 0


@pytest.mark.parametrize(
    "given",
    [
        "--answers=file",
        "--prometheus-textfile=file",
        "--watch",
        "--event-log=x",
        "--metrics-listen=1",
    ],
)
def test_options_about_nodes_without_one(project: Project, given: str) -> None:
    project.node("a")
    (project.path / "test_other.py").write_text("def test_it(): raise AssertionError('it ran')\n")
    option = given.partition("=")[0]
    assert (
        refused(project, given)
        == f"ERROR: {option} is about nodes, and none is selected: add --node=NAME"
    )


@pytest.mark.parametrize("option", ["--prometheus-textfile", "--event-log", "--metrics-listen"])
@pytest.mark.parametrize("more", [[], ["--node=a"], ["--node=a", "--watch"]], ids=" ".join)
def test_an_output_that_is_empty(project: Project, option: str, more: list[str]) -> None:
    project.node("a")
    assert refused(project, f"{option}=", *more) == (
        f"ERROR: {option}= is empty: give a value, or leave the option out"
    )


HOLD = """
import fcntl, sys
file = open(sys.argv[1], "a")
fcntl.lockf(file, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.mark.shell
def test_two_watches_with_one_event_log(project: Project) -> None:
    project.node("a")
    log = project.path / "events"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(log)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == b"held\n"
        assert refused(project, "--node=a", "--watch", "--event-log=events") == (
            f"ERROR: --event-log={log}: process {first.pid} writes to it; two watches cannot"
            " share a log: end the other watch, or choose another file"
        )


def test_a_watch_of_broken_nodes_alone(project: Project) -> None:
    folder = project.node("a")
    (folder / "state.yaml").write_text("nonsense\n")
    arguments = ("--watch", "--node=a", "--continue-on-collection-errors")
    result = project.run(*arguments, nodes=())
    assert result.ret == 4
    first, *problems = [line for line in result.errlines if line]
    assert first == "ERROR: unusable configuration"
    assert problems
    assert all(line.startswith("node-configs/a/state.yaml:") for line in problems)


@pytest.mark.parametrize(("good", "others"), [(("b",), "the other"), (("b", "c"), "the other 2")])
def test_a_broken_node_says_how_the_others_are_checked(
    project: Project, good: tuple[str, ...], others: str
) -> None:
    for name in ("a", *good):
        project.node(name)
    (project.path / "node-configs/a/state.yaml").write_text("version: no\n")
    result = project.run("--node=*", nodes=())
    assert result.ret == 4
    assert result.errlines[0] == (
        f"ERROR: unusable configuration: 1 of {len(good) + 1} nodes, so none was contacted;"
        f" --continue-on-collection-errors checks {others}"
    )
    result = project.run("--node=*", "--continue-on-collection-errors", nodes=good)
    assert result.parseoutcomes()["passed"] == 2 * len(good)
    at = result.outlines.index("a: no item was checked")
    assert result.outlines[at - 1] == " nodes ".center(80, "=")
    assert result.outlines[at + 1] == (
        "  its configuration cannot be used: run power-edge validate"
    )


def test_nagios_of_testinfra_would_call_a_blocked_node_ok(project: Project) -> None:
    project.node("a")
    assert "--nagios knows passed and failed only" in refused(project, "--node=a", "--nagios")


@pytest.mark.parametrize("option", ["--setup-plan", "--setup-only"])
def test_a_run_that_judges_nothing_is_refused(project: Project, option: str) -> None:
    """Its JUnit report would have no failure for a drift."""
    project.node("a")
    assert f"{option} runs no test" in refused(project, "--node=a", option)


def test_a_json_file_that_nothing_would_write(project: Project) -> None:
    project.node("a")
    assert refused(project, "--node=a", "--json-report-file=x.json") == (
        "ERROR: --json-report-file=x.json alone writes nothing: add --json-report"
    )
    assert project.run("--node=a", "--json-report-file=x.json", "--json-report").ret == 0
    assert (project.path / "x.json").exists()
    assert project.run("--node=a", "--json-report-file=none").ret == 0


def test_no_such_node(project: Project) -> None:
    project.node("stella-PowerEdge-T420")
    line = refused(project, "--node=stella-PowerEdge-T42")
    assert "no node matches 'stella-PowerEdge-T42'" in line
    assert "did you mean stella-PowerEdge-T420?" in line
    assert "no node matches 'rig-*'" in refused(project, "--node=rig-*")


def test_a_folder_without_a_state_is_no_node(project: Project) -> None:
    project.node("a")
    (project.path / "node-configs" / "empty").mkdir()
    assert "no node matches 'empty'" in refused(project, "--node=empty")
    assert "no node matches '../node-configs/a'" in refused(project, "--node=../node-configs/a")


@pytest.mark.parametrize("argument", ["--node=*", "--node=b", "node-configs/b"])
@pytest.mark.parametrize("name", ["state.yaml", "state.yml", "system-identity.yaml"])
def test_a_node_s_folder_without_a_usable_state_is_refused(
    project: Project, name: str, argument: str
) -> None:
    project.node("a")
    (project.path / "node-configs" / "b").mkdir()
    (project.path / "node-configs" / "b" / name).symlink_to("gone.yaml")
    result = project.run(argument, nodes=())
    assert result.ret == 4
    assert f"node-configs/b/{name}: " in result.stdout.str() + result.stderr.str()


def test_no_node_configs_anywhere(project: Project) -> None:
    assert "there is no node-configs/ in this folder or above it" in refused(project, "--node=a")


@pytest.mark.parametrize("folder", ["missing", "file"])
def test_node_configs_that_is_no_folder(project: Project, folder: str) -> None:
    (project.path / "file").write_text("")
    assert "cannot be read" in refused(project, "--node=a", f"--node-configs={folder}")


def test_a_path_that_is_not_there(project: Project) -> None:
    project.node("a")
    result = project.run("node-configs/b/state.yaml", nodes=())
    assert result.ret == 4
    result.stderr.fnmatch_lines(["ERROR: file or directory not found: *node-configs/b/state.yaml*"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "No such file or directory"),
        (b"", "not an answer of a probe"),
        (bytes(range(256)) * 40, "not an answer of a probe"),
        (
            b"Welcome to rig-7\nLast login: today\n",
            "not an answer of a probe: the probe did not start; make one: power-edge probe-script NODE",
        ),
        (
            answers.answer("a").replace(b"\n", b"\r\n"),
            "not an answer of a probe: its line ends were changed on the way (to CR LF)",
        ),
        (answers.answer("b"), "an answer of node 'b', which is not selected"),
        (
            answers.answer("unknown", {"find.sysctl": b"", "sysctl.0": b""}),
            "this is the answer of a discovery, and not of a check;"
            " power-edge discover --answers=answer reads it",
        ),
        (
            answers.answer("a", {"about.who": b""}),
            "this is the answer of `power-edge about`, and not of a check",
        ),
        (answers.answer("\x1b[31m"), "an answer of node '\\x1b[31m', which is not selected"),
    ],
)
def test_answers_that_are_none(project: Project, content: bytes | None, message: str) -> None:
    project.node("a")
    if content is not None:
        (project.path / "answer").write_bytes(content)
    assert message in refused(project, "--node=a", "--answers=answer")


def test_own_tests_that_cannot_be_listed_are_one_line(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.node("a")
    real = os.scandir

    def scandir(path: str) -> object:
        if str(path).endswith("node-configs/a"):
            raise OSError(5, "Input/output error")
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    result = project.run("--node=a")
    assert result.ret == 2
    result.stdout.fnmatch_lines(
        ["node-configs/a: its own tests cannot be listed: Input/output error"]
    )
    assert "collection.py" not in result.stdout.str()


def test_an_answer_that_is_a_folder(project: Project) -> None:
    project.node("a")
    assert "--answers=" in refused(project, "--node=a", "--answers=node-configs")


def test_two_answers_of_a_node_and_none_of_another(project: Project) -> None:
    project.node("a")
    project.node("b")
    assert "a second answer of node a" in refused(
        project, "--node=a", f"--answers={project.answers['a']}", nodes=("a",)
    )
    assert "no answer from b: --answers connects to no node" in refused(
        project, "--node=*", nodes=("a",)
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--hosts=a,b"], "--hosts is for one node"),
        (["--connection=ssh"], "--connection=ssh needs a host"),
        (
            ["--connection=carrier-pigeon", "--hosts=a"],
            "'carrier-pigeon' is not a testinfra backend (--connection): write local, ssh, ",
        ),
        (["--hosts=carrier-pigeon://a"], "'carrier-pigeon' is not a testinfra backend"),
        (["--hosts=-oProxyCommand=id"], "'-oProxyCommand=id' names no host"),
        (["--hosts=ssh://-oProxyCommand=id"], "names no host"),
        (["--hosts=[::1"], "names no host: Invalid IPv6 URL"),
        (["--hosts=ssh://a b"], "names no host"),
    ],
)
def test_ways_that_lead_nowhere(project: Project, options: list[str], message: str) -> None:
    project.node("a")
    assert message in refused(project, "--node=a", *options)


def test_a_backend_that_does_not_exist_is_refused_with_the_name_of_the_node(
    project: Project,
) -> None:
    (project.node("a") / "connection.yaml").write_text("url: ssh://rig\n")
    assert refused(project, "--node=a", "--connection=pigeon").startswith(
        "ERROR: a: 'pigeon' is not a testinfra backend"
    )


@pytest.fixture
def secret(project: Project, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A node's folder that may not be entered; for root, who may enter all, it is made to look so."""
    project.node("a")
    folder = project.node("secret")
    if os.geteuid() != 0:
        folder.chmod(0)
        return folder
    real = {name: getattr(os, name) for name in ("open", "stat", "scandir")}

    def refusing(name: str) -> Callable[..., object]:
        def call(path: str | Path = ".", *rest: object, **more: object) -> object:
            # Files are opened from their folder on, whose own name is "secret".
            if (
                not isinstance(path, int)
                and (str(folder) in str(path) or path == folder.name)
                and (str(path) != str(folder) or name != "stat")
            ):
                raise PermissionError(13, "Permission denied", str(path))
            return real[name](path, *rest, **more)

        return call

    for name in real:
        monkeypatch.setattr(f"os.{name}", refusing(name))
    return folder


def test_a_folder_that_may_not_be_read(project: Project, secret: Path) -> None:
    assert project.ids("--node=a", nodes=()) == [
        "node-configs/a/system-identity.yaml::identity",
        "node-configs/a/state.yaml::sysctl[vm.swappiness]",
    ]
    for arguments in (["--node=secret"], ["--node=*"]):
        result = project.run(*arguments, nodes=())
        assert result.ret == 4
        result.stderr.fnmatch_lines(
            ["*node-configs/secret/state.yaml: cannot be read: Permission denied"]
        )
    assert (
        refused(project, "node-configs/secret/state.yaml")
        == f"ERROR: {secret}/state.yaml: Permission denied"
    )


def test_paths_of_others_may_be_anything(project: Project) -> None:
    project.pytester.makepyfile(test_it="def test_it(): pass\n")
    assert project.run("test_it.py").ret == 0
    assert project.run("x" * 300, nodes=()).ret == 4
    assert project.run("test_it.py::" + "x" * 300, nodes=()).ret == 4


@pytest.mark.parametrize("option", ["--node=", "--node=here --hosts=", "--node=here --connection="])
def test_no_message_shows_the_password_of_a_way(project: Project, option: str) -> None:
    project.node("here")
    for way in WAYS:
        result = project.run(
            *option.split(" ")[:-1], f"{option.rsplit(' ', maxsplit=1)[-1]}{way}", nodes=()
        )
        assert result.ret != 0, way
        assert PASSWORD not in f"{result.stdout}{result.stderr}"


@pytest.mark.parametrize(("option", "warned"), [((), False), (("--lf",), True)])
def test_a_cache_that_cannot_be_written_is_said_to_who_uses_it(
    project: Project, option: tuple[str, ...], warned: bool
) -> None:
    project.node("a")
    (project.path / ".pytest_cache").write_text("")  # in the place of a folder
    result = project.run("--node=a", *option, options=PASSED_OVER)
    assert result.ret == 0
    assert ("PytestCacheWarning" in result.stdout.str()) is warned
