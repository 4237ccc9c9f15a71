"""Which commands write files is taken from the program: each is tried with faults, or writes nothing.

A new command, format of a report or option with a file fails here until something is said of it.
"""

from collections.abc import Iterator
from pathlib import Path
from unittest.mock import Mock

import pytest

from power_edge import pytest_plugin
from power_edge.pytest_integration.formats import formats
from power_edge.report.change_gate.formats import names as gate_formats
from tests.crash import test_crash, test_releases, test_watch
from tests.hostile.test_every_command import COMMANDS
from tests.support import releases
from tests.support.crash.injection import Commands, commands
from tests.support.crash.released import BACK, gone_on, prepared
from tests.support.crash.trial import Place, Scenario

pytestmark = pytest.mark.lab

SCENARIOS = {**test_crash.SCENARIOS, **test_releases.SCENARIOS, **test_watch.SCENARIOS}
WRITERS = {
    words
    for scenario in SCENARIOS.values()
    for words in COMMANDS
    if scenario.argv[: len(words) + 1] == ("power-edge", *words)
}
AS_PYTEST = {("check",)}
"""Commands that become pytest, whose reports and watch are tried."""
GOSS = "file: {/etc/passwd: {exists: true}}\n"
READERS: dict[tuple[str, ...], tuple[str, ...]] = {
    ("about",): ("ssh://nowhere",),
    ("derive",): ("rig",),
    ("import", "goss"): ("goss.yaml",),
    ("mends",): ("rig",),
    ("nodes",): (),
    ("probe-script",): ("rig",),
    ("release", "check-tag"): ("1.1.0",),
    ("release", "incident"): ("1.2.1", "--print"),
    ("release", "pre"): ("1.3.0-pre.4",),
    ("release", "verify"): ("dist/v1.1.0/promotion.json",),
    ("schema", "diff"): ("v1.0.0", "HEAD"),
    ("status",): ("http://127.0.0.1:9",),
    ("validate",): (),
    ("version", "check"): (),
    ("version", "compare"): ("1.0.0", "1.1.0"),
    ("version", "needs"): (),
    ("version", "next"): (),
    ("version", "show"): ("v1.1.0",),
}
"""Words that each of the others is tried with."""
FAILS: dict[tuple[str, ...], int] = {("about",): 11, ("mends",): 11, ("status",): 11}


OPTIONS = {
    "html": "--html",
    "json_report": "--json-report-file",
    "junit": "--junitxml",
    "mend_script": "--mend-script",
    "prometheus": "--prometheus-textfile",
}
"""Of each format of a report the option that names its file."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    with commands(tmp_path_factory.mktemp("commands")) as commands_run:
        yield commands_run


def test_each_command_is_tried() -> None:
    assert {*READERS} | WRITERS | AS_PYTEST == {*COMMANDS}
    assert not {*READERS} & WRITERS


def test_each_format_and_each_option_with_a_file_is_tried() -> None:
    words = " ".join(word for scenario in SCENARIOS.values() for word in scenario.argv)
    assert {name for name, _ in formats()} == {*OPTIONS}
    for option in OPTIONS.values():
        assert f"{option}=out/" in words
    for name in gate_formats():
        assert f"--format={name}=out/" in words
    parser = Mock()
    pytest_plugin.pytest_addoption(parser)
    files = {
        call.args[0]
        for call in parser.getgroup.return_value.addoption.call_args_list
        if call.kwargs.get("metavar") == "FILE"
    }
    assert files > {"--answers"}
    for name in files - {"--answers"}:
        assert f"{name}=out/" in words


def prepare_release() -> None:
    gone_on()
    releases.release(*BACK[2:])
    releases.artifacts("1.3.0-pre.4")


def prepare(folder: Path) -> None:
    prepared(prepare_release)(folder)
    (folder / "bin/ssh").chmod(0o755)


FILES = {
    "goss.yaml": GOSS,
    "bin/ssh": "#!/bin/sh\nexit 255\n",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("readers")


@pytest.mark.parametrize("words", READERS, ids=" ".join)
def test_the_others_write_nothing(words: tuple[str, ...], run: Commands, folder: Path) -> None:
    argv = ("power-edge", *words, *READERS[words])
    place = Place(folder, Scenario(argv, FILES, prepare=prepare), run)
    place.anew()
    before = place.tree()
    done = place.run()
    assert done.status == FAILS.get(words, 0), done
    assert [call for call in done.calls if "O_RDONLY" not in call.text] == []
    assert place.tree() == before
