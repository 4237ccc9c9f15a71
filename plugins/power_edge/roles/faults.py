"""What is wrong with a role file beside its schema: paths that nothing has, and conditions that can
never hold. Pure.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from power_edge.model import Value
from power_edge.model.generated.role_schema import RoleFile
from power_edge.roles import paths
from power_edge.roles.paths import CONFIG, EACH, PLATFORM, STATE, Schema
from power_edge.text import did_you_mean, quoted

Path = tuple[str | int, ...]
"""The keys and indices that lead to a value of a file."""


class Fault(NamedTuple):
    """What is wrong with a file: where, what, and what to do. `key`: the key is, not its value."""

    path: Path
    message: str
    hint: str | None = None
    key: bool = False


class Schemas(NamedTuple):
    """The schemas that paths are about: of identity.yaml, system-identity.yaml and state.yaml."""

    identity: Schema
    system: Schema
    state: Schema


def faults(role: RoleFile, schemas: Schemas) -> Iterator[Fault]:
    """Yield what is wrong with a role file that fits its schema."""
    known = _Known(role, schemas)
    if role.kind == "section":
        for field in ("section", "requires", "conflicts", "config"):
            if getattr(role, field) is not None:
                yield Fault((field,), f"a section has no {field}", "remove it", key=True)
        if not known.is_section(role.name):
            yield known.no_section(("name",), role.name)
    else:
        if role.services is not None:
            yield Fault(("services",), "only a section has services", "remove it", key=True)
        if role.section is not None and not known.is_section(role.section):
            yield known.no_section(("section",), role.section)
    yield from _defaults(role.config or {})
    for index, service in enumerate(role.services or ()):
        at: Path = ("services", index)
        yield from _conditions(known, service.when or {}, (*at, "when"), None)
        for field, value in (("port", service.port), ("proto", service.proto)):
            yield from _texts(known, value, (*at, field), None)
    for index, rule in enumerate(role.rules):
        at = ("rules", index)
        each: Schema | None = None
        if rule.each is not None:
            found = known.find(rule.each, None)
            if isinstance(found, str):
                yield Fault((*at, "each"), found, known.hint(rule.each))
                continue
            each = paths.entries(known.root(rule.each), found)
            if each is None:
                yield Fault((*at, "each"), f"{quoted(rule.each)} is not a list")
                continue
        yield from _conditions(known, rule.when or {}, (*at, "when"), each)
        for field in ("item", "reason", "refuse", "note"):
            yield from _texts(known, getattr(rule, field), (*at, field), each)


class _Known:
    """The paths that a role file may name."""

    def __init__(self, role: RoleFile, schemas: Schemas) -> None:
        self._schemas = schemas
        self._config: Schema = role.config or {}
        self._resolves = bool(role.services)

    def is_section(self, name: str) -> bool:
        part = paths.subschema(self._schemas.identity, name)
        return part is not None and part.get("type") == "object"

    def no_section(self, at: Path, name: str) -> Fault:
        sections = [key for key in self._heads() if self.is_section(key)]
        hint = did_you_mean(name, sections) or f"the sections are {', '.join(sections)}"
        return Fault(at, f"identity.yaml has no section {quoted(name)}", hint)

    def root(self, path: str) -> Schema:
        """Return the schema that the path's references are about."""
        head = path.partition(".")[0]
        if head == CONFIG:
            return self._config
        others = {PLATFORM: self._schemas.system, STATE: self._schemas.state}
        return others.get(head, self._schemas.identity)

    def has_always_a_value(self, path: str, found: Schema) -> bool:
        """Whether a path cannot lack a value: a setting with a default, or part of the platform,
        which must be known where a rule names it.
        """
        head, _, rest = path.partition(".")
        return head == PLATFORM or (
            head == CONFIG and "." not in rest and found.get("default") is not None
        )

    def find(self, path: str, each: Schema | None, *, resolved: bool = True) -> Schema | str:
        """Return what a schema says of a path, or why there is nothing.

        `resolved`: what the table of services says of an entry is known.
        """
        head, _, rest = path.partition(".")
        part: Schema | None
        if head == EACH:
            if each is None:
                return f"{{{path}}} needs `each`, which names a list"
            part = each
            if rest in ("name", "port", "proto") and self._resolves and resolved:
                part = {}
            elif rest:
                part = paths.subschema({**self._schemas.identity, **each}, rest)
        else:
            within = rest if head in (CONFIG, STATE) else path
            part = paths.subschema(self.root(path), within)
        return f"no schema has the path {quoted(path)}" if part is None else part

    def hint(self, path: str) -> str | None:
        """Return the path that one was meant to be."""
        return did_you_mean(
            path,
            (
                *paths.all_paths(self._schemas.identity),
                *(f"{CONFIG}.{key}" for key in paths.all_paths(self._config)),
                *(
                    key
                    for key in paths.all_paths(self._schemas.system)
                    if key.startswith(f"{PLATFORM}.")
                ),
                *(f"{STATE}.{key}" for key in paths.all_paths(self._schemas.state)),
            ),
        )

    def all_heads(self) -> Sequence[str]:
        """Return what a path can begin with."""
        return [CONFIG, PLATFORM, STATE, EACH, *self._heads()]

    def _heads(self) -> Sequence[str]:
        properties = self._schemas.identity.get("properties")
        return list(properties) if isinstance(properties, Mapping) else []


def _defaults(config: Schema) -> Iterator[Fault]:
    """Yield the defaults of settings that their own schema refuses."""
    for path in paths.all_paths(config):
        part = paths.subschema(config, path) or {}
        default = part.get("default")
        if default is not None and not paths.can_be(config, part, default):
            steps = (step for key in path.split(".") for step in ("properties", key))
            yield Fault(
                (CONFIG, *steps, "default"),
                f"the default of {CONFIG}.{path} does not fit its schema",
                "change the default, or the schema beside it",
            )


def _conditions(
    known: _Known, when: Mapping[str, object], at: Path, each: Schema | None
) -> Iterator[Fault]:
    for path, wanted in when.items():
        found = known.find(path, each, resolved=False)
        if isinstance(found, str):
            yield Fault((*at, path), found, known.hint(path), key=True)
            continue
        if wanted == []:
            yield Fault((*at, path), "an empty list never holds", "write a value")
        for value in wanted if isinstance(wanted, list) else [wanted]:
            if value is None:
                if known.has_always_a_value(path, found):
                    why = f"{path} always has a value, so null never holds"
                    yield Fault((*at, path), why, "write the value")
            elif not paths.can_be(known.root(path), found, value):
                yield _never(path, found, value, (*at, path))


def _never(path: str, found: Schema, value: object, at: Path) -> Fault:
    """Return the fault of a condition with a value that a schema refuses."""
    options = found.get("enum")
    kind = found.get("type")
    hint = None
    if isinstance(options, list):
        names = [str(option) for option in options]
        hint = did_you_mean(str(value), names) or f"one of {', '.join(names)}"
    elif kind == "boolean":
        hint = "write true or false"
    elif kind in ("object", "array"):
        hint = f"its type is {kind}: a condition is about one value"
    elif kind is not None:
        types = kind if isinstance(kind, list) else [kind]
        hint = f"the schema of {path} refuses it; its type is {' or '.join(map(str, types))}"
    return Fault(at, f"{path} can never be {quoted(value)}", hint)


def _texts(known: _Known, value: Value, at: Path, each: Schema | None) -> Iterator[Fault]:
    for piece in dict.fromkeys(paths.unclosed_in(value, known.all_heads())):
        why = f"{quoted(piece)} is a part of a path: a brace is missing, or a blank is in it"
        yield Fault(at, why, "write the path as {config.service}: two braces and no blanks")
    for path in dict.fromkeys(paths.paths_in(value)):
        found = known.find(path, each)
        if isinstance(found, str):
            yield Fault(at, found, known.hint(path))
