"""Errors of the commands for schemas, versions and releases, as errors of the command line."""

from collections.abc import Iterator
from contextlib import contextmanager

import click


@contextmanager
def unusable_is_an_error() -> Iterator[None]:
    """Raise ClickException in place of Unusable and GitHubError."""
    from power_edge.github import GitHubError
    from power_edge.release.schema_set import Unusable  # takes 20 ms, and few commands need it

    try:
        yield
    except (Unusable, GitHubError) as error:
        raise click.ClickException(str(error)) from None
