"""`power-edge record`."""

from pathlib import Path

import click

from power_edge.config.node_configs import NODE_CONFIGS
from power_edge.text import printable


@click.command("record", short_help="Make a node of this machine.")
@click.argument("name", metavar="[NODE]", required=False)
@click.pass_obj
def command(root: Path | None, /, name: str | None) -> None:
    """Record this machine as a node, and print the node's name.

    Writes node-configs/NODE/ (by default NODE is the host name) with the machine's identity, and a
    small state.yaml of what is true of it. Where this machine is a node already, nothing is
    written. What there is to say goes to stderr, so that a script can go on with the name:

    \b
        pytest --node="$(power-edge record)"
    """
    from power_edge.discover.init import record

    recorded = record(root if root is not None else Path.cwd() / NODE_CONFIGS, name)
    for line in recorded.notes:
        click.echo(printable(line), err=True)
    click.echo(recorded.node)
