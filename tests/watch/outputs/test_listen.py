"""--metrics-listen: which addresses are understood, and what is taken."""

import errno
import socket
from contextlib import closing

import pytest

from power_edge.watch.outputs.listen import Address, address_of, listen, parse


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:9400", "127.0.0.1", 9400),
        (":9401", "127.0.0.1", 9401),
        ("9402", "127.0.0.1", 9402),
        ("localhost", "localhost", 9400),
        ("10.8.0.1", "10.8.0.1", 9400),
        ("0.0.0.0:80", "0.0.0.0", 80),
        ("[::1]:9403", "::1", 9403),
        ("[::1]", "::1", 9400),
        ("rig-1.example:0", "rig-1.example", 0),
        ("a:65535", "a", 65535),
    ],
)
def test_addresses(text: str, host: str, port: int) -> None:
    assert parse(text) == Address(host, port)


@pytest.mark.parametrize(
    "text",
    ["", ":", "::1", "::1:9400", "a:b", "a:", "[::1", "[]:1", "[::1]:", "[::1]9", "a:1:2", "a:-1"],
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(ValueError, match=r"write HOST:PORT, such as 127\.0\.0\.1:9400"):
        parse(text)


@pytest.mark.parametrize("port", ["65536", "9" * 5000])
def test_there_is_no_such_port(port: str) -> None:
    with pytest.raises(ValueError, match=r"there is no port [0-9]{5,20}: the greatest"):
        parse(f"localhost:{port}")


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_listening(host: str) -> None:
    with closing(listen(Address(host, 0))) as listener:
        address = address_of(listener)
        assert (address.host, address.port > 0) == (host, True)
        assert str(address) == f"{'[::1]' if host == '::1' else host}:{address.port}"
        assert not listener.getblocking()
        with closing(socket.create_connection(address)):
            pass
        with pytest.raises(OSError, match="in use") as taken:
            listen(address)
        assert taken.value.errno == errno.EADDRINUSE
    listen(address).close()  # at once: what was accepted before does not keep the port


def test_an_address_of_another_machine() -> None:
    with pytest.raises(OSError, match="assign"):
        listen(Address("192.0.2.1", 0))  # RFC 5737: nobody's
