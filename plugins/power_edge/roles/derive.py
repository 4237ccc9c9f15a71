"""What the roles and sections of an identity.yaml demand: declarations, each with its reason. Pure.

A rule derives nothing if a path that it needs has no value.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from power_edge.model import Value
from power_edge.model.generated.role_schema import RoleFile, Rule, Service
from power_edge.roles import paths
from power_edge.roles.faults import Fault, Path, Schemas
from power_edge.roles.paths import CONFIG, EACH, PLATFORM, STATE
from power_edge.text import did_you_mean, quoted

_SYSCTL = "sysctl"
"""The resource type whose values are texts, with 1 and 0 for true and false."""
_PORT = re.compile(r"([0-9]{1,5})/(tcp|udp)")
_MOST_PORT = 65535


class Demand(NamedTuple):
    """A declaration that a rule derives: its resource type, and its value as in state.yaml (of a
    list one entry). `path` leads to what in identity.yaml demands it.
    """

    file: str
    """Name of the role or section."""
    rule: int
    role: str | None
    """The role; None for a section."""
    type: str
    declaration: Value
    path: Path
    reason: str


class Note(NamedTuple):
    """Why something derives nothing, for people."""

    path: Path
    text: str


@dataclass
class Derivation:
    """What an identity.yaml demands, and what is wrong with it."""

    demands: list[Demand] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


class Declared(NamedTuple):
    """An entry of `roles` in identity.yaml."""

    position: int
    """From 0."""
    name: str
    enabled: bool
    config: Mapping[str, Value]

    @property
    def path(self) -> Path:
        """The path of its name."""
        return ("roles", self.position, "name")


def declared_roles(identity: Mapping[str, Value]) -> Iterator[Declared]:
    """Yield the roles of an identity.yaml that fits its schema."""
    roles = identity.get("roles")
    for index, role in enumerate(roles if isinstance(roles, list) else ()):
        config = role.get("config")
        yield Declared(
            index,
            role["name"],
            role.get("enabled", True),
            config if isinstance(config, Mapping) else {},
        )


def sections(identity: Mapping[str, Value]) -> Iterator[str]:
    """Yield the names of the sections of an identity.yaml."""
    for name, value in identity.items():
        if isinstance(value, Mapping):
            yield name


class Beside(NamedTuple):
    """What other files of the node say: the platform of system-identity.yaml, None without one, and
    state.yaml.
    """

    platform: Mapping[str, Value] | None
    state: Mapping[str, Value]


def derive(
    identity: Mapping[str, Value],
    beside: Beside,
    files: Mapping[str, RoleFile],
    schemas: Schemas,
) -> Derivation:
    """Return what an identity.yaml demands.

    `files` has the file of each role that is declared, and of each section that has one. All fit
    their schemas.
    """
    result = Derivation()
    roles = list(declared_roles(identity))
    result.faults += _together(roles, identity, files)
    for role in roles:
        if not role.enabled:
            result.notes.append(Note(role.path, f"{role.name} is not enabled: it derives nothing"))
        elif files[role.name].kind == "role":
            _run(_Look(identity, beside, files[role.name], schemas, role), result)
    for name in sections(identity):
        if name in files and files[name].kind == "section":
            _run(_Look(identity, beside, files[name], schemas, None), result)
    return result


def _together(
    roles: Sequence[Declared], identity: Mapping[str, Value], files: Mapping[str, RoleFile]
) -> Iterator[Fault]:
    """Yield what is wrong with the roles of a node among each other, and with their sections."""
    first: dict[str, Declared] = {}
    primary: dict[str, Declared] = {}
    for role in roles:
        if (same := first.setdefault(role.name, role)) is not role:
            yield Fault(
                role.path,
                f"the role {role.name} is named twice, first as roles[{same.position}]",
                "keep one of them",
            )
        elif files[role.name].kind == "section":
            yield Fault(
                role.path,
                f"{role.name} is a section, not a role",
                "its rules hold where identity.yaml has the section; remove it from roles",
            )
    enabled = {role.name: role for role in roles if role.enabled}
    for role in enabled.values():
        file = files[role.name]
        for other in file.requires or ():
            if other not in enabled:
                yield Fault(
                    role.path,
                    f"{role.name} requires the role {other}, which the node does not have",
                    f"add {other} to roles, or remove {role.name}",
                )
        for other in file.conflicts or ():
            if other in enabled:
                where = f"roles[{enabled[other].position}]"
                yield Fault(
                    role.path, f"{role.name} and {other} ({where}) conflict", "keep one of them"
                )
        if file.section is None:
            continue
        section = identity.get(file.section)
        if not isinstance(section, Mapping):
            yield Fault(
                role.path,
                f"{role.name} needs the section {file.section}, which is missing",
                f"add {file.section} to the file, or write enabled: false",
            )
            continue
        for key, value in role.config.items():
            if section.get(key) is not None and not _same(section[key], value):
                yield Fault(
                    ("roles", role.position, "config", key),
                    f"{key} is {quoted(value)} here, and {quoted(section[key])} in {file.section}",
                    "write the same in both",
                )
        if role.config.get("primary") is True:
            other_primary = primary.setdefault(file.section, role)
            if other_primary is not role:
                yield Fault(
                    role.path,
                    f"{role.name} and {other_primary.name} are both primary for {file.section}",
                    "let one of them be primary",
                )


class _Absent(Exception):
    """A path has no value."""


class _Refused(Exception):
    """Something of the configuration is wrong."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        super().__init__(fault.message)


class _Entry(NamedTuple):
    """An entry of the list that a rule's `each` names."""

    value: Value
    path: Path
    named: Mapping[str, Value]
    """What the table of services says about it."""


class _Look:
    """Looks up paths for the rules of one file."""

    def __init__(
        self,
        identity: Mapping[str, Value],
        beside: Beside,
        file: RoleFile,
        schemas: Schemas,
        role: Declared | None,
    ) -> None:
        self.file, self.role = file, role
        self._identity, self._beside, self._schemas = identity, beside, schemas
        self.entry: _Entry | None = None
        self.used: list[Path] = []
        """The paths in identity.yaml that gave values."""

    @property
    def place(self) -> Path:
        """The place that the file applies because of."""
        return self.role.path if self.role is not None else (self.file.name,)

    def value(self, path: str) -> Value:
        """Return the value at a path, or its default. Raises _Absent and _Refused."""
        head, *rest = path.split(".")
        if head == EACH:
            return self._of_entry(rest)
        if head == PLATFORM:
            return self._of_platform(path, rest)
        if head == STATE:
            return _at(self._beside.state, rest)
        if head == CONFIG:
            config: Mapping[str, Value] = self.role.config if self.role is not None else {}
            before: Path = ("roles", self.role.position, CONFIG) if self.role is not None else ()
            return self._walk(config, rest, before, (self.file.config or {}, ".".join(rest)))
        if head == self.file.section and len(rest) == 1 and self.role is not None:
            section = self._identity.get(head)
            given = section.get(rest[0]) if isinstance(section, Mapping) else None
            own = self.role.config.get(rest[0])
            if given is None and own is not None:  # the role says it in place of its section
                self.used.append(("roles", self.role.position, CONFIG, rest[0]))
                return own
        return self._walk(self._identity, [head, *rest], (), (self._schemas.identity, path))

    def list(self, path: str) -> tuple[Sequence[Value], Path]:
        """Return the list at a path, and where it is. Raises _Absent and _Refused."""
        before = len(self.used)
        value = self.value(path)
        if not isinstance(value, list):
            raise _Absent
        where = self.used[before] if len(self.used) > before else self.place
        del self.used[before:]
        return value, where

    def _walk(
        self,
        value: Value,
        keys: Sequence[str],
        before: Path,
        default: tuple[paths.Schema, str],
    ) -> Value:
        for index, key in enumerate(keys):
            inner = value.get(key) if isinstance(value, Mapping) else None
            if inner is None:
                if index == len(keys) - 1 and isinstance(value, Mapping):
                    found = (paths.subschema(*default) or {}).get("default")
                    if found is not None:
                        return found
                raise _Absent
            value = inner
        self.used.append((*before, *keys))
        return value

    def _of_entry(self, rest: Sequence[str]) -> Value:
        assert self.entry is not None, "faults() refuses {each} without `each`"
        if rest and rest[0] in self.entry.named:
            return self.entry.named[rest[0]]
        return _at(self.entry.value, rest)

    def _of_platform(self, path: str, rest: Sequence[str]) -> Value:
        platform = self._beside.platform
        try:
            return _at(platform, rest)
        except _Absent:
            lacks = "there is no system-identity.yaml" if platform is None else "it is not"
            hint = (
                "record the identity: power-edge identity NODE --write"
                if platform is None
                else f"write {path} there"
            )
            raise _Refused(
                Fault(
                    self.used[0] if self.used else self.place,
                    f"{self.file.name} needs {path} of system-identity.yaml, and {lacks}"
                    + ("" if platform is None else " there"),
                    hint,
                )
            ) from None


def _at(value: Value, keys: Sequence[str]) -> Value:
    """Return the value at a path of keys. Raises _Absent."""
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    if value is None:
        raise _Absent
    return value


def _run(look: _Look, result: Derivation) -> None:
    """Apply the rules of one file."""
    for index, rule in enumerate(look.file.rules):
        try:
            for entry in _entries(look, rule):
                look.entry, look.used = entry, []
                try:
                    if _holds(look, rule.when or {}):
                        if entry is not None and rule.item is not None:
                            look.entry = entry._replace(named=_named(look, entry))
                        _apply(look, index, rule, result)
                except _Absent:
                    continue
                except _Refused as error:
                    result.faults.append(error.fault)
        except _Absent:
            continue
        except _Refused as error:
            result.faults.append(error.fault)


def _entries(look: _Look, rule: Rule) -> Iterator[_Entry | None]:
    if rule.each is None:
        yield None
        return
    look.entry, look.used = None, []
    values, where = look.list(rule.each)
    for index, value in enumerate(values):
        yield _Entry(value, (*where, index), {})


def _holds(look: _Look, when: Mapping[str, object]) -> bool:
    """Whether all conditions hold. The first that does not ends it."""
    for path, wanted in when.items():
        try:
            value = look.value(path)
        except _Absent:
            value = None
        options = wanted if isinstance(wanted, list) else [wanted]
        if not any(_same(value, option) for option in options):
            return False
    return True


def _apply(look: _Look, index: int, rule: Rule, result: Derivation) -> None:
    conditions = list(look.used)
    if rule.item is None:
        path = conditions[0] if conditions else look.place
        if rule.refuse is not None:
            raise _Refused(Fault(path, _text(look, rule.refuse, "")))
        result.notes.append(Note(path, _text(look, rule.note or "", "")))
        return
    ((type_, template),) = rule.item.items()
    declaration = _filled(look, template, type_)
    # What is in the item says more than what it is demanded under.
    used = [*look.used[len(conditions) :], *conditions]
    place = look.entry.path if look.entry is not None else used[0] if used else look.place
    result.demands.append(
        Demand(
            look.file.name,
            index,
            look.role.name if look.role is not None else None,
            type_,
            declaration,
            place,
            _text(look, rule.reason or "", type_),
        )
    )


def _filled(look: _Look, value: Value, type_: str) -> Value:
    """Return a declaration with its paths replaced. Raises _Absent and _Refused."""
    if isinstance(value, str):
        pieces = paths.split(value)
        if len(pieces) == 3 and not pieces[0] and not pieces[2]:
            found = look.value(pieces[1])
            return _as_text(look, pieces[1], found, type_) if type_ == _SYSCTL else found
        return "".join(
            _as_text(look, piece, look.value(piece), type_) if index % 2 else piece
            for index, piece in enumerate(pieces)
        )
    if isinstance(value, Mapping):
        return {
            str(_filled(look, key, _SYSCTL)): _filled(look, inner, type_)
            for key, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [_filled(look, inner, type_) for inner in value]
    return value


def _text(look: _Look, sentence: str, type_: str) -> str:
    """Return a sentence with its paths replaced. What has no value is said to have none."""

    def word(path: str) -> str:
        try:
            return _as_text(look, path, look.value(path), type_)
        except _Absent:
            return "(not declared)"

    return "".join(
        word(piece) if index % 2 else piece for index, piece in enumerate(paths.split(sentence))
    )


def _as_text(look: _Look, path: str, value: Value, type_: str) -> str:
    if isinstance(value, bool):
        return str(int(value)) if type_ == _SYSCTL else str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    raise _Refused(
        Fault(
            look.used[-1] if look.used else look.place,
            f"{look.file.name} needs one value at {path}, and it is a list or a mapping",
        )
    )


def _named(look: _Look, entry: _Entry) -> Mapping[str, Value]:
    """Return what the file's table of services says about an entry: name, port and protocol.

    Raises _Refused for a name that is not in it.
    """
    services = look.file.services
    if not services or not isinstance(entry.value, str):
        return {}
    if (match := _PORT.fullmatch(entry.value)) is not None:
        if not 1 <= int(match[1]) <= _MOST_PORT:
            raise _Refused(
                Fault(
                    entry.path, f"{quoted(entry.value)}: a port is a number from 1 to {_MOST_PORT}"
                )
            )
        return {"name": entry.value, "port": int(match[1]), "proto": match[2]}
    used = list(look.used)
    try:
        for service in services:
            if service.name == entry.value and (found := _service(look, service)) is not None:
                return found
    finally:
        look.used = used
    similar = did_you_mean(entry.value, dict.fromkeys(service.name for service in services))
    raise _Refused(
        Fault(
            entry.path,
            f"{quoted(entry.value)} is not a service that Power Edge knows the port of",
            f"{similar or ''}{' or ' if similar else ''}write PORT/PROTO, such as 8080/tcp",
        )
    )


def _service(look: _Look, service: Service) -> Mapping[str, Value] | None:
    """Return what an entry of the table says, None if it does not hold or lacks a value."""
    try:
        if not _holds(look, service.when or {}):
            return None
        return {
            "name": service.name,
            "port": _filled(look, service.port, ""),
            "proto": _filled(look, service.proto, ""),
        }
    except _Absent:
        return None


def _same(value: object, other: object) -> bool:
    """Whether two values of YAML are equal. True is not 1."""
    return isinstance(value, bool) == isinstance(other, bool) and value == other
