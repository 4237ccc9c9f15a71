"""Nodes made of hostile values: wherever the schemas take a value, it stands."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from power_edge.config import ConfigError, load_node
from power_edge.config.schema import names, schema, validator
from tests.support.answers import MACHINE
from tests.support.hostile.values import places
from tests.support.project import identity_of

FILES = {
    name: f"{name.removeprefix('node-')}.yaml"
    for name in names()
    if schema(name).get("x-direction") != "output"
}
"""Schemas of files that people write, with the name of the file in a node's folder."""
STATE: dict[str, Any] = {
    "version": "1.0",
    "metadata": {"site": "here", "environment": "development"},
}


def written(document: Any) -> bytes:
    return yaml.safe_dump(document, allow_unicode=True, width=10**6).encode(
        "utf-8", "surrogatepass"
    )


def documents(value: Any) -> Iterator[tuple[str, str, Any]]:
    """For each place of each schema of a file: the file, the place, and a document with the value
    there.
    """
    for name, file in FILES.items():
        yield from ((file, place, document) for place, document in places(schema(name), value))


def node(folder: Path, value: str) -> int:
    """A node with the value in every place that takes it, all at once, with something before it
    where it must begin otherwise. How many these are.
    """
    folder.mkdir(parents=True)
    files: dict[str, Any] = {"state.yaml": STATE, "system-identity.yaml": identity_of(MACHINE)}
    taken = set()
    for name, file in FILES.items():
        for form in (value, f"/{value}", f"x{value}"):
            for place, document in places(schema(name), form):
                if (file, place) in taken or not validator(name).is_valid(document):
                    continue
                merged = _merged(files.get(file, {}), document, form)
                try:
                    load_node(
                        folder,
                        {"state.yaml": written(files["state.yaml"])} | {file: written(merged)},
                    )
                except ConfigError:
                    continue
                files[file] = merged
                taken.add((file, place))
    for file, document in files.items():
        (folder / file).write_bytes(written(document))
    return len(taken)


def _merged(old: Any, new: Any, value: str) -> Any:
    """Both documents in one; of two scalars in one place the value wins.

    Lists of mappings become one mapping each.
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
        return [_merged(old[0], new[0], value)]
    return new if new == value else old
