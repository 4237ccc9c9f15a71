"""What a person is shown before something is written, and asked."""

import sys

import click

from power_edge.text import printable
from power_edge.yaml_edit.changeset import Changeset

_COLOURS = {"+": "green", "-": "red", "@": "cyan"}


def agreed(changes: Changeset, question: str, *, yes: bool, way_out: str) -> bool:
    """Show the changes, and ask whether to write them, unless `yes` says so.

    Raises ClickException with the way out where there is nobody to ask.
    """
    for line in changes.diff():
        click.secho(printable(line), fg=_COLOURS.get(line[:1]))
    if yes:
        return True
    if not sys.stdin.isatty():
        raise click.ClickException(f"nothing was written, since there is nobody to ask: {way_out}")
    return click.confirm(question)
