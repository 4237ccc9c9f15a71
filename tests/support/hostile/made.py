"""Nodes made of hostile values: wherever the schemas take a value, it stands."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from power_edge import resources
from power_edge.config import ConfigError, load_node
from power_edge.config.node_configs import ROLES, SCHEMAS
from power_edge.config.policy import POLICY
from power_edge.config.role_files import check_all
from power_edge.config.schema import names, schema, validator
from power_edge.resources import resource
from tests.support.answers import MACHINE
from tests.support.hostile.values import places, sample
from tests.support.project import identity_of

_OF_NODES = {name: file for file, name in SCHEMAS.items()}
_ELSEWHERE = {
    "accepted": "../schemas/accepted.yaml",
    "policy": POLICY,
    "role": f"{ROLES}/{{node}}.yaml",
}
FILES = {
    name: _ELSEWHERE[name] if name in _ELSEWHERE else f"{{node}}/{_OF_NODES[name]}"
    for name in names()
    if schema(name).get("x-direction") != "output"
}
"""Schemas of files that people write, with the path of the file below node-configs/.

A schema whose file nobody knows is an error here.
"""
STATE: dict[str, Any] = {
    "version": "1.0",
    "metadata": {"site": "here", "environment": "development"},
}


def written(document: Any) -> bytes:
    try:
        text = _yaml(document, yaml.CSafeDumper)  # ten times as fast
    except UnicodeEncodeError:  # libyaml takes no surrogates
        text = _yaml(document, yaml.SafeDumper)
    return text.encode("utf-8", "surrogatepass")


def _yaml(document: Any, dumper: type[yaml.CSafeDumper | yaml.SafeDumper]) -> str:
    return yaml.dump(document, Dumper=dumper, allow_unicode=True, width=10**6)


def documents(value: Any) -> Iterator[tuple[str, Any]]:
    """For each place of each schema of a file: the schema, and a document with the value there."""
    for name in FILES:
        for _, document in places(schema(name), value):
            yield name, document


def node(folder: Path, value: str) -> int:
    """A node with the value in every place that takes it, all at once, with something before it
    where it must begin otherwise. How many these are.
    """
    folder.mkdir(parents=True)
    files: dict[str, Any] = {"state.yaml": STATE, "system-identity.yaml": identity_of(MACHINE)}
    taken = set()
    for name, file in _OF_NODES.items():
        for form in (value, f"/{value}", f"x{value}"):
            for place, document in places(schema(name), form):
                if (file, place) in taken or not validator(name).is_valid(document):
                    continue
                old = files.get(file, {})
                for merged in (_merged(old, document, form), *_beside(old, document)):
                    changed = {"state.yaml": files["state.yaml"], file: merged}
                    try:
                        load_node(folder, {each: written(it) for each, it in changed.items()})
                    except ConfigError:
                        continue
                    files[file] = merged
                    taken.add((file, place))
                    break
    for file, document in files.items():
        (folder / file).write_bytes(written(document))
    return len(taken) + _role(folder, files.get("identity.yaml", {}), value)


def role_of(name: str) -> dict[str, Any]:
    """A role that demands something of each node that has it."""
    item = {"sysctl": {"kernel.domainname": "x"}}
    return {"name": name, "description": "x", "rules": [{"item": item, "reason": "x"}]}


def _role(folder: Path, identity: dict[str, Any], value: str) -> int:
    """A role of the node's own with the value in each place that takes it. How many these are."""
    usual = sample(schema("role"), schema("role"))
    file = folder.parent / ROLES / f"{folder.name}.yaml"
    file.parent.mkdir(exist_ok=True)
    role, taken = role_of(folder.name), 0
    about = {"version": "1.0", "node": {"hostname": "x"}, **identity}
    about["roles"] = [*identity.get("roles", ()), {"name": folder.name}]
    (folder / "identity.yaml").write_bytes(written(about))
    for form in (value, f"x{value}"):
        for _, document in places(schema("role"), form):
            if not isinstance(document, dict):
                continue
            new = {key: each for key, each in document.items() if each != usual.get(key)}
            first, *others = role["rules"]
            given = new.get("rules", [])
            alternatives = [
                [{**first, **each}, *others] for each in given if isinstance(each, dict)
            ]
            alternatives += [[first, *others, *given]] if isinstance(given, list) else []
            for rules in alternatives:
                whole = {**role, **new, "name": folder.name, "rules": rules}
                if validator("role").is_valid(whole) and _loads(folder, file, written(whole)):
                    role, taken = whole, taken + 1
                    break
    file.write_bytes(written(role))
    return taken


def _loads(folder: Path, file: Path, content: bytes) -> bool:
    """Whether a node can be used with the file of a role."""
    file.write_bytes(content)
    try:
        load_node(folder)
    except ConfigError:
        return False
    return not [*check_all(folder.parent)]


def _beside(old: Any, new: Any) -> Iterator[Any]:
    """The document `old` with the items of `new` beside its own, under names of their own."""
    for kind, items in new.items() if isinstance(new, dict) else ():
        key = resource(kind).key if kind in resources.names() else None
        if key is None or not isinstance(items, list) or not isinstance(items[0], dict):
            continue
        others = old.get(kind, [])
        name = f"/x{len(others)}" if key == "path" else f"x{len(others)}"
        yield {**old, kind: [*others, {**items[0], key: name}]}


def _merged(old: Any, new: Any, value: str) -> Any:
    """Both documents in one; of two scalars in one place the value wins.

    Of lists the first items become one.
    """
    if isinstance(old, dict) and isinstance(new, dict):
        return {
            **old,
            **{
                key: _merged(old[key], inner, value) if key in old else inner
                for key, inner in new.items()
            },
        }
    if isinstance(old, list) and isinstance(new, list) and old and new:
        return [_merged(old[0], new[0], value), *old[1:]]
    return new if new == value else old
