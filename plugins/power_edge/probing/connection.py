"""Which connection leads to a node: the options of the run, this machine, or connection.yaml.

The first that applies is taken, in this order; without any it is this machine.
"""

import re
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs, urlencode, urlsplit

from power_edge.identity import gate, identifiers
from power_edge.identity.identifiers import Expected
from power_edge.model.generated.connection_schema import Connection
from power_edge.probing.route import Route
from power_edge.text import without_password

_NAME = re.compile(
    r"([A-Za-z0-9_][A-Za-z0-9_.+-]*(:[^@\s]+)?@)?"  # user, password
    r"([A-Za-z0-9_][A-Za-z0-9_.-]*|\[[0-9A-Fa-f:.]+(%[A-Za-z0-9_.-]+)?\])"
    r"(:[0-9]{1,5})?"
)
"""[user[:password]@]host[:port], or a container.

No other % is allowed: testinfra decodes %2D, and ssh(1) takes a leading dash for an option.
"""

_LOCAL = "local://"

FILE_BACKENDS = ("local", "ssh", "paramiko", "docker", "podman", "kubectl", "lxc")
"""The backends that a connection.yaml may name.

Any other can be made to run a program on the operator's machine: ansible reads an ansible.cfg and
runs inventory scripts; salt and chroot take files that a stranger's branch could bring.
"""


class BadRoute(Exception):
    """Options, or a connection.yaml, that name no connection; the text says what would."""


class Options(NamedTuple):
    """testinfra's own options, as given for the whole run."""

    connection: str | None = None
    hosts: str | None = None
    ssh_config: str | None = None
    ssh_identity_file: str | None = None
    ssh_extra_args: str | None = None
    sudo: bool = False
    sudo_user: str | None = None


def find_route(connection: Connection | None, expected: Expected | None, options: Options) -> Route:
    """Return the route to a node.

    `connection` is its connection.yaml, `expected` its identity on file; None without one. Raises
    BadRoute if the options, or connection.yaml, name no connection.
    """
    try:
        url = _url(connection, expected, options)
        parts = urlsplit(url)
    except ValueError as error:
        ipv6_error = "Invalid IPv6 URL"  # some of its other messages quote the URL
        why = ipv6_error if str(error) == ipv6_error else "it has characters that no URL may have"
        raise BadRoute(f"names no host: {why}") from None
    _check_backend(parts.scheme)
    query = parse_qs(parts.query)
    rest = urlencode(
        {name: values for name, values in query.items() if name not in ("sudo", "sudo_user")},
        doseq=True,
    )
    if parts.scheme != "local" and not _NAME.fullmatch(parts.netloc):
        # A / or ? in a password ends the host part early: only the whole URL shows where the
        # password ends.
        is_unclear = not parts.netloc or url.count("@") != parts.netloc.count("@")
        raise BadRoute(f"{without_password(url if is_unclear else parts.netloc)!r} names no host")
    if parts.path.strip("/"):
        raise BadRoute(f"{without_password(url)!r} contains a path: remove it")
    return Route(
        url=f"{parts.scheme}://{parts.netloc}" + (f"?{rest}" if rest else ""),
        ssh_config=options.ssh_config,
        ssh_identity_file=options.ssh_identity_file,
        ssh_extra_args=options.ssh_extra_args,
        sudo=options.sudo or query.get("sudo") == ["true"],
        sudo_user=options.sudo_user or query.get("sudo_user", [None])[0],
    )


def _check_backend(name: str) -> None:
    if name in ("local", "ssh"):
        return  # without the import, which takes 20 ms
    from testinfra.backend import BACKENDS

    if name not in BACKENDS:
        raise BadRoute(
            f"{name!r} is not a testinfra backend (--connection): write {', '.join(BACKENDS)}"
        )
    if name == "paramiko" and find_spec("paramiko") is None:
        raise BadRoute(
            "paramiko, testinfra's default, is not installed: install power-edge[paramiko],"
            " or give --connection=ssh"
        )


def _url(connection: Connection | None, expected: Expected | None, options: Options) -> str:
    named = _on_file(connection)
    if options.hosts:
        if "," in options.hosts:
            raise BadRoute(
                "--hosts is for one node: give one host, or write a connection.yaml for each node"
            )
        return (
            options.hosts
            if "://" in options.hosts
            else f"{options.connection or 'paramiko'}://{options.hosts}"
        )
    if options.connection == "local":
        return _LOCAL
    if options.connection:
        if named is None:
            raise BadRoute(
                f"--connection={without_password(options.connection)} needs a host:"
                " give --hosts, or write connection.yaml"
            )
        return f"{options.connection}://{urlsplit(named).netloc}"
    if named is None or (expected is not None and is_this_machine(expected)):
        return _LOCAL
    return named


def _on_file(connection: Connection | None) -> str | None:
    if connection is None:
        return None
    if connection.url is not None:
        backend = connection.url.partition(":")[0]
        # The schema says so too; this is for a Connection that came by no schema.
        if backend not in FILE_BACKENDS:
            raise BadRoute(
                f"connection.yaml cannot name the backend {backend}:"
                f" give --hosts={without_password(connection.url)} if you trust it"
            )
        return connection.url
    if connection.ssh is None:
        return None
    ssh = connection.ssh
    host = f"[{ssh.host}]" if ":" in ssh.host else ssh.host
    return (
        "ssh://"
        + (f"{ssh.user}@" if ssh.user else "")
        + host
        + (f":{ssh.port}" if ssh.port else "")
    )


def is_this_machine(expected: Expected) -> bool:
    """Return whether this machine shows the identifier that decides, and none that differs."""
    files = {
        "machine-id": "/etc/machine-id",
        "product-uuid": "/sys/class/dmi/id/product_uuid",
        "board-serial": "/sys/class/dmi/id/board_serial",
    }
    readings = {}
    for kind in expected.hashes:
        try:
            readings[kind] = identifiers.Reading(
                "ok",
                identifiers.digest(
                    expected.os, kind, Path(files[kind]).read_text(encoding="ascii")
                ),
            )
        except (OSError, KeyError, UnicodeDecodeError):
            readings[kind] = identifiers.Reading("unreadable")
    return gate.judge(expected._replace(require_match=True), readings, "").open
