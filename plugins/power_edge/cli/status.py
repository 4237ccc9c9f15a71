"""`power-edge status`."""

import errno
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from urllib.parse import SplitResult, urlsplit

import click

from power_edge.probing.failure import Unreachable
from power_edge.report.terminal import shortened

_DEFAULT = "http://127.0.0.1:9400"
_TIMEOUT = 10.0
"""Seconds that one step may take: to connect, and to read a piece of the answer."""
_LONGEST_WAIT = 60
"""Seconds for everything: an answer that comes byte by byte must not hold the command for ever."""
_LONGEST = 64 * 1024 * 1024
"""Bytes of an answer. The status of 50 nodes with 300 items each has less than 10 MB."""


@click.command("status", short_help="Show the status of a running watch.")
@click.argument("url", metavar="[URL]", required=False, default=_DEFAULT)
@click.option(
    "--json", "as_json", is_flag=True, help="Print it as it is (power-edge schema status)."
)
def command(url: str, *, as_json: bool) -> int:
    """Show the status of a running watch: what is wrong, which sources of events are up, and when
    it last checked.

    URL is where the watch listens (pytest --watch --metrics-listen=HOST:PORT). Without one it is
    http://127.0.0.1:9400.

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

    Raises UsageError if the URL is none of ours, Unreachable if there is no answer. No proxy is
    used and no redirection followed: a watch needs neither.
    """
    import http.client  # 30 ms that no other command needs

    parts = _split(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    path = parts.path.rstrip("/")
    try:
        with _deadline():
            connection = kind(parts.hostname or "", parts.port, timeout=_TIMEOUT)
            try:
                connection.request("GET", path if path.endswith("/status") else f"{path}/status")
                with connection.getresponse() as response:
                    content = response.read(_LONGEST + 1)
            finally:
                connection.close()
    except OSError as error:
        why = error.strerror or _words(error)
        raise Unreachable(f"no watch answers at {url}: {why}") from None
    except (http.client.HTTPException, UnicodeError, ValueError) as error:
        raise Unreachable(f"what answers at {url} does not speak HTTP: {_words(error)}") from None
    if response.status != 200:
        raise _no_watch(url, f"{response.status} {shortened(response.reason)}")
    if len(content) > _LONGEST:
        raise _no_watch(url, "its answer does not end")
    return content


@contextmanager
def _deadline() -> Iterator[None]:
    """Raise TimeoutError if the block takes longer than everything may."""

    def over(_signal: int, _frame: FrameType | None) -> None:
        raise TimeoutError(errno.ETIMEDOUT, f"no whole answer in {_LONGEST_WAIT} s")

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, _LONGEST_WAIT)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _no_watch(url: str, why: str) -> Unreachable:
    return Unreachable(f"what answers at {url} is no watch of Power Edge: {why}")


def _words(error: Exception) -> str:
    """Return what an error says, on one line. It may quote all that a stranger sent."""
    return shortened(str(error).strip() or type(error).__name__)


def _split(url: str) -> SplitResult:
    text = (
        url if "://" in url else f"http://{url if not url.startswith(':') else f'127.0.0.1{url}'}"
    )
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018 raises ValueError
    except ValueError as error:
        raise click.UsageError(f"{url}: {error}") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise click.UsageError(f"{url}: write http://HOST:PORT")
    if parts.port is None and "://" not in url:
        raise click.UsageError(f"{url}: write HOST:PORT, or http://HOST")
    return parts
