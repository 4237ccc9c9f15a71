"""Where transitions go: lines for people, and JSON lines for machines."""

import errno
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from power_edge.model import Outcome
from power_edge.model.generated.event_schema import Event
from power_edge.report.record import OUTCOMES, record
from power_edge.report.terminal import headline
from power_edge.text import printable, printable_json
from power_edge.watch import cause
from power_edge.watch.clock import utc
from power_edge.watch.transition import Transition

Output = Callable[[Transition], None]


def line(transition: Transition) -> str:
    """Return a transition as a line for people: local time, outcome, item, what differs, and what
    told of it.
    """
    result = transition.result
    clock = time.strftime("%H:%M:%S", time.localtime(transition.time))
    item = result.item
    name = f"{item.node} {item.type}[{item.name}]"
    rest = "" if result.outcome is Outcome.COMPLIANT else f" {headline(result)}"
    return printable(
        f"{clock} {result.outcome.value:<9} {name}{rest}{_by(transition)}{_cause(transition)}"
    )


def _cause(transition: Transition) -> str:
    if transition.cause is not None:
        return f"; cause: {cause.as_text(transition.cause)}"
    changed = transition.before is Outcome.COMPLIANT and transition.result.outcome is Outcome.DRIFT
    return "; not attributed" if changed else ""


def _by(transition: Transition) -> str:
    seconds = transition.detection_seconds
    if transition.event is None or seconds is None:
        return ""
    return f" ({transition.event.source}, {seconds:.2f} s)"


def as_event(transition: Transition) -> dict[str, Any]:
    """Return a transition as schemas/event.schema.yaml describes it."""
    item = record(transition.result)
    seconds = transition.detection_seconds
    event = Event(
        time=utc(transition.time),
        node=item.node,
        type=item.type,
        name=item.name,
        from_=OUTCOMES[transition.before] if transition.before is not None else None,
        to=item.outcome,
        expected=item.expected,
        actual=_cut(item.actual),
        cause=None,
        detection_seconds=round(seconds, 3) if seconds is not None else None,
    )
    # `from` is a word of Python, so the generated field cannot have that name.
    values = {name.rstrip("_"): value for name, value in msgspec.to_builtins(event).items()}
    if transition.cause is not None:
        values["cause"] = cause.as_json(transition.cause)
    return values


def json_line(transition: Transition) -> str:
    """Return a transition as a line of JSON that can be shown on a terminal: people read the log as
    it grows.
    """
    text = json.dumps(as_event(transition), ensure_ascii=False, separators=(",", ":"))
    return printable_json(text)


_LONGEST = 4096
"""Characters of a text that a node showed. It may show another one at each check."""


def _cut(value: Any) -> Any:
    """Return a value, its texts cut."""
    if isinstance(value, str):
        return value if len(value) <= _LONGEST else f"{value[:_LONGEST]}..."
    if isinstance(value, list):
        return [_cut(each) for each in value]
    if isinstance(value, dict):
        return {key: _cut(each) for key, each in value.items()}
    return value


class EventLog:
    """A file of JSON lines, one for each transition. Each line is written whole, or not at all.

    It is opened anew for each line if another file has taken its place (logrotate's `create`); a
    file that was cut (`copytruncate`) is appended to, as it is open for appending.
    """

    def __init__(self, path: Path) -> None:
        """Open the file. Raises OSError."""
        self._path = path
        self._file = self._open()

    def __call__(self, transition: Transition) -> None:
        """Append a transition. Raises OSError."""
        text = json_line(transition)
        if not self._is_current():
            self.reopen()
        line = f"{text}\n".encode()
        size = os.fstat(self._file).st_size
        if os.write(self._file, line) < len(line):  # the disk is full
            os.ftruncate(self._file, size)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def reopen(self) -> None:
        """Open the file again, by its name. Raises OSError; the old one stays open then."""
        old, self._file = self._file, self._open()
        os.close(old)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def _open(self) -> int:
        return os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)

    def _is_current(self) -> bool:
        try:
            return os.path.samestat(os.fstat(self._file), self._path.stat())
        except OSError:
            return False
