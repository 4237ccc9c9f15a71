"""`power-edge nodes`."""

import json
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

import click

from power_edge.cli._node_name import NODE
from power_edge.config import select
from power_edge.config.selectors import Facts, Selectors, facts, narrow
from power_edge.text import printable, printable_json


@click.command("nodes", short_help="List nodes by role, tag, site or environment.")
@click.argument("patterns", metavar="[NODE]...", nargs=-1, type=NODE)
@click.option("--role", multiple=True, metavar="ROLE", help="Nodes with this role; repeatable.")
@click.option("--tag", multiple=True, metavar="TAG", help="Nodes with this tag; repeatable.")
@click.option("--site", multiple=True, metavar="SITE", help="Nodes of this site; repeatable.")
@click.option(
    "--environment",
    multiple=True,
    metavar="NAME",
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
    width = max(len(printable(name)) for name in known)
    for name, each in known.items():
        about = "unusable configuration: power-edge validate" if each is None else _line(each)
        click.echo(f"{printable(name):<{width}}  {about}".rstrip())


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


def _line(known: Facts) -> str:
    parts = [printable(", ".join(sorted(getattr(known, each.name)))) for each in fields(known)]
    return "  ".join(part or "-" for part in parts)
