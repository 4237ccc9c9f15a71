"""Whatever a node prints in a section, with a checksum that fits: a hostile node has all of that in its hands.

POWER_EDGE_FUZZ_SECONDS and POWER_EDGE_SEED make a longer run, or another one.
"""

import json
import os
import random
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from power_edge.judging import judge
from power_edge.model import Item, Outcome, Source, Unseen
from power_edge.probing.answer import Output
from power_edge.probing.observe import parsed
from power_edge.report import terminal
from power_edge.resources import resource

RECORDINGS = Path(__file__).parents[1] / "recordings"
SECONDS = float(os.environ.get("POWER_EDGE_FUZZ_SECONDS", "10"))
SEED = os.environ.get("POWER_EDGE_SEED", "1")
FIREWALL: dict[str, Any] = {
    "enabled": True,
    "default_incoming": "deny",
    "default_outgoing": "allow",
    "rules": [
        {"port": 22, "proto": "tcp", "action": "allow", "from": "10.0.0.0/8"},
        {"port": 443, "proto": "tcp", "action": "allow"},
        {"port": 8080, "proto": "tcp", "action": "deny"},
        {"proto": "icmp", "action": "allow"},
    ],
    "exclusive": True,
}
DECLARED: dict[str, Any] = {
    "services": [
        {"name": name, **fields}
        for name in ("ssh", "cron", "pe-a", "pe-b", "openvpn@server")
        for fields in ({"state": "running", "enabled": True}, {"state": "disabled"}, {"state": "stopped", "enabled": False})
    ],
    "sysctl": {"net.ipv4.ip_forward": "1", "kernel.hostname": "rig"},
    "packages": [{"name": "vim", "version": "2:9.1"}, {"name": "libc6:i386", "state": "latest"}, {"name": "telnetd", "state": "absent"}],
    "files": [{"path": "/etc/motd", "content": "x\n", "mode": "0644", "owner": "root", "group": "0"}],
    "firewall": FIREWALL,
}
SECTIONS: dict[str, tuple[str, ...]] = {
    "services": ("services/*.probe.txt",),
    "firewall": ("ufw/*.answer", "firewalld/*.answer", "nftables/*.answer", "iptables/*.answer"),
}
"""Recordings of what probes print."""
SAMPLES: dict[str, tuple[bytes, ...]] = {
    "sysctl": (b"== asked\nnet/ipv4/ip_forward\nkernel/hostname\n== values\nnet/ipv4/ip_forward:1\nkernel/hostname:rig\n== complaints\n\n== end\n",),
    "packages": (
        b"manager dpkg amd64 apt-get\nrow vim amd64 install/installed/ok 2:9.1-1\nrow libc6 i386 install/installed/ok 2.36-9\n"
        b"asked vim\nasked libc6:i386\nasked telnetd\nnow 1796000000\npolicy libc6:i386:\npolicy   Installed: 2.36-9\n",
    ),
    "files": (b"seen /etc/motd 81a4:0:0:2:root:root\nhash /etc/motd " + b"0" * 64 + b"\n",),
}
TOKENS = (
    b"\x1b]0;owned\x07",
    b"\x1b[2J",
    b"::error::x",
    b"##[error]x",
    b"\xff\xfe",
    b"\0",
    b"\r",
    b"9" * 400,
    b"-1",
    b"A" * 5000,
    "\u202e".encode(),
    b"{" * 2000,
    b"[" * 2000,
)

STRANGE: tuple[Any, ...] = (
    None, True, 0, -1, 1.5, 1e999, 10**30, "", "x", "@x", "*", "\ud800", [], {}, [[]], [None], {"x": 1}, {"set": 1}, {"set": [None]},
    {"range": [1]}, {"range": [9, 1]}, {"prefix": {}}, {"elem": {"val": []}}, {"concat": [1, 2]}, {"target": 5}, {"meta": 1}, {"|": [1, 2]},
)  # fmt: skip
"""Values that JSON can hold and no reader of rules expects in most places."""
STRANGE_KEYS = ("x", "", "jump", "vmap", "match", "mangle", "xt", "set", "name", "hook", "&")


def corpus(name: str) -> list[bytes]:
    files = (file for pattern in SECTIONS.get(name, ()) for file in sorted(RECORDINGS.glob(pattern)))
    return [*SAMPLES.get(name, ()), *(file.read_bytes() for file in files)]


def items(name: str) -> Iterator[Item]:
    kind = resource(name)
    for entry in kind.items_of(msgspec.convert(DECLARED[name], kind.declares)):
        yield Item(
            "rig",
            name,
            entry.name,
            kind.canonical(entry.name),
            entry.declared,
            kind.asserts(entry.declared),
            Source("node-configs/rig/state.yaml", 1),
        )


def cut(chance: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    return data[: chance.randrange(len(data) + 1)]


def without_a_line(chance: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    lines = data.split(b"\n")
    del lines[chance.randrange(len(lines))]
    return b"\n".join(lines)


def with_a_line_twice(chance: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    lines = data.split(b"\n")
    lines.insert(chance.randrange(len(lines)), chance.choice(lines))
    return b"\n".join(lines)


def with_a_token(chance: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    at = chance.randrange(len(data) + 1)
    return data[:at] + chance.choice(TOKENS) + data[at + chance.choice((0, 0, 1, 8)) :]


def with_another_byte(chance: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    at = chance.randrange(len(data) + 1)
    return data[:at] + bytes([chance.randrange(256)]) + data[at + 1 :]


def with_another_word(chance: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    words = data.split(b'"' if b'"' in data else b" ")
    words[chance.randrange(len(words))] = chance.choice(words)
    return (b'"' if b'"' in data else b" ").join(words)


def spliced(chance: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    other = chance.choice(others)
    return data[: chance.randrange(len(data) + 1)] + other[chance.randrange(len(other) + 1) :]


def with_another_value(chance: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    """Well-formed JSON in which one value, or one key's name, is not of the kind that a reader expects."""
    lines = data.split(b"\n")
    places = [place for place, line in enumerate(lines) if line.startswith(b' {"')]
    if not places:
        return data
    place = chance.choice(places)
    try:
        whole = json.loads(lines[place])
    except (ValueError, RecursionError):
        return data
    nodes = list(_containers(whole))
    container = chance.choice(nodes)
    if isinstance(container, dict):
        key = chance.choice(list(container))
        if chance.random() < 0.2:
            container[chance.choice(STRANGE_KEYS)] = container.pop(key)
        else:
            container[key] = chance.choice(STRANGE)
    else:
        container[chance.randrange(len(container))] = chance.choice(STRANGE)
    lines[place] = b" " + json.dumps(whole).encode()
    return b"\n".join(lines)


def _containers(value: Any) -> Iterator[Any]:
    """The lists and mappings of a JSON value that are not empty."""
    if isinstance(value, dict | list) and value:
        yield value
        for each in value.values() if isinstance(value, dict) else value:
            yield from _containers(each)


MUTATIONS: tuple[Callable[[random.Random, bytes, Sequence[bytes]], bytes], ...] = (
    cut,
    without_a_line,
    with_a_line_twice,
    with_a_token,
    with_another_byte,
    with_another_word,
    with_another_value,
    spliced,
)


@pytest.mark.parametrize("name", sorted(DECLARED))
def test_no_answer_breaks_a_run(name: str) -> None:
    chance = random.Random(f"{SEED} {name}")
    kind, declared, known = resource(name), list(items(name)), corpus(name)
    assert known
    until = time.monotonic() + SECONDS / len(DECLARED)
    answers = 0
    while time.monotonic() < until or answers < 20:
        data = chance.choice(known)
        for _ in range(chance.randrange(1, 4)):
            data = chance.choice(MUTATIONS)(chance, data, known)
        observed = parsed(kind, Output(0, data, ""))
        for item in declared if len(declared) < 5 else chance.sample(declared, 5):
            result = judge(kind, item, observed)
            assert "judging failed" not in (result.why or ""), (result.why, data)
            assert all(line.isprintable() for line in terminal.block(result).split("\n")), data
            json.dumps(result.metadata()).encode()
            assert not isinstance(observed, Unseen) or result.outcome is Outcome.UNKNOWN
        answers += 1
