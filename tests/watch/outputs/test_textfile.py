"""The textfile of a watch: whole, soon after each change, and nothing that the watch dies of."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from power_edge.watch.outputs import textfile
from power_edge.watch.outputs.textfile import Pace, Textfile

HANGS = 120.0
"""Seconds after which a test that waits for what does not happen gives up."""
AT_ONCE = Pace(0, 600)


class Written:
    """What is to be written, and what was said. A text that is None is not written."""

    def __init__(self) -> None:
        self.text: str | None = "first\n"
        self.said: list[str] = []

    def render(self) -> Callable[[], str] | None:
        text = self.text
        return (lambda: text) if text is not None else None


def running(
    folder: Path, test: Callable[[Textfile, Written], Awaitable[None]], pace: Pace = AT_ONCE
) -> Written:
    written = Written()

    async def run() -> None:
        file = Textfile(folder / "e.prom", written.render, written.said.append, pace)
        task = asyncio.create_task(file.run())
        try:
            async with asyncio.timeout(HANGS):
                await test(file, written)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    asyncio.run(run())
    return written


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.001)


def test_it_is_not_written_beside_another_file_of_its_node(tmp_path: Path) -> None:
    of_a = 'power_edge_config_error{node="a"} 0.0\n'
    (tmp_path / "old.prom").write_text(of_a)

    async def test(textfile: Textfile, written: Written) -> None:
        written.text = of_a
        textfile.change()
        await until(lambda: textfile.error is not None)
        (tmp_path / "old.prom").unlink()
        textfile.change()
        await until(lambda: textfile.error is None)

    first, second = running(tmp_path, test).said
    assert "old.prom beside it has series of node a" in first
    assert second.endswith("is written again")


def test_it_is_written_after_each_change(tmp_path: Path) -> None:
    file = tmp_path / "e.prom"

    async def test(textfile: Textfile, written: Written) -> None:
        for text in ("one\n", "two\n", "three\n"):
            written.text = text
            textfile.change()
            await until(lambda text=text: file.exists() and file.read_text() == text)  # type: ignore[misc]

    assert running(tmp_path, test).said == []


def test_it_is_written_without_a_change(tmp_path: Path) -> None:
    file = tmp_path / "e.prom"

    async def test(textfile: Textfile, written: Written) -> None:
        for text in ("one\n", "two\n"):
            written.text = text
            await until(lambda text=text: file.exists() and file.read_text() == text)  # type: ignore[misc]

    running(tmp_path, test, Pace(0, 0.01))


def test_nothing_is_written_while_there_is_nothing_to_write(tmp_path: Path) -> None:
    (tmp_path / "e.prom").write_text("old\n")

    async def test(textfile: Textfile, written: Written) -> None:
        written.text = None
        await textfile.write()

    assert running(tmp_path, test).said == []
    assert (tmp_path / "e.prom").read_text() == "old\n"


def test_what_cannot_be_written_is_said_once_and_tried_again(tmp_path: Path) -> None:
    folder = tmp_path / "later"
    file = folder / "e.prom"

    async def test(textfile: Textfile, written: Written) -> None:
        for _ in range(3):
            await textfile.write()
            assert isinstance(textfile.error, FileNotFoundError)
        folder.mkdir()
        textfile.change()
        await until(file.exists)
        await until(lambda: textfile.error is None)
        file.unlink()
        folder.rmdir()
        await textfile.write()

    failed = f"{file} could not be written: No such file or directory; the watch tries again"
    assert running(folder, test).said == [failed, f"{file} is written again", failed]


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "e.prom"
    file.write_text("old\n")

    def fsync(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("power_edge.atomic_file.os.fsync", fsync)

    async def test(textfile: Textfile, written: Written) -> None:
        await textfile.write()

    said = running(tmp_path, test).said
    assert said == [f"{file} could not be written: No space left on device; the watch tries again"]
    assert list(tmp_path.iterdir()) == [file]
    assert file.read_text() == "old\n"


def test_a_fault_of_ours_ends_nothing(tmp_path: Path) -> None:
    async def test(textfile: Textfile, written: Written) -> None:
        written.text = "\ud800"  # no UTF-8 has it
        textfile.change()
        await until(lambda: textfile.error is not None)
        written.text = "well\n"
        textfile.change()
        await until(lambda: textfile.error is None)

    (failed, again) = running(tmp_path, test).said
    assert "can't encode" in failed
    assert again.endswith("is written again")
    assert (tmp_path / "e.prom").read_text() == "well\n"


def test_the_last_state_is_the_one_that_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write under way when the watch stops is not overtaken by the last one."""
    begun, goes_on = threading.Event(), threading.Event()
    texts: list[bytes] = []
    holds: Iterator[bool] = iter([True, False])

    def write(_: Path, content: bytes) -> None:
        if next(holds):
            begun.set()
            goes_on.wait()
        texts.append(content)

    monkeypatch.setattr(textfile, "write", write)

    async def test(file: Textfile, written: Written) -> None:
        slow = asyncio.create_task(file.write())
        await asyncio.to_thread(begun.wait)
        slow.cancel()
        await asyncio.gather(slow, return_exceptions=True)
        written.text = "last\n"
        last = asyncio.create_task(file.write())
        await asyncio.sleep(0.01)
        goes_on.set()
        await last

    running(tmp_path, test)
    assert texts == [b"first\n", b"last\n"]
