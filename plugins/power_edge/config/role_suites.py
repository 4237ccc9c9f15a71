"""The role suites of the package: compliance/test_NAME.py for each role or section of it.

A suite is found by being there.
"""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

from power_edge import package_data
from power_edge.config.node import Node
from power_edge.config.role_files import built_in
from power_edge.model import Value
from power_edge.roles.derive import declared_roles, sections

TEST = "test_"
"""How the name of a test begins."""


def suites_of(node: Node) -> dict[str, Path]:
    """Return the suites of a node, by role or section."""
    document = node.identity_document
    return {} if document is None else suites_for(document.value)


def suites_for(identity: Mapping[str, Value]) -> dict[str, Path]:
    """Return the suites that an identity.yaml asks for, by role or section.

    A role that is disabled has none. An operator's own role of a similar name does not get the
    package's suite.
    """
    enabled = [role.name for role in declared_roles(identity) if role.enabled]
    named = [name for name in (*enabled, *sections(identity)) if name in built_in()]
    files = {name: _file(name) for name in dict.fromkeys(named)}
    return {name: file for name, file in files.items() if file.is_file()}


def tests_in(suite: Path) -> Iterator[str]:
    """Yield the names of a suite's tests. Does not import it."""
    for statement in ast.parse(suite.read_bytes()).body:
        if isinstance(statement, ast.FunctionDef) and statement.name.startswith(TEST):
            yield statement.name


def _file(name: str) -> Path:
    return package_data.folder("compliance") / f"{TEST}{name.replace('-', '_')}.py"
