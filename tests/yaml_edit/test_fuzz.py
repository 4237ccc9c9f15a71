"""Any state.yaml gives a State, or a ConfigError with a message that a terminal can show."""

import string
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from power_edge.config import ConfigError, State, load_state
from power_edge.config.yaml_reader import read
from tests.yaml_edit.test_edit import paths

VALID: dict[str, Any] = {
    "version": "1.0",
    "metadata": {"site": "rig", "environment": "production", "labels": {"a": "b"}},
    "services": [
        {"name": "ssh", "state": "running", "enabled": True},
        {"name": "telnet.socket", "state": "disabled", "optional": True},
    ],
    "sysctl": {"vm.swappiness": "60", "net.ipv4.conf.eth0/100.forwarding": "1"},
    "packages": [
        {"name": "vim", "version": "2:9.1"},
        {"name": "libc6:i386"},
        {"name": "telnetd", "state": "absent"},
    ],
    "files": [
        {"path": "/etc/motd", "content": "x\n", "mode": "0644", "owner": "root", "group": "0"},
        {"path": "/a\nb$(id)"},
    ],
    "firewall": {
        "enabled": True,
        "default_incoming": "deny",
        "rules": [
            {"port": 22, "proto": "tcp", "action": "allow", "from": "10.0.0.0/8"},
            {"proto": "icmp", "action": "allow"},
        ],
        "exclusive": True,
    },
}

hostile = st.sampled_from(
    [
        "--help",
        "a=b",
        "../..",
        "$(id)",
        "`id`",
        "*",
        "\n",
        "\0",
        "\x1b[2J",
        "\ud800",
        "’",
        "a" * 5000,
        "",
        "@",
        "::/0",
        "0.0.0.0/0",
        "yes",
        "0644",
    ]
)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | hostile
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=8) | hostile, inner, max_size=3)
    ),
    max_leaves=8,
)
fuzzed = settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow])


def holds(data: bytes) -> State | ConfigError:
    result = loaded(data)
    if isinstance(result, ConfigError):
        assert result.problems
        for problem in result.problems:
            assert str(problem).isprintable()
            assert problem.source.line >= 1
            assert problem.source.column >= 1
            assert len(str(problem)) < 1500
    return result


def loaded(data: bytes) -> State | ConfigError:
    try:
        return load_state(data, "node-configs/x/state.yaml", "x")
    except ConfigError as error:
        return error


def dumped(document: Any) -> bytes:
    return yaml.safe_dump(document, allow_unicode=True).encode("utf-8", "surrogatepass")


def changed(value: Any, path: tuple[Any, ...], change: Callable[[Any], Any]) -> Any:
    if not path:
        return change(value)
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = changed(value[path[0]], path[1:], change)
    return copy


@pytest.mark.parametrize("section", ["services", "sysctl", "packages", "files", "firewall"])
def test_what_is_changed_here_is_valid(section: str) -> None:
    state = holds(
        dumped(
            {key: value for key, value in VALID.items() if key in ("version", "metadata", section)}
        )
    )
    assert isinstance(state, State)
    assert state.items


@fuzzed
@given(st.binary(max_size=400))
@example(b"\xef\xbb\xbfversion: '1.0'")
@example(b"%YAML 1.2\n---\na: 1")
@example(b'a: "\\ud800"')
@example(b"a: \xed\xa0\x80")
@example(b"&a a: *a")
@example(b"[a, b]: c")
@example(b"!!map {a: b}")
@example(b"- &a\n- *a")
@example(b"...")
@example(b"a: !<!> x")
def test_any_bytes(data: bytes) -> None:
    holds(data)


@fuzzed
@given(st.text(alphabet=string.printable + "é\x85 ", max_size=300))
def test_any_text(text: str) -> None:
    holds(text.encode())


@fuzzed
@given(
    st.lists(
        st.sampled_from(
            [
                *"[]{}:-?,&*!|>'\"%@#\n ",
                "a",
                "b",
                ": ",
                "- ",
                "\n  ",
                "&a ",
                "*a",
                "<<: ",
                "---\n",
                "yes",
                "010",
                "1.0",
            ]
        ),
        max_size=60,
    ).map("".join)
)
def test_any_grammar(text: str) -> None:
    holds(text.encode())


@fuzzed
@given(st.integers(0, len(dumped(VALID))), st.integers(0, 40), st.binary(max_size=6))
def test_valid_bytes_damaged(at: int, length: int, inserted: bytes) -> None:
    data = dumped(VALID)
    holds(data[:at] + inserted + data[at + length :])


@fuzzed
@given(st.data())
def test_valid_documents_changed(data: st.DataObject) -> None:
    document = VALID
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(paths(document)))
        new = data.draw(values)
        kind = data.draw(st.sampled_from(["replace", "add", "repeat"]))

        def change(old: Any, kind: str = kind, new: Any = new) -> Any:
            if kind == "add" and isinstance(old, dict):
                return {
                    **old,
                    data.draw(
                        st.text(max_size=8)
                        | hostile
                        | st.sampled_from(["names", "stat", "from", "form"])
                    ): new,
                }
            if kind == "repeat" and isinstance(old, list):
                return old + old
            return new

        document = changed(document, path, change)
        if not isinstance(document, dict):
            break
    holds(dumped(document))


@fuzzed
@given(st.dictionaries(st.text(min_size=1, max_size=8), values, max_size=4))
def test_what_is_read_is_what_was_written(document: dict[str, Any]) -> None:
    try:
        written = dumped(document)
        if read(written, "f").problems:
            return
    except (ConfigError, yaml.YAMLError):
        return
    assert read(written, "f").value == yaml.safe_load(written)
