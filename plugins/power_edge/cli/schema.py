"""`power-edge schema`."""

import json

import click

from power_edge.config import names, schema


@click.command(
    "schema",
    short_help="Print a schema as JSON, for editors.",
    epilog=f"NAME is one of {', '.join(names())}.",
)
@click.argument("name", metavar="NAME", type=click.Choice(names()))
def command(name: str) -> None:
    """Print a schema as JSON, for editors and other tools. `state` includes all resource types."""
    click.echo(json.dumps(schema(name), indent=2, ensure_ascii=False))
