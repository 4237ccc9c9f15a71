"""Read the configuration: from the files of a node to typed values, or all problems with places."""

from power_edge.config.error import ConfigError
from power_edge.config.node import Node, load_node
from power_edge.config.node_configs import find_node_configs, nodes, select
from power_edge.config.schema import names, schema
from power_edge.config.state import State, load_state

__all__ = [
    "ConfigError",
    "Node",
    "State",
    "find_node_configs",
    "load_node",
    "load_state",
    "names",
    "nodes",
    "schema",
    "select",
]
