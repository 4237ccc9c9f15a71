"""Select nodes by what their files say: role, tag, site and environment."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import msgspec

from power_edge.config.error import ConfigError, refuse
from power_edge.config.node_configs import (
    NODE_CONFIGS,
    NODE_IDENTITY,
    STATE,
    node_file,
    read_file,
    select,
)
from power_edge.config.yaml_reader import read
from power_edge.model.generated.core_schema import Metadata
from power_edge.text import did_you_mean, quoted


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a node's files say of it, for selecting it."""

    role: frozenset[str] = frozenset()
    """The roles that it has; not those that are disabled."""
    tag: frozenset[str] = frozenset()
    site: frozenset[str] = frozenset()
    environment: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Selectors:
    """What selected nodes have: one of the values of each field that has any."""

    role: tuple[str, ...] = ()
    tag: tuple[str, ...] = ()
    site: tuple[str, ...] = ()
    environment: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return any(getattr(self, field.name) for field in fields(self))

    def match(self, facts: Facts) -> bool:
        """Whether a node is selected."""
        return all(
            not wanted or not known.isdisjoint(wanted)
            for field in fields(self)
            for wanted, known in [(getattr(self, field.name), getattr(facts, field.name))]
        )


def facts(folder: Path) -> Facts | None:
    """Return what the files of a node's folder say, None if they cannot be used."""
    try:
        state = read_file(folder, STATE)
        identity = read_file(folder, NODE_IDENTITY)
        return of(
            {} if state is None else read(state, node_file(folder, STATE)).value,
            {} if identity is None else read(identity, node_file(folder, NODE_IDENTITY)).value,
        )
    except (ConfigError, msgspec.ValidationError):
        return None


def of(state: Mapping[str, object], identity: Mapping[str, object]) -> Facts:
    """Return what the values of a node's state.yaml and identity.yaml say.

    Raises msgspec.ValidationError if they do not fit their types.
    """
    metadata = msgspec.convert(state.get("metadata", {}), Metadata)
    about = None
    if identity:
        # The import takes 10 ms; many nodes have no identity.yaml.
        from power_edge.model.generated.node_identity_schema import NodeIdentity

        about = msgspec.convert(identity, NodeIdentity)
    roles = (about.roles if about else None) or ()
    return Facts(
        role=frozenset(role.name for role in roles if role.enabled),
        tag=frozenset((about.node.tags if about else None) or ()),
        site=frozenset(filter(None, [metadata.site])),
        environment=frozenset(filter(None, [metadata.environment])),
    )


def narrow(
    folders: Iterable[Path], selectors: Selectors, root: Path, option: str = "--node-"
) -> list[Path]:
    """Return the folders whose nodes are selected.

    A node whose files cannot be used is selected too, so that its error is seen. Raises ConfigError
    if none is left, with what could be meant; `option` begins the names of the options.
    """
    known = {folder: facts(folder) for folder in folders}
    found = [folder for folder, each in known.items() if each is None or selectors.match(each)]
    if any(known[folder] is not None for folder in found):
        return found
    if found and not any(each is not None for each in known.values()):
        return found
    given = list(known)
    everywhere = {folder: known.get(folder) or facts(folder) for folder in select(root, ["*"])}
    fitting: list[str] = []
    for field in fields(selectors):
        values: Sequence[str] = getattr(selectors, field.name)
        holders: dict[str, list[str]] = {}
        for folder, each in everywhere.items():
            for value in getattr(each, field.name) if each is not None else ():
                holders.setdefault(value, []).append(folder.name)
        for value in values:
            if value not in holders:
                from power_edge.config.role_files import built_in, own  # for a message alone

                words = {*holders, *((*built_in(), *own(root)) if field.name == "role" else ())}
                raise refuse(
                    NODE_CONFIGS,
                    f"no node has {option}{field.name}={quoted(value)}",
                    did_you_mean(value, sorted(words - {value}))
                    or (
                        f"there are {', '.join(sorted(holders))[:200]}"
                        if holders
                        else f"no node has any: write {_WRITTEN[field.name]}"
                    ),
                )
            fitting.append(f"{option}{field.name}={quoted(value)} has {_short(holders[value])}")
    if len(given) < len(everywhere):
        fitting.insert(0, f"the nodes given are {_short([folder.name for folder in given])}")
    raise refuse(
        NODE_CONFIGS,
        f"no node matches all selectors: {'; '.join(fitting)}",
        "leave one of them out",
    )


_WRITTEN = {
    "role": "roles in identity.yaml",
    "tag": "node.tags in identity.yaml",
    "site": "metadata.site in state.yaml",
    "environment": "metadata.environment in state.yaml",
}
"""Where a node's files say what it is selected by, by the names of the fields."""
_SHOWN = 5


def _short(names: Sequence[str]) -> str:
    """Return the first names, and how many more there are."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{', '.join(names[:_SHOWN])}{more}"
