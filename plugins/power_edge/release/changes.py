"""What changed between two sets of schemas, and which part of the version it requires."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from power_edge.json_value import Json
from power_edge.release.containment import Containment, Gap, Way
from power_edge.release.meaning import notes
from power_edge.release.schema_set import Place, SchemaSet, is_annotation

EMPTY = SchemaSet("nothing", {}, {})
"""What the first release is compared with."""
_BY_EFFECT = "judged by its effect on documents"
_PLAIN = re.compile(r"[A-Za-z0-9_-]+")


class Verdict(IntEnum):
    """The part of a version that a change requires; the highest of all counts."""

    PATCH = 0
    """The same is allowed, and means the same."""
    MINOR = 1
    """More is allowed."""
    MAJOR = 2
    """Something is refused that was valid, or means something else."""


@dataclass(frozen=True)
class Change:
    """One difference. `file` and `pointer` are of the newer set if the place exists there, else of
    the older.
    """

    file: str
    pointer: str
    field: str
    """The field as it stands in a file: `services[].state`; empty for the whole."""
    verdict: Verdict
    was: Json
    now: Json
    why: str
    root: str = ""
    """The schema of the whole document; empty if the change is part of none."""
    way: Way = ()
    is_meaning: bool = False
    """Whether it is about what a valid document means, not about what is valid."""
    is_output: bool = False
    """Whether Power Edge writes the document, and others read it."""
    counterexample: Json = None
    """A document that was valid and is not; of an output, one that is written now and was not
    allowed. None if none was found.
    """
    accepted: str = ""
    """By whom and why its verdict was lowered."""


class Difference(NamedTuple):
    """All changes between two sets."""

    changes: tuple[Change, ...]
    is_first: bool
    """Whether the older set is empty: there is no release to compare with."""

    @property
    def verdict(self) -> Verdict:
        """The highest verdict of all changes."""
        return max((change.verdict for change in self.changes), default=Verdict.PATCH)


def compare(old: SchemaSet, new: SchemaSet) -> Difference:
    """Return what changed. What cannot be shown to be wider is MAJOR.

    Of an output (`x-direction: output`) the roles are exchanged: what is written now must be
    something that readers of the older schema know. If the two sets do not agree on that, the
    schema is judged in both directions.
    """
    found: dict[tuple[str, str, str], Change] = {}
    for change in _of_documents(old, new):
        key = (change.file, change.pointer, change.field)
        if key not in found or found[key].verdict < change.verdict:
            found[key] = change
    judged = {(change.file, change.pointer) for change in found.values()}
    unseen = [each for each in _texts(old, new) if not _is_judged(each, judged)]
    return Difference(
        tuple(
            sorted(
                [*found.values(), *unseen],
                key=lambda change: (-change.verdict, change.file, change.pointer, change.field),
            )
        ),
        is_first=not old.files,
    )


def field(way: Way) -> str:
    """Return the way to a value as an operator writes it: `services[].state`."""
    text = ""
    for kind, name in way:
        if kind == "item":
            text += "[]"
        elif kind == "any":
            text += ".*"
        elif _PLAIN.fullmatch(name):
            text += f".{name}"
        else:
            text += f"[{json.dumps(name, ensure_ascii=False)}]"
    return text.removeprefix(".")


def _of_documents(old: SchemaSet, new: SchemaSet) -> Iterator[Change]:
    for file in sorted({*old.roots(), *new.roots()}):
        if file not in old.files:
            yield Change(file, "", "", Verdict.MINOR, None, None, "the schema is new")
        elif file not in new.files:
            yield Change(file, "", "", Verdict.MAJOR, None, None, "the schema is gone")
        else:
            directions = {old.is_output(file), new.is_output(file)}
            for is_output in sorted(directions):
                yield from _of_document(old, new, file, is_output=is_output)
            for note in notes(old, new, file):
                place = note.second or note.first
                assert place is not None
                yield Change(
                    *_at(new if note.second else old, place),
                    field(note.way),
                    Verdict.MAJOR if note.keyword == "default" else Verdict.MINOR,
                    note.was,
                    note.now,
                    "what is left out means something else"
                    if note.keyword == "default"
                    else "the field is deprecated, or is no longer",
                    file,
                    note.way,
                    is_meaning=True,
                )


def _of_document(old: SchemaSet, new: SchemaSet, file: str, *, is_output: bool) -> Iterator[Change]:
    """Yield the changes of a schema that is in both sets."""
    forward = Containment(old, new).gaps(Place(file), Place(file))
    backward = [_turned(gap) for gap in Containment(new, old).gaps(Place(file), Place(file))]
    if is_output:
        forward, backward = backward, forward
    for gaps, verdict in ((forward, Verdict.MAJOR), (backward, Verdict.MINOR)):
        for gap in gaps:
            place = gap.second or gap.first
            in_new = gap.second is not None
            why = gap.wider if (verdict is Verdict.MINOR) != is_output else gap.narrower
            where = _at(new if in_new else old, place or Place(file))
            yield Change(
                *where,
                field(gap.way),
                verdict,
                gap.was,
                gap.now,
                why,
                file,
                gap.way,
                is_output=is_output,
            )


def _turned(gap: Gap) -> Gap:
    return gap._replace(first=gap.second, second=gap.first, was=gap.now, now=gap.was)


def _at(found: SchemaSet, place: Place) -> tuple[str, str]:
    """Return the file and the pointer of a place; of a keyword that is not there, its schema's."""
    try:
        found.value(place)
    except KeyError:
        place = Place(place.file, place.parts[:-1])
    shown = found.shown(place)
    return shown.file, shown.pointer


def _is_judged(change: Change, judged: Iterable[tuple[str, str]]) -> bool:
    """Whether a change of the text is part of one that was judged, or the other way round."""
    return any(
        file == change.file and f"{change.pointer}/".startswith(f"{pointer}/")
        for file, pointer in judged
    )


def _texts(old: SchemaSet, new: SchemaSet) -> Iterator[Change]:
    """Yield every difference of the files' texts, as PATCH."""
    for file in sorted({*old.files, *new.files}):
        if file not in old.files or file not in new.files:
            word = "new" if file in new.files else "gone"
            yield _patch(Place(file), None, None, f"the file is {word}; {_BY_EFFECT}")
            continue
        for place, was, now in _differing(old.files[file], new.files[file], Place(file)):
            if place not in new.sections and place not in old.sections:
                is_note = bool(place.parts) and is_annotation(place.parts[-1])
                why = "a note for people or tools" if is_note else _BY_EFFECT
                yield _patch(place, was, now, why)


def _patch(place: Place, was: Json, now: Json, why: str) -> Change:
    return Change(place.file, place.pointer, "", Verdict.PATCH, was, now, why)


def _differing(old: Json, new: Json, place: Place) -> Iterator[tuple[Place, Json, Json]]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys([*old, *new]):
            if key not in old or key not in new:
                yield place.at(key), old.get(key), new.get(key)
            else:
                yield from _differing(old[key], new[key], place.at(key))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from _differing(before, after, place.at(index))
    elif type(old) is not type(new) or old != new:
        yield place, old, new


def with_changes(difference: Difference, changes: Sequence[Change]) -> Difference:
    """Return a difference with other changes, such as those with counterexamples."""
    return Difference(tuple(changes), difference.is_first)
