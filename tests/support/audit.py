"""The captured audit records."""

from pathlib import Path

from power_edge.watch.audit.records import Assembler, AuditEvent

_FOLDER = Path(__file__).parents[1] / "watch" / "audit" / "records"


def records(name: str) -> list[tuple[int, str]]:
    """The records of a capture: type and text."""
    lines = (_FOLDER / f"{name}.txt").read_text().splitlines()
    return [(int(kind), text) for kind, _, text in (line.partition(" ") for line in lines)]


def events(name: str) -> list[AuditEvent]:
    """The complete events of a capture."""
    assembler = Assembler()
    fed = (assembler.feed(kind, text) for kind, text in records(name))
    return [event for event in fed if event is not None]
