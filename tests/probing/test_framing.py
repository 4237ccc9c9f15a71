"""The framing of answers: whole, cut at every byte, hostile, in several parts."""

from typing import Any

import pytest

from power_edge.identity.identifiers import Reading
from power_edge.probing import framing
from power_edge.probing.framing import Answer, Kind, NoAnswer, Output, cksum, kind, merge, read
from tests.support.answers import MILLISECONDS, NONCE, answer, closed, digest

SECTIONS: dict[str, bytes | tuple[int, bytes, str]] = {
    "services.0": b"one\ntwo\n",
    "sysctl.0": (3, b"no newline at the end", "first\nsecond"),
    "sysctl.1": (124, b"", ""),
}


def test_whole() -> None:
    observed = read(answer("rig-7", SECTIONS, machine="a", age=0))
    assert (observed.node, observed.uid, observed.gate, observed.complete) == (
        "rig-7",
        0,
        "open",
        True,
    )
    assert observed.readings == {"machine-id": Reading("ok", digest("a"))}
    assert observed.outputs["services.0"] == (0, b"one\ntwo\n", "", MILLISECONDS, None)
    assert observed.outputs["sysctl.0"] == (
        3,
        b"no newline at the end",
        "first\nsecond",
        MILLISECONDS,
        None,
    )
    assert {name: output.failure() for name, output in observed.outputs.items()} == {
        "services.0": None,
        "sysctl.0": "first",
        "sysctl.1": "timed out",
    }


def test_a_warning_of_sudo_is_no_reason() -> None:
    warning = "sudo: unable to resolve host rig-7: Name or service not known"
    sections: dict[str, bytes | tuple[int, bytes, str]] = {
        "a.0": (1, b"", f"{warning}\nsudo: a password is required"),
        "b.0": (1, b"", warning),
    }
    observed = read(answer("rig-7", sections))
    assert {name: output.failure() for name, output in observed.outputs.items()} == {
        "a.0": "sudo: a password is required",
        "b.0": warning,
    }


@pytest.mark.parametrize(
    ("status", "stderr", "failure"),
    [
        (0, "a warning", None),
        (1, "", "the probe ended with status 1"),
        (2, "no way\nmore", "no way"),
        *((status, "no way", "timed out") for status in (124, 137, 143)),
        (125, "", "the probe ended with status 125"),
        (None, "no way", "the answer is incomplete"),
    ],
)
def test_why_a_section_cannot_be_used(status: int | None, stderr: str, failure: str | None) -> None:
    output = Output(status, b"", stderr)
    assert (output.failure(), output.timed_out) == (failure, failure == "timed out")
    assert Output(None, b"", "", lost="it is gone").failure() == "it is gone"


@pytest.mark.parametrize(
    ("sections", "what"),
    [
        ([], Kind.CHECK),
        (["services.0", "sysctl.0"], Kind.CHECK),
        (["find.services", "services.0"], Kind.DISCOVERY),
        (["services.0", "identity"], Kind.DISCOVERY),
        (["about.system"], Kind.ABOUT),
        (["identity", "about.system"], Kind.DISCOVERY),
        (["about", "find", "identity.0"], Kind.CHECK),
    ],
)
def test_what_an_answer_is_for(sections: list[str], what: Kind) -> None:
    assert kind(read(answer("a", dict.fromkeys(sections, b"x\n")))) is what


@pytest.mark.parametrize("state", ["missing", "unreadable", "empty", "invalid", "filler"])
def test_a_hash_counts_only_where_the_identifier_was_read(state: str) -> None:
    observed = read(answer("a", readings=[("machine-id", state, digest("a"))]))
    assert observed.readings == {"machine-id": Reading(state, None)}


def test_cut_at_every_byte() -> None:
    data = answer("rig-7", {**SECTIONS, "sysctl.2": b"vm.swappiness\n"})
    complete = read(data)
    for at in range(len(data)):
        try:
            observed = read(data[:at])
        except NoAnswer:
            continue
        assert observed.node == complete.node
        assert observed.gate in (None, complete.gate)
        assert observed.complete <= complete.complete
        for name, output in observed.outputs.items():
            if output.failure() is None:
                assert output.stdout == complete.outputs[name].stdout
        whole = observed.gate is not None
        assert observed.readings == (complete.readings if whole else {})
        assert observed.outputs.keys() == (complete.outputs.keys() if whole else set())


def test_what_a_section_prints_is_no_frame() -> None:
    hostile = (
        b"PE2 ffffffffffffffffffffffffffffffff 0 1 other\n"
        + b"f" * 32
        + b" G open\n"
        + b"f" * 32
        + b" E sysctl.0 0\n"
    )
    hostile += f"x{NONCE} E sysctl.0 0\n {NONCE} Z\n".encode()
    observed = read(answer("a", {"sysctl.0": hostile, "sysctl.1": b"later"}))
    assert observed.node == "a"
    assert observed.outputs["sysctl.0"].stdout == hostile
    assert observed.outputs["sysctl.1"].stdout == b"later"


def test_binary() -> None:
    data = bytes(range(256)) * 50 + b"\r\n\r\n\0\n\n"
    assert read(answer("a", {"files.0": data})).outputs["files.0"].stdout == data


@pytest.mark.parametrize(
    "banner",
    [
        b"Welcome to rig-7\n\n",
        b"\x1b]0;stella@rig-7\x07",
        b"\r\nbanner\r\n",
        b"\xff\xfe",
        b"PE2 not a header\n",
    ],
)
def test_what_a_login_shell_prints_before_is_passed_over(banner: bytes) -> None:
    assert read(banner + answer("a", SECTIONS)).outputs == read(answer("a", SECTIONS)).outputs


@pytest.mark.parametrize("length", [None, -30, 300])
def test_of_two_answers_in_one_file_neither_is_believed(length: int | None) -> None:
    for nonce in ("f" * 32, NONCE):
        with pytest.raises(NoAnswer, match="more than one answer"):
            read(answer("a", SECTIONS)[:length] + answer("b", SECTIONS, nonce=nonce))


def test_changed_line_ends_are_refused() -> None:
    with pytest.raises(NoAnswer, match="CR LF"):
        read(answer("a", SECTIONS).replace(b"\n", b"\r\n"))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"PE2",
        b"PE2 0123 0 1 a\n",
        f"PE2 {NONCE} 0 1 a".encode(),
        f"PE2 {NONCE} -1 1 a\n".encode(),
        f"PE2 {NONCE} 0 {'9' * 5000} a\n".encode(),
        answer("a").decode().encode("utf-16"),
    ],
)
def test_no_answer(data: bytes) -> None:
    with pytest.raises(NoAnswer):
        read(data)


def blocks(ending: str) -> bytes:
    """An answer of one section, whose end is that."""
    return answer("a", promised=["sysctl.0"], end=False) + closed(
        f"{NONCE} B sysctl.0\nx\n\n{NONCE} E {ending}\n\n".encode()
    )


@pytest.mark.parametrize("status", ["", "x", "-1", "9" * 5000, "0000", "0 0", "\u0660", "\u0661"])
def test_a_strange_status_is_a_failure(status: str) -> None:
    assert read(blocks(f"sysctl.0 {status} 20")).outputs["sysctl.0"].failure() is not None


@pytest.mark.parametrize(
    ("spent", "milliseconds"),
    [
        ("20", 20),
        ("0", 0),
        ("9" * 9, 999_999_999),
        ("9" * 10, None),
        ("-", None),
        ("-10", None),
        ("x", None),
        ("9" * 5000, None),
    ],
)
def test_milliseconds(spent: str, milliseconds: int | None) -> None:
    assert read(blocks(f"sysctl.0 0 {spent}")).outputs["sysctl.0"] == (
        0,
        b"x\n",
        "",
        milliseconds,
        None,
    )


@pytest.mark.parametrize("verdict", ["", "opened", "open open", "OPEN"])
def test_a_strange_gate_is_none(verdict: str) -> None:
    assert read(answer("a", {"sysctl.0": b"x\n"}, gate=verdict))[-3:-1] == (None, {})


def test_an_end_of_another_section_is_none() -> None:
    assert (
        read(blocks("sysctl.1 0 20")).outputs["sysctl.0"].failure()
        == "the section was not understood"
    )


@pytest.mark.parametrize("name", ["", " ", " sysctl.1", " sysctl.0.x"])
def test_a_block_of_another_name_or_none_is_not_the_section(name: str) -> None:
    data = answer("a", promised=["sysctl.0"], end=False) + closed(
        f"{NONCE} B{name}\nx\n\n{NONCE} E sysctl.0 0 20\n\n".encode()
    )
    assert {key: each.failure() for key, each in read(data).outputs.items()} == {
        "sysctl.0": "the answer is incomplete"
    }


HEAD = answer("a", promised=["sysctl.0"], end=False)
BLOCK = closed(f"{NONCE} B sysctl.0\nx\n\n{NONCE} E sysctl.0 0 20\n\n".encode())
OTHER = BLOCK.replace(b"x", b"y")
END = f"\n{NONCE} Z\n".encode()


def lost(why: str) -> Output:
    return Output(None, b"", "", lost=why)


@pytest.mark.parametrize(
    ("blocks", "why"),
    [
        (BLOCK + BLOCK, "the answer was damaged on the way: the section is in it twice"),
        (BLOCK + OTHER, "the answer was damaged on the way: the section is in it twice"),
        (OTHER + BLOCK, "the answer was damaged on the way: the section is in it twice"),
        (OTHER, "the answer was damaged on the way: the section does not match its checksum"),
        (
            BLOCK.partition(f"{NONCE} C".encode())[0],
            "the answer was damaged on the way: the section has no end",
        ),
        (
            closed(f"{NONCE} B sysctl.0\nx\n".encode()),
            "the section was not understood",
        ),
        (b"", "the answer was damaged on the way: the section is missing"),
    ],
)
def test_of_a_section_that_is_lost_nothing_is_kept(blocks: bytes, why: str) -> None:
    assert read(HEAD + b"\n" + blocks + END).outputs == {"sysctl.0": lost(why)}


def test_a_block_without_an_end_before_another_is_lost() -> None:
    head = answer("a", promised=["sysctl.1", "sysctl.0"], end=False)
    cut = f"\n{NONCE} B sysctl.1\nx\n".encode()
    for end in (END, b""):
        assert read(head + cut + b"\n" + BLOCK + end).outputs == {
            "sysctl.1": lost("the answer was damaged on the way: the section has no end"),
            "sysctl.0": Output(0, b"x\n", "", 20),
        }


@pytest.mark.parametrize("verdict", ["open", "hidden", "wrong"])
def test_the_gate_of_the_node(verdict: str) -> None:
    observed = read(answer("a", {"sysctl.0": b"x\n"}, gate=verdict))
    assert (observed.gate, bool(observed.outputs)) == (verdict, verdict == "open")


def test_bytes_that_are_no_text_are_replaced() -> None:
    head = answer("NAME", promised=["sysctl.0"], end=False).partition(f"{NONCE} C".encode())[0]
    block = f"\n{NONCE} B sysctl.0\n\n{NONCE} E sysctl.0 1 20\n".encode() + b"\xff\n"
    data = b"\n" + closed(head[1:].replace(b"NAME", b"\xff")) + b"\n" + closed(block[1:])
    observed = read(data)
    assert (observed.node, observed.outputs["sysctl.0"].stderr) == ("\ufffd", "\ufffd")


def test_the_time_of_an_answer_is_the_nodes() -> None:
    data = answer("a", age=9)
    assert read(data).time == int(data.split()[3])


def test_the_lines_of_a_frame_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    data = answer("a", SECTIONS)
    lines = data.count(f"\n{NONCE} ".encode())
    monkeypatch.setattr(framing, "MANY_FRAMES", lines)
    assert read(data).complete
    monkeypatch.setattr(framing, "MANY_FRAMES", lines - 1)
    with pytest.raises(NoAnswer, match="its frame has more than"):
        read(data)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", 4294967295),
        (b"123456789", 930766865),
        (b"x" * 200, 694566275),
        (b"\0" * 70000, 1774371287),
    ],
)
def test_the_checksum_is_that_of_cksum(data: bytes, expected: int) -> None:
    assert cksum(data) == cksum(memoryview(data)) == expected


def test_what_the_head_promises_and_is_not_there_is_lost() -> None:
    for end, why in (
        (True, "the answer was damaged on the way: the section is missing"),
        (False, "the answer is incomplete"),
    ):
        observed = read(
            answer("a", {"sysctl.0": b"x\n"}, promised=["sysctl.0", "sysctl.1"], end=end)
        )
        assert [output.failure() for output in observed.outputs.values()] == [None, why]
    assert read(answer("a", promised=["sysctl.0"], gate="wrong")).outputs == {}


def test_an_answer_of_an_older_script_is_named() -> None:
    with pytest.raises(NoAnswer, match="older version"):
        read(answer("a", SECTIONS).replace(b"PE2 ", b"PE1 "))


def part(**changes: Any) -> Answer:
    return read(answer("a", {"sysctl.0": b"x\n"}))._replace(**changes)


def test_merged_answers() -> None:
    other = read(answer("a", {"sysctl.1": b"y\n"}))
    merged = merge([part(), other])
    assert merged.complete
    assert merged.outputs == {**part().outputs, **other.outputs}
    assert not merge([part(), other._replace(complete=False)]).complete


@pytest.mark.parametrize(
    "other",
    [{"node": "b"}, {"readings": {}}, {"readings": {"machine-id": Reading("ok", digest("b"))}}],
)
def test_a_part_of_another_machine_is_no_part(other: dict[str, Any]) -> None:
    with pytest.raises(NoAnswer, match="another machine"):
        merge([part(), part(**other)])
