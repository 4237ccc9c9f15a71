"""A remedy as one line of shell: to be read, and to be pasted."""

import pytest

from power_edge.model import NOTHING, Remedy
from power_edge.report.shell_line import quoted, shell_line


def test_commands_are_joined_so_that_each_needs_the_one_before() -> None:
    assert shell_line(Remedy((("a", "b c"), ("d",)))) == "a 'b c' && d"
    assert shell_line(NOTHING) is None
    assert shell_line(Remedy(advice="by hand")) is None


@pytest.mark.parametrize(
    ("argument", "line"),
    [
        ("", "''"),
        ("-x", "-x"),
        ("$(id)", "'$(id)'"),
        ("ä b", "'ä b'"),
        ("a\nb'c\\", "$'a\\012b\\047c\\134'"),
        ("\x1b[31m", "$'\\033[31m'"),
        ("\u202egnp", "$'\\342\\200\\256gnp'"),
        ("\udcff", "$'\\377'"),
    ],
)
def test_an_argument_is_printable(argument: str, line: str) -> None:
    assert quoted(argument) == line
