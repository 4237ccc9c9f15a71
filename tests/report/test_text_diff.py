"""The diff of a text: short, of any input, and harmless to print."""

import pytest

from power_edge.report.text_diff import LINES, text_diff

MANY = "".join(f"line {number}\n" for number in range(1000))


@pytest.mark.parametrize(
    ("declared", "observed", "expected"),
    [
        ("a\n", "b\n", ["-a", "+b"]),
        ("", "b\n", ["+b"]),
        ("a\n", "", ["-a"]),
        ("a\nb\nc\n", "a\nB\nc\n", [" a", "-b", "+B", " c"]),
        ("a\n", "a", ["-a", "+a (no newline)"]),
        ("a\n", "a\r\n", ["-a", r"+a\r"]),
        (
            MANY,
            MANY.replace("line 500\n", "line five\n"),
            ["...", " line 498", " line 499", "-line 500", "+line five", " line 501", " line 502", "..."],
        ),
        (
            "1\n2\n3\n4\n5\n6\n7\n",
            "x\n2\n3\n4\n5\n6\ny\n",
            ["-1", "+x", " 2", " 3", "...", " 5", " 6", "-7", "+y"],
        ),
    ],
)  # fmt: skip
def test_lines(declared: str, observed: str, expected: list[str]) -> None:
    assert list(text_diff(declared, observed)) == expected


def test_a_long_one_is_cut() -> None:
    lines = list(text_diff("a\n", MANY))
    assert len(lines) == LINES + 1
    assert lines[-1] == f"... and {1001 - LINES} more lines"


def test_a_long_line_is_cut() -> None:
    assert all(len(line) < 200 for line in text_diff("a" * 10_000, "b" * 10_000))


def test_nothing_in_it_is_obeyed() -> None:
    (_, line) = text_diff("a\n", "\x1b[31m::error::x\u202e\n")
    assert line == r"+\x1b[31m::error::x\u202e"


def test_a_strangers_text_is_not_compared_line_by_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its time would grow with the cube of the lines."""

    def compare(*_: object, **__: object) -> None:
        raise AssertionError("compared")

    monkeypatch.setattr("power_edge.report.text_diff.SequenceMatcher", compare)
    observed = "".join(reversed(MANY.splitlines(keepends=True)))
    assert next(iter(text_diff(MANY, observed))) == "-line 0"
    with pytest.raises(AssertionError, match="compared"):
        list(text_diff("a\nb\n", "b\nc\n"))
