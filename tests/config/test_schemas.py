"""The schemas themselves: examples that are valid, words for every pattern, and generated files
that are fresh.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator, meta

from power_edge.config import names, schema

ROOT = Path(__file__).parents[2]
NAMES = (
    "about",
    "accepted",
    "connection",
    "event",
    "gate",
    "node-identity",
    "policy",
    "promotion",
    "report",
    "role",
    "state",
    "status",
    "system-identity",
    "tested",
    "watcher",
)
OPEN = ("event", "gate", "promotion", "status", "tested")
"""Schemas of what we write: a new field is not a breach."""


def subschemas(part: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(part, dict):
        yield path, part
        for key, value in part.items():
            if key not in ("examples", "const", "enum", "default"):
                yield from subschemas(value, f"{path}/{key}")
    elif isinstance(part, list):
        for index, value in enumerate(part):
            yield from subschemas(value, f"{path}/{index}")


def parts(keyword: str) -> list[Any]:
    found = [
        pytest.param(name, part, id=f"{name}{path}")
        for name in NAMES
        for path, part in subschemas(schema(name))
        if keyword in part
    ]
    assert found
    return [param for param in found if isinstance(param.values[1], dict)]


def test_the_schemas_are_these() -> None:
    assert names() == NAMES
    with pytest.raises(KeyError):
        schema("../../state")


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_is_valid_and_needs_no_other_file(name: str) -> None:
    assert meta.is_valid(schema(name))
    for _, part in subschemas(schema(name)):
        assert part.get("$ref", "#/$defs/").startswith("#/$defs/")
    Draft202012Validator(schema(name), offline=True)


@pytest.mark.parametrize(("name", "part"), parts("examples"))
def test_examples_are_valid(name: str, part: dict[str, Any]) -> None:
    validator = Draft202012Validator({**part, "$defs": schema(name)["$defs"]}, offline=True)
    for example in part["examples"]:
        assert validator.is_valid(example), example


@pytest.mark.parametrize(("name", "part"), parts("pattern"))
def test_a_pattern_has_words(name: str, part: dict[str, Any]) -> None:
    condition = set(part) == {"pattern"}  # of an if: it says nothing by itself
    assert condition or part["patternErrorMessage"]


@pytest.mark.parametrize(("name", "part"), parts("not"))
def test_a_condition_has_words(name: str, part: dict[str, Any]) -> None:
    assert "errorMessage" in part or set(part) == {"not"}


@pytest.mark.parametrize(
    ("name", "part"), [param for param in parts("properties") if "type" in param.values[1]]
)
def test_objects_are_closed_and_their_properties_described(name: str, part: dict[str, Any]) -> None:
    if name in OPEN:
        assert part.get("additionalProperties") is not False
    else:
        assert name == "report" or part["additionalProperties"] is False
    for key, value in part["properties"].items():
        described = {
            **schema(name)["$defs"].get(value.get("$ref", "").removeprefix("#/$defs/"), {}),
            **value,
        }
        assert name == "report" or described.get("description"), key


def test_the_state_holds_every_resource_type() -> None:
    types = {
        path.name.removesuffix(".schema.yaml")
        for path in (ROOT / "schemas" / "resources").glob("*.schema.yaml")
    }
    assert types >= {"services", "sysctl", "packages", "files", "firewall"}
    assert set(schema("state")["properties"]) == types | {"version", "metadata"}
    assert not types & set(
        (ROOT / "schemas" / "state.schema.yaml").read_text().replace(":", " ").split()
    )


@pytest.mark.shell
def test_generated_files_are_fresh() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "generate.py", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
