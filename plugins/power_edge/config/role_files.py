"""The files of roles: those of the package, and those of node-configs/roles/, which come first."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from jsonschema_rs import Draft202012Validator, ValidationError

from power_edge import package_data
from power_edge.config.error import ConfigError
from power_edge.config.node_configs import (
    NODE_CONFIGS,
    ROLES,
    STATE,
    no_node,
    node_file,
    read_file,
)
from power_edge.config.schema import schema, validator
from power_edge.config.schema_version import installed
from power_edge.config.state import check_schema, section_of
from power_edge.config.yaml_reader import Document, Place, read
from power_edge.model import Problem, Source
from power_edge.model.generated.role_schema import RoleFile
from power_edge.resources import names as types
from power_edge.roles.faults import Schemas, faults
from power_edge.roles.paths import paths_in
from power_edge.text import did_you_mean, quoted

_SUFFIX = ".yaml"


class Loaded(NamedTuple):
    """A role's file that can be used, and the validator of the role's settings."""

    role: RoleFile
    document: Document
    settings: Draft202012Validator | None

    def rule(self, index: int) -> Source:
        """Return the place of a rule."""
        return self.document.find(("rules", index))


def load(root: Path, name: str) -> Loaded | None:
    """Return the file of a role or section, None if there is none.

    `root` is node-configs/. Raises ConfigError if the file cannot be used.
    """
    file = f"{name}{_SUFFIX}"
    if "/" not in name and os.path.lexists(root / ROLES / file):
        content = read_file(root / ROLES, file)
        if content is not None:
            return _own(content, node_file(root / ROLES, file), name)
    return _of_package(name) if name in built_in() else None


@cache
def built_in() -> tuple[str, ...]:
    """Return the names of the roles and sections of the package, sorted."""
    return tuple(sorted(path.stem for path in package_data.folder("roles").glob(f"*{_SUFFIX}")))


def own(root: Path) -> tuple[str, ...]:
    """Return the names of the files in node-configs/roles/, sorted."""
    names: list[str] = []
    with suppress(OSError):
        names += (path.name for path in (root / ROLES).iterdir())
    return tuple(
        sorted(
            name.removesuffix(_SUFFIX)
            for name in names
            if name.endswith(_SUFFIX) and not name.startswith(".")
        )
    )


def check_all(root: Path) -> Iterator[ConfigError]:
    """Yield what is wrong with the files in node-configs/roles/, used or not."""
    for name in own(root):
        file = f"{name}{_SUFFIX}"
        try:
            if file == STATE:
                raise ConfigError([no_node(ROLES)])
            found = load(root, name)
            if found is not None:
                check_requirements(root, found)
        except ConfigError as error:
            yield error


def check_requirements(root: Path, loaded: Loaded) -> None:
    """Check that a role requires and refuses roles that exist, and does not require itself.

    Raises ConfigError.
    """
    for field in ("requires", "conflicts"):
        for index, name in enumerate(getattr(loaded.role, field) or ()):
            if load(root, name) is None:
                raise ConfigError([no_role(root, name, loaded.document.find((field, index)))])
    _no_circle(root, loaded, (loaded.role.name,))


def _no_circle(root: Path, loaded: Loaded, chain: Sequence[str]) -> None:
    for index, name in enumerate(loaded.role.requires or ()):
        if name in chain:
            circle = " -> ".join([*chain[chain.index(name) :], name])
            raise ConfigError(
                [
                    Problem(
                        loaded.document.find(("requires", index)),
                        f"roles require each other in a circle: {circle}",
                        "remove one of the requirements",
                    )
                ]
            )
        found = load(root, name)
        if found is not None:
            _no_circle(root, found, (*chain, name))


def no_role(root: Path, name: str, place: Source) -> Problem:
    """Return the problem of a role that has no file."""
    known = [each for each in dict.fromkeys((*built_in(), *own(root))) if _is_role(root, each)]
    hint = did_you_mean(name, known) or (
        f"the roles are {', '.join(known)}; {NODE_CONFIGS}/{ROLES}/NAME.yaml makes another"
    )
    return Problem(place, f"there is no role {quoted(name)}", hint)


def _is_role(root: Path, name: str) -> bool:
    """Whether a file is a role's. One that cannot be used may be."""
    try:
        found = load(root, name)
    except ConfigError:
        return True
    return found is not None and found.role.kind == "role"


def schemas() -> Schemas:
    """Return the schemas that the paths of role files are about."""
    return Schemas(schema("node-identity"), schema("system-identity"), schema("state"))


@lru_cache(maxsize=256)  # fifty nodes have the same roles
def _own(data: bytes, file: str, name: str) -> Loaded:
    document = read(data, file)
    check_schema(document, "role")
    if problems := list(wrong_with(document, name)):
        raise ConfigError(problems)
    return _loaded(document)


@cache
def _of_package(name: str) -> Loaded:
    """Return a file of the package. A test has checked it."""
    content = package_data.text(f"roles/{name}{_SUFFIX}").encode()
    return _loaded(read(content, f"power_edge/roles/{name}{_SUFFIX}"))


def _loaded(document: Document) -> Loaded:
    role = msgspec.convert(document.value, RoleFile)
    settings = None if role.config is None else Draft202012Validator(role.config, offline=True)
    return Loaded(role, document, settings)


def wrong_with(document: Document, name: str) -> Iterator[Problem]:
    """Yield what is wrong with the file of a role or section that fits its schema."""
    role = msgspec.convert(document.value, RoleFile)
    for fault in faults(role, schemas()):
        yield Problem(document.find(fault.path, key=fault.key), fault.message, fault.hint)
    if role.name != name:
        yield Problem(
            document.find(("name",)),
            f"the name is {quoted(role.name)}, and the file is {name}{_SUFFIX}",
            "give both one name",
        )
    if name in built_in() and (kind := _of_package(name).role.kind) != role.kind:
        yield Problem(
            document.find(("name",)),
            f"{name} is a {kind} of the package, and this file makes a {role.kind} of it: what the"
            f" {kind} demands would silently end",
            f"write kind: {kind}, or give the {role.kind} another name",
        )
    for index, rule in enumerate(role.rules):
        if rule.item is not None:
            yield from refused(document, index, rule.item, template=True)
    if role.config is not None:
        try:
            Draft202012Validator(role.config, offline=True)
        except (ValidationError, ValueError) as error:
            why = str(error).split("\n", maxsplit=1)[0]
            yield Problem(document.find(("config",), key=True), f"config is not JSON Schema: {why}")


def refused(
    document: Document, index: int, item: Mapping[str, Any], *, template: bool
) -> Iterator[Problem]:
    """Yield why state.schema.yaml refuses the item of a rule, at the places of the role's file.

    `template`: the item is as in the file, and texts that contain paths are not judged.
    """
    ((type_, declaration),) = item.items()
    at = ("rules", index, "item", type_)
    if type_ not in types():
        yield Problem(
            document.find(at, key=True),
            f"there is no resource type {quoted(type_)}",
            did_you_mean(type_, types()) or f"the types are {', '.join(types())}",
        )
        return
    section, listed = section_of(type_, declaration)
    fragment = {"version": str(installed()), type_: section}
    check = validator("state")
    if check.is_valid(fragment):
        return
    from power_edge.config.schema_errors import explained

    place = document.place(at)
    inner = Place(place.key, place.value, [place]) if listed else place
    whole = Place(document.root.key, document.root.value, {type_: inner})
    part = Document(document.file, fragment, whole, (), document.data)
    errors = [
        error
        for error in check.iter_errors(fragment)
        if not (template and _is_open(fragment, error))
    ]
    yield from explained(part, schema("state"), errors)


def _is_open(fragment: Any, error: ValidationError) -> bool:
    """Whether an error is about a text that still holds a path."""
    if error.kind.name == "propertyNames":
        return any(paths_in(error.kind.as_dict()["error"].instance))
    value = fragment
    for step in error.instance_path:
        value = value[step]
    return isinstance(value, str) and any(paths_in(value))
