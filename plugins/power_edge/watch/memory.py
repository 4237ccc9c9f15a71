"""Memory that the C library holds back.

A check takes threads, and buffers for what a probe answers. glibc keeps what they leave, each
thread in an arena of its own, and a watch runs for months. Another C library has none of this.
"""

import ctypes

_ARENA_MAX = -8
"""M_ARENA_MAX of mallopt(3)."""


def use_one_arena() -> None:
    """Let all threads that begin from now on share one arena: only one of them runs at a time."""
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
