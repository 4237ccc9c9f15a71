"""The TARGET of a command: this machine, a node by its name, or any machine by its address."""

import socket
from contextlib import suppress
from ipaddress import IPv6Address
from pathlib import Path
from typing import NamedTuple

from power_edge.checking import check
from power_edge.config import ConfigError, Node, load_node, nodes, select
from power_edge.config.error import refuse
from power_edge.config.node_configs import NODE_CONFIGS
from power_edge.probing.connection import BadRoute, Options, find_route
from power_edge.probing.route import Route
from power_edge.probing.script import Timeouts
from power_edge.text import quoted, without_password

THIS_MACHINE = "this machine"
_HINT = "write a machine that is not a node as user@host or ssh://host"
_HINT_HERE = "for this machine, give no TARGET"


class Target(NamedTuple):
    """A machine to be read: its route, its deadlines, and its node if it was named by one."""

    route: Route
    timeouts: Timeouts
    node: Node | None
    name: str
    """For display: the node's name, `user@host` or the URL as given, or `this machine`."""


def target(text: str | None, root: Path | None, options: Options) -> Target:
    """Return the machine that a command's TARGET means. `root` is node-configs/, None if there is
    none.

    None is this machine. The name of a node is that node, over its own route or the one of
    `options`. Any other text with :// is a URL of testinfra, and with @ an ssh destination.

    Raises ConfigError for any other word (with the nearest names) and for a node that does not
    load, BadRoute if the route cannot be used.
    """
    if text is None:
        _no_hosts(options)
        return Target(find_route(None, None, options), Timeouts(), None, THIS_MACHINE)
    if "://" in text or ("@" in text and not _is_node(text, root)):
        return Target(_route(text, options), Timeouts(), None, without_password(text))
    try:
        node = named(text, root, with_derived=False)
    except ConfigError as error:
        if _is_node(text, root):
            raise
        hint = _HINT_HERE if text in ("localhost", socket.gethostname()) else _HINT
        raise ConfigError(
            problem._replace(hint="; ".join(filter(None, (hint, problem.hint))))
            for problem in error.problems
        ) from None
    return Target(check.route_to(node, options), check.timeouts(node), node, node.name)


def named(name: str, root: Path | None, *, with_derived: bool = True) -> Node:
    """Return the one node that a name or a glob matches; `with_derived` as for load_node.

    Raises ConfigError if it matches none or several, or if the node does not load.
    """
    folders = select(root, [name])
    if len(folders) > 1:
        raise refuse(
            NODE_CONFIGS,
            f"{without_password(name)} matches {len(folders)} nodes",
            "name one of them",
        )
    return load_node(folders[0], with_derived=with_derived)


def _is_node(text: str, root: Path | None) -> bool:
    return root is not None and root.is_dir() and any(folder.name == text for folder in nodes(root))


def _route(text: str, options: Options) -> Route:
    _no_hosts(options)
    if "://" not in text:
        text = f"{options.connection or 'ssh'}://{_bracketed(text)}"
    elif options.connection:
        raise BadRoute(
            f"{quoted(without_password(text))} already names its backend: remove --connection"
        )
    return find_route(None, None, options._replace(connection=None, hosts=text))


def _no_hosts(options: Options) -> None:
    if options.hosts:
        raise BadRoute(
            "--hosts needs the name of a node as TARGET: without a node, write the URL as TARGET"
        )


def _bracketed(destination: str) -> str:
    """Return an ssh destination with its IPv6 address in brackets, as a URL needs it. ssh(1) takes
    the address without.
    """
    user, _, host = destination.rpartition("@")
    with suppress(ValueError):
        return f"{user}@[{IPv6Address(host)}]"
    return destination
