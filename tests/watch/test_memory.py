"""Memory that the C library holds back is given back."""

import ctypes
import platform
from pathlib import Path

import pytest

from power_edge.watch import memory

_COUNT, _SIZE = 800, 64 * 1024


def resident() -> int:
    (line,) = [
        line for line in Path("/proc/self/status").read_text().splitlines() if "RssAnon" in line
    ]
    return int(line.split()[1]) * 1024


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc holds it back")
def test_memory_that_was_freed_is_given_back() -> None:
    library = ctypes.CDLL(None)
    library.malloc.restype = ctypes.c_void_p
    library.free.argtypes = (ctypes.c_void_p,)
    blocks = [library.malloc(_SIZE) for _ in range(_COUNT)]
    for block in blocks:
        ctypes.memset(block, 1, _SIZE)
    for block in blocks[:-1]:  # the last one keeps the heap from being cut off
        library.free(block)
    before = resident()
    assert memory.give_back()
    assert before - resident() > _COUNT * _SIZE // 2
    library.free(blocks[-1])


def test_a_library_without_it_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("power_edge.watch.memory.ctypes.CDLL", lambda _: object())
    memory.use_one_arena()
    assert not memory.give_back()
