"""The bump that a change requires, for people and for programs."""

from collections.abc import Iterator
from itertools import islice

from power_edge.release.required_bump import SOURCES, Required
from power_edge.report.schema_diff import FIRST
from power_edge.text import printable

_MOST = 10
"""The most reasons of one source that are listed."""
_NO_BUILD = "nothing to build: only node-configs/ changed"


def as_json(found: Required) -> dict[str, object]:
    """Return what `--json` prints."""
    return {
        "base": found.base,
        "head": found.head,
        **({"note": FIRST} if found.base is None else {}),
        "bump": found.bump.name,
        "build": found.build,
        "by": {source: found.by(source).name for source in SOURCES},
        "reasons": [
            {"source": each.source, "bump": each.bump.name, "why": each.why}
            for each in found.reasons
        ],
        "problems": list(found.problems),
    }


def lines(found: Required) -> Iterator[str]:
    """Yield the lines for a person, without the problems."""
    if found.base is None:
        yield f"{FIRST}."
    yield printable(f"{found.bump.name} since {found.base or 'nothing'}")
    for source in SOURCES:
        reasons = [each for each in found.reasons if each.source == source]
        for each in islice(reasons, _MOST):
            yield printable(f"{source:<9}  {each.bump.name:<5}  {each.why}")
        if len(reasons) > _MOST:
            yield f"{source:<9}  and {len(reasons) - _MOST} more: --json lists all"
    if not found.build:
        yield _NO_BUILD
