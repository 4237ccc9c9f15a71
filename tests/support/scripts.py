"""Plans made for tests: hostile names, and a probe that prints what it is given."""

import os
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

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


def replace_probes(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Let every probe of a resource type be this text, for scripts that are made from now on."""
    real = package_data.text
    monkeypatch.setattr(
        "power_edge.probing.script.package_data.text",
        lambda path: text if path.startswith("probes/resources/") else real(path),
    )


def probe_output(
    shell: Sequence[str], kind: str, arguments: Iterable[str], tools: Path | None = None
) -> bytes:
    """What a type's probe prints on this machine; the programs in the folder `tools` come first."""
    path = [] if tools is None else [str(tools)]
    done = subprocess.run(
        [*shell, "-c", body(kind, "resources"), "pe", *arguments],
        check=True,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        env={"PATH": os.pathsep.join([*path, os.environ["PATH"]]), "LC_ALL": "C"},
        timeout=60,
    )
    assert done.stderr == b""
    return done.stdout


def echo_in_place_of_the_probes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A probe that prints its arguments, each with a NUL behind it."""
    replace_probes(monkeypatch, """printf '%s\\0' "$@"\n""")
    monkeypatch.setattr(
        "power_edge.probing.script.resource", lambda _: type("Kind", (), {"ask": None})
    )
