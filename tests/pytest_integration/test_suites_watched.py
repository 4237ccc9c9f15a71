"""A watch runs the suites of roles again, without the options of a person: what they find is in the
event log, the counts, the reports of the last state and the exit status.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from xml.etree import ElementTree

import pytest

pytestmark = pytest.mark.shell("bash")

ANSWERS, READS = (
    f"monitoring-target[test_{name}]"
    for name in ("exporter_answers", "textfile_collector_reads_all_its_files")
)
FILES = {
    "state": 'version: "1.0"\nmetadata: {site: a, environment: staging}\n',
    "system-identity": "validation: {require_match: false}\n",
    "watcher": 'version: "1.0"\nwatchers: {enabled: true, inotify: {enabled: false},'
    " journald: {enabled: false}, auditd: {enabled: false}}\n",
}
IDENTITY = """\
version: "1.0"
node: {{hostname: a}}
roles: [{{name: monitoring-target, config: {{prometheus_port: {port}}}}}]
"""
ADDRESS = {"local": "127.0.0.1", "prefixlen": 8, "scope": "global"}
IP = [{"ifname": "eth0", "flags": ["UP"], "addr_info": [ADDRESS]}]
ROUTE = "192.0.2.1 dev eth0 src 127.0.0.1 uid 0"
SECONDS = 60.0


class Exporter(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"a 1\n")

    def log_message(self, format: str, *arguments: Any) -> None:
        pass


@contextmanager
def exporter() -> Iterator[int]:
    """An exporter, as its port. Nothing listens there afterwards."""
    with HTTPServer(("127.0.0.1", 0), Exporter) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The node's folder. Its own address is one that this machine answers at."""
    made = tmp_path / "node-configs" / "a"
    made.mkdir(parents=True)
    for name, text in FILES.items():
        (made / f"{name}.yaml").write_text(text)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "ip").write_text(
        f"#!/bin/sh\ncase $* in *'route get'*) echo '{ROUTE}';; *) echo '{json.dumps(IP)}';; esac\n"
    )
    (tmp_path / "bin" / "ip").chmod(0o755)
    return made


def test_what_suites_find_is_reported_as_it_changes(tmp_path: Path, folder: Path) -> None:
    log = tmp_path / "events"

    def wait_for(count: int, name: str, outcome: str) -> dict[str, Any]:
        """Wait until there are so many lines about a test, the last one with an outcome."""
        end = time.monotonic() + SECONDS
        lines: list[dict[str, Any]] = []
        while time.monotonic() < end and process.poll() is None:
            text = log.read_text() if log.exists() else ""
            lines = [each for each in map(json.loads, text.splitlines()) if each["name"] == name]
            if len(lines) == count and lines[-1]["to"] == outcome:
                return lines[-1]
            time.sleep(0.05)  # between two looks
        pytest.fail(f"{name} never was {outcome}: {lines}")

    usual = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    command = (
        "--node=a --watch --event-log=events --prometheus-textfile=a.prom --junitxml=junit.xml"
        " --json-report --json-report-file=report.json"
    )
    with ExitStack() as exporters:
        second = exporters.enter_context(exporter())
        brief = ExitStack()
        first = brief.enter_context(exporter())
        (folder / "identity.yaml").write_text(IDENTITY.format(port=first))
        with subprocess.Popen(
            [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *command.split()],
            cwd=tmp_path,
            env=usual | {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            try:
                with brief:
                    assert wait_for(1, ANSWERS, "compliant")["from"] is None
                process.send_signal(signal.SIGHUP)  # or wait for five minutes
                event = wait_for(2, ANSWERS, "drift")
                assert (event["from"], event["type"]) == ("compliant", "own")
                assert event["expected"] == {"test": "passed"}
                assert event["actual"] == {"test": f"nothing listens on 127.0.0.1:{first}"}
                (folder / "identity.yaml").write_text(IDENTITY.format(port=second))
                wait_for(3, ANSWERS, "compliant")
                (folder / "identity.yaml").write_text(IDENTITY.format(port=first))
                wait_for(4, READS, "drift")
            finally:
                process.send_signal(signal.SIGTERM)
                output, _ = process.communicate(timeout=SECONDS)
                print(output)
    assert process.returncode == 1, output
    assert f"drift     a own[{ANSWERS}] test: passed expected, nothing listens on" in output
    assert "a: 3 compliant; no events" in output
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["power_edge"]["a"]["own_failed"] == 2
    assert [
        (test["nodeid"], test["outcome"])
        for test in report["tests"]
        if "monitoring" in test["nodeid"]
    ] == [
        (f"node-configs/a/identity.yaml::{ANSWERS}", "error"),
        (f"node-configs/a/identity.yaml::{READS}", "error"),
    ]
    assert (
        'power_edge_checks{node="a",outcome="drift",type="own"} 2.0'
        in (tmp_path / "a.prom").read_text()
    )
    cases = ElementTree.parse(tmp_path / "junit.xml").findall(".//testcase")
    assert [each.get("name") for each in cases if each.find("error") is not None] == [
        f"identity.yaml::{name}" for name in (ANSWERS, READS)
    ]
