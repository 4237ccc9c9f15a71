"""Plans made for tests: hostile names, and a probe that prints what it is given."""

from collections.abc import Sequence

import pytest

from power_edge import package_data
from power_edge.identity.identifiers import Expected
from power_edge.model import Item, Source
from power_edge.probing.script import files
from power_edge.resources.sysctl.key import Setting

OPEN = Expected("linux", None, {}, False, False, None)
"""An identity that need not match."""

HOSTILE = [
    "a b",
    "a\nb",
    "a'b",
    "'",
    '"$(touch pwned)"',
    "`touch pwned`",
    "$(touch pwned)",
    "; touch pwned;",
    "a\\",
    "\\'",
    "--help",
    "-n",
    "*",
    "\x1b[31m",
    "\x01\x7f",
    "ä€\U0001f600",
    "\udcff\udc80",
    "$IFS",
    "${PATH}",
    "!!",
    "~",
    "#",
    "a\n\n",
    "###[a]##",
    "%s%n",
    "\t",
]


def body(kind: str, folder: str) -> str:
    """The text of a type's probe below probes/FOLDER, as a node runs it."""
    return "".join(package_data.text(f"probes/{file}.sh") for file in files(kind, folder))


def items(names: Sequence[str], kind: str = "files") -> list[Item]:
    return [
        Item("a", kind, name, name, Setting(name, "1"), {}, (Source("f", 1),)) for name in names
    ]


def echo_in_place_of_the_probes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A probe that prints its arguments, each with a NUL behind it."""
    real = package_data.text
    body = """printf '%s\\0' "$@"\n"""
    monkeypatch.setattr(
        "power_edge.probing.script.package_data.text",
        lambda path: body if path.startswith("probes/resources/") else real(path),
    )
    monkeypatch.setattr(
        "power_edge.probing.script.resource", lambda _: type("Kind", (), {"ask": None})
    )
