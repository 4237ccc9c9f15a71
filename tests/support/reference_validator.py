"""A set of schemas for the reference validator, which resolves references between files itself."""

from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from power_edge.release.schema_set import SchemaSet


class Reference:
    """jsonschema's verdicts on documents of a set's files; formats count as checked."""

    def __init__(self, found: SchemaSet) -> None:
        contents: list[tuple[str, Any]] = [
            (
                f"https://schemas.invalid/{file}",
                {**schema, "$id": f"https://schemas.invalid/{file}"}
                if isinstance(schema, dict)
                else schema,
            )
            for file, schema in found.files.items()
        ]
        self._registry: Registry[Any] = Registry().with_resources(
            [(uri, DRAFT202012.create_resource(schema)) for uri, schema in contents]
        )

    def is_valid(self, file: str, value: object) -> bool:
        return bool(self._validator(file).is_valid(value))

    def _validator(self, file: str) -> Draft202012Validator:
        return Draft202012Validator(
            {"$ref": f"https://schemas.invalid/{file}"},
            registry=self._registry,
            format_checker=Draft202012Validator.FORMAT_CHECKER,
        )
