"""Which tests are left out for a shell that is not installed, and which may start processes."""

import subprocess
from collections.abc import Iterator
from typing import Any, cast

import pytest

from tests.support.shells import each_shell, not_installed


class Item:
    """A test with these marks."""

    def __init__(self, *marks: pytest.MarkDecorator) -> None:
        self.marks = marks

    def iter_markers(self, name: str) -> Iterator[pytest.Mark]:
        return (each.mark for each in self.marks if each.name == name)


def lacks(*marks: pytest.MarkDecorator) -> set[str]:
    return not_installed(cast(Any, Item(*marks)))


def test_a_test_in_a_shell_that_is_not_installed_is_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("CI", raising=False)
    assert lacks(pytest.mark.shell, pytest.mark.shell("sh")) == set()
    assert lacks(pytest.mark.shell("sh"), pytest.mark.shell("nosuchshell")) == {"nosuchshell"}
    assert lacks(pytest.mark.lab) == set()


def test_in_ci_no_test_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    assert lacks(pytest.mark.shell("nosuchshell")) == set()


def test_what_go_builds_may_be_missing_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    monkeypatch.setattr("tests.support.shells.path_of", lambda name: None)
    assert lacks(pytest.mark.shell("act"), pytest.mark.shell("sh")) == {"act"}


def test_each_shell_is_a_mark_with_its_name() -> None:
    (_, parameters) = each_shell("dash", "busybox").args
    assert [(each.values[0], each.marks[0].args) for each in parameters] == [
        (["dash"], ("dash",)),
        (["busybox", "sh"], ("busybox",)),
    ]


@pytest.mark.xfail(strict=True, reason="tests/conftest.py fails a test that is not marked `shell`")
def test_a_test_without_the_mark_may_start_no_process() -> None:
    subprocess.run(["true"], check=True)


@pytest.mark.shell
def test_a_test_with_the_mark_may() -> None:
    subprocess.run(["true"], check=True)
