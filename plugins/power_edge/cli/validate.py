"""`power-edge validate`."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from shlex import quote

import click

from power_edge import exit_status
from power_edge.cli._node_name import NODE
from power_edge.config import ConfigError, Node, select
from power_edge.config.all_nodes import load_all
from power_edge.config.node_configs import FILES, ROLES, SYSTEM_IDENTITY, node_file, read_file
from power_edge.config.policy import FILE as POLICY_FILE
from power_edge.config.policy import read_policy
from power_edge.config.role_files import own
from power_edge.model import Problem, Source
from power_edge.report.validation import FORMATS, Validation


@click.command("validate", short_help="Check the configuration; connect to nothing.")
@click.argument("patterns", metavar="[NODE]...", nargs=-1, type=NODE)
@click.option(
    "--format",
    "output",
    type=click.Choice(tuple(FORMATS)),
    default="text",
    help="text for people, annotations of a GitHub workflow, or JSON.",
)
@click.pass_obj
def command(root: Path | None, patterns: Sequence[str], output: str) -> None:
    """Check the configuration of nodes (by default all), and connect to nothing.

    NODE may be a glob, such as 'rig-*'. Each problem is printed with file, line and column. Two
    nodes with the identity of one machine are a problem too, even if you name only one of them. So
    are two names that differ only in upper and lower case. The files of roles and policy.yaml are
    checked as well. A node without an identity on file is a note: a check of it would read
    nothing. Exits with 4 if there is any problem.

    \b
        power-edge validate --format=github   (notes at the lines of a change)
    """
    folders = select(root, patterns or ["*"])
    assert root is not None
    found = Validation(files=_Files(root, folders).content)
    loaded = load_all(root, folders)
    found.broken.update(loaded.broken)
    found.problems += loaded.problems
    for node in loaded.nodes.values():
        found.items[node.name] = len(node.items)
        if node.system_identity is None:
            found.notes.append(_no_identity(node))
    for line, wrong in FORMATS[output](found):
        click.echo(line, err=wrong)
    if found.problems:
        raise SystemExit(exit_status.USAGE_ERROR)


def _no_identity(node: Node) -> Problem:
    return Problem(
        Source(node_file(node.path, SYSTEM_IDENTITY), 0),
        "is missing, so a check reads nothing and ends with 12",
        f"record it: power-edge identity {quote(node.name)} --write",
    )


class _Files:
    """The files that problems are about, by their names in messages."""

    def __init__(self, root: Path, folders: Iterable[Path]) -> None:
        roles = [(root / ROLES, f"{name}.yaml") for name in own(root)]
        named = [*((folder, name) for folder in folders for name in FILES), *roles]
        self._places: Mapping[str, tuple[Path, str]] = {node_file(*place): place for place in named}
        self._root = root

    def content(self, file: str) -> bytes | None:
        """Return the content of a file, None if it cannot be read."""
        try:
            if file == POLICY_FILE:
                return read_policy(self._root)
            return read_file(*self._places[file]) if file in self._places else None
        except ConfigError:
            return None
