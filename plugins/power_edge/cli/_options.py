"""Options that several commands have."""

from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path

import click

from power_edge.probing.connection import Options


def _existing(_: click.Context, __: click.Parameter, file: str | None) -> str | None:
    """Return the name of a file that must exist. ssh(1) takes `none` for no file."""
    if file not in (None, "none") and not Path(file).expanduser().exists():
        raise click.BadParameter(f"there is no file {file!r}")
    return file


def connection_options(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command testinfra's options about the connection to its TARGET, as pytest has them.

    The command is called with `options`, an Options.
    """

    @click.option(
        "--connection",
        metavar="BACKEND",
        help="testinfra's backend in place of ssh, such as paramiko (as in pytest).",
    )
    @click.option(
        "--hosts",
        metavar="HOST",
        help="For a node: its host, in place of its connection.yaml (as in pytest).",
    )
    @click.option(
        "--ssh-config", metavar="FILE", callback=_existing, help="An ssh_config (as in pytest)."
    )
    @click.option("--ssh-identity-file", metavar="FILE", help="A private key (as in pytest).")
    @click.option(
        "--sudo", is_flag=True, help="Run the probe as root, with sudo -n (as in pytest)."
    )
    @wraps(function)
    def command(
        *arguments: object,
        connection: str | None,
        hosts: str | None,
        ssh_config: str | None,
        ssh_identity_file: str | None,
        sudo: bool,
        **rest: object,
    ) -> None:
        options = Options(
            connection=connection,
            hosts=hosts,
            ssh_config=ssh_config,
            ssh_identity_file=ssh_identity_file,
            sudo=sudo,
        )
        function(*arguments, options=options, **rest)

    return command


def as_words(options: Options) -> Iterator[str]:
    """Yield the words of a command line that give these options again."""
    for name, value in options._asdict().items():
        option = f"--{name.replace('_', '-')}"
        if value is True:
            yield option
        elif value:
            yield f"{option}={value}"
