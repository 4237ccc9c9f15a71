"""Which way leads to a node: the options of the run, then this machine itself, then the node's
connection.yaml.
"""

import re
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs, urlencode, urlsplit

from power_edge.identity import gate, identifiers
from power_edge.identity.identifiers import Expected
from power_edge.model.generated.connection_schema import Connection
from power_edge.probing.transport import Route
from power_edge.text import without_password

_NAME = re.compile(
    r"([A-Za-z0-9_][A-Za-z0-9_.+-]*(:[^@\s]+)?@)?"  # user, password
    r"([A-Za-z0-9_][A-Za-z0-9_.-]*|\[[0-9A-Fa-f:.]+(%[A-Za-z0-9_.-]+)?\])"
    r"(:[0-9]{1,5})?"
)
"""[user[:password]@]host[:port], or a container.

No other %: testinfra resolves %2D, and ssh(1) takes a leading dash for an option.
"""

_LOCAL = "local://"

FILE_BACKENDS = ("local", "ssh", "paramiko", "docker", "podman", "kubectl", "lxc")
"""The backends that a connection.yaml may name.

Any other can be made to run a program on the operator's machine: ansible reads an ansible.cfg and
runs inventory scripts, salt and chroot take files that a stranger's branch could bring.
"""


class BadRoute(Exception):
    """Options that name no way to a node; the text says what would."""


class Options(NamedTuple):
    """testinfra's own options, as given for the whole run."""

    connection: str | None = None
    hosts: str | None = None
    ssh_config: str | None = None
    ssh_identity_file: str | None = None
    ssh_extra_args: str | None = None
    sudo: bool = False
    sudo_user: str | None = None


def route(connection: Connection | None, expected: Expected | None, options: Options) -> Route:
    """The way to a node. Raises BadRoute for options that name none."""
    try:
        url = _url(connection, expected, options)
        parts = urlsplit(url)
    except ValueError as error:
        known = "Invalid IPv6 URL"  # of its other messages some quote the URL
        raise BadRoute(
            f"names no host: {known}"
            if str(error) == known
            else "names no host: it holds characters that no URL may hold"
        ) from None
    _check_backend(parts.scheme)
    query = parse_qs(parts.query)
    rest = urlencode(
        {name: values for name, values in query.items() if name not in ("sudo", "sudo_user")},
        doseq=True,
    )
    if parts.scheme != "local" and not _NAME.fullmatch(parts.netloc):
        # A / or ? in a password cuts the URL in its middle: then nothing but the whole shows where
        # the password ends.
        whole = not parts.netloc or url.count("@") != parts.netloc.count("@")
        raise BadRoute(f"{without_password(url if whole else parts.netloc)!r} names no host")
    if parts.path.strip("/"):
        raise BadRoute(f"{without_password(url)!r} names a path, and a way to a machine has none")
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
            f"{name!r} is no testinfra backend (--connection); there are {', '.join(BACKENDS)}"
        )
    if name == "paramiko" and find_spec("paramiko") is None:
        raise BadRoute(
            "paramiko is not installed, which testinfra takes by default: install power-edge[paramiko], or give --connection=ssh"
        )


def _url(connection: Connection | None, expected: Expected | None, options: Options) -> str:
    named = _on_file(connection)
    if options.hosts:
        if "," in options.hosts:
            raise BadRoute(
                "--hosts names the way to one node: give one host, or put each node's into its connection.yaml"
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
                f"--connection={without_password(options.connection)} needs a host: give --hosts, or write connection.yaml"
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
        if (
            backend not in FILE_BACKENDS
        ):  # the schema says so too; this holds for whoever builds a Connection by hand
            raise BadRoute(
                f"connection.yaml cannot name the backend {backend}: give --hosts={without_password(connection.url)} if you trust it"
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
    """Whether the machine that this runs on shows the identifier that decides, and none that
    contradicts.
    """
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
