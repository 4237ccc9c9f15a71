"""The changes between two sets of schemas, for people and for programs."""

import json
from collections.abc import Iterator

from power_edge.json_value import Json
from power_edge.release.changes import Change, Difference, Verdict
from power_edge.text import printable

_LONGEST = 300
"""Characters of a value in a line."""
FIRST = "there is no release to compare with, so all is compared with nothing"


def as_json(difference: Difference) -> dict[str, object]:
    """Return the difference as `--json` prints it."""
    return {
        "verdict": difference.verdict.name,
        **({"note": FIRST} if difference.is_first else {}),
        "changes": [
            {
                "file": change.file,
                "pointer": change.pointer,
                "field": change.field,
                "verdict": change.verdict.name,
                "was": change.was,
                "is": change.now,
                "why": change.why,
                "counterexample": change.counterexample,
                **({"accepted": change.accepted} if change.accepted else {}),
            }
            for change in difference.changes
        ],
    }


def lines(difference: Difference, *, explain: bool) -> Iterator[str]:
    """Yield the lines for a person. `explain`: all changes, and each with all that is known."""
    if difference.is_first:
        yield f"{FIRST}."
    counts = ", ".join(
        f"{sum(change.verdict is verdict for change in difference.changes)} {verdict.name}"
        for verdict in sorted(Verdict, reverse=True)
    )
    yield f"{difference.verdict.name} ({counts})"
    for change in difference.changes:
        if explain or change.verdict is not Verdict.PATCH or change.accepted:
            yield printable(_line(change))
            yield from map(printable, _details(change, explain=explain))
    unlisted = not explain and any(
        change.verdict is Verdict.PATCH and not change.accepted for change in difference.changes
    )
    if unlisted:
        yield "--explain lists the PATCH changes, too."


def _line(change: Change) -> str:
    place = f"{change.file}#{change.pointer}"
    field = f"{change.field}: " if change.field else ""
    return f"{change.verdict.name} {field}{change.why} ({place})"


def _details(change: Change, *, explain: bool) -> Iterator[str]:
    if change.accepted:
        yield f"  accepted: {change.accepted}"
    if not explain:
        return
    if change.was is not None or change.now is not None:
        yield f"  was: {_short(change.was)}"
        yield f"  is: {_short(change.now)}"
    if change.counterexample is not None:
        word = "written now, unknown before" if change.is_output else "valid before, refused now"
        yield f"  {word}: {_short(change.counterexample)}"


def _short(value: Json) -> str:
    text = "not there" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
