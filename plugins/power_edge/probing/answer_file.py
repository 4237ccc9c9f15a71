"""Answers that somebody carried here as files."""

from pathlib import Path

from power_edge.probing.framing import Answer, NoAnswer, read
from power_edge.probing.process import LONGEST_OUTPUT


def read_file(path: Path) -> Answer:
    """Return the answer in a file, which need not be a regular one.

    It may be as long as one that comes over a connection, so a machine cannot fill the memory of
    this one by the file that it made. Raises NoAnswer and OSError.
    """
    with path.open("rb") as file:
        content = file.read(LONGEST_OUTPUT + 1)
    if len(content) > LONGEST_OUTPUT:
        raise NoAnswer(f"it is longer than {LONGEST_OUTPUT // (1024 * 1024)} MiB")
    return read(content)
