"""`power-edge record`."""

from pathlib import Path

import click

from power_edge import gate
from power_edge.cli.options import way
from power_edge.config.folders import NODE_CONFIGS
from power_edge.probing.route import Options
from power_edge.target import named


@click.command("record", short_help="Make a node of this machine.")
@click.argument("name", metavar="[NODE]", required=False)
@click.option("--on", "existing", metavar="NODE", help="Record the identity of this node of node-configs/, over the way that leads to it.")
@way
@click.pass_obj
def command(root: Path | None, /, name: str | None, existing: str | None, options: Options) -> None:
    """Record this machine as a node, and print the node's name.

    Writes node-configs/NODE/ (by default NODE is the host name) with the machine's identity, and a small state.yaml of what is true of it. Where
    this machine is a node already, nothing is written. What there is to say goes to stderr, so that a script can go on with the name:

    \b
        pytest --node="$(power-edge record)"

    With --on it is another machine's identity alone that is recorded, for a node whose state.yaml is there. Exits with 11 where that cannot be
    reached, and with 12 where it shows no identity.
    """
    from power_edge.record import NoIdentity, Recorded, record, record_on

    if existing is None and any(options):
        raise click.UsageError("the ways to a node go with --on NODE; without it this machine is recorded")
    if existing is not None and name is not None:
        raise click.UsageError("give NODE for this machine, or --on NODE for another")
    try:
        if existing is None:
            recorded = record(root if root is not None else Path.cwd() / NODE_CONFIGS, name)
        else:
            node = named(existing, root)
            file = record_on(node, options)
            recorded = Recorded(node.name, (f"recorded {NODE_CONFIGS}/{node.name}/{file.name}",))
    except OSError as error:
        raise click.ClickException(f"{NODE_CONFIGS}/ cannot be written: {error.strerror}") from None
    except NoIdentity as error:
        click.echo(f"Error: {error}; to check it all the same, write `validation: {{require_match: false}}`", err=True)
        raise SystemExit(gate.WRONG_MACHINE) from None
    for line in recorded.told:
        click.echo(line, err=True)
    click.echo(recorded.node)
