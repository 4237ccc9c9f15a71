"""The textfile for node_exporter, written again and again while the watch runs."""

import asyncio
import errno
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from power_edge.atomic_file import write
from power_edge.report.prometheus import refuse_a_second
from power_edge.watch.threads import in_thread


class Pace(NamedTuple):
    """Seconds between two writes: at least and at most. Nobody reads it more often than that."""

    least: float = 1.0
    most: float = 60.0


USUAL = Pace()
_LAST = 3.0
"""Seconds that the last write may take: it keeps the watch from its end."""


class Textfile:
    """Writes a file after each change, and from time to time."""

    def __init__(
        self,
        file: Path,
        render: Callable[[], Callable[[], str] | None],
        say: Callable[[str], None],
        pace: Pace = USUAL,
    ) -> None:
        """`render` is called in the loop, and takes what it needs; what it returns is called in a
        thread, and returns the text. None: there is nothing to write yet.

        `say` gets a line when the file cannot be written, and when it can be again.
        """
        self.error: OSError | None = None
        """Why the last write failed; None if it did not."""
        self._file = file
        self._render = render
        self._say = say
        self._pace = pace
        self._changed = asyncio.Event()
        self._writing = asyncio.Lock()

    def change(self) -> None:
        """Let the file be written soon."""
        self._changed.set()

    async def run(self) -> None:
        """Write until this is cancelled."""
        while True:
            # asyncio.wait_for may swallow the end of the watch before Python 3.12.
            with suppress(TimeoutError):
                async with asyncio.timeout(self._pace.most):
                    await self._changed.wait()
            self._changed.clear()
            await self.write()
            await asyncio.sleep(self._pace.least)

    async def write(self) -> None:
        """Write the file now, after a write that is under way."""
        # A thread cannot be cancelled, so neither is its task: the next write waits for it.
        await asyncio.shield(asyncio.create_task(self._write()))

    async def write_last(self) -> None:
        """Write the file for the last time. Gives up if the file system does not answer."""
        try:
            async with asyncio.timeout(_LAST):
                await self.write()
        except TimeoutError:
            self._failed(TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT)))

    async def _write(self) -> None:
        async with self._writing:
            text = self._render()
            if text is None:
                return
            try:
                await in_thread(_write, self._file, text)
            except Exception as error:  # whatever it is, the watch goes on
                self._failed(error)
            else:
                if self.error is not None:
                    self._say(f"{self._file} is written again")
                self.error = None

    def _failed(self, error: Exception) -> None:
        failure = (
            error if isinstance(error, OSError) else OSError(f"{error} (an error in Power Edge)")
        )
        if self.error is None:
            reason = failure.strerror or failure
            self._say(f"{self._file} could not be written: {reason}; the watch tries again")
        self.error = failure


def _write(file: Path, text: Callable[[], str]) -> None:
    content = text()
    refuse_a_second(file, content)
    write(file, content.encode("utf-8"))
