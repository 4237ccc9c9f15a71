"""The gate: is this the machine that the configuration is for?

It is judged before anything else, from hashes of identifiers. Pure.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from power_edge import exit_status
from power_edge.identity.identifiers import MISSING, Expected
from power_edge.identity.match import (
    Difference,
    Readings,
    Reason,
    difference,
    is_migrated,
    share_identifier,
)


class WrongMachine(Exception):
    """Another machine answered than the one on file; the text says how that is known."""


class Gate(NamedTuple):
    """The gate of a node: open (status 0), shut (11 unreachable, 12 wrong machine, no identity), or
    not looked at (10: this machine could not ask the node).

    `why` is the reason, or the warning of an open gate.
    """

    status: int
    why: str | None = None
    observed: str | None = None
    """The hash of the identifier that decides, as the node shows it."""

    matches: bool = True
    """Whether the identity is the one on file. An open gate may have another one (require_match:
    false)."""

    @property
    def open(self) -> bool:
        """Whether the node may be read and judged."""
        return self.status == 0


def judge(
    expected: Expected | None,
    readings: Readings,
    record: str,
    others: Callable[[], Mapping[str, Expected]] = dict,
) -> Gate:
    """Return the gate of a node, from its identity on file and what the machine shows.

    `record` is the command that records an identity, for the message where none is on file.
    `others` returns the identities on file of all other nodes by name. It is called only if this is
    another machine, so that the message can name the node that it is.
    """
    if expected is None:
        return Gate(
            exit_status.WRONG_MACHINE,
            f"no identity on file; record one with: {record}",
            matches=False,
        )
    observed = readings.get(expected.primary or "", MISSING).hash
    found = difference(expected, readings)
    problem = _in_words(found, expected, readings, others) if found is not None else None
    if not expected.require_match:
        return Gate(
            0,
            f"identity not required to match{f': {problem}' if problem else ''}",
            observed,
            matches=problem is None,
        )
    if problem is None:
        unread = [
            f"{kind} ({readings[kind].state})"
            for kind in expected.hashes
            if readings[kind].hash is None
        ]
        note = f"could not compare {', '.join(unread)}" if unread else None
        # The hash on file is of the key as it is spelled there; lower case was compared.
        return Gate(0, note, expected.hash_on_file or observed)
    if is_migrated(expected, readings):
        return Gate(
            0,
            "the operating system was replaced: another machine-id on the same hardware "
            "(allow_os_migration)",
            observed,
        )
    return Gate(exit_status.WRONG_MACHINE, problem, observed, matches=False)


def _in_words(
    found: Difference,
    expected: Expected,
    readings: Readings,
    others: Callable[[], Mapping[str, Expected]],
) -> str:
    kind = found.kind
    reading = readings.get(kind, MISSING)
    match found.reason:
        case Reason.NONE_ON_FILE:
            return "none on file"
        case Reason.NOT_SHOWN:
            return f"the node shows no identity ({kind}: {reading.state})"
        case Reason.ANOTHER:
            if owner := _owner(readings, others()):
                return f"another machine: its {owner}"
            on_file = expected.hash_on_file or expected.hashes[kind]
            return f"another machine: identity on file {on_file}, this machine's {reading.hash}"
        case Reason.ANOTHER_PART:
            equal_but = f"another machine: {expected.primary} is equal, but"
            if owner := _owner(readings, others(), kind):
                return f"{equal_but} its {owner}"
            hashes = f"on file {expected.hashes[kind]}, this machine's {reading.hash}"
            return f"{equal_but} {kind} differs: {hashes}"
        case Reason.NOT_ANSWERED:
            return (
                f"{kind} is on file, but not in the answer: "
                "the answer was made with another probe script"
            )


def _owner(
    readings: Readings, others: Mapping[str, Expected], kind: str | None = None
) -> str | None:
    """Return which other nodes the machine may be, as `KIND is on file for NAME`; None if none."""
    found = share_identifier(readings, dict(sorted(others.items())), kind)
    return (
        ", ".join(f"{kind} is on file for {' and '.join(names)}" for kind, names in found.items())
        or None
    )
