"""Values that are read again and again."""

import os
from pathlib import Path

import pytest

from power_edge.watch.event import Kind, Subject
from power_edge.watch.sources import values
from power_edge.watch.sources.values import Value
from tests.watch.sources.test_inotify import Heard, listen, replace


def test_a_value_that_stays_is_read_once_and_without_room_for_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "value"
    path.write_text("60\n")
    value = Value(str(path))
    real, sizes = os.pread, []

    def pread(file: int, size: int, offset: int) -> bytes:
        sizes.append(size)
        return real(file, size, offset)

    monkeypatch.setattr("power_edge.watch.sources.values.os.pread", pread)
    assert not value.changed()
    assert sizes == [4]


@pytest.mark.parametrize("content", ["61\n", "60\n60\n", "6", "", "60"])
def test_another_content_is_noticed_once(tmp_path: Path, content: str) -> None:
    path = tmp_path / "value"
    path.write_text("60\n")
    value = Value(str(path))
    path.write_text(content)
    assert value.changed()
    assert value.content == content.encode()
    assert not value.changed()


def test_a_value_that_cannot_be_read_into_little_room_is_no_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "value"
    path.write_text("60\n")
    value = Value(str(path))
    real = os.pread

    def pread(file: int, size: int, offset: int) -> bytes:
        if size < 4096:
            raise OSError(22, "Invalid argument")
        return real(file, size, offset)

    monkeypatch.setattr("power_edge.watch.sources.values.os.pread", pread)
    assert not value.changed()
    path.write_text("61\n")
    assert value.changed()


def test_what_was_put_in_its_place_is_found_by_the_sweep(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As a mount does: the file that is open stays as it was.
    path = tmp_path / "value"
    path.write_text("60\n")
    monkeypatch.setattr("power_edge.watch.sources.values._SECONDS", 0.01)

    async def scenario(heard: Heard) -> None:
        replace(path, "61\n")
        assert (await heard.events.get()).subject == Subject(Kind.VALUE, str(path))
        path.unlink()
        await heard.events.get()
        path.write_text("62\n")
        await heard.events.get()

    listen([path], scenario, sweep=0.01, source=values.SOURCE, kind=Kind.VALUE)
