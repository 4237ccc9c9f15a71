"""`power-edge probe-script`."""

import sys
from pathlib import Path

import click

from power_edge.checking import check
from power_edge.checking.target import named
from power_edge.cli._node_name import NODE


@click.command("probe-script", short_help="Print the script that reads a node.")
@click.argument("node", metavar="NODE", type=NODE)
@click.pass_obj
def command(root: Path | None, node: str) -> None:
    """Print the script that reads a node: POSIX sh, self-contained, read-only.

    For a node that cannot be reached from here, carry it there and bring its answer back:

    \b
        power-edge probe-script rig-7 >probe.sh
        sh probe.sh >answer                    (on the node)
        power-edge check rig-7 --answers=answer
    """
    sys.stdout.buffer.write(
        check.script_for(named(node, root)).text().encode("utf-8", "surrogateescape")
    )
    sys.stdout.buffer.flush()  # here an error (a full disk) can still be reported
