"""A program whose schemas are of version 1.4: some fields came after the first release."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from power_edge import package_data
from power_edge.config import schema_needs, schema_version
from power_edge.config.role_files import _own
from power_edge.config.schema import known_keys, known_words, names, schema, validator, write_only

SINCE = {
    "state": [
        ("$defs/services/properties/enabled", "1.2"),
        ("$defs/sysctl", "1.3"),
        ("$defs/metadata/properties/labels", "1.1"),
    ],
    "watcher": [("properties/watchers/properties/inotify", "1.4")],
    "connection": [("properties/ssh/properties/user", "1.2")],
    "role": [("properties/section", "1.2")],
}
"""By schema: where x-since stands in the merged one."""
_CACHED: tuple[Any, ...] = (
    package_data.folder,
    package_data.text,
    schema_version.installed,
    schema,
    names,
    validator,
    write_only,
    known_keys,
    known_words,
    schema_needs._of_schema,
    _own,
)


@contextmanager
def newer_schemas(scratch: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Run with those schemas, copied from this checkout."""
    of_checkout = package_data.folder("schemas")
    shutil.copytree(of_checkout, scratch / "schemas")
    (scratch / "schemas" / "VERSION").write_text("1.4\n")
    for name, places in SINCE.items():
        file = scratch / "schemas" / "merged" / f"{name}.schema.json"
        root = json.loads(file.read_text())
        for place, version in places:
            part = root
            for step in place.split("/"):
                part = part[step]
            part["x-since"] = version
        file.write_text(json.dumps(root))
    known = package_data.folder
    with monkeypatch.context() as patch:
        patch.setattr(
            package_data,
            "folder",
            lambda name: scratch / "schemas" if name == "schemas" else known(name),
        )
        _forget()
        try:
            yield
        finally:
            _forget()
    _forget()


def _forget() -> None:
    for cached in _CACHED:
        cached.cache_clear()
