"""Answers in files: as long as over a connection, and from what is not a regular file."""

import os
from pathlib import Path
from threading import Thread

import pytest

from power_edge.probing.answer_file import read_file
from power_edge.probing.framing import NoAnswer
from power_edge.probing.process import LONGEST_OUTPUT
from tests.support.answers import answer


def test_a_file_longer_than_an_answer_may_be(tmp_path: Path) -> None:
    file = tmp_path / "answer"
    file.write_bytes(answer("a"))
    assert read_file(file).node == "a"
    os.truncate(file, LONGEST_OUTPUT)
    assert read_file(file).node == "a"
    os.truncate(file, LONGEST_OUTPUT + 1)
    with pytest.raises(NoAnswer, match="longer than 64 MiB"):
        read_file(file)


def test_a_device_without_an_end() -> None:
    with pytest.raises(NoAnswer, match="longer than 64 MiB"):
        read_file(Path("/dev/zero"))


def test_a_pipe(tmp_path: Path) -> None:
    """As `--answers=<(ssh ...)` makes one."""
    fifo = tmp_path / "answer"
    os.mkfifo(fifo)
    writer = Thread(target=lambda: fifo.write_bytes(answer("a")))
    writer.start()
    assert read_file(fifo).node == "a"
    writer.join()
