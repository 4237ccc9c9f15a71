"""A small HTTP server for the watch: a few pages, made for each request.

Only GET and HEAD, one request a connection. Nothing that a client sends is shown to anyone. Slow
clients have deadlines, and with too many connections the oldest is closed, so that nobody can keep
others from reading /health.

A page of the web, in a browser on this machine, may have a name whose address becomes 127.0.0.1
(DNS rebinding). To the browser, what this server answers is then that page's own, to be read and
sent away. So a client on this machine must ask for this machine, not for a name of the Internet.
"""

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from email.utils import formatdate
from http import HTTPStatus
from ipaddress import ip_address
from typing import NamedTuple

TEXT = "text/plain; charset=utf-8"

_HEAD_BYTES = 8192
"""The longest request: its first line and all header fields."""
_LEFT_BYTES = 65536
"""What is read and thrown away after the answer, so that the kernel does not cut the answer off."""
_CONNECTIONS = 50
_HELD = 64 * 1024 * 1024
"""Bytes of answers that clients have not taken yet, all together; one answer may be longer."""
_PIECE = 65536
"""Bytes that are sent at once: what asyncio cannot send at once, it copies."""
_REQUEST_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) (\S+) HTTP/1\.[0-9]")
_HOST = re.compile(rb"\r\nhost:[ \t]*([^\r\n]*?)[ \t]*(?=\r\n|\Z)", re.IGNORECASE)
_NAME = re.compile(r"\[([^\[\]]+)\](?::[0-9]*)?|([^:\[\]]*)(?::[0-9]*)?")
_AUTHORITY = re.compile(r"https?://[^/?#]*", re.IGNORECASE)


class Deadlines(NamedTuple):
    """Seconds that a client has: to send its request, to take the answer, to end the connection.

    `answer` is also what we have to make it.
    """

    request: float = 5.0
    answer: float = 20.0
    end: float = 1.0


USUAL = Deadlines()


class Page(NamedTuple):
    """What is answered."""

    body: bytes
    type: str = TEXT
    status: HTTPStatus = HTTPStatus.OK


Make = Callable[[], Awaitable[Page]]
"""Makes a page now."""


class Request(NamedTuple):
    """A request that is understood: the path without a query."""

    method: str
    path: str


def parse(head: bytes) -> Request | None:
    """Return the request of a head, all that stands before the empty line; None for garbage."""
    match = _REQUEST_LINE.fullmatch(head.partition(b"\r\n")[0])
    if match is None:
        return None
    target = _AUTHORITY.sub("", match[2].decode("latin-1"), count=1)
    return Request(match[1].decode("ascii"), re.split("[?#]", target, maxsplit=1)[0] or "/")


def comes_from_here(here: str, peer: str) -> bool:
    """Return whether a client is on this machine, by the addresses of both ends."""
    return here == peer or ip_address(here).is_loopback


def asks_for_this_machine(head: bytes) -> bool:
    """Return whether no Host of a request's head is a name that anybody could register.

    Addresses, localhost, the name of this machine, and names without a dot are not such names.
    """
    return all(_is_ours(each.decode("latin-1")) for each in _HOST.findall(head))


def _is_ours(host: str) -> bool:
    found = _NAME.fullmatch(host)
    if found is None:
        return False
    name = (found[1] or found[2]).lower().removesuffix(".")
    if "." not in name or name.endswith(".localhost") or name == socket.gethostname().lower():
        return True
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def refusal(status: HTTPStatus) -> Page:
    """Return the page for a request that is not answered."""
    return Page(f"{status.value} {status.phrase}\n".encode(), status=status)


def encode(page: Page, *, body: bool, now: float | None = None) -> bytes:
    """Return a page as HTTP, with or without its body. `now`: seconds since 1970, for the date."""
    head = [
        f"HTTP/1.1 {page.status.value} {page.status.phrase}",
        f"Date: {formatdate(now, usegmt=True)}",
        f"Content-Type: {page.type}",
        f"Content-Length: {len(page.body)}",
        "Cache-Control: no-store",
        "X-Content-Type-Options: nosniff",
        "Connection: close",
    ]
    if page.status is HTTPStatus.METHOD_NOT_ALLOWED:
        head.append("Allow: GET, HEAD")
    text = "".join(f"{line}\r\n" for line in head)
    return f"{text}\r\n".encode("ascii") + (page.body if body else b"")


class Server:
    """Answers requests in the running loop, from `start` until `stop`."""

    def __init__(
        self,
        pages: Mapping[str, Make],
        say: Callable[[str], None],
        deadlines: Deadlines = USUAL,
    ) -> None:
        """`pages` by path. `say` gets a line about a page that cannot be made, once a page."""
        self._pages = pages
        self._say = say
        self._deadlines = deadlines
        self._open: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        """The connections, the oldest first."""
        self._held: dict[asyncio.Task[None], int] = {}
        """Bytes of the answers that are being sent, the oldest first."""
        self._failed: set[str] = set()
        self._server: asyncio.Server | None = None

    async def start(self, listener: socket.socket) -> None:
        """Answer on a socket that listens. `stop` closes it."""
        self._server = await asyncio.start_server(self._accept, sock=listener, limit=_HEAD_BYTES)

    async def stop(self) -> None:
        """Close everything now."""
        if self._server is not None:
            self._server.close()
        tasks = list(self._open)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._open) >= _CONNECTIONS:
            self._end(next(iter(self._open)))
        task = asyncio.create_task(self._converse(reader, writer))
        self._open[task] = writer
        task.add_done_callback(self._forget)

    def _forget(self, task: "asyncio.Task[None]") -> None:
        self._open.pop(task, None)
        self._held.pop(task, None)

    def _end(self, task: "asyncio.Task[None]") -> None:
        self._forget(task)
        task.cancel()

    def _hold(self, size: int) -> None:
        """Note the size of this connection's answer. Close the oldest ones that are being sent, if
        they are too much together.
        """
        while self._held and sum(self._held.values()) + size > _HELD:
            self._end(next(iter(self._held)))
        if (task := asyncio.current_task()) is not None:
            self._held[task] = size

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.set_write_buffer_limits(high=0)  # `drain` waits until all is sent
        try:
            with suppress(OSError, TimeoutError):  # the client is gone, or too slow
                here, peer = (writer.get_extra_info(end)[0] for end in ("sockname", "peername"))
                method, page = await self._answer(reader, local=comes_from_here(here, peer))
                answer = memoryview(encode(page, body=method != "HEAD"))
                self._hold(len(answer))
                async with asyncio.timeout(self._deadlines.answer):
                    for start in range(0, len(answer), _PIECE):
                        writer.write(answer[start : start + _PIECE])
                        await writer.drain()
                    writer.write_eof()
                async with asyncio.timeout(self._deadlines.end):
                    await _read_away(reader)
        finally:
            writer.transport.abort()

    async def _answer(self, reader: asyncio.StreamReader, *, local: bool) -> tuple[str, Page]:
        """Read a request. Return its method and the page that answers it.

        `local`: it comes from this machine, where a browser may be.
        """
        try:
            async with asyncio.timeout(self._deadlines.request):
                head = await reader.readuntil(b"\r\n\r\n")
        except TimeoutError:
            return "", refusal(HTTPStatus.REQUEST_TIMEOUT)
        except asyncio.LimitOverrunError:
            return "", refusal(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        except asyncio.IncompleteReadError:
            return "", refusal(HTTPStatus.BAD_REQUEST)
        request = parse(head)
        if request is None:
            return "", refusal(HTTPStatus.BAD_REQUEST)
        if local and not asks_for_this_machine(head):
            return request.method, refusal(HTTPStatus.MISDIRECTED_REQUEST)
        if request.method not in ("GET", "HEAD"):
            return request.method, refusal(HTTPStatus.METHOD_NOT_ALLOWED)
        return request.method, await self._page(request.path)

    async def _page(self, path: str) -> Page:
        make = self._pages.get(path)
        if make is None:
            listed = "".join(f"{known}\n" for known in self._pages)
            if path == "/":
                return Page(listed.encode())
            return Page(f"404 Not Found: there are\n{listed}".encode(), status=HTTPStatus.NOT_FOUND)
        try:
            async with asyncio.timeout(self._deadlines.answer):
                return await make()
        except TimeoutError:
            return refusal(HTTPStatus.SERVICE_UNAVAILABLE)
        except Exception as error:  # a fault of ours: the watch goes on, and the client learns less
            if path not in self._failed:
                self._failed.add(path)
                self._say(f"{path} cannot be made: {type(error).__name__}: {error}")
            return refusal(HTTPStatus.INTERNAL_SERVER_ERROR)


async def _read_away(reader: asyncio.StreamReader) -> None:
    """Read until the client ends, but not more than it could have sent in good faith."""
    left = _LEFT_BYTES
    while left > 0 and (read := await reader.read(left)):
        left -= len(read)
