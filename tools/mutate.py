"""Break the code that decides, one small change at a time, and print the changes that no test
notices.

`mutate.py [PATH...]` takes files or folders of the checkout. Without a PATH it takes all that can
make a false pass. What is named first is tried first. It ends with 1 if a change survived, and with
2 if the tests fail without a change or $MINUTES (30 by default) ran out: the same command goes on
from there.

mutmut makes the changes, in a copy in .mutate/. This file runs the tests, inside one pytest that
has collected them once: it is also a plugin of that pytest. First all tests run without a change,
to learn which lines each of them runs. Then each change has a fork of that process. The fork runs
the tests that run the changed statement until one fails: first those that noticed other changes of
this function, then the quick ones. What was noticed is kept for as long as the function stays as it
is; what survived is tried again.

Left out: tests that are not named after a changed file or its folder, tests of hypothesis (one
takes seconds for each change, and its examples differ from run to run), and changes to the words of
messages, which are not false passes.
"""

import ast
import difflib
import gc
import io
import json
import os
import re
import resource
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tokenize
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from itertools import accumulate
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[1]
PACKAGE = "plugins/power_edge"
DECIDES = ("resources", "checking", "identity", "config/clones.py")
BESIDE = (
    "compliance",
    "conftest.py",
    "docs",
    "node-configs",
    "probes",
    "pyproject.toml",
    "schemas",
    "tests",
    "tools",
)
ELSEWHERE = {"lab", "fuzz", "crash", "tools", "workflows"}
WHOLE = "tests/pytest_integration/test_statuses.py"
WORK, OUTPUT = "POWER_EDGE_MUTATE_WORK", "POWER_EDGE_MUTATE_OUTPUT"
NOTICED, ENDLESS, SURVIVED, UNTESTED, MESSAGE = (
    "noticed",
    "endless",
    "survived",
    "no tests",
    "messages",
)
LEFT = (SURVIVED, UNTESTED)
ENOUGH = 10.0
"""Seconds of tests for one change: hundreds of quick ones.

What is slower says the same of more, and would keep the run from an end.
"""
MEMORY = 4 << 30
"""What a changed function may take: it can fill a list for ever."""


def main(paths: list[str]) -> int:
    """Run, and print what survived. The status is described at the top."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what was started ends as well
    chosen = [CHECKOUT / path for path in paths] or [CHECKOUT / PACKAGE / path for path in DECIDES]
    files = list(
        dict.fromkeys(
            file
            for path in chosen
            for file in (sorted(path.rglob("*.py")) if path.is_dir() else [path])
        )
    )
    work = (
        CHECKOUT / ".mutate" / ("+".join(path.replace("/", ".") for path in paths)[-100:] or "all")
    )
    prepare(work, files)
    complete = run(
        work,
        sorted({test for file in files for test in tests_of_file(file)}),
        float(os.environ.get("MINUTES", "30")) * 60,
    )
    left = report(work)
    if not complete:
        print("not all was tried: run it again to go on")
        return 2
    return int(left)


def tests_of_file(file: Path) -> set[str]:
    """Return the test files that are named after a file or its folder, or are in a folder so named.

    A folder within one of a resource type counts as both. WHOLE is among them, unless the mirrored
    folder has a test of the file's name.
    """
    folders = file.parent.relative_to(CHECKOUT / PACKAGE).parts
    names = {file.stem, *(folders[1:] or folders)} - {"__init__"}
    found = {
        test
        for test in all_tests()
        if names & {*Path(test).stem.split("_"), Path(test).parent.name}
    }
    folder = Path("tests", file.parent.relative_to(CHECKOUT / PACKAGE))
    own = {str(folder / f"test_{name}.py") for name in names}
    return found if own & found else found | {WHOLE}


@cache
def all_tests() -> tuple[str, ...]:
    """The test files that start no node, do not take a long time by intention, and are about the
    package.
    """
    found = (test.relative_to(CHECKOUT) for test in CHECKOUT.glob("tests/**/test_*.py"))
    return tuple(str(test) for test in found if not ELSEWHERE & {*test.parts})


def prepare(work: Path, files: list[Path]) -> None:
    """Make the copy of the checkout with all changes of the files in it, and changes.json: {change:
    {path, function, lines, diff}}.

    A change is named as the mutated code wants it: `power_edge.identity.gate.x_judge__mutmut_3`.
    `function` is the name without the number, and a hash of what the function is. `lines` are those
    of the copy where the function stands unchanged: the statements that the change is in.
    """
    from mutmut.mutation.file_mutation import mutate_file_contents

    work.mkdir(parents=True, exist_ok=True)
    for name in BESIDE:
        if not (work / name).is_symlink():
            (work / name).symlink_to(CHECKOUT / name)
    copy = work / PACKAGE
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(CHECKOUT / PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    changes = {}
    for file in files:
        path = file.relative_to(CHECKOUT / PACKAGE)
        mutated = mutate_file_contents(str(file), file.read_text())
        (copy / path).write_text(mutated.code)
        lines, together = mutated.code.splitlines(), statements(mutated.code)
        module = ".".join(("power_edge", *path.with_suffix("").parts)).removesuffix(".__init__")
        for name in mutated.mutant_names:
            function = name.partition("__mutmut_")[0]
            name_shown = function.removeprefix("x_").rpartition("ǁ")[2]
            before, after = (
                [line.replace(called, name_shown) for line in lines[span.start - 1 : span.end]]
                for called, span in (
                    (called, mutated.line_span_by_function_name[called])
                    for called in (f"{function}__mutmut_orig", name)
                )
            )
            start = mutated.line_span_by_function_name[f"{function}__mutmut_orig"].start
            blocks = difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
            differing = {
                start + at
                for kind, first, last, *_ in blocks
                if kind != "equal"
                for at in range(first, max(last, first + 1))
            }
            changes[f"{module}.{name}"] = {
                "path": f"{PACKAGE}/{path}",
                "function": [f"{module}.{function}", mutated.hash_by_function_name[function]],
                "lines": sorted({line for at in differing for line in together.get(at, (at,))}),
                "diff": [
                    line
                    for line in difflib.unified_diff(before, after, n=0)
                    if re.match(r"[-+](?![-+]{2} )", line)
                ],
            }
    (work / "changes.json").write_text(json.dumps(changes))


def statements(code: str) -> dict[int, range]:
    """By line: the lines of the innermost statement that it is in; of one with a body those before
    the body, but of a function all.
    """
    found: dict[int, range] = {}
    for node in ast.walk(ast.parse(code)):  # the outer ones first
        if isinstance(node, ast.stmt | ast.excepthandler | ast.match_case):
            first = node.pattern.lineno if isinstance(node, ast.match_case) else node.lineno
            inner = (
                node.cases[0].pattern
                if isinstance(node, ast.Match)
                else next(iter(getattr(node, "body", ())), None)
            )
            if inner is not None and not isinstance(node, ast.FunctionDef):
                last = max(first, inner.lineno - 1)
            else:
                last = getattr(node, "end_lineno", first)  # a match_case has none, but a body
            found |= dict.fromkeys(range(first, last + 1), range(first, last + 1))
    return found


def run(work: Path, tests: list[str], seconds: float) -> bool:
    """Try in a pytest of its own what was not tried yet; whether it came to the end."""
    places = os.pathsep.join([str(work / "plugins"), str(Path(__file__).parent)])
    output = os.dup(sys.stdout.fileno())
    environment = {**os.environ, "PYTHONPATH": places, WORK: str(work), OUTPUT: str(output)}
    sys.stdout.flush()
    with tempfile.TemporaryDirectory(prefix="mutate") as scratch, (work / "log").open("w") as log:
        options = [
            "-q",
            "-x",
            "-m",
            "not lab",
            "-p",
            "no:cacheprovider",
            "--assert=plain",
            "-o",
            "tmp_path_retention_policy=none",
            f"--basetemp={scratch}/t",
        ]
        command = [sys.executable, "-m", "pytest", "-p", "mutate", *options, *tests]
        with subprocess.Popen(
            command,
            cwd=work,
            env=environment,
            stdout=log,
            stderr=log,
            pass_fds=[output],
            start_new_session=True,
        ) as process:
            try:
                status = process.wait(seconds)
            except (subprocess.TimeoutExpired, KeyboardInterrupt):
                os.killpg(process.pid, signal.SIGINT)  # which ends the fork as well
                return False
    if status:
        print(f"the tests do not run without a change: see {work / 'log'}")
    return status == 0


def known(work: Path) -> dict[str, str]:
    """What became of each change of a function that is still as it was."""
    changes = json.loads((work / "changes.json").read_text())
    results = work / "results"
    lines = map(json.loads, results.read_text().splitlines()) if results.exists() else ()
    return {
        name: status
        for name, function, status, _ in lines
        if name in changes and changes[name]["function"] == function
    }


def report(work: Path) -> bool:
    """Print what survived, and how many changes of each file came to what; whether any is left."""
    changes, results = json.loads((work / "changes.json").read_text()), known(work)
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    left = 0
    for name, change in changes.items():
        status = results.get(name, "not tried")
        if status in LEFT:
            left += 1
            print("", f"{name}: {status}", *change["diff"], sep="\n")
        counts[change["path"]][status] += 1
    print()
    for path, found in sorted(counts.items()):
        each = ", ".join(f"{count} {what}" for what, count in sorted(found.items()))
        print(f"{path}: {found.total()} changes: {each}")
    print(f"{left} changes that no test notices")
    return left > 0


def only_words(diff: list[str]) -> bool:
    """Whether a change differs in nothing but the words of messages, or takes such a text from the
    arguments of a call.
    """
    before, after = ([line[1:] for line in diff if line[0] == sign] for sign in "-+")
    return bool(before) and before != after and without_words(before) == without_words(after)


def without_words(lines: list[str]) -> str:
    """The tokens, with None for each message that is an argument and `""` for others, and without a
    last argument that is None.
    """
    tokens: list[tokenize.TokenInfo] = []
    with suppress(
        tokenize.TokenError, IndentationError
    ):  # of a part of a statement: what was read of it is enough to compare
        read = io.StringIO("\n".join(line.strip() for line in lines)).readline
        tokens.extend(
            token for token in tokenize.generate_tokens(read) if token.type != tokenize.NL
        )
    texts = [token.string for token in tokens]
    arguments = [texts[at - 1 : at] in (["("], [","]) for at in range(len(texts))]
    found = [
        text if not message(tokens, at) else "None" if arguments[at] else '""'
        for at, text in enumerate(texts)
    ]
    return " ".join(found).replace(", None )", ", )")


LOOKED_FOR = {
    "startswith",
    "endswith",
    "removeprefix",
    "removesuffix",
    "split",
    "partition",
    "get",
    "index",
    "count",
}


def message(tokens: list[tokenize.TokenInfo], at: int) -> bool:
    """Whether a token is a text of several words that nothing is compared with, or what texts are
    joined with.
    """
    before, after = (
        [token.string for token in part]
        for part in (tokens[max(0, at - 2) : at], tokens[at + 1 : at + 3])
    )
    if tokens[at].type != tokenize.STRING or before[-1:] in (
        ["case"],
        ["=="],
        ["!="],
        ["in"],
        ["|"],
    ):
        return False
    several = re.search(r"\w\S* \S*\w", tokens[at].string) is not None
    return after == [".", "join"] or (
        several and not (before[-1:] == ["("] and before[0] in LOOKED_FOR)
    )


# The rest runs in the pytest that has the changes.


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items[:] = [item for item in items if not hasattr(getattr(item, "obj", None), "hypothesis")]


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool:
    """Instead of running the tests once: run some of them for each change."""
    if session.testsfailed:
        raise session.Failed(f"{session.testsfailed} errors while the tests were collected")
    work = Path(os.environ[WORK])
    with (
        open(int(os.environ[OUTPUT]), "w", closefd=False) as output,
        (work / "results").open("a") as results,
    ):
        Trials(session, work).run(output, results)
    return True


class Trials:
    """The changes, and the tests that can notice them."""

    def __init__(self, session: pytest.Session, work: Path) -> None:
        self.items = {item.nodeid: item for item in session.items}
        self.work = work
        self.failed: str | None = None
        session.config.pluginmanager.register(self)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> None:
        """End this process if a test fails, before pytest makes a text of it, which takes longer
        than most tests.
        """
        if call.excinfo is not None and not isinstance(call.excinfo.value, pytest.skip.Exception):
            self.failed = item.nodeid
            raise Noticed

    def run(self, output: io.TextIOBase, results: io.TextIOBase) -> None:
        """Try each change that was not noticed before."""
        gc.collect()
        gc.freeze()  # else the first collection in each fork copies all memory
        changes, tried = json.loads((self.work / "changes.json").read_text()), known(self.work)
        todo: dict[str, list[str]] = defaultdict(list)
        for name, change in changes.items():
            if tried.get(name) not in (NOTICED, ENDLESS, MESSAGE):
                todo[change["function"][0]].append(name)
        lines, seconds = (
            self.learn({str(self.work / change["path"]) for change in changes.values()})
            if todo
            else ({}, {})
        )
        for function, names in todo.items():
            since, found, noticed = time.monotonic(), Counter[str](), Counter[str]()
            for name in names:
                change = changes[name]
                tests = {
                    test
                    for line in change["lines"]
                    for test in lines.get(f"{self.work / change['path']}:{line}", ())
                }
                fast_first = sorted(tests, key=seconds.__getitem__)
                ordered = sorted(fast_first, key=noticed.__getitem__, reverse=True)
                ordered = [
                    test
                    for test, sum_ in zip(
                        ordered, accumulate(map(seconds.__getitem__, ordered)), strict=True
                    )
                    if sum_ < ENOUGH
                ]
                status, by = (
                    (MESSAGE, None)
                    if only_words(change["diff"])
                    else self.attempt(name, ordered, seconds)
                    if tests
                    else (UNTESTED, None)
                )
                found[status] += 1
                if by:
                    noticed[by] += 1
                print(json.dumps([name, change["function"], status, by]), file=results, flush=True)
            counts = ", ".join(f"{count} {status}" for status, count in sorted(found.items()))
            print(
                f"{function.replace('.x_', '.')}: {counts} ({time.monotonic() - since:.0f} s)",
                file=output,
                flush=True,
            )

    def learn(self, files: set[str]) -> tuple[dict[str, list[str]], dict[str, float]]:
        """The tests that run each `file:line` of some files, and the seconds of the processor that
        a test takes.

        A line of a function whose result is kept (`@cache`) is known of the first test alone.
        coverage traces in C: traced in Python, the sets of packets take ten times as long.
        """
        from coverage import Coverage

        path = self.work / "lines.json"

        def all_tests() -> None:
            measured = Coverage(
                data_file=None, include=sorted(files), config_file=False, messages=False
            )
            lines, seconds = defaultdict(list), {}
            with measured.collect():
                for test in self.items:
                    measured.switch_context(test)
                    since = time.process_time()
                    self.run_one(test)
                    seconds[test] = time.process_time() - since
            data = measured.get_data()
            for file in data.measured_files():
                for number, tests in data.contexts_by_lineno(file).items():
                    lines[f"{file}:{number}"] = [test for test in tests if test in seconds]
            path.write_text(json.dumps([lines, seconds]))

        path.unlink(missing_ok=True)
        status, by = self.forked("", all_tests, None)
        if status != SURVIVED:
            raise pytest.UsageError(f"a test fails without a change: {by}")
        lines, seconds = json.loads(path.read_text())
        return lines, seconds

    def attempt(
        self, name: str, tests: list[str], seconds: dict[str, float]
    ) -> tuple[str, str | None]:
        """What becomes of a change, and the test that noticed it."""

        def some_tests() -> None:
            for test in tests:
                self.run_one(test)

        return self.forked(name, some_tests, 1 + 3 * sum(seconds[test] for test in tests))

    def run_one(self, test: str) -> None:
        item = self.items[test]
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)

    def forked(
        self, name: str, action: Callable[[], None], limit: float | None
    ) -> tuple[str, str | None]:
        """Run an action in a fork in which a change is in force: whether a test failed in it, and
        which.
        """
        from mutmut.mutation.trampoline import set_mutant_under_test

        read, write = os.pipe()
        process = os.fork()
        if process == 0:
            status = 1
            try:
                os.setpgid(0, 0)
                if limit:
                    resource.setrlimit(
                        resource.RLIMIT_CPU, (int(limit) + 1, resource.RLIM_INFINITY)
                    )
                    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
                set_mutant_under_test(name)
                action()
                status = 0
            finally:
                os.write(write, (self.failed or "").encode())
                os._exit(status)
        os.close(write)
        handle = os.pidfd_open(process)
        try:
            ended = bool(select.select([handle], [], [], limit and 60 + 10 * limit)[0])
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process, signal.SIGKILL)  # it, or what a test of it has left running
        status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        os.close(handle)
        with os.fdopen(read) as pipe:
            by = pipe.read() or None
        if status == 0 and ended:
            return SURVIVED, None
        return (ENDLESS if status < 0 else NOTICED), by


class Noticed(Exception):
    """A test failed."""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
