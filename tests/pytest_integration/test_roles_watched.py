"""The watch takes what identity.yaml demands, and loads it again when that file changes, or a file
of a role.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.shell

WATCHERS = """\
version: "1.0"
watchers: {enabled: true, inotify: {enabled: false}, journald: {enabled: false}, auditd: {enabled: false}}
"""
ROLE = """\
name: mine
description: Of this test.
rules:
- item: {{sysctl: {{kernel.threads-max: "{value}"}}}}
  reason: "mine wants {value} threads"
"""
SECONDS = 60.0


def shown(key: str) -> str:
    return Path("/proc/sys", *key.split(".")).read_text().strip()


def test_a_changed_purpose_is_watched(tmp_path: Path) -> None:
    folder = tmp_path / "node-configs" / "a"
    folder.mkdir(parents=True)
    roles = tmp_path / "node-configs" / "roles"
    roles.mkdir()
    panic, threads = shown("kernel.panic"), shown("kernel.threads-max")
    for name, text in {
        "state": 'version: "1.0"\nmetadata: {site: a, environment: staging}\n',
        "system-identity": "validation: {require_match: false}\n",
        "watcher": WATCHERS,
        "identity": f'version: "1.0"\nnode: {{hostname: a}}\nsystem_tuning: {{kernel_panic: {panic}}}\n',
    }.items():
        (folder / f"{name}.yaml").write_text(text)
    log = tmp_path / "events"

    def wait_for(name: str, outcome: str) -> None:
        end = time.monotonic() + SECONDS
        while time.monotonic() < end and process.poll() is None:
            lines = log.read_text().splitlines() if log.exists() else []
            if (name, outcome) in [
                (event["name"], event["to"]) for event in map(json.loads, lines)
            ]:
                return
            time.sleep(0.05)  # between two looks
        pytest.fail(f"{name} never was {outcome}")

    usual = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    command = "--node=a --watch --event-log=events --json-report --json-report-file=report.json"
    with subprocess.Popen(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *command.split()],
        cwd=tmp_path,
        env=usual,
        stdout=subprocess.DEVNULL,
    ) as process:
        try:
            wait_for("kernel.panic", "compliant")
            (roles / "mine.yaml").write_text(ROLE.format(value=threads))
            identity = (folder / "identity.yaml").read_text()
            identity = identity.replace(f"kernel_panic: {panic}", f"kernel_panic: {int(panic) + 1}")
            (folder / "identity.yaml").write_text(f"{identity}roles: [{{name: mine}}]\n")
            wait_for("kernel.panic", "drift")
            wait_for("kernel.threads-max", "compliant")
            (roles / "mine.yaml").write_text(ROLE.format(value=int(threads) + 1))
            wait_for("kernel.threads-max", "drift")
        finally:
            process.send_signal(signal.SIGTERM)
            status = process.wait(SECONDS)
    assert status == 1
    report = json.loads((tmp_path / "report.json").read_text())
    found = {
        test["nodeid"]: (item["outcome"], item["why"])
        for test in report["tests"]
        if (item := test["metadata"]["power_edge"])["type"] == "sysctl"
    }
    assert found == {
        "node-configs/a/identity.yaml::sysctl[kernel.threads-max]": (
            "drift",
            f"mine wants {int(threads) + 1} threads",
        ),
        "node-configs/a/identity.yaml::sysctl[kernel.panic]": (
            "drift",
            "system_tuning sets the seconds from a panic to the restart: kernel.panic must be"
            f" {int(panic) + 1}",
        ),
    }
