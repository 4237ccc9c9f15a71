"""The entry point of `power-edge`: small, so that Ctrl-C is caught while the rest is imported."""

import sys
from contextlib import suppress
from io import BufferedWriter, FileIO, TextIOWrapper
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing_extensions import Buffer

INTERRUPTED = 2
"""As pytest's own: exit_status is not imported yet."""


class _Output(FileIO):
    """Standard output. Output that has no reader any more (`| head -1`) is dropped.

    A command still writes its files when its output has no reader.
    """

    def write(self, data: "Buffer", /) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            return memoryview(data).nbytes


def main() -> None:
    """Run the command. If Ctrl-C ends it, it says so in one line, with exit status 2."""
    try:
        if sys.argv[1:2] == ["check"]:
            _check(sys.argv[2:])
        from power_edge.cli import main as run

        stream = sys.stdout
        if isinstance(stream, TextIOWrapper) and stream is sys.__stdout__:
            sys.stdout = _unbroken(stream)
        run()
    except KeyboardInterrupt:
        with suppress(OSError):
            sys.stderr.write("\nError: interrupted\n")
        raise SystemExit(INTERRUPTED) from None


def _check(words: list[str]) -> None:
    """Run `power-edge check` if its nodes can be asked before all else is imported; return if not:
    then click and pytest read the words.
    """
    from power_edge.pytest_integration.head_start import begin

    head_start = begin(words)
    if head_start is not None:
        from power_edge.pytest_integration.check_main import run

        run(head_start.words, head_start)


def _unbroken(stream: "TextIOWrapper[Any]") -> "TextIOWrapper[Any]":
    """Return a stream to the same file, for text of the same encoding."""
    raw = _Output(stream.fileno(), "w", closefd=False)
    return TextIOWrapper(
        BufferedWriter(raw),
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=stream.line_buffering,
    )
