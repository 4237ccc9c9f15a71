"""Read the files beside state.yaml that declarations take something from."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from power_edge.config.error import ConfigError
from power_edge.config.node_configs import read_file, resolved
from power_edge.model import Item, Problem
from power_edge.resources import resource
from power_edge.text import quoted


def with_sources(folder: Path, items: Iterable[Item]) -> tuple[Item, ...]:
    """Return the items of a node's folder with what they take from its files.

    Raises ConfigError with a problem for each file that is missing or cannot be used.
    """
    read = _reader(folder)
    problems: list[Problem] = []
    found = []
    for item in items:
        try:
            declared = resource(item.type).attach(item.declared, read)
        except ValueError as error:
            problems.append(
                Problem(item.source, f"{item.type} {quoted(item.name)}: source: {error}")
            )
        else:
            same = declared is item.declared
            found.append(item if same else item._replace(declared=declared))
    if problems:
        raise ConfigError(problems)
    return tuple(found)


def _reader(folder: Path) -> Callable[[str], bytes]:
    def read(name: str) -> bytes:
        try:
            if resolved(folder, name) != Path(os.path.realpath(folder)) / name:
                raise ValueError(f"{name} is reached through a symbolic link: put the file there")
            content = read_file(folder, name)
        except ConfigError as error:
            raise ValueError(f"{name} {error.problems[0].message}") from None
        if content is None:
            raise ValueError(f"there is no {name} beside state.yaml: write it")
        return content

    return read
