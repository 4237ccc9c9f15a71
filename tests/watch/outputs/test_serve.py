"""The HTTP server: what it answers, and that no client can do any harm."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from power_edge.watch.outputs import serve
from power_edge.watch.outputs.listen import Address, address_of, listen
from power_edge.watch.outputs.serve import (
    _CONNECTIONS,
    _HEAD_BYTES,
    Deadlines,
    Make,
    Page,
    Request,
    Server,
    encode,
    parse,
)

HANGS = 120.0
"""Seconds after which a test that waits for what does not happen gives up."""
PATIENT = Deadlines(600, 600, 600)
MEDIUM = 60 * 1024
"""Bytes: more than the buffers of two small sockets, and less than what asyncio takes at once."""
LARGE = 32 * 1024 * 1024
"""Bytes: more than the buffers of two sockets."""


async def health() -> Page:
    return Page(b"healthy\n")


async def fault() -> Page:
    raise ValueError("secret")


async def forever() -> Page:
    await asyncio.Event().wait()
    raise AssertionError


async def large() -> Page:
    return Page(b"x" * LARGE)


async def medium() -> Page:
    return Page(b"x" * MEDIUM)


PAGES: Mapping[str, Make] = {
    "/medium": medium,
    "/health": health,
    "/fault": fault,
    "/forever": forever,
    "/large": large,
}


class Client:
    """A server that runs, and connections to it."""

    def __init__(self, server: Server, address: Address) -> None:
        self.server = server
        self.address = address

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(*self.address)

    async def send(self, request: bytes, *, end: bool = False) -> bytes:
        """What is answered until the connection ends; what came before a reset counts."""
        reader, writer = await self.connect()
        try:
            writer.write(request)
            if end:
                writer.write_eof()
            return await everything(reader)
        finally:
            writer.transport.abort()

    async def get(self, path: str = "/health") -> bytes:
        return await self.send(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())


async def everything(reader: asyncio.StreamReader) -> bytes:
    pieces = []
    with suppress(ConnectionError):
        while piece := await reader.read(65536):
            pieces.append(piece)
    return b"".join(pieces)


def serving(
    client: Callable[[Client], Awaitable[None]],
    deadlines: Deadlines = PATIENT,
    buffer: int | None = None,
) -> list[str]:
    """Run a client against a server, whose sockets take so many bytes; what the server says."""
    said: list[str] = []

    async def both() -> None:
        listener = listen(Address("127.0.0.1", 0))
        if buffer is not None:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer)
        address = address_of(listener)
        server = Server(PAGES, said.append, deadlines)
        await server.start(listener)
        try:
            async with asyncio.timeout(HANGS):
                await client(Client(server, address))
        finally:
            await server.stop()
        assert not server._open
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(*address)

    asyncio.run(both())
    return said


HEAD = (
    "HTTP/1.1 200 OK\r\n"
    "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
    "Content-Type: text/plain; charset=utf-8\r\n"
    "Content-Length: 8\r\n"
    "Cache-Control: no-store\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "Connection: close\r\n"
    "\r\n"
)


def test_encode() -> None:
    assert encode(Page(b"healthy\n"), body=True, now=0).decode() == f"{HEAD}healthy\n"
    assert encode(Page(b"healthy\n"), body=False, now=0).decode() == HEAD
    refused = encode(Page(b"", status=HTTPStatus.METHOD_NOT_ALLOWED), body=True)
    assert b"\r\nAllow: GET, HEAD\r\n" in refused


@pytest.mark.parametrize(
    ("line", "request_"),
    [
        (b"GET /health HTTP/1.1", Request("GET", "/health")),
        (b"HEAD / HTTP/1.0", Request("HEAD", "/")),
        (b"GET /health?x=/y#z HTTP/1.1", Request("GET", "/health")),
        (b"GET http://a:1/health HTTP/1.1", Request("GET", "/health")),
        (b"GET http://a HTTP/1.1", Request("GET", "/")),
        (b"GET * HTTP/1.1", Request("GET", "*")),
        (b"get /\xff HTTP/1.1", Request("get", "/\xff")),
        (b"GET /health", None),
        (b"GET /health HTTP/2.0", None),
        (b"GET  /health HTTP/1.1", None),
        (b"GET /a b HTTP/1.1", None),
        (b"G(T / HTTP/1.1", None),
        (b"", None),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", None),
    ],
)
def test_parse(line: bytes, request_: Request | None) -> None:
    assert parse(line) == parse(line + b"\r\nHost: x\r\n\r\n") == request_


@given(st.binary() | st.from_regex(rb"(GET|POST) \S{0,20} HTTP/1\.[01]\r\n[\s\S]*"))
def test_parse_takes_anything(head: bytes) -> None:
    found = parse(head)
    assert found is None or found.path


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n", 200),
        (b"GET / HTTP/1.0\r\n\r\n", 200),
        (b"GET /none HTTP/1.1\r\n\r\n", 404),
        (b"GET /../../etc/passwd HTTP/1.1\r\n\r\n", 404),
        (b"GET /health/ HTTP/1.1\r\n\r\n", 404),
        (b"POST /health HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", 405),
        (b"OPTIONS * HTTP/1.1\r\n\r\n", 405),
        (b"get /health HTTP/1.1\r\n\r\n", 405),
        (b"GET /fault HTTP/1.1\r\n\r\n", 500),
        (b"\r\n\r\n", 400),
        (b"\x00\xff\r\n\r\n", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (b"GET /" + b"x" * _HEAD_BYTES + b" HTTP/1.1\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 100_000 + b"\r\n", 431),
        (b"x" * 1_000_000, 431),
    ],
)
def test_answers(request_: bytes, status: int) -> None:
    async def client(client: Client) -> None:
        answer = await client.send(request_)
        # What the server never read can make the kernel cut off its answer.
        assert answer.startswith(f"HTTP/1.1 {status} ".encode()) or (not answer and status == 431)
        assert b"Traceback" not in answer
        assert b"secret" not in answer
        assert b"healthy" in await client.get()

    serving(client)


@pytest.mark.parametrize(
    ("hosts", "status"),
    [
        ([], 200),
        ([""], 200),
        (["127.0.0.1:9400"], 200),
        (["10.8.0.1"], 200),
        (["[::1]:9400"], 200),
        (["localhost:9400"], 200),
        (["LocalHost."], 200),
        (["rig.localhost"], 200),
        (["rig-1:9400"], 200),
        (["{this}:9400"], 200),
        (["evil.example:9400"], 421),
        (["evil.example."], 421),
        (["localhost.evil.example"], 421),
        (["127.0.0.1.evil.example:9400"], 421),
        (["127.0.0.1", "evil.example"], 421),
        (["evil.example", "127.0.0.1"], 421),
        ([" evil.example\t"], 421),
        (["evil.example:9400:1"], 421),
        (["[evil.example]"], 421),
        (["\xff.\xff"], 421),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_page_of_the_web_does_not_get_through_by_a_name_of_its_own(
    hosts: list[str], status: int, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: the browser takes what is answered for the page's own."""
    monkeypatch.setattr(socket, "gethostname", lambda: "Rig-1.site.example")

    async def client(client: Client) -> None:
        lines = "".join(
            f"{header}: {host.format(this='rig-1.site.example')}\r\n"
            for header, host in zip(("Host", "hOST"), hosts, strict=False)
        )
        request = f"{method} /health HTTP/1.1\r\n{lines}X: y\r\n\r\n".encode("latin-1")
        answer = await client.send(request)
        expected = 405 if (status, method) == (200, "POST") else status
        assert answer.startswith(f"HTTP/1.1 {expected} ".encode()), answer
        assert b"evil" not in answer

    serving(client)


@pytest.mark.parametrize(
    ("here", "peer", "local"),
    [
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.1.1", "127.0.0.1", True),
        ("::1", "::1", True),
        ("10.8.0.1", "10.8.0.1", True),
        ("fe80::1%lo", "fe80::1%lo", True),
        ("10.8.0.1", "10.8.0.2", False),
        ("fd00::1", "fd00::2", False),
    ],
)
def test_where_a_client_is(here: str, peer: str, local: bool) -> None:
    assert serve.comes_from_here(here, peer) is local


def test_over_a_network_any_name_may_lead_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Prometheus asks for whatever name it was given."""
    monkeypatch.setattr(serve, "comes_from_here", lambda *_: False)

    async def client(client: Client) -> None:
        request = b"GET /health HTTP/1.1\r\nHost: rig-1.example.com:9400\r\n\r\n"
        assert (await client.send(request)).startswith(b"HTTP/1.1 200 ")

    serving(client)


@pytest.mark.parametrize("begun", [b"", b"GET /health HT", b"GET /health HTTP/1.1\r\nHost: x\r\n"])
def test_a_client_that_ends_in_the_middle(begun: bytes) -> None:
    async def client(client: Client) -> None:
        assert (await client.send(begun, end=True)).startswith(b"HTTP/1.1 400 ")

    serving(client)


def test_a_request_in_pieces() -> None:
    async def client(client: Client) -> None:
        reader, writer = await client.connect()
        for byte in b"GET /health HTTP/1.1\r\n\r\n":
            writer.write(bytes([byte]))
            await writer.drain()
        assert (await everything(reader)).endswith(b"\r\n\r\nhealthy\n")
        writer.close()

    serving(client)


def test_head_has_no_body() -> None:
    async def client(client: Client) -> None:
        answer = await client.send(b"HEAD /health HTTP/1.1\r\n\r\n")
        assert b"\r\nContent-Length: 8\r\n" in answer
        assert answer.endswith(b"\r\n\r\n")
        assert (await client.send(b"HEAD /none HTTP/1.1\r\n\r\n")).endswith(b"\r\n\r\n")

    serving(client)


def test_a_page_that_does_not_exist_is_not_repeated_and_the_others_are_listed() -> None:
    async def client(client: Client) -> None:
        listed = b"/medium\n/health\n/fault\n/forever\n/large\n"
        assert (await client.get("/<script>")).endswith(
            b"\r\n\r\n404 Not Found: there are\n" + listed
        )
        assert (await client.get("/")).endswith(b"\r\n\r\n" + listed)

    serving(client)


def test_a_fault_of_ours_is_said_once() -> None:
    async def client(client: Client) -> None:
        for _ in range(3):
            answer = await client.get("/fault")
            assert answer.endswith(b"\r\n\r\n500 Internal Server Error\n")

    assert serving(client) == ["/fault cannot be made: ValueError: secret"]


def test_a_page_that_is_never_made() -> None:
    async def client(client: Client) -> None:
        assert (await client.get("/forever")).startswith(b"HTTP/1.1 503 ")

    serving(client, PATIENT._replace(answer=0.05))


@pytest.mark.parametrize("begun", [b"", b"GET /health HTTP/1.1\r\n"])
def test_a_client_that_sends_nothing_more(begun: bytes) -> None:
    async def client(client: Client) -> None:
        reader, writer = await client.connect()
        writer.write(begun)
        assert (await everything(reader)).startswith(b"HTTP/1.1 408 ")
        writer.close()

    serving(client, PATIENT._replace(request=0.05))


def test_a_client_that_does_not_read() -> None:
    async def client(client: Client) -> None:
        reader, writer = await client.connect()
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(b"GET /large HTTP/1.1\r\n\r\n")
        while not client.server._open:
            await asyncio.sleep(0)
        while client.server._open:
            await asyncio.sleep(0.001)
        writer.transport.resume_reading()  # type: ignore[attr-defined]
        assert len(await everything(reader)) < LARGE
        writer.close()

    serving(client, PATIENT._replace(answer=0.05))


def test_a_client_that_does_not_end() -> None:
    async def client(client: Client) -> None:
        reader, writer = await client.connect()
        writer.write(b"GET /health HTTP/1.1\r\nConnection: keep-alive\r\n\r\n")
        assert (await everything(reader)).endswith(b"healthy\n")
        while client.server._open:
            await asyncio.sleep(0.001)
        writer.close()

    serving(client, PATIENT._replace(end=0.05))


def test_all_is_sent_before_the_connection_ends() -> None:
    async def client(client: Client) -> None:
        small = socket.socket()
        small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        small.setblocking(False)
        await asyncio.get_running_loop().sock_connect(small, client.address)
        reader, writer = await asyncio.open_connection(sock=small, limit=1024)
        writer.write(b"GET /medium HTTP/1.1\r\n\r\n")
        assert len(await everything(reader)) > MEDIUM
        writer.close()

    serving(client, PATIENT._replace(end=0.0), buffer=4096)


def test_the_client_ends_the_connection() -> None:
    """If the server did, the kernel would throw away what the client has not read yet."""

    async def client(client: Client) -> None:
        reader, writer = await client.connect()
        writer.write(b"GET /health HTTP/1.1\r\n\r\n")
        assert (await everything(reader)).endswith(b"healthy\n")
        writer.write(b"x")
        await writer.drain()
        assert client.server._open
        writer.close()
        while client.server._open:
            await asyncio.sleep(0)

    serving(client)


def test_slow_clients_block_nobody() -> None:
    async def client(client: Client) -> None:
        slow = [await client.connect() for _ in range(3 * _CONNECTIONS)]
        for _, writer in slow:
            writer.write(b"GET /health HTTP/1.1\r\n")
        for _ in range(3):
            assert b"healthy" in await client.get()
        assert len(client.server._open) <= _CONNECTIONS
        # The oldest had to go; the newest may still end its request.
        assert await everything(slow[0][0]) == b""
        slow[-1][1].write(b"\r\n")
        assert b"healthy" in await everything(slow[-1][0])
        for _, writer in slow:
            writer.transport.abort()

    serving(client)


def test_a_large_answer_blocks_nobody() -> None:
    async def client(client: Client) -> None:
        reader, writer = await client.connect()
        writer.write(b"GET /large HTTP/1.1\r\n\r\n")
        await reader.readexactly(1)
        assert b"healthy" in await client.get()
        assert len(await everything(reader)) > LARGE
        writer.close()

    serving(client)


def test_answers_that_nobody_takes_have_a_limit_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fifty clients that asked for a long page and read nothing kept fifty copies of it, twice."""
    monkeypatch.setattr(serve, "_HELD", 3 * LARGE)

    async def client(client: Client) -> None:
        opened = [await client.connect() for _ in range(6)]
        for reader, writer in opened:
            writer.write(b"GET /large HTTP/1.1\r\n\r\n")
            await reader.readexactly(1)
            assert sum(client.server._held.values()) <= 3 * LARGE
        waiting = [each.transport.get_write_buffer_size() for each in client.server._open.values()]
        assert max(waiting) <= 65536
        assert b"healthy" in await client.get()
        sizes = [len(await everything(reader)) for reader, _ in opened]
        assert [size > LARGE for size in sizes] == [False] * 4 + [True] * 2
        for _, writer in opened:
            writer.close()

    serving(client)


def test_one_answer_may_be_longer_than_all_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "_HELD", 100)

    async def client(client: Client) -> None:
        assert len(await client.get("/large")) > LARGE

    serving(client)


@given(st.lists(st.binary(max_size=200), max_size=5))
def test_fuzz(requests: list[bytes]) -> None:
    async def client(client: Client) -> None:
        for request in requests:
            answer = await client.send(request, end=True)
            assert answer.startswith(b"HTTP/1.1 ")
        assert b"healthy" in await client.get()

    assert serving(client) == []
