"""`power-edge schema`."""

import json

import click
from click.shell_completion import CompletionItem

from power_edge.cli._node_name import one_of
from power_edge.cli._unusable import unusable_is_an_error
from power_edge.config import names, schema
from power_edge.resources import names as resource_types
from power_edge.text import printable_json, quoted


class _Schemas(click.Group):
    """The commands about schemas. The name of a schema is a command, too: it prints the schema."""

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return the schemas and the other commands that begin so."""
        return [
            *one_of(names())(ctx, self.params[0], incomplete),
            *super().shell_complete(ctx, incomplete),
        ]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in names():
            return super().get_command(ctx, cmd_name)
        return click.Command(
            cmd_name,
            callback=lambda: click.echo(json.dumps(schema(cmd_name), indent=2, ensure_ascii=False)),
            help=f"Print the schema {cmd_name} as JSON.",
        )

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if self.get_command(ctx, args[0]) is None:
            hint = "; state has all resource types" if args[0] in resource_types() else ""
            raise click.UsageError(
                f"{quoted(args[0])} is not one of the schemas: {', '.join(names())}{hint}", ctx
            )
        return super().resolve_command(ctx, args)


@click.group(
    "schema",
    cls=_Schemas,
    short_help="Print a schema as JSON, for editors; compare schemas.",
    subcommand_metavar="NAME | diff OLD NEW",
    epilog=f"NAME is one of {', '.join(names())}.",
    invoke_without_command=True,
)
@click.pass_context
def command(context: click.Context) -> None:
    """Print a schema as JSON, for editors and other tools. `state` includes all resource types.

    diff compares the schemas of two versions.
    """
    if context.invoked_subcommand is None:
        raise click.UsageError("Missing argument 'NAME'.", context)


@command.command("diff", short_help="Compare the schemas of two versions.")
@click.argument("old")
@click.argument("new")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--explain", is_flag=True, help="Print all that is known of each change.")
@click.option(
    "--accepted",
    metavar="VERSION",
    help="Whose schemas/accepted.yaml lowers verdicts (default: NEW's).",
)
def diff(old: str, new: str, as_json: bool, explain: bool, accepted: str | None) -> None:
    """Compare the schemas of two versions, and say if the change is MAJOR, MINOR or PATCH.

    MAJOR: a file that was valid is refused or means something else; or this cannot be ruled out.
    MINOR: more is allowed. PATCH: the same is allowed. What Power Edge writes (report, status,
    event, about) is judged by who reads it.

    OLD and NEW are folders, wheels, or git refs; a path wins over a ref. `installed` is this
    program. `last-release` is the highest release in HEAD; without one all is compared with
    nothing. VERSION is named like them: to judge a pull request, name its target branch, so that a
    change cannot excuse itself.
    """
    from power_edge.release.accepted import entries, with_accepted
    from power_edge.release.changes import compare
    from power_edge.release.counterexample import with_counterexamples
    from power_edge.release.source import source
    from power_edge.report import schema_diff

    with unusable_is_an_error():
        before, after = source(old), source(new)
        by = after if accepted is None else source(accepted)
        found = compare(before.schemas, after.schemas)
        found = with_accepted(
            found,
            entries(before.accepted, before.schemas.name),
            entries(by.accepted, by.schemas.name),
            before.schemas,
            after.schemas,
            of=by.schemas.name,
        )
    if as_json or explain:
        found = with_counterexamples(found, before.schemas, after.schemas)
    if as_json:
        text = json.dumps(schema_diff.as_json(found), indent=2, ensure_ascii=False)
        click.echo(printable_json(text))
    else:
        for line in schema_diff.lines(found, explain=explain):
            click.echo(line)
