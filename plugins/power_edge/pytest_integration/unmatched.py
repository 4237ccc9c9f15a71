"""What to write instead of a -m or -k that selects nothing."""

import re
from collections.abc import Iterator, Sequence

import pytest

from power_edge.pytest_integration.collection import CheckItem
from power_edge.text import did_you_mean, quoted

_WORD = re.compile(r"[^\s()]+")
_OPERATORS = ("and", "or", "not")


def hints(config: pytest.Config, left_out: Sequence[pytest.Item]) -> Iterator[str]:
    """Yield a line for each of the two options, with the names nearest to its words.

    `left_out` are the deselected items.
    """
    items = [item for item in left_out if isinstance(item, CheckItem)]
    markers = {mark.name for item in left_out for mark in item.iter_markers()}
    names = {item.declared.name for item in items if item.declared is not None}
    names |= {item.node_name for item in items}
    for option, expression, known in (
        ("-m", config.option.markexpr, markers),
        ("-k", config.option.keyword, names | markers),
    ):
        if expression:
            found = " ".join(dict.fromkeys(_nearest(expression, sorted(known))))
            if not found and option == "-m":
                found = f"there are {', '.join(sorted(known))}"
            yield f"{option} {quoted(expression)} selects no item{f'; {found}' if found else ''}"


def _nearest(expression: str, known: Sequence[str]) -> Iterator[str]:
    lower = [name.lower() for name in known]
    for word in _WORD.findall(expression):
        # -k takes a part of a name as well.
        if word not in _OPERATORS and not any(word.lower() in name for name in lower):
            parts = {part for name in known for part in (name, *re.split(r"[^A-Za-z0-9]+", name))}
            hint = did_you_mean(word, sorted(parts - {""}))
            if hint is not None:
                yield hint
