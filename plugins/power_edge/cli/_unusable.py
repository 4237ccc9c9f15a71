"""What the schemas or the repository of a release do not allow."""

from collections.abc import Iterator
from contextlib import contextmanager

import click


@contextmanager
def unusable_is_an_error() -> Iterator[None]:
    """Turn Unusable into an error of the command."""
    from power_edge.release.schema_set import Unusable  # takes 20 ms, and few commands need it

    try:
        yield
    except Unusable as error:
        raise click.ClickException(str(error)) from None
