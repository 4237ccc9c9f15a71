"""jsonschema is the reference: jsonschema-rs, which we use, accepts and refuses the same documents.

The documents are the recordings' declarations, the same with one value changed, and documents that
are put together at random.
"""

import re
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from power_edge.config import names, schema
from power_edge.config.schema import validator
from tests.support.cases import RECORDINGS, cases
from tests.support.project import identity_of
from tests.yaml_edit.test_fuzz import VALID

AREAS = sorted(
    {path.parent.parent.name for path in RECORDINGS.glob("*/*/expect.yaml")} - {"identity"}
)
HEAD = {"version": "1.0", "metadata": {"site": "recorded", "environment": "development"}}
CHANGES: tuple[Any, ...] = (
    None, True, 0, -1, 1.0, 65536, 10**20, "", "yes", "any\n", "0644", "0644\n", "é", "a" * 5000,
    [], {}, [None], {"name": "x"},
)  # fmt: skip
OTHERS: dict[str, Any] = {
    "system-identity": identity_of("2cbb59aee9a34d92a71b9ffb06b592b0"),
    "connection": {"ssh": {"host": "rig", "user": "root", "port": 22}, "connect_timeout": 5},
    "watcher": {
        "version": "1.0",
        "watchers": {"enabled": True, "journald": {"enabled": True, "units": ["ssh.service"]}},
    },
    "node-identity": {
        "version": "1.0",
        "node": {"hostname": "rig", "tags": ["a"], "hardware": {"cpu_cores": 4}},
        "roles": [{"name": "vpn-gateway", "enabled": True, "config": {"provider": "openvpn"}}],
    },
}


def pattern(_: Any, regex: str, instance: object, __: Any) -> Iterator[jsonschema.ValidationError]:
    """The keyword `pattern` by ECMA 262, as JSON Schema has it.

    Python's `$` also matches before a newline at the end, and its classes know all of Unicode.
    """
    assert "\\$" not in regex
    if isinstance(instance, str) and not re.search(regex.replace("$", r"\Z"), instance, re.ASCII):
        yield jsonschema.ValidationError("does not match")


Reference = jsonschema.validators.extend(jsonschema.Draft202012Validator, {"pattern": pattern})


@cache
def reference(name: str) -> Any:
    return Reference(without_dialect(schema(name)))


def without_dialect(part: Any) -> Any:
    """A schema without `$schema`: with it, jsonschema takes its own class again."""
    if isinstance(part, dict):
        return {key: without_dialect(value) for key, value in part.items() if key != "$schema"}
    return [without_dialect(each) for each in part] if isinstance(part, list) else part


def agree(name: str, document: object) -> bool:
    """Whether both validators accept a document; they must agree."""
    accepted = bool(reference(name).is_valid(document))
    assert validator(name).is_valid(document) is accepted, document
    return accepted


def declarations(area: str) -> Iterator[dict[str, Any]]:
    """The declarations of an area's recordings, as documents, each once."""
    known = {}
    for case in cases(area):
        for verdict in case.verdicts:
            known[repr(verdict.declared)] = {**HEAD, **verdict.declared}
    yield from known.values()


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of all values in a document, but for its own."""
    steps = value.items() if isinstance(value, dict) else enumerate(value)
    for step, inner in steps:
        yield (*path, step)
        if isinstance(inner, dict | list):
            yield from paths(inner, (*path, step))


def changed(document: Any, path: tuple[Any, ...], change: Any) -> Any:
    """A copy with another value at a path."""
    copy = deepcopy(document)
    holder = copy
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = change
    return copy


def mutants(document: Any) -> Iterator[Any]:
    """The document with one value changed, taken out, or put beside another."""
    for path in paths(document):
        for change in CHANGES:
            yield changed(document, path, change)
        holder = deepcopy(document)
        inner = holder
        for step in path[:-1]:
            inner = inner[step]
        del inner[path[-1]]
        yield holder
        if isinstance(path[-1], str):
            yield changed(document, (*path[:-1], "unknown"), "x")


@pytest.mark.parametrize("area", AREAS)
def test_declarations_of_the_recordings(area: str) -> None:
    accepted = [agree("state", document) for document in declarations(area)]
    assert any(accepted)


@pytest.mark.parametrize(
    ("name", "document"), [("state", VALID), *OTHERS.items()], ids=["state", *OTHERS]
)
def test_documents_with_one_change(name: str, document: Any) -> None:
    assert agree(name, document)
    accepted = [agree(name, mutant) for mutant in mutants(document)]
    assert any(accepted)
    assert not all(accepted)


WORDS = sorted(
    {
        key
        for name in names()
        for part in [schema(name), *schema(name)["$defs"].values()]
        for key in part.get("properties", ())
    }
)
documents = st.recursive(
    st.sampled_from(CHANGES) | st.text(max_size=12) | st.integers() | st.floats(allow_nan=False),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(WORDS) | st.text(max_size=6), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(deadline=None, derandomize=True, max_examples=300)
@given(st.sampled_from(sorted(names())), documents)
def test_documents_put_together_at_random(name: str, document: Any) -> None:
    agree(name, document)


@settings(deadline=None, derandomize=True, max_examples=300)
@given(st.data())
def test_valid_documents_with_a_random_part(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(["state", *OTHERS]))
    document = VALID if name == "state" else OTHERS[name]
    path = data.draw(st.sampled_from(list(paths(document))))
    agree(name, changed(document, path, data.draw(documents)))
