"""Asks a TCP port of a node on the node itself, by the node's own address."""

from shlex import quote
from typing import Any

from power_edge.suites import Unknown, routing, run

_SECONDS = 10
"""How long an answer may take: a scraper waits so long by default."""
_PATIENCE = 1
"""Seconds after which a connection that stays open counts as taken."""


def own_address(host: Any) -> str:
    """Return an IPv4 address of a node that other machines could use: the one that it sends from
    by its default route, else any. Raises Unknown.
    """
    own = [
        str(address.ip)
        for each in routing.interfaces(host)
        if each.up and not routing.CONTAINERS.fullmatch(each.name)
        for address in each.addresses
        if address.version == 4
    ]
    sends_from = routing.sends_from(host)
    if sends_from in own:
        return sends_from
    if own:
        return own[0]
    raise Unknown("the node has no IPv4 address that another machine could use")


def converse(host: Any, address: str, port: int, script: str) -> str:
    """Connect to a port, and return what a script of bash prints; 3 is its connection.

    Raises AssertionError if nobody listens or the script does not end in time, and Unknown.
    """
    # bash has no program beside it to miss, and asks no proxy, which would be another machine.
    whole = f"exec 3<>/dev/tcp/{address}/{port} || exit 7; {script}"
    place = f"{address}:{port}"
    try:
        done = run(host, f"LC_ALL=C timeout {_SECONDS} bash -c {quote(whole)}")
    except UnicodeDecodeError:
        raise Unknown(f"{place}: the answer is not text") from None
    if done.rc == 7 and "Connection refused" in done.stderr:
        raise AssertionError(f"nothing listens on {place}")
    if done.rc == 124:
        raise AssertionError(f"{place}: no answer in {_SECONDS} s")
    if done.rc != 0:
        lines = done.stderr.strip().splitlines() or [f"bash ended with {done.rc}"]
        raise Unknown(f"{place}: {lines[-1]}")
    return str(done.stdout)


def takes_connections(host: Any, address: str, port: int) -> None:
    """Fail if nobody takes connections on a port. Raises Unknown if that is not certain."""
    script = f'timeout {_PATIENCE} head -c 1 <&3 | wc -c; echo "${{PIPESTATUS[0]}}"; exit 0'
    match converse(host, address, port, script).split():
        case ["1", _] | [_, "124"]:
            return  # it speaks, or waits for the client to
        case ["0", "0" | "1"]:
            # So does docker-proxy, if nothing listens behind it.
            raise Unknown(
                f"{address}:{port}: closed at once: it may be a proxy with nothing behind it"
            )
        case answer:
            raise Unknown(f"{address}:{port}: not understood: {answer}")
