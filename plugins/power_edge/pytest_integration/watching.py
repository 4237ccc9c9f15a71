"""The watch inside a pytest session (`--watch`).

pytest collects as ever. The watch then takes the place of the run of the items; when it is
stopped, each item is reported once, with its latest result. So pytest's own reporters keep nothing
while the watch runs, and all reports and the exit status are those of its last state.
"""

import asyncio
import signal
from argparse import Namespace
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from power_edge.checking import check
from power_edge.config import Node
from power_edge.model import Item, Result
from power_edge.probing.parallel import start
from power_edge.probing.script import probe_script
from power_edge.probing.transport import Job
from power_edge.pytest_integration.collection import CheckItem
from power_edge.pytest_integration.nodes import Nodes
from power_edge.watch.node import Checked, NodeWatch, key_of
from power_edge.watch.outputs import EventLog, Output, line
from power_edge.watch.settle import ItemId
from power_edge.watch.sources import sources
from power_edge.watch.transition import Transition

_REFUSED = (
    ("maxfail", "-x and --maxfail stop at the first drift"),
    ("stepwise", "--stepwise stops at the first drift"),
    ("usepdb", "--pdb waits for a person"),
    ("numprocesses", "-n starts workers"),
    ("answers", "--answers judges once"),
)
"""Options that make no sense with --watch, and why."""


def refuse(options: Namespace) -> None:
    """Raise UsageError if the command line cannot be a watch."""
    for name, why in _REFUSED:
        if getattr(options, name, None):
            raise pytest.UsageError(
                f"--watch does not end by itself, and {why}: leave one of the two out"
            )


@dataclass(frozen=True, eq=False)
class Latest(check.Checked):
    """A node with its last answer, and the latest result of each item."""

    results: Mapping[ItemId, Result] = field(default_factory=dict)

    def result(self, item: Item) -> Result:
        known = self.results.get(key_of(item))
        return known if known is not None else super().result(item)


class Watching:
    """The watch of all selected nodes."""

    def __init__(
        self, nodes: Nodes, items: Iterable[CheckItem], say: Callable[[str], None]
    ) -> None:
        self._nodes = nodes
        self._say = say
        self._by_node: dict[str, list[Item]] = defaultdict(list)
        for item in items:
            declared = self._by_node[item.node_name]
            if item.declared is not None:
                declared.append(item.declared)
        self._answers: dict[str, check.Checked] = {}

    def run(self, event_log: Path | None) -> None:
        """Watch until SIGTERM or SIGINT. Afterwards `nodes` has the latest results.

        Raises OSError if the event log cannot be opened.
        """
        log = EventLog(event_log) if event_log is not None else None
        outputs: list[Output] = [lambda transition: self._say(line(transition))]
        if log is not None:
            outputs.append(log)
        try:
            watches = asyncio.run(self._run(outputs))
        finally:
            if log is not None:
                log.close()
        for name, watch in watches.items():
            if name in self._answers:
                last = self._answers[name]
                self._nodes.settle(Latest(last.node, last.answer, results=watch.state.results))

    async def _run(self, outputs: Sequence[Output]) -> dict[str, NodeWatch]:
        def on_transition(transition: Transition) -> None:
            for output in outputs:
                output(transition)

        watches = {
            name: self._watch(self._nodes.by_name[name], items, on_transition)
            for name, items in self._by_node.items()
        }
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        tasks = [asyncio.create_task(watch.run(), name=name) for name, watch in watches.items()]
        stopped = asyncio.create_task(stop.wait())
        try:
            done, _ = await asyncio.wait([*tasks, stopped], return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in (*tasks, stopped):
                task.cancel()
            await asyncio.gather(*tasks, stopped, return_exceptions=True)
        return watches

    def _watch(
        self, node: Node, items: Sequence[Item], on_transition: Callable[[Transition], None]
    ) -> NodeWatch:
        route = check.route_to(node, self._nodes.options)
        local = route.url.startswith("local:")
        platform = node.system_identity.platform if node.system_identity is not None else None
        return NodeWatch(
            items,
            lambda wanted: self._check(node, wanted),
            on_transition,
            family=(platform.os_family if platform is not None else None) or "",
            watcher=node.watcher,
            sources=sources() if local else (),
        )

    async def _check(self, node: Node, items: Sequence[Item]) -> Checked:
        return await asyncio.to_thread(self._check_now, node, items)

    def _check_now(self, node: Node, items: Sequence[Item]) -> Checked:
        """Probe the node and judge these items. Takes at most the node's deadline."""
        part = replace(node, state=node.state._replace(items=tuple(items)))
        script = probe_script(node.name, check.expected(node), items, check.timeouts(node))
        pending = start([Job(script, check.route_to(node, self._nodes.options))])[node.name]
        checked = check.wait(part, pending)
        self._answers[node.name] = checked
        return Checked(checked.gate, [checked.gate_result, *map(checked.result, items)])
