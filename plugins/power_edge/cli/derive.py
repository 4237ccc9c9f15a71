"""`power-edge derive`."""

from pathlib import Path

import click

from power_edge import exit_status
from power_edge.checking.target import named
from power_edge.cli._node_name import NODE
from power_edge.config import ConfigError, load_node
from power_edge.config.node_configs import STATE
from power_edge.config.schema_version import installed
from power_edge.text import printable

_NOTHING = 'version: "{}"\n'
"""A state.yaml that declares nothing, for a version of the schemas."""


@click.command("derive", short_help="Print what a node's roles demand, each item with its reason.")
@click.argument("name", metavar="NODE", type=NODE)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "yaml"]),
    default="text",
    help="text, or yaml: a state.yaml with the reasons as comments.",
)
@click.option("--diff", is_flag=True, help="Compare with the node's state.yaml.")
@click.pass_obj
def command(root: Path | None, /, *, name: str, format_: str, diff: bool) -> None:
    """Print the items that the identity.yaml of a node demands, and connect to nothing.

    Each role, and the sections network_tuning, system_tuning and access_control, demand items. With
    --diff it prints which of them the state.yaml repeats, misses or contradicts. Exits with 4 if
    the files contradict each other, or cannot be used.

    \b
        power-edge derive rig-7
        power-edge derive rig-7 --diff
        power-edge derive rig-7 --format yaml
    """
    from power_edge.report import derived

    node = named(name, root, with_derived=False)
    demanded = load_node(node.path, {STATE: _NOTHING.format(installed()).encode()})
    if not diff:
        lines = (
            derived.state_yaml(demanded, node).rstrip("\n").split("\n")
            if format_ == "yaml"
            else derived.text(demanded)
        )
        click.echo(
            "\n".join(lines) or printable(f"{node.name} has no identity.yaml that demands an item")
        )
        load_node(node.path)  # raises ConfigError if state.yaml contradicts it
        return
    if format_ == "yaml":
        raise click.UsageError("--diff compares as text: leave out --format yaml")
    joined: ConfigError | None = None
    try:
        load_node(node.path)
    except ConfigError as error:
        joined = error
    click.echo("\n".join(map(printable, derived.diff(demanded, node, joined))))
    if joined is not None:
        raise SystemExit(exit_status.USAGE_ERROR)
