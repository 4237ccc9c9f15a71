"""A folder of nodes in a project of its own, checked by a pytest in this process from answers made
by hand.
"""

import json
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

from power_edge.resources import names, resource
from tests.support import answers

# pytester forgets what an inner run imports; what is imported here is imported once for all of
# them.
for _module in (
    "power_edge.config.schema_errors",
    "power_edge.pytest_integration.run",
    "power_edge.pytest_integration.startup",
    "prometheus_client",
    "testinfra.host",
):
    import_module(_module)
for _name in names():  # these are cached, and would miss the modules that they came from
    resource(_name)

PASSED_OVER = ("-p", "no:hypothesispytest", "-p", "no:typeguard", "-p", "no:platformdirs")
"""Plugins that happen to be installed beside ours, have nothing to do with it, and cost half a
second a run.
"""

WARNINGS = ("-Werror", "-Wignore:Module already imported:pytest.PytestAssertRewriteWarning")
"""Every warning is an error, but one: with --assert=plain, as tools/mutate.py runs the tests, the
outer pytest has imported its plugins without rewriting them, and the inner one says so.
"""


class Project:
    """Nodes by name, an answer beside each, and runs over them."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester = pytester
        self.path = pytester.path
        self.answers: dict[str, Path] = {}

    def node(
        self,
        name: str,
        declared: Mapping[str, str] = {"vm.swappiness": "60"},
        observed: Mapping[str, str | bytes] | None = None,
        *,
        identity: dict[str, Any] | bool | None = True,
        sections: dict[str, Any] | None = None,
        **answer: Any,
    ) -> Path:
        """A node that declares kernel parameters, and its answer (by default the parameters are as
        declared). Its folder.

        `identity`: True is answers.MACHINE's, None makes no file, a mapping is the file.
        """
        folder = self.path / "node-configs" / name
        folder.mkdir(parents=True)
        state = {
            "version": "1.0",
            "metadata": {"site": "here", "environment": "development"},
            "sysctl": dict(declared),
            **(sections or {}),
        }
        (folder / "state.yaml").write_text(yaml.safe_dump(state, sort_keys=False, width=10**6))
        if identity is True:
            identity = identity_of(answers.MACHINE)
        if identity is not None:
            (folder / "system-identity.yaml").write_text(yaml.safe_dump(identity))
        values = declared if observed is None else observed
        self.answer(name, {"sysctl.0": answers.sysctl(values, declared)}, **answer)
        return folder

    def answer(self, name: str, sections: Mapping[str, Any], **answer: Any) -> None:
        file = self.path / f"{name}.answer"
        file.write_bytes(answers.answer(name, sections, **answer))
        self.answers[name] = file

    def run(
        self,
        *arguments: str,
        nodes: tuple[str, ...] | None = None,
        options: tuple[str, ...] = (*WARNINGS, *PASSED_OVER),
    ) -> pytest.RunResult:
        """A run in this process; with the answers of `nodes` (all by default)."""
        given = [
            f"--answers={self.answers[name]}" for name in (self.answers if nodes is None else nodes)
        ]
        return self.pytester.runpytest_inprocess(*options, *given, *arguments)

    def ids(self, *arguments: str, **rest: Any) -> list[str]:
        """The ids that a command line selects."""
        result = self.run("--collect-only", "-q", *arguments, **rest)
        return [line for line in result.outlines if "::" in line and not line.startswith("ERROR")]

    def report(self, *arguments: str, **rest: Any) -> tuple[int, dict[str, Any]]:
        """Exit status and JSON report of a run."""
        result = self.run("--json-report", "--json-report-file=report.json", *arguments, **rest)
        return int(result.ret), json.loads((self.path / "report.json").read_text())

    def outcomes(self, *arguments: str, **rest: Any) -> tuple[int, dict[str, str]]:
        """Exit status of a run, and outcome by id."""
        status, report = self.report(*arguments, **rest)
        return status, {
            test["nodeid"]: test["metadata"]["power_edge"]["outcome"]
            for test in report["tests"]
            if "metadata" in test
        }

    def junit(self, *arguments: str, **rest: Any) -> dict[tuple[str, str], ET.Element]:
        """The testcases of a run's JUnit report, by class and name."""
        self.run("--junitxml=junit.xml", *arguments, **rest)
        root = ET.parse(self.path / "junit.xml").getroot()
        return {
            (case.get("classname", ""), case.get("name", "")): case
            for case in root.iter("testcase")
        }


def identity_of(machine: str, **validation: Any) -> dict[str, Any]:
    """A system-identity.yaml of the machine with that machine-id."""
    return {
        "platform": {"os_type": "linux"},
        "identifiers": {"primary_id": machine, "id_type": "machine-id", "machine_id": machine},
        "composite_key": {"key": f"linux:{machine}", "hash": answers.digest(machine)},
        "validation": {"require_match": True, **validation},
    }


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Project:
    # Under CI pytest folds no line of its summary; a cache is kept in the home folder, which
    # pytester makes.
    for name in ("PYTEST_XDIST_WORKER", "PYTEST_ADDOPTS", "CI", "BUILD_NUMBER", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    return Project(pytester)


def gate_id(node: str) -> str:
    return f"node-configs/{node}/system-identity.yaml::identity"


def item_id(node: str, name: str = "sysctl[vm.swappiness]") -> str:
    return f"node-configs/{node}/state.yaml::{name}"
