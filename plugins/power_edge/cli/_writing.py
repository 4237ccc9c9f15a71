"""What a command says if it cannot write a file."""

from collections.abc import Iterator
from contextlib import contextmanager

from power_edge.atomic_file import advice_for


@contextmanager
def advising() -> Iterator[None]:
    """Add to an OSError of the block, which writes files, what a person can do."""
    try:
        yield
    except OSError as error:
        error.strerror = f"{error.strerror} ({advice_for(error)})"
        raise
