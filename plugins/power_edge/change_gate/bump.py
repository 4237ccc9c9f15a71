"""Which part of the version a change of configuration and schemas requires."""

from collections.abc import Sequence

from power_edge.change_gate.repository import LINK, Base, Repository
from power_edge.release.accepted import entries, with_accepted
from power_edge.release.changes import EMPTY, Verdict, compare
from power_edge.release.schema_set import SUFFIX, Unusable
from power_edge.release.source import ACCEPTED, Source, of_files

_SCHEMAS = "schemas/"
NONE = "none"


def bump(
    repository: Repository, base: Base, elsewhere: Sequence[str], *, is_config_changed: bool
) -> str:
    """Return MAJOR, MINOR or PATCH, or `none` if neither configuration nor schemas changed.

    `elsewhere` are the paths outside of node-configs/ that changed. Verdicts are lowered by the
    accepted.yaml of the base alone: the change under judgement cannot excuse itself. Changes of the
    program are left to `power-edge version check`. Raises Unusable for schemas that cannot be
    compared.
    """
    if any(path.startswith(_SCHEMAS) for path in elsewhere):
        old = _schemas(repository, base.fork)
        new = _schemas(repository, repository.head())
        if old is not None or new is not None:
            first, second = old or Source(EMPTY), new or Source(EMPTY)
            tip = _schemas(repository, base.tip) or Source(EMPTY)
            accepted = entries(tip.accepted, base.ref)
            found = compare(first.schemas, second.schemas)
            lowered = with_accepted(found, (), accepted, first.schemas, second.schemas, of=base.ref)
            return lowered.verdict.name
    return Verdict.PATCH.name if is_config_changed else NONE


def _schemas(repository: Repository, commit: str) -> Source | None:
    """Return the schemas of a commit; None if it has none."""
    tree = {
        name: blob
        for name, blob in repository.tree(commit, _SCHEMAS).items()
        if name.endswith((SUFFIX, ACCEPTED))
    }
    if not any(name.endswith(SUFFIX) for name in tree):
        return None
    for name, blob in tree.items():
        if blob.mode == LINK:
            raise Unusable(f"schemas/{name} is not a regular file in {commit[:12]}")
    contents = repository.contents(blob.hash for blob in tree.values())
    return of_files(commit[:12], {name: contents[blob.hash] for name, blob in tree.items()})
