"""Collect the identity that a machine shows, with probes/collect-identity.sh."""

from collections.abc import Mapping
from typing import NamedTuple

from power_edge import exit_status, stderr
from power_edge.config.node import load_system_identity
from power_edge.config.yaml_reader import read
from power_edge.identity import identifiers
from power_edge.model.generated.system_identity_schema import SystemIdentity
from power_edge.probing.failure import Unreachable
from power_edge.probing.framing import Output
from power_edge.probing.parallel import start
from power_edge.probing.route import Route
from power_edge.probing.script import ProbeScript, Section, Timeouts
from power_edge.probing.transport import Job

_CONTAINER = (
    b"# A container, without the host's identifiers: its machine-id lasts as long as it does."
)
_MESSAGE_PREFIX = "collect-identity.sh: "
_NONE_SHOWN = exit_status.WRONG_MACHINE
"""The exit status of collect-identity.sh if the machine has no usable identifier."""
_PRINTED = "what the machine printed"


class NoIdentity(Exception):
    """The machine shows no usable identifier; the text names each one and why it cannot be used."""


class CollectedIdentity(NamedTuple):
    """The identity that a machine shows."""

    identity: SystemIdentity
    sections: Mapping[str, object]
    """The same as the sections of system-identity.yaml, in the order of the file."""
    container: bool
    """The machine is a container that cannot see the identifiers of its host."""
    left_out: tuple[str, ...]
    """One message for the user for each identifier that is not used."""


def collect(route: Route, timeouts: Timeouts) -> CollectedIdentity:
    """Collect a machine's identity over a connection.

    Raises Unreachable if there is no whole answer, and the errors of `parse`.
    """
    script = ProbeScript(
        "-",
        identifiers.ANY_MACHINE,
        (Section("identity", ("prelude", "lib/node", "collect-identity")),),
        timeouts,
    )
    output = (
        start([Job(script, route)])[script.node]
        .answer()
        .outputs.get("identity", Output(None, b"", ""))
    )
    if output.status is None or output.timed_out:
        raise Unreachable(f"connected, but {output.failure()}")
    return parse(output.status, output.stdout, output.stderr)


def parse(status: int, content: bytes, errors: str) -> CollectedIdentity:
    """Read what collect-identity.sh printed: its exit status, stdout and stderr.

    The bytes are hostile: they are read by the schema, and files are made from the values alone.
    Raises NoIdentity; Unreachable if the script failed; ConfigError for an identity that
    contradicts itself.
    """
    left_out = tuple(
        line.removeprefix(_MESSAGE_PREFIX)
        for line in errors.splitlines()
        if line.startswith(_MESSAGE_PREFIX)
    )
    if status == _NONE_SHOWN and left_out:
        raise NoIdentity("; ".join(left_out))
    if status != 0 or not content:
        *_, why = "without an error message", *errors.splitlines(), *stderr.errors(errors)
        raise Unreachable(
            f"connected, but collect-identity.sh failed there (status {status}: {why})"
        )
    identity = load_system_identity(content, _PRINTED)
    return CollectedIdentity(
        identity, read(content, _PRINTED).value, _CONTAINER in content.splitlines(), left_out
    )
