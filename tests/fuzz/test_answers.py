"""Whatever a node prints in a section, with a checksum that fits (a hostile node has all of that in
its hands), and answers damaged on the way.
"""

import json
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest

from power_edge.checking.evaluate import judge
from power_edge.config.schema import schema
from power_edge.model import Item, NotObserved, Outcome
from power_edge.probing.framing import Answer, NoAnswer, Output, read
from power_edge.probing.observe import observe, parsed
from power_edge.report import terminal
from power_edge.report.record import as_json, record
from power_edge.resources import names, resource
from tests.support import answers
from tests.support.budget import Budget
from tests.support.hostile.values import harmless, resolved
from tests.support.items import item_of

RECORDINGS = Path(__file__).parents[1] / "recordings"
FIREWALL: dict[str, Any] = {
    "enabled": True,
    "default_incoming": "deny",
    "default_outgoing": "allow",
    "rules": [
        {"port": 22, "proto": "tcp", "action": "allow", "from": "10.0.0.0/8"},
        {"port": 443, "proto": "tcp", "action": "allow", "comment": "web", "interface": "eth0"},
        {"port": 8080, "proto": "tcp", "action": "deny", "to": "10.0.0.1"},
        {"proto": "icmp", "action": "allow"},
        {"port": 2222, "proto": "tcp", "action": "limit"},
        {
            "proto": "any",
            "action": "allow",
            "routed": True,
            "interface": "eth0",
            "out_interface": "tun0",
        },
    ],
    "exclusive": True,
}
DECLARED: dict[str, Any] = {
    "services": [
        {"name": name, **fields}
        for name in ("ssh", "cron", "pe-a", "pe-b", "openvpn@server")
        for fields in (
            {"state": "running", "enabled": True},
            {"state": "disabled"},
            {"state": "stopped", "enabled": False},
            {"state": "running", "by_socket": True},
            {"state": "running", "optional": True},
        )
    ],
    "sysctl": {"net.ipv4.ip_forward": "1", "kernel.hostname": "rig"},
    "packages": [
        {"name": "vim", "version": "2:9.1"},
        {"name": "libc6:i386", "state": "latest"},
        {"name": "telnetd", "state": "absent"},
    ],
    "files": [
        {"path": "/etc/motd", "content": "x\n", "mode": "0644", "owner": "root", "group": "0"},
        {"path": "/etc/issue", "sha256": sha256(b"x\n").hexdigest()},
        {"path": "/root/f/conf", "contains": "UseDNS no", "matches": r"^Port\s+22$"},
        {"path": "/root/f", "state": "directory", "mode": "0755"},
        {"path": "/root/f/dangling", "state": "symlink", "target": "/no/such"},
        {"path": "/root/f/no", "state": "absent"},
    ],
    "firewall": FIREWALL,
}
FROM_ELSEWHERE = {("files", "source")}
"""Fields that a check replaces: a source becomes a content."""
SECTIONS: dict[str, tuple[str, ...]] = {
    "files": ("files/*/section",),
    "services": ("services/*/section",),
    "firewall": (
        "ufw/*/section",
        "firewalld/*/section",
        "nftables/*/section",
        "iptables/*/section",
    ),
}
"""Recordings of what probes print."""
SAMPLES: dict[str, tuple[bytes, ...]] = {
    "sysctl": (
        b"== asked\nnet/ipv4/ip_forward\nkernel/hostname\n== values\nnet/ipv4/ip_forward:1\nkernel/hostname:rig\n== complaints\n\n== end\n",
    ),
    "packages": (
        b"manager dpkg amd64 apt-get\nrow vim amd64 install/installed/ok 2:9.1-1\nrow libc6 i386 install/installed/ok 2.36-9\n"
        b"asked vim\nasked libc6:i386\nasked telnetd\nnow 1796000000\npolicy libc6:i386:\npolicy   Installed: 2.36-9\n",
    ),
    "files": tuple(
        b"self /root/f 41ed:0:0:80:root:root\nself /root/f/dangling a1ff:0:0:8:root:root\nleads /root/f/dangling 2f6e6f2f73756368\n"
        b"none /root/f/no stat: cannot statx '/root/f/no': No such file or directory\n"
        b"seen /root/f/conf 81a4:0:0:37:root:root\ntext /root/f/conf =UG9ydCAyMgojUGVybWl0Um9vdExvZ2luIG5vClVzZUROUyBubw==\n"
        b"seen /etc/issue 81a4:0:0:2:root:root\nhash /etc/issue "
        + sha256(content).hexdigest().encode()
        + b"\nseen /etc/motd 81a4:0:0:2:root:root\nhash /etc/motd "
        + sha256(content).hexdigest().encode()
        + b"\n"
        for content in (b"x\n", b"y\n")
    ),
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
    files = (
        file for pattern in SECTIONS.get(name, ()) for file in sorted(RECORDINGS.glob(pattern))
    )
    return [*SAMPLES.get(name, ()), *(file.read_bytes() for file in files)]


def items(name: str) -> Iterator[Item]:
    kind = resource(name)
    for entry in kind.items_of(msgspec.convert(DECLARED[name], kind.declares)):
        yield item_of(kind, entry.name, entry.declared)


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
    """Well-formed JSON in which one value, or one key's name, is not of the kind that a reader
    expects.
    """
    lines = data.split(b"\n")
    places = [place for place, line in enumerate(lines) if line.startswith(b' {"')]
    if not places:
        return data
    place = chance.choice(places)
    try:
        complete = json.loads(lines[place])
    except (ValueError, RecursionError):
        return data
    nodes = list(_containers(complete))
    container = chance.choice(nodes)
    if isinstance(container, dict):
        key = chance.choice(list(container))
        if chance.random() < 0.2:
            container[chance.choice(STRANGE_KEYS)] = container.pop(key)
        else:
            container[key] = chance.choice(STRANGE)
    else:
        container[chance.randrange(len(container))] = chance.choice(STRANGE)
    lines[place] = b" " + json.dumps(complete).encode()
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


ENDLESS = frozenset({"firewall"})
"""Types whose section does not say where it ends: only the frame around it tells that it was cut.
"""
SHARE = 1 / (len(DECLARED) + 1)
"""Of the fuzzer's time for each test."""


def test_each_field_of_each_type_is_declared() -> None:
    """A new type or field is not left out."""
    state = schema("state")
    for name in names():
        fields = {*_properties(state["properties"][name], state)}
        missing = fields - {*_keys(DECLARED.get(name))}
        assert missing == {field for of, field in FROM_ELSEWHERE if of == name}, name
    assert {*DECLARED} == {*names()}


def _properties(part: Mapping[str, Any], root: Mapping[str, Any]) -> Iterator[str]:
    part = resolved(part, root)
    for field, inner in part.get("properties", {}).items():
        yield field
        yield from _properties(inner, root)
    items_of = [part["items"]] if "items" in part else []
    for inner in [*part.get("anyOf", ()), *part.get("oneOf", ()), *items_of]:
        yield from _properties(inner, root)


def _keys(value: Any) -> Iterator[str]:
    for container in _containers([value]):
        if isinstance(container, dict):
            yield from container


@pytest.mark.parametrize("name", sorted(DECLARED))
def test_no_answer_breaks_a_run(name: str) -> None:
    budget = Budget(name, SHARE)
    chance, kind, declared, known = budget.chance, resource(name), list(items(name)), corpus(name)
    assert known
    for _ in budget.rounds():
        complete = data = chance.choice(known)
        mutations = [chance.choice(MUTATIONS) for _ in range(chance.randrange(1, 4))]
        for mutation in mutations:
            data = mutation(chance, data, known)
        observed = parsed(kind, Output(0, data, ""))
        budget.counts["understood"] += not isinstance(observed, NotObserved)
        for item in declared if len(declared) < 5 else chance.sample(declared, 5):
            result = judge(kind, item, observed)
            assert "judging failed" not in (result.why or ""), (result.why, data)
            harmless(terminal.block(result))
            harmless(terminal.headline(result))
            json.dumps(as_json(record(result))).encode()
            assert not isinstance(observed, NotObserved) or result.outcome is Outcome.UNKNOWN
            budget.counts[result.outcome.value] += 1
            if mutations == [cut] and result.outcome is Outcome.COMPLIANT and name not in ENDLESS:
                before = judge(kind, item, parsed(kind, Output(0, complete, "")))
                assert before.outcome is Outcome.COMPLIANT, (item, len(data), complete)


def recorded(name: str, chance: random.Random) -> bytes:
    """A recording by which something declared is compliant, where there is one."""
    kind, declared = resource(name), list(items(name))
    known = corpus(name)
    chance.shuffle(known)
    for data in known[:20]:
        observed = parsed(kind, Output(0, data, ""))
        if any(judge(kind, item, observed).outcome is Outcome.COMPLIANT for item in declared):
            return data
    return known[0]


def moved(chance: random.Random, data: bytes) -> bytes:
    start = chance.randrange(len(data) + 1)
    end = min(len(data), start + chance.choice((1, 30, 300, 3000)))
    rest = data[:start] + data[end:]
    at = chance.randrange(len(rest) + 1)
    return rest[:at] + data[start:end] + rest[at:]


def moved_lines(chance: random.Random, data: bytes) -> bytes:
    lines = data.split(b"\n")
    start = chance.randrange(len(lines))
    taken = lines[start : start + chance.choice((1, 2, 5, 50))]
    del lines[start : start + len(taken)]
    at = chance.randrange(len(lines) + 1)
    return b"\n".join([*lines[:at], *taken, *lines[at:]])


def glued(chance: random.Random, data: bytes) -> bytes:
    places = [place for place, byte in enumerate(data) if byte == 10]
    at = chance.choice(places)
    return data[:at] + chance.choice((b"", b" ", b"\r\n", b"\0")) + data[at + 1 :]


def holed(chance: random.Random, data: bytes) -> bytes:
    start = chance.randrange(len(data) + 1)
    return data[:start] + data[start + chance.choice((1, 30, 300, 3000)) :]


DAMAGES: tuple[Callable[[random.Random, bytes], bytes], ...] = (
    moved,
    moved_lines,
    glued,
    holed,
    lambda chance, data: cut(chance, data, ()),
    lambda chance, data: with_a_line_twice(chance, data, ()),
    lambda chance, data: with_another_byte(chance, data, ()),
)


def test_what_was_cut_moved_or_glued_is_not_compliant() -> None:
    """Of an answer damaged on the way a section is believed that is as the node printed it, byte
    for byte, and no other.
    """
    budget = Budget("damaged answers", SHARE)
    chance = budget.chance
    declared = {name: list(items(name)) for name in DECLARED}
    for number in budget.rounds():
        if number % 50 == 0:
            printed = {f"{name}.0": recorded(name, chance) for name in DECLARED}
            complete = answers.answer("rig", printed)
            compliant = compliant_in(read(complete), declared)
            assert compliant
            blocks = {
                name: re.escape(
                    b"\n" + answers.NONCE.encode() + b" B " + name.encode() + b"\n" + data
                )
                for name, data in printed.items()
            }
        damaged = complete
        for _ in range(chance.randrange(1, 3)):
            damaged = chance.choice(DAMAGES)(chance, damaged)
        try:
            answer = read(damaged)
        except NoAnswer:
            budget.counts["refused"] += 1
            continue
        assert answer.gate in (None, "open")
        after = compliant_in(answer, declared)
        budget.counts["compliant items"] += len(after)
        assert after <= compliant
        for name, _ in after:
            assert re.search(blocks[f"{name}.0"], damaged), (name, damaged)


def compliant_in(answer: Answer, declared: Mapping[str, Sequence[Item]]) -> set[tuple[str, str]]:
    observed = {
        name: observe(resource(name), members, answer) for name, members in declared.items()
    }
    return {
        (name, f"{item.name} {item.expected}")
        for name, members in declared.items()
        for item in members
        if judge(resource(name), item, observed[name]).outcome is Outcome.COMPLIANT
    }
