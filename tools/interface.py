"""Writes the outer interface of the program to tests/golden/interface.txt: a line for each thing
that others may rely on. `power-edge version check` compares it with that of the last release.

`interface.py` writes; `interface.py --check` writes nothing and fails when the file is stale.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "plugins"))

from power_edge import exit_status, pytest_plugin  # noqa: E402
from power_edge.cli import cli  # noqa: E402
from power_edge.release import interface, x_since  # noqa: E402
from power_edge.release.changes import field  # noqa: E402
from power_edge.release.schema_set import SUFFIX  # noqa: E402
from power_edge.release.source import source  # noqa: E402
from power_edge.report import prometheus  # noqa: E402
from power_edge.resources import names as types  # noqa: E402
from power_edge.watch.outputs import metrics  # noqa: E402

FILE = ROOT / interface.FILE
HEAD = "# Written by `make generate`. A line that is gone is MAJOR, a new one MINOR.\n"
EXAMPLE = {
    "state.yaml": """\
version: "1.0"
metadata: {site: here, environment: development}
services: [{name: ssh, state: running}]
sysctl: {vm.swappiness: "60"}
packages: [{name: vim}]
files: [{path: /etc/hosts}]
firewall:
  enabled: true
  default_incoming: deny
  default_outgoing: allow
  exclusive: true
  rules:
  - {action: allow, port: 22, proto: tcp}
  - {action: deny, proto: icmp, from: 10.0.0.0/8, to: 10.8.0.1}
""",
    "identity.yaml": """\
version: "1.0"
node: {hostname: example}
roles: [{name: monitoring-target, config: {prometheus_port: 9100}}]
network_tuning: {tcp_keepalive_time: 7200}
""",
}
"""A node with a test of each form. A resource type that is not in it is listed by its name."""


class PytestOptions:
    """Takes what a plugin tells pytest's parser."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def getgroup(self, *_: object, **__: object) -> "PytestOptions":
        return self

    def addoption(self, *names: str, **about: Any) -> None:
        is_flag = about.get("action", "store").startswith("store_")
        for name in names:
            self.lines.append(f"pytest {name}{'' if is_flag else '=VALUE'}")
            if about.get("action") == "append":
                self.lines.append(f"pytest {name}=VALUE may be repeated")
            self.lines += [f"pytest {name}={choice}" for choice in about.get("choices", ())]
            if about.get("default") not in (None, False, []):
                self.lines.append(f"pytest {name} is {about['default']} if it is left out")

    def addini(self, name: str, *_: object, **__: object) -> None:
        self.lines.append(f"pytest.ini {name}")


def pytest_options() -> Iterator[str]:
    options: Any = PytestOptions()
    pytest_plugin.pytest_addoption(options)
    yield from options.lines


def commands(command: click.Command, name: str = "power-edge") -> Iterator[str]:
    """Each command with its options, and with how many arguments it can be called."""
    arguments = [each for each in command.params if isinstance(each, click.Argument)]
    options = [each for each in command.params if isinstance(each, click.Option)]
    must = "".join(f" {each.opts[-1]}" for each in options if each.required)
    if isinstance(command, click.Group):
        if command.invoke_without_command:
            yield f"{name}{must}"
        for inner in command.list_commands(click.Context(command)):
            found = command.get_command(click.Context(command), inner)
            assert found is not None
            yield from commands(found, f"{name} {inner}")
    else:
        least = sum(each.nargs if each.nargs > 0 else 1 for each in arguments if each.required)
        most = sum(max(each.nargs, 1) for each in arguments)
        for count in range(least, most + 1):
            yield f"{name}{must} with {count} argument{'' if count == 1 else 's'}"
        if any(each.nargs < 0 for each in arguments):
            yield f"{name}{must} with more arguments"
    for each in options:
        yield from option(each, name)


def option(each: click.Option, name: str) -> Iterator[str]:
    value = "" if each.is_flag else "=VALUE"
    for word in (*each.opts, *each.secondary_opts):
        yield f"{name} {word}{value}"
        if each.multiple:
            yield f"{name} {word}{value} may be repeated"
        if isinstance(each.type, click.Choice):
            yield from (f"{name} {word}={choice}" for choice in each.type.choices)
    if not each.is_flag and isinstance(each.default, str | int | float):
        yield f"{name} {each.opts[-1]} is {each.default} if it is left out"


def exit_statuses() -> Iterator[str]:
    for name, value in vars(exit_status).items():
        if name.isupper() and isinstance(value, int):
            yield f"exit status {value:2} {name.lower().replace('_', ' ')}"


def series() -> Iterator[str]:
    families = {name: ("node", *labels) for name, (_, labels) in prometheus._SERIES.items()}
    for family in metrics._Watch([]).collect():
        total = "_total" if family.type == "counter" else ""
        families[f"{family.name}{total}"] = family._labelnames  # type: ignore[attr-defined]
    yield from (f"metric {name}{{{','.join(labels)}}}" for name, labels in families.items())


def json_fields() -> Iterator[str]:
    """The fields of what is written, as the schemas have them."""
    schemas = source("installed").schemas
    for file in schemas.roots():
        if schemas.is_output(file):
            for way, _ in x_since.fields(schemas, file):
                if way:
                    yield f"json {file.removesuffix(SUFFIX)} {field(way)}"


def test_ids() -> Iterator[str]:
    """The ids of the tests of the example, as pytest collects them."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "node-configs" / "example"
        folder.mkdir(parents=True)
        for name, text in EXAMPLE.items():
            (folder / name).write_text(text)
        command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "--node=example"]
        command += ["-p", "no:cacheprovider", "-c", "/dev/null", "--rootdir", scratch]
        done = subprocess.run(command, cwd=scratch, capture_output=True, text=True, check=False)
    found = [line for line in done.stdout.splitlines() if "::" in line]
    if done.returncode != 0 or not found:
        sys.exit(f"the tests of the example cannot be collected:\n{done.stdout}{done.stderr}")
    for line in found:
        path, _, name = line.partition("::")
        is_of_role = name.partition("[")[0] not in (*types(), "identity")
        yield f"test id {path}::{'ROLE[TEST]' if is_of_role else name}"
    for kind in types():
        yield f"test id node-configs/example/state.yaml::{kind}[NAME]"


def text() -> str:
    parts = (pytest_options, lambda: commands(cli), exit_statuses, series, json_fields, test_ids)
    lines = sorted({line for part in parts for line in part()})
    return HEAD + "".join(f"{line}\n" for line in lines)


def main() -> None:
    content = text()
    if "--check" not in sys.argv[1:]:
        FILE.parent.mkdir(parents=True, exist_ok=True)
        FILE.write_text(content, encoding="utf-8")
    elif not FILE.is_file() or FILE.read_text(encoding="utf-8") != content:
        sys.exit(f"stale, run `make generate`: {interface.FILE}")


if __name__ == "__main__":
    main()
