"""From what was discovered of a machine to the files of a node's configuration. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

from power_edge.discover.sections import Section, items
from power_edge.model import Triggers
from power_edge.resources import resource
from power_edge.roles.suggestion import Suggested
from power_edge.yaml_edit.writer import Entry, Paragraph

TOLD = 30
"""Things left out that a section names; a comment of hundreds of lines is read by nobody."""


class Machine(NamedTuple):
    """What configuration says of a machine beside its state.

    `family` is its family of distributions, as system-identity.yaml names it.
    """

    hostname: str
    family: str
    hardware: Mapping[str, Any] = {}
    roles: tuple[Suggested, ...] = ()
    tags: Mapping[str, tuple[str, ...]] = {}
    """Words to find it by -> what was seen that speaks for them."""


def state(machine: Machine, sections: Sequence[Section]) -> tuple[Paragraph, ...]:
    """state.yaml."""
    metadata = (Entry(machine.hostname, (), "site"), Entry("development", (), "environment"))
    return (
        Paragraph("version", "1.0"),
        Paragraph(
            "metadata",
            metadata,
            ("Where the machine stands and what it is used for, no machine knows: say it here.",),
        ),
        *(
            Paragraph(section.type, tuple(_entries(section)), left_out=tuple(_left_out(section)))
            for section in sections
        ),
    )


def _entries(section: Section) -> Iterable[Entry]:
    listed = resource(section.type).key is not None
    told = None
    for found in section.found:
        # One reason for a whole section is told once.
        why = (found.why,) if found.why and found.why != told else ()
        if resource(section.type).whole:
            told = found.why
        yield Entry(found.value, why, None if listed else found.name)


def _left_out(section: Section) -> Iterable[str]:
    notes = [
        *(f"left out: {what}: {why}" for what, why in section.left_out),
        *(f"not seen: {what}: {why}" for what, why in section.hidden),
    ]
    if len(notes) > TOLD:
        return [*notes[:TOLD], f"and {len(notes) - TOLD} more"]
    return notes


def watcher(machine: Machine, sections: Sequence[Section]) -> tuple[Paragraph, ...]:
    """watcher.yaml: what the declared things need."""
    triggers = [
        resource(section.type).triggers(item.declared, machine.family)
        for section in sections
        if section.found
        for item, _ in items(resource(section.type), section.value)
    ]
    needs = Triggers(
        *(tuple(dict.fromkeys(chain.from_iterable(part))) for part in zip(*triggers, strict=True))
        if triggers
        else ()
    )
    return (
        Paragraph("version", "1.0"),
        Paragraph(
            "watchers",
            (
                Entry(True, (), "enabled"),
                Entry(
                    _source("paths", needs.paths),
                    ("the files that are declared, and where the rest is set",),
                    "inotify",
                ),
                Entry(
                    _source("units", needs.units), ("the services that are declared",), "journald"
                ),
                Entry(
                    _source("commands", needs.commands),
                    ("the commands that change what is declared",),
                    "auditd",
                ),
            ),
        ),
    )


def _source(name: str, values: Sequence[str]) -> tuple[Entry, ...]:
    return (Entry(bool(values), (), "enabled"), Entry(list(values), (), name))


def node_identity(machine: Machine) -> tuple[Paragraph, ...]:
    """identity.yaml: what the machine is, and what it seems to be for, with the evidence."""
    facts = {
        "hostname": machine.hostname,
        "tags": tuple(Entry(tag, ("; ".join(observed),)) for tag, observed in machine.tags.items()),
        "hardware": machine.hardware,
    }
    return (
        Paragraph("version", "1.0"),
        Paragraph(
            "node",
            tuple(Entry(value, (), name) for name, value in facts.items() if value),
            ("What the machine is for, no machine knows: say it in a few words, under purpose.",),
        ),
        Paragraph(
            "roles",
            tuple(map(_role, machine.roles)),
            ("Suggested by what was seen.",) if machine.roles else (),
        ),
    )


def _role(suggested: Suggested) -> Entry:
    config = {"config": suggested.config} if suggested.config else {}
    return Entry({"name": suggested.role, "enabled": True, **config}, suggested.evidence)
