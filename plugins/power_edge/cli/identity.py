"""`power-edge identity`."""

from pathlib import Path

import click

from power_edge.cli._options import way
from power_edge.config.node_configs import NODE_CONFIGS
from power_edge.identity import gate
from power_edge.probing.connection import Options
from power_edge.text import printable


@click.command("identity", short_help="Print the identity of a machine, or put it on file.")
@click.argument("text", metavar="[TARGET]", required=False)
@click.option(
    "--write", is_flag=True, help="Put it into the node's folder, and print the node's name."
)
@way
@click.pass_obj
def command(root: Path | None, text: str | None, write: bool, options: Options) -> None:
    """Print the system-identity.yaml of a machine: what tells it from all others.

    TARGET is nothing (this machine), user@host (over ssh), the name of a node, or a URL of
    testinfra such as ssh://host or docker://web. What was left out, and why, goes to stderr.

    With --write it goes into the folder of the node; where TARGET names none, into that of the node
    that is this machine. Another identity that is on file stays. Exits with 11 where the machine
    cannot be reached, with 12 where it shows no identity or is not the one on file.
    """
    from power_edge.checking import collect_identity
    from power_edge.checking.target import target
    from power_edge.discover import identity_file

    found = target(text, root, options)
    try:
        shown = collect_identity.collect(found.route, found.timeouts)
        for line in shown.left_out:
            _tell(line)
        if not write:
            folder = (
                found.node.path
                if found.node is not None
                else (root or Path.cwd() / NODE_CONFIGS) / "NODE"
            )
            click.echo(identity_file.file(shown, folder), nl=False)
            return
        written = identity_file.write(shown, found, root)
    except collect_identity.NoIdentity as error:
        _tell(f"Error: {found.name} shows no identity: {error}")
        _tell(
            "To check it all the same, write `validation: {require_match: false}` into its system-identity.yaml."
        )
        raise SystemExit(gate.WRONG_MACHINE) from None
    except identity_file.Another as error:
        for line in error.diff.splitlines():
            _tell(line)
        _tell(f"Error: {error}")
        raise SystemExit(gate.WRONG_MACHINE) from None
    for line in written.notes:
        _tell(line)
    click.echo(written.node)


def _tell(line: str) -> None:
    click.echo(printable(line), err=True)
