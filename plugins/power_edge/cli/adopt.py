"""`power-edge adopt`."""

from collections.abc import Sequence
from pathlib import Path
from shlex import quote
from textwrap import wrap

import click

from power_edge.checking import check
from power_edge.checking.target import named
from power_edge.cli._confirm import agreed
from power_edge.cli._node_name import NODE, items
from power_edge.cli._options import connection_options
from power_edge.cli._progress import wait_for
from power_edge.config import Node
from power_edge.config.node_configs import (
    NODE_CONFIGS,
    NODE_IDENTITY,
    STATE,
    note_of_link,
    read_file,
)
from power_edge.model import Item
from power_edge.probing.connection import Options
from power_edge.pytest_integration.selection import item_id
from power_edge.report.terminal import WIDTH, shortened
from power_edge.text import did_you_mean, printable, quoted
from power_edge.yaml_edit.changeset import propose, tidy


@click.command("adopt", short_help="Accept the drift of a node into its state.yaml.")
@click.argument("name", metavar="NODE", type=NODE)
@click.argument("ids", metavar="[TEST-ID]...", nargs=-1, shell_complete=items)
@click.option(
    "-k", "expression", metavar="EXPR", help="Only items whose names match, as pytest's -k."
)
@click.option("--yes", is_flag=True, help="Write without asking.")
@connection_options
@click.pass_obj
def command(
    root: Path | None,
    /,
    *,
    name: str,
    ids: Sequence[str],
    expression: str | None,
    yes: bool,
    options: Options,
) -> None:
    """Accept the drift of a node: what was observed becomes what its state.yaml declares.

    The node is checked, and each drifted item gets the smallest edit that makes it compliant;
    comments and everything else stay. An item that is gone from the node is removed. The change is
    shown as a diff, and written if you agree. To adopt some items only, name them by test id or by
    -k:

    \b
        power-edge adopt rig-7 'sysctl[vm.swappiness]'
        power-edge adopt rig-7 'services[cron]'
        power-edge adopt rig-7 -k 'sysctl and not kernel' --yes

    What is unknown is never adopted. Exits with 4 if an item that was named cannot be adopted, or
    if there is no terminal to ask on; with 11 if the node is unreachable, and with 12 if another
    machine answers.
    """
    from power_edge.reconcile.adopt import adopt, widened

    node = named(name, root)
    file = f"{NODE_CONFIGS}/{node.name}/{STATE}"
    selected = _selected(node, ids, expression)
    tidy(root)
    content = read_file(node.path, STATE)
    asking = widened(node)
    checked = check.Checked(asking, wait_for(check.ask([asking], options)[node.name]))
    if not checked.gate.open:
        click.echo(f"Error: {printable(checked.gate.why or '')}; nothing was adopted", err=True)
        raise SystemExit(checked.gate.status)
    adoption = adopt((content or b"").decode(), checked, selected)
    for refused in adoption.left:
        text = printable(f"not adopted: {_id(refused.item)}: {refused.why}")
        for line in wrap(
            text, WIDTH, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False
        ):
            click.echo(line, err=True)
    for one in adoption.adopted:
        line = f"{_id(one.item)}: {one.summary}"
        # After a long name, what becomes of the item gets a line of its own.
        for part in (line,) if len(line) <= WIDTH else (f"{_id(one.item)}:", f"    {one.summary}"):
            click.echo(shortened(part, WIDTH), err=True)
    if adoption.left and (ids or expression is not None):
        possible = ", ".join(f"{one.item.type}[{one.item.name}]" for one in adoption.adopted)
        raise click.UsageError(
            "nothing was written: not all of the named items can be adopted; "
            + (f"these can: {possible}" if possible else "none of them can")
        )
    if not adoption.adopted:
        click.echo(f"{node.name}: nothing to adopt")
        return
    changes = propose(node.path, {STATE: (content, adoption.text.encode())}, adoption.secrets)
    if (note := note_of_link(node.path.parent)) is not None:
        click.echo(note, err=True)
    if not agreed(changes, f"Write this to {file}?", yes=yes, instead="use --yes to write it"):
        click.echo("nothing was written", err=True)
        return
    changes.write()
    click.echo(f"wrote {file}: {len(adoption.adopted)} adopted")


def _id(item: Item) -> str:
    return f"{item.type}[{item.name}]"


def _selected(node: Node, ids: Sequence[str], expression: str | None) -> list[Item]:
    """Return the items that test ids (in full, or from the type on) or an expression name.

    Without either, all items. Raises UsageError.
    """
    by_id = {item_id(item): item for item in node.items}
    if ids and expression is not None:
        raise click.UsageError("name items by their ids or by -k, not by both")
    if expression is not None:
        matched = [item for item in node.items if _matches(expression, node, item)]
        if not matched:
            raise click.UsageError(_matches_nothing(expression, node))
        return matched
    matched_ids = []
    for text in ids:
        item = by_id.get(_without_file(text, node))
        if item is None:
            hint = did_you_mean(text.rpartition("::")[2], by_id) or (
                f"without an id, power-edge adopt {quote(node.name)} shows all that can be adopted"
            )
            raise click.UsageError(f"{quoted(text)} is not an item of {node.name}; {hint}")
        matched_ids.append(item)
    return matched_ids if ids else list(node.items)


def _matches_nothing(expression: str, node: Node) -> str:
    from power_edge.pytest_integration.unmatched import nearest

    known = {word for item in node.items for word in (item.name, item.type)}
    found = "".join(f"; {hint}" for hint in dict.fromkeys(nearest(expression, sorted(known))))
    return f"-k {quoted(expression)} matches no item of {node.name}{found}"


def _without_file(text: str, node: Node) -> str:
    for file in (STATE, NODE_IDENTITY):
        text = text.removeprefix(f"{NODE_CONFIGS}/{node.name}/{file}::")
    return text


def _matches(expression: str, node: Node, item: Item) -> bool:
    """Return whether an item matches pytest's -k: by its name, its type, its file and its node."""
    from power_edge.pytest_integration.compat import BadExpression, matches_expression

    try:
        return matches_expression(expression, (item_id(item), item.type, STATE, node.name))
    except BadExpression as error:
        raise click.UsageError(f"-k {quoted(expression)}: {error}") from None
