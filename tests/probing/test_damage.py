"""Answers damaged on the way: what is not as the node printed it is lost, and no item becomes
compliant by it.
"""

import re
from collections.abc import Callable
from functools import cache
from itertools import groupby

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from power_edge.checking.evaluate import judge
from power_edge.config import load_state
from power_edge.identity.identifiers import Reading
from power_edge.model import Item, Outcome
from power_edge.probing.framing import Answer, NoAnswer, read
from power_edge.probing.observe import observe
from power_edge.resources import resource
from tests.support import answers

STATE = b"""version: '1.0'
metadata: {site: x, environment: development}
packages: [{name: telnetd, state: absent}, {name: nmap, state: absent}, {name: cron, state: present}]
sysctl: {vm.swappiness: '60', kernel.panic: '10', net.ipv4.ip_forward: '1'}
"""
PACKAGES = b"""manager dpkg amd64 apt-get
row telnetd amd64 install/installed/ok 1.0
row cron amd64 deinstall/config-files/ok 1.0
asked telnetd
asked nmap
asked cron
"""
SYSCTL = answers.sysctl({"vm.swappiness": "60", "kernel.panic": "1", "net.ipv4.ip_forward": "0"})
READINGS = [
    ("machine-id", "ok", answers.digest(answers.MACHINE)),
    ("board-serial", "filler", "-"),
    ("product-uuid", "ok", answers.digest("x")),
]
WHOLE = answers.answer(
    "rig-7",
    {
        "packages.0": PACKAGES,
        "packages.1": (2, b"", "a line\nno way\nanother"),
        "sysctl.0": SYSCTL,
        "sysctl.1": (124, b"\n\n", ""),
    },
    readings=READINGS,
)
FIXED = answers.answer(  # of the same node on another day, with nothing amiss
    "rig-7",
    {
        "packages.0": PACKAGES.replace(
            b"telnetd amd64 install/installed", b"telnetd amd64 deinstall/config-files"
        ),
        "sysctl.0": answers.sysctl(
            {"vm.swappiness": "60", "kernel.panic": "10", "net.ipv4.ip_forward": "1"}
        ),
    },
    readings=[*READINGS[:2], ("product-uuid", "ok", answers.digest("y"))],
    nonce="f" * 32,
)

Damage = Callable[[bytes], bytes]


@cache
def items() -> tuple[Item, ...]:
    return load_state(STATE, "node-configs/a/state.yaml", "a").items


def outcomes(answer: Answer) -> dict[str, Outcome]:
    by_type = groupby(sorted(items(), key=lambda item: item.type), key=lambda item: item.type)
    observed = {kind: observe(resource(kind), list(members), answer) for kind, members in by_type}
    return {
        item.name: judge(resource(item.type), item, observed[item.type]).outcome for item in items()
    }


def check(damaged: bytes) -> None:
    complete = read(WHOLE)
    try:
        answer = read(damaged)
    except NoAnswer:
        return
    if answer.gate is None:
        assert answer.outputs == {}
        return
    assert (answer.node, answer.readings, answer.gate) == (
        complete.node,
        complete.readings,
        complete.gate,
    )
    assert answer.outputs.keys() == complete.outputs.keys()
    for name, output in answer.outputs.items():
        assert output == complete.outputs[name] or (output.status is None and output.lost), name
    before = outcomes(complete)
    for name, outcome in outcomes(answer).items():
        assert outcome in (before[name], Outcome.UNKNOWN), name


def test_undamaged() -> None:
    assert outcomes(read(WHOLE)) == {
        "telnetd": Outcome.DRIFT,
        "nmap": Outcome.COMPLIANT,
        "cron": Outcome.DRIFT,
        "vm.swappiness": Outcome.COMPLIANT,
        "kernel.panic": Outcome.DRIFT,
        "net.ipv4.ip_forward": Outcome.DRIFT,
    }


def lines(data: bytes) -> list[bytes]:
    return data.splitlines(keepends=True)


def every_line(change: Callable[[list[bytes], int], list[bytes]]) -> list[bytes]:
    return [b"".join(change(lines(WHOLE), at)) for at in range(len(lines(WHOLE)))]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda all, at: all[:at] + all[at + 1 :], id="lost"),
        pytest.param(lambda all, at: [*all[:at], all[at], *all[at:]], id="twice"),
        pytest.param(lambda all, at: [*all[:at], all[at][:-1], *all[at + 1 :]], id="glued"),
        pytest.param(lambda all, at: [*all[:at], all[at][:-1] + b"\r\n", *all[at + 1 :]], id="CR"),
        pytest.param(
            lambda all, at: all[:at] + all[at + 1 : at + 2] + all[at : at + 1] + all[at + 2 :],
            id="swapped",
        ),
        pytest.param(lambda all, at: all[:at], id="cut"),
        pytest.param(lambda all, at: all[: at // 2] + all[at:], id="hole"),
        pytest.param(
            lambda all, at: [*all[:at], b"Broadcast message from root\n", *all[at:]],
            id="a foreign line",
        ),
        pytest.param(lambda all, at: [*all[:at], all[at].upper(), *all[at + 1 :]], id="upper case"),
        pytest.param(
            lambda all, at: [*all[:at], all[at].rstrip() + b"\n", *all[at + 1 :]], id="blanks lost"
        ),
        pytest.param(
            lambda all, at: all[: max(at, 2)] + lines(FIXED)[max(at, 2) :],
            id="the rest of another answer",
        ),
        pytest.param(
            lambda all, at: [*all[:at], *lines(FIXED)[at : at + 1], *all[at + 1 :]],
            id="a line of another answer",
        ),
    ],
)
def test_each_line(change: Callable[[list[bytes], int], list[bytes]]) -> None:
    for damaged in every_line(change):
        check(damaged)


def test_each_byte() -> None:
    for at in range(len(WHOLE)):
        check(WHOLE[:at] + bytes([WHOLE[at] ^ 1]) + WHOLE[at + 1 :])
        check(WHOLE[:at] + WHOLE[at + 1 :])


def test_each_digit() -> None:
    """A status that became 0, a checksum or length that is another number."""
    for found in re.finditer(rb"\d", WHOLE):
        check(WHOLE[: found.start()] + (b"0" if found[0] != b"0" else b"1") + WHOLE[found.end() :])


def sections(data: bytes) -> list[bytes]:
    """The head, the blocks, and the last line."""
    return re.split(rb"(?<=\n)(?=\n[0-9a-f]{32} [BZ])", data)


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_sections_mixed(data: st.DataObject) -> None:
    """In any order, lost, doubled, with those of another answer between: a section that is whole is
    believed, where it is of this answer.
    """
    pieces = data.draw(
        st.lists(st.sampled_from(sections(WHOLE)[1:] + sections(FIXED)[1:]), max_size=8)
    )
    check(b"".join([sections(WHOLE)[0], *pieces]))


def test_sections_swapped_are_themselves() -> None:
    head, *blocks, end = sections(WHOLE)
    answer = read(b"".join([head, *reversed(blocks), end]))
    assert answer.outputs == read(WHOLE).outputs


@given(st.data())
@settings(max_examples=400, deadline=None)
def test_several_at_once(data: st.DataObject) -> None:
    damaged = WHOLE
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(damaged)))
        end = data.draw(st.integers(at, min(len(damaged), at + 400)))
        put = data.draw(
            st.sampled_from(
                [b"", b"\n", b"\r\n", b"\0", damaged[at:end] * 2, damaged[at:end][::-1]]
            )
            | st.binary(max_size=5)
        )
        damaged = damaged[:at] + put + damaged[end:]
    check(damaged)


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        (
            b"row telnetd amd64 install/installed/ok 1.0\n",
            b"",
            "the answer was damaged on the way: the section does not match its checksum",
        ),
        (
            b" B packages.0\n",
            b" B packages.7\n",
            "the answer was damaged on the way: the section is missing",
        ),
        (
            b" E packages.0 0 20\n\n",
            b"",
            "the answer was damaged on the way: the section has no end",
        ),
        (
            b"asked cron\n",
            b"asked cron\r\n",
            "the answer was damaged on the way: the section does not match its checksum",
        ),
    ],
)
def test_what_is_lost_says_so(before: bytes, after: bytes, why: str) -> None:
    assert WHOLE.count(before) == 1
    assert read(WHOLE.replace(before, after)).outputs["packages.0"].failure() == why


def test_an_identifier_that_is_lost_opens_no_gate() -> None:
    line = f"{answers.NONCE} I product-uuid ok {answers.digest('x')}\n".encode()
    assert read(WHOLE).readings["product-uuid"] == Reading("ok", answers.digest("x"))
    with pytest.raises(NoAnswer, match="head does not match"):
        read(WHOLE.replace(line, b""))
