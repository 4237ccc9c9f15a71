"""Show a person what would be written, and ask."""

import os
import sys

import click

from power_edge.text import printable
from power_edge.yaml_edit.changeset import Changeset

_COLOURS = {"+": "green", "-": "red", "@": "cyan"}


def shown(changes: Changeset, *, err: bool = False) -> None:
    """Show the changes as a diff; on stderr if `err`."""
    for line in changes.diff():
        colour = None if os.environ.get("NO_COLOR") else _COLOURS.get(line[:1])
        click.secho(printable(line), fg=colour, err=err)


def agreed(
    changes: Changeset, question: str, *, yes: bool, instead: str, err: bool = False
) -> bool:
    """Show the changes, and return whether to write them: ask, unless `yes`.

    Raises ClickException if there is no terminal to ask on; `instead` is what to do then.
    """
    shown(changes, err=err)
    if yes:
        return True
    if not sys.stdin.isatty():
        raise click.ClickException(
            f"nothing was written, because there is no terminal to ask on: {instead}"
        )
    return click.confirm(question, err=err)
