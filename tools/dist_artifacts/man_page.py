"""Prints power-edge(1), made from what the commands say of themselves.

Runs inside the program that was built (PEX_INTERPRETER=1): arguments are the version, and the time
of the build in seconds.
"""

import sys
from datetime import UTC, datetime

import click

from power_edge.cli import cli

STATUSES = (
    (0, "All is as declared."),
    (1, "Something differs from its declaration."),
    (3, "A file cannot be written, or an internal error."),
    (4, "An option or a configuration cannot be used."),
    (10, "Something is unknown: it could not be read or decided."),
    (11, "A machine cannot be reached."),
    (12, "A machine is not the one on file."),
)
FILES = (
    ("node-configs/", "The nodes: in the current folder, or the nearest above it."),
    ("/etc/power-edge/node-configs/", "The nodes of the unit power-edge-watch@.service."),
    ("/var/cache/power-edge/", "What the program unpacks for root. It may be removed."),
    ("/var/lib/power-edge/, /var/log/power-edge/", "What a watch reports."),
)


def page(version: str, epoch: int) -> str:
    """Return the page as roff."""
    day = datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%d")
    lines = [
        f'.TH POWER-EDGE 1 "{day}" "Power Edge {_escaped(version)}" "User Commands"',
        ".SH NAME",
        r"power\-edge \- check that a machine is what its configuration says it is",
        ".SH SYNOPSIS",
        r".B power\-edge",
        ".I COMMAND",
        "[OPTION]...",
        ".SH COMMANDS",
        "Each command describes itself:",
        r".B power\-edge COMMAND \-\-help",
    ]
    context = click.Context(cli)
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        if command is not None and not command.hidden:
            lines += [".TP", f".B {_escaped(name)}", _escaped(command.get_short_help_str(200))]
    lines += [".SH EXIT STATUS"]
    for status, meaning in STATUSES:
        lines += [".TP", f".B {status}", _escaped(meaning)]
    lines += [".SH FILES"]
    for path, meaning in FILES:
        lines += [".TP", f".I {_escaped(path)}", _escaped(meaning)]
    lines += [".SH SEE ALSO", r"https://github.com/power\-edge/power\-edge"]
    return "\n".join([*lines, ""])


def _escaped(text: str) -> str:
    text = text.replace("\\", r"\e").replace("-", r"\-")
    return rf"\&{text}" if text.startswith((".", "'")) else text


if __name__ == "__main__":
    print(page(sys.argv[1], int(sys.argv[2])), end="")
