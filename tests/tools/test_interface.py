"""tests/golden/interface.txt is what the program has now, and holds all that others rely on."""

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import click
import pytest

from power_edge.release import interface
from tools.interface import PytestOptions, commands

ROOT = Path(__file__).parents[2]
LINES = (ROOT / interface.FILE).read_text().splitlines()


@pytest.mark.shell
def test_it_is_fresh() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "interface.py", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_metric_of_the_code_is_in_it() -> None:
    code = "".join(
        path.read_text()
        for folder in ("report", "watch")
        for path in (ROOT / "plugins" / "power_edge" / folder).rglob("*.py")
    )
    named = set(re.findall(r'"(power_edge_[a-z_]+)"', code))
    listed = {found[1] for line in LINES if (found := re.match(r"metric (\w+)\{", line))}
    assert named == listed


def of(parameters: Sequence[click.Parameter]) -> set[str]:
    return set(commands(click.Command("x", params=list(parameters)), "x"))


OPTIONAL = click.Argument(["a"], required=False)
REQUIRED = click.Argument(["a"])


def test_what_a_call_needs_more_is_a_line_that_is_gone() -> None:
    assert of([]) - of([REQUIRED]) == {"x with 0 arguments"}
    assert of([REQUIRED]) < of([OPTIONAL])
    assert of([OPTIONAL]) < of([click.Argument(["a"], nargs=-1)])
    assert of([]) - of([click.Option(["--o"], required=True)]) == {"x with 0 arguments"}


def test_what_an_option_takes_no_more_is_a_line_that_is_gone() -> None:
    choices = [click.Option(["--o"], type=click.Choice(each), default="a") for each in ("ab", "ac")]
    assert of(choices[:1]) - of(choices[1:]) == {"x --o=b"}
    several = [click.Option(["--o"], multiple=each) for each in (True, False)]
    assert of(several[:1]) - of(several[1:]) == {"x --o=VALUE may be repeated"}
    defaults = [click.Option(["--o"], default=each) for each in ("a", "b")]
    assert of(defaults[:1]) - of(defaults[1:]) == {"x --o is a if it is left out"}
    assert of([click.Option(["--o"])]) - of([click.Option(["--o"], is_flag=True)]) == {
        "x --o=VALUE"
    }


def test_options_of_pytest() -> None:
    options = PytestOptions()
    options.getgroup("a").addoption("--a", "-a", choices=["b"], default="b")
    options.addoption("--many", action="append", default=[])
    options.addoption("--flag", action="store_true", help="c")
    options.addini("d", "e")
    assert options.lines == [
        "pytest --a=VALUE",
        "pytest --a=b",
        "pytest --a is b if it is left out",
        "pytest -a=VALUE",
        "pytest -a=b",
        "pytest -a is b if it is left out",
        "pytest --many=VALUE",
        "pytest --many=VALUE may be repeated",
        "pytest --flag",
        "pytest.ini d",
    ]


def test_each_kind_of_line_is_there() -> None:
    starts = ("pytest --", "power-edge ", "exit status ", "metric ", "json report ", "test id ")
    assert all(any(line.startswith(start) for line in LINES) for start in starts)
    assert "exit status 12 wrong machine" in LINES
    assert "test id node-configs/example/identity.yaml::ROLE[TEST]" in LINES
