"""The files beside the code: schemas, probes, role suites and units of systemd.

They are inside the package in a wheel, and at the top level of a checkout.
"""

import os
from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).parent


@cache
def folder(name: str) -> Path:
    """Return the folder `schemas`, `probes`, `compliance` or `deploy`: the wheel's if there is
    one, else the checkout's.
    """
    inside = _PACKAGE / name
    return inside if inside.is_dir() else _PACKAGE.parent.parent / name


@cache
def text(path: str) -> str:
    """Return the text of a file such as `probes/prelude.sh`. Raises OSError with its name."""
    top, _, rest = path.partition("/")
    file = folder(top) / rest
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        error.filename = str(file)  # an error of read(2) has none
        raise


def with_schema(content: bytes, folder: Path, name: str) -> bytes:
    """Return a file for a node's `folder` with the line that gives editors the schema `name`."""
    lines = [
        line
        for line in content.splitlines(keepends=True)
        if not line.startswith(b"# yaml-language-server:")
    ]
    return f"# yaml-language-server: $schema={schema_for(folder, name)}\n".encode() + b"".join(
        lines
    )


def schema_for(node: Path, name: str) -> str:
    """Return the path of a schema for editors, from a node's folder.

    It is relative in a checkout, which may be elsewhere on the next machine.
    """
    schemas = folder("schemas").resolve()
    schema = schemas / "merged" / f"{name}.schema.json"
    if (schemas.parent / "pyproject.toml").is_file() and node.resolve().is_relative_to(
        schemas.parent
    ):
        schema = Path(os.path.relpath(schema, node.resolve()))
    return str(schema)
