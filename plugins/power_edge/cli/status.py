"""`power-edge status`."""

from contextlib import suppress
from socket import SHUT_RDWR, socket
from threading import Event, Timer
from urllib.parse import SplitResult, urlsplit

import click

from power_edge.probing.failure import Unreachable
from power_edge.report.terminal import shortened

_HOST, _PORT = "127.0.0.1", 9400
_DEFAULT = f"http://{_HOST}:{_PORT}"
_TIMEOUT = 10.0
"""Seconds that one step may take: to connect, and to read a piece of the answer."""
_LONGEST_WAIT = 30.0
"""Seconds that all of it may take, however many pieces come."""
_LONGEST = 64 * 1024 * 1024
"""Bytes of an answer. The status of 50 nodes with 300 items each has less than 10 MB."""


@click.command("status", short_help="Show the status of a running watch.")
@click.argument("url", metavar="[URL]", required=False, default=_DEFAULT)
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print the JSON of the watch (power-edge schema status).",
)
def command(url: str, *, as_json: bool) -> int:
    """Show the status of a running watch: what is wrong, which sources of events are up, and when
    it last checked.

    URL is where the watch listens (pytest --watch --metrics-listen=HOST:PORT). HOST alone, PORT
    alone and HOST:PORT are accepted, too. Without one it is http://127.0.0.1:9400.

    Exits with the status of the watch's last state: 0 if all is compliant, 1 for a drift, 10 if
    something is unknown or was not checked yet, 11 if a node is unreachable, 12 for another
    machine. Exits with 11 as well if no watch answers.
    """
    import msgspec

    from power_edge.model.generated.status_schema import Status
    from power_edge.report.status import lines
    from power_edge.text import printable_json

    content = fetch(url)
    try:
        status = msgspec.json.decode(content, type=Status)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _no_watch(url, _words(error)) from None
    if as_json:
        click.echo(printable_json(msgspec.json.format(content).decode()))
    else:
        click.echo("\n".join(lines(status)))
    return status.exit_status


def fetch(url: str) -> bytes:
    """Return the answer of /status of a watch.

    Raises UsageError if the URL cannot be a watch's, Unreachable if there is no answer. No proxy is
    used and no redirection followed: a watch needs neither.
    """
    import http.client  # 30 ms that no other command needs

    parts = _split(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    path = parts.path.rstrip("/")
    late = Event()
    try:
        connection = kind(parts.hostname or "", parts.port, timeout=_TIMEOUT)
        connection.connect()
        timer = Timer(_LONGEST_WAIT, _end, (connection.sock, late))
        timer.start()
        try:
            connection.request("GET", path if path.endswith("/status") else f"{path}/status")
            with connection.getresponse() as response:
                content = response.read(_LONGEST + 1)
        finally:
            timer.cancel()
            connection.close()
    except TimeoutError:
        raise Unreachable(f"{_nobody(url, parts)}: nothing came in {_TIMEOUT:.0f} s") from None
    except (OSError, http.client.HTTPException, UnicodeError, ValueError) as error:
        if late.is_set():
            raise _too_slow(url) from None
        if isinstance(error, OSError):
            why = error.strerror or _words(error)
            if isinstance(error, ConnectionRefusedError):
                why += " (a watch listens only with --metrics-listen=HOST:PORT)"
            raise Unreachable(f"{_nobody(url, parts)}: {why}") from None
        raise Unreachable(f"what answers at {url} does not speak HTTP: {_words(error)}") from None
    if late.is_set():
        raise _too_slow(url)
    if response.status != 200:
        raise _no_watch(url, f"{response.status} {shortened(response.reason)}")
    if len(content) > _LONGEST:
        raise _no_watch(url, "its answer does not end")
    form = response.headers.get_content_type()
    if response.headers["Content-Type"] is not None and form != "application/json":
        raise _no_watch(url, f"it answers with {shortened(form)}, not with JSON")
    return content


def _end(connected: socket, late: Event) -> None:
    """End a connection, so that its reader stops waiting."""
    late.set()
    with suppress(OSError):
        connected.shutdown(SHUT_RDWR)


def _nobody(url: str, parts: SplitResult) -> str:
    """Say that nobody answers; with the port of a watch, if no port was given."""
    other = f" (a watch listens on port {_PORT} by default: {_host(parts)}:{_PORT})"
    return f"no watch answers at {url}{other if parts.port is None else ''}"


def _host(parts: SplitResult) -> str:
    host = parts.hostname or ""
    return f"[{host}]" if ":" in host else host


def _too_slow(url: str) -> Unreachable:
    return Unreachable(f"what answers at {url} has not ended its answer in {_LONGEST_WAIT:g} s")


def _no_watch(url: str, why: str) -> Unreachable:
    return Unreachable(f"what answers at {url} is not a watch of Power Edge: {why}")


def _words(error: Exception) -> str:
    """Return what an error says, on one line. It may quote all that a stranger sent."""
    return shortened(str(error).strip() or type(error).__name__)


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(_whole(url))
        port = parts.port
    except ValueError as error:
        raise click.UsageError(f"{url}: {error}: write HOST:PORT, or http://HOST:PORT") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise click.UsageError(f"{url}: write HOST:PORT, or http://HOST:PORT")
    if port is None and "://" not in url:
        return parts._replace(netloc=f"{parts.netloc.rstrip(':')}:{_PORT}")
    return parts


def _whole(url: str) -> str:
    """Return the URL that a short form stands for."""
    if "://" in url:
        return url
    if url.isascii() and url.isdecimal():
        return f"http://{_HOST}:{url}"
    return f"http://{_HOST}{url}" if url.startswith(":") else f"http://{url}"
