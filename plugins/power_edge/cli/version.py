"""`power-edge version`."""

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from power_edge.release.version import Version


@click.group("version", short_help="Show a version in each form; compare versions.")
def command() -> None:
    """Show a version as tags and packages write it, and compare versions.

    \b
        power-edge version show 1.3.0-pre.145
        power-edge version compare 1.3.0-pre.145 1.3.0
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


def _version(text: str) -> "Version":
    from power_edge.release.schema_set import Unusable  # takes 20 ms, and no other command needs it
    from power_edge.release.version import Version

    try:
        return Version.of(text)
    except Unusable as error:
        raise click.UsageError(str(error)) from None
