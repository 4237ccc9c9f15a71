"""Reports where they are used: promtool, node_exporter, a disk that is really full.

Needs root for the disk.
"""

import json
import os
import re
import socket
import subprocess
import sys
import urllib.request
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from tests.support import answers
from tests.support.project import Project

pytestmark = pytest.mark.lab
pytest_plugins = ["pytester"]


def hostile(project: Project) -> None:
    folder = project.node(
        "a",
        {"vm.swappiness": "60", "kernel.panic": "10"},
        {"vm.swappiness": "60"},
        sections={"files": FILES},
    )
    (folder / "identity.yaml").write_text(
        'version: "1.0"\nnode: {hostname: a, purpose: "a \\"b\\"\\n\\\\ c"}\nroles: [{name: dev-workstation, enabled: true}]\n'
    )
    project.node("b", machine=answers.OTHER, gate="wrong")
    project.node("c", gate=None)


FILES = [
    {"path": path, "mode": "0644"}
    for path in ('/a"b', "/a\nb", "/a\\b", "/ä\U0001f600", "/\x1b[31m", "/{}=,")
]


def test_promtool_has_nothing_to_say(project: Project) -> None:
    hostile(project)
    assert project.run("--node=*", "--prometheus-textfile=edge.prom").ret == 12
    checked = subprocess.run(
        ["promtool", "check", "metrics"],
        input=(project.path / "edge.prom").read_bytes(),
        capture_output=True,
        check=False,
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")


@pytest.fixture
def exporter(project: Project) -> Iterator[str]:
    """A node_exporter of the textfile collector alone, on loopback; its URL."""
    folder = project.path / "textfiles"
    folder.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    arguments = [
        f"--web.listen-address={address}",
        "--collector.disable-defaults",
        "--collector.textfile",
        f"--collector.textfile.directory={folder}",
    ]
    with subprocess.Popen(
        ["prometheus-node-exporter", *arguments], stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stderr is not None
            for line in process.stderr:
                if "Listening on" in line or "TLS is disabled" in line:
                    break
            yield f"http://{address}/metrics"
        finally:
            process.kill()


def test_node_exporter_takes_it(project: Project, exporter: str) -> None:
    hostile(project)
    assert project.run("--node=*", "--prometheus-textfile=textfiles/edge.prom").ret == 12
    with urllib.request.urlopen(exporter, timeout=10) as answered:
        page = answered.read().decode()
    assert "node_textfile_scrape_error 0" in page
    ours = {
        line
        for line in (project.path / "textfiles" / "edge.prom").read_text().splitlines()
        if not line.startswith("#")
    }
    printed = [line for line in page.splitlines() if line.startswith("power_edge_")]
    assert len(printed) == len(ours)
    assert 'power_edge_checks{node="a",outcome="drift",type="sysctl"} 1' in printed


def scrape(exporter: str) -> list[str]:
    with urllib.request.urlopen(exporter, timeout=10) as answered:
        assert answered.status == 200
        return [
            line
            for line in answered.read().decode().splitlines()
            if line.startswith(("power_edge_", "node_textfile_scrape_error"))
        ]


def ours(file: Path) -> dict[str, float]:
    """The series of a textfile or of lines of a page: labels come in one order in both."""
    return numbers(line for line in file.read_text().splitlines() if not line.startswith("#"))


def numbers(lines: Iterable[str]) -> dict[str, float]:
    return {key: float(value) for key, value in (line.rsplit(" ", 1) for line in lines)}


def test_two_nodes_in_two_textfiles_of_one_folder_hide_nothing(
    project: Project, exporter: str
) -> None:
    """And a check that stopped is seen beside one that runs."""
    for name in ("a", "b"):
        (project.node(name) / "test_own.py").write_text("def test_it(): pass\n")
        assert (
            project.run(
                f"--node={name}", f"--prometheus-textfile=textfiles/{name}.prom", nodes=(name,)
            ).ret
            == 0
        )
    stopped = project.path / "textfiles" / "a.prom"
    stopped.write_text(
        re.sub(r"(last_run_timestamp_seconds\{.*\}) .*", r"\1 1.7e+09", stopped.read_text())
    )
    printed = numbers(scrape(exporter))
    assert printed.pop("node_textfile_scrape_error") == 0
    assert printed == ours(stopped) | ours(project.path / "textfiles" / "b.prom")
    assert printed['power_edge_last_run_timestamp_seconds{node="a"}'] == 1.7e9
    assert printed['power_edge_last_run_timestamp_seconds{node="b"}'] > 1.7e9


def test_a_second_textfile_of_a_node_is_refused(project: Project, exporter: str) -> None:
    """node_exporter would show one of them alone, and any of the two."""
    project.node("a")
    assert project.run("--node=a", "--prometheus-textfile=textfiles/one.prom").ret == 0
    assert project.run("--node=a", "--prometheus-textfile=textfiles/two.prom").ret == 3
    printed = scrape(exporter)
    assert len(printed) - 1 == len(ours(project.path / "textfiles" / "one.prom"))


@pytest.fixture
def small_disk(project: Project) -> Iterator[Path]:
    """A file system of 64 KiB."""
    folder = project.path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize(
    "option",
    [
        "--junitxml=disk/edge.prom",
        "--json-report-file=disk/edge.prom",
        "--prometheus-textfile=disk/edge.prom",
    ],
)
def test_a_full_disk_leaves_the_old_file_whole(
    project: Project, small_disk: Path, option: str
) -> None:
    many = {f"net.ipv4.conf.eth{number}.forwarding": "1" for number in range(500)}
    project.node("a", many)
    (small_disk / "edge.prom").write_bytes(b"old\n" * 11_000)
    result = project.run(
        "--node=a", "--json-report", "--json-report-file=" if "json" not in option else "-q", option
    )
    assert result.ret == 3
    result.stdout.fnmatch_lines(
        [
            "*disk/edge.prom could not be written: No space left on device (make room, and run the command again)"
        ]
    )
    assert [path.name for path in small_disk.iterdir()] == ["edge.prom"]
    assert (small_disk / "edge.prom").read_bytes() == b"old\n" * 11_000
    (small_disk / "edge.prom").write_bytes(b"")
    project.node("b")
    assert (
        project.run(
            "--node=b",
            "--json-report",
            "--json-report-file=" if "json" not in option else "-q",
            option,
            nodes=("b",),
        ).ret
        == 0
    )
    assert (small_disk / "edge.prom").stat().st_size > 500


@pytest.mark.parametrize("signal", ["SIGKILL", "SIGTERM"])
def test_a_run_that_is_killed_while_it_writes_leaves_the_old_files(
    project: Project, signal: str
) -> None:
    project.node("a")
    files = {name: project.path / name for name in ("junit.xml", "report.json", "edge.prom")}
    for file in files.values():
        file.write_text("old\n")
    killer = f"import os, signal\nos.fsync = lambda _: os.kill(os.getpid(), signal.{signal})\n"
    (project.path / "killer.py").write_text(killer)
    options = [
        "--junitxml=junit.xml",
        "--json-report",
        "--json-report-file=report.json",
        "--prometheus-textfile=edge.prom",
    ]
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "killer",
            "--node=a",
            f"--answers={project.answers['a']}",
            *options,
        ],
        cwd=project.path,
        env={**os.environ, "PYTHONPATH": str(project.path)},
        capture_output=True,
        check=False,
    )
    assert done.returncode < 0
    assert {file.read_text() for file in files.values()} == {"old\n"}
    assert project.run("--node=a", *options).ret == 0
    json.loads(files["report.json"].read_text())
    ET.parse(files["junit.xml"])
