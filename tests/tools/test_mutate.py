"""Which tests `make mutate` runs for a file."""

import importlib.util
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
SPEC = importlib.util.spec_from_file_location("mutate", CHECKOUT / "tools/mutate.py")
assert SPEC is not None
assert SPEC.loader is not None
mutate = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(mutate)


def test_tests_of_a_file_go_by_its_name_or_its_folder() -> None:
    place = CHECKOUT / mutate.PACKAGE
    assert "tests/identity/test_gate.py" in mutate.tests_of([place / "gate.py"])
    assert "tests/resources/sysctl/test_sysctl.py" in mutate.tests_of([place / "resources/sysctl"])


@pytest.mark.parametrize("others", [[], mutate.DECIDES])
def test_a_file_that_no_test_is_named_after_has_one_beside_any_others(
    others: tuple[str, ...],
) -> None:
    place = CHECKOUT / mutate.PACKAGE
    assert mutate.WHOLE in mutate.tests_of(
        [place / "checking" / "check.py", *(place / other for other in others)]
    )
    assert (CHECKOUT / mutate.WHOLE).is_file()


def test_each_file_that_decides_has_tests() -> None:
    for path in mutate.DECIDES:
        assert all(
            (CHECKOUT / test).is_file()
            for test in mutate.tests_of([CHECKOUT / mutate.PACKAGE / path])
        )


@pytest.mark.shell
@pytest.mark.parametrize(
    ("terminal", "shown"),
    [(True, "\r- 1/2\r\\ 2/2   \nleft over\n"), (False, "\\ 2/2\nleft over\n")],
)
def test_progress_is_for_a_terminal(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    terminal: bool,
    shown: str,
) -> None:
    (tmp_path / "mutmut.py").write_text(
        "print('\\r- 1/2', end='')\nprint('\\r\\\\ 2/2   ')\nprint('left over')\nraise SystemExit(1)\n"
    )
    monkeypatch.setattr("sys.stdout.isatty", lambda: terminal)
    assert not mutate.run(tmp_path, 60.0)
    assert capfd.readouterr().out == shown
