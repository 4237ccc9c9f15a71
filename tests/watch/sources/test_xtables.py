"""Rules of iptables-legacy, read as iptables-legacy-save reads them."""

import struct
import subprocess
import sys
import textwrap

import pytest

from power_edge.watch.sources.xtables import FAMILIES, TABLES, Family, without_counters


def entry(family: Family, size: int, packets: int, rule: bytes) -> bytes:
    found = bytearray(rule * size)[:size]
    struct.pack_into("=H", found, family.next_entry, size)
    struct.pack_into("=QQ", found, family.counters, packets, packets * 60)
    return bytes(found)


@pytest.mark.parametrize("family", FAMILIES, ids=["ipv4", "ipv6"])
def test_packets_that_pass_change_no_rule(family: Family) -> None:
    def table(packets: int, last: bytes = b"c") -> bytes:
        made = (entry(family, 176, packets, b"a"), entry(family, 208, 7 * packets, b"b"))
        return without_counters(b"".join(made) + entry(family, 176, packets, last), family)

    assert table(0) == table(5)
    assert table(0) != table(0, b"d")


@pytest.mark.parametrize("family", FAMILIES, ids=["ipv4", "ipv6"])
def test_what_is_cut_ends_it(family: Family) -> None:
    whole = entry(family, 176, 5, b"a")
    for cut in range(len(whole)):
        assert len(without_counters(whole[:cut], family)) == cut
    assert len(without_counters(bytes(500), family)) == 500


PROGRAM = textwrap.dedent("""
    import asyncio, contextlib, subprocess
    from pathlib import Path
    from power_edge.watch.sources import Watched
    from power_edge.watch.sources.xtables import SOURCE

    class Listener:
        def __init__(self): self.is_up, self.events = asyncio.Event(), asyncio.Queue()
        def up(self): self.is_up.set()
        def event(self, event): self.events.put_nowait(event)

    async def run(*argv):
        await asyncio.to_thread(subprocess.run, argv, check=True, stdout=subprocess.DEVNULL)

    async def main():
        heard = Listener()
        task = asyncio.create_task(SOURCE.run(Watched(frozenset()), heard))
        await asyncio.wait_for(heard.is_up.wait(), 60)
        print(repr(Path("/proc/net/ip_tables_names").read_text()))
        for change in (
            "iptables-legacy -A INPUT -p tcp --dport 22 -j DROP",
            "iptables-legacy -D INPUT 1",
            "ip6tables-legacy -P INPUT DROP",
        ):
            await run(*change.split())
            print((await asyncio.wait_for(heard.events.get(), 60)).subject.name)
        # Counters of packets are no change: only the new table is reported.
        await run("ip", "link", "set", "lo", "up")
        with contextlib.suppress(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", 9)
        await run("iptables-legacy", "-t", "mangle", "-L")
        print((await asyncio.wait_for(heard.events.get(), 60)).subject.name, heard.events.qsize())
        task.cancel()

    asyncio.run(main())
""")


@pytest.mark.lab
def test_a_rule_is_noticed_and_looking_makes_no_table() -> None:
    done = subprocess.run(
        ["unshare", "--net", sys.executable, "-c", PROGRAM],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout.splitlines() == ["''", *[TABLES.name] * 3, f"{TABLES.name} 0"], done.stderr


@pytest.mark.lab
def test_without_the_right_it_says_so() -> None:
    program = "import asyncio; from power_edge.watch.sources import *\n" + textwrap.dedent("""
        from power_edge.watch.sources.xtables import SOURCE
        try:
            asyncio.run(SOURCE.run(Watched(frozenset()), None))
        except Unavailable as error:
            print(error)
    """)
    made = 'iptables-legacy -L >/dev/null; exec setpriv --bounding-set=-net_raw "$0" -c "$1"'
    done = subprocess.run(
        ["unshare", "--net", "sh", "-c", made, sys.executable, program],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "CAP_NET_RAW" in done.stdout, done.stderr
