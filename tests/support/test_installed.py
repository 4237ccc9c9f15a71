"""A checkout after `make check` alone cannot run the tests, and says so once."""

from pathlib import Path

import pytest

from tests import conftest
from tests.support.installed import packages_missing

PYPROJECT = """\
[dependency-groups]
test = ["pytest>=1", "no-such-thing>=6.1", "nothing==1", { include-group = "other" }]
other = ["neither>=2"]
"""


def test_what_is_missing_is_named() -> None:
    assert packages_missing(PYPROJECT) == ["no-such-thing", "nothing"]


def test_here_all_of_it_is_installed() -> None:
    pyproject = Path(__file__).parents[2] / "pyproject.toml"
    assert packages_missing(pyproject.read_text()) == []


@pytest.mark.parametrize(
    ("argument", "refused"),
    [("tests", True), ("tests/cli/test_cli.py::test_validate", True), ("node-configs/x", False)],
)
def test_only_a_run_of_the_tests_is_refused(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest, argument: str, refused: bool
) -> None:
    session = request.session
    monkeypatch.setattr(session.config, "args", [argument])
    conftest.pytest_collection(session)  # all is installed
    monkeypatch.setattr(conftest, "packages_missing", lambda _: ["hypothesis", "paramiko"])
    if refused:
        with pytest.raises(pytest.UsageError) as error:
            conftest.pytest_collection(session)
        assert str(error.value) == (
            "the project's own tests need what `make test` installs (missing: hypothesis,"
            " paramiko); to check this machine: power-edge check"
        )
    else:
        conftest.pytest_collection(session)
