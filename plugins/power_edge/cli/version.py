"""`power-edge version`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from power_edge import exit_status
from power_edge.cli._unusable import unusable_is_an_error
from power_edge.text import printable, printable_json

if TYPE_CHECKING:
    from power_edge.release.version import Version


@click.group("version", short_help="Show and compare versions; say which one comes next.")
def command() -> None:
    """Show a version as tags and packages write it, compare versions, and say which one comes next.

    \b
        power-edge version show 1.3.0-pre.145
        power-edge version compare 1.3.0-pre.145 1.3.0
        power-edge version check
        power-edge version next --pre
        power-edge version needs
    """


@command.command("show", short_help="Print a version in each form.")
@click.argument("version")
def show(version: str) -> None:
    """Print VERSION as git, Python, container images, Debian and RPM write it."""
    given = _version(version)
    for what, form in (
        ("git tag", given.tag),
        ("wheel", given.wheel),
        ("OCI tags", " ".join(given.oci)),
        ("deb, rpm", given.package),
    ):
        click.echo(f"{what:<8}  {form}")


@command.command("compare", short_help="Print which of two versions is higher.")
@click.argument("first")
@click.argument("second")
def compare(first: str, second: str) -> None:
    """Print FIRST, one of < = >, and SECOND. A pre-release is lower than its release."""
    one, other = _version(first), _version(second)
    sign = "<" if one.order < other.order else ">" if one.order > other.order else "="
    click.echo(f"{one.semver} {sign} {other.semver}")


@command.command("check", short_help="Print the bump that the changes since a release require.")
@click.option(
    "--base",
    metavar="REF",
    help="The commit that the change is to be merged into (default: the last release in HEAD).",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def check(base: str | None, as_json: bool) -> int:
    """Print which bump the changes up to HEAD require, and who asks for it: the schemas, the
    changelog, or the outer interface of the program. The highest counts.

    Exits with 1 if a changelog fragment is missing or claims less than is found, or if
    schemas/VERSION or an x-since is not as the schemas ask; it prints what to write.
    """
    from power_edge.release.required_bump import check_committed, required
    from power_edge.report import required_bump as report

    with unusable_is_an_error():
        check_committed()
        found = required(base)
    if as_json:
        text = json.dumps(report.as_json(found), indent=2, ensure_ascii=False)
        click.echo(printable_json(text))
    else:
        for line in report.lines(found):
            click.echo(line)
        for problem in found.problems:
            click.echo(f"Error: {printable(problem)}", err=True)
    return exit_status.DRIFT if found.problems else exit_status.COMPLIANT


@command.command("next", short_help="Print the version that comes next.")
@click.option("--pre", is_flag=True, help="Print that of the pre-release at HEAD.")
def next_(pre: bool) -> None:
    """Print the last release plus the bump that is required since then.

    A pre-release has the number of commits that lead to HEAD, along first parents. Before the first
    release it is the number in pyproject.toml.
    """
    from power_edge.release.required_bump import check_committed, next_version

    with unusable_is_an_error():
        check_committed()
        click.echo(next_version(pre=pre).semver)


@command.command("needs", short_help="Print which version of the schemas each node's files need.")
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.pass_obj
def needs(root: Path | None, /, *, path: Path | None) -> None:
    """Print which version of the schemas each node's files need, and which line needs it; also the
    files of roles.

    PATH is a folder of nodes or the folder of one node (default: node-configs/).
    """
    from power_edge.config.node_configs import ROLES
    from power_edge.config.node_needs import folders, needs_of, needs_of_roles
    from power_edge.config.schema_needs import oldest

    nodes = folders(path, root)
    found = {folder.name: needs_of(folder) for folder in nodes}
    roles = needs_of_roles(nodes[0].parent)
    if roles is not None:
        found[ROLES] = roles
    for name, of_files in found.items():
        highest = max((each.version for each in of_files), default=oldest())
        click.echo(f"{printable(name)}: {highest}")
        for each in of_files:
            click.echo(f"  {printable(str(each))}")


def _version(text: str) -> "Version":
    from power_edge.release.schema_set import Unusable  # takes 20 ms, and no other command needs it
    from power_edge.release.version import Version

    try:
        return Version.of(text)
    except Unusable as error:
        raise click.UsageError(str(error)) from None
