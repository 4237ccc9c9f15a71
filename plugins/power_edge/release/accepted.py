"""schemas/accepted.yaml: a person takes responsibility for a lower verdict."""

from collections.abc import Sequence
from dataclasses import replace

import msgspec

from power_edge.config import ConfigError
from power_edge.config.schema_errors import explain
from power_edge.config.yaml_reader import read
from power_edge.model.generated.accepted_schema import Accepted
from power_edge.model.generated.accepted_schema import Change as Entry
from power_edge.release.changes import Change, Difference, Verdict
from power_edge.release.schema_set import Place, SchemaSet, Unusable, part_of

FILE = "schemas/accepted.yaml"


def entries(data: bytes | None, name: str) -> list[Entry]:
    """Return the entries of an accepted.yaml of the version `name`. Raises ConfigError."""
    if data is None:
        return []
    document = read(data, f"{name}: {FILE}")
    problems = [*document.problems, *explain(document, "accepted")]
    if problems:
        raise ConfigError(problems)
    return msgspec.convert(document.value, Accepted).accepted


def with_accepted(
    difference: Difference,
    before: Sequence[Entry],
    now: Sequence[Entry],
    old: SchemaSet,
    new: SchemaSet,
    *,
    of: str,
) -> Difference:
    """Return the difference with the verdicts that the entries `now` of the version `of` lower.

    An entry that the older version has, too, and that lowers nothing is used up. Raises Unusable
    for it, for one whose place is in neither version, and for two of one place.
    """
    if difference.is_first:
        return difference
    changes = list(difference.changes)
    places = [(entry.file, entry.pointer) for entry in now]
    for entry in now:
        where = f"{FILE} of {of}: {entry.file}#{entry.pointer}"
        if places.count((entry.file, entry.pointer)) > 1:
            raise Unusable(f"{where} is in the file twice; keep one")
        lowered = [
            _lowered(change, entry) if _is_for(entry, change) else change for change in changes
        ]
        if lowered == changes:
            if entry in before:
                raise Unusable(
                    f"{where} is used up: it was for {entry.release} and lowers nothing now;"
                    " remove it"
                )
            if not any(_exists(found, entry) for found in (old, new)):
                raise Unusable(f"{where} is in neither version; correct it or remove it")
        changes = lowered
    return Difference(tuple(changes), difference.is_first)


def _is_for(entry: Entry, change: Change) -> bool:
    return (change.file, change.pointer) == (
        entry.file,
        entry.pointer,
    ) and change.verdict > Verdict[entry.verdict]


def _lowered(change: Change, entry: Entry) -> Change:
    by = f"{change.verdict.name} by the schema; {entry.author} for {entry.release}: {entry.reason}"
    return replace(change, verdict=Verdict[entry.verdict], accepted=by)


def _exists(found: SchemaSet, entry: Entry) -> bool:
    place = Place(entry.file).of_pointer(entry.pointer)
    try:
        part_of(found.files[place.file], place.parts)
    except KeyError:
        return False
    return True
