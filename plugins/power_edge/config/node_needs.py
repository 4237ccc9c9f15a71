"""Which version of the schemas the files of a node need, whatever version they state."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from power_edge.config.error import refuse
from power_edge.config.node_configs import (
    NODE_CONFIGS,
    ROLES,
    SCHEMAS,
    is_node,
    node_file,
    nodes,
    read_file,
)
from power_edge.config.role_files import own
from power_edge.config.schema_needs import highest
from power_edge.config.schema_version import SchemaVersion
from power_edge.config.state import check_fits
from power_edge.config.yaml_reader import read
from power_edge.model import Source
from power_edge.text import quoted


class FileNeed(NamedTuple):
    """The highest need of a file, and the first field that has it."""

    version: SchemaVersion
    source: Source
    field: str

    def __str__(self) -> str:
        return f"{self.source}: {self.field} needs {self.version}"


def folders(path: Path | None, root: Path | None) -> list[Path]:
    """Return the folders of the nodes that a person means: of a node, or of a folder of nodes.

    `root` is the node-configs/ that is taken without a path. Raises ConfigError.
    """
    if path is None and root is None:
        raise refuse(
            NODE_CONFIGS,
            "there is no node-configs/ in this folder or above it",
            "change to its folder, or name it; power-edge init makes a first node here",
        )
    named = path or root
    assert named is not None
    if not named.is_dir():
        raise refuse(NODE_CONFIGS, f"{quoted(str(named), 200)} is not a folder")
    if path is not None and is_node(named.absolute()):
        return [named.absolute()]
    found = nodes(named)
    if not found:
        raise refuse(NODE_CONFIGS, f"no folder in {quoted(str(named), 200)} has a state.yaml")
    return found


def needs_of(folder: Path) -> list[FileNeed]:
    """Return what each file of a node needs, if it has any field that came after the first release.

    Raises ConfigError for the first file that cannot be used.
    """
    # state.yaml comes first: if it is for newer schemas, so are the others.
    return _needs_of(folder, SCHEMAS)


def needs_of_roles(root: Path) -> list[FileNeed] | None:
    """Return what the files in node-configs/roles/ need, None without any. They say no version.

    Raises ConfigError as `needs_of`.
    """
    files = {f"{name}.yaml": "role" for name in own(root)}
    return _needs_of(root / ROLES, files) if files else None


def _needs_of(folder: Path, schemas: Mapping[str, str]) -> list[FileNeed]:
    from power_edge.config.schema_errors import path_in_words

    found: list[FileNeed] = []
    for file, name in schemas.items():
        data = read_file(folder, file)
        if data is None:
            continue
        document = read(data, node_file(folder, file))
        check_fits(document, name)
        need = highest(document, name)
        if need is not None:
            place = document.find(need.path, key=True)
            found.append(FileNeed(need.version, place, path_in_words(need.path)))
    return found
