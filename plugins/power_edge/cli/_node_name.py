"""Arguments that shells complete: the names of nodes, their items, their roles and places."""

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from power_edge.config import ConfigError, Node, find_node_configs, load_node, select
from power_edge.config.selectors import facts
from power_edge.pytest_integration.selection import item_id

_PLAIN = re.compile(r"[A-Za-z0-9._@+-]+")
"""Only such names are completed: a name comes from a stranger's branch, and a shell reads it."""
_PLAIN_ITEM = re.compile(r"[a-z]+\[[A-Za-z0-9._@+/:-]+\]")

Completion = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def one_of(words: Sequence[str]) -> Completion:
    """Return the completion of an option that takes one of these words."""
    return lambda _, __, incomplete: _beginning(words, incomplete)


def fact(name: str) -> Completion:
    """Return the completion of what the nodes have: `role`, `tag`, `site` or `environment`."""

    def complete(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
        known = (facts(folder) for folder in _folders(ctx))
        found = {each for of in known if of is not None for each in getattr(of, name)}
        return _beginning(sorted(filter(_PLAIN.fullmatch, found)), incomplete)

    return complete


def items(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the items of the node that the argument `name` names."""
    folder = next((each for each in _folders(ctx) if each.name == ctx.params.get("name")), None)
    node = None if folder is None else _loaded(folder)
    ids = () if node is None else map(item_id, node.items)
    return _beginning(filter(_PLAIN_ITEM.fullmatch, ids), incomplete)


class NodeName(click.types.StringParamType):
    """The name of a node in node-configs/, or a pattern of names."""

    name = "node"

    def shell_complete(
        self, ctx: click.Context, _: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Return the names that begin with `incomplete`; nothing without a usable node-configs/."""
        names = (folder.name for folder in _folders(ctx))
        return _beginning(filter(_PLAIN.fullmatch, names), incomplete)


NODE = NodeName()


def _beginning(words: Iterable[str], incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(word) for word in words if word.startswith(incomplete)]


def _folders(ctx: click.Context) -> list[Path]:
    root = ctx.obj if isinstance(ctx.obj, Path) else find_node_configs(Path.cwd())
    try:
        return select(root, ["*"])
    except (ConfigError, OSError):
        return []


def _loaded(folder: Path) -> Node | None:
    try:
        return load_node(folder)
    except (ConfigError, OSError):
        return None
