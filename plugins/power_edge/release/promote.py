"""Makes a release of a pre-release: checks, builds, proves, and then writes the folder and the tag.

The order of effects is such that nothing half done is published. All checks and both builds come
first. Then the folder appears, whole. The tag is last: without it the workflow `release` publishes
nothing. A second run of the same promotion does what the first did not: all that it writes depends
on the commit, the versions and the tests alone.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Literal, NamedTuple

from power_edge import atomic_file
from power_edge.github import VARIABLES, GitHub
from power_edge.model.generated.promotion_schema import Artifact, Promotion, Rollback
from power_edge.model.generated.tested_schema import Tested
from power_edge.release import artifacts, notes, record, signature, tags
from power_edge.release.build import build
from power_edge.release.changes import Verdict
from power_edge.release.required_bump import bumped, required
from power_edge.release.schema_set import Unusable, digest
from power_edge.release.source import of_ref
from power_edge.release.version import Version
from power_edge.release.wheel import Wheel, differences, wheel_name, wheel_of
from power_edge.text import counted

_NAMES: Final[Mapping[Verdict, Literal["MAJOR", "MINOR", "PATCH"]]] = {
    Verdict.MAJOR: "MAJOR",
    Verdict.MINOR: "MINOR",
    Verdict.PATCH: "PATCH",
}
Say = Callable[[str], None]
"""Takes a line about what was done."""


class Step(NamedTuple):
    """Why a release may have its number."""

    previous: Version | None
    bump: Verdict | None
    """None for a rollback."""
    reasons: tuple[str, ...]


class PreRelease(NamedTuple):
    """A pre-release with its proof: the tag, the wheel, and the run that tested its commit."""

    tag: tags.Tag
    wheel: Wheel
    tested: Tested
    tested_json: bytes


class Files(NamedTuple):
    """The files of a release, by name, and the message of its tag."""

    promotion: Promotion
    files: dict[str, bytes]
    message: str


def pre_release(version: Version, folder: Path) -> PreRelease:
    """Return a pre-release that may be promoted, with its artifacts in a folder.

    Raises Unusable, and ConfigError for a tested.json that is not of its schema.
    """
    tag = tags.tag(version)
    tags.check_on_main(tag.commit, version.tag)
    twins = [each.tag for each in tags.at(tag.commit) if each.pre is not None]
    if len(twins) > 1:
        raise Unusable(
            f"{tag.commit[:12]} has {len(twins)} pre-releases ({', '.join(twins)}), and may"
            " have one: delete the tag that nobody tested"
        )
    data = artifacts.content(folder / record.TESTED)
    name = f"{record.TESTED} of {version.tag}"
    tested = record.tested(data, name)
    record.check_tested(tested, tag.commit, name)
    digest_in_tag = record.recorded(tag.message, record.TESTED)
    if digest_in_tag is None:
        raise Unusable(
            f"the tag {version.tag} records no {record.TESTED}: its last line must be that of"
            " power-edge release pre"
        )
    if digest_in_tag != record.sha256(data):
        raise Unusable(f"{name} was changed since the tag was made: the tag records another sha256")
    return PreRelease(tag, wheel_of(folder, version.wheel), tested, data)


def forward(pre: PreRelease, version: Version) -> Step:
    """Return why a pre-release may become a release of this number. Raises Unusable."""
    commit = pre.tag.commit
    previous = _below(version, commit)
    if previous is not None:
        last = tags.commit_of(previous)
        if last == commit:
            raise Unusable(f"{pre.tag.version.tag} is promoted already, as {previous.tag}")
        if not tags.contains(commit, last):
            raise Unusable(
                f"{pre.tag.version.tag} is older than {previous.tag}: to go back to it is a"
                " rollback, which is promoted with --rollback"
            )
    needed = required(None, commit, without=version.tag)
    if needed.problems:
        raise Unusable(f"power-edge version check refuses {commit[:12]}: {needed.problems[0]}")
    if previous is not None and not needed.build:
        raise Unusable(
            f"nothing but configuration has changed since {previous.tag}: no build is needed"
        )
    own = pre.tag.version._replace(pre=None)
    if version.order < own.order:
        raise Unusable(f"{version.semver} is lower than its pre-release {pre.tag.version.tag}")
    lowest = own if previous is None else bumped(previous, needed.bump)
    if version.order < lowest.order:
        first = needed.reasons[0]
        raise Unusable(
            f"{version.semver} is too low: the changes are {needed.bump.name} ({first.source}:"
            f" {first.why}), so at least {lowest.semver}"
        )
    reasons = tuple(f"{each.source}: {each.why}" for each in needed.reasons)
    return Step(previous, needed.bump, reasons)


def backward(pre: PreRelease, version: Version) -> Step:
    """Return why a pre-release may be rolled back to under this number. Raises Unusable."""
    previous = _below(version, pre.tag.commit)
    if previous is None:
        raise Unusable("there is no release yet, so nothing can be rolled back")
    last = tags.commit_of(previous)
    if last == pre.tag.commit or not tags.contains(last, pre.tag.commit):
        raise Unusable(
            f"{pre.tag.version.tag} is not older than {previous.tag}, so this is not a rollback:"
            " leave out --rollback"
        )
    due = previous._replace(patch=previous.patch + 1)
    if version != due:
        raise Unusable(f"a rollback from {previous.tag} is {due.tag}, the next PATCH above it")
    return Step(previous, None, (f"rollback from {previous.tag}",))


def make(
    pre: PreRelease,
    version: Version,
    step: Step,
    rollback: Rollback | None,
    say: Say,
    *,
    built: Path | None = None,
) -> Files:
    """Build a pre-release's commit as a release, prove that nothing else differs, and return the
    files.

    `built` is a folder with the artifacts of the release, including its wheel and sdist.
    Raises Unusable.
    """
    commit = pre.tag.commit
    with atomic_file.scratch() as scratch:
        one, other = (build(commit, version, _new(scratch, each)) for each in ("one", "another"))
        if one.wheel.name != wheel_name(version.wheel):
            raise Unusable(
                f"the build of version {version.wheel} made {one.wheel.name}: the project must take"
                " its version from POWER_EDGE_VERSION"
            )
        wheel = wheel_of(one.wheel.parent, version.wheel)
        sdist = artifacts.content(one.sdist)
        for first, second in ((wheel.data, other.wheel), (sdist, other.sdist)):
            if artifacts.content(second) != first:
                raise Unusable(f"two builds of {second.name} differ, so neither can be proven")
        sdist_name = one.sdist.name
    proven = {wheel.name: wheel.data, sdist_name: sdist}
    others = {} if built is None else artifacts.built_with(proven, built)
    if differs := differences(pre.wheel, wheel):
        more = f" (and {len(differs) - 1} more)" if len(differs) > 1 else ""
        raise Unusable(f"what was built is not what was tested: {differs[0]}{more}")
    say(f"built    {wheel.name}")
    say(f"sha256   {record.sha256(wheel.data)}")
    count = len(wheel.content())
    say(f"proven   {count} files are those that were tested; METADATA and RECORD alone differ")
    say("proven   a second build in another folder has the same bytes")
    if others:
        say(f"proven   {counted(len(others), 'other artifact')} came with the same wheel and sdist")
    promotion = Promotion(
        release=version.semver,
        promoted_from=pre.tag.version.semver,
        commit=commit,
        tree=tags.tree(commit),
        previous=None if step.previous is None else step.previous.semver,
        wheel=Artifact(file=wheel.name, sha256=record.sha256(wheel.data)),
        tested_wheel=Artifact(file=pre.wheel.name, sha256=record.sha256(pre.wheel.data)),
        sdist=Artifact(file=sdist_name, sha256=record.sha256(sdist)),
        artifacts=[
            Artifact(file=name, sha256=record.sha256(data)) for name, data in others.items()
        ],
        content_sha256=wheel.content_sha256(),
        schemas_sha256=digest(of_ref(commit).schemas),
        bump=None if step.bump is None else _NAMES[step.bump],
        reasons=list(step.reasons),
        tested=pre.tested,
        rollback=rollback,
    )
    written = record.written(promotion)
    files = {
        **proven,
        **others,
        record.TESTED: pre.tested_json,
        record.PROMOTION: written,
        artifacts.NOTES: notes.notes(promotion).encode(),
    }
    files[artifacts.SUMS] = artifacts.sums(files)
    return Files(promotion, files, _message(promotion, written))


def finish(made: Files, version: Version, key: Path | None, say: Say) -> None:
    """Write the folder of a release and then its tag; what exists already stays as it is.

    Raises Unusable if nothing is left to do, or if what is there is of another promotion, and
    OSError.
    """
    is_tagged = version in tags.versions()
    if is_tagged:
        check_same(tags.tag(version), made)
    files = dict(made.files)
    if key is not None:
        files[artifacts.SIGNATURE] = signature.sign(files[artifacts.SUMS], key)
    folder = artifacts.folder_of(version)
    is_new = artifacts.write(folder, files)
    if is_tagged and not is_new:
        raise Unusable(f"{version.tag} is promoted already, and nothing is left to do")
    say(f"{'written' if is_new else 'kept':<8} dist/{version.tag}/ ({len(files)} files)")
    if is_tagged:
        say(f"kept     the tag {version.tag}, of a promotion that was cut off")
    else:
        tags.make(version, made.promotion.commit, made.message)
        say(f"tagged   {version.tag} at {made.promotion.commit[:12]}")


def is_published(version: Version) -> bool:
    """Whether a release is on GitHub. Outside of a workflow this cannot be asked, and is False.

    A promotion that was cut off is continued until its release is published. Raises GitHubError.
    """
    return all(os.environ.get(each) for each in VARIABLES) and GitHub().is_published(version.tag)


def check_same(tag: tags.Tag, made: Files) -> None:
    """Check that a tag is the one of this promotion. Raises Unusable."""
    digest_in_tag = record.recorded(tag.message, record.PROMOTION)
    if tag.commit != made.promotion.commit:
        raise Unusable(f"{tag.version.tag} exists, and is of commit {tag.commit[:12]}")
    if digest_in_tag != record.sha256(made.files[record.PROMOTION]):
        raise Unusable(
            f"{tag.version.tag} exists, and is not of this promotion: run that one again, with the"
            " files that it was made of"
        )


def _below(version: Version, commit: str) -> Version | None:
    """Return the highest release below a version, which must be higher than every other one.

    A release of the very version and commit is left out: a promotion that was cut off is continued.
    Raises Unusable.
    """
    found = tags.releases()
    if version in found and tags.commit_of(version) != commit:
        raise Unusable(f"there is a release {version.tag} already, of another commit")
    others = [each for each in found if each != version]
    if others and others[-1].order > version.order:
        raise Unusable(f"{version.semver} is not higher than {others[-1].tag}, the highest release")
    return others[-1] if others else None


def _new(scratch: Path, name: str) -> Path:
    folder = scratch / name
    folder.mkdir()
    return folder


def _message(promotion: Promotion, written: bytes) -> str:
    title = f"{promotion.release}, promoted from {promotion.promoted_from}"
    if promotion.rollback is not None:
        title = f"ROLLBACK: {title}, taking back {promotion.rollback.from_release}"
    return f"{title}\n\n{record.digest_line(record.PROMOTION, written)}\n"
