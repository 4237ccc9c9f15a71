"""What is written as YAML is read the same by all of its readers, and a comment is a comment
whatever it holds.
"""

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from power_edge.config import load_state
from power_edge.config.yaml_reader import read
from power_edge.yaml_edit.writer import WIDTH, Entry, NewDocument, Paragraph, emit, plain, scalar

TRAPS = (
    "", "on", "no", "yes", "Off", "y", "N", "~", "null", "Null", "true", "=", "<<", "0644", "0o17", "0x1F", "08", "1", "-1", "+1", "1.0", "1e3",
    "1_000", "12:30", "1:2:3", ".inf", ".NaN", "2026-01-30", "2026-01-30T23:15:05Z", "9" * 40, "-", "- a", "--- a", "---", "...", "?", "? a", ":",
    "a:", "a: b", "a #b", "#", "a,b", "[a", "{a}", "&a", "*a", "!a", "%a", "@a", "`a", "|", ">", "'a'", '"a"', "\\", " a", "a ", "a\n", "\na",
    "a\n\nb",
    "a\tb", "\t", "\r", "\r\n", "\0", "\x1b[2J", "\x7f", "\x85", "\xa0", "\u2028", "\ufeff", "\ufffe", "é", "😀", "fd00::/8", "::1", "a" * 300,
)  # fmt: skip
texts = (
    st.sampled_from(TRAPS)
    | st.text(st.characters(codec="utf-8"), max_size=40)
    | st.text("0123456789.:-+_exyno~ #'\"\\\n\t", max_size=12)
)
keys = texts.filter(lambda key: len(key) < 200 and key != "<<")  # a merge key, to our reader
scalars = (
    texts
    | st.booleans()
    | st.none()
    | st.integers(-(10**17), 10**17)
    | st.floats(allow_nan=False, allow_infinity=False, width=16)
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=8,
)
hostile = st.text(max_size=60) | st.sampled_from(
    ["a\nb: c", "a\r\n- b", "\x85c", "\u2028x: 1", "\x1b]0;x\x07", "\ud800", "# a", "a " * 80]
)


def read_by_all(text: str) -> dict[str, Any]:
    """The value, by our reader, PyYAML (1.1) and ruamel.yaml (1.2 and 1.1)."""
    document = read(text.encode(), "f")
    assert document.problems == ()
    observed = [document.value, yaml.safe_load(text)]
    for version in ("1.2", "1.1"):
        reader = YAML(typ="safe", pure=True)
        reader.version = version
        observed.append(reader.load(text))
    assert all(repr(value) == repr(document.value) for value in observed)
    return document.value


@pytest.mark.parametrize("text", TRAPS)
def test_text_stays_text(text: str) -> None:
    assert read_by_all(f"a: {scalar(text)}\nb: [{scalar(text, in_flow=True)}, 1]\n") == {
        "a": text,
        "b": [text, 1],
    }


@settings(deadline=None)
@given(texts)
def test_any_text_stays_text(text: str) -> None:
    test_text_stays_text(text)


@pytest.mark.parametrize(
    "text",
    ["running", "/etc/ssh/sshd_config", "10.8.0.1", "nobody", "6.14.0-35-generic", "a'b", "é"],
)
def test_what_needs_no_quotes_has_none(text: str) -> None:
    assert scalar(text) == text


@pytest.mark.parametrize("value", [float("inf"), float("nan"), 10**18, "\udcff", b"a"])
def test_what_no_file_can_hold(value: Any) -> None:
    with pytest.raises(ValueError, match="cannot be written in YAML"):
        scalar(value)


def commented(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    comment = st.lists(hostile, max_size=2).map(tuple)
    listed = st.lists(st.builds(Entry, inner, comment, st.none()), max_size=3)
    mapped = st.lists(
        st.builds(Entry, inner, comment, keys), max_size=3, unique_by=lambda entry: entry.key
    )
    return (listed | mapped).map(tuple)


@settings(deadline=None)
@given(st.lists(st.builds(Paragraph, st.from_regex("[a-z]{1,9}", fullmatch=True), values | commented(values | commented(values)),
                          st.lists(hostile, max_size=2).map(tuple), st.lists(hostile, max_size=2).map(tuple)),
                unique_by=lambda paragraph: paragraph.name, max_size=4))  # fmt: skip
def test_any_document(paragraphs: list[Paragraph]) -> None:
    text = emit(NewDocument((Paragraph("version", "1.0"), *paragraphs), "s.json"))
    wanted = {
        paragraph.name: plain(paragraph.entries)
        for paragraph in paragraphs
        if paragraph.entries not in ((), [], {})
    }
    assert read_by_all(text) == {"version": "1.0", **wanted}
    assert all(line.isprintable() for line in text.split("\n"))


def test_a_whole_file() -> None:
    long = "enabled by hand on a day long ago, when nobody thought of writing down why it was needed, and still is"
    document = NewDocument(
        (
            Paragraph("version", "1.0"),
            Paragraph(
                "metadata", {"site": "rig-07", "environment": "production", "labels": {"on": "no"}}
            ),
            Paragraph(
                "services",
                (
                    Entry({"name": "ssh", "state": "running"}, (long,)),
                    Entry({"name": "cron", "enabled": True}),
                ),
                ("Units",),
            ),
            Paragraph(
                "sysctl",
                (Entry("4096\t8192", ("/etc/sysctl.d/9.conf:\nx: y",), "net.ipv4.tcp_mem"),),
                (),
                ("kernel.panic: as by default",),
            ),
            Paragraph("packages", (), (), ("vim: asked for by nobody",)),
            Paragraph(
                "firewall",
                (
                    Entry(True, ("ufw",), "enabled"),
                    Entry(
                        (
                            Entry(
                                {"port": 22, "from": "fd00::1", "proto": "tcp", "action": "allow"},
                                ("SSH",),
                            ),
                        ),
                        (),
                        "rules",
                    ),
                ),
            ),
            Paragraph("files", ()),
        ),
        "../state.json",
    )
    text = emit(document)
    assert text == (
        "# yaml-language-server: $schema=../state.json\n"
        'version: "1.0"\n\nmetadata:\n  site: rig-07\n  environment: production\n  labels:\n    "on": "no"\n\n'
        "# Units\nservices:\n"
        "# enabled by hand on a day long ago, when nobody thought of writing down why it was needed, and\n# still is\n"
        "- name: ssh\n  state: running\n- name: cron\n  enabled: true\n\n"
        'sysctl:\n  net.ipv4.tcp_mem: "4096\\t8192"  # /etc/sysctl.d/9.conf: x: y\n# kernel.panic: as by default\n\n'
        "# vim: asked for by nobody\n\n"
        'firewall:\n  enabled: true  # ufw\n  rules:\n  - {port: 22, from: "fd00::1", proto: tcp, action: allow}  # SSH\n'
    )
    assert max(map(len, text.splitlines())) <= WIDTH
    assert [item.name for item in load_state(text.encode(), "f", "n").items][-2:] == [
        "enabled",
        "allow 22/tcp from fd00::1 to any",
    ]


@pytest.mark.parametrize("room", [-1, 0, 1])
@pytest.mark.parametrize("key", [None, "key"])
def test_a_comment_stands_beside_its_line_where_there_is_room(room: int, key: str | None) -> None:
    """The line has WIDTH columns at most, two blanks before the comment among them."""
    first = "- value" if key is None else "  key: value"
    comment = "x" * (WIDTH - len(f"{first}  # ") - room)
    written = emit(NewDocument((Paragraph("a", (Entry("value", (comment,), key),)),))).splitlines()[
        1:
    ]
    beside = [f"{first}  # {comment}"]
    assert written == (
        beside if room >= 0 else [f"{'' if key is None else '  '}# {comment}", first]
    )
    assert len(beside[0]) == WIDTH - room


def test_several_comments_stand_above_their_line() -> None:
    written = emit(NewDocument((Paragraph("a", (Entry("value", ("one", "two")),)),))).splitlines()[
        1:
    ]
    assert written == ["# one", "# two", "- value"]


def test_a_comment_never_stands_beside_another_one() -> None:
    """The first line of an entry can be the comment of what it holds."""
    inner = (Entry("x" * WIDTH, ("inner",)), Entry("y"))
    written = emit(NewDocument((Paragraph("a", (Entry(inner, ("outer",)),)),))).splitlines()[1:]
    assert written[:2] == ["# outer", "  # inner"]


@pytest.mark.parametrize("length", [999, 1001, 1030, 5000])
@pytest.mark.parametrize(
    "value", ["x", {"a": "x"}, ["x", {"a": {"b": "x"}}], [], {"k" * 2000: "x"}]
)
def test_a_key_of_any_length_is_one(length: int, value: Any) -> None:
    """A reader looks for the colon of a key 1024 characters far."""
    document = NewDocument((Paragraph("a", {"k" * length: value, "b": "x"}),))
    text = emit(document)
    assert yaml.safe_load(text) == {"a": {"k" * length: value, "b": "x"}}
    assert read(text.encode(), "a").value == {"a": {"k" * length: value, "b": "x"}}
