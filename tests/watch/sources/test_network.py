"""Links, addresses and routes: what the kernel says again is not news."""

import struct
import subprocess
import sys
import textwrap

import pytest

from power_edge.watch.sources.network import NETWORK, Known, things


def message(kind: int, body: bytes, **attributes: bytes) -> bytes:
    """A message of rtnetlink; attributes by number: `_1=b"..."`."""
    packed = b""
    for name, value in attributes.items():
        part = struct.pack("=HH", 4 + len(value), int(name[1:])) + value
        packed += part + bytes(-len(part) % 4)
    content = body + packed
    return struct.pack("=IHHII", 16 + len(content), kind, 0, 0, 0) + content


def address(kind: int = 20, local: bytes = b"\x0a\0\0\1", life: bytes = b"\0" * 16) -> bytes:
    return message(kind, struct.pack("=BBBBI", 2, 24, 0, 0, 3), _2=local, _6=life)


def link(flags: int, index: int = 3) -> bytes:
    return message(16, struct.pack("=BxHiII", 0, 1, index, flags, 0), _3=b"eth0\0")


def test_a_renewed_lease_is_no_news() -> None:
    known = Known()
    assert known.news(things(address()))
    assert not known.news(things(address(life=b"\1" * 16)))
    assert known.news(things(address(local=b"\x0a\0\0\2")))
    assert known.news(things(address(kind=21)))
    assert not known.news(things(address(kind=21)))
    assert known.news(things(address()))


def test_a_link_that_goes_down_is_news() -> None:
    known = Known()
    assert known.news(things(link(0x1043) + link(0x1043, index=4)))
    assert not known.news(things(link(0x11043)))
    assert known.news(things(link(0x1042)))


@pytest.mark.parametrize("cut", [1, 15, 16, 20, 30])
def test_what_is_cut_is_left_out(cut: int) -> None:
    assert len(list(things(address() + address()[:cut]))) in (1, 2)
    list(things(b"\0" * cut))


PROGRAM = textwrap.dedent("""
    import asyncio, subprocess
    from power_edge.watch.sources import Watched
    from power_edge.watch.sources.network import SOURCE

    class Listener:
        def __init__(self): self.is_up, self.events = asyncio.Event(), asyncio.Queue()
        def up(self): self.is_up.set()
        def event(self, event): self.events.put_nowait(event)

    async def main():
        heard = Listener()
        task = asyncio.create_task(SOURCE.run(Watched(frozenset()), heard))
        await asyncio.wait_for(heard.is_up.wait(), 60)
        address = "192.0.2.1/32 dev lo"
        for change in ("link set lo up", f"addr add {address}", f"addr del {address}"):
            await asyncio.to_thread(subprocess.run, ["ip", *change.split()], check=True)
            print((await asyncio.wait_for(heard.events.get(), 60)).subject.name)
            while not heard.events.empty(): heard.events.get_nowait()
        task.cancel()

    asyncio.run(main())
""")


@pytest.mark.lab
def test_the_kernel_tells_of_an_address() -> None:
    done = subprocess.run(
        ["unshare", "--net", sys.executable, "-c", PROGRAM],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    assert done.stdout.splitlines() == [NETWORK.name] * 3
