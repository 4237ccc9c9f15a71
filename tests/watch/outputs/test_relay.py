"""Standard output that nobody reads: whoever writes to it goes on."""

import os
import select
import threading
from collections.abc import Callable, Iterator

import pytest

from power_edge.watch.outputs import relay
from power_edge.watch.outputs.relay import Relay

HANGS = 30.0
"""Seconds after which something that should not wait counts as waiting."""
LINE = b"x" * 99 + b"\n"


class Pipe:
    """An output with its reader, who reads when a test says so."""

    def __init__(self) -> None:
        self.reading, self.output = os.pipe()
        self.relay = Relay(self.output)

    def read(self) -> bytes:
        """All that comes, up to the end of the output."""
        os.close(self.output)
        pieces = []
        while piece := os.read(self.reading, 65536):
            pieces.append(piece)
        return b"".join(pieces)


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    made = Pipe()
    yield made
    os.close(made.reading)


def at_once(work: Callable[[], None]) -> None:
    """Do some work, which must not wait."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(HANGS)
    assert not thread.is_alive(), "it waits for a reader"


def test_all_that_is_written_arrives_in_order(pipe: Pipe) -> None:
    lines = [b"%d\n" % number for number in range(1000)]
    for line in lines:
        os.write(pipe.output, line)
    at_once(pipe.relay.close)
    assert pipe.read() == b"".join(lines)


def test_nobody_reads(pipe: Pipe) -> None:
    def write() -> None:
        for _ in range(50_000):  # 5 MB: a pipe takes 64 KiB
            os.write(pipe.output, LINE)

    at_once(write)
    at_once(pipe.relay.close)
    at_once(write)  # after the end nobody waits either


def test_a_reader_that_comes_back_is_told_what_was_left_out(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "_STILL", HANGS)  # the reader has all the time
    monkeypatch.setattr(relay, "_LONGEST", HANGS)
    count = 50_000
    for _ in range(count):
        os.write(pipe.output, LINE)
    ended = threading.Thread(target=pipe.relay.close, daemon=True)
    ended.start()
    read = bytearray()
    while b"nobody read them" not in read:
        assert select.select([pipe.reading], [], [], HANGS)[0], "no line says what is missing"
        read += os.read(pipe.reading, 65536)
    ended.join(HANGS)
    read += pipe.read()
    _, _, after = bytes(read).partition(b"\n(")
    left_out = int(after.split()[0])
    assert left_out > 0
    assert read.count(LINE) + left_out in (count, count + 1, count - 1)  # one may be cut


def test_a_reader_that_has_gone(pipe: Pipe) -> None:
    os.close(pipe.reading)

    def write() -> None:
        for _ in range(5_000):
            os.write(pipe.output, LINE)
        pipe.relay.close()

    at_once(write)
    pipe.reading = os.open(os.devnull, os.O_RDONLY)
