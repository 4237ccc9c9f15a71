"""`power-edge validate`."""

from collections.abc import Sequence
from pathlib import Path

import click

from power_edge.config import ConfigError, load_node, select


@click.command("validate", short_help="Check the configuration; no node is touched.")
@click.argument("patterns", metavar="[NODE]...", nargs=-1)
@click.pass_obj
def command(root: Path | None, patterns: Sequence[str]) -> None:
    """Load and judge the configuration of nodes (all by default); no node is touched.

    NODE may be a glob, such as 'rig-*'. Each problem is told with its file, line and column. Exits with 4 when there is one.
    """
    broken = []
    for folder in select(root, patterns or ["*"]):
        try:
            node = load_node(folder)
        except ConfigError as error:
            broken.append(error)
            click.echo(str(error), err=True)
        else:
            click.echo(f"{node.name}: {len(node.items)} items")
    if broken:
        raise SystemExit(4)
