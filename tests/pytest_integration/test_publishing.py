"""Where a watch publishes its state: what is refused at the start, and a session from its start to
its end.
"""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.project import PASSED_OVER, Project, identity_of, item_id

pytest_plugins = ["pytester"]

TEXTFILE = "--prometheus-textfile=edge.prom"


def refused(project: Project, *arguments: str) -> str:
    """The one line of a watch that is refused."""
    result = project.run("--watch", *arguments, nodes=())
    assert result.ret == 4
    assert "Traceback" not in result.stdout.str() + result.stderr.str()
    (line,) = [line for line in result.errlines if line]
    return line


@pytest.mark.parametrize(
    "arguments",
    [
        ["--node=a", "-k", "swappiness"],
        ["--node=a", "-m", "sysctl"],
        ["--node=a", f"--deselect={item_id('a')}"],
        ["--node=*", f"--deselect={item_id('b')}"],
        [item_id("a")],
        ["node-configs/a/state.yaml"],
        ["--node=a", item_id("b")],
        ["--node=a", "-k", "not test_own"],
    ],
    ids=" ".join,
)
def test_a_textfile_of_selected_items(project: Project, arguments: list[str]) -> None:
    folder = project.node("a", {"vm.swappiness": "60", "kernel.panic": "1"})
    project.node("b")
    (folder / "test_own.py").write_text("def test_own(): raise AssertionError('it was run')\n")
    (project.path / "edge.prom").write_text("old\n")
    assert refused(project, *arguments, TEXTFILE) == (
        "ERROR: --prometheus-textfile holds whole nodes, and this watch is of selected items:"
        " leave out -k, -m and ids, or take --metrics-listen instead"
    )
    assert (project.path / "edge.prom").read_text() == "old\n"


def test_a_port_that_is_taken(project: Project) -> None:
    folder = project.node("a")
    (folder / "test_own.py").write_text("def test_own(): raise AssertionError('it was run')\n")
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = other.getsockname()[1]
        assert refused(project, "--node=a", f"--metrics-listen=:{port}") == (
            f"ERROR: --metrics-listen=:{port}: Address already in use; give another HOST:PORT"
        )


def test_a_host_that_does_not_exist(project: Project) -> None:
    project.node("a")
    line = refused(project, "--node=a", "--metrics-listen=none.invalid:1")
    assert line.startswith("ERROR: --metrics-listen=none.invalid:1: ")


def test_an_address_that_is_none(project: Project) -> None:
    project.node("a")
    assert refused(project, "--node=a", "--metrics-listen=a:b") == (
        "ERROR: --metrics-listen=a:b: write HOST:PORT, such as 127.0.0.1:9400, :9400 or [::1]:9400"
    )


@pytest.mark.parametrize("option", ["--event-log", "--metrics-listen"])
def test_without_a_watch(project: Project, option: str) -> None:
    project.node("a")
    result = project.run("--node=a", f"{option}=x")
    assert result.ret == 4
    assert [line for line in result.errlines if line] == [
        f"ERROR: {option} is about a watch: add --watch"
    ]


class Session:
    """A watch in a process of its own, of this machine."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.printed: list[str] = []
        self.url = self.until(r"listening: (http://\S+)/ ")

    def until(self, pattern: str) -> str:
        """Read lines until one matches; its first group."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.printed.append(line)
            if match := re.search(pattern, line):
                return match[1]
        pytest.fail("".join(self.printed))

    def get(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(self.url + path, timeout=60) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def stop(self, *, read: bool = True) -> int:
        """End it as systemd does; `read` its output. Its exit status."""
        self._process.send_signal(signal.SIGTERM)
        if read:
            self.printed.append(self._process.communicate()[0])
        return self._process.wait(60)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


@contextmanager
def session(project: Project, *arguments: str, pipe_size: int = 65536) -> Iterator[Session]:
    usual = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "pytest", "-p", "power_edge.pytest_plugin"),
            *("--watch", "--metrics-listen=127.0.0.1:0", *PASSED_OVER, *arguments),
        ],
        cwd=project.path,
        env={**usual, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        pipesize=pipe_size,
    )
    with process:
        try:
            yield Session(process)
        finally:
            process.kill()


HERE = {"validation": {"require_match": False}}
NO_ITEM = {"kernel.ostype": "Plan 9"}
"""A kernel parameter that no machine has so."""


@pytest.mark.shell
def test_a_session(project: Project) -> None:
    folder = project.node("a", NO_ITEM, identity=HERE)
    (folder / "test_own.py").write_text("def test_own(node): pass\n")
    with session(project, "--node=a", TEXTFILE, "--event-log=events") as running:
        running.until(r"(drift) +a sysctl\[kernel.ostype\]")
        assert running.get("/health") == (200, "healthy\n")
        assert json.loads(running.get("/status")[1])["exit_status"] == 1
        assert "power_edge_checks{" in running.get("/metrics")[1]
        assert running.get("/none")[0] == 404
        assert running.stop() == 1
    text = (project.path / "edge.prom").read_text()
    samples = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert samples["power_edge_check_compliant", "kernel.ostype", "a", "sysctl"] == 0
    assert samples["power_edge_checks", "a", "compliant", "own"] == 1
    assert samples["power_edge_drift_detection_seconds_count", "a"] == 0
    assert (project.path / "events").read_text().count("\n") == 2
    assert "edge.prom" not in "".join(running.printed)


@pytest.mark.shell
def test_a_session_whose_textfile_cannot_be_written(project: Project) -> None:
    project.node("a", NO_ITEM, identity=HERE)
    file = project.path / "none" / "edge.prom"
    with session(project, "--node=a", f"--prometheus-textfile={file}") as running:
        running.until(f"{file} could not be written: (No such file or directory); the watch tries")
        problem = "the textfile cannot be written: No such file or directory"
        assert running.get("/health") == (503, f"not healthy\n{problem}\n")
        assert running.stop() == 3
    assert f"{file} could not be written: No such file or directory (make its folder" in "".join(
        running.printed
    )


@pytest.mark.shell
def test_a_session_of_selected_items(project: Project) -> None:
    project.node("a", {**NO_ITEM, "kernel.osrelease": "1"}, identity=HERE)
    with session(project, "--node=a", "-k", "ostype") as running:
        running.until(r"(drift) +a sysctl\[kernel.ostype\]")
        assert json.loads(running.get("/status")[1])["nodes"]["a"]["items"]["drift"] == 1
        assert running.stop() == 1


@pytest.mark.shell
def test_a_session_whose_output_nobody_reads(project: Project) -> None:
    many = {f"kernel.none{number}": "1" for number in range(200)}
    project.node("a", {**NO_ITEM, **many}, identity=HERE)
    arguments = ("--node=a", "--junitxml=junit.xml", "--event-log=events")
    with session(project, *arguments, pipe_size=4096) as running:
        # More lines than the pipe takes come, and nobody reads them.
        while running.get("/health")[0] != 200:
            time.sleep(0.05)
        assert json.loads(running.get("/status")[1])["exit_status"] == 1
        assert running.stop(read=False) == 1
    assert 'name="kernel.none199"' in (project.path / "junit.xml").read_text()
    assert "kernel.none199" in (project.path / "events").read_text()


def events(project: Project) -> list[tuple[str, str | None, str | None]]:
    return [
        (line["name"], line["from"], line["to"])
        for line in map(json.loads, (project.path / "events").read_text().splitlines())
    ]


@pytest.mark.shell
def test_a_session_after_another(project: Project) -> None:
    """The event log says once what is so, whatever becomes of the watch."""
    folder = project.node("a", {**NO_ITEM, "kernel.none": "1"}, identity=HERE)
    for _ in range(2):
        with session(project, "--node=a", "--event-log=events") as running:
            running.until("(watched by)")
            if running.get("/health")[0] == 200:
                running.kill()  # -9
    assert sorted(events(project), key=str) == [
        ("identity", None, "compliant"),
        ("kernel.none", None, "drift"),
        ("kernel.ostype", None, "drift"),
    ]
    state = folder / "state.yaml"
    with session(project, "--node=a", "--event-log=events") as running:
        running.until("(watched by)")
        text = state.read_text()
        state.write_text(text.replace("kernel.none:", "kernel.other:"))
        running.until(r"(drift) +a sysctl\[kernel.other\]")
        items = json.loads(running.get("/status")[1])["nodes"]["a"]["items"]
        assert sum(items.values()) == 3
        assert 'name="kernel.none"' not in running.get("/metrics")[1]
        state.write_text(text.replace("kernel.none:", "#"))
        running.until("(loaded again, 2 items)")
        running.until(r"(removed) +a sysctl\[kernel.other\] is no longer declared \(was drift\)")
        assert running.stop() == 1
    assert events(project)[3:] == [
        ("kernel.none", "drift", None),
        ("kernel.other", None, "drift"),
        ("kernel.other", "drift", None),
    ]


@pytest.mark.shell
@pytest.mark.parametrize("alert", [True, False], ids=["an alert", "no alert"])
def test_a_session_on_another_machine(project: Project, alert: bool) -> None:
    identity = identity_of("0123456789abcdef0123456789abcdef", alert_on_mismatch=alert)
    project.node("a", NO_ITEM, identity=identity)
    connection = ("--connection=local", "--hosts=local://")
    with session(project, "--node=a", "--event-log=events", *connection) as running:
        running.until("(1|2) blocked; ")
        status, text = running.get("/health")
        assert (status, text.startswith("healthy\n")) == ((503, False) if alert else (200, True))
        assert "a: the gate is shut: another machine" in text
        assert running.stop() == 12
    logged = (project.path / "events").read_text()
    assert logged.count('"to":"blocked"') == (2 if alert else 0)


@pytest.mark.shell
def test_a_session_counts_the_same_everywhere(project: Project) -> None:
    folder = project.node("a", {**NO_ITEM, "kernel.none": "1"}, identity=HERE)
    (folder / "test_own.py").write_text("def test_own(node): raise AssertionError('no')\n")
    with session(project, "--node=a", "-k", "ostype or test_own") as running:
        running.until("a: (1 drift, 1 own test failed; )")
        read = json.loads(running.get("/status")[1])["nodes"]["a"]
        assert (sum(read["items"].values()), read["items"]["drift"]) == (1, 1)
        assert running.stop() == 1
    assert "\na: 1 drift, 1 own test failed; not declared: " in "".join(running.printed)


@pytest.mark.shell
@pytest.mark.parametrize(
    "arguments",
    [
        ("--node=a", "-k", "none"),
        ("--node=a", "-m", "sysctl", f"--deselect={item_id('a', 'sysctl[kernel.ostype]')}"),
        (item_id("a", "sysctl[kernel.none]"),),
    ],
    ids=" ".join,
)
def test_a_selected_item_that_goes_and_comes_back(
    project: Project, arguments: tuple[str, ...]
) -> None:
    """The selection of the start holds for each configuration that is loaded."""
    state = project.node("a", {**NO_ITEM, "kernel.none": "1"}, identity=HERE) / "state.yaml"
    with session(project, *arguments) as running:
        running.until("a: (1 drift; )")
        text = state.read_text()
        for ends in (False, True):
            state.write_text(text.replace("kernel.none:", "#"))
            running.until("(loaded again, 0 items: none is selected)")
            running.until("(removed) ")
            assert not any(json.loads(running.get("/status")[1])["nodes"]["a"]["items"].values())
            if ends:
                assert running.stop() == 5
                break
            state.write_text(text)
            running.until("(loaded again, 1 items)")
            running.until(r"(drift) +a sysctl\[kernel.none\]")


@pytest.mark.shell
def test_what_a_selection_gains_is_watched(project: Project) -> None:
    """Also if the selection was all of the node at a time."""
    state = project.node("a", {"kernel.none": "1"}, identity=HERE) / "state.yaml"
    with session(project, "--node=a", "-k", "kernel.n") as running:
        running.until("a: (1 drift; )")
        text = state.read_text()
        state.write_text(text.replace("kernel.none:", "kernel.never: '1'\n  kernel.other:"))
        running.until(r"(drift) +a sysctl\[kernel.never\]")
        items = json.loads(running.get("/status")[1])["nodes"]["a"]["items"]
        assert sum(items.values()) == 1
        assert running.stop() == 1
    assert "kernel.never" in "".join(running.printed)
    assert "kernel.other" not in "".join(running.printed)


@pytest.mark.shell
def test_a_signal_has_a_line(project: Project) -> None:
    project.node("a", NO_ITEM, identity=HERE)
    report = ("--json-report", "--json-report-file=report.json")
    with session(project, "--node=a", *report) as running:
        running.until("(watched by)")
        running.signal(signal.SIGHUP)
        running.until("(SIGHUP: everything is checked now)")
        running.signal(signal.SIGUSR1)
        running.until("(SIGUSR1: the reports of the latest state are written)")
        assert (project.path / "report.json").exists()
        assert running.stop() == 1


@pytest.mark.shell
def test_an_event_log_on_a_full_disk_is_a_problem_of_the_watch(project: Project) -> None:
    project.node("a", NO_ITEM, identity=HERE)
    with session(project, "--node=a", "--event-log=/dev/full") as running:
        running.until("(the event log could not be written)")
        problem = "the event log cannot be written: No space left on device"
        assert running.get("/health") == (503, f"not healthy\n{problem}\n")
        assert json.loads(running.get("/status")[1])["problems"] == [problem]
        assert running.stop() == 1
