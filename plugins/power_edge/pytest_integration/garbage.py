"""The search for cycles of garbage, held back while a configuration is read."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_garbage_collection() -> Iterator[None]:
    """Hold the collector of cycles back during the block: all that is made of a configuration stays
    to the end, and a search through it takes 30 ms before the nodes are asked.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
