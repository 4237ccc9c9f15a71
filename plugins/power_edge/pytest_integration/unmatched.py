"""What to write instead of a -m or -k that selects nothing."""

import re
from collections.abc import Iterator, Sequence, Set

import pytest

from power_edge.pytest_integration.collection import CheckItem
from power_edge.pytest_integration.role_suites import marker_of
from power_edge.resources import names
from power_edge.text import did_you_mean, quoted

_WORD = re.compile(r"[^\s()]+")
_OPERATORS = ("and", "or", "not")


def hints(config: pytest.Config, left_out: Sequence[pytest.Item]) -> Iterator[str]:
    """Yield a line for each of the two options, with the names nearest to its words.

    `left_out` are the deselected items.
    """
    items = [item for item in left_out if isinstance(item, CheckItem)]
    markers = {mark.name for item in left_out for mark in item.iter_markers()}
    words = {item.declared.name for item in items if item.declared is not None}
    words |= {item.node_name for item in items}
    for option, expression, known in (
        ("-m", config.option.markexpr, markers),
        ("-k", config.option.keyword, words | markers),
    ):
        if expression:
            # A type that no node declares is a marker as well.
            near = (
                _near_markers(expression, {*known, *names()})
                if option == "-m"
                else nearest(expression, sorted(known))
            )
            found = " ".join(dict.fromkeys(near))
            if not found and option == "-m":
                found = _known(expression, known)
            yield f"{option} {quoted(expression)} selects no item{f'; {found}' if found else ''}"


def _known(expression: str, known: Set[str]) -> str:
    """Return which markers there are: the roles alone, if the expression asks for a role."""
    undeclared = [
        word for word in _WORD.findall(expression) if word in names() and word not in known
    ]
    if undeclared:
        return f"no selected node declares {', '.join(dict.fromkeys(undeclared))}"
    roles = {name for name in known if name.startswith(marker_of(""))}
    wanted = roles if marker_of("") in expression and roles else known
    return f"there are {', '.join(sorted(wanted))}"


def _near_markers(expression: str, known: Set[str]) -> Iterator[str]:
    for word in _WORD.findall(expression):
        if word not in _OPERATORS and word not in known:
            hint = did_you_mean(word, sorted(known))
            if hint is not None:
                yield hint


def nearest(expression: str, known: Sequence[str]) -> Iterator[str]:
    """Yield a hint for each word of a -k that is not part of a known name and is like one."""
    lower = [name.lower() for name in known]
    for word in _WORD.findall(expression):
        # -k takes a part of a name as well.
        if word not in _OPERATORS and not any(word.lower() in name for name in lower):
            parts = {part for name in known for part in (name, *re.split(r"[^A-Za-z0-9]+", name))}
            hint = did_you_mean(word, sorted(parts - {""}))
            if hint is not None:
                yield hint
