"""Turn what was discovered on a machine into the files of a node's configuration. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from power_edge.config.schema_version import installed
from power_edge.discover.sections import Section, items
from power_edge.resources import resource
from power_edge.roles import suggestion
from power_edge.yaml_edit.writer import Entry, Paragraph

MOST = 30
"""How many omitted things the comment below a section names. Nobody reads hundreds of lines."""


_METADATA = (
    "To select nodes by place and use:",
    "metadata: {site: NAME, environment: production}",
)


class Machine(NamedTuple):
    """What the configuration says about a machine beside its state.

    `family` is its family of distributions, as in system-identity.yaml.
    """

    hostname: str
    family: str
    hardware: Mapping[str, object] = {}
    roles: tuple[suggestion.Suggested, ...] = ()
    disabled: frozenset[str] = frozenset()
    """Roles whose demands the machine does not meet."""
    tags: Mapping[str, tuple[str, ...]] = {}
    """Tag to find the machine by -> the evidence for it."""


def state(sections: Sequence[Section]) -> tuple[Paragraph, ...]:
    """Return the paragraphs of state.yaml."""
    return (
        Paragraph("version", str(installed())),
        Paragraph("metadata", (), _METADATA),
        *(
            Paragraph(section.type, tuple(_entries(section)), left_out=tuple(_left_out(section)))
            for section in sections
        ),
    )


def _entries(section: Section) -> Iterable[Entry]:
    listed = resource(section.type).key is not None
    for found in section.found:
        yield Entry(found.value, (found.why,) if found.why else (), None if listed else found.name)


def _left_out(section: Section) -> Iterable[str]:
    notes = [
        *(f"{section.type} left out: {what}: {why}" for what, why in section.left_out),
        *(
            f"{section.type} not observed: {_subject(section, what)}{why}"
            for what, why in section.hidden
        ),
    ]
    if len(notes) > MOST:
        return [*notes[:MOST], f"{section.type}: and {len(notes) - MOST} more"]
    return notes


def _subject(section: Section, what: str) -> str:
    """Return what could not be observed; nothing for the whole section, which is named already."""
    return "" if what == section.type else f"{what}: "


def watcher(machine: Machine, sections: Sequence[Section]) -> tuple[Paragraph, ...]:
    """Return the paragraphs of watcher.yaml: units and commands that are related to the items. The
    items' own files need no entry.
    """
    units: list[str] = []
    commands: list[str] = []
    names: dict[str, str] = {}
    for section in sections:
        kind = resource(section.type)
        for item, _ in items(kind, section.value) if section.found else ():
            found = kind.triggers(item.declared, machine.family)
            units += found.units
            commands += found.commands
            if item.key in found.units:
                names[item.key] = kind.name
    return (
        Paragraph("version", str(installed())),
        Paragraph(
            "watchers",
            (
                Entry(True, (), "enabled"),
                Entry(_source("units", units), ("the declared services",), "journald"),
                Entry(
                    _source("commands", commands),
                    ("the commands that change what is declared",),
                    "auditd",
                ),
            ),
            names=names,
        ),
    )


def _source(name: str, values: Iterable[str]) -> tuple[Entry, ...]:
    return (Entry(True, (), "enabled"), Entry(list(dict.fromkeys(values)), (), name))


def node_identity(machine: Machine) -> tuple[Paragraph, ...]:
    """Return the paragraphs of identity.yaml: what the machine is, and its roles with evidence."""
    facts = {
        "hostname": machine.hostname,
        "tags": tuple(Entry(tag, ("; ".join(observed),)) for tag, observed in machine.tags.items()),
        "hardware": machine.hardware,
    }
    return (
        Paragraph("version", str(installed())),
        Paragraph(
            "node",
            tuple(Entry(value, (), name) for name, value in facts.items() if value),
            ("The machine cannot know its purpose: write it in a few words, as `purpose`.",),
        ),
        Paragraph(
            "roles",
            tuple(_role(each, enabled=each.role not in machine.disabled) for each in machine.roles),
            ("Suggested by the evidence in the comments.",) if machine.roles else (),
        ),
        *(
            Paragraph(found[0], tuple(Entry(value, (), key) for key, value in found[1].items()))
            for each in machine.roles
            if each.role not in machine.disabled and (found := suggestion.section(each)) is not None
        ),
    )


def _role(suggested: suggestion.Suggested, *, enabled: bool) -> Entry:
    config = {"config": suggested.config} if suggested.config else {}
    comment = () if enabled else ("Not enabled: the machine does not meet its demands now.",)
    entry = {"name": suggested.role, "enabled": enabled, **config}
    return Entry(entry, (*suggested.evidence, *comment))
