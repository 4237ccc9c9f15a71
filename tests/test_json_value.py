"""Values of JSON: each function returns what it must be, and TypeError says what else it is."""

from collections.abc import Callable
from typing import Any

import pytest

from power_edge.json_value import (
    Json,
    a_list,
    a_member,
    a_pair,
    a_text,
    an_integer,
    an_object,
    decoded,
    text_at,
)

VALUES: list[Json] = [
    None,
    True,
    0,
    7,
    1.5,
    "",
    "x",
    [],
    [1],
    [1, "b"],
    {},
    {"a": 1},
    {"a": 1, "b": 2},
]


@pytest.mark.parametrize(
    ("shape", "fitting"),
    [
        (an_object, [{}, {"a": 1}, {"a": 1, "b": 2}]),
        (a_list, [[], [1], [1, "b"]]),
        (a_text, ["", "x"]),
        (an_integer, [0, 7]),
        (a_pair, [[1, "b"]]),
        (a_member, [{"a": 1}]),
    ],
)
def test_a_value_of_another_shape_is_refused(
    shape: Callable[[Json], Any], fitting: list[Json]
) -> None:
    for value in VALUES:
        if any(value is each or (value == each and type(value) is type(each)) for each in fitting):
            assert shape(value) in (value, ("a", 1), (1, "b"))
        else:
            with pytest.raises(TypeError, match="is expected, and it is "):
                shape(value)


def test_a_missing_text_is_none_and_null_is_no_text() -> None:
    assert text_at({"a": "x"}, "a") == "x"
    assert text_at({"b": "x"}, "a") is None
    with pytest.raises(TypeError, match="a text is expected, and it is null"):
        text_at({"a": None}, "a")


def test_what_is_no_json_is_a_value_error_and_what_is_too_deep_a_recursion_error() -> None:
    assert decoded('{"a": [1e999, "\\ud800"]}') == {"a": [float("inf"), "\ud800"]}
    for text in ("", "{", b"\xff", '"a" b', "9" * 5000):
        with pytest.raises(ValueError, match=r"."):
            decoded(text)
    with pytest.raises(RecursionError):
        decoded("[" * 100_000)
