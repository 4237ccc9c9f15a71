"""`power-edge install-service`."""

import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from shlex import join

import click

from power_edge import atomic_file, exit_status, package_data, watch_unit
from power_edge.checking.check import route_to
from power_edge.cli._node_name import NODE
from power_edge.cli._writing import advising
from power_edge.config import load_node, select
from power_edge.config.role_suites import suites_of
from power_edge.probing.connection import Options
from power_edge.probing.process import Lifeline, run
from power_edge.text import printable, quoted

FOLDER = Path("/etc/systemd/system")
_DROP_INS = ("ssh", "iptables-legacy", "audit", "suites")
"""Files of the template's folder of drop-ins. Each is for some nodes."""
_LEGACY = (Path("/proc/net/ip_tables_names"), Path("/proc/net/ip6_tables_names"))
"""Files that name the tables of iptables-legacy, if there are any."""
_AUDIT, _CONTAINER = Path("/proc/self/loginuid"), Path("/run/systemd/container")
"""Exists if the kernel has an audit subsystem; also in a container, which cannot use it."""
_BOOTED = Path("/run/systemd/system")
"""Exists if systemd runs this machine (sd_booted(3))."""
_OURS = "# Written by power-edge install-service; see https://github.com/power-edge/power-edge\n"
"""The first line of what this command has written. It changes and removes nothing else."""
_NAME = re.compile(r"[A-Za-z0-9_.@-]+")
"""Instance names that need no escaping. With an escaped one (a blank, +) the unit could not pass on
the node's name."""
_LONGEST = 255 - len("power-edge-watch@.service")
_ESCAPES = {
    "\\": "\\\\",  # the first: the others bring backslashes
    "%": "%%",
    "$": "$$",
    '"': '\\"',
    "'": "\\'",
    " ": "\\x20",
    ";": "\\x3b",
}
_NODE_CONFIGS = "/etc/power-edge/node-configs"
"""What the template has in place of the folder of nodes."""


@click.command("install-service", short_help="Let systemd watch a node (pytest --watch).")
@click.argument("name", metavar="NODE", type=NODE)
@click.option("--dry-run", is_flag=True, help="Print what would be written and run; do neither.")
@click.option("--remove", is_flag=True, help="Stop the watch, and remove its unit.")
@click.pass_obj
def command(root: Path | None, /, *, name: str, dry_run: bool, remove: bool) -> int:
    """Let systemd watch a node from now on: `pytest --node=NODE --watch` as a service.

    Writes power-edge-watch@NODE.service into /etc/systemd/system, with the paths of this
    installation and of node-configs/, then enables and starts it. Run it as root.

    \b
        sudo power-edge install-service rig-7
        power-edge install-service rig-7 --dry-run
        sudo power-edge install-service rig-7 --remove
        journalctl -f -u power-edge-watch@rig-7

    Drift is appended to /var/log/power-edge/NODE.jsonl. docs/watch.md has the details. Exits with
    3 if systemctl fails.
    """
    unit = _unit(name)
    file = FOLDER / unit
    drop_ins = {name: FOLDER / f"{unit}.d" / f"50-power-edge-{name}.conf" for name in _DROP_INS}
    if remove:
        return _remove(unit, [file, *drop_ins.values()], dry_run=dry_run)
    files = {file: _text(name, root)}
    for wanted in _wanted(name, root):
        text = package_data.text(f"deploy/systemd/{watch_unit.TEMPLATE}.d/{wanted}.conf")
        files[drop_ins[wanted]] = _OURS + text
    commands = [["systemctl", "daemon-reload"], ["systemctl", "enable", unit]]
    # Not `enable --now`: a unit that runs already is to run as it is written now.
    commands.append(["systemctl", "restart", unit])
    _refuse_foreign(file, *drop_ins.values())
    if dry_run:
        for path, text in files.items():
            click.echo(f"# would write {path}:\n{_shown(text)}")
        _announce(commands)
        return exit_status.COMPLIANT
    _need_root("write to")
    if not _BOOTED.exists():
        raise click.ClickException(
            f"systemd does not run this machine (there is no {_BOOTED}): let another service"
            f" manager run `pytest --node={name} --watch`"
        )
    # The unit is last: it never runs without what it needs.
    with advising():
        for path, text in reversed(files.items()):
            atomic_file.make_folder(path.parent)
            atomic_file.write(path, text.encode())
        _remove_files(*(path for path in drop_ins.values() if path not in files))
    return _run(commands) or _done(f"{unit} is enabled and watches {name}")


def _remove(unit: str, files: Sequence[Path], *, dry_run: bool) -> int:
    if not os.path.lexists(files[0]):
        raise click.ClickException(f"there is no {files[0]}: nothing to remove")
    _refuse_foreign(*files)
    before, after = [["systemctl", "disable", "--now", unit]], [["systemctl", "daemon-reload"]]
    if dry_run:
        _announce(before)
        for path in files:
            if os.path.lexists(path):
                click.echo(f"# would remove {path}")
        _announce(after)
        return exit_status.COMPLIANT
    _need_root("remove from")
    done = f"{unit} is removed; what it reported stays in /var/log/power-edge"
    if not _BOOTED.exists():  # nothing runs then, and systemctl fails
        _remove_files(*files)
        return _done(done)
    if status := _run(before):
        return status
    _remove_files(*files)
    # A unit that had failed is known until then.
    run(["systemctl", "reset-failed", unit], b"", Lifeline())
    return _run(after) or _done(done)


def _unit(name: str) -> str:
    if not _NAME.fullmatch(name) or len(name) > _LONGEST:
        raise click.ClickException(
            f"{quoted(name)} cannot be the name of a unit's instance: rename the node, with"
            " ASCII letters, digits and _ . @ - alone"
        )
    return f"power-edge-watch@{name}.service"


def _text(name: str, root: Path | None) -> str:
    """Return a unit for a node, with the paths of this installation.

    Raises ConfigError if there is no such node, or it cannot be used.
    """
    folder = _folder(name, root)
    load_node(folder)
    # systemd replaces no variables in the word that names the program.
    packed = _packed()
    program = _word(packed or sys.executable).replace("$$", "$")
    make = watch_unit.with_program if packed else watch_unit.with_python
    text = make(watch_unit.template(), program)
    return _OURS + text.replace(_NODE_CONFIGS, _word(str(folder.parent)))


def _packed() -> str | None:
    """Return the path of power-edge.pyz if this runs from one (a deb and an rpm have one).

    Its Python is in a cache, where the next version is not.
    """
    # The variable may be inherited from another program's pex.
    return os.environ.get("PEX") if (Path(sys.prefix) / "PEX-INFO").is_file() else None


def _folder(name: str, root: Path | None) -> Path:
    # Unit names contain no glob characters.
    (folder,) = select(root, [name])
    return folder


def _wanted(name: str, root: Path | None) -> Iterator[str]:
    """Yield the drop-ins that a node needs: for another machine, or for what this one has."""
    node = load_node(_folder(name, root))
    route = route_to(node, Options())
    if not route.url.startswith("local:"):
        yield "ssh"
        return
    if any(map(_has_text, _LEGACY)):
        yield "iptables-legacy"
    if _AUDIT.exists() and not _CONTAINER.exists():
        yield "audit"
    if suites_of(node):
        yield "suites"


def _has_text(file: Path) -> bool:
    with suppress(OSError):
        return bool(file.read_bytes().strip())
    return False


def _word(path: str) -> str:
    """Return a path as part of a word in ExecStart= (systemd.service(5), COMMAND LINES)."""
    if not path.isprintable():
        raise click.ClickException(
            f"a unit cannot hold the path {quoted(path, 200)}: rename the folder"
        )
    for character, escaped in _ESCAPES.items():
        path = path.replace(character, escaped)
    return path


def _refuse_foreign(*files: Path) -> None:
    """Raise ClickException if one of these exists and was not written by this command."""
    for file in files:
        if not os.path.lexists(file):
            continue
        with suppress(OSError, UnicodeDecodeError):
            if not file.is_symlink() and file.read_text(encoding="utf-8").startswith(_OURS):
                continue
        raise click.ClickException(
            f"{file} exists and was not written by this command: remove it, or manage that watch"
            " yourself"
        )


def _need_root(what: str) -> None:
    if os.geteuid() != 0:
        words = [os.path.abspath(sys.argv[0]), *sys.argv[1:]]  # noqa: PTH100 the link itself
        raise click.ClickException(f"only root may {what} {FOLDER}: sudo {join(words)}")


def _remove_files(*files: Path) -> None:
    for file in files:
        file.unlink(missing_ok=True)
    for file in files:
        if file.parent != FOLDER:
            with suppress(OSError):  # somebody else's drop-ins stay
                file.parent.rmdir()


def _announce(commands: Sequence[Sequence[str]]) -> None:
    for words in commands:
        click.echo(f"# would run: {join(words)}")


def _run(commands: Sequence[Sequence[str]]) -> int:
    """Run commands up to the first that fails, and report it. Returns an exit status."""
    for words in commands:
        ended = run(words, b"", Lifeline())
        if ended.status:
            for line in ended.stderr.decode(errors="replace").splitlines():
                click.echo(printable(line), err=True)
            click.echo(f"Error: {join(words)} failed with {ended.status}", err=True)
            return exit_status.INTERNAL_ERROR
    return exit_status.COMPLIANT


def _done(message: str) -> int:
    click.echo(message, err=True)
    return exit_status.COMPLIANT


def _shown(text: str) -> str:
    """Return some lines without what a terminal obeys."""
    return "\n".join(map(printable, text.split("\n")))
