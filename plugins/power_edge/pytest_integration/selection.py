"""The nodes that a run is about: those of --node, and those whose file or folder is an argument."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING

from power_edge.config import ConfigError, Node, find_node_configs, load_node, select
from power_edge.config.error import refuse
from power_edge.config.node_configs import NODE_IDENTITY, STATE, is_node, node_file
from power_edge.config.selectors import Selectors, narrow
from power_edge.model import Item
from power_edge.text import did_you_mean, identifier, quoted

if TYPE_CHECKING:
    from argparse import Namespace

PREFIX = "node-configs"
"""The first part of every test id of ours, whatever the folder's name and wherever rootdir is."""
GATE = "system-identity.yaml"


@dataclass
class Selection:
    """The selected nodes by folder: loaded, or broken."""

    nodes: dict[Path, Node] = field(default_factory=dict)
    broken: dict[Path, ConfigError] = field(default_factory=dict)
    gate_only: set[Path] = field(default_factory=set)
    """Folders where an argument is the gate's id alone, and the gate's file does not exist."""
    arguments: list[str] = field(default_factory=list)
    """The paths of the command line as pytest can collect them: our ids replaced by real paths."""

    by_option: list[Path] = field(default_factory=list)
    """The folders that --node named."""
    whole: set[str] = field(default_factory=set)
    """Names of the nodes selected as a whole, not by one of their files or ids."""
    root: Path | None = None
    """The node-configs/ of the run."""

    def leaves_out(self, path: Path) -> Path | None:
        """Return the node's folder that holds a path if the node is not selected, else None.

        Own tests of such a node must not run: they are for no other machine.
        """
        folder = node_around(path, self.root)
        return (
            folder
            if folder is not None and folder not in self.nodes and folder not in self.broken
            else None
        )


def selection(
    patterns: Sequence[str],
    node_configs: str | None,
    arguments: Iterable[str],
    cwd: Path,
    wanted: Selectors = Selectors(),  # noqa: B008 it is frozen
) -> Selection:
    """Return the selection of a command line. Raises ConfigError for a pattern, a selector or an
    id without a match.

    `wanted` narrows the nodes of `patterns`, or all nodes if there are none.
    """
    root = _absolute(cwd / node_configs) if node_configs else find_node_configs(cwd)
    by_option = select(root, patterns or ["*"]) if patterns or wanted else []
    if wanted and root is not None:
        by_option = narrow(by_option, wanted, root)
    chosen = Selection(by_option=by_option, root=root)
    folders = list(chosen.by_option)
    items: list[tuple[Path, str, str]] = []
    chosen.whole |= {folder.name for folder in chosen.by_option}
    for argument in arguments:
        path, separator, rest = argument.partition("::")
        file = _file(path, root, cwd, bool(node_configs))
        folder = _node_folder(file, root)
        if folder is not None:
            folders.append(folder)
            if separator and file.name in (STATE, NODE_IDENTITY):
                items.append((folder, file.name, rest))
            if file == folder and not separator:
                chosen.whole.add(folder.name)
            if file.name == GATE and not file.exists():
                chosen.gate_only.add(folder)
                file, separator, rest = folder, "", ""
        chosen.arguments.append(f"{file}{separator}{rest}" if folder is not None else argument)
    for folder in dict.fromkeys(folders):
        try:
            chosen.nodes[folder] = load_node(folder)
        except ConfigError as error:
            chosen.broken[folder] = error
    for folder, file_name, item in items:
        if folder in chosen.nodes:
            _check_item(chosen.nodes[folder], file_name, item)
    return chosen


def selectors(options: "Namespace") -> Selectors:
    """Return what --node-role and the like ask for."""
    wanted = {each.name: tuple(getattr(options, f"node_{each.name}")) for each in fields(Selectors)}
    return Selectors(**wanted)


def item_id(item: Item) -> str:
    """Return the part of an item's test id behind the file."""
    return f"{item.type}[{identifier(item.name)}]"


def _check_item(node: Node, file: str, name: str) -> None:
    """Raise ConfigError if a file of a node has no item, and no role suite a test, with this test
    id: `sysctl[vm.swappiness]`, `vpn-gateway[test_port]`.

    pytest would pass over the id in silence if the whole node is selected beside it.
    """
    from power_edge.config.role_suites import suites_of, tests_in

    ids = {
        each: [item_id(item) for item in items_of(node, each)] for each in (STATE, NODE_IDENTITY)
    }
    ids[NODE_IDENTITY] += [
        f"{role}[{test}]" for role, suite in suites_of(node).items() for test in tests_in(suite)
    ]
    if name not in ids[file]:
        other = next((each for each, names in ids.items() if name in names), None)
        hint = (
            f"did you mean {PREFIX}/{node.name}/{other}::{name}?"
            if other is not None
            else did_you_mean(name, ids[file]) or "--collect-only lists the items"
        )
        raise refuse(f"{PREFIX}/{node.name}/{file}", f"no item {quoted(name)}", hint)


def items_of(node: Node, file: str) -> list[Item]:
    """Return the items of a node whose test ids begin with this file of its folder."""
    place = node_file(node.path, file)
    return [item for item in node.items if item.source.file == place]


def _file(path: str, root: Path | None, cwd: Path, renamed: bool) -> Path:
    """Return the file that a path of the command line means.

    A test id begins with `node-configs/` and works from every folder.
    """
    absolute = cwd / path
    if root is not None and path.startswith(f"{PREFIX}/") and (renamed or not absolute.exists()):
        return root / path.removeprefix(f"{PREFIX}/")
    return _absolute(absolute)


def _absolute(path: Path) -> Path:
    """Return a path as pytest makes it absolute: without `..`, symbolic links kept."""
    return Path(os.path.abspath(path))  # noqa: PTH100


def _node_folder(file: Path, root: Path | None) -> Path | None:
    """Return the node's folder that a path is, or is a file of; None if there is none."""
    if file.name in (STATE, GATE, NODE_IDENTITY) and is_node(file.parent):
        return file.parent
    if file.parent == root or file.parent.name == PREFIX:
        return file if is_node(file) else None
    return node_around(file, root) if file.suffix == ".py" or file.is_dir() else None


def node_around(path: Path, root: Path | None = None) -> Path | None:
    """Return the node's folder that holds a path, or is it; None if there is none."""
    for folder in (path, *path.parents):
        if (folder.parent == root or folder.parent.name == PREFIX) and is_node(folder):
            return folder
    return None
