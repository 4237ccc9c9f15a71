"""The command `power-edge`. Each of its commands is a module, found by being there."""

import os
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import click

from power_edge import exit_status
from power_edge.config import ConfigError, find_node_configs
from power_edge.own_version import own_version
from power_edge.probing.connection import BadRoute
from power_edge.probing.failure import NotAsked, Unreachable
from power_edge.text import did_you_mean, printable, quoted, without_password

_SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


def _take(context: click.Context, _: click.Parameter, folder: Path | None) -> None:
    if folder is not None:
        context.obj = folder.absolute()


def _show_version(context: click.Context, _: click.Parameter, is_given: bool) -> None:
    if is_given:
        click.echo(f"power-edge {own_version()}")
        context.exit()


_node_configs = click.option(
    "--node-configs",
    metavar="DIR",
    type=click.Path(path_type=Path),
    expose_value=False,
    callback=_take,
    help="The folder of nodes (default: node-configs/ here or above).",
)
"""Accepted before and after the command, because messages quote it in pytest's form."""


def _modules() -> dict[str, str]:
    """Return the module of each command, by the name of the command."""
    modules = (each.name for each in iter_modules(__path__) if not each.name.startswith("_"))
    return {name.rstrip("_").replace("_", "-"): name for name in modules}


_RENAMED = {"plan": "probe-script", "record": "init"}

MEANT = {
    **dict.fromkeys(("run", "test", "verify", "scan"), "check NODE"),
    "watch": "check NODE --watch",
    **dict.fromkeys(("list", "ls", "inventory"), "nodes"),
    **dict.fromkeys(("fix", "apply", "remediate", "repair", "converge"), "mends NODE"),
    **dict.fromkeys(("accept", "sync"), "adopt NODE"),
    **dict.fromkeys(("add", "onboard"), "discover TARGET"),
    "lint": "validate",
    **dict.fromkeys(("info", "show", "facts"), "about TARGET"),
    **dict.fromkeys(("diff", "review"), "gate"),
}
"""Words of other tools for a command -> what does it here."""


class _Commands(click.Group):
    """The commands, each imported when it is needed; an old name is an error that gives
    the new one.
    """

    def list_commands(self, _: click.Context) -> list[str]:
        return sorted(_modules())

    def get_command(self, _: click.Context, cmd_name: str) -> click.Command | None:
        module = _modules().get(cmd_name)
        if module is None:
            return None
        if cmd_name not in self.commands:
            command: click.Command = import_module(f"{__name__}.{module}").command
            self.add_command(_node_configs(command))
        return self.commands[cmd_name]

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name in _RENAMED:
            raise click.UsageError(f"{name} is now: power-edge {_RENAMED[name]}", ctx)
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            meant = MEANT.get(name.lower())
            hint = (
                f"see: power-edge {meant}" if meant else did_you_mean(name, self.list_commands(ctx))
            )
            raise click.UsageError(
                f"there is no command {quoted(name)}{f' ({hint})' if hint else ''}", ctx
            )
        return super().resolve_command(ctx, args)


@click.group(cls=_Commands, context_settings=_SETTINGS)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version and exit.",
)
@_node_configs
@click.pass_context
def cli(context: click.Context) -> None:
    """Check that a Linux machine is what its configuration says it is."""
    if context.obj is None:
        context.obj = find_node_configs(Path.cwd())


def main() -> None:
    """Run the command.

    Exits with the numbers that pytest and checks use: 0; 2 after Ctrl-C; 4 for bad options
    and unusable configuration; 11 for an unreachable machine; 10 if this machine ran out of files
    or processes and asked nothing; 3 for a file that cannot be written.
    """
    try:
        status = cli.main(standalone_mode=False)
        raise SystemExit(status if isinstance(status, int) else 0)
    except (ConfigError, BadRoute) as error:
        _end(str(error), exit_status.USAGE_ERROR)
    except Unreachable as error:
        _end(f"unreachable: {error}", exit_status.UNREACHABLE)
    except NotAsked as error:
        _end(str(error), exit_status.UNKNOWN)
    except click.ClickException as error:
        error.message = _by_line(error.message)  # type: ignore[misc]  # Final for subclasses
        error.show()
        raise SystemExit(exit_status.USAGE_ERROR) from None
    except click.Abort:
        click.echo("Error: interrupted", err=True)
        raise SystemExit(exit_status.INTERRUPTED) from None
    except OSError as error:
        place = f"{os.fsdecode(error.filename)}: " if error.filename is not None else ""
        click.echo(f"Error: {_by_line(f'{place}{error.strerror or error}')}", err=True)
        # Python flushes stdout once more at the end, and would complain.
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(exit_status.INTERNAL_ERROR) from None


def _end(message: str, status: int) -> None:
    click.echo(f"Error: {_by_line(message)}", err=True)
    raise SystemExit(status) from None


def _by_line(message: str) -> str:
    """Return a message without what a terminal obeys, and without passwords.

    click quotes the words of the command line, and these may hold passwords.
    """
    for word in sys.argv[1:]:
        value = word.partition("=")[2] if word.startswith("--") else word
        message = (
            message.replace(value, without_password(value))
            if "@" in value or "://" in value
            else message
        )
    return "\n".join(map(printable, message.split("\n")))
