"""The command `power-edge`: what there is to do with a configuration beside checking its node, which is pytest's."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from power_edge import check, gate
from power_edge.config import ConfigError, Node, find_node_configs, load_node, names, nodes, schema, select
from power_edge.config.folders import NODE_CONFIGS
from power_edge.probing.route import BadRoute, Options
from power_edge.probing.transport import Unreachable
from power_edge.report.terminal import printable

INTERNAL_ERROR = 3
USAGE_ERROR = 4
_SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


@click.group(context_settings=_SETTINGS, epilog="A node is checked with: pytest --node=NODE")
@click.version_option(package_name="power-edge", message="%(package)s %(version)s")
@click.option("--node-configs", metavar="DIR", type=click.Path(path_type=Path), help="The folder of nodes (default: node-configs/ here or above).")
@click.pass_context
def cli(context: click.Context, node_configs: Path | None) -> None:
    """Check that a Linux machine is what its configuration says it is."""
    context.obj = node_configs.absolute() if node_configs is not None else find_node_configs(Path.cwd())


@cli.command(short_help="Check the configuration; no node is touched.")
@click.argument("patterns", metavar="[NODE]...", nargs=-1)
@click.pass_obj
def validate(root: Path | None, patterns: Sequence[str]) -> None:
    """Load and judge the configuration of nodes (all by default); no node is touched.

    NODE may be a glob, such as 'rig-*'. Each problem is told with its file, line and column. Exits with 4 when there is one.
    """
    broken = False
    for folder in select(root, patterns) if patterns else nodes(_there(root)):
        try:
            node = load_node(folder)
        except ConfigError as error:
            broken = True
            click.echo(str(error), err=True)
        else:
            click.echo(f"{node.name}: {len(node.items)} items")
    if broken:
        raise SystemExit(USAGE_ERROR)


@cli.command(short_help="Print the script that reads a node.")
@click.argument("node", metavar="NODE")
@click.pass_obj
def plan(root: Path | None, node: str) -> None:
    """Print the script that reads a node: POSIX sh, self-contained, read-only.

    Where there is no way in, carry it there and bring its answer back:

    \b
        power-edge plan rig-7 >probe.sh
        sh probe.sh >answer                    (on the node)
        pytest --node=rig-7 --answers=answer
    """
    sys.stdout.buffer.write(check.plan_for(_one(root, node)).script().encode("utf-8", "surrogateescape"))
    sys.stdout.buffer.flush()  # here, where a full disk can still be told


@cli.command(short_help="Make a node of this machine.")
@click.argument("name", metavar="[NODE]", required=False)
@click.option("--on", "existing", metavar="NODE", help="Record the identity of this node of node-configs/, over the way that leads to it.")
@click.option("--connection", metavar="BACKEND", help="With --on: testinfra's backend, such as ssh (as pytest's).")
@click.option("--hosts", metavar="HOST", help="With --on: where the node is (as pytest's).")
@click.option("--ssh-config", metavar="FILE", help="With --on: an ssh_config (as pytest's).")
@click.option("--ssh-identity-file", metavar="FILE", help="With --on: a private key (as pytest's).")
@click.option("--sudo", is_flag=True, help="With --on: run all of it as root (as pytest's).")
@click.pass_obj
def record(root: Path | None, /, name: str | None, existing: str | None, **options: Any) -> None:
    """Record this machine as a node, and print the node's name.

    Writes node-configs/NODE/ (by default NODE is the host name) with the machine's identity, and a small state.yaml of what is true of it. Where
    this machine is a node already, nothing is written. What there is to say goes to stderr, so that a script can go on with the name:

    \b
        pytest --node="$(power-edge record)"

    With --on it is another machine's identity alone that is recorded, for a node whose state.yaml is there. Exits with 11 where that cannot be
    reached, and with 12 where it shows no identity.
    """
    from power_edge.record import NoIdentity, Recorded, record, record_on

    if existing is None and any(options.values()):
        raise click.UsageError("the ways to a node go with --on NODE; without it this machine is recorded")
    if existing is not None and name is not None:
        raise click.UsageError("give NODE for this machine, or --on NODE for another")
    try:
        if existing is None:
            recorded = record(root if root is not None else Path.cwd() / NODE_CONFIGS, name)
        else:
            node = _one(root, existing)
            file = record_on(node, Options(**{option: value for option, value in options.items() if value}))
            recorded = Recorded(node.name, (f"recorded {NODE_CONFIGS}/{node.name}/{file.name}",))
    except BadRoute as error:
        raise click.UsageError(str(error)) from None
    except OSError as error:
        raise click.ClickException(f"{NODE_CONFIGS}/ cannot be written: {error.strerror}") from None
    except Unreachable as error:
        click.echo(f"Error: unreachable: {printable(str(error))}", err=True)
        raise SystemExit(gate.UNREACHABLE) from None
    except NoIdentity as error:
        click.echo(f"Error: {error}; to check it all the same, write `validation: {{require_match: false}}`", err=True)
        raise SystemExit(gate.WRONG_MACHINE) from None
    for line in recorded.told:
        click.echo(line, err=True)
    click.echo(recorded.node)


@cli.command("schema", short_help="Print a schema as JSON, for editors.")
@click.argument("name", metavar="NAME", type=click.Choice(names()))
def print_schema(name: str) -> None:
    """Print a schema as JSON, for editors and other tools: state is merged of all resource types."""
    import json

    click.echo(json.dumps(schema(name), indent=2, ensure_ascii=False))


def _there(root: Path | None) -> Path:
    if root is None or not nodes(root):
        select(root, ["*"])
    assert root is not None
    return root


def _one(root: Path | None, name: str) -> Node:
    folders = select(root, [name])
    if len(folders) > 1:
        raise click.UsageError(f"{name} matches {len(folders)} nodes: name one")
    return load_node(folders[0])


def main() -> None:
    """Run the command. Exits with the numbers that pytest and checks use: 0, or 4 for bad options and unusable configuration."""
    try:
        status = cli.main(standalone_mode=False)
        raise SystemExit(status if isinstance(status, int) else 0)
    except ConfigError as error:
        click.echo(f"Error: {error}", err=True)
        raise SystemExit(USAGE_ERROR) from None
    except click.ClickException as error:
        error.show()
        raise SystemExit(USAGE_ERROR) from None
    except click.Abort:
        raise SystemExit(130) from None
    except OSError as error:
        click.echo(f"Error: {error.strerror or error}", err=True)
        # Python would flush once more at the end, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(INTERNAL_ERROR) from None
