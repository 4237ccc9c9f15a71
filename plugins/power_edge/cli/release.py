"""`power-edge release`."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from power_edge import exit_status
from power_edge.cli._unusable import unusable_is_an_error
from power_edge.cli._writing import advising
from power_edge.text import printable

if TYPE_CHECKING:
    from power_edge.release.version import Version

_folder = click.option(
    "--artifacts",
    metavar="DIR",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder of the files (default: dist/TAG in the checkout).",
)


@click.group("release", short_help="Promote a pre-release, roll back, verify a file.")
def command() -> None:
    """Make a release of a pre-release that was tested, and verify what was made.

    Nothing here pushes or publishes.

    \b
        power-edge release promote v1.3.0-pre.145 1.3.0 --artifacts=DIR
        power-edge release promote v1.2.0-pre.9 1.3.1 --rollback --with-config=REF
        power-edge release verify power_edge-1.3.0-py3-none-any.whl
    """


@command.command("pre", short_help="Tag a commit as a pre-release that was tested.")
@click.argument("pre")
@_folder
def pre_(pre: str, artifacts: Path | None) -> None:
    """Tag HEAD as the pre-release PRE, such as 1.3.0-pre.145.

    The folder of artifacts must have its wheel, and the tested.json of a run that tested HEAD. The
    last line of the tag is the sha256 of tested.json. A commit has one pre-release.
    """
    from power_edge.release import tags
    from power_edge.release.pre_release import make

    with unusable_is_an_error():
        version = tags.given(pre, pre=True)
        made = make(version, _artifacts_of(version, artifacts))
        click.echo(f"tagged   {made.version.tag} at {made.commit[:12]}")


@command.command("promote", short_help="Make a release of a pre-release, or roll back to it.")
@click.argument("pre")
@click.argument("version")
@click.option("--rollback", is_flag=True, help="Go back to PRE, which is older.")
@click.option("--dry-run", is_flag=True, help="Check, build and prove; write nothing, tag nothing.")
@click.option(
    "--artifacts",
    metavar="DIR",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder with the wheel and the tested.json of PRE (default: dist/PRE in the checkout if it"
    " is there, else the files of its release on GitHub).",
)
@click.option(
    "--built",
    metavar="DIR",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="What `make dist` built of the commit as VERSION: all of it becomes part of the release.",
)
@click.option(
    "--key",
    metavar="FILE",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Sign SHA256SUMS with this key (ssh-keygen -Y sign).",
)
@click.option(
    "--with-config",
    metavar="REF",
    help="For a rollback: the commit that reverts the configuration, too. PRE must load it.",
)
@click.option(
    "--accept-config-loss",
    is_flag=True,
    help="For a rollback: PRE may refuse or misread files of today.",
)
@click.pass_obj
def promote_(
    root: Path | None,
    /,
    *,
    pre: str,
    version: str,
    rollback: bool,
    dry_run: bool,
    artifacts: Path | None,
    built: Path | None,
    key: Path | None,
    with_config: str | None,
    accept_config_loss: bool,
) -> None:
    """Make the release VERSION of the pre-release PRE: the same commit, the same content.

    PRE must be a pre-release of main whose tests passed. VERSION must be higher than every release,
    and at least what `power-edge version check` asks for. The commit is built twice as VERSION, and
    the files must be those of the tested wheel. Then dist/vVERSION/ is written, and the tag is
    made. Nothing is pushed. If a run was cut off, a second one does the rest.

    With --rollback, PRE is older than the newest release, and VERSION is the next PATCH above it.
    PRE reads the node-configs/ of today. If it refuses anything there, or reads it differently,
    that is listed and nothing is made, unless --with-config or --accept-config-loss is given.
    """
    from power_edge.release import promote, tags
    from power_edge.release import rollback as back

    if (with_config or accept_config_loss) and not rollback:
        raise click.UsageError("--with-config and --accept-config-loss belong to --rollback")
    if with_config and accept_config_loss:
        raise click.UsageError("give --with-config or --accept-config-loss, not both")
    with unusable_is_an_error(), advising():
        from_, to = tags.given(pre, pre=True), tags.given(version, pre=False)
        tags.check_whole()
        with _folder_of(from_, artifacts) as folder:
            found = promote.pre_release(from_, folder)
        _say(f"tested   {from_.tag} at {found.tag.commit[:12]}: {found.tested.run}")
        taken_back = None
        if rollback:
            step = promote.backward(found, to)
            assert step.previous is not None
            taken_back = back.judged(
                found.wheel,
                found.tag.commit,
                step.previous,
                root,
                reverted=with_config,
                accepted=accept_config_loss,
            )
            _say(f"config   {taken_back.configuration}")
            for loss in taken_back.losses:
                _say(f"config   {loss}")
        else:
            step = promote.forward(found, to)
        if (bump := step.bump) is not None:
            _say(f"bump     {bump.name}: {step.reasons[0]}")
        if to in tags.versions() and promote.is_published(to):
            raise click.ClickException(f"{to.tag} is published already")
        made = promote.make(found, to, step, taken_back, _say, built=built)
        if dry_run:
            _say(f"dry run  {to.tag} would be made; nothing was written")
            return
        promote.finish(made, to, key, _say)
        _say(f"next     git push origin {to.tag}")


@command.command("check-tag", short_help="Check that a release's tag was made by promote.")
@click.argument("tag")
@_folder
def check_tag(tag: str, artifacts: Path | None) -> None:
    """Check that TAG was made by `promote`, and that a folder has the files it vouches for.

    The workflow that publishes calls this first.
    """
    from power_edge.release import tags
    from power_edge.release.verify import check_folder

    with unusable_is_an_error():
        version = tags.given(tag, pre=False)
        folder = _artifacts_of(version, artifacts)
        check_folder(version, folder)
        click.echo(f"{version.tag}: promoted; the files are those that the tag vouches for")


@command.command("verify", short_help="Verify files of a release, without a network.")
@click.argument(
    "files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option(
    "--signers",
    metavar="FILE",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Allowed signers (ssh-keygen -Y verify): one of them must have signed.",
)
def verify_(files: tuple[Path, ...], signers: Path | None) -> None:
    """Verify each FILE by the SHA256SUMS, its signature, and the promotion.json beside it.

    Each check is printed with what was found. Exits with 1 if any of them failed. Without --signers
    a signature says which key made it, and not whose key that is.
    """
    from power_edge.release.verify import verify

    failed = False
    with unusable_is_an_error():
        for file in files:
            wrong = 0
            for check in verify(file, signers):
                wrong += check.wrong is not None
                word = "FAILED" if check.wrong is not None else "open" if check.is_open else "ok"
                text = check.good if check.wrong is None else check.wrong
                click.echo(f"{word:<6} {printable(check.name)}: {printable(text)}")
            click.echo(
                f"{printable(str(file))}: " + (f"{wrong} checks failed" if wrong else "verified")
            )
            failed |= wrong > 0
    if failed:
        raise SystemExit(exit_status.DRIFT)


@command.command("incident", short_help="Open the issue of a rollback on GitHub.")
@click.argument("tag")
@_folder
@click.option("--who", help="Who rolls back (default: GITHUB_ACTOR, else git's user.name).")
@click.option("--why", help="Why.")
@click.option("--print", "only_print", is_flag=True, help="Print it, and connect to nothing.")
def incident_(
    tag: str, artifacts: Path | None, who: str | None, why: str | None, only_print: bool
) -> None:
    """Open the incident issue of the rollback TAG: title, from, to, who, why, what to do, nodes.

    GITHUB_API_URL, GITHUB_REPOSITORY and GITHUB_TOKEN say where. There is one issue for a rollback,
    also if the command is run again.
    """
    from power_edge.github import GitHub
    from power_edge.release import record, tags
    from power_edge.release.artifacts import content
    from power_edge.release.git import user
    from power_edge.release.incident import incident

    with unusable_is_an_error():
        version = tags.given(tag, pre=False)
        data = content(_artifacts_of(version, artifacts) / record.PROMOTION)
        promotion = record.promotion(data, record.PROMOTION)
        if promotion.release != version.semver:
            raise click.ClickException(
                f"{record.PROMOTION} in that folder is of {promotion.release}, not of"
                f" {version.semver}"
            )
        issue = incident(promotion, record.sha256(data), who or user(), why)
        if only_print:
            click.echo(f"{issue.title}\n\n{issue.body}", nl=False)
            return
        click.echo(GitHub().open_issue(issue.title, issue.body, issue.marker))


def _say(line: str) -> None:
    click.echo(printable(line))
    sys.stdout.flush()


def _artifacts_of(version: "Version", given: Path | None) -> Path:
    from power_edge.release.artifacts import folder_of

    return folder_of(version) if given is None else given


@contextmanager
def _folder_of(version: "Version", given: Path | None) -> Iterator[Path]:
    """Yield the folder of a pre-release's files: the one given, dist/TAG, or one of downloads."""
    from power_edge.release.artifacts import downloaded

    folder = _artifacts_of(version, given)
    if given is not None or folder.is_dir():
        yield folder
        return
    with downloaded(version) as files:
        yield files
