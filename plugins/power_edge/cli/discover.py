"""`power-edge discover`."""

import json
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

import click

from power_edge import exit_status, resources
from power_edge.checking.collect_identity import NoIdentity
from power_edge.checking.target import target
from power_edge.cli._confirm import agreed, shown
from power_edge.cli._node_name import NODE, one_of
from power_edge.cli._options import as_words, connection_options
from power_edge.cli._progress import wait_for
from power_edge.config.node_configs import NODE_CONFIGS, note_of_link
from power_edge.config.node_names import check_name
from power_edge.identity import gate
from power_edge.probing.answer_file import read_file
from power_edge.probing.connection import Options
from power_edge.probing.framing import Answer, Kind, NoAnswer, kind
from power_edge.text import did_you_mean, printable, printable_json, without_password

if TYPE_CHECKING:
    from power_edge.discover.collect import Discovered
    from power_edge.discover.node_folder import NodeChanges


def _types(_: click.Context, __: click.Parameter, text: str | None) -> tuple[str, ...]:
    """Return the types that --only names; without it, all."""
    if text is None:
        return resources.discoverable()
    names = tuple(dict.fromkeys(part.strip() for part in text.split(",")))
    for name in names:
        if name not in resources.discoverable():
            hint = did_you_mean(name, resources.discoverable()) or (
                f"the types are {', '.join(resources.discoverable())}"
            )
            raise click.BadParameter(f"there is no type {name!r} ({hint})")
    return names


@click.command("discover", short_help="Write the configuration of a running machine.")
@click.argument("machine", metavar="[TARGET]", required=False, type=NODE)
@click.option(
    "--as", "name", metavar="NODE", help="The node's name (default: the machine's host name)."
)
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help="Declare everything, not only what differs from a fresh install.",
)
@click.option(
    "--only",
    "types",
    shell_complete=one_of(resources.discoverable()),
    metavar="TYPE,...",
    callback=_types,
    help=f"Declare only these types: {', '.join(resources.discoverable())}.",
)
@click.option(
    "--merge", is_flag=True, help="Add what is missing to the existing files, without asking."
)
@click.option("--force", is_flag=True, help="Replace the existing files.")
@click.option("--dry-run", is_flag=True, help="Show what would be written, and write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print what was found in JSON.")
@click.option(
    "--answers",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Read what probes/discover-edge-node.sh printed; connect to nothing.",
)
@connection_options
@click.pass_obj
def command(
    root: Path | None,
    /,
    *,
    machine: str | None,
    name: str | None,
    everything: bool,
    types: tuple[str, ...],
    merge: bool,
    force: bool,
    dry_run: bool,
    as_json: bool,
    answers: Path | None,
    options: Options,
) -> None:
    """Write the configuration of a running machine: what differs from a fresh install of its
    distribution.

    TARGET is user@host (over ssh), the name of a node, or a URL of testinfra such as docker://web.
    Without one it is this machine. The machine is only read, once; root is not needed, and what
    only root can read is listed. These files are written into the node's folder:

    \b
        state.yaml  identity.yaml  system-identity.yaml
        connection.yaml, for another machine

    Files that exist are not overwritten: what would be added is shown as a diff, and written if you
    agree. --dry-run shows all of it as a diff. For a machine that cannot be reached from here:

    \b
        sh probes/discover-edge-node.sh >answer        (on the machine)
        power-edge discover --answers=answer

    Exits with 11 if the machine is unreachable, and with 12 if another machine answers.
    """
    from power_edge.discover import collect, node_folder

    _refuse(types, merge=merge, force=force, everything=everything, answers=answers)
    if name is not None:
        check_name(name)
    found = target(machine, root, options)
    try:
        answer = (
            _read(answers)
            if answers is not None
            else collect.ask(found, types, everything=everything, waiting=wait_for)
        )
        observed = collect.read(answer, types, None if answers is not None else found.node)
        place = root if root is not None else Path.cwd() / NODE_CONFIGS
        node = node_folder.make(observed, found, place, name, replace=force)
    except gate.WrongMachine as error:
        click.echo(f"Error: {printable(str(error))}; nothing was written", err=True)
        raise SystemExit(exit_status.WRONG_MACHINE) from None
    _show(observed, node, as_json=as_json, in_a_table=not (node.exists or dry_run))
    if dry_run:
        shown(node.changes, err=as_json)
        click.echo("nothing was written (--dry-run)", err=True)
    else:
        given = options if found.node is not None else options._replace(connection=None, hosts=None)
        _write(node, given, yes=merge or force, err=as_json)


def _refuse(
    types: tuple[str, ...], *, merge: bool, force: bool, everything: bool, answers: Path | None
) -> None:
    """Raise UsageError for options that do not go together."""
    if merge and force:
        raise click.UsageError(
            "--merge keeps the existing files and --force replaces them: give one of the two"
        )
    if force and len(types) < len(resources.discoverable()):
        raise click.UsageError("--force with --only would remove all other types: use --merge")
    if everything and answers is not None:
        raise click.UsageError(
            "--all has no effect with --answers: make the answer with"
            " sh probes/discover-edge-node.sh --all >answer"
        )


def _show(observed: "Discovered", node: "NodeChanges", *, as_json: bool, in_a_table: bool) -> None:
    """Print what was found, in JSON or as a table, and the notes. Where a diff follows, there is
    no table: it would say the same again, and what is on file besides.
    """
    from power_edge.report.discovery import as_dict, notes, table

    if as_json:
        found = {"node": node.changes.folder.name, "sections": as_dict(observed.sections)}
        click.echo(printable_json(json.dumps(found, ensure_ascii=False, indent=2)))
    elif in_a_table:
        from rich.console import Console

        Console(highlight=False, markup=False, emoji=False).print(table(observed.sections))
    for line in (*notes(observed.sections), *node.notes):
        click.echo(printable(line), err=True)
    if isinstance(observed.identity, NoIdentity):
        why = printable(str(observed.identity))
        click.echo(f"its identity is not required to match: {why}", err=True)


def _write(node: "NodeChanges", given: Options, *, yes: bool, err: bool) -> None:
    """Write the files of the node; ask first if it exists, unless `yes`.

    `given` are the options that a check needs as well, because no file has them. `err` says it on
    stderr, since stdout has the JSON.
    """
    place = f"{NODE_CONFIGS}/{node.changes.folder.name}/"
    if not node.changes.files:
        click.echo(f"{place} is up to date", err=err)
        return
    if (note := note_of_link(node.changes.folder.parent)) is not None:
        click.echo(note, err=True)
    if node.exists and not agreed(
        node.changes,
        f"Write this to {place}?",
        yes=yes,
        err=err,
        instead="use --merge to add it, or --force to replace the files",
    ):
        click.echo("nothing was written", err=True)
        return
    node.changes.write()
    click.echo(f"wrote {place}\n  {', '.join(node.changes.files)}", err=err)
    words = ["power-edge", "check", node.changes.folder.name, *as_words(given)]
    click.echo(f"next: {without_password(' '.join(map(quote, words)))}", err=err)


def _read(file: Path) -> Answer:
    try:
        answer = read_file(file)
    except NoAnswer as error:
        raise click.UsageError(
            f"{file} is not an answer: {error}; "
            "make one with: sh probes/discover-edge-node.sh >answer"
        ) from None
    except OSError as error:
        raise click.UsageError(f"{file}: {error.strerror}") from None
    of = kind(answer)
    # The purpose of an answer with a damaged head is unknown.
    if of is not Kind.DISCOVERY and (answer.outputs or answer.complete):
        reader = f"pytest --node={quote(answer.node)} --answers={quote(str(file))}"
        raise click.UsageError(
            f"{file}: this is the answer of {of.value}, and not of a discovery"
            f"{f'; {reader} reads it' if of is Kind.CHECK else ''}"
        )
    return answer
