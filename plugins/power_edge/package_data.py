"""The files that are no Python: schemas and probes, beside the package in a wheel, at the top of a
checkout.
"""

import os
from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).parent


@cache
def folder(name: str) -> Path:
    """The folder `schemas` or `probes`: the wheel's where there is one, else the checkout's."""
    inside = _PACKAGE / name
    return inside if inside.is_dir() else _PACKAGE.parent.parent / name


@cache
def text(path: str) -> str:
    """The text of a file such as `probes/prelude.sh`. Raises OSError with the file's name."""
    top, _, rest = path.partition("/")
    file = folder(top) / rest
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        error.filename = str(file)  # an error of read(2) has none
        raise


def with_schema(content: bytes, folder: Path, name: str) -> bytes:
    """A file for a node's `folder`, with the line that leads editors to the schema `name`."""
    lines = [
        line
        for line in content.splitlines(keepends=True)
        if not line.startswith(b"# yaml-language-server:")
    ]
    return f"# yaml-language-server: $schema={schema_for(folder, name)}\n".encode() + b"".join(
        lines
    )


def schema_for(node: Path, name: str) -> str:
    """Where editors find a schema from a node's folder: relative in a checkout, which may stand
    elsewhere on the next machine.
    """
    schemas = folder("schemas").resolve()
    schema = schemas / "merged" / f"{name}.schema.json"
    if (schemas.parent / "pyproject.toml").is_file() and node.resolve().is_relative_to(
        schemas.parent
    ):
        schema = Path(os.path.relpath(schema, node.resolve()))
    return str(schema)
