"""What a kept connection prints: where the answer to a script ends, and what does not belong."""

import pytest

from power_edge.probing.framing import read
from power_edge.probing.process import TooLong
from power_edge.probing.stream import Stream
from tests.support.answers import answer

TOKEN, OTHER = "a" * 32, "b" * 32
ANSWER = answer("rig", {"sysctl.0": b"== end\n"})
LONG = answer("rig", {"files.0": b"x" * 300_000})


def framed(body: bytes = ANSWER, token: str = TOKEN) -> bytes:
    return b"\n%s begin\n%s\n%s end\n" % (token.encode(), body, token.encode())


def fed(*pieces: bytes, first: bool = False, longest: int = 1 << 20) -> tuple[Stream, list[bool]]:
    stream = Stream(TOKEN, longest, first=first)
    return stream, [stream.feed(piece) for piece in pieces]


@pytest.mark.parametrize("body", [ANSWER, LONG, answer("rig", gate="wrong")])
@pytest.mark.parametrize("size", [1, 7, 4096, 1 << 20])
def test_the_end_is_found_however_the_answer_was_cut(body: bytes, size: int) -> None:
    if size < 100 < len(body) // 1000:
        body = ANSWER
    whole = framed(body)
    stream, ends = fed(*(whole[at : at + size] for at in range(0, len(whole), size)))
    assert ends == [False] * (len(ends) - 1) + [True]
    assert stream.answer() == body
    assert read(stream.answer()).node == "rig"
    assert stream.is_clean()


CASES = {
    # bytes, (the end was found, what is taken for the answer, another script may be sent)
    "nothing": (b"", (False, b"", False)),
    "no end": (framed()[:-1], (False, ANSWER, False)),
    "no beginning": (framed().partition(b" begin\n")[2], (True, b"", False)),
    "a line before": (b"Welcome\n" + framed(), (True, ANSWER, False)),
    "a byte after": (framed() + b"\n", (True, ANSWER, False)),
    "two answers, glued": (framed() + framed(token=OTHER), (True, ANSWER, False)),
    "the same answer twice": (framed() + framed(), (True, ANSWER, False)),
    "the one before, late": (framed(LONG, OTHER) + framed(), (True, ANSWER, False)),
    "only the one before": (framed(LONG, OTHER), (False, b"", False)),
    "noise before the head": (framed(b"x" + ANSWER), (True, b"x" + ANSWER, False)),
    "noise after the last line": (framed(ANSWER + b"x\n"), (True, ANSWER + b"x\n", False)),
    "another script's last line": (
        framed(ANSWER.replace(b" Z\n", b" Y\n") + b"\n%s Z\n" % (b"0" * 32)),
        (True, ANSWER.replace(b" Z\n", b" Y\n") + b"\n%s Z\n" % (b"0" * 32), False),
    ),
    "no answer": (framed(b""), (True, b"", False)),
}


@pytest.mark.parametrize(("printed", "expected"), CASES.values(), ids=CASES)
def test_what_does_not_belong_makes_the_connection_unusable(
    printed: bytes, expected: tuple[bool, bytes, bool]
) -> None:
    stream, (ended,) = fed(printed)
    found, body, clean = expected
    assert ended is found
    assert not ended or stream.answer() == body
    assert stream.is_clean() is clean
    assert stream.received() == printed


def test_only_a_new_connection_has_a_banner() -> None:
    stream, _ = fed(b"Welcome", framed(), first=True)
    assert stream.answer() == ANSWER
    assert stream.is_clean()


@pytest.mark.parametrize("fits", [True, False])
def test_an_answer_is_refused_as_it_becomes_too_long(*, fits: bool) -> None:
    stream = Stream(TOKEN, len(framed()) - (not fits), first=True)
    pieces = [framed()[at : at + 64] for at in range(0, len(framed()), 64)]
    assert not any(map(stream.feed, pieces[:-1]))
    if fits:
        assert stream.feed(pieces[-1])
    else:
        with pytest.raises(TooLong):
            stream.feed(pieces[-1])
