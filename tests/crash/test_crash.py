"""Crash injection: commands that are killed, or meet an error of the disk, at each system call that
writes.

Whatever happens, every file is wholly old or wholly new, a person reads one sentence with the file
and what to do, and the next run of the command works and leaves nothing behind. `make soak` tries
every fault at every call, else some are drawn by POWER_EDGE_SEED.
"""

import json
import os
import random
import re
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from power_edge.report.change_gate.formats import names as formats
from tests.support.crash.injection import (
    Commands,
    Done,
    Fault,
    commands,
    read_faults,
    spread_read_faults,
)
from tests.support.crash.machine import CHECKED_ANSWER, IDENTITY, OPEN, STATE
from tests.support.crash.trial import (
    GIT,
    SEED,
    SOAK,
    TEMPORARY,
    WAY_OUT,
    Judge,
    Place,
    Scenario,
    Tree,
    try_faults,
)
from tests.support.scripts import body

pytestmark = pytest.mark.lab
PLUGINS = (
    "power_edge.pytest_plugin",
    "pytest_html.plugin",
    "pytest_metadata.plugin",
    "pytest_jsonreport.plugin",
    "testinfra.plugin",
)
REPORTS = (
    "--junitxml=out/junit.xml",
    "--json-report",
    "--json-report-file=out/report.json",
    "--prometheus-textfile=out/edge.prom",
    "--html=out/page.html",
    "--mend-script=out/mends.sh",
)
ALL_REPORTS = (*REPORTS, "--self-contained-html")


def whole_report(name: str, content: bytes) -> bool:
    """Whether a report is a new one, and whole."""
    text = content.decode()
    try:
        match Path(name).suffix:
            case ".xml":
                return ET.fromstring(text).find(".//testcase") is not None
            case ".json":
                return bool({"power_edge", "passes"} & json.loads(text).keys())
            case ".prom":
                return text.endswith("\n") and len([*text_string_to_metric_families(text)]) > 5
            case ".sh":
                return text.startswith("#!/bin/sh\n") and text.endswith("\nmain </dev/null\n")
            case ".html":
                return text.rstrip().endswith("</html>") and "sysctl[kernel.ostype]" in text
    except (ValueError, ET.ParseError):
        return False
    return True  # pytest's cache


def same_keys(name: str, content: bytes) -> bool:
    """Whether a file that tells of this machine is whole: what it says changes from run to run."""
    document = yaml.safe_load(content)
    keys = {
        "state.yaml": {"version"},
        "watcher.yaml": {"watchers"},
        "identity.yaml": {"version", "node"},
        "system-identity.yaml": {"platform", "identifiers"},
    }
    return (
        content.endswith(b"\n")
        and isinstance(document, dict)
        and document.keys() >= keys[Path(name).name]
    )


def on_file(**files: str) -> dict[str, str]:
    return {
        f"node-configs/rig/{name.replace('_', '-')}.yaml": content
        for name, content in {"state": STATE, **files}.items()
    }


OLD_REPORTS = ("junit.xml", "report.json", "edge.prom", "page.html", "mends.sh")
GATE = {name: f"gate.{name}" for name in formats()}


def committed(path: Path) -> None:
    """Make a folder a repository."""
    environment = {**os.environ, **GIT}
    for words in (("init", "-q", "-b", "main"), ("add", "-A"), ("commit", "-q", "-m", "a")):
        subprocess.run(["git", *words], cwd=path, env=environment, check=True)


DISCOVER = ("power-edge", "discover", "stella@rig", "--answers=../answer", "--as=rig")
OSTYPE = STATE + 'sysctl: {kernel.ostype: "%s"}\n'
SCENARIOS = {
    "discover, a new node": Scenario(DISCOVER),
    "discover, five files of a node": Scenario(
        (*DISCOVER, "--merge"), on_file(watcher="version: '1.0'\nwatchers: {enabled: true}\n")
    ),
    "discover, in place of what is there": Scenario(
        (*DISCOVER, "--force"),
        on_file(
            system_identity=IDENTITY,
            watcher="events: []\n",
            identity='version: "1.0"\nnode: {hostname: rig}\n',
        ),
    ),
    "adopt": Scenario(
        ("power-edge", "adopt", "rig", "--yes"),
        on_file(state=OSTYPE % "Minix", system_identity=OPEN),
    ),
    "identity": Scenario(("power-edge", "identity", "rig", "--write"), on_file(), same_keys),
    "init": Scenario(
        ("power-edge", "init", "rig"), {}, same_keys, sample=3
    ),  # reads this machine for seconds
    "reports": Scenario(
        (
            "pytest",
            *(word for name in PLUGINS for word in ("-p", name)),
            "--node=rig",
            *ALL_REPORTS,
        ),
        {
            **on_file(state=OSTYPE % "Linux", system_identity=OPEN),
            "pytest.ini": "[pytest]\n",
            **{f"out/{name}": "old\n" for name in OLD_REPORTS},
        },
        whole_report,
        ("out",),
    ),
    "reports of the gate": Scenario(
        (
            "power-edge",
            "gate",
            "--format=text",
            *(f"--format={name}=out/{file}" for name, file in GATE.items()),
        ),
        {
            **on_file(state=OSTYPE % "Linux", system_identity=OPEN),
            ".gitignore": "out/\n",
            **{f"out/{file}": "old\n" for file in GATE.values()},
        },
        touching=("out", TEMPORARY),
        prepare=committed,
    ),
    "install-service": Scenario(
        ("power-edge", "install-service", "rig"),
        {
            **on_file(connection="ssh: {host: 192.0.2.1}\n"),
            "units/kept": "",
            "bin/systemctl": "#!/bin/sh\n",
        },
        touching=("units",),
        prepare=lambda path: (path / "bin/systemctl").chmod(0o755),
        replaced={
            "power_edge.cli.install_service.FOLDER": "units",
            "power_edge.cli.install_service._BOOTED": "units",
        },
    ),
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    with commands(tmp_path_factory.mktemp("commands")) as commands_run:
        yield commands_run


ERROR = re.compile(
    rf"Error: node-configs(/rig(/[a-z-]+\.yaml)?)? cannot be written: [A-Z][^;:]+; nothing was written {WAY_OUT}\n"
)
NOT_PUT_BACK = re.compile(
    rf"Error: node-configs/rig(/[a-z-]+\.yaml)? cannot be written: [A-Z].*could not be restored: [A-Z].* {WAY_OUT}\n"
)
UNREADABLE = re.compile(r"Error: node-configs[a-z/.-]*: (.* )?cannot be read: [A-Z][^;:]+\n")
UNWRITTEN = re.compile(rf"(/.*/)?(out/[a-z]+\.[a-z]+) could not be written: [A-Z][^;:]+ {WAY_OUT}")


def judge_command(done: Done, tree: Tree, judge: Judge, fault: Fault) -> None:
    """After an error: all files are new, or all are old and a sentence says so."""
    last = done.err.splitlines(keepends=True)[-1] if done.err else ""
    if done.status == 0:
        assert judge.all_new(tree)
    elif NOT_PUT_BACK.fullmatch(last):
        assert fault.on  # the undoing failed as well
        assert done.status == 3
        for path in (
            each
            for each in judge.new
            if judge.new[each] != judge.old.get(each) and each.endswith(".yaml")
        ):
            assert (
                judge.is_new(tree, path)
                if f"{Path(path).name} already has its new content" in last
                else judge.is_old(tree, path)
            )
    else:
        assert (done.status, bool(ERROR.fullmatch(last))) == (3, True) or (
            done.status,
            bool(UNREADABLE.fullmatch(last)),
        ) == (4, True)
        assert judge.all_old(tree)
        assert done.err.count("Error: ") == 1


def judge_reports(done: Done, tree: Tree, judge: Judge, fault: Fault) -> None:
    """After an error: a report that is not new is old, and a line says so; the others are written."""
    said = (done.out + done.err).replace("Error: ", "").splitlines()
    reported = {match[2] for line in said if (match := UNWRITTEN.fullmatch(line))}
    assert done.status == (3 if reported else 0), done.out
    files = [each for each in judge.new if each.startswith("out/")]
    assert len(reported) <= (len(files) if fault.on else 1)
    for path in files:
        # After the rename, only the folder's fsync can fail: the file is new, and may not outlive a
        # power cut.
        assert judge.is_old(tree, path) or (
            path not in reported or fault.call.name in ("fsync", "openat")
        )
        assert path in reported or judge.is_new(tree, path)


def judge_gate(done: Done, tree: Tree, judge: Judge, fault: Fault) -> None:
    """The same; and where the base could not be written into a temporary folder, nothing was
    judged.
    """
    if SCRATCH.fullmatch(done.err) or UNREADABLE_BASE.fullmatch(done.err):
        assert (done.status, done.out) == (3 if SCRATCH.fullmatch(done.err) else 4, "")
        assert judge.all_old(tree)
    else:
        judge_reports(done, tree, judge, fault)


def judge_units(done: Done, tree: Tree, judge: Judge, fault: Fault) -> None:
    """After an error: a sentence says so, each file is whole, and no unit is there without what it
    needs.
    """
    if done.status == 0:
        assert judge.all_new(tree)
        return
    assert (done.status, bool(UNIT.fullmatch(done.err.splitlines(keepends=True)[-1]))) == (3, True)
    # After the rename, only the folder's fsync can fail.
    unit, *drop_ins = sorted(path for path in judge.new if path.endswith((".conf", ".service")))
    assert unit not in tree or all(judge.is_new(tree, path) for path in drop_ins)


SCRATCH = re.compile(rf"Error: /.*/{TEMPORARY}(/[^:]+)?: [A-Z][^;:]+ {WAY_OUT}\n")
UNREADABLE_BASE = re.compile(
    r"Error: node-configs[a-z/.-]*: in the base \([0-9a-f]{12}\): cannot be read: [A-Z][^;:]+\n"
)
UNIT = re.compile(rf"Error: /.*/units[A-Za-z0-9@./-]*: [A-Z][^;:]+ {WAY_OUT}\n")
JUDGES = {
    "reports": judge_reports,
    "reports of the gate": judge_gate,
    "install-service": judge_units,
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_whatever_fails_files_are_old_or_new_and_the_next_run_tidies_up(
    name: str, run: Commands, tmp_path: Path
) -> None:
    """hostile.md 9 and 14: all or none, also when a rename fails; what kill -9 leaves is removed by
    the next run.
    """
    try_faults(name, SCENARIOS[name], run, tmp_path, JUDGES.get(name, judge_command))


class Reading(NamedTuple):
    """A command that reads."""

    argv: tuple[str, ...]
    files: Mapping[str, str]
    package: bool = False
    """Whether it is the package's own files (schemas, probes) that cannot be read, and not those of
    the project.
    """


CHECK = (
    "pytest",
    *(word for name in PLUGINS for word in ("-p", name)),
    "-p",
    "no:cacheprovider",
    "--node=rig",
)
CHECKED = on_file(
    state=OSTYPE % "Linux",
    system_identity=OPEN,
    connection="url: local://\n",
    identity='version: "1.0"\nnode: {hostname: rig}\n',
)
READINGS = {
    "validate": Reading(("power-edge", "validate"), CHECKED),
    "validate, the package": Reading(("power-edge", "validate"), CHECKED, package=True),
    "probe-script": Reading(("power-edge", "probe-script", "rig"), CHECKED),
    "probe-script, the package": Reading(
        ("power-edge", "probe-script", "rig"), CHECKED, package=True
    ),
    "discover": Reading((*DISCOVER, "--merge"), on_file(system_identity=IDENTITY)),
    "discover, the package": Reading(
        (*DISCOVER, "--merge"), on_file(system_identity=IDENTITY), package=True
    ),
    "adopt": Reading(
        ("power-edge", "adopt", "rig", "--yes"),
        on_file(state=OSTYPE % "Minix", system_identity=OPEN),
    ),
    "identity": Reading(("power-edge", "identity", "rig", "--write"), on_file()),
    "a check": Reading(
        (*CHECK, *ALL_REPORTS),
        {
            **CHECKED,
            **{f"out/{name}": "old\n" for name in OLD_REPORTS},
        },
    ),
    "a check, the package": Reading(CHECK, CHECKED, package=True),
    "an answer": Reading((*CHECK, "--answers=answer"), {**CHECKED, "answer": CHECKED_ANSWER}),
}
PROJECT_FILES, PACKAGE_FILES = r"node-configs|answer|\.prom", r"/(schemas|probes)/"
READ_SAMPLE = 4
REASONS = (
    "Input/output error",
    "Permission denied",
    "Cannot allocate memory",
    "Too many open files",
)


@pytest.mark.parametrize("name", READINGS)
def test_what_cannot_be_read_is_one_sentence_and_changes_nothing(
    name: str, run: Commands, tmp_path: Path
) -> None:
    """An error at each open, read or listing: the file is named, the status is 4 or 3, and all
    files are as they were.
    """
    reading = READINGS[name]
    path = PACKAGE_FILES if reading.package else PROJECT_FILES
    place = Place(tmp_path, Scenario(reading.argv, reading.files), run)
    place.anew()
    sound = place.read(path)
    assert sound.status == 0, sound.err + sound.out
    whole = contents_of(place)
    assert sound.calls
    broken: list[str] = []
    met = 0
    every = [*(spread_read_faults if SOAK else read_faults)(sound.calls)]
    size = len(every) if SOAK else min(READ_SAMPLE, len(every))
    for fault in random.Random(f"{SEED} {name}").sample(every, size):
        place.anew()
        before = contents_of(place)
        done = place.read(path, fault)
        # Not every run has as many calls before this one: pytest may look for a module elsewhere.
        if not any(re.search(path, call) for call in done.met):
            continue
        met += 1
        try:
            assert "Traceback" not in done.err + done.out
            assert "INTERNALERROR" not in done.err + done.out
            if done.status == 0:
                assert contents_of(place) == whole
            elif "ERROR collecting" in done.out:  # pytest lists folders, too
                assert done.status in (2, 4)  # 2: its own tests could not be listed
                assert any(reason in done.out for reason in REASONS)
                assert "plugins/power_edge" not in done.out
            else:
                assert done.status in (3, 4)
                (message,) = (
                    line
                    for line in done.err.splitlines()
                    if any(reason in line for reason in REASONS)
                )
                assert re.match(
                    r"((Error|ERROR): )?(--answers=)?(/|node-configs|(\.\./)?answer)", message
                )
                assert contents_of(place) == before
        except (AssertionError, ValueError) as error:
            broken.append(
                f"{name}: {fault}\nstatus {done.status}\n{done.err}{done.out[-3000:]}\n{error}"
            )
    assert not broken, "\n\n".join(broken)
    assert met


def contents_of(place: Place) -> dict[str, bytes | None]:
    """The files of a place; of those that are not the same each time, whether they are there and
    new.
    """
    tree = {
        path: content for path, (content, _) in place.tree().items() if ".power-edge-" not in path
    }
    changing = re.compile(r"out/|.*/system-identity\.yaml")
    return {
        path: b"new"
        if changing.match(path) and content and content not in (b"old\n", OPEN.encode())
        else content
        for path, content in tree.items()
    }


@pytest.mark.parametrize("error", ["EIO", "ENOMEM"])
@pytest.mark.parametrize("call", ["openat", "read"])
def test_an_os_release_that_cannot_be_read_is_no_system_without_one(
    call: str, error: str, tmp_path: Path
) -> None:
    """A probe on the node: an error of the disk there leaves the packages unknown, in place of a
    guess by what databases there are.
    """
    release = tmp_path / "etc" / "os-release"
    release.parent.mkdir()
    release.write_text("ID=gentoo\n")
    database = tmp_path / "lib" / "apk" / "db" / "installed"
    database.parent.mkdir(parents=True)
    database.write_text("P:vim\nV:1-r0\n\n")
    inject = [
        "strace",
        "-f",
        "-qq",
        "-o",
        os.devnull,
        "-P",
        str(release),
        f"--inject={call}:error={error}",
    ]
    environment = {**os.environ, "PE_ROOT": str(tmp_path), "LC_ALL": "C"}
    done = subprocess.run(
        [*inject, "sh", "-c", body("packages", "resources"), "pe", "vim"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done
    assert f"{release} cannot be read, so the package manager is not known" in done.stderr


def test_a_template_of_pytest_html_that_cannot_be_read_costs_its_report_alone(
    run: Commands, tmp_path: Path
) -> None:
    scenario = SCENARIOS["reports"]
    place = Place(tmp_path, scenario, run)
    place.anew()
    sound = place.read(r"pytest_html/resources/app\.js")
    assert sound.calls
    place.anew()
    done = place.read("app", Fault(sound.calls[0], "EIO"))
    assert (done.status, done.err) == (3, "")
    assert "out/page.html could not be written: Input/output error (" in done.out
    tree = place.tree()
    assert {name for name, (content, _) in tree.items() if content == b"old\n"} == {"out/page.html"}
