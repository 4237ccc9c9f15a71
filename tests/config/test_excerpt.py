"""The line that a problem is about, as it is shown."""

import pytest

from power_edge.config.excerpt import excerpt
from power_edge.model import Problem, Source


def shown(line: str, column: int, message: str = "wrong") -> list[str]:
    data = f"version: 1\n{line}\nsysctl: {{}}\n".encode()
    return excerpt(data, Problem(Source("f", 2, column), message))


def test_the_caret_is_below_the_place() -> None:
    assert shown("- {name: abc, state: started}", 22) == [
        "     2 | - {name: ..., state: started}",
        "       |                      ^",
    ]


def test_what_the_message_quotes_is_shown_and_nothing_else_that_is_no_word_of_the_schemas() -> None:
    assert shown("name: allow hunter2 # running", 7, "'nonsense' is wrong")[0] == (
        "     2 | name: ... # running"
    )
    assert shown("name: nonsense", 7, "'nonsense' is wrong")[0] == "     2 | name: nonsense"


@pytest.mark.parametrize("separator", ["\n", "\r\n", "\r", "\x85", "\u2028"])
def test_lines_are_counted_as_yaml_counts_them(separator: str) -> None:
    data = f"a: 1{separator}state: 2".encode()
    assert excerpt(data, Problem(Source("f", 2, 1), ""))[0] == "     2 | state: ..."


def test_a_long_line_is_cut_around_the_place() -> None:
    line = "[" + "state: running, " * 40 + "stat: x]"
    first, second = shown(line, line.index("stat: x") + 1, "'stat'")
    assert max(len(first), len(second)) <= 80
    assert first[second.index("^") :].startswith("stat: ...")


@pytest.mark.parametrize("number", [0, 9])
def test_a_place_that_is_no_line_has_no_excerpt(number: int) -> None:
    assert excerpt(b"a: 1\n", Problem(Source("f", number), "wrong")) == []


def test_what_a_terminal_obeys_is_a_blank() -> None:
    assert shown("state:\tx \x1b[2J", 1)[0] == "     2 | state: ...[..."
