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
    schema = schema_for(folder, name)
    if schema is None:
        return content
    return f"# yaml-language-server: $schema={schema}\n".encode() + content


def schema_for(node: Path, name: str) -> str | None:
    """Return the path of a schema for editors, from a node's folder.

    It is relative. If the folder is not in the program's checkout, it is None: an absolute path
    would be wrong on the next machine.
    """
    schemas = folder("schemas").resolve()
    here = node.resolve()
    if not (schemas.parent / "pyproject.toml").is_file() or not here.is_relative_to(schemas.parent):
        return None
    return os.path.relpath(schemas / "merged" / f"{name}.schema.json", here)
