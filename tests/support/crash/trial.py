"""Trials: a command runs in a folder of its own, once without a fault, and once with each; what is
there afterwards is compared.

`make soak` tries every call (half an hour on one core), else some are drawn by POWER_EDGE_SEED.
"""

import os
import random
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from tests.support.crash.injection import KILL, Call, Commands, Done, Fault, faults, spread_faults
from tests.support.crash.machine import ANSWER

SOAK = bool(os.environ.get("POWER_EDGE_SOAK"))
SEED = os.environ.get("POWER_EDGE_SEED", "1")
GIT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    **{f"GIT_{who}_{what}": "a" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
    **{f"GIT_{who}_DATE": "2026-01-01T00:00:00Z" for who in ("AUTHOR", "COMMITTER")},
}
ENVIRONMENT = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **GIT}
TEMPORARY = "tmp"
"""The folder of temporary files of the commands, beside what they write."""
WAY_OUT = r"\([a-z ]+, and run the command again\)"
"""How a line ends that says what a person can do about a file."""
Tree = dict[str, tuple[bytes | None, int]]
"""Of each file and folder the content (None: a folder) and the mode."""


class Scenario(NamedTuple):
    """A command, and the files that are there before it."""

    argv: tuple[str, ...]
    files: Mapping[str, str] = {}
    same: Callable[[str, bytes], bool] | None = None
    """Whether the content of a file is a new one, of files that differ from run to run; by default
    it is as the first run wrote it.
    """
    touching: tuple[str, ...] = (".",)
    """The folders that the calls which fail touch."""
    sample: int = 14
    """How many faults are tried where not all are."""
    prepare: Callable[[Path], None] | None = None
    """What else is made in the folder."""
    replaced: Mapping[str, str] = {}
    """Attributes of modules that are another path, below the folder."""
    only: tuple[str, ...] = ()
    """If given: the command is a watch, which is stopped when it is ready; the calls which fail
    name these files, in any of its threads.
    """
    finished: str | None = None
    """What the command says, and fails, when it is run again after it has done all."""


class Place:
    """The folder that a command of a scenario runs in."""

    def __init__(self, path: Path, scenario: Scenario, run: Commands) -> None:
        self.path, self.scenario, self._run = path / "here", scenario, run
        (path / "answer").write_bytes(ANSWER)

    def run(self, fault: Fault | None = None) -> Done:
        return self._run.run(
            *self.scenario.argv,
            cwd=self.path,
            env=self._environment(),
            umask=0,
            fault=fault,
            touching=[self.path / each for each in self.scenario.touching],
            replaced={
                name: str(self.path / value) for name, value in self.scenario.replaced.items()
            },
            only=[self.path / each for each in self.scenario.only],
        )

    def read(self, path: str, fault: Fault | None = None) -> Done:
        """Run the command; the calls in what comes back are those that read what has a path in
        which the expression is found.
        """
        return self._run.run(
            *self.scenario.argv, cwd=self.path, env=self._environment(), fault=fault, reading=path
        )

    def _environment(self) -> dict[str, str]:
        return {
            **ENVIRONMENT,
            "PATH": f"{self.path}/bin:{os.environ['PATH']}",
            "TMPDIR": str(self.path / TEMPORARY),
        }

    def anew(self) -> None:
        with suppress(FileNotFoundError):
            shutil.rmtree(self.path)
        self.path.mkdir()
        (self.path / TEMPORARY).mkdir()
        for name, content in self.scenario.files.items():
            file = self.path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content)
        if self.scenario.prepare is not None:
            self.scenario.prepare(self.path)

    def tree(self) -> Tree:
        return {
            str(path.relative_to(self.path)): (
                path.read_bytes() if path.is_file() else None,
                path.stat().st_mode & 0o777,
            )
            for path in self.path.rglob("*")
            if ".git" not in path.parts
        }


def left(tree: Tree) -> list[str]:
    """What is left behind of temporary files, ours and those of pytest's cache."""
    return [path for path in tree if ".power-edge-" in path]


def writable_by_others(tree: Tree) -> list[str]:
    """What others may write, since there was no umask; pytest's cache is its own matter."""
    return [path for path, (_, mode) in tree.items() if mode & 0o022 and ".pytest_" not in path]


class Judge:
    """What may be there after a fault, between what was there before and what a run without one
    leaves.
    """

    def __init__(self, scenario: Scenario, old: Tree, new: Tree) -> None:
        self._scenario, self.old, self.new = scenario, old, new
        self._changed = {
            path
            for path in new
            if new[path] != old.get(path)
            and new[path][0] is not None
            and ".pytest_cache" not in path
        }
        assert self._changed, "the command writes nothing"

    def is_old(self, tree: Tree, path: str) -> bool:
        return tree.get(path) == self.old.get(path)

    def is_new(self, tree: Tree, path: str) -> bool:
        if path not in tree:
            return False
        content, mode = tree[path]
        same = self._scenario.same
        return mode == self.new[path][1] and (
            content == self.new[path][0] if same is None or content is None else same(path, content)
        )

    def all_old(self, tree: Tree) -> bool:
        return all(self.is_old(tree, path) for path in self._changed)

    def all_new(self, tree: Tree) -> bool:
        return all(self.is_new(tree, path) for path in self._changed)

    def whole(self, tree: Tree) -> bool:
        """Every file is an old one or a new one, and none is there that should not be."""
        paths = {
            path
            for path in tree
            if not (
                ".power-edge-" in path or "pytest-cache-files-" in path or ".pytest_cache" in path
            )
        }
        return paths <= {*self.old, *self.new} and all(
            self.is_old(tree, path) or self.is_new(tree, path) for path in self._changed
        )


JudgeDone = Callable[[Done, Tree, Judge, Fault], None]
"""Asserts that what a command printed after an error is true, and enough."""


def try_faults(
    name: str, scenario: Scenario, run: Commands, folder: Path, judge_done: JudgeDone
) -> None:
    """Run a command with faults, and after each once more without: every file is old or new, and
    the second run leaves nothing behind.
    """
    place = Place(folder, scenario, run)
    place.anew()
    old = place.tree()
    sound = place.run()
    assert sound.status == 0, sound.err + sound.out
    judge = Judge(scenario, old, place.tree())
    assert not left(judge.new)
    assert not writable_by_others(judge.new)
    broken = []
    tried = [_unnamed(old)]
    for fault in _chosen(name, scenario, sound):
        place.anew()
        done = place.run(fault)
        tree = place.tree()
        details = f"{name}: {fault}\nstatus {done.status}\n{done.err}{done.out}{sorted(tree)}"
        try:
            assert judge.whole(tree)
            if fault.kind == KILL:
                assert done.status == -9
            else:
                assert "Traceback" not in done.err + done.out
                assert "INTERNALERROR" not in done.err + done.out
                judge_done(done, tree, judge, fault)
                assert not left(tree) or fault.call.name in (
                    "unlink",
                    "unlinkat",
                    "rmdir",
                    "openat",
                )
            # What is as it was before some run needs no other one.
            if _unnamed(tree) in tried:
                continue
            if not judge.all_new(tree):
                tried.append(_unnamed(tree))
            again = place.run()
            details += f"\nagain: status {again.status}\n{again.err}{again.out}"
            tree = place.tree()
            assert again.status == 0 or (
                scenario.finished is not None and again.err.endswith(f"{scenario.finished}\n")
            )
            assert judge.all_new(tree)
            assert not left(tree)
            assert {
                path
                for path in tree
                if ".pytest_cache" not in path and "pytest-cache-files-" not in path
            } <= {*judge.new}
        except AssertionError as error:
            broken.append(f"{details}\n{error}")
    assert not broken, "\n\n".join(broken)


def _unnamed(tree: Tree) -> Tree:
    """A tree, its temporary files without their names."""
    return {
        re.sub("power-edge-[0-9a-f]+", "power-edge-", path): each for path, each in tree.items()
    }


def _chosen(name: str, scenario: Scenario, sound: Done) -> Iterator[Fault]:
    """Faults at all calls, or at some."""
    calls = _of_each_shape(sound.calls)
    if SOAK:
        yield from spread_faults(calls)
        return
    draw = random.Random(f"{SEED} {name}")
    for call in draw.sample(calls, min(scenario.sample, len(calls))):
        yield draw.choice([*faults([call])])


_SCRATCH = re.compile(rf"(/{TEMPORARY}/\.power-edge-)[^>\", ]*")
_DETAIL = re.compile(r"\d+(?=<)|(?<= )\d+\b|(?<=, )\"[^/\"]*\"")
"""Numbers, and a name in a folder that is open."""


def _of_each_shape(calls: Sequence[Call]) -> list[Call]:
    """The calls, but for those in the middle of more than two that do the same to temporary files:
    whole trees are unpacked and removed there.
    """
    shapes: dict[str, list[Call]] = {}
    for call in calls:
        shape = _DETAIL.sub("", _SCRATCH.sub(r"\1", call.text))
        shapes.setdefault(shape if _SCRATCH.search(call.text) else call.text, []).append(call)
    kept = {call for same in shapes.values() for call in (same[0], same[-1])}
    return [call for call in calls if call in kept or not _SCRATCH.search(call.text)]
