"""`power-edge validate`."""

from collections.abc import Sequence
from pathlib import Path

import click

from power_edge import exit_status
from power_edge.config import ConfigError, load_node, select
from power_edge.config.clones import duplicates, identities
from power_edge.config.names import same_but_for_case
from power_edge.config.role_files import check_all


@click.command("validate", short_help="Check the configuration; connect to nothing.")
@click.argument("patterns", metavar="[NODE]...", nargs=-1)
@click.pass_obj
def command(root: Path | None, patterns: Sequence[str]) -> None:
    """Check the configuration of nodes (by default all), and connect to nothing.

    NODE may be a glob, such as 'rig-*'. Each problem is printed with file, line and column. Two
    nodes with the identity of one machine are a problem too, also if only one of them is named, and
    so are two names that differ in upper and lower case alone. Exits with 4 if there is any
    problem.
    """
    broken = []
    folders = select(root, patterns or ["*"])
    for folder in folders:
        try:
            node = load_node(folder)
        except ConfigError as error:
            broken.append(error)
            click.echo(str(error), err=True)
        else:
            click.echo(f"{node.name}: {len(node.items)} item{'' if len(node.items) == 1 else 's'}")
    assert root is not None
    for unusable in check_all(root):
        if not any(unusable.problems == other.problems for other in broken):
            broken.append(unusable)
            click.echo(str(unusable), err=True)
    known = {
        folder: identity
        for folder, identity in identities(root)
        if not isinstance(identity, ConfigError)
    }
    names = same_but_for_case(select(root, ["*"]), folders)
    for problem in (*names, *duplicates(known, folders)):
        broken.append(ConfigError([problem]))
        click.echo(str(problem), err=True)
    if broken:
        raise SystemExit(exit_status.USAGE_ERROR)
