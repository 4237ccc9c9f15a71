"""docs/adding.md shows the whole of each part: its files are put into a copy of the package."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.test_docs import CHECKOUT, blocks

PARTS = ("plugins", "probes", "schemas", "tools", "tests/support")
RECORDINGS = "tests/recordings"
JUDGED = "tests/resources/test_recordings.py"
SECTION = b"""\
22 1 0:21 / /proc rw,nosuid,nodev,noexec - proc proc rw
67 1 0:44 / /srv/data ro,nosuid,relatime - tmpfs tmpfs rw,inode64
"""
"""What `make record` writes beside the expect.yaml of the page, shortened."""


pytestmark = pytest.mark.shell


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package with the files of the page, after `make generate`."""
    folder = tmp_path_factory.mktemp("copy")
    for part in PARTS:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(CHECKOUT / part, folder / part, ignore=ignored)
    (folder / JUDGED).parent.mkdir()
    shutil.copy(CHECKOUT / JUDGED, folder / JUDGED)
    (folder / RECORDINGS).mkdir()
    for area in (CHECKOUT / RECORDINGS).iterdir():
        (folder / RECORDINGS / area.name).symlink_to(area)
    for block in blocks():
        if block.place.startswith("docs/adding.md"):
            inside = "/" in block.title
            file = folder / (block.title if inside else f"node-configs/here/{block.title}")
            assert not file.exists(), "the page adds files and changes none"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text)
    identity = folder / "node-configs" / "here" / "system-identity.yaml"
    identity.write_text("validation: {require_match: false}\n")
    (recorded,) = (folder / RECORDINGS / "mounts").iterdir()
    (recorded / "section").write_bytes(SECTION)
    _python(folder, "tools/generate.py")
    return folder


def test_the_mounts_of_the_page_are_checked(copy: Path) -> None:
    _python(
        copy,
        "-m",
        "pytest",
        "--node=here",
        "--json-report",
        "--json-report-file=report.json",
        status=1,
    )
    report = json.loads((copy / "report.json").read_text())
    found = [test.get("metadata", {}).get("power_edge") for test in report["tests"]]
    outcomes = {
        item["name"]: item["outcome"] for item in found if item and item["type"] == "mounts"
    }
    assert outcomes == {
        "/proc": "compliant",
        "/no/such/place": "drift",
        "/no/such/share": "compliant",
    }


def test_the_recording_of_the_page_is_judged(copy: Path) -> None:
    assert "3 passed" in _python(copy, "-m", "pytest", JUDGED, "-k", "read-only")


def test_the_role_of_the_page_demands_its_items(copy: Path) -> None:
    done = _python(copy, "-c", "from power_edge.cli import main; main()", "derive", "here")
    lines = done.splitlines()
    assert "services[postgresql]: state running, enabled true" in lines
    assert "sysctl[vm.overcommit_memory]: value 2" in lines


def test_the_suite_of_the_page_runs(copy: Path) -> None:
    suite = "node-configs/here/identity.yaml::database-host[test_its_settings_are_known]"
    assert "1 passed" in _python(copy, "-m", "pytest", suite)


def test_the_report_format_of_the_page_writes_its_lines(copy: Path) -> None:
    summary = copy / "summary.md"
    item = "node-configs/here/state.yaml::mounts"
    arguments = ("-m", "pytest", f"{item}[/proc]", f"{item}[/no/such/place]")
    _python(copy, *arguments, status=1, GITHUB_STEP_SUMMARY=str(summary))
    assert summary.read_text() == "\n    here mounts[/no/such/place]: drift\n"
    _python(copy, *arguments, status=3, GITHUB_STEP_SUMMARY=str(copy))  # it is a folder


REPORTED = """
import asyncio
from power_edge.config import load_node
from power_edge.watch.affected import subjects
from power_edge.watch.sources import Watched, sources
from power_edge.resources import resource
from pathlib import Path

(source,) = (each for each in sources() if each.name == "mounted")
items = load_node(Path("node-configs/here")).items
(found,) = {
    subject
    for item in items
    if item.type == "mounts"
    for subject in subjects(resource("mounts").triggers(item.declared, ""))
}
watched = Watched(frozenset([found]))
assert source.wants(watched) and source.covers(found)

class Listener:
    def up(self):
        print("up")

async def main():
    for _ in range(2):  # it is started again
        task = asyncio.create_task(source.run(watched, Listener()))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])

asyncio.run(main())
"""


def test_the_event_source_of_the_page_reports_what_changes_a_mount(copy: Path) -> None:
    assert _python(copy, "-c", REPORTED) == "up\nup\n"


def test_a_type_may_have_no_discovery(copy: Path) -> None:
    done = _python(copy, "-c", "from power_edge.cli import main; main()", "discover", "--help")
    assert "sysctl" in done
    assert "mounts" not in done


def _python(folder: Path, *arguments: str, status: int = 0, **more: str) -> str:
    """Run Python on the copy of the package, as it is without an installation; return what it prints."""
    usual = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [sys.executable, *arguments],
        check=False,
        cwd=folder,
        env={**usual, "PYTHONPATH": str(folder / "plugins"), **more},
        capture_output=True,
        text=True,
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout
