"""A set of schemas as one schema, for a validator."""

from jsonschema_rs import Draft202012Validator

from power_edge.json_value import Json
from power_edge.release.schema_set import LISTS, MAPS, SINGLE, Place, SchemaSet


class Judge:
    """Validates values against any schema of a set. Formats count as checked."""

    def __init__(self, found: SchemaSet) -> None:
        self._defs: dict[str, Json] = {
            file: _rewritten(found, schema, Place(file)) for file, schema in found.files.items()
        }
        self._validators: dict[Place, Draft202012Validator] = {}

    def is_valid(self, place: Place, value: Json) -> bool:
        """Whether the schema at a place allows a value."""
        return self._at(place).is_valid(value)

    def refused_at(self, place: Place, value: Json) -> list[list[str | int]]:
        """Return the paths of the parts of a value that the schema at a place refuses."""
        return [list(error.instance_path) for error in self._at(place).iter_errors(value)]

    def _at(self, place: Place) -> Draft202012Validator:
        if place not in self._validators:
            self._validators[place] = Draft202012Validator(
                {"$ref": _reference(place), "$defs": self._defs},
                validate_formats=True,
                offline=True,
            )
        return self._validators[place]


def _reference(place: Place) -> str:
    pointer = Place("", ("$defs", place.file, *place.parts)).pointer
    # A pointer in a URI: what is not part of one is escaped.
    return "#" + "".join(
        each if each.isascii() and (each.isalnum() or each in "/~$-_.") else _percent(each)
        for each in pointer
    )


def _percent(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "surrogatepass"))


def _rewritten(found: SchemaSet, schema: Json, place: Place) -> Json:
    """Return a schema whose references lead into the bundle."""
    if not isinstance(schema, dict):
        return schema
    result: dict[str, Json] = {}
    for keyword, value in schema.items():
        at = place.at(keyword)
        if keyword == "$ref" and isinstance(value, str):
            result[keyword] = _reference(found.target(place, value))
        elif keyword in MAPS and isinstance(value, dict):
            result[keyword] = {
                name: _rewritten(found, each, at.at(name)) for name, each in value.items()
            }
        elif keyword in LISTS and isinstance(value, list):
            result[keyword] = [
                _rewritten(found, each, at.at(index)) for index, each in enumerate(value)
            ]
        elif keyword in SINGLE:
            result[keyword] = _rewritten(found, value, at)
        elif keyword not in ("$id", "$schema"):
            result[keyword] = value
    return result
