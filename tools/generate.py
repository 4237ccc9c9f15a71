"""Writes what is made from schemas/: the self-contained schemas in schemas/merged/, the types in
plugins/power_edge/model/generated/, and docs/fields.md.

`generate.py` writes; `generate.py --check` writes nothing and fails when something there is stale.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tools import field_tables  # noqa: E402

SCHEMAS = ROOT / "schemas"
MERGED = SCHEMAS / "merged"
FIELDS = ROOT / "docs" / "fields.md"
TYPES = ROOT / "plugins" / "power_edge" / "model" / "generated"

OPTIONS = {
    "--input-file-type": "jsonschema",
    "--output-model-type": "dataclasses.dataclass",
    "--frozen-dataclasses": "",
    "--keyword-only": "",
    "--strict-nullable": "",  # a property with a default is never None
    "--enum-field-as-literal": "all",
    "--formatters": "builtin",
    "--disable-timestamp": "",
    "--target-python-version": "3.11",
}


def sources() -> list[Path]:
    """The schemas as written, relative to schemas/."""
    return sorted(path.relative_to(SCHEMAS) for path in SCHEMAS.rglob("*.schema.yaml"))


def load(path: Path) -> Any:
    return yaml.load((SCHEMAS / path).read_bytes(), yaml.CSafeLoader)


def merged(path: Path) -> dict[str, Any]:
    """A schema that needs no other file: what it refers to stands in its $defs.

    The state's sections are the files of resources/, by name.
    """
    root = load(path)
    bundle = Bundle()
    result: dict[str, Any] = bundle.inlined(root, path)
    if path.name == "state.schema.yaml":
        for resource in sources():
            if resource.parent.name == "resources":
                result["properties"][stem(resource)] = section(
                    load(resource), bundle.add(resource, "")
                )
    result["$defs"] = dict(sorted(bundle.defs.items()))
    return result


def section(schema: dict[str, Any], ref: str) -> dict[str, Any]:
    """A resource type's part of the state: a list of items where the schema has required
    properties, else the schema itself.
    """
    if schema["type"] == "object" and schema.get("required"):
        return {
            "type": "array",
            "title": schema["title"],
            "description": schema["description"],
            "items": {"$ref": ref},
        }
    return {"$ref": ref}


def stem(path: Path) -> str:
    return path.name.removesuffix(".schema.yaml")


class Bundle:
    """Schemas by their names in $defs: `port` for core, `firewall_rule` for a type."""

    def __init__(self) -> None:
        self.defs: dict[str, Any] = {}

    def add(self, path: Path, pointer: str) -> str:
        """Takes in the schema at `pointer` of a file; the reference to it."""
        names = ([] if stem(path) == "core" else [stem(path)]) + [
            part for part in pointer.split("/") if part not in ("", "$defs")
        ]
        name = "_".join(names).replace("-", "_")
        if name not in self.defs:
            schema = load(path)
            for part in pointer.split("/")[1:]:
                schema = schema[part]
            self.defs[name] = None  # a schema may refer to itself
            self.defs[name] = self.inlined(schema, path)
        return f"#/$defs/{name}"

    def inlined(self, schema: Any, path: Path) -> Any:
        """The same schema with each reference pointing into the bundle."""
        if isinstance(schema, list):
            return [self.inlined(value, path) for value in schema]
        if not isinstance(schema, dict):
            return schema
        result = {
            key: self.inlined(value, path)
            for key, value in schema.items()
            if key not in ("$id", "$defs", "$ref")
        }
        if "$ref" in schema:
            file, _, pointer = schema["$ref"].partition("#")
            target = (
                (SCHEMAS / path).parent.joinpath(file).resolve().relative_to(SCHEMAS)
                if file
                else path
            )
            result["$ref"] = self.add(target, pointer)
        return result


def generate(types: Path) -> dict[Path, bytes]:
    """Every generated file and its content; the types are made in the folder `types`."""
    with tempfile.TemporaryDirectory() as scratch:
        # A copy, since the generator would read the merged schemas, too. The folder's name is in
        # what it writes.
        copies = Path(scratch) / "schemas"
        for path in sources():
            copy = copies / path
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes((SCHEMAS / path).read_bytes())
        command = [
            sys.executable,
            "-m",
            "datamodel_code_generator",
            "--input",
            str(copies),
            "--output",
            str(types),
            *(word for option in OPTIONS.items() for word in option if word),
        ]
        subprocess.run(command, check=True)
    # The state is converted section by section, each by its own schema's types.
    (types / "state_schema.py").unlink()
    files = {TYPES / path.relative_to(types): path.read_bytes() for path in types.rglob("*.py")}
    schemas = {
        stem(path): merged(path)
        for path in sources()
        if path.parent == Path() and stem(path) != "core"
    }
    for name, schema in schemas.items():
        text = json.dumps(schema, indent=1, ensure_ascii=False)
        files[MERGED / f"{name}.schema.json"] = text.encode() + b"\n"
    files[FIELDS] = field_tables.page(schemas).encode()
    return files


def existing() -> dict[Path, bytes]:
    paths = [*TYPES.rglob("*.py"), *MERGED.rglob("*.json"), FIELDS]
    return {path: path.read_bytes() for path in paths if path.exists()}


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        files = generate(Path(scratch) / "generated")
    found = existing()
    if "--check" in sys.argv[1:]:
        stale = sorted(
            str(path.relative_to(ROOT))
            for path in files.keys() | found.keys()
            if files.get(path) != found.get(path)
        )
        if stale:
            sys.exit(f"stale, run `make generate`: {', '.join(stale)}")
        return
    for path in found.keys() - files.keys():
        path.unlink()
    for path, content in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


if __name__ == "__main__":
    main()
