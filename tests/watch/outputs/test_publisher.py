"""What a watch publishes while it runs, over HTTP on loopback and in the textfile."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator

from power_edge.config import Node, schema
from power_edge.identity.gate import Gate
from power_edge.model import Item, Outcome, Result
from power_edge.watch.node import Checked, NodeWatch
from power_edge.watch.outputs.listen import Address, address_of, listen
from power_edge.watch.outputs.publisher import Current, Publisher, Targets
from power_edge.watch.supervisor import Health
from tests.support.views import OPEN, item, node, result

HANGS = 120.0
"""Seconds after which a test that waits for what does not happen gives up."""


class Machine:
    """A node with one kernel parameter, which is as declared until `outcome` changes."""

    def __init__(self, name: str, folder: Path) -> None:
        self.node = node(name, folder / name)
        self.item = item("x", of=name)
        self.gate = OPEN
        self.outcome = Outcome.COMPLIANT
        self.broken: str | None = None
        self.answers = asyncio.Event()
        self.sources: list[Health] = []
        self.watch: Watch

    async def check(self, items: Sequence[Item]) -> Checked:
        await self.answers.wait()
        outcome = self.outcome if self.gate.open else Outcome.BLOCKED
        gate = Outcome.COMPLIANT if self.gate.open else Outcome.BLOCKED
        results: list[Result] = [
            result(gate, "identity", "node", self.node.name),
            result(outcome, "x", of=self.node.name),
        ]
        return Checked(self.gate, results)


class Watch(NodeWatch):
    """A watch whose sources are those of the machine."""

    machine: Machine

    @property
    def health(self) -> list[Health]:
        return self.machine.sources


class Published:
    """A publisher that runs, and its machines."""

    def __init__(self, publisher: Publisher, machines: Sequence[Machine], address: Address) -> None:
        self.publisher = publisher
        self.machines = machines
        self._address = address

    async def get(self, path: str) -> tuple[int, str]:
        """Status and body of a page."""
        reader, writer = await asyncio.open_connection(*self._address)
        writer.write(f"GET {path} HTTP/1.1\r\n\r\n".encode())
        head, _, body = (await reader.read()).decode().partition("\r\n\r\n")
        writer.close()
        return int(head.split()[1]), body

    async def status(self) -> dict[str, Any]:
        read: dict[str, Any] = json.loads((await self.get("/status"))[1])
        Draft202012Validator(schema("status")).validate(read)
        return read

    async def settled(self, cycles: int) -> None:
        """Wait until each machine was checked so often."""
        while any(machine.watch.state.cycles < cycles for machine in self.machines):
            await asyncio.sleep(0.001)


def publishing(
    folder: Path, test: Callable[[Published], Awaitable[None]], *names: str, broken: str = ""
) -> list[str]:
    """Run a test against machines with these names; what was said."""
    said: list[str] = []

    async def run() -> None:
        machines = [Machine(name, folder) for name in names]
        listener = listen(Address("127.0.0.1", 0))
        address = address_of(listener)
        publisher = Publisher(
            Targets(folder / "e.prom", listener),
            said.append,
            broken=broken.split(),
            own=lambda name: {"t.py::test_it": Outcome.COMPLIANT} if name == "a" else None,
        )
        for machine in machines:
            machine.watch = Watch(
                [], machine.check, publisher.on_transition, on_cycle=publisher.on_cycle
            )
            machine.watch.machine = machine
            publisher.loaded(machine.node)
        await publisher.start(
            lambda: [Current(each.node, each.watch, each.broken) for each in machines]
        )
        tasks = [asyncio.create_task(machine.watch.run()) for machine in machines]
        try:
            async with asyncio.timeout(HANGS):
                await test(Published(publisher, machines, address))
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await publisher.stop()
        assert said.pop(0) == f"listening: http://{address}/ (/metrics /health /status /version)"

    asyncio.run(run())
    return said


def test_from_the_first_check_to_the_last(tmp_path: Path) -> None:
    file = tmp_path / "e.prom"

    async def test(published: Published) -> None:
        (machine,) = published.machines
        assert await published.get("/health") == (
            503,
            "not healthy\na: it has not been checked yet\n",
        )
        assert (await published.status())["exit_status"] == 10
        assert "power_edge_checks{" not in (await published.get("/metrics"))[1]
        assert not file.exists()
        machine.answers.set()
        await published.settled(1)
        assert await published.get("/health") == (200, "healthy\n")
        assert (await published.status())["exit_status"] == 0
        machine.outcome = Outcome.DRIFT
        machine.watch.check_all("the test says so")
        await published.settled(2)
        read = await published.status()
        (wrong,) = read["nodes"]["a"]["not_compliant"]
        assert (wrong["name"], wrong["since"] > read["started"]) == ("x", True)
        line = 'power_edge_check_compliant{name="x",node="a",type="sysctl"} 0.0\n'
        assert line in (await published.get("/metrics"))[1]
        machine.gate = Gate(12, "another machine", matches=False)
        machine.watch.check_all("the test says so")
        await published.settled(3)
        assert await published.get("/health") == (
            503,
            "not healthy\na: the gate is shut: another machine\n",
        )

    assert publishing(tmp_path, test, "a") == []
    # The last state is written when the watch stops, at the latest.
    text = file.read_text()
    assert 'power_edge_checks{node="a",outcome="blocked",type="sysctl"} 1.0\n' in text
    assert 'power_edge_checks{node="a",outcome="compliant",type="own"} 1.0\n' in text
    assert 'power_edge_identity_match{node="a"} 0.0\n' in text


def test_the_file_waits_for_all_nodes(tmp_path: Path) -> None:
    file = tmp_path / "e.prom"
    file.write_text('power_edge_last_seen_timestamp_seconds{node="b"} 5.0\n')

    async def test(published: Published) -> None:
        first, second = published.machines
        first.answers.set()
        while first.watch.state.last_full is None:
            await asyncio.sleep(0.001)
        assert published.publisher._text_to_write() is None
        second.gate = Gate(11, "unreachable: off")
        second.answers.set()
        await published.settled(1)
        while "power_edge_checks" not in file.read_text():
            await asyncio.sleep(0.001)
        assert (await published.get("/health"))[0] == 200, "one gate is open"

    publishing(tmp_path, test, "a", "b", broken="c")
    text = file.read_text()
    assert 'power_edge_last_seen_timestamp_seconds{node="b"} 5.0\n' in text
    assert 'power_edge_config_error{node="c"} 1.0\n' in text
    assert 'power_edge_node_reachable{node="b"} 0.0\n' in text


def test_version(tmp_path: Path) -> None:
    async def test(published: Published) -> None:
        status, body = await published.get("/version")
        assert (status, body.split()[0]) == (200, "power-edge")
        assert body.split()[1] == (await published.status())["version"]

    publishing(tmp_path, test, "a")


def test_a_configuration_that_is_loaded_again(tmp_path: Path) -> None:
    git = tmp_path / ".git"
    git.mkdir()
    (git / "HEAD").write_text("1" * 40)

    async def test(published: Published) -> None:
        (machine,) = published.machines
        first = (await published.status())["nodes"]["a"]["configuration"]
        assert first == {
            "path": str(tmp_path / "a"),
            "loaded": first["loaded"],
            "commit": "1" * 40,
            "error": None,
        }
        (git / "HEAD").write_text("2" * 40)
        assert (await published.status())["nodes"]["a"]["configuration"] == first
        machine.broken = "state.yaml:3: no such key"
        broken = (await published.status())["nodes"]["a"]["configuration"]
        assert broken == {**first, "error": "state.yaml:3: no such key"}
        line = 'power_edge_config_error{node="a"} 1.0\n'
        assert line in (await published.get("/metrics"))[1]
        machine.node, machine.broken = replace(machine.node), None
        published.publisher.loaded(machine.node)
        second = (await published.status())["nodes"]["a"]["configuration"]
        assert (second["commit"], second["error"]) == ("2" * 40, None)
        assert second["loaded"] >= first["loaded"]
        assert line not in (await published.get("/metrics"))[1]

    publishing(tmp_path, test, "a")


def test_a_source_stays_down_while_the_configuration_is_loaded_again(tmp_path: Path) -> None:
    async def test(published: Published) -> None:
        (machine,) = published.machines
        machine.answers.set()
        machine.sources = [Health("dbus", up=True, was_up=True, why=None)]
        await published.settled(1)
        assert (await published.get("/health"))[0] == 200
        machine.sources = [Health("dbus", why="refused"), Health("audit")]
        assert await published.get("/health") == (
            503,
            "not healthy\na: the source dbus is down: refused\n",
        )

    publishing(tmp_path, test, "a")


def test_a_change_without_a_check_is_written_soon(tmp_path: Path) -> None:
    async def test(published: Published) -> None:
        textfile = published.publisher._textfile
        assert textfile is not None
        assert not textfile._changed.is_set()
        published.publisher.changed()
        assert textfile._changed.is_set()

    publishing(tmp_path, test, "a")


def test_a_textfile_that_cannot_be_written(tmp_path: Path) -> None:
    folder = tmp_path / "\x1b[2Jnone"

    async def test(published: Published) -> None:
        (machine,) = published.machines
        machine.answers.set()
        await published.settled(1)
        while published.publisher.textfile_error is None:
            await asyncio.sleep(0.001)
        status, body = (await published.get("/health"))[:2]
        assert status == 503
        assert "the textfile cannot be written: No such file or directory" in str(body)

    (line,) = publishing(folder, test, "a")
    assert line.endswith(
        r"/\x1b[2Jnone/e.prom could not be written: No such file or directory; the watch tries again"
    )


def test_nothing_to_publish() -> None:
    async def run() -> None:
        publisher = Publisher(Targets(), pytest.fail)
        watch = NodeWatch([], Machine("a", Path()).check, publisher.on_transition)
        publisher.on_cycle(watch.state)
        assert publisher.textfile_error is None
        await publisher.start(lambda: [Current(a_node, watch)])
        await publisher.stop()

    a_node: Node = node()
    asyncio.run(run())
