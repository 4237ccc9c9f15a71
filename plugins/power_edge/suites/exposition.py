"""Asks a node for the metrics of its exporter, on the node itself."""

from collections.abc import Mapping
from typing import Any

from power_edge.suites import Unknown, tcp

_KINDS = ("text/plain", "application/openmetrics-text")
"""What Prometheus takes as metrics (Prometheus: Content Negotiation)."""


def metrics(host: Any, port: int) -> Mapping[str, list[float]]:
    """Return the values of each sample's name, as the exporter answers on the node's own address.

    Raises AssertionError if there is no valid answer, and Unknown.
    """
    body = _body(host, port)
    return parsed(body)


def parsed(body: str) -> Mapping[str, list[float]]:
    """Return the values of each sample's name. Raises AssertionError if it is not an exposition."""
    from prometheus_client.parser import text_string_to_metric_families

    if not body.endswith("\n"):
        raise AssertionError("the answer is cut off")
    found: dict[str, list[float]] = {}
    try:
        for family in text_string_to_metric_families(body):
            for sample in family.samples:
                found.setdefault(sample.name, []).append(sample.value)
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise AssertionError(f"the answer is not an exposition: {error}") from None
    if not found:
        raise AssertionError("the answer holds no metric")
    return found


def _body(host: Any, port: int) -> str:
    address = tcp.own_address(host)
    request = f"GET /metrics HTTP/1.0\\r\\nHost: {address}:{port}\\r\\n\\r\\n"
    answer = tcp.converse(host, address, port, f'printf "{request}" >&3; cat <&3')
    return body_of(answer.replace("\r\n", "\n"), f"{address}:{port}")


def body_of(answer: str, place: str) -> str:
    """Return the body of an HTTP answer. Raises AssertionError if it is not 200, and Unknown."""
    head, _, body = answer.partition("\n\n")
    match head.split("\n")[0].split():
        case [version, "200", *_] if version.startswith("HTTP/1."):
            pass
        case [version, "400" | "401" | "403" as status, *_] if version.startswith("HTTP/1."):
            raise Unknown(f"{place}: status {status}: it wants TLS or a password")
        case [version, status, *_] if version.startswith("HTTP/1."):
            raise AssertionError(f"{place}: status {status}")
        case _:
            raise AssertionError(f"{place}: the answer is not HTTP")
    fields = dict(line.lower().split(": ", 1) for line in head.split("\n")[1:] if ": " in line)
    kind = fields.get("content-type", _KINDS[0]).partition(";")[0].strip()
    if kind not in _KINDS:
        raise AssertionError(f"{place}: the answer is {kind}, which no scraper takes")
    if "transfer-encoding" in fields or "content-encoding" in fields:
        raise Unknown(f"{place}: the answer is encoded")
    length = fields.get("content-length")
    if length is not None and length != str(len(body.encode())):
        raise AssertionError(f"{place}: the answer is cut off")
    return body
