"""Edit files in place: the change that was requested, and not a byte beside it."""

from contextlib import suppress
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from power_edge.config import ConfigError
from power_edge.config.yaml_reader import read
from power_edge.yaml_edit.edit import Add, Edit, EditRefused, Put, Remove, YamlPath, edit
from power_edge.yaml_edit.layout import at
from power_edge.yaml_edit.writer import Entry, plain, scalar


class Line(NamedTuple):
    """A line of a generated file, and the path of the value that it belongs to."""

    text: str
    owner: YamlPath


class Sample(NamedTuple):
    text: str
    lines: list[Line]
    flows: frozenset[YamlPath]
    """Collections in flow style: a line changes with everything in it."""


WORDS = (
    "running",
    "on",
    "0644",
    "a b",
    "it's",
    'say "x"',
    "12:30",
    "é",
    "a, b",
    "x: y",
    "c # d",
    "",
    "|/usr/bin/x %p",
    "[a",
    "~",
)
words = st.sampled_from(WORDS)
leaves = words | st.booleans() | st.none() | st.integers(-9, 9)
names = st.sampled_from(["name", "state", "vm.swappiness", "on", "enabled", "a b", "from"])


@st.composite
def files(draw: st.DrawFn) -> Sample:
    """A file as people write them: block and flow style, indentation, quotes, comments, blank
    lines, line ends.
    """
    lines: list[Line] = []
    flows: set[YamlPath] = set()
    numbers = iter(range(1000))

    def written(value: Any, in_flow: bool) -> str:
        styles = [scalar(value, in_flow=in_flow)]
        if isinstance(value, str):
            styles += [
                "'{}'".format(value.replace("'", "''")),
                '"{}"'.format(value.replace('"', '\\"')),
            ]
        elif value is None:
            styles += ["~"] if in_flow else ["~", ""]
        return draw(st.sampled_from(styles))

    def above(owner: YamlPath, column: int, name: str) -> None:
        if lines and not lines[-1].text.strip().startswith("#") and draw(st.integers(0, 5)) == 0:
            lines.append(Line("", ()))
        if draw(st.integers(0, 3)) == 0:
            lines.append(Line(f"{' ' * column}# {next(numbers)}: of {name}", owner))

    def ending() -> str:
        return draw(st.sampled_from(["", "", "", " ", f"  # {next(numbers)} at the end"]))

    def flow(value: Any, path: YamlPath) -> str:
        if isinstance(value, dict):
            flows.add(path)
            pad = draw(st.sampled_from(["", " "]))
            return "{" + pad + f",{draw(st.sampled_from(['', ' ', '  ']))}".join(
                f"{scalar(key, in_flow=True)}: {flow(inner, (*path, key))}" for key, inner in value.items()
            ) + pad + "}"  # fmt: skip
        if isinstance(value, list):
            flows.add(path)
            return (
                "["
                + ", ".join(flow(inner, (*path, index)) for index, inner in enumerate(value))
                + "]"
            )
        return written(value, True)

    def inline(value: Any) -> bool:
        return not isinstance(value, dict | list) or not value or draw(st.integers(0, 3)) == 0

    def block(value: Any, path: YamlPath, column: int) -> None:
        width = draw(st.integers(1, 3))
        for place, (step, inner) in enumerate(
            value.items() if isinstance(value, dict) else enumerate(value)
        ):
            owner = (*path, step)
            shared = place == 0 and bool(lines) and lines[-1].text.endswith("\0")
            if not shared:
                above(owner, column, str(owner))
            head = f"{scalar(step)}:" if isinstance(value, dict) else "-"
            start = lines.pop().text[:-1] if shared else " " * column
            if inline(inner):
                lines.append(Line(f"{start}{head} {flow(inner, owner)}{ending()}", owner))
            elif isinstance(value, dict):
                lines.append(Line(f"{start}{head}{ending()}", owner))
                further = draw(st.integers(0 if isinstance(inner, list) else 1, 4))
                block(inner, owner, column + further)
            else:
                lines.append(Line(f"{start}-{' ' * width}\0", owner))
                if isinstance(inner, list):
                    lines[-1] = Line(f"{start}-{ending()}", owner)
                block(inner, owner, column + width + 1)

    item = st.dictionaries(names, leaves | st.lists(words, max_size=2), min_size=1, max_size=3)
    section = (
        st.lists(item | words, max_size=4)
        | st.dictionaries(names, leaves | st.lists(item, max_size=3) | item, max_size=3)
        | st.none()
    )
    value = {
        "version": "1.0",
        **draw(
            st.dictionaries(
                st.sampled_from(["services", "sysctl", "files", "firewall"]), section, max_size=4
            )
        ),
    }
    block(value, (), 0)
    if draw(st.booleans()):
        lines.append(Line("# at the end of the file", ()))
    newline = draw(st.sampled_from(["\n", "\r\n"]))
    text = newline.join(line.text for line in lines) + draw(st.sampled_from([newline, newline, ""]))
    sample = Sample(draw(st.sampled_from(["", "", "\ufeff"])) + text, lines, frozenset(flows))
    assert repr(read(text.encode(), "f").value) == repr(value)
    return sample


def paths(value: Any, path: YamlPath = ()) -> list[YamlPath]:
    inner = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    return [path, *(found for step, part in inner for found in paths(part, (*path, step)))]


def owned(line: Line, edits: list[Edit], sample: Sample) -> bool:
    """Whether one of the edits may change a line."""
    for change in edits:
        path = change.path
        inside = line.owner[: len(path)] == path
        flowing = line.owner in {path[:length] for length in range(1, len(path) + 1)} and any(
            path[:length] in sample.flows for length in range(len(line.owner), len(path) + 1)
        )
        if flowing or (inside and (isinstance(change, Remove) or line.owner == path)):
            return True
    return False


def body(text: str) -> str:
    return text.removeprefix("\ufeff")


def value_of(text: str) -> dict[str, Any]:
    return read(body(text).encode(), "f").value


def holds(sample: Sample, edits: list[Edit], *, removing: bool = False) -> str:
    """Make the edits, and look for all other lines in the result: all of them, in order,
    and nothing else of the file is different.
    """
    text = edit(sample.text, edits, "f")
    value = value_of(sample.text)
    owners = [*edits, *(Remove(path) for path in paths(value) if emptied(value, path, edits))]
    left = iter(_lines(text, removing))
    for line in sample.lines:
        if not owned(line, owners, sample):
            for wanted in _lines(line.text, removing):
                assert wanted in left, (wanted, text)
    assert text.startswith("\ufeff") == sample.text.startswith("\ufeff")
    assert text.endswith("\n") == sample.text.endswith("\n")
    assert text.count("\r\n") == (text.count("\n") if "\r" in sample.text else 0)
    return text


def _lines(text: str, removing: bool) -> list[str]:
    """Where something is removed blank lines may go as well, and what follows may move up to its
    dash.
    """
    lines = body(text).replace("\r\n", "\n").split("\n")
    return [line.lstrip(" -") for line in lines if line.strip()] if removing else lines


def emptied(value: Any, path: YamlPath, edits: list[Edit]) -> bool:
    """Whether the edits remove a value completely."""
    if Remove(path) in edits:
        return True
    inner = [child for child in paths(at(value, path)) if len(child) == 1]
    grows = any(
        not isinstance(change, Remove) and change.path[: len(path)] == path for change in edits
    )
    return (
        bool(path and inner)
        and not grows
        and all(emptied(value, path + child, edits) for child in inner)
    )


many = settings(
    deadline=None,
    max_examples=40,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.filter_too_much,
        HealthCheck.data_too_large,
    ],
)


@many
@given(files(), st.data())
def test_scalars_replaced_and_fields_set(sample: Sample, data: st.DataObject) -> None:
    value = value_of(sample.text)
    scalars = [path for path in paths(value) if not isinstance(at(value, path), dict | list)]
    edits: list[Edit] = [
        Put(path, data.draw(leaves))
        for path in data.draw(st.lists(st.sampled_from(scalars), unique=True, max_size=3))
    ]
    maps = [
        path
        for path in paths(value)
        if path and isinstance(at(value, path), dict) and at(value, path)
    ]
    if maps:
        path = data.draw(st.sampled_from(maps))
        edits.append(Put((*path, "new field"), data.draw(leaves)))
    text = holds(sample, edits)
    for change in edits:
        assert isinstance(change, Put)
        assert repr(at(value_of(text), change.path)) == repr(change.value)


@many
@given(files(), st.data())
def test_entries_added(sample: Sample, data: st.DataObject) -> None:
    value = value_of(sample.text)
    comment = st.lists(st.sampled_from(["seen", "why\nx: y"]), max_size=1).map(tuple)
    for path in data.draw(
        st.lists(st.sampled_from([path for path in paths(value) if path]), unique=True, max_size=2)
    ):
        old = at(value, path)
        if old is not None and not isinstance(old, dict | list):
            continue
        keyed = bool(old) and isinstance(old, dict)
        new = data.draw(
            st.lists(
                st.builds(Entry, st.dictionaries(names, leaves, min_size=1) | words, comment),
                min_size=1,
                max_size=3,
            )
        )
        entries = tuple(
            entry._replace(key=f"key {number}" if keyed else None)
            for number, entry in enumerate(new)
        )
        text = holds(sample, [Add(path, entries)])
        observed = at(value_of(text), path)
        wanted = (
            {**old, **plain(entries)}
            if isinstance(old, dict) and old
            else [*(old or []), *plain(entries)]
        )
        assert repr(observed) == repr(wanted)
        if not any(path[:length] in sample.flows for length in range(len(path) + 1)):
            assert text.count("# seen") == sum(entry.comment == ("seen",) for entry in entries)


@many
@given(files(), st.data())
def test_entries_removed(sample: Sample, data: st.DataObject) -> None:
    value = value_of(sample.text)
    removable = [path for path in paths(value) if path and path != ("version",)]
    if not removable:
        return
    edits: list[Edit] = [
        Remove(path)
        for path in data.draw(
            st.lists(st.sampled_from(removable), unique=True, min_size=1, max_size=4)
        )
    ]
    with suppress(EditRefused):
        holds(sample, edits, removing=True)


@many
@given(files(), st.data())
def test_all_kinds_at_once(sample: Sample, data: st.DataObject) -> None:
    value = value_of(sample.text)
    edits: list[Edit] = [Add(("added",), (Entry({"name": "x"}, ("why",)),))]
    for path in data.draw(st.lists(st.sampled_from(paths(value)[1:]), unique=True, max_size=4)):
        old = at(value, path)
        if any(
            isinstance(change, Remove) and path[: len(change.path)] == change.path
            for change in edits
        ):
            continue
        if isinstance(old, list):
            edits.append(Add(path, (Entry("added"),)))
        elif (
            path != ("version",)
            and data.draw(st.booleans())
            and not any(change.path[: len(path)] == path for change in edits)
        ):
            edits.append(Remove(path))
        elif not isinstance(old, dict):
            edits.append(Put(path, "put"))
    with suppress(EditRefused):
        holds(sample, edits, removing=True)


@many
@given(files(), st.data())
def test_any_edit_of_any_text_is_made_or_refused(sample: Sample, data: st.DataObject) -> None:
    odd = st.sampled_from(
        [
            "&a ",
            "*a",
            "!t ",
            "? ",
            "- ",
            "|\n",
            "#",
            "\n",
            "\r",
            "\x85",
            "---\n",
            "[",
            "}",
            ",",
            "'",
            " ",
            "\t",
            "<<: ",
            "...",
        ]
    )
    where = data.draw(st.integers(0, len(sample.text)))
    text = sample.text[:where] + data.draw(odd) + sample.text[where:]
    try:
        path = data.draw(st.sampled_from(paths(value_of(text))[1:]))
        change = data.draw(
            st.sampled_from([Put(path, "x"), Add(path, (Entry("x", ("y",)),)), Remove(path)])
        )
        edited = edit(text, [change], "f")
    except ConfigError:
        return
    assert value_of(edited)


SECTIONS = """\
# State of the gateway.
version: "1.0"   # in quotes

# ---- what runs ----
services:
  # the VPN
  - name: openvpn@server
    state: running     # never stop it
    enabled: true

  - name: ssh
    state: 'running'
    # ssh is our way in

# ---- kernel ----
sysctl:
    vm.swappiness:    "10"    # aligned
firewall: # by hand
files:
- path: /etc/motd
  content: | # the text
    Authorised use only
  mode: "0644"
"""


@pytest.mark.parametrize(
    ("change", "old", "new"),
    [
        (Put(("services", 0, "state"), "stopped"), "state: running ", "state: stopped "),
        (Put(("services", 1, "state"), "stopped"), "'running'", "'stopped'"),
        (Put(("sysctl", "vm.swappiness"), "0"), '"10" ', '"0" '),
        (Put(("services", 0, "enabled"), False), "enabled: true", "enabled: false"),
        (Put(("services", 0, "on"), "on"), "enabled: true\n", 'enabled: true\n    "on": "on"\n'),
        (
            Put(("services", 1, "enabled"), True),
            "    # ssh is our way in\n",
            "    enabled: true\n    # ssh is our way in\n",
        ),
        (Put(("files", 0, "content"), "a\n\nb\n"), "    Authorised use only\n", "    a\n\n    b\n"),
        (
            Put(("files", 0, "content"), "a"),
            "| # the text\n    Authorised use only\n",
            "|- # the text\n    a\n",
        ),
        (
            Put(("files", 0, "content"), " a\n"),
            "| # the text\n    Authorised use only\n",
            '" a\\n" # the text\n',
        ),
        (Put(("firewall",), "x"), "firewall: #", "firewall: x #"),
        (Remove(("services", 0, "enabled")), "    enabled: true\n", ""),
        (
            Remove(("services", 0)),
            "  # the VPN\n  - name: openvpn@server\n    state: running     # never stop it\n    enabled: true\n\n",
            "",
        ),
        (
            Remove(("services", 1)),
            "  - name: ssh\n    state: 'running'\n    # ssh is our way in\n\n",
            "",
        ),
        (
            Remove(("sysctl", "vm.swappiness")),
            '# ---- kernel ----\nsysctl:\n    vm.swappiness:    "10"    # aligned\n',
            "",
        ),
        (Remove(("files", 0, "path")), "- path: /etc/motd\n  content", "- content"),
        (
            Add(("sysctl",), (Entry("1", ("a\nb: c",), "a.b"),)),
            "# aligned\n",
            '# aligned\n    a.b: "1"  # a b: c\n',
        ),
        (
            Add(
                ("services",),
                (Entry({"name": "cron", "state": "running"}, ("seen",)), Entry({"name": "x"})),
            ),
            "# ssh is our way in\n",
            "# ssh is our way in\n\n  - name: cron  # seen\n    state: running\n\n  - name: x\n",
        ),
        (
            Add(("files",), (Entry({"path": "/a"}),)),
            '  mode: "0644"\n',
            '  mode: "0644"\n- path: /a\n',
        ),
        (
            Add(("firewall", "rules"), (Entry({"port": 22, "from": "::1"}, ("ssh",)),)),
            "# by hand\n",
            '# by hand\n  rules:\n  - {port: 22, from: "::1"}  # ssh\n',
        ),
        (
            Add(("packages",), (Entry({"name": "vim"}),)),
            '"0644"\n',
            '"0644"\n\npackages:\n  - name: vim\n',
        ),
    ],
    ids=str,
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("ended", [True, False], ids=["ended", "unended"])
def test_a_file_as_people_write_it(
    change: Edit, old: str, new: str, newline: str, ended: bool
) -> None:
    assert SECTIONS.count(old) == 1
    texts = [SECTIONS, SECTIONS.replace(old, new)]
    before, after = (
        f"\ufeff{text if ended else text.removesuffix(chr(10))}".replace("\n", newline)
        for text in texts
    )
    assert edit(before, [change], "f") == after


@pytest.mark.parametrize(
    ("text", "change", "line"),
    [
        ("a: &x {s: 1}\nb: *x\n", Put(("a", "s"), 2), 1),
        ("a: &x {s: 1}\nb: *x\n", Put(("b", "s"), 2), 2),
        ("a: &x {s: 1}\nb: *x\n", Put(("b", "t"), 2), 2),
        ("a: &x [1]\nb: *x\n", Add(("a",), (Entry(2),)), 1),
        ("a: &x [1]\nb: *x\n", Add(("b",), (Entry(2),)), 2),
        ("a: 1\nb: &x\nc: *x\n", Add(("b",), (Entry(2),)), 2),
        ("a: 1\nb: &x 1\n", Put(("b",), 2), 2),
        ("a: &x 1\nb: *x\n", Remove(("a",)), 1),
        ("a:\n- - 1\n  - 2\n", Remove(("a", 0, 0)), 2),
        ("? a\n: 1\nb: 2\n", Remove(("a",)), 1),
        ("a: [1, # one\n  2]\n", Remove(("a", 0)), 1),
        ("a:\n- b: 1\n  # of c\n  c: 2\n", Remove(("a", 0, "b")), 2),
        ("a: 1 # x\x85b: 2\n", Put(("a",), 2), 1),
        ("a: 1\n...\n", Add(("b",), (Entry(2),)), 1),
    ],
)  # fmt: skip
def test_what_takes_a_person(text: str, change: Edit, line: int) -> None:
    with pytest.raises(EditRefused, match=rf"\Af:{line}:\d+: .*\(make the change by hand\)\Z"):
        edit(text, [change], "f")


@pytest.mark.parametrize(
    "text",
    [
        "a: [1\n",
        "a: no\n",
        "a: !!str 1\n",
        "a: 1\n---\na: 2\n",
        "a: {<<: {b: 1}}\n",
        "a: 1\na: 2\n",
        "",
    ],
)
def test_a_file_that_cannot_be_read_gets_the_loader_s_message(text: str) -> None:
    with pytest.raises(ConfigError, match=r"\Af:\d+:\d+: ") as raised:
        edit(text, [Put(("a",), 2)], "f")
    assert not isinstance(raised.value, EditRefused)


@pytest.mark.parametrize(
    "change", [Put(("b", "c"), 1), Remove(("b",)), Remove(("a", 7)), Add(("a", 7), (Entry(1),))]
)
def test_what_is_not_there(change: Edit) -> None:
    with pytest.raises(LookupError):
        edit("a: [1]\n", [change], "f")


def test_a_field_dropped_and_another_set_in_its_place() -> None:
    text = "services:\n- name: a\n  state: running\n- name: b\n"
    edits: list[Edit] = [
        Remove(("services", 0, "state")),
        Put(("services", 0, "enabled"), True),
        Remove(("services", 1)),
    ]
    assert edit(text, edits, "f") == "services:\n- name: a\n  enabled: true\n"


def test_all_items_in_place_of_all_items() -> None:
    for text in ("a:\n- 1\n\n- 2\n\nb: 1\n", "a: [1, 2]\nb: 1\n", "a: [1, 2]  # c\nb: {c: 1}\n"):
        new = edit(text, [Remove(("a", 0)), Remove(("a", 1)), Add(("a",), (Entry(3),))], "f")
        assert value_of(new)["a"] == [3]
        assert ("# c" in new) == ("# c" in text)


def test_an_item_and_a_section_at_the_end_of_a_file() -> None:
    edits: list[Edit] = [
        Add((), (Entry((Entry({"name": "vim"}),), ("Asked for",), "packages"),)),
        Add(("a",), (Entry(2),)),
        Put(("b",), 3),
    ]
    assert (
        edit("b: 1\na:\n- 1\n", edits, "f")
        == "b: 3\na:\n- 1\n- 2\n\n# Asked for\npackages:\n- name: vim\n"
    )


def test_an_item_in_place_of_one_with_blank_lines_around_it() -> None:
    assert (
        edit("a:\n- 1\n\n- 2\n\n\nb: 1\n", [Remove(("a", 1)), Add(("a",), (Entry(3),))], "f")
        == "a:\n- 1\n\n- 3\n\n\nb: 1\n"
    )


def test_blank_lines_that_are_content_stay() -> None:
    text = "a:\n- |+\n  x\n\n\nb: 1\n"
    assert edit(text, [Add(("a",), (Entry("y"),))], "f") == 'a:\n- |+\n  x\n\n\n- "y"\nb: 1\n'
    assert edit(text, [Remove(("a", 0))], "f") == "b: 1\n"


def test_nothing_changes_nothing() -> None:
    assert edit(SECTIONS, [], "f") == SECTIONS
    assert edit(SECTIONS, [Add(("services",), ())], "f") == SECTIONS
