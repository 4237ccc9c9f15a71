"""The watch inside a pytest session (`--watch`).

pytest collects as usual. The watch then takes the place of the run of the items; when it is
stopped, each item is reported once, with its latest result. So pytest's own reporters keep nothing
while the watch runs, and all reports and the exit status are those of its last state.
"""

import asyncio
import os
import signal
import time
from argparse import Namespace
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import pytest

from power_edge.checking import check
from power_edge.config import ConfigError, Node, load_node
from power_edge.model import Item, Outcome, Result
from power_edge.probing.failure import EndedBefore, NotAsked, Unreachable
from power_edge.probing.kept_connection import Kept
from power_edge.probing.parallel import WIDTH, start
from power_edge.probing.script import probe_script
from power_edge.probing.transport import Job, ask
from power_edge.pytest_integration.collection import CheckItem
from power_edge.pytest_integration.nodes import Nodes
from power_edge.pytest_integration.suite_sweep import SuiteSweep
from power_edge.watch.config_changes import changes, pause
from power_edge.watch.debounce import ItemId, key_of
from power_edge.watch.memory import give_back, use_one_arena
from power_edge.watch.node import GATE, Checked, NodeWatch, State, summary
from power_edge.watch.outputs.event_log import EventLog
from power_edge.watch.outputs.health import is_quiet
from power_edge.watch.outputs.lines import line, removed_line
from power_edge.watch.outputs.notify import Notifier
from power_edge.watch.outputs.publisher import Current, Publisher
from power_edge.watch.settings import settings
from power_edge.watch.sources import sources
from power_edge.watch.threads import in_thread
from power_edge.watch.transition import Transition

_REFUSED = (
    ("maxfail", "-x and --maxfail stop at the first drift"),
    ("stepwise", "--stepwise stops at the first drift"),
    ("usepdb", "--pdb waits for a person"),
    ("numprocesses", "-n starts workers"),
    ("answers", "--answers judges once"),
    ("allure_report_dir", "--alluredir needs each item to be run by pytest"),
    ("trace", "--trace waits for a person"),
    ("setupshow", "--setup-show is about fixtures"),
    ("setuponly", "--setup-only runs nothing"),
)
"""Options that make no sense with --watch, and why."""


def refuse(options: Namespace, nodes: Iterable[Node]) -> None:
    """Raise UsageError if the command line, or a node, cannot be watched."""
    for node in nodes:
        if (why := _not_watched(node)) is not None:
            raise pytest.UsageError(why)
    for name, why in _REFUSED:
        if getattr(options, name, None):
            raise pytest.UsageError(
                f"--watch does not end by itself, and {why}: leave one of the two out"
            )


def _not_watched(node: Node) -> str | None:
    """Return why a node is not to be watched, None if it is."""
    if node.watcher is None or node.watcher.watchers.enabled:
        return None
    return (
        f"{node.name}: watcher.yaml says `enabled: false` for all watchers:"
        " write `enabled: true`, or check the node without --watch"
    )


@dataclass(frozen=True, eq=False)
class Latest(check.Checked):
    """A node with its last answer, and the latest result of each item."""

    results: Mapping[ItemId, Result] = field(default_factory=dict)

    def result(self, item: Item) -> Result:
        """Return the latest result of an item; for one not judged yet, that of the answer."""
        known = self.results.get(key_of(item))
        return known if known is not None else super().result(item)


@dataclass
class Watched:
    """A node that is being watched: its configuration as it was loaded last."""

    node: Node
    items: Sequence[Item]
    watch: NodeWatch
    task: "asyncio.Task[None]"
    kept: Kept
    """The connection to it, if it is behind one."""


_LATE = 10.0
"""Seconds that a check may be overdue before the watch counts as stuck."""
_SWEEPS = 2
"""Nodes whose suites run at once: each takes a process."""
_GIVE_BACK = 60.0
"""Seconds between two returns of unused memory to the kernel. One takes 1 ms."""
_LAST_LINES = 0.3
"""Seconds that the end waits for the event log, if that cannot be written."""


class Watching:
    """The watch of all selected nodes."""

    def __init__(
        self,
        nodes: Nodes,
        items: Iterable[CheckItem],
        say: Callable[[str], None],
        log: EventLog | None,
        publisher: Publisher,
        *,
        choose: Callable[[str], Sequence[Item]],
        own: Callable[[str], Mapping[str, Outcome] | None] = lambda _: None,
        suites: SuiteSweep | None = None,
        choose_suites: Callable[[str], Sequence[pytest.Item]] = lambda _: (),
    ) -> None:
        """`say` prints a line for people. `choose`: the selected items of a node, as it was loaded
        last; `choose_suites`: those tests of its suites. `own`: the outcomes of a node's own tests,
        None if it has none.
        """
        self._nodes = nodes
        self._say = say
        self._log = log
        self._publisher = publisher
        self._choose = choose
        self._own = own
        self._suites = suites
        self._choose_suites = choose_suites
        self._sweeps = asyncio.Semaphore(_SWEEPS)
        self._suite_results: dict[str, dict[ItemId, Result]] = defaultdict(dict)
        """Node -> the latest results of its suites."""
        self._suites_due: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        """Nodes whose suites are to run now."""
        self._selected: dict[str, list[Item]] = defaultdict(list)
        self._gates: set[str] = set()
        """Nodes whose gate's own item is selected."""
        for item in items:
            declared = self._selected[item.node_name]
            if item.declared is not None:
                declared.append(item.declared)
            else:
                self._gates.add(item.node_name)
        self._watched: dict[str, Watched] = {}
        self._answers: dict[str, check.Checked] = {}
        self.broken: dict[str, str] = {}
        """Nodes whose files cannot be used as they are now, and why. The last good ones hold."""
        self._turns = asyncio.Semaphore(WIDTH)
        """Nodes that are asked at once: each costs a thread."""
        self._reports_wanted = asyncio.Event()
        self._notifier = Notifier()
        self._ready: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        """By node: set when the summary of its first check was printed."""
        self.reloaded: set[str] = set()
        """Nodes whose configuration has changed since the start."""

    def run(self, reports: Callable[[], int]) -> None:
        """Watch until SIGTERM or SIGINT.

        `reports` starts a process that writes the reports of the latest state, and returns its pid.
        Raises OSError if it cannot.
        """
        asyncio.run(self._run(reports))

    def settle(self) -> None:
        """Let `nodes` have the latest results."""
        for name, watched in self._watched.items():
            last = self._answers.get(name)
            answer = last.answer if last is not None else EndedBefore()
            results = watched.watch.state.results
            self._nodes.settle(Latest(watched.node, answer, results=results))

    async def _run(self, reports: Callable[[], int]) -> None:
        use_one_arena()
        loop = asyncio.get_running_loop()
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._reload_all)
        loop.add_signal_handler(signal.SIGUSR1, self._reports_wanted.set)

        def say_soon(text: str) -> None:
            with suppress(RuntimeError):  # the watch has ended
                loop.call_soon_threadsafe(self._say, text)

        if self._log is not None:
            self._log.start(say_soon)
        try:
            await self._publisher.start(self._current)
            async with asyncio.TaskGroup() as tasks:
                for name, items in self._selected.items():
                    state = State(counts_gate=name in self._gates)
                    self._start(tasks, self._nodes.by_name[name], items, state)
                    tasks.create_task(self._follow_files(tasks, name), name=f"files of {name}")
                tasks.create_task(self._report_start(), name="start")
                tasks.create_task(self._notifier.keep_alive(self._healthy), name="watchdog")
                tasks.create_task(self._write_reports(reports), name="reports")
                tasks.create_task(_give_back_memory(), name="memory")
                await stop.wait()
                self._notifier.send("STOPPING=1")
                raise _Stopped
        except* _Stopped:
            pass
        finally:
            await self._publisher.stop()
            await self._close_log()

    async def _close_log(self) -> None:
        if self._log is not None and (lost := await in_thread(self._log.close, _LAST_LINES)):
            self._say(f"{lost} lines of the event log could not be written")

    def _current(self) -> list[Current]:
        """Return all nodes as they are watched now."""
        return [
            Current(each.node, each.watch, self.broken.get(name))
            for name, each in self._watched.items()
        ]

    async def _write_reports(self, reports: Callable[[], int]) -> None:
        """Write the reports at each SIGUSR1, one time after the other."""
        while True:
            await self._reports_wanted.wait()
            self._reports_wanted.clear()
            try:
                pid = reports()
            except OSError as error:
                self._say(f"the reports could not be written: {error.strerror}")
                continue
            _, status = await in_thread(os.waitpid, pid, 0)
            if not status:
                self._say("SIGUSR1: the reports of the latest state are written")
            else:
                self._say("the reports could not be written (the process that should, failed)")

    def _healthy(self) -> bool:
        """Return whether all nodes are being watched: no check is overdue."""
        now = asyncio.get_running_loop().time()
        return not any(each.watch.overdue(now) > _LATE for each in self._watched.values())

    async def _report_start(self) -> None:
        """Tell systemd when the summary of the first check was printed for all nodes."""
        await asyncio.gather(*(self._ready[name].wait() for name in self._selected))
        self._notifier.send("READY=1")

    def _start(
        self, tasks: asyncio.TaskGroup, node: Node, items: Sequence[Item], state: State
    ) -> None:
        route = check.route_to(node, self._nodes.options)
        local = route.url.startswith("local:")
        self._publisher.loaded(node)
        if self._log is not None:
            suites = self._suites.items(node.name) if self._suites is not None else []
            self._log.declared(node.name, [*node.items, check.gate_item(node), *suites])
        timeouts = check.timeouts(node)
        platform = node.system_identity.platform if node.system_identity is not None else None
        kept = Kept()
        watch = NodeWatch(
            items,
            lambda wanted: self._check(node, wanted, kept),
            self._on_transition,
            state=state,
            family=(platform.os_family if platform is not None else None) or "",
            settings=settings(node.watcher, local=local),
            sources=sources() if local else (),
            on_cycle=self._publisher.on_cycle,
            on_news=lambda news: self._say(f"{time.strftime('%H:%M:%S')} {node.name}: {news}"),
            deadline=timeouts.connect + timeouts.node,
        )
        over = None if local else route.url.partition(":")[0].upper()
        task = tasks.create_task(self._watch(node.name, watch, kept, over), name=node.name)
        self._watched[node.name] = Watched(node, items, watch, task, kept)

    async def _watch(self, name: str, watch: NodeWatch, kept: Kept, over: str | None) -> None:
        """`kept` is the connection to the node. It ends with the watch. `over` is its kind."""
        try:
            await self._watch_and_report(name, watch, over)
        finally:
            # Each takes a moment, and there may be many.
            await in_thread(kept.close)

    async def _watch_and_report(self, name: str, watch: NodeWatch, over: str | None) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(watch.run())
            await watch.begun.wait()
            if self._suites is not None:
                if self._suites.items(name):
                    # They may take longer than systemd waits for a start.
                    self._ready[name].set()
                await self._sweep(self._suites, name)
            self._say(summary(name, watch, (self._own(name) or {}).values(), over))
            self._ready[name].set()
            while self._suites is not None:
                # asyncio.wait_for may swallow the end of the watch before Python 3.12.
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._suites.seconds):
                        await self._suites_due[name].wait()
                await self._sweep(self._suites, name)

    async def _sweep(self, suites: SuiteSweep, name: str) -> None:
        """Run the suites of a node, and report what has changed since the last time."""
        async with self._sweeps:
            self._suites_due[name].clear()
            self.settle()
            results = await suites.run(name)
        known, now = self._suite_results[name], time.time()
        self._suite_results[name] = {key_of(result.item): result for result in results}
        for result in results:
            before = known.get(key_of(result.item))
            if before is None or before[1:] != result[1:]:
                outcome = before.outcome if before is not None else None
                self._on_transition(Transition(now, result, outcome, None))
        self._publisher.changed()

    def _on_transition(self, transition: Transition) -> None:
        if key_of(transition.result.item) == GATE:
            # What the suites found behind the other gate says nothing about this machine.
            self._suites_due[transition.result.item.node].set()
        self._publisher.on_transition(transition)
        if _worth_a_line(transition):
            self._say(line(transition))
        if self._log is not None and not self._is_quiet(transition):
            self._log(transition)

    def _is_quiet(self, transition: Transition) -> bool:
        """Whether a transition reports another machine, and its node wants no event about that."""
        result = transition.result
        watched = self._watched[result.item.node]
        return result.outcome is Outcome.BLOCKED and is_quiet(
            watched.node, watched.watch.state.gate
        )

    # Configuration.

    async def _follow_files(self, tasks: asyncio.TaskGroup, name: str) -> None:
        """Load a node again whenever its files change."""
        async for _ in changes(self._watched[name].node.path, pause(len(self._watched))):
            await self._load(tasks, name)

    def _reload_all(self) -> None:
        self._notifier.send("RELOADING=1")
        self._say("SIGHUP: everything is checked now")
        if self._log is not None:
            self._log.reopen()
        for name, watched in self._watched.items():
            watched.kept.try_now()
            watched.watch.check_all("SIGHUP")
            self._suites_due[name].set()
        self._notifier.send("READY=1")

    async def _load(self, tasks: asyncio.TaskGroup, name: str) -> None:
        before = self._watched[name]
        try:
            node = await in_thread(load_node, before.node.path)
        except ConfigError as error:
            why = str(error)
        except OSError as error:
            why = f"{error.filename}: {error.strerror}"
        else:
            why = _not_watched(node) or ""
        if why:
            self.broken[name] = why
            self._publisher.changed()
            self._say(
                f"{name}: unusable configuration; the one that was loaded last stays in force"
            )
            for problem in why.split("\n"):
                self._say(f"  {problem}")
            return
        self.broken.pop(name, None)
        before.task.cancel()
        # Its sources release what exists only once on a machine, such as the audit rules.
        await asyncio.gather(before.task, return_exceptions=True)
        self.reloaded.add(name)
        self._nodes.replace(node)
        if self._suites is not None:
            self._suites.replace(name, self._choose_suites(name))
        # As at the start: an item that had gone and is back is watched again.
        items = self._choose(name)
        count = len(items) + (name in self._gates)
        none = "" if count else ": none is selected, so nothing is watched on this node"
        self._say(f"{name}: the configuration was loaded again, {count} items{none}")
        for text in _removed(before.watch.state, node, items):
            self._say(text)
        self._start(tasks, node, items, before.watch.state)

    # Checks.

    async def _check(self, node: Node, items: Sequence[Item], kept: Kept) -> Checked:
        """Probe the node and judge these items.

        Takes at most the node's deadline, from its turn on.
        """
        async with self._turns:
            checked = await self._ask(node, items, kept)
        self._answers[node.name] = checked
        return await in_thread(_judged, checked, items)

    async def _ask(self, node: Node, items: Sequence[Item], kept: Kept) -> check.Checked:
        script = probe_script(node.name, check.expected(node), items, check.timeouts(node))
        job = Job(script, check.route_to(node, self._nodes.options))
        over = kept.ask if job.route.url.startswith("ssh:") else ask
        # Its head start would hold up the other nodes.
        pending = start([job], over, beside=len(self._watched) - 1, head_start=0.0)[node.name]
        part = node.with_items(items)
        try:
            async with asyncio.timeout(pending.limit):
                answer = await asyncio.wrap_future(pending.future)
            return check.Checked(part, answer)
        except asyncio.CancelledError:
            pending.lifeline.cut()
            raise
        except TimeoutError:
            pending.lifeline.cut()
            return check.Checked(part, Unreachable(f"no answer in {pending.limit:.0f} s"))
        except (Unreachable, NotAsked) as error:
            return check.Checked(part, error)


def _removed(state: State, node: Node, items: Iterable[Item]) -> Iterator[str]:
    """Yield a line for each drift and each unknown item that is no longer watched: without it, the
    last line about the item would look current.
    """
    watched, declared = {GATE, *map(key_of, items)}, set(map(key_of, node.items))
    for key, result in state.results.items():
        if key not in watched and result.outcome in (Outcome.DRIFT, Outcome.UNKNOWN):
            yield removed_line(time.time(), result, "selected" if key in declared else "declared")


def _worth_a_line(transition: Transition) -> bool:
    """Whether people are shown a transition. What is compliant from the start is in the summary; if
    a gate shuts, or opens, its own line stands for all items.
    """
    outcome, before = transition.result.outcome, transition.before
    if key_of(transition.result.item) == GATE:
        return before is not None or outcome is not Outcome.COMPLIANT
    if outcome is Outcome.COMPLIANT:
        return before not in (None, Outcome.BLOCKED)
    return outcome is not Outcome.BLOCKED


async def _give_back_memory() -> None:
    while True:
        await asyncio.sleep(_GIVE_BACK)
        give_back()


class _Stopped(Exception):
    """The watch is to end."""


def _judged(checked: check.Checked, items: Iterable[Item]) -> Checked:
    return Checked(checked.gate, [checked.gate_result, *map(checked.result, items)])
