"""`power-edge init`."""

from pathlib import Path

import click

from power_edge.config.node_configs import NODE_CONFIGS
from power_edge.text import printable


@click.command("init", short_help="Make this machine a node.")
@click.argument("name", metavar="[NODE]", required=False)
@click.pass_obj
def command(root: Path | None, /, name: str | None) -> None:
    """Make this machine a node, and print the node's name.

    Writes node-configs/NODE/ with the machine's identity, and a state.yaml that declares what
    differs from a fresh install. NODE is the host name by default. If this machine is a node
    already, nothing is written. What could not be observed is listed with the
    reason. Messages go to stderr, so that a script can use the name:

    \b
        power-edge check "$(power-edge init)"
    """
    from power_edge.discover.init import record

    recorded = record(root if root is not None else Path.cwd() / NODE_CONFIGS, name)
    for line in recorded.notes:
        click.echo(printable(line), err=True)
    if recorded.sections:
        from power_edge.report.discovery import notes

        for line in notes(recorded.sections):
            click.echo(printable(line), err=True)
    click.echo(recorded.node)
