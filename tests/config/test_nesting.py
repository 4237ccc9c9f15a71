"""Nesting is bounded before the parser sees it: in every form, and never for brackets that are
text.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from yaml.cyaml import CParser  # type: ignore[attr-defined]
from yaml.error import YAMLError
from yaml.events import CollectionEndEvent, CollectionStartEvent

from power_edge.config import ConfigError, yaml_reader
from power_edge.config.nesting import cut_before_too_deep
from power_edge.config.yaml_reader import MAX_DEPTH, read

DEEP = 2000
"""More than the nesting limit of any libyaml, and more than it reads ahead."""


def problem(data: str) -> str:
    try:
        (found,) = read(data.encode(), "f").problems
    except ConfigError as error:
        (found,) = error.problems
    return str(found)


@pytest.mark.parametrize(
    ("data", "place"),
    [
        ("a: " + "[" * DEEP, "1:53"),
        ("a: " + "{" * DEEP, "1:53"),
        ("a: " + "[{" * DEEP, "1:53"),
        ("a: " + "{a: " * DEEP, "1:200"),
        ("a: " + "[? " * DEEP, "1:77"),
        ("a: " + "[ " * DEEP, "1:102"),
        ("a: " + "[\n " * DEEP, "50:2"),
        ("a: " + "&a [" * DEEP, "1:200"),
        ("- " * DEEP, "1:101"),
        ("? " * DEEP, "1:101"),
        ("- ? " * DEEP, "1:101"),
        ("".join(" " * level + "a:\n" for level in range(DEEP)), "51:51"),
        ("- " * 40 + "[" * DEEP, "1:91"),
        ("? " * 40 + "{" * DEEP, "1:91"),
        ("a: " + "[" * DEEP + "]" * DEEP, "1:53"),
        ("a: " + "[[]," * DEEP, "1:197"),
        ("a: '" + "[" * DEEP + "'\nb: " + "[" * DEEP, "2:53"),
        ("a: |\n  " + "[" * DEEP + "\nb: " + "[" * DEEP, "3:53"),
        ("a: x # " + "[" * DEEP + "\nb: " + "[" * DEEP, "2:53"),
        ("a: ['" + "]" * DEEP + "', " + "[" * DEEP, f"1:{DEEP + 57}"),
        ("a: x\n  y\nb: " + "[" * DEEP, "3:53"),
        ("a: x\r\nb: " + "[" * DEEP, "2:53"),
        ("\ufeffa: " + "[" * DEEP, "1:53"),
        ("a: x\n...\n%YAML 1.1\n---\n" + "[" * DEEP, None),
    ],
)
def test_deep(data: str, place: str | None) -> None:
    found = problem(data)
    if place is None:
        assert "second document" in found
    else:
        assert found == f"f:{place}: is nested more than {MAX_DEPTH} levels deep"


@pytest.mark.parametrize(
    "data",
    [
        "a: '{}'\n",
        'a: "{}"\n',
        'a: "\\"{}"\n',
        "a: ''''\nb: '{}'\n",
        "a: '\n  {}\n  '\n",
        "a: 1 # {}\n",
        "# {}\na: 1\n",
        "a: x{}\n",
        "a: x\n  {}\nb: 1\n",
        "a: x\n\n  {}\nb: 1\n",
        "a: |\n  {}\n",
        "a: |\n\n   \n    {}\n  \nb: 1\n",
        "a: >-\n  x\n  {}\n\nb: 1\n",
        "a: |2-\n    {}\n  {}\nb: 1\n",
        "a:\n  - |\n   {}\n  - x\n",
        "a: [x, '{}', \"{}\"]\n",
        "a: [ # {}\n  x]\n",
        "{{a: '{}'}}\n",
        "? '{}'\n: 1\n",
        "- a: x\n  b: x{}\n- '{}'\n",
    ],
)
def test_brackets_in_text(data: str) -> None:
    brackets = "[" * DEEP
    data = data.replace("{}", brackets).replace("{{", "{").replace("}}", "}")
    if data.startswith("- "):
        assert "must be a mapping" in problem(data)
    else:
        assert read(data.encode(), "f").problems == ()


@pytest.mark.parametrize("unit", ["[1],", "{a: 1},", "[[1], {a: [2]}],", "'[',", "- ,"])
def test_many_side_by_side_are_not_deep(unit: str) -> None:
    data = f"a: [{unit * DEEP}]\n" if unit != "- ," else "a:\n" + "- - - x\n" * DEEP
    assert read(data.encode(), "f").problems == ()


@pytest.mark.parametrize("depth", [MAX_DEPTH - 1, MAX_DEPTH])
def test_the_limit(depth: int) -> None:
    data = "a: " + "[" * depth + "]" * depth
    if depth < MAX_DEPTH:
        assert read(data.encode(), "f").problems == ()
    else:
        assert "is nested more than" in problem(data)


def test_the_parser_sees_one_level_too_many_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    observed = []

    def parser(data: bytes) -> CParser:
        observed.append(data)
        return CParser(data)

    monkeypatch.setattr(yaml_reader, "CParser", parser)
    assert "is nested more than" in problem("a: " + "[" * DEEP)
    assert observed == [b"a: " + b"[" * MAX_DEPTH]


def test_where_the_tokens_were_misread_the_parser_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_reader, "cut_before_too_deep", lambda text, limit: 5)
    assert read(b"a: '[['\n", "f").value == {"a": "[["}


TOKENS = (
    *(
        "[",
        "]",
        "{",
        "}",
        ",",
        ": ",
        "- ",
        "? ",
        "\n",
        "\n  ",
        "\n ",
        "a",
        "b: ",
        "'",
        '"',
        "#",
        " #",
        " ",
    ),
    *(
        "|\n",
        "> \n",
        "|2-\n",
        "&x ",
        "*x",
        "!t ",
        "\\",
        "- a",
        "[a",
        "'[[[' ",
        '"[" ',
        "# [[[\n",
        "---\n",
    ),
    *("...\n", ":", ":a", "%", "[]", "{}", "?", "\t", "\n    ", "x: |\n   [[[\n", "''"),
)


SUSPICIOUS = f"#{'[' * DEEP}\n"
"""A line that makes the scanner read the whole text."""


@given(st.lists(st.sampled_from(TOKENS), max_size=14).map("".join))
@settings(max_examples=2000, deadline=None)
def test_what_is_called_deep_is_deep(text: str) -> None:
    """A text that the parser can read is cut only if it is nested too deep."""
    depth = deepest = 0
    next_event = CParser(text.encode()).get_event
    try:
        while (event := next_event()) is not None:
            depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
            deepest = max(deepest, depth)
    except YAMLError:
        return
    assert cut_before_too_deep(SUSPICIOUS + text, deepest) is None
