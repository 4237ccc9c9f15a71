"""Unused memory that the C library does not return to the kernel.

A check uses threads, and buffers for the answers of probes. glibc keeps the memory that they free,
in one arena for each thread. A watch runs for months. Other C libraries have no such functions.
"""

import ctypes

_ARENA_MAX = -8
"""M_ARENA_MAX of mallopt(3)."""


def use_one_arena() -> None:
    """Let all new threads share one arena. This costs nothing: Python runs one thread at a time."""
    if (mallopt := _function("mallopt")) is not None:
        mallopt(_ARENA_MAX, 1)


def give_back() -> bool:
    """Give unused memory back to the kernel. Return whether there was any (malloc_trim(3))."""
    trim = _function("malloc_trim")
    return trim is not None and bool(trim(ctypes.c_size_t(0)))


def _function(name: str) -> "ctypes._NamedFuncPointer | None":
    """Return a function of the C library; None if it has no such function."""
    try:
        return getattr(ctypes.CDLL(None), name, None)
    except OSError:
        return None
