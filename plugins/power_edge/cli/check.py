"""`power-edge check`."""

import sys
from pathlib import Path

import click

from power_edge.cli._node_name import NODE


class _PassedOn(click.Command):
    """A command that hands all its words to pytest, except a request for help."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        options = args[: args.index("--")] if "--" in args else args
        if any(word in ctx.help_option_names for word in options):
            return super().parse_args(ctx, ["--help"])
        ctx.params["words"] = tuple(args)
        return []


@click.command("check", cls=_PassedOn, short_help="Check nodes: what pytest --node=NODE does.")
@click.argument("words", metavar="[NODE]... [OPTION]... [-- PATH...]", nargs=-1, type=NODE)
@click.pass_obj
def command(root: Path | None, words: tuple[str, ...]) -> None:
    """Check nodes: what `pytest --node=NODE` does, where no pytest command is installed (pipx, uv
    tool).

    NODE is the name of a node, or a glob such as 'rig-*'. Without one, the node that is this
    machine is checked, or all that --node-role, --node-tag, --node-site and --node-environment
    select. OPTION is any option of pytest and its plugins. PATH is a test file, a
    folder or a test id that is run as well.

    \b
        power-edge check                      (the node that is this machine)
        power-edge check rig-7 --lf           (only what failed the last time)
        power-edge check 'rig-*' -q -k 'services and not cron'
        power-edge check rig-7 --answers=answer
        power-edge check 'rig-*' --junitxml=report.xml
        power-edge check rig-7 -- tests/smoke

    Power Edge's own options are --answers=FILE, --max-age=AGE, --prometheus-textfile=FILE and
    --node-configs=DIR. With --watch it waits for changes until Ctrl-C; --event-log=FILE and
    --metrics-listen=HOST:PORT report them. --hosts, --connection, --ssh-config,
    --ssh-identity-file and --sudo say how to connect. pytest's options: https://docs.pytest.org.

    Exits with 0 if all is compliant, 1 for a drift, 10 if something is unknown, 11 if a node is
    unreachable, 12 if another machine answered, 4 for a wrong option or configuration.
    """
    from power_edge.pytest_integration.check_main import run

    folder = [f"--node-configs={root}"] if root is not None else []
    # Commands drop what nobody reads any more; our pytest plugin sees to that itself.
    sys.stdout.flush()
    sys.stdout = sys.__stdout__
    run([*folder, *words])
