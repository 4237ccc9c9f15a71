"""`power-edge import`."""

from pathlib import Path

import click

from power_edge.config.yaml_reader import MAX_BYTES
from power_edge.text import counted, printable


@click.group("import", short_help="Make a state.yaml from the file of another tool.")
def command() -> None:
    """Make a state.yaml from the file of another tool.

    \b
        power-edge import goss goss.yaml >node-configs/NODE/state.yaml
    """


@command.command("goss", short_help="Make a state.yaml from a goss file.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def goss(file: Path) -> None:
    """Print the state.yaml that a goss FILE becomes, and connect to nothing.

    Packages, services, kernel parameters and files are taken. Each thing that is left out is listed
    on stderr with its line. Exits with 4 for a file that cannot be read, or has templates.
    """
    from power_edge.importing.goss import convert

    with file.open("rb") as opened:
        data = opened.read(MAX_BYTES + 1)
    found = convert(data, str(file))
    click.echo(found.text, nl=False)
    for each in found.left_out:
        click.echo(printable(f"left out: {each}"), err=True)
    click.echo(f"{counted(found.items, 'item')}; {len(found.left_out)} left out", err=True)
