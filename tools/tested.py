"""Writes tested.json, the proof of a pre-release, after a `make test` in which all passed.

    tested.py JUNIT FILE

JUNIT is pytest's report of that run. Nothing is written for a run that left tests out, or that
tested files which are in no commit: what is released is a commit.
"""

import os
import platform
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from pathlib import Path

from power_edge import atomic_file
from power_edge.model.generated.tested_schema import Result, Tested
from power_edge.release.record import written

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.support.lab.requirements import impossible  # noqa: E402


class Incomplete(Exception):
    """A run proves nothing about a commit. Its text says why."""


def of_tests(junit: bytes) -> Result:
    """The counts of pytest's report. Raises Incomplete if no test of a node is in it."""
    root = ET.fromstring(junit)  # pytest wrote it just now
    cases = list(root.iter("testcase"))
    wrong = [
        each for each in cases if any(each.find(tag) is not None for tag in ("failure", "error"))
    ]
    skipped = [each for each in cases if each.find("skipped") is not None]
    if not any(each.get("classname", "").startswith("tests.lab.") for each in cases):
        raise Incomplete("no test of a node ran")
    passed = len(cases) - len(wrong) - len(skipped)
    return Result(name="tests", passed=passed, failed=len(wrong), skipped=len(skipped))


def run_of(environment: Mapping[str, str]) -> str:
    """Where the run can be read. Raises Incomplete where tests may be left out without an error."""
    if "CI" not in environment:
        raise Incomplete("this is not CI, where no test is left out (CI is not set)")
    if environment.get("PYTEST_ADDOPTS"):
        raise Incomplete("PYTEST_ADDOPTS may have left tests out")
    parts = [environment.get(f"GITHUB_{each}") for each in ("SERVER_URL", "REPOSITORY", "RUN_ID")]
    if not all(parts):
        return f"make test on {platform.node()}"
    return "{}/{}/actions/runs/{}".format(*parts)


def commit() -> str:
    """The commit that the checkout is. Raises Incomplete if it is not one."""
    changed = _git("status", "--porcelain").splitlines()
    if changed:
        raise Incomplete(f"{changed[0][3:]} is in no commit as it was tested")
    return _git("rev-parse", "HEAD").strip()


def _git(*words: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise Incomplete(f"git {words[0]} failed: {done.stderr.strip()}")
    return done.stdout


def main(junit: Path, file: Path) -> None:
    """Write the file, or say why it is not written."""
    file.unlink(missing_ok=True)
    try:
        run = run_of(os.environ)
        if reason := impossible():
            raise Incomplete(reason)
        tests = of_tests(junit.read_bytes())
        # They come before the tests, and this is called only when they passed.
        before = [Result(name=name, passed=1, failed=0, skipped=0) for name in ("lint", "wheel")]
        found = Tested(commit=commit(), run=run, results=[*before, tests])
    except Incomplete as incomplete:
        print(f"{file} is not written: {incomplete}", file=sys.stderr)
        return
    atomic_file.write(file, written(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
