"""`make mutate`: which tests it runs for a file, and what it makes of changes."""

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.shell

CHECKOUT = Path(__file__).parents[2]
SPEC = importlib.util.spec_from_file_location("mutate", CHECKOUT / "tools/mutate.py")
assert SPEC is not None
assert SPEC.loader is not None
mutate = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(mutate)


def test_tests_of_a_file_go_by_its_name_or_its_folder() -> None:
    place = CHECKOUT / mutate.PACKAGE
    assert "tests/identity/test_gate.py" in mutate.tests_of_file(place / "identity/gate.py")
    assert "tests/resources/sysctl/test_sysctl.py" in mutate.tests_of_file(
        place / "resources/sysctl/__init__.py"
    )


def test_the_tests_of_a_type_are_those_of_its_inner_folders_too() -> None:
    found = mutate.tests_of_file(
        CHECKOUT / mutate.PACKAGE / "resources/firewall/readers/nft_rules.py"
    )
    folder = "tests/resources/firewall"
    assert {f"{folder}/readers/test_nft_rules.py", f"{folder}/test_firewall.py"} <= found
    assert "tests/resources/sysctl/test_sysctl.py" not in found


def test_tests_of_the_tools_are_of_no_file_of_the_package() -> None:
    gate = mutate.tests_of_file(CHECKOUT / mutate.PACKAGE / "identity/gate.py")
    assert (CHECKOUT / "tests/tools/test_gate_action.py").is_file()
    assert not [test for test in gate if test.startswith("tests/tools/")]


def test_a_file_that_no_test_is_named_after_has_one() -> None:
    assert mutate.WHOLE in mutate.tests_of_file(CHECKOUT / mutate.PACKAGE / "check.py")
    assert (CHECKOUT / mutate.WHOLE).is_file()


def test_each_path_that_decides_is_there() -> None:
    assert all((CHECKOUT / mutate.PACKAGE / path).exists() for path in mutate.DECIDES)


TRAMPOLINE = """
import os


def set_mutant_under_test(name):
    os.environ["MUTANT"] = name
"""
"""What mutmut is asked here."""
CODE = """
import os


def half(number):
    if os.environ["MUTANT"] == "half__mutmut_double":
        return number * 2
    while os.environ["MUTANT"] == "half__mutmut_endless":
        pass
    return number // 2


def other():
    return 1


def apart():
    return 1
"""
TESTS = """
import pytest
from it import half, other


def test_half():
    assert half(2) == 1


@pytest.mark.parametrize("number", [0, 1])
def test_other(number):
    other()
"""


def work_folder(tmp_path: Path, changes: dict[str, Any], tests: str = TESTS) -> Path:
    """A copy as `prepare` makes it, with changes that were made by hand."""
    (tmp_path / "plugins/mutmut/mutation").mkdir(parents=True)
    for package in ("mutmut", "mutmut/mutation"):  # else one that is installed comes first
        (tmp_path / "plugins" / package / "__init__.py").touch()
    (tmp_path / "plugins/mutmut/mutation/trampoline.py").write_text(TRAMPOLINE)
    (tmp_path / "plugins/it.py").write_text(CODE)
    (tmp_path / "test_it.py").write_text(tests)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = lab\n")
    (tmp_path / "changes.json").write_text(json.dumps(changes))
    return tmp_path


def change(function: str, *diff: str, version: str = "1") -> dict[str, Any]:
    line = (
        next(
            (
                number
                for number, line in enumerate(CODE.splitlines(), 1)
                if line.startswith(f"def {function}(")
            ),
            0,
        )
        + 1
    )
    return {"path": "plugins/it.py", "function": [function, version], "lines": [line], "diff": diff}


def test_each_change_is_tried(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    changes = {
        "half__mutmut_double": change("half"),
        "half__mutmut_endless": change("half"),
        "half__mutmut_same": change("half", "-a", "+b"),
        "half__mutmut_words": change("half", '-x("a b")', '+x("c d")'),
        "other__mutmut_1": change("other"),
        "apart__mutmut_1": change("apart"),
    }
    work = work_folder(tmp_path, changes)
    assert mutate.run(work, ["test_it.py"], 600.0)
    assert mutate.known(work) == {
        "half__mutmut_double": mutate.NOTICED,
        "half__mutmut_endless": mutate.ENDLESS,
        "half__mutmut_same": mutate.SURVIVED,
        "half__mutmut_words": mutate.MESSAGE,
        "other__mutmut_1": mutate.SURVIVED,
        "apart__mutmut_1": mutate.UNTESTED,
    }
    assert mutate.report(work)
    printed = capfd.readouterr().out
    assert "half: 1 endless, 1 messages, 1 noticed, 1 survived (" in printed
    assert "\nhalf__mutmut_same: survived\n-a\n+b\n" in printed
    assert (
        "plugins/it.py: 6 changes: 1 endless, 1 messages, 1 no tests, 1 noticed, 2 survived\n3 changes that no test notices\n"
        in printed
    )


def test_tests_that_fail_without_a_change_try_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    work = work_folder(
        tmp_path, {"half__mutmut_same": change("half")}, TESTS.replace("== 1", "== 2")
    )
    assert not mutate.run(work, ["test_it.py"], 600.0)
    assert "the tests do not run without a change" in capfd.readouterr().out
    assert mutate.known(work) == {}


def test_what_was_found_out_of_a_function_that_has_changed_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "changes.json").write_text(
        json.dumps({"a": change("f"), "b": change("g", version="2"), "c": change("f")})
    )
    lines = [
        ["a", ["f", "1"], "survived", None],
        ["b", ["g", "1"], "noticed", "t"],
        ["gone", ["f", "1"], "noticed", "t"],
        ["a", ["f", "1"], "noticed", "t"],
    ]
    (tmp_path / "results").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert mutate.known(tmp_path) == {"a": "noticed"}


def test_the_lines_of_a_statement_belong_together() -> None:
    code = """\
def f(a):
    if (
        a
    ):
        return [
            1,
        ]
    match a:
        case 1 if (
            a
        ):
            pass
"""
    of_line = {
        line: (lines.start, lines.stop - 1) for line, lines in mutate.statements(code).items()
    }
    assert of_line == dict(
        enumerate([(1, 12), *[(2, 4)] * 3, *[(5, 7)] * 3, (8, 8), *[(9, 11)] * 3, (12, 12)], 1)
    )


@pytest.mark.parametrize(
    ("diff", "words"),
    [
        (['-say("a b")', '+say("c d")'], True),
        (['-say("a b")', "+say(None)"], True),
        (['-say(1, f"a {b}")', "+say(1, )"], True),
        (['-say(1, "a b")', "+say(2, )"], False),
        (['-say(None, "a b")', '+say("a b")'], False),
        (['-said = "a b"', "+said = None"], False),
        (['-said = "a b"', '+said = "XXa bXX"'], True),
        (['-", ".join(a)', '+"XX, XX".join(a)'], True),
        (['-a.partition(" ")', '+a.partition("XX XX")'], False),
        (['-a.startswith("a b")', '+a.startswith("XXa bXX")'], False),
        (['-if a == "a b":', '+if a == "XXa bXX":'], False),
        (['-case "a" | "a b":', '+case "a" | "XXa bXX":'], False),
        (['-say("ab")', '+say("cd")'], False),
        ([], False),
    ],
)
def test_a_change_of_a_message_is_told_from_others(diff: list[str], words: bool) -> None:
    assert mutate.only_words(diff) is words
