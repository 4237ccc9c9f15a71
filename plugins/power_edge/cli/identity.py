"""`power-edge identity`."""

from pathlib import Path

import click

from power_edge import exit_status
from power_edge.cli._node_name import NODE
from power_edge.cli._options import connection_options
from power_edge.config.node_configs import NODE_CONFIGS, SYSTEM_IDENTITY
from power_edge.probing.connection import Options
from power_edge.text import printable


@click.command("identity", short_help="Print the identity of a machine, or write it to its node.")
@click.argument("text", metavar="[TARGET]", required=False, type=NODE)
@click.option(
    "--write", is_flag=True, help="Write it into the node's folder, and print the node's name."
)
@connection_options
@click.pass_obj
def command(root: Path | None, text: str | None, write: bool, options: Options) -> None:
    """Print the system-identity.yaml of a machine: what distinguishes it from all others.

    TARGET is user@host (over ssh), the name of a node, or a URL of testinfra such as docker://web.
    Without one it is this machine. What was left out, and why, goes to stderr.

    With --write it is written into the folder of the node; without the name of a node, into that of
    the node that is this machine. An identity on file is never replaced. Exits with 11 if the
    machine is unreachable, and with 12 if it shows no identity or is not the one on file, with and
    without --write.
    """
    from power_edge.checking import collect_identity
    from power_edge.checking.target import target
    from power_edge.discover import identity_file

    found = target(text, root, options)
    try:
        collected = collect_identity.collect(found.route, found.timeouts)
        for line in collected.left_out:
            _note(line)
        if not write:
            folder = (
                found.node.path
                if found.node is not None
                else (root or Path.cwd() / NODE_CONFIGS) / "NODE"
            )
            click.echo(identity_file.file(collected, folder), nl=False)
            if found.node is not None and not identity_file.on_file_is(collected, folder):
                _note(
                    f"Error: this is another machine than the one in"
                    f" {NODE_CONFIGS}/{found.node.name}/{SYSTEM_IDENTITY}"
                )
                raise SystemExit(exit_status.WRONG_MACHINE)
            return
        result = identity_file.write(collected, found, root)
    except collect_identity.NoIdentity as error:
        _note(f"Error: {found.name} shows no identity: {error}")
        _note(
            "To check it anyway, write `validation: {require_match: false}`"
            " into its system-identity.yaml."
        )
        raise SystemExit(exit_status.WRONG_MACHINE) from None
    except identity_file.Another as error:
        for line in error.diff.splitlines():
            _note(line)
        _note(f"Error: {error}")
        raise SystemExit(exit_status.WRONG_MACHINE) from None
    for line in result.notes:
        _note(line)
    click.echo(result.node)


def _note(line: str) -> None:
    click.echo(printable(line), err=True)
