"""A process that has loaded all of Power Edge, and forks itself for each command: they start in
milliseconds, and not in half a second.

Each line of its input is a Job as JSON. It prints the process id of the child, which has stopped
itself so that a tracer can begin with the first call of the command, and the wait status when the
child has ended. Whoever gave the job continues it (SIGCONT).
"""

import importlib
import json
import os
import secrets
import signal
import sys
import tempfile
from itertools import count
from pathlib import Path
from typing import TypedDict

import _pytest.config
import pytest

from power_edge.cli import main as power_edge
from power_edge.resources import names, resource


class Job(TypedDict):
    argv: list[str]
    cwd: str
    env: dict[str, str]
    umask: int
    replaced: dict[str, str]
    counts_temporaries: bool
    """Whether temporary files have numbers as names, and not what nobody knows before."""
    out: str
    err: str


LOADED = (
    *(f"_pytest.{name}" for name in _pytest.config.default_plugins),
    "ctypes",
    "hypothesis.internal.conjecture",  # pytest loads it at the end of a run
    "power_edge.about.reading",
    "power_edge.reconcile.adopt",
    "power_edge.cli",
    "power_edge.pytest_integration.run",
    "power_edge.pytest_integration.startup",
    "power_edge.discover.identity_file",
    "power_edge.model.generated.node_identity_schema",
    "power_edge.model.generated.watcher_schema",
    "power_edge.discover.init",
    "power_edge.report.discovery",
    "prometheus_client.parser",
    "pytest_html.plugin",
    "pytest_jsonreport.plugin",
    "pytest_metadata.plugin",
    "rich.table",
    "testinfra.plugin",
    "unittest.mock",
    "xml.etree.ElementTree",
)


def main() -> None:
    for name in LOADED:
        importlib.import_module(name)
    for name in names():
        resource(name)
    for line in sys.stdin.buffer:
        job: Job = json.loads(line)
        child = os.fork()
        if child == 0:
            return run(job)
        os.waitpid(child, os.WUNTRACED)
        os.write(1, b"%d\n" % child)
        os.write(1, b"%d\n" % os.waitpid(child, 0)[1])
    return None


def run(job: Job) -> None:
    """Become the command."""
    os.chdir(job["cwd"])
    os.environ.clear()
    os.environ.update(job["env"])
    os.umask(job["umask"])
    for descriptor, file, flags in (
        (0, os.devnull, os.O_RDONLY),
        (1, job["out"], os.O_WRONLY | os.O_TRUNC),
        (2, job["err"], os.O_WRONLY | os.O_TRUNC),
    ):
        os.dup2(os.open(file, flags), descriptor)
    for name, path in job["replaced"].items():
        module, _, attribute = name.rpartition(".")
        setattr(importlib.import_module(module), attribute, Path(path))
    tempfile.tempdir = os.environ.get("TMPDIR")
    if job["counts_temporaries"]:
        numbers, real = count(), secrets.token_hex
        secrets.token_hex = lambda nbytes=None: (
            f"{next(numbers):016x}" if nbytes == 8 else real(nbytes)
        )
    sys.argv = job["argv"]
    os.kill(os.getpid(), signal.SIGSTOP)
    if sys.argv[0] == "pytest":
        sys.exit(pytest.main())
    power_edge()


main()
