"""Which bump the changes since a release require: by the schemas, the changelog, and the outer
interface. The highest of the three counts.
"""

import tomllib
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from power_edge.config.schema_version import FILE as VERSION_FILE
from power_edge.model.generated.accepted_schema import Change as Entry
from power_edge.release import git, interface
from power_edge.release.accepted import entries, with_accepted
from power_edge.release.changes import EMPTY, Difference, Verdict, compare
from power_edge.release.fragments import FOLDER, SUFFIX, Fragment, fragments, to_write
from power_edge.release.schema_set import Unusable
from power_edge.release.source import Source, of_ref
from power_edge.release.version import Version
from power_edge.release.x_since import not_raised, step, verdict_of_files, version_of, without_since
from power_edge.text import quoted

SCHEMAS: Final = "schemas"
CHANGELOG: Final = "changelog"
INTERFACE: Final = "interface"
SOURCES: Final = (SCHEMAS, CHANGELOG, INTERFACE)
"""What can ask for a bump."""
_CONFIGURATION = "node-configs/"
_PROJECT = "pyproject.toml"
_NOTHING = Source(EMPTY)


class Reason(NamedTuple):
    """Why one of the three asks for a bump."""

    source: str
    """One of SOURCES."""
    bump: Verdict
    why: str


class Required(NamedTuple):
    """What the changes up to a commit require."""

    base: str | None
    """What they were compared with, as a ref; None before the first release: all is new then."""
    head: str
    """The commit that was judged."""
    bump: Verdict
    reasons: tuple[Reason, ...]
    """At least one of each source, the highest first."""
    problems: tuple[str, ...]
    """What is missing or claims too little, and what to write; empty if all is well."""
    build: bool
    """Whether there is anything to build: not for a change of node-configs alone."""

    def by(self, source: str) -> Verdict:
        """Return the bump that one of the three asks for."""
        return max(each.bump for each in self.reasons if each.source == source)


def required(base: str | None, head: str = "HEAD", *, without: str | None = None) -> Required:
    """Return the bump that the changes of the commit `head` require.

    Without `base` they are those since the last release that `head` contains. Any other base is a
    commit that `head` is to be merged into: what it has got since the two parted does not count,
    and accepted.yaml lowers a verdict only if the base has the same entry.

    `without` is the tag of a release that does not count: the one that is being made. Reads git in
    the current folder, and no file of the work tree. Raises Unusable, and ConfigError for an
    accepted.yaml.
    """
    judged = git.commit(head)
    release = git.last_release(judged, without)
    ref = release if base is None else base
    since = None if ref is None else git.commit(ref)
    if base is not None and since is not None:
        since = git.fork_point(since, judged)
    after = of_ref(judged)
    before = _NOTHING if since is None else of_ref(since)
    trusted = None if base is None else entries(before.accepted, before.schemas.name)
    of_schemas = _difference(before, after, trusted)
    new_fragments = _new_fragments(since, judged)
    reasons = [
        *_by_schemas(of_schemas),
        *_by_version(since, judged),
        *_by_fragments(new_fragments),
        *_by_interface(since, judged),
    ]
    paths = git.paths(judged) if since is None else git.changed(since, judged)
    return Required(
        ref,
        judged,
        max(each.bump for each in reasons),
        tuple(sorted(reasons, key=lambda each: (-each.bump, SOURCES.index(each.source)))),
        (
            *_missing(new_fragments, reasons, _shipped(paths, since, judged)),
            *_without_list(judged),
            *_of_version(judged, after, trusted),
        ),
        build=any(not _is_configuration(path) for path in paths),
    )


def check_committed() -> None:
    """Check that the work tree is as HEAD has it: a commit is judged. Raises Unusable."""
    changes = git.uncommitted()
    if changes:
        more = f", and {len(changes) - 1} more" if len(changes) > 1 else ""
        raise Unusable(
            f"not committed: {quoted(changes[0], 200)}{more}; a commit is judged, so commit all"
            " changes or remove them"
        )


def next_version(head: str = "HEAD", *, pre: bool = False) -> Version:
    """Return the last release plus the required bump; before the first release the number in
    pyproject.toml.

    `pre` is the pre-release of that number at `head`. Raises as `required`.
    """
    judged = git.commit(head)
    release, bump = (found := required(None, judged)).base, found.bump
    number = _first(judged) if release is None else bumped(Version.of(release), bump)
    return number._replace(pre=git.count(judged)) if pre else number


def bumped(version: Version, bump: Verdict) -> Version:
    """Return the lowest release that is higher than a release by a bump."""
    major, minor, patch, _ = version
    if bump is Verdict.MAJOR:
        return Version(major + 1, 0, 0)
    return (
        Version(major, minor + 1, 0) if bump is Verdict.MINOR else Version(major, minor, patch + 1)
    )


def _difference(before: Source, after: Source, trusted: Sequence[Entry] | None) -> Difference:
    """Return what changed. `trusted`: the entries of accepted.yaml that count; None for all, if
    none is used up.
    """
    difference = compare(before.schemas, after.schemas)
    old = entries(before.accepted, before.schemas.name)
    new = entries(after.accepted, after.schemas.name)
    if trusted is None:
        of = after.schemas.name
        return with_accepted(difference, old, new, before.schemas, after.schemas, of=of)
    places = {(change.file, change.pointer) for change in difference.changes}
    # Other entries are for other changes of the same release.
    known = [each for each in new if each in trusted and (each.file, each.pointer) in places]
    of = before.schemas.name
    return with_accepted(difference, [], known, before.schemas, after.schemas, of=of)


def _by_schemas(difference: Difference) -> Iterator[Reason]:
    for change in difference.changes:
        if change.verdict is not Verdict.PATCH:
            field = f"{change.field}: " if change.field else ""
            why = f"{field}{change.why} ({change.file}#{change.pointer})"
            yield Reason(SCHEMAS, change.verdict, why)
    if difference.verdict is Verdict.PATCH:
        yield Reason(SCHEMAS, Verdict.PATCH, "they allow the same as before")


def _by_version(since: str | None, judged: str) -> Iterator[Reason]:
    if since is None:
        return
    old, new = (version_of(git.file(each, VERSION_FILE), each[:12]) for each in (since, judged))
    if old is not None and new is not None and new > old:
        yield Reason(SCHEMAS, step(old, new), f"{VERSION_FILE} was {old} and is {new}")


def _by_fragments(found: Sequence[Fragment]) -> Iterator[Reason]:
    for fragment in found:
        if fragment.bump is not Verdict.PATCH:
            yield Reason(CHANGELOG, fragment.bump, fragment.path)
    if all(fragment.bump is Verdict.PATCH for fragment in found):
        count = f"{len(found)} fragments" if len(found) != 1 else found[0].path
        yield Reason(CHANGELOG, Verdict.PATCH, count if found else "no fragment")


def _by_interface(since: str | None, judged: str) -> Iterator[Reason]:
    old = None if since is None else git.file(since, interface.FILE)
    lines = list(interface.compare(old, git.file(judged, interface.FILE)))
    for line in lines:
        yield Reason(INTERFACE, line.bump, f"{'new' if line.is_new else 'gone'}: {line.text}")
    if not lines:
        yield Reason(INTERFACE, Verdict.PATCH, f"{interface.FILE} has the same lines")


def _new_fragments(since: str | None, judged: str) -> list[Fragment]:
    """Return the fragments that the older commit does not have with the same content.

    They stay in the tree after a release: its tag is set to a commit that was tested.
    """
    now = git.files(judged, FOLDER, (SUFFIX,))
    before = {} if since is None else git.files(since, FOLDER, (SUFFIX,))
    return [
        each
        for each in fragments(now)
        if now[name := each.path.removeprefix(f"{FOLDER}/")] != before.get(name)
    ]


def _missing(
    found: Sequence[Fragment], reasons: Iterable[Reason], shipped: Sequence[str]
) -> Iterator[str]:
    highest = max(
        (each for each in reasons if each.source != CHANGELOG), key=lambda each: each.bump
    )
    claimed = max((each.bump for each in found), default=None)
    if claimed is None:
        if highest.bump is not Verdict.PATCH:
            yield (
                f"no fragment says that this is {highest.bump.name} ({highest.source}:"
                f" {highest.why}): write {to_write(highest.bump)}"
            )
        elif shipped:
            yield (
                f"no fragment says what changed in {shipped[0]}: write {to_write(Verdict.PATCH)}"
            )
    elif claimed < highest.bump:
        yield (
            f"the fragments claim {claimed.name}, and this is {highest.bump.name}"
            f" ({highest.source}: {highest.why}): write {to_write(highest.bump)}"
        )


def _without_list(judged: str) -> Iterator[str]:
    if git.file(judged, interface.FILE) is None:
        yield f"{interface.FILE} is missing, so nobody knows what changed: make generate writes it"


def _of_version(judged: str, after: Source, trusted: Sequence[Entry] | None) -> Iterator[str]:
    """Yield what is wrong with schemas/VERSION and x-since. They are compared with the release of
    the highest schemas, whatever the base: one step is enough for all changes since. The last
    release may be a rollback, with lower ones.
    """
    new = version_of(git.file(judged, VERSION_FILE), judged[:12])
    tags = git.releases(judged)
    versions = [
        version_of(data, tag)
        for tag, data in zip(tags, git.at_tags(tags, VERSION_FILE), strict=True)
    ]
    numbered = [(version, tag) for version, tag in zip(versions, tags, strict=True) if version]
    if not numbered:
        yield from not_raised(None, new, Verdict.PATCH)
        return
    old, release = max(numbered, key=lambda each: each[0])
    before = of_ref(git.commit(release))
    difference = _difference(before, after, trusted)
    verdict = verdict_of_files(difference, before.schemas, after.schemas)
    yield from not_raised(old, new, verdict)
    if new is not None:
        yield from without_since(before.schemas, after.schemas, old, new)


def _is_configuration(path: str) -> bool:
    return path.startswith(_CONFIGURATION) or (
        path.startswith(f"{FOLDER}/") and path.endswith(f".config{SUFFIX}")
    )


def _shipped(paths: Sequence[str], since: str | None, judged: str) -> list[str]:
    """Return the paths that are part of the program, as the wheel takes them.

    pyproject.toml is one if what it says of the project differs: dependencies, entry points.
    """
    project = _project(judged)
    folders: object = project
    for key in ("tool", "hatch", "build", "targets", "wheel", "only-include"):
        folders = folders.get(key) if isinstance(folders, dict) else None
    if not isinstance(folders, list):
        raise Unusable(
            f"{_PROJECT} of {judged[:12]} does not say what a wheel takes (only-include)"
        )
    about = None if since is None else _project(since).get("project")
    return [
        path
        for path in paths
        if any(f"{path}/".startswith(f"{folder}/") for folder in folders)
        or (path == _PROJECT and about != project.get("project"))
    ]


def _project(commit: str) -> dict[str, object]:
    data = git.file(commit, _PROJECT)
    try:
        return tomllib.loads((data or b"").decode("utf-8"))
    except ValueError as error:
        raise Unusable(f"{_PROJECT} of {commit[:12]} cannot be read: {error}") from None


def _first(judged: str) -> Version:
    """Return the number of the first release, which pyproject.toml says. Raises Unusable."""
    settings: object = _project(judged)
    for key in ("tool", "power-edge", "first-release"):
        settings = settings.get(key) if isinstance(settings, dict) else None
    if not isinstance(settings, str):
        raise Unusable(
            f"there is no release yet, and {_PROJECT} of {judged[:12]} does not say which number"
            ' the first one has: [tool.power-edge] first-release = "1.0.0"'
        )
    return Version.of(settings)
