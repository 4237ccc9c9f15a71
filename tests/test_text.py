"""A stranger's text is made safe to show."""

import io
import json
import re
import unicodedata
from collections.abc import Callable
from itertools import pairwise
from textwrap import wrap

import pytest
from _pytest._io import TerminalWriter
from hypothesis import example, given
from hypothesis import strategies as st

from power_edge.checking.cpu_limit import CpuLimit
from power_edge.config.error import refuse
from power_edge.text import (
    Screen,
    command_in,
    did_you_mean,
    identifier,
    printable,
    printable_json,
    quoted,
    readable,
)
from tests.support.hostile.values import obeyed

COMMANDS = (
    "::error::x",
    "::add-mask::x",
    "::set-output name=a::b",
    "##[error]x",
    "##vso[task.setvariable]x",
    "##teamcity[x]",
    "##[group]",
)
HOSTILE = st.text(
    st.one_of(st.characters(), st.sampled_from("\x1b\x9b\x07\r\n\t :#[]"))
) | st.lists(
    st.sampled_from(
        [
            *COMMANDS,
            "\x1b]0;owned\x07",
            "\x1b[2J",
            "\x9b1m",
            "\u202e",
            "\u2066",
            "\ud800",
            "\udcff",
            " ",
            "a",
            "x" * 49,
        ]
    )
).map("".join)
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
PARTS = [
    "\x1b[31m",
    "\x1b[0m",
    "\x1b[8m",
    "\r",
    ":",
    "::",
    "#",
    "##",
    "[",
    "vso",
    "error ",
    " ",
    "\n",
    "\x1b[",
]
COLOURED = st.lists(st.sampled_from(PARTS)).map("".join)


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("größe (a b) 日本", "größe (a b) 日本"),
        ("a\x1b]0;x\x07\n", r"a\x1b]0;x\x07\n"),
        ("\u202etxt.exe", r"\u202etxt.exe"),
        ("\udcff", r"\xff"),
        ("::error::x", r":\x3aerror::x"),
        ("why: ::error file=a::x", r"why: :\x3aerror file=a::x"),
        ("##[error]x", r"#\x23[error]x"),
        ("from ::/0 to ::1, ::ffff:10.0.0.1", "from ::/0 to ::1, ::ffff:10.0.0.1"),
        ("node-configs/a/state.yaml::services[cron]", "node-configs/a/state.yaml::services[cron]"),
        ("## heading, a::b::c", "## heading, a::b::c"),
        (
            "from 2001:db8:aaaa:bbbb:cccc:dddd:eeee::a/128 to 2001:db8::b",
            "from 2001:db8:aaaa:bbbb:cccc:dddd:eeee::a/128 to 2001:db8::b",
        ),
        (f"{'x' * 60}::error::x", rf"{'x' * 60}:\x3aerror:\x3ax"),
    ],
)
def test_what_is_shown(text: str, safe: str) -> None:
    assert printable(text) == safe


@given(HOSTILE)
@example("##[" * 14 + "::error x::")
def test_nothing_is_obeyed_wherever_a_line_is_wrapped(text: str) -> None:
    safe = printable(text)
    assert safe.isprintable()
    assert not any(unicodedata.category(each).startswith("C") for each in safe)
    for width in (10, 20, 78):
        assert not any(
            map(obeyed, wrap(safe, width, break_long_words=False, break_on_hyphens=False))
        )
    for width in (50, 64, 78):
        assert not any(map(obeyed, wrap(safe, width)))
    assert printable(safe) == safe


@pytest.mark.parametrize("piece", ["::a ", f"::{'a' * 1000}", "##a", "#", ":", "a::a"])
@pytest.mark.parametrize("shown", [printable, printable_json, identifier, command_in])
def test_a_megabyte_of_beginnings_of_commands(shown: Callable[[str], object], piece: str) -> None:
    """A node that said `::a ::a ...` on stderr, 60 KB of it, held up the run for minutes: each
    beginning was followed by a look at all the rest.
    """
    text = piece * ((1 << 20) // len(piece))
    CpuLimit(60).spend(lambda: shown(text))


@given(HOSTILE)
def test_a_message_about_a_hostile_value_is_one_harmless_line(text: str) -> None:
    message = str(refuse(f"node-configs/{text}/state.yaml", f"{text}: {quoted(text)}", text))
    assert message.isprintable()
    assert not obeyed(message)


@given(HOSTILE)
def test_an_id_begins_no_tag(text: str) -> None:
    assert not {"<", "&"} & {*identifier(text)}


@given(st.text())
def test_readable_text_can_be_encoded(text: str) -> None:
    readable(text.encode("utf-8", "surrogatepass").decode("utf-8", "surrogateescape")).encode()


def through(*pieces: str, colours: bool = False) -> str:
    stream = io.StringIO()
    screen = Screen(stream, colours=colours)
    for piece in pieces:
        assert screen.write(piece) == len(piece)
    screen.flush()
    return stream.getvalue()


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        (["a\x1b[31mb\n"], "a\\x1b[31mb\n"),
        (["a\tb\r\n"], "a       b\\r\n"),
        (["  ::error::x\n"], "  :\\x3aerror::x\n"),
        (["  ::err", "or::x\n"], "  :\\x3aerror::x\n"),
        (["::error a:", ":evil\n"], ":\\x3aerror a::evil\n"),
        (["::error ", ":", ":x"], ":\\x3aerror ::x"),
        ([" ", ":", "", ":error::x"], " :\\x3aerror::x"),
        (["##", "[error]x"], "##\\x5berror]x"),
        (["a #", "#", "vs", "o", "[task.x]"], "a ##vso\\x5btask.x]"),
        (["#", "\n#[error]"], "#\n#[error]"),
        (["##\n", "[error]"], "##\n[error]"),
        (["## a", "[1]"], "## a[1]"),
        (["a\n", " ::error::x"], "a\n :\\x3aerror::x"),
        (["a ::error::x"], "a ::error::x"),
        (["::1 is an address\n"], ":\\x3a1 is an address\n"),
        (["x##[group]y"], "x##\\x5bgroup]y"),
        (
            ["node-configs/a/test_own.py::TestOne::test_it[a] ", "PASSED"],
            "node-configs/a/test_own.py::TestOne::test_it[a] PASSED",
        ),
    ],
)
def test_what_gets_through_a_screen(pieces: list[str], expected: str) -> None:
    assert through(*pieces) == expected


def test_colours_get_through_where_there_are_any() -> None:
    assert (
        through("\x1b[1m\rcollecting ... \x1b[0m", colours=True)
        == "\x1b[1m\rcollecting ... \x1b[0m"
    )
    assert (
        through("\x1b[31ma\x1b[0m\x1b[2J\x1b]0;x\x07", colours=True)
        == "\x1b[31ma\x1b[0m\\x1b[2J\\x1b]0;x\\x07"
    )
    assert through("a\rb", colours=True) == "a\\rb"
    assert through("failed\x1b[0m\rpassed", colours=True) == "failed\x1b[0m\\rpassed"


def test_a_carriage_return_begins_a_line() -> None:
    assert through("a", "\r::error::x", colours=True) == "a\r:\\x3aerror::x"


@pytest.mark.parametrize(
    "codes", ["8", "0;8", "30", "40", "31;41", "38;5;0", "38;2;0;0;0", "48;5;1", "6", "1" * 5000]
)
def test_what_could_hide_text_is_no_colour(codes: str) -> None:
    assert through(f"a\x1b[{codes}mb", colours=True) == f"a\\x1b[{codes}mb"


def test_all_that_pytest_writes_is_a_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    source = "@x.y\nclass A(B):\n    'doc'\n    async def f(self, *x: int) -> None:  # why\n        return f'{x!r:>3}\\n' + 0x1f if x else None\n"
    for mode in ("dark", "light"):
        monkeypatch.setenv("PYTEST_THEME_MODE", mode)
        stream = io.StringIO()
        writer = TerminalWriter(stream)
        writer.hasmarkup = True
        for colour in (
            "bold",
            "light",
            "blink",
            "invert",
            "red",
            "green",
            "yellow",
            "blue",
            "purple",
            "cyan",
            "white",
        ):
            writer.write("a", **{colour: True})
        writer._write_source(source.split("\n"))
        writer.write(writer._highlight("- a\n+ b\n? ^\n@@ 1 @@\n", lexer="diff"))
        assert through(stream.getvalue(), colours=True) == stream.getvalue()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("::error \x1b[31m:\x1b[0m:x", ":\\x3aerror \x1b[31m:\x1b[0m:x"),
        ("\x1b[31m:\x1b[0m:error::x", "\x1b[31m:\x1b[0m\\x3aerror::x"),
        (" \x1b[31m ::error::x", " \x1b[31m :\\x3aerror::x"),
        ("#\x1b[31m#\x1b[0mvso\x1b[1m[x]", "#\x1b[31m#\x1b[0mvso\x1b[1m\\x5bx]"),
    ],
)
def test_colours_do_not_part_a_command(text: str, expected: str) -> None:
    assert through(text, colours=True) == expected


def split(text: str, places: list[int]) -> list[str]:
    """A text in pieces, some of them empty."""
    cuts = sorted(place % (len(text) + 1) for place in places)
    return [text[start:end] for start, end in pairwise([0, *cuts, len(text)])]


PLACES = st.lists(st.integers(0, 1000), max_size=12)


@given(st.lists(HOSTILE | COLOURED).map("".join), PLACES, st.booleans())
def test_nothing_that_gets_through_a_screen_is_obeyed(
    text: str, places: list[int], colours: bool
) -> None:
    """The same holds if a reader of the log removes colours, or ends lines at carriage returns."""
    for line in re.split("[\n\r]", COLOUR.sub("", through(*split(text, places), colours=colours))):
        assert line.isprintable()
        assert not line.lstrip().startswith("::")
        assert not obeyed(line)
        assert not re.search(r"##[A-Za-z]*\[", line)


@given(HOSTILE, PLACES)
def test_pieces_get_through_a_screen_as_the_whole_does(text: str, places: list[int]) -> None:
    text = text.replace("\t", "")  # a tab is as wide as its place in the piece says
    assert through(*split(text, places)) == through(text)


@given(
    st.recursive(
        HOSTILE | st.integers(),
        lambda inner: st.lists(inner) | st.dictionaries(HOSTILE, inner),
        max_leaves=10,
    )
)
def test_json_that_is_shown_says_the_same(value: object) -> None:
    value = json.loads(
        json.dumps(value)
    )  # two halves of a surrogate pair that stand together are one character in JSON
    text = json.dumps(value, ensure_ascii=False, indent=1)
    expected = printable_json(text)
    doubled = "".join(
        readable(each).replace("\\", "\\\\") if "\ud800" <= each <= "\udfff" else each
        for each in text
    )
    assert json.loads(expected) == json.loads(doubled)
    assert not any(obeyed(line) or not line.isprintable() for line in expected.split("\n"))


@pytest.mark.parametrize(
    ("word", "most", "hint"),
    [
        ("STATE", 1, "did you mean state?"),
        ("rig-8", 2, "did you mean Rig-7 or rig-9?"),
        ("esc", 1, r"did you mean esc\x1b?"),
        ("nothing like it", 1, None),
    ],
)
def test_a_hint_names_the_most_similar_words(word: str, most: int, hint: str | None) -> None:
    found = did_you_mean(word, ["state", "Rig-7", "rig-9", "esc\x1b"], most=most)
    assert found is not None if hint else found is None
    assert hint is None or sorted(re.findall(r"[^ ?]+", found or "")) == sorted(
        re.findall(r"[^ ?]+", hint)
    )
