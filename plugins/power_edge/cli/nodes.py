"""`power-edge nodes`."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from textwrap import wrap

import click

from power_edge.cli._node_name import NODE, fact
from power_edge.config import select
from power_edge.config.selectors import Facts, Selectors, facts, narrow
from power_edge.report.terminal import WIDTH, shortened
from power_edge.text import printable, printable_json

_HEADER = ("NODE", "SITE", "ENVIRONMENT")
_LONGEST = (WIDTH - 4) // len(_HEADER)
"""Columns of one cell: so three of them fit into a line."""


@click.command("nodes", short_help="List nodes by role, tag, site or environment.")
@click.argument("patterns", metavar="[NODE]...", nargs=-1, type=NODE)
@click.option(
    "--role",
    multiple=True,
    metavar="ROLE",
    shell_complete=fact("role"),
    help="Nodes with this role; repeatable.",
)
@click.option(
    "--tag",
    multiple=True,
    metavar="TAG",
    shell_complete=fact("tag"),
    help="Nodes with this tag; repeatable.",
)
@click.option(
    "--site",
    multiple=True,
    metavar="SITE",
    shell_complete=fact("site"),
    help="Nodes of this site; repeatable.",
)
@click.option(
    "--environment",
    multiple=True,
    metavar="NAME",
    shell_complete=fact("environment"),
    help="Nodes of this environment; repeatable.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a list in JSON.")
@click.pass_obj
def command(
    root: Path | None,
    /,
    *,
    patterns: Sequence[str],
    role: tuple[str, ...],
    tag: tuple[str, ...],
    site: tuple[str, ...],
    environment: tuple[str, ...],
    as_json: bool,
) -> None:
    """List the nodes of node-configs/, and connect to nothing.

    NODE may be a glob, such as 'rig-*'. A node is listed if it has one of the values of each option
    that is given. pytest takes the same: --node-role, --node-tag, --node-site, --node-environment.

    \b
        power-edge nodes --role vpn-gateway --tag home-lab
        power-edge nodes 'rig-*' --environment production --json
    """
    wanted = Selectors(role=role, tag=tag, site=site, environment=environment)
    folders = select(root, patterns or ["*"])
    assert root is not None
    chosen = narrow(folders, wanted, root, "--") if wanted else folders
    known = {folder.name: facts(folder) for folder in chosen}
    if as_json:
        text = json.dumps([_as_json(*each) for each in known.items()], ensure_ascii=False, indent=2)
        click.echo(printable_json(text))
        return
    for line in _table(known):
        click.echo(printable(line))


def _as_json(name: str, known: Facts | None) -> dict[str, object]:
    if known is None:
        return {"node": name, "usable": False}
    return {
        "node": name,
        "usable": True,
        "roles": sorted(known.role),
        "tags": sorted(known.tag),
        "site": next(iter(known.site), None),
        "environment": next(iter(known.environment), None),
    }


def _table(known: Mapping[str, Facts | None]) -> Iterator[str]:
    """Yield the nodes as lines for people."""
    cells = [_HEADER, *(_cells(*each) for each in known.items())]
    widths = [min(max(map(len, column)), _LONGEST) for column in zip(*cells, strict=True)]
    for row, each in zip(cells, [None, *known.values()], strict=True):
        columns = [f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)]
        yield "  ".join(columns).rstrip()
        if each is not None:
            yield from _listed("roles", each.role)
            yield from _listed("tags", each.tag)


def _cells(name: str, known: Facts | None) -> tuple[str, str, str]:
    if known is None:
        return shortened(name, _LONGEST), "unusable: run power-edge validate", ""
    site, environment = ("".join(each) or "-" for each in (known.site, known.environment))
    return (
        shortened(name, _LONGEST),
        shortened(site, _LONGEST),
        shortened(environment, _LONGEST),
    )


def _listed(label: str, words: Iterable[str]) -> Iterator[str]:
    """Yield lines with some words. Without words yield none."""
    head = f"  {label:<5}  "
    text = ", ".join(printable(word) for word in sorted(words))
    yield from wrap(text, WIDTH, initial_indent=head, subsequent_indent=" " * len(head))
