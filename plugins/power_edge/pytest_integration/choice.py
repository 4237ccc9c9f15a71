"""Which items of a node a command line selects, whatever its files declare now."""

from collections.abc import Iterable, Iterator, Sequence

import pytest

from power_edge.config.node_configs import NODE_IDENTITY, STATE
from power_edge.pytest_integration import compat
from power_edge.pytest_integration.collection import (
    CheckItem,
    NodeFile,
    NodeFolder,
    add_role_markers,
    file_of,
)
from power_edge.pytest_integration.nodes import Nodes


class Choice:
    """The selection of a session (paths, ids, -k, -m, --deselect), to be made again for a node
    whose files were loaded again.
    """

    def __init__(self, config: pytest.Config, nodes: Nodes, items: Sequence[CheckItem]) -> None:
        """`items`: what was selected at the start."""
        self._config = config
        self._nodes = nodes
        self._folders: dict[str, NodeFolder] = {item.node_name: item.folder for item in items}
        selected = {item.nodeid for item in items}
        declared = sum(len(nodes.by_name[name].items) for name in self._folders)
        narrowed = sum(item.declared is not None for item in items) < declared
        self._left_out = {
            item.nodeid
            for name in (self._folders if narrowed else ())
            for item in self._of(name)
            if item.nodeid not in selected
        }
        """Ids of items that something else left out, such as --lf or a hook of a conftest.py."""

    def of(self, name: str) -> list[CheckItem]:
        """Return the selected items of a node as it was loaded last, without the gate's own."""
        return [item for item in self._of(name) if item.nodeid not in self._left_out]

    def suites_of(self, name: str) -> Sequence[pytest.Item]:
        """Return the selected tests of the suites of a node as it was loaded last."""
        folder = self._folders[name]
        file = file_of(folder, NODE_IDENTITY)
        return compat.selected(
            self._config,
            [test for test in file.suite_tests() if self._is_argument(folder, file, test)],
        )

    def _of(self, name: str) -> Iterable[CheckItem]:
        folder = self._folders[name]
        # A role can be new as well.
        add_role_markers(self._config, folder.path.parent)
        return compat.selected(self._config, self._by_arguments(folder))

    def _by_arguments(self, folder: NodeFolder) -> Iterator[CheckItem]:
        for each in (STATE, NODE_IDENTITY):
            file = file_of(folder, each)
            for item in file.check_items():
                if self._is_argument(folder, file, item):
                    yield item

    def _is_argument(self, folder: NodeFolder, file: NodeFile, item: pytest.Item) -> bool:
        """Whether an argument names an item, its file or its node."""
        selection = self._nodes.selection
        named = {str(file.path), f"{file.path}::{item.name}"}
        return folder.path.name in selection.whole or not named.isdisjoint(selection.arguments)
