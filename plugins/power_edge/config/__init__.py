"""Configuration: files of a node -> typed values, or every problem with its place."""

from power_edge.config.error import ConfigError
from power_edge.config.schema import names, schema
from power_edge.config.state import State, load_state

__all__ = ["ConfigError", "State", "load_state", "names", "schema"]
