"""What a watch writes while it runs: its event log and its textfile.

The node is this machine, by a program named ssh. The watch is stopped when it is ready.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.test_crash import PLUGINS, on_file, whole_report
from tests.support.crash.injection import TEMPORARIES, Commands, Done, Fault, commands
from tests.support.crash.machine import OPEN, STATE
from tests.support.crash.trial import WAY_OUT, Judge, Scenario, Tree, try_faults

pytestmark = pytest.mark.lab

LOG, TEXTFILE = "out/events.jsonl", "out/edge.prom"
BEFORE = (
    '{"time":"2026-01-01T00:00:00.000+00:00","node":"rig","type":"sysctl","name":"kernel.ostype",'
    '"from":null,"to":"drift","expected":{"value":"Linux"},"actual":{"value":"Minix"},"cause":null,'
    '"detection_seconds":null}\n'
)
TORN = BEFORE[:100]
"""What a watch leaves that loses its power while it writes."""
SSH = '#!/bin/sh\nfor last; do :; done\nexec sh -c "$last"\n'
CHANGES = {"identity": (None, "compliant"), "kernel.ostype": ("drift", "compliant")}
"""What the watch has to write of its items: `from` and `to`."""


def events(content: bytes) -> list[dict[str, object]]:
    """The lines of an event log, each of which is whole; the torn one at its end is not among
    them.
    """
    *whole, last = content.decode().split("\n")
    assert last in ("", TORN)
    return [json.loads(line) for line in whole]


def whole(name: str, content: bytes) -> bool:
    """Whether a file is whole; the event log may lack lines."""
    if not name.endswith(".jsonl"):
        return whole_report(name, content)
    first, *others = events(content)
    return first == json.loads(BEFORE) and all(
        CHANGES[str(line["name"])] == (line["from"], line["to"]) for line in others
    )


def lines_missing(tree: Tree) -> bool:
    content, _ = tree[LOG]
    names = [str(line["name"]) for line in events(content or b"")[1:]]
    assert len({*names}) == len(names)
    return {*names} < {*CHANGES}


def prepare(path: Path) -> None:
    (path / "bin/ssh").chmod(0o755)


WATCH = Scenario(
    (
        "pytest",
        *(word for name in PLUGINS for word in ("-p", name)),
        "-p",
        "no:cacheprovider",
        "--node=rig",
        "--watch",
        f"--event-log={LOG}",
        f"--prometheus-textfile={TEXTFILE}",
    ),
    {
        **on_file(
            state=STATE + 'sysctl: {kernel.ostype: "Linux"}\n',
            system_identity=OPEN,
            connection="ssh: {host: rig}\n",
        ),
        "pytest.ini": "[pytest]\n",
        "bin/ssh": SSH,
        LOG: BEFORE + TORN,
        TEXTFILE: "old\n",
    },
    whole,
    ("out",),
    sample=2,
    prepare=prepare,
)
SCENARIOS = {
    "event log": WATCH._replace(only=(LOG,)),
    "textfile": WATCH._replace(
        only=(TEXTFILE, "out", *(f"out/{each}" for each in TEMPORARIES)),
    ),
}
REFUSED = re.compile(r"ERROR: --event-log=/.*/events\.jsonl: [A-Z].*\n+")
LOG_FAILS = re.compile(r"the event log could not be written: [A-Z].*; trying again")
LOG_LACKS = re.compile(r"[0-9]+ lines of the event log could not be written")
TEXTFILE_FAILS = re.compile(r"/.*/edge\.prom could not be written: [A-Z].*; the watch tries again")
TEXTFILE_LACKS = re.compile(rf"(/.*/)?out/edge\.prom could not be written: [A-Z].* {WAY_OUT}")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    with commands(tmp_path_factory.mktemp("commands")) as commands_run:
        yield commands_run


def judge_watch(done: Done, tree: Tree, judge: Judge, fault: Fault) -> None:
    """After an error: what is missing is said, once while the watch runs, and at its end."""
    if REFUSED.fullmatch(done.err):
        assert done.status == 4
        assert judge.all_old(tree)
        return
    lines = done.out.splitlines()
    said = {
        each.pattern: sum(each.fullmatch(line) is not None for line in lines)
        for each in (LOG_FAILS, LOG_LACKS, TEXTFILE_FAILS, TEXTFILE_LACKS)
    }
    assert max(said.values()) <= 1, said
    assert said[LOG_LACKS.pattern] or not lines_missing(tree)
    assert done.status == (3 if said[TEXTFILE_LACKS.pattern] else 0)
    # After the rename, only the folder's fsync can fail.
    assert judge.is_new(tree, TEXTFILE) or said[TEXTFILE_LACKS.pattern]
    assert judge.is_old(tree, TEXTFILE) or (
        not said[TEXTFILE_LACKS.pattern] or fault.call.name in ("fsync", "openat")
    )


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_event_log_has_whole_lines_and_the_textfile_is_old_or_new(
    name: str, run: Commands, tmp_path: Path
) -> None:
    """hostile.md 9 and 14, for files that are written again and again."""
    try_faults(name, SCENARIOS[name], run, tmp_path, judge_watch)
