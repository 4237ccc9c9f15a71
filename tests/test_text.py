"""Text that a stranger wrote, as it is shown."""

import io
import json
import unicodedata
from textwrap import wrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from power_edge.config.error import refuse, shown
from power_edge.text import Screen, identifier, printable, printable_json, readable
from tests.hostile.values import obeyed

COMMANDS = ("::error::x", "::add-mask::x", "::set-output name=a::b", "##[error]x", "##vso[task.setvariable]x", "##teamcity[x]", "##[group]")
HOSTILE = st.text(st.one_of(st.characters(), st.sampled_from("\x1b\x9b\x07\r\n\t :#[]"))) | st.lists(
    st.sampled_from([*COMMANDS, "\x1b]0;owned\x07", "\x1b[2J", "\x9b1m", "\u202e", "\u2066", "\ud800", "\udcff", " ", "a", "x" * 49])
).map("".join)


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
        ("from 2001:db8:aaaa:bbbb:cccc:dddd:eeee::a/128 to 2001:db8::b", "from 2001:db8:aaaa:bbbb:cccc:dddd:eeee::a/128 to 2001:db8::b"),
        (f"{'x' * 60}::error::x", rf"{'x' * 60}:\x3aerror:\x3ax"),
    ],
)
def test_what_is_shown(text: str, safe: str) -> None:
    assert printable(text) == safe


@given(HOSTILE)
def test_nothing_is_obeyed_wherever_a_line_is_wrapped(text: str) -> None:
    safe = printable(text)
    assert safe.isprintable()
    assert not any(unicodedata.category(each).startswith("C") for each in safe)
    for width in (10, 20, 78):
        assert not any(map(obeyed, wrap(safe, width, break_long_words=False, break_on_hyphens=False)))
    for width in (50, 64, 78):
        assert not any(map(obeyed, wrap(safe, width)))
    assert printable(safe) == safe


@given(HOSTILE)
def test_a_message_about_a_hostile_value_is_one_harmless_line(text: str) -> None:
    message = str(refuse(f"node-configs/{text}/state.yaml", f"{text}: {shown(text)}", text))
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
    ("pieces", "shown"),
    [
        (["a\x1b[31mb\n"], "a\\x1b[31mb\n"),
        (["a\tb\r\n"], "a       b\\r\n"),
        (["  ::error::x\n"], "  :\\x3aerror:\\x3ax\n"),
        (["  ::err", "or::x\n"], "  ::error:\\x3ax\n"),
        (["::error", "::x"], "::error:\\x3ax"),
        (["a\n", " ::error::x"], "a\n :\\x3aerror:\\x3ax"),
        (["a ::error::x"], "a ::error::x"),
        (["::1 is an address\n"], "::1 is an address\n"),
        (["x##[group]y"], "x#\\x23[group]y"),
        (["node-configs/a/test_own.py::TestOne::test_it[a] ", "PASSED"], "node-configs/a/test_own.py::TestOne::test_it[a] PASSED"),
    ],
)
def test_what_gets_through_a_screen(pieces: list[str], shown: str) -> None:
    assert through(*pieces) == shown


def test_colours_get_through_where_there_are_any() -> None:
    assert through("\x1b[1m\rcollecting ... \x1b[0m", colours=True) == "\x1b[1m\rcollecting ... \x1b[0m"
    assert through("\x1b[31ma\x1b[0m\x1b[2J\x1b]0;x\x07", colours=True) == "\x1b[31ma\x1b[0m\\x1b[2J\\x1b]0;x\\x07"
    assert through("a\rb", colours=True) == "a\\rb"


@given(st.lists(HOSTILE))
def test_nothing_that_gets_through_a_screen_is_obeyed(pieces: list[str]) -> None:
    for line in through("".join(pieces)).split("\n"):
        assert line.isprintable()
        assert not obeyed(line)
    assert not any(line.lstrip().startswith("::") and "##" not in line and obeyed(line) for line in through(*pieces).split("\n"))


@given(st.recursive(HOSTILE | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(HOSTILE, inner), max_leaves=10))
def test_json_that_is_shown_says_the_same(value: object) -> None:
    value = json.loads(json.dumps(value))  # two halves of a surrogate pair that stand together are one character in JSON
    text = json.dumps(value, ensure_ascii=False, indent=1)
    shown = printable_json(text)
    assert json.loads(shown) == json.loads(text)
    assert not any(obeyed(line) or not line.isprintable() for line in shown.split("\n"))
