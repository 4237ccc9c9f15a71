"""Strict reading of YAML: what is refused, where, and with which hint."""

import pytest

from power_edge.config import ConfigError
from power_edge.config.yaml_reader import MAX_BYTES, MAX_DEPTH, MAX_VALUES, read


def problems(data: bytes) -> list[str]:
    """The problems of a document, also those that leave it a value."""
    try:
        return [str(problem) for problem in read(data, "f").problems]
    except ConfigError as error:
        return [str(problem) for problem in error.problems]


def test_places_of_keys_and_values() -> None:
    document = read(b"a:\n  b: [x, {c: y}]\n", "f")
    assert document.value == {"a": {"b": ["x", {"c": "y"}]}}
    assert document.problems == ()
    assert document.find(("a", "b"), key=True)[1:] == (2, 3)
    assert document.find(("a", "b"))[1:] == (2, 6)
    assert document.find(("a", "b", 1, "c"))[1:] == (2, 14)
    assert document.find(("a", "b", 7, "nowhere"))[1:] == (2, 6)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("False", False),
        ("~", None),
        ("null", None),
        ("", None),
        ("0", 0),
        ("-12", -12),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("'0644'", "0644"),
        ('"yes"', "yes"),
        ("2026-01-30T23:15:05Z", "2026-01-30T23:15:05Z"),
        ("10.8.0.1", "10.8.0.1"),
        ("fd00::/8", "fd00::/8"),
        ("|\n  a\n  b\n", "a\nb\n"),
        ("n", "n"),
        ("nobody", "nobody"),
        ("offline", "offline"),
        ("yes please", "yes please"),
        ("-rf", "-rf"),
        ("--help", "--help"),
        ("6.14.0-35-generic", "6.14.0-35-generic"),
        ("1.8.2-r0", "1.8.2-r0"),
        ("00ff", "00ff"),
        ("1.5.", "1.5."),
        ("12:99", "12:99"),
        (".d", ".d"),
    ],
)
def test_plain_values(text: str, value: object) -> None:
    document = read(f"key: {text}".encode(), "f")
    assert document.problems == ()
    assert document.value["key"] == value
    assert type(document.value["key"]) is type(value)


@pytest.mark.parametrize(
    "text",
    [
        "yes",
        "No",
        "ON",
        "off",
        "0644",
        "0o17",
        "0x1F",
        "0b1",
        "1_000",
        "22:30",
        "1:2:3",
        "08",
        ".inf",
        "-.Inf",
        ".nan",
        "9" * 19,
        "1e999",
        "+0644",
        "1_0.5",
    ],
)
def test_what_versions_of_yaml_read_differently_goes_in_quotes(text: str) -> None:
    (problem,) = problems(f"a: 1\nkey: {text}".encode())
    assert problem.startswith("f:2:6: ")
    assert f'"{text}"' in problem
    assert read(f"key: {text}".encode(), "f").value["key"] == text
    assert problems(f'key: "{text}"'.encode()) == []


def test_a_range_of_ports_with_a_colon_is_written_with_a_dash() -> None:
    (problem,) = problems(b"a: 1\nfirewall: [{port: 22:23}]")
    assert problem.startswith("f:2:19: ")
    assert "(a range of ports has a dash: 22-23)" in problem


@pytest.mark.parametrize(
    ("data", "place", "words"),
    [
        (b"", "1:1", "is empty"),
        (b"# nothing\n---\n", "1:1", "is empty"),
        (b"null\n", "1:1", "is empty"),
        (b"- a\n", "1:1", "must be a mapping"),
        (b"just words", "1:1", "must be a mapping"),
        (b"a: b\nc: [1, 2", "3:1", "the file ends too early"),
        (b"a: b\nc: 'x\n\n", "4:1", "that begins on line 2"),
        (b"a: b\n c: d\n", "2:3", "is not valid YAML"),
        (b"a: b\n\xff\n", "2:1", "not UTF-8"),
        (b"\xff\xfea\0:\0", "1:1", "not UTF-8"),
        (b"\x7fELF\x02\x01\x01\0\0", "1:1", "NUL"),
        (b"a: \x1b[31m", "1:4", "control characters"),
        (b"a: 1\n---\nb: 2\n", "2:1", "second document"),
        (b"? [a]\n: b\n", "1:3", "a key must be text"),
        (b"? {a: b}\n: b\n", "1:3", "a key must be text"),
        (b"a: *b\n", "1:4", "an alias"),
        (b"a: &a [*a]\n", "1:8", "an alias"),
        (b"a: &a {b: &a [*a]}\n", "1:15", "an alias"),
        (b"a: &a 1\nb: &a [*a]\n", "2:8", "an alias"),
    ],
)
def test_what_is_no_document(data: bytes, place: str, words: str) -> None:
    (problem,) = problems(data)
    assert problem.startswith(f"f:{place}: ")
    assert words in problem


@pytest.mark.parametrize(
    ("data", "place", "words"),
    [
        (b"a: 1\nb: 2\na: 3\n", "3:1", "first on line 1"),
        (b"x: {a: 1, 'a': 2}\n", "1:11", "first on line 1"),
        (b"yes: 1\n", "1:1", '"yes"'),
        (b"1: x\n", "1:1", "write it in quotes"),
        (b"true: x\n", "1:1", 'write it in quotes: "true"'),
        (b"~: x\n", "1:1", 'write it in quotes: "null"'),
        (b"a: {<<: {b: 1}}\n", "1:5", "merge keys"),
        (b"a: !!str 1\n", "1:4", "tags (!...) are not supported"),
        (b"a: !!python/object/apply:os.system [id]\n", "1:4", "tags (!...) are not supported"),
    ],
)
def test_what_is_wrong_and_leaves_a_value(data: bytes, place: str, words: str) -> None:
    (problem,) = problems(data)
    assert problem.startswith(f"f:{place}: ")
    assert words in problem
    assert isinstance(read(data, "f").value, dict)


def test_all_problems_at_once() -> None:
    assert len(problems(b"a: yes\na: 010\nb: !x c\n")) == 4


def test_an_alias_stands_for_its_value() -> None:
    document = read(b"a: &x {b: &y [1]}\nc: *x\nd: *y\n", "f")
    assert document.value == {"a": {"b": [1]}, "c": {"b": [1]}, "d": [1]}
    assert document.find(("c", "b", 0))[1:] == (1, 15)


def test_an_anchor_inside_of_its_namesake() -> None:
    assert read(b"a: &x [&x [1], 2]\nb: *x\n", "f").value["b"] == [[1], 2]


def test_a_bomb_of_aliases() -> None:
    lines = ["a0: &a0 [" + "x, " * 9 + "x]"] + [
        f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 30)
    ]
    (problem,) = problems("\n".join(lines).encode())
    assert f"more than {MAX_VALUES} values" in problem


@pytest.mark.parametrize("opening", [b"[", b"{a: ", b"- ", b"? "])
def test_deep_nesting(opening: bytes) -> None:
    (problem,) = problems(opening * (MAX_BYTES // len(opening)))
    assert f"nested more than {MAX_DEPTH} levels deep" in problem


def test_a_huge_file() -> None:
    (problem,) = problems(b"a: 1\n" + b"#" * (10 << 20))
    assert "larger than 4 MiB" in problem


def test_many_problems_are_cut_short() -> None:
    assert 100 <= len(problems(b"a: yes\n" * 10_000)) <= 101
