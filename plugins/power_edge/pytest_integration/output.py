"""The stream that pytest's terminal reporter writes to, when it can no longer be written to."""

import os
from contextlib import suppress
from typing import Any, TextIO


class Output:
    """A stream in front of another that goes on when the other fails: its reader has gone, or the
    disk is full. What comes then is left out. pytest itself would end with a traceback, and with 1.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.error: OSError | None = None
        """Why the other stream could not be written; None if it could."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write text. Return its length."""
        if self.error is None:
            try:
                self._stream.write(text)
            except OSError as error:
                self._fail(error)
        return len(text)

    def flush(self) -> None:
        """Let the other stream write what it holds."""
        if self.error is None:
            try:
                self._stream.flush()
            except OSError as error:
                self._fail(error)

    def _fail(self, error: OSError) -> None:
        self.error = error
        # The stream keeps what it could not write, and Python would complain of that at its end.
        with suppress(OSError):
            nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)
            self._stream.flush()
