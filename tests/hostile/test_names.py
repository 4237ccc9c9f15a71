"""Hostile names: of nodes' folders, of other files beside them, and of the operators' own tests
with all that these print.
"""

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support import answers
from tests.support.hostile.values import VALUES, coded, harmless, safe_page, unobeyed
from tests.support.project import Project

pytest_plugins = ["pytester"]
NAMES = {
    case: value.replace("/", "_").replace("\0", "")[:60]
    for case, value in VALUES.items()
    if case not in ("not utf-8", "lone surrogate")
}
"""As names of files: no slash, no NUL, not too long.

Of a test's file whose name is not UTF-8 pytest's own cache dies.
"""
OWN = """
import unittest
import warnings
import pytest

VALUES = {values!r}

@pytest.mark.parametrize("value", VALUES, ids=VALUES)
def test_fails(value, record_property):
    print(value)
    record_property("seen", value)
    warnings.warn(value)
    assert value == "a" + value, value

@pytest.mark.parametrize("value", VALUES)
def test_raises(value):
    raise ValueError(value)

@pytest.mark.parametrize("value", VALUES)
def test_skips(value):
    pytest.skip(value)

@pytest.mark.parametrize("value", VALUES)
def test_is_known(value):
    pytest.xfail(value)

@pytest.mark.parametrize("value", VALUES)
def test_passes(value):
    print(value)

def test_seen(facts):
    assert facts["sysctl"]["kernel.hostname"] == "rig"

class TestParts(unittest.TestCase):
    def test_each(self):
        for value in VALUES:
            with self.subTest(value):
                self.fail(value)
"""
SHOWN: tuple[tuple[str, ...], ...] = (
    ("-vv", "--tb=long", "-rA", "--showlocals"),
    ("-q", "--tb=line"),
    ("-v", "--tb=native", "--color=yes"),
)


def without_colours(text: str) -> str:
    while "\x1b[" in text:
        before, _, after = text.partition("\x1b[")
        codes, end, rest = after.partition("m")
        assert end, ascii(text)
        assert codes.replace(";", "").isdecimal() or not codes, ascii(codes)
        text = before + rest
    return text


@pytest.fixture
def own(project: Project) -> Project:
    folder = project.node("rig", {"kernel.hostname": "rig"})
    values = [value for value in VALUES.values() if len(value) < 1000]
    project.answer(
        "rig",
        {
            "sysctl.0": answers.sysctl(
                {"kernel.hostname": coded(" ".join(values).replace("\n", " "))}
            )
        },
    )
    (folder / "test_own.py").write_text(OWN.format(values=values), "utf-8", "surrogatepass")
    for name in NAMES.values():
        inner = Path(bytes(folder).decode() + "/") / name
        inner.mkdir(exist_ok=True)
        (inner / "test_it.py").write_text("def test_it(facts): assert not facts\n")
        (folder / f"test_{name}.py").write_text("def test_it(facts): assert not facts\n")
    return project


def test_own_tests(own: Project) -> None:
    for options in SHOWN:
        result = own.run("--node=*", *options, "-Wdefault", "--import-mode=importlib")
        unobeyed(without_colours(result.stdout.str()))
        assert "INTERNALERROR" not in result.stdout.str()
        harmless(result.stderr.str())
        assert result.ret == 1


def test_reports_of_own_tests(own: Project) -> None:
    files = (
        "--junitxml=junit.xml",
        "--prometheus-textfile=edge.prom",
        "--html=report.html",
        "--self-contained-html",
    )
    status, report = own.report("--node=*", *files, "-Wdefault", "--import-mode=importlib")
    assert status == 1
    cases = [*ET.parse(own.path / "junit.xml").getroot().iter("testcase")]
    assert len(cases) == len(report["tests"])
    families = {
        each.name: each
        for each in text_string_to_metric_families((own.path / "edge.prom").read_bytes().decode())
    }
    checks = [
        each
        for each in families["power_edge_check_compliant"].samples
        if each.labels["type"] == "own"
    ]
    assert len(checks) > 100
    assert {each.labels["node"] for each in checks} == {"rig"}
    assert safe_page((own.path / "report.html").read_text("utf-8", "surrogatepass")) > 100


FOLDERS = {
    "taken": ("a\x1b]0;pwned\x07\n##vso", 0),
    "like a parameter": ("a\x1b[2Jpwned\n##[error]pwned", 4),
    "like an id": ("a\x1bc\n::error::pwned", 4),
}
"""Names of folders that a checkout is in, and the status: pytest takes some of them for no path."""


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_folder_of_a_checkout(project: Project, folder: str) -> None:
    name, status = FOLDERS[folder]
    project.node("rig")
    (project.path / name).mkdir()
    (project.path / "node-configs").rename(project.path / name / "node-configs")
    for options in SHOWN:
        result = project.run(
            "--node=*", f"--node-configs={project.path / name / 'node-configs'}", *options
        )
        harmless(without_colours(result.stdout.str()))
        harmless(result.stderr.str())
        assert result.ret == status
