"""`source:` of a file: a content that is in a file beside state.yaml."""

import base64
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from power_edge.checking.evaluate import judge
from power_edge.config import ConfigError, Node, load_node, load_state
from power_edge.model import Item, Outcome, Result
from power_edge.report.shell_line import shell_line
from power_edge.report.terminal import diff
from power_edge.resources.files import RESOURCE, ask, parse

HELLO = hashlib.sha256(b"hello\n").hexdigest()


def folder(tmp_path: Path, item: str = "{path: /f, source: files/hello}") -> Path:
    found = tmp_path / "node-configs/n"
    (found / "files/sub").mkdir(parents=True)
    (found / "files/hello").write_text("hello\n")
    (found / "state.yaml").write_text(f'version: "1.0"\nfiles:\n- {item}\n')
    return found


def the_item(node: Node) -> Item:
    (item,) = node.items
    return item


def asked(item: Item) -> list[str]:
    declared: Any = item.declared
    return list(ask([declared]))


def judged(item: Item, section: str) -> Result:
    return judge(RESOURCE, item, parse(section.encode()))


def test_a_source_is_judged_as_the_content(tmp_path: Path) -> None:
    item = the_item(load_node(folder(tmp_path)))
    assert item.expected == {"type": "regular file", "source": "files/hello"}
    assert asked(item) == [f"6,,{HELLO[:8]}:::/f"]
    same = f"seen /f 81a4:0:0:6:root:root\nhash /f {HELLO}\n"
    assert judged(item, same).outcome is Outcome.COMPLIANT
    other = hashlib.sha256(b"other\n").hexdigest()
    result = judged(item, same.replace(HELLO, other))
    assert [(each.field, each.outcome.value, each.actual) for each in result.findings] == [
        ("type", "compliant", "regular file"),
        ("source", "drift", f"sha256:{other} (6 bytes)"),
    ]
    assert shell_line(result.remedy) is None
    assert "copy that file there" in str(result.advice)
    unread = judged(item, "seen /f 81a4:0:0:6:root:root\ndark /f Permission denied\n")
    assert unread.outcome is Outcome.UNKNOWN
    missing = judged(item, "gone /f stat: cannot statx '/f': No such file or directory\n")
    assert {each.outcome for each in missing.findings} == {Outcome.DRIFT}


def test_a_source_that_differs_is_shown_as_a_diff(tmp_path: Path) -> None:
    item = the_item(load_node(folder(tmp_path)))
    text = base64.b64encode(b"hallo\n").decode()
    hallo = hashlib.sha256(b"hallo\n").hexdigest()
    section = f"seen /f 81a4:0:0:6:root:root\nhash /f {hallo}\ntext /f ={text}\n"
    assert diff(judged(item, section)) == ("-hello", "+hallo")
    for shut in ("8180", "81a0"):  # not everybody may read it
        assert diff(judged(item, section.replace("81a4", shut))) == ()


def test_a_source_of_another_size_drifts_without_its_hash(tmp_path: Path) -> None:
    item = the_item(load_node(folder(tmp_path)))
    (_, found) = judged(item, "seen /f 81a4:0:0:7:root:root\n").findings
    assert (found.outcome, found.expected, found.actual) == (
        Outcome.DRIFT,
        "files/hello",
        "7 bytes",
    )
    same_size = judged(item, "seen /f 81a4:0:0:6:root:root\n")
    assert same_size.outcome is Outcome.UNKNOWN


def test_a_source_that_is_no_text_is_compared_by_its_hash(tmp_path: Path) -> None:
    place = folder(tmp_path)
    (place / "files/hello").write_bytes(b"\xff\0")
    item = the_item(load_node(place))
    digest = hashlib.sha256(b"\xff\0").hexdigest()
    assert asked(item) == [f"*,,{digest[:8]}:::/f"]
    same = judged(item, f"seen /f 81a4:0:0:2:root:root\nhash /f {digest}\n")
    assert same.outcome is Outcome.COMPLIANT


def test_a_source_that_was_not_read_decides_nothing(tmp_path: Path) -> None:
    folder(tmp_path)
    data = (tmp_path / "node-configs/n/state.yaml").read_bytes()
    (item,) = load_state(data, "state.yaml", "n").items
    found = judged(item, f"seen /f 81a4:0:0:6:root:root\nhash /f {HELLO}\n")
    assert (found.outcome, found.why) == (Outcome.UNKNOWN, "source: the source was not read")


def test_a_secret_by_what_the_node_says_is_not_shown(tmp_path: Path) -> None:
    item = the_item(load_node(folder(tmp_path)))
    section = f"seen /f 81a4:0:0:6:root:root\nlink /f /etc/shadow\nhash /f {HELLO}\n"
    (_, found) = judged(item, section).findings
    assert (found.expected, found.actual, found.secret) == ("equal", "equal", True)


def _out(node: Path) -> None:
    (node / "files/link").symlink_to("/etc/hostname")


def _inside(node: Path) -> None:
    (node / "files/link").symlink_to("hello")


def _above(node: Path) -> None:
    (node / "files/up").symlink_to(node)


def _pipe(node: Path) -> None:
    os.mkfifo(node / "files/pipe")


def _large(node: Path) -> None:
    (node / "files/large").write_bytes(b"x" * (256 * 1024 + 1))


def _secret(node: Path) -> None:
    (node / "files/conf").write_text("password = hunter2\n")


def _nothing(_: Path) -> None:
    pass


@pytest.mark.parametrize(
    ("item", "arrange", "message"),
    [
        ("{path: /f, source: files/no}", _nothing, "there is no files/no beside state.yaml: write it"),
        ("{path: /f, source: files/link}", _out, "leads out of node-configs"),
        ("{path: /f, source: files/link}", _inside, "is reached through a symbolic link"),
        ("{path: /f, source: files/up/state.yaml}", _above, "is reached through a symbolic link"),
        ("{path: /f, source: files/pipe}", _pipe, "is not a regular file"),
        ("{path: /f, source: files/sub}", _nothing, "files/sub is not a regular file"),
        ("{path: /f, source: files/hello/x}", _nothing, "files/hello/x"),
        ("{path: /f, source: files/large}", _large, "more than 262144 bytes: declare its sha256"),
        ("{path: /f, source: files/conf}", _secret, "a secret by discovery's rules"),
        ("{path: /etc/ssl/a.key, source: files/hello}", _nothing, "a secret by discovery's rules"),
        ("{path: /f, source: ../other/state.yaml}", _nothing, "a source is a file below files/"),
        ("{path: /f, source: files/../state.yaml}", _nothing, "a source is a file below files/"),
        ("{path: /f, source: files/sub/../hello}", _nothing, "a source is a file below files/"),
        ("{path: /f, source: /etc/passwd}", _nothing, "a source is a file below files/"),
        ("{path: /f, source: files}", _nothing, "a source is a file below files/"),
        ("{path: /f, source: files/hello, content: x}", _nothing, "source has the content already"),
        ("{path: /f, source: files/hello, contains: x}", _nothing, "the whole content is declared"),
        ("{path: /f, source: files/hello, state: absent}", _nothing, "source needs a regular file"),
    ],
)  # fmt: skip
def test_what_is_refused(
    tmp_path: Path, item: str, arrange: Callable[[Path], None], message: str
) -> None:
    node = folder(tmp_path, item)
    arrange(node)
    with pytest.raises(ConfigError) as raised:
        load_node(node)
    assert str(raised.value).startswith("node-configs/n/state.yaml:3:")
    assert message in str(raised.value)
    assert "hunter2" not in str(raised.value)


def test_a_role_may_demand_it_too(tmp_path: Path) -> None:
    node = folder(tmp_path)
    roles = node.parent / "roles"
    roles.mkdir()
    (roles / "a.yaml").write_text(
        "name: a\ndescription: x\nrules:\n- item: {files: {path: /f, mode: '0644'}}\n  reason: y\n"
    )
    (node / "identity.yaml").write_text('version: "1.0"\nnode: {hostname: n}\nroles: [{name: a}]\n')
    item = the_item(load_node(node))
    assert asked(item) == [f"6,81a4,{HELLO[:8]}:::/f"]
