"""`power-edge about`."""

import sys
from io import TextIOWrapper
from pathlib import Path

import click

from power_edge import exit_status
from power_edge.checking.target import target
from power_edge.cli._node_name import NODE
from power_edge.cli._options import connection_options
from power_edge.cli._progress import wait_for
from power_edge.identity import gate
from power_edge.probing.connection import Options
from power_edge.text import printable, printable_json


@click.command("about", short_help="Show what a machine is, at a glance.")
@click.argument("machine", metavar="[TARGET]", required=False, type=NODE)
@click.option("--json", "as_json", is_flag=True, help="Print JSON (power-edge schema about).")
@connection_options
@click.pass_obj
def command(root: Path | None, /, machine: str | None, as_json: bool, options: Options) -> None:
    """Show what a machine is: hardware, system, network, services, security, and its likely
    purpose.

    TARGET is the name of a node, user@host (over ssh), or a URL of testinfra such as docker://web.
    Without one it is this machine. The machine is only read, once, and needs nothing but sh. What
    could not be read is listed with the reason; as root, or with --sudo, more can be read.

    Exits with 11 if the machine is unreachable. Exits with 12 if another machine answers instead
    of the node's: nothing else is read then.
    """
    from power_edge.about.collect import ask

    try:
        about = ask(target(machine, root, options), root, wait_for)
    except gate.WrongMachine as error:
        click.echo(f"Error: {printable(str(error))}; nothing else was read", err=True)
        raise SystemExit(exit_status.WRONG_MACHINE) from None
    if as_json:
        import msgspec

        text = msgspec.json.format(msgspec.json.encode(about)).decode()
        sys.stdout.buffer.write(printable_json(text).encode() + b"\n")
        sys.stdout.buffer.flush()  # here an error (a full disk) can still be reported
        return
    from rich.console import Console

    from power_edge.report.about import draw

    if isinstance(sys.stdout, TextIOWrapper):
        # The locale may lack characters of the machine's names.
        sys.stdout.reconfigure(errors="backslashreplace")
    draw(about, Console(highlight=False, markup=False, emoji=False))
    sys.stdout.flush()
