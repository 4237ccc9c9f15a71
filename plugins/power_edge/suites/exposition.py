"""Asks a node for the metrics of its exporter, on the node itself."""

from collections.abc import Mapping
from typing import Any

from power_edge.suites import Unknown, routing

_MARK = "\nhttp-status "
_REFUSED = 7
_SILENT = 28
"""Exit statuses of curl(1)."""


def metrics(host: Any, port: int) -> Mapping[str, list[float]]:
    """Return the values of each sample's name, as the exporter answers on the node's own address.

    Raises AssertionError if there is no valid answer, and Unknown.
    """
    body = _body(host, port)
    return parsed(body)


def parsed(body: str) -> Mapping[str, list[float]]:
    """Return the values of each sample's name. Raises AssertionError if it is no exposition."""
    from prometheus_client.parser import text_string_to_metric_families

    if not body.endswith("\n"):
        raise AssertionError("the answer is cut off")
    found: dict[str, list[float]] = {}
    try:
        for family in text_string_to_metric_families(body):
            for sample in family.samples:
                found.setdefault(sample.name, []).append(sample.value)
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise AssertionError(f"the answer is no exposition: {error}") from None
    if not found:
        raise AssertionError("the answer holds no metric")
    return found


def _body(host: Any, port: int) -> str:
    own = [
        address.ip
        for each in routing.interfaces(host)
        if each.up
        for address in each.addresses
        if address.version == 4
    ]
    if not own:
        raise Unknown("the node has no IPv4 address that a scraper could use")
    url = f"http://{own[0]}:{port}/metrics"
    # A proxy would be another machine.
    asked = host.run(
        f"LC_ALL=C timeout 20 curl -sS -m 10 --noproxy '*' -w '{_MARK}%{{http_code}}' {url}"
    )
    if asked.rc == _REFUSED:
        raise AssertionError(f"nothing listens on {own[0]}:{port}")
    if asked.rc == _SILENT:
        raise AssertionError(f"{url}: no answer in 10 s")
    if asked.rc != 0:
        lines = asked.stderr.strip().splitlines() or [f"curl ended with {asked.rc}"]
        raise Unknown(f"{url}: {lines[-1]}")
    body, mark, status = asked.stdout.rpartition(_MARK)
    if not mark or status in ("400", "401", "403"):
        raise Unknown(f"{url}: status {status}: it wants TLS or a password, which nobody declared")
    if status != "200":
        raise AssertionError(f"{url}: status {status}")
    return str(body)
