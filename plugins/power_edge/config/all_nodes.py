"""All nodes of a node-configs/, with what is wrong between them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from power_edge.config.clones import duplicates, identities
from power_edge.config.error import ConfigError
from power_edge.config.node import Node, load_node
from power_edge.config.node_configs import nodes
from power_edge.config.node_names import same_but_for_case
from power_edge.config.policy import load_policy
from power_edge.config.role_files import check_all
from power_edge.model import Problem


@dataclass
class AllNodes:
    """The nodes that were read, by name, and all problems, in the order in which they are found."""

    nodes: dict[str, Node] = field(default_factory=dict)
    broken: dict[str, ConfigError] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def load_all(root: Path, folders: Sequence[Path]) -> AllNodes:
    """Return the nodes of these folders of `root`, the node-configs/.

    Its problems are those of the nodes, of all files of roles, of the policy, and of nodes that
    could be taken for each other. Raises nothing for them.
    """
    found = AllNodes()
    for folder in folders:
        try:
            found.nodes[folder.name] = load_node(folder)
        except ConfigError as error:
            found.broken[folder.name] = error
            found.problems += error.problems
    for unusable in check_all(root):
        found.problems += (each for each in unusable.problems if each not in found.problems)
    try:
        load_policy(root)
    except ConfigError as error:
        found.problems += error.problems
    known = {
        folder: identity
        for folder, identity in identities(root)
        if not isinstance(identity, ConfigError)
    }
    names = same_but_for_case(nodes(root), folders)
    found.problems += [*names, *duplicates(known, folders)]
    return found
