"""Break the code that decides, one small change at a time, and print the changes that no test
notices.

`mutate.py [PATH...]` takes files or folders of the checkout; by default all that can make a false
pass. mutmut does the work, in .mutate/, since it knows no source folder but src/. The tests are
those that are named after a changed file or its folder. What was tried is kept: the same command
goes on where it stopped ($MINUTES, 30 by default, end it), and tries again what survived. Changes
to messages (text with a blank in it) are left out: they are no false pass.
"""

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import tokenize
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import BinaryIO

CHECKOUT = Path(__file__).resolve().parents[1]
PACKAGE = "plugins/power_edge"
DECIDES = ("resources", "checking", "identity", "config/clones.py")
BESIDE = ("conftest.py", "docs", "node-configs", "probes", "schemas", "tests")
WHOLE = "tests/pytest_integration/test_statuses.py"
SURVIVED, UNTESTED = "survived", "no tests"


def main(paths: list[str]) -> int:
    """Run, and print what survived.

    Ends with 1 if anything did, 2 if nothing could be run or time ran out.
    """
    chosen = [CHECKOUT / path for path in paths] or [CHECKOUT / PACKAGE / path for path in DECIDES]
    patterns = [
        f"src/power_edge/{path.relative_to(CHECKOUT / PACKAGE)}{'/*' * path.is_dir()}"
        for path in map(Path.resolve, chosen)
    ]
    work = (
        CHECKOUT / ".mutate" / ("+".join(path.replace("/", ".") for path in paths)[-100:] or "all")
    )
    prepare(work, patterns, tests_of(chosen))
    complete = run(work, float(os.environ.get("MINUTES", "30")) * 60)
    left = report(work)
    if not complete:
        print("not all was tried: run it again to go on")
        return 2
    return int(left)


def tests_of(paths: list[Path]) -> list[str]:
    """Return the test files that are named after what is changed, or after its folder.

    All tests would take minutes for a change.
    """
    files = [file for path in paths for file in (path.rglob("*.py") if path.is_dir() else [path])]
    return sorted({test for file in files for test in tests_of_file(file)})


def tests_of_file(file: Path) -> set[str]:
    """Return the tests of one file; with WHOLE, unless a test in the mirrored folder has its name."""
    names = {file.stem, file.parent.name} - {"__init__"}
    found = {
        test
        for test in all_tests()
        if any(name in Path(test).name.removeprefix("test_") for name in names)
    }
    folder = Path("tests", file.parent.relative_to(CHECKOUT / PACKAGE))
    own = {str(folder / f"test_{name}.py") for name in names}
    return found if own & found else found | {WHOLE}


@cache
def all_tests() -> tuple[str, ...]:
    """Return the test files that start no node."""
    found = (test.relative_to(CHECKOUT) for test in CHECKOUT.glob("tests/**/test_*.py"))
    return tuple(str(test) for test in found if "lab" not in test.parts)


def prepare(work: Path, patterns: list[str], tests: list[str]) -> None:
    """Bring the copy up to date with the checkout; keep the results, except the survivors."""
    (work / "src").mkdir(parents=True, exist_ok=True)
    for name in BESIDE:
        if not (work / name).is_symlink():
            (work / name).symlink_to(CHECKOUT / name)
    shutil.rmtree(work / "src" / "power_edge", ignore_errors=True)
    shutil.copytree(
        CHECKOUT / PACKAGE,
        work / "src" / "power_edge",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    for file in (work / "src").rglob("*.py"):  # mutmut copies what it does not change only once
        copy = work / "mutants" / file.relative_to(work)
        if copy.exists() and not copy.with_name(f"{copy.name}.meta").exists():
            shutil.copy2(file, copy)
    text = (
        (CHECKOUT / "pyproject.toml")
        .read_text()
        .replace('pythonpath = ["plugins", "."]', 'pythonpath = ["src", "."]')
    )
    options = {
        "source_paths": ["src"],
        "only_mutate": patterns,
        "also_copy": list(BESIDE),
        "pytest_add_cli_args": ["-m", "not lab", "-p", "no:cacheprovider"],
        "pytest_add_cli_args_test_selection": tests,
        "on_dependency_change": "ignore",
    }
    config = (
        text
        + "\n[tool.mutmut]\n"
        + "".join(f"{key} = {json.dumps(value)}\n" for key, value in options.items())
    )
    (work / "pyproject.toml").write_text(config)
    for meta in (work / "mutants").rglob("*.meta"):
        known = json.loads(meta.read_text())
        codes = known["exit_code_by_key"]
        known["exit_code_by_key"] = {
            name: None if status(code) in (SURVIVED, UNTESTED) else code
            for name, code in codes.items()
        }
        meta.write_text(json.dumps(known))


def run(work: Path, seconds: float) -> bool:
    """Let mutmut try what was not tried yet; whether it came to the end.

    Where there is no terminal its output is shown at the end.
    """
    if sys.stdout.isatty():
        return tried(work, seconds, None)
    with tempfile.TemporaryFile() as output:
        try:
            return tried(work, seconds, output)
        finally:
            output.seek(0)
            print(without_progress(output.read().decode("utf-8", "replace")), end="", flush=True)


def tried(work: Path, seconds: float, output: BinaryIO | None) -> bool:
    with subprocess.Popen(
        [sys.executable, "-m", "mutmut", "run"], cwd=work, start_new_session=True, stdout=output
    ) as process:
        try:
            return process.wait(seconds) == 0
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            os.killpg(process.pid, signal.SIGTERM)
            return False


def without_progress(output: str) -> str:
    """The lines of an output as a terminal shows them at the end: behind a carriage return a line
    begins anew.
    """
    return "\n".join(line.rpartition("\r")[2].rstrip() for line in output.split("\n"))


def status(code: int | None) -> str:
    """What mutmut calls an exit status of pytest."""
    from mutmut.stats import status_by_exit_code

    return str(status_by_exit_code[code])


def report(work: Path) -> bool:
    """Print what survived, and how many changes of each file came to what; whether any is left."""
    os.chdir(work)  # as mutmut wants it
    from mutmut.mutation.diff_apply import get_diff_for_mutant

    left, lines = 0, []
    for meta in sorted(Path("mutants/src").rglob("*.meta")):
        source = meta.relative_to("mutants").with_suffix("")
        codes = json.loads(meta.read_text())["exit_code_by_key"]
        counts = Counter(map(status, codes.values()))
        for name, code in codes.items():
            if status(code) in (SURVIVED, UNTESTED):
                diff = get_diff_for_mutant(name, path=source)
                if only_words(diff):
                    counts[status(code)] -= 1
                    counts["messages"] += 1
                else:
                    left += 1
                    print(f"\n{name}: {status(code)}\n{pretty(diff)}")
        said = ", ".join(f"{count} {what}" for what, count in sorted(counts.items()) if count)
        lines.append(
            f"{str(source).replace('src/power_edge', PACKAGE)}: {len(codes)} changes: {said}"
        )
    print("", *lines, f"{left} changes that no test notices", sep="\n")
    return left > 0


def changed(diff: str) -> Iterator[str]:
    """The lines of a diff that were taken out or put in."""
    return (line for line in diff.splitlines() if re.match(r"[-+](?![-+]{2} )", line))


def pretty(diff: str) -> str:
    return "\n".join(changed(diff))


def only_words(diff: str) -> bool:
    """Whether a change differs in nothing but texts with a blank in them."""
    before, after = ([line[1:] for line in changed(diff) if line[0] == sign] for sign in "-+")
    return (
        bool(before)
        and "\n".join(before) != "\n".join(after)
        and without_words(before) == without_words(after)
    )


def without_words(lines: list[str]) -> list[str]:
    found = []
    try:
        for token in tokenize.generate_tokens(
            io.StringIO("\n".join(line.strip() for line in lines)).readline
        ):
            text = token.string
            found.append('""' if token.type == tokenize.STRING and " " in text else text)
    except (tokenize.TokenError, IndentationError):
        pass  # part of a statement: what was read of it is enough to compare
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
