"""`power-edge about`."""

import sys
from io import TextIOWrapper
from pathlib import Path

import click

from power_edge import exit_status
from power_edge.checking.target import target
from power_edge.cli._options import way
from power_edge.cli._progress import patiently
from power_edge.identity import gate
from power_edge.probing.connection import Options
from power_edge.text import printable, printable_json


@click.command("about", short_help="Show what a machine is, at a glance.")
@click.argument("machine", metavar="[TARGET]", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON (power-edge schema about).")
@way
@click.pass_obj
def command(root: Path | None, /, machine: str | None, as_json: bool, options: Options) -> None:
    """Show what a machine is: hardware, system, network, services, security, and what it seems to
    be for.

    TARGET is a node of node-configs/, user@host, or a URL of testinfra; this machine without one.
    It is only read, in one round trip, and needs nothing but sh. What could not be read says so: as
    root, or with sudo, there is more to see.

    Exits with 11 where the machine cannot be reached, and with 12 where another machine answers
    than the node's: nothing else of that is read.
    """
    from power_edge.about.collect import ask

    try:
        about = ask(target(machine, root, options), root, patiently)
    except gate.WrongMachine as error:
        click.echo(f"Error: {printable(str(error))}; nothing else of it was read", err=True)
        raise SystemExit(exit_status.WRONG_MACHINE) from None
    if as_json:
        import msgspec

        text = msgspec.json.format(msgspec.json.encode(about)).decode()
        sys.stdout.buffer.write(printable_json(text).encode() + b"\n")
        sys.stdout.buffer.flush()  # here, where a full disk can still be told
        return
    from rich.console import Console

    from power_edge.report.about import draw

    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(
            errors="backslashreplace"
        )  # a locale that has not all characters of the machine's names
    draw(about, Console(highlight=False, markup=False, emoji=False))
    sys.stdout.flush()
