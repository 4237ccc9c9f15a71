"""`power-edge check`."""

import os
import sys
from pathlib import Path

import click

from power_edge.cli._node_name import NODE

_PLUGINS = ("power_edge.pytest_plugin", "power_edge.pytest_integration.check_words")
"""Named with -p, so that they are loaded once each, also where no entry point brings them in
(PYTEST_DISABLE_PLUGIN_AUTOLOAD)."""

_MAIN = "power_edge.pytest_integration.check_main"
_QUIET = ("-W", "ignore:Module already imported so cannot be rewritten; power_edge")
"""No assertion of ours is rewritten by name; _MAIN is imported before pytest could do it."""


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
    plugins = [word for name in _PLUGINS for word in ("-p", name)]
    folder = [f"--node-configs={root}"] if root is not None else []
    sys.stdout.flush()
    # -P: nothing in the current folder takes the place of a module, as with the pytest command.
    # In place of this process: signals, terminal and exit status are pytest's own.
    argv = [sys.executable, "-P", "-m", _MAIN, *_QUIET, *plugins, *folder, *words]
    os.execv(sys.executable, argv)
