"""`power-edge mends`."""

from pathlib import Path

import click

from power_edge.checking import check
from power_edge.checking.target import named
from power_edge.cli._node_name import NODE
from power_edge.cli._options import connection_options
from power_edge.cli._progress import wait_for
from power_edge.model import Outcome
from power_edge.probing.connection import Options
from power_edge.text import printable


@click.command("mends", short_help="Print what ends the drift of a node, as a script.")
@click.argument("node", metavar="NODE", type=NODE)
@connection_options
@click.pass_obj
def command(root: Path | None, /, *, node: str, options: Options) -> None:
    """Check a node, and print the commands that end its drift as one script of sh.

    Nothing is run. Read the script, then run it as root on the node:

    \b
        power-edge mends rig-7 >mends.sh
        less mends.sh
        ssh root@rig-7 sh <mends.sh

    The commands come in an order that works: packages, files, sysctl, services, firewall; last what
    could cut your own connection. A comment above each says which item it is for, and why. What no
    command can end is a comment alone. On any machine but the one that was checked, the script
    stops before the first command.

    Exits with 11 if the node is unreachable, and with 12 if another machine answers.
    """
    from power_edge.report.mend_script import Machine, Step, script
    from power_edge.report.record import record
    from power_edge.report.terminal import differences
    from power_edge.resources import turn

    loaded = named(node, root)
    checked = check.wait_by(loaded, lambda: wait_for(check.ask([loaded], options)[loaded.name]))
    if not checked.gate.open:
        click.echo(f"Error: {printable(checked.gate.why or '')}; there is no script", err=True)
        raise SystemExit(checked.gate.status)
    results = [checked.result(item) for item in loaded.items]
    steps = [
        Step(record(result), differences(result), result.remedy.commands)
        for result in results
        if result.outcome is not Outcome.COMPLIANT
    ]
    click.echo(script(Machine(loaded.name, *checked.shown), steps, turn), nl=False)
