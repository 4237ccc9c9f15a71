"""An argument that is the name of a node: shells complete it."""

import re
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from power_edge.config import ConfigError, find_node_configs, select

_PLAIN = re.compile(r"[A-Za-z0-9._@+-]+")
"""Only such names are completed: a name comes from a stranger's branch, and a shell reads it."""


class NodeName(click.types.StringParamType):
    """The name of a node in node-configs/, or a pattern of names."""

    name = "node"

    def shell_complete(
        self, ctx: click.Context, _: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Return the names that begin with `incomplete`; nothing without a usable node-configs/."""
        root = ctx.obj if isinstance(ctx.obj, Path) else find_node_configs(Path.cwd())
        try:
            found = [folder.name for folder in select(root, ["*"])]
        except (ConfigError, OSError):
            return []
        return [
            CompletionItem(name)
            for name in found
            if name.startswith(incomplete) and _PLAIN.fullmatch(name)
        ]


NODE = NodeName()
