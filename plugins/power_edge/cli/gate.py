"""`power-edge gate`."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import click

from power_edge import exit_status
from power_edge.atomic_file import write
from power_edge.checking import answer_age
from power_edge.cli._node_name import one_of
from power_edge.cli._unusable import unusable_is_an_error
from power_edge.cli._writing import advising
from power_edge.config import select
from power_edge.report.change_gate.formats import names
from power_edge.text import printable

_FORMATS = names()
_NEVER = "never"
_LEVELS = ("low", "medium", "high")


class _Wanted(NamedTuple):
    """A format, and the file for it; None is standard output."""

    name: str
    file: Path | None


def _formats(_: click.Context, __: click.Parameter, values: Sequence[str]) -> tuple[_Wanted, ...]:
    found: list[_Wanted] = []
    for value in values:
        name, equals, file = value.partition("=")
        if name not in _FORMATS:
            raise click.BadParameter(f"{name!r} is not one of {', '.join(_FORMATS)}")
        if equals and not file:
            raise click.BadParameter(f"write the name of a file after {name}=")
        found.append(_Wanted(name, Path(file) if file else None))
    return tuple(found)


def _max_age(_: click.Context, __: click.Parameter, value: str) -> int:
    found = answer_age.seconds(value)
    if found is None:
        raise click.BadParameter(answer_age.FORMS)
    return found


def _folder(_: click.Context, __: click.Parameter, value: str | None) -> Path | None:
    """Return a folder; None for an empty name, which a workflow passes for an input not given."""
    if value and not Path(value).is_dir():
        raise click.BadParameter(f"there is no folder {value!r}")
    return Path(value) if value else None


@click.command("gate", short_help="Judge a change of node-configs/ by the policy.")
@click.option("--base", metavar="REF", help="What to compare with (default: the main branch).")
@click.option(
    "--answers",
    metavar="DIR",
    callback=_folder,
    help="A folder of recorded answers (NODE.answer), to forecast drift.",
)
@click.option(
    "--max-age",
    metavar="AGE",
    default=answer_age.DEFAULT,
    callback=_max_age,
    help="How old an answer may be (default: 24h).",
)
@click.option(
    "--format",
    "formats",
    metavar="FORMAT[=FILE]",
    multiple=True,
    default=["text"],
    callback=_formats,
    shell_complete=one_of(_FORMATS),
    help=f"{', '.join(_FORMATS)}; repeatable, with a file for each.",
)
@click.option("--actor", metavar="NAME", help="Who made the change (default: the signers).")
@click.option(
    "--fail-on",
    metavar="LEVEL",
    type=click.Choice((*_LEVELS, _NEVER)),
    default=_NEVER,
    help="End with 1 also at this risk or a higher one: low, medium or high (default: never).",
)
@click.pass_obj
def command(
    root: Path | None,
    /,
    *,
    base: str | None,
    answers: Path | None,
    max_age: int,
    formats: Sequence[_Wanted],
    actor: str | None,
    fail_on: str,
) -> None:
    """Say what a change of node-configs/ does to which nodes, and if the policy allows it.

    The work tree is compared with the commit where it left the main branch, or REF. All nodes are
    loaded on both sides; their items are compared after derivation. node-configs/policy.yaml is
    read from the main branch, or REF, as it is now: never from the change. No node is contacted.

    \b
        power-edge gate
        power-edge gate --base=origin/main --actor=a.person --answers=answers
        power-edge gate --format=github --format=markdown=comment.md

    Exits with 0 if the policy allows the change, 1 if it does not or for --fail-on, 3 if a report
    could not be written, 4 if the configuration or the base cannot be used.
    """
    from power_edge.change_gate.judgement import Question, judge
    from power_edge.change_gate.risk import Level
    from power_edge.report.change_gate.formats import render

    select(root, ["*"])
    assert root is not None
    with unusable_is_an_error(), advising():
        judgement = judge(
            Question(
                root=root,
                ref=base or None,
                answers=answers,
                max_age=max_age,
                actor=actor or None,  # a workflow passes an empty one if it knows no name
                fail_on=None if fail_on == _NEVER else Level[fail_on.upper()],
            )
        )
    unwritten = False
    for wanted in formats:
        text = render(wanted.name, judgement)
        if wanted.file is None:
            click.echo(text, nl=False)
            continue
        try:
            with advising():
                write(wanted.file, text.encode())
        except OSError as error:  # the other reports are written
            unwritten = True
            file = printable(str(wanted.file))
            click.echo(f"Error: {file} could not be written: {error.strerror}", err=True)
    if unwritten:
        raise SystemExit(exit_status.INTERNAL_ERROR)
    if not judgement.passes:
        raise SystemExit(exit_status.DRIFT)
