"""Probe a node and judge its items, behind its gate: for the pytest plugin, the commands and the
watch.
"""

import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache, partial
from itertools import groupby
from math import ceil
from pathlib import Path
from shlex import quote
from typing import Any
from urllib.parse import urlsplit

from power_edge import exit_status
from power_edge.checking.cpu_limit import CpuLimit, TookTooLong
from power_edge.checking.evaluate import judge, unknown
from power_edge.config import Node
from power_edge.config.clones import others
from power_edge.identity import gate, identifiers
from power_edge.identity.gate import Gate
from power_edge.identity.identifiers import Expected
from power_edge.model import Item, NotObserved, Observations, Outcome, Result, Source, agrees
from power_edge.probing.connection import BadRoute, Options, find_route
from power_edge.probing.failure import NotAsked, Unreachable
from power_edge.probing.framing import Answer
from power_edge.probing.observe import observe
from power_edge.probing.parallel import Pending, start
from power_edge.probing.process import Lifeline, guard
from power_edge.probing.route import Route
from power_edge.probing.script import ProbeScript, Timeouts, probe_script
from power_edge.probing.transport import Job
from power_edge.resources import resource

GATE_TYPE = "node"
GATE_NAME = "identity"
JUDGING_SECONDS = 15.0
"""Seconds of computing that one resource type of one node may take, from the probe's output to the
results of all its items.
"""
BULKY = 512 * 1024
"""Bytes. The observations of a longer answer are not kept beside it. They are made again if another
node was judged in between.
"""
_ANOTHER = "another machine: "
_NO_CONNECTION = (
    "without connection.yaml and --hosts, this machine is checked: write ssh: {host: NAME} into"
    " connection.yaml; "
)
"""The likeliest cause comes before the hashes, which a line may cut."""
_FUTURE = 60
"""Seconds that an answer may be ahead of our clock. Two clocks are never quite equal."""

STATUS = {
    Outcome.COMPLIANT: exit_status.COMPLIANT,
    Outcome.WAIVED: exit_status.COMPLIANT,
    Outcome.DRIFT: exit_status.DRIFT,
    Outcome.UNKNOWN: exit_status.UNKNOWN,
}
"""Outcome -> the exit status that it requires. That of a blocked item is its gate's."""


def expected(node: Node) -> Expected | None:
    """Return what the gate expects of a node, None if no identity is on file."""
    return None if node.system_identity is None else identifiers.expected(node.system_identity)


def timeouts(node: Node) -> Timeouts:
    """Return the deadlines of a node's connection.yaml, or the defaults.

    In whole seconds, which every timeout(1) and ssh(1) accept; fractions are rounded up.
    """
    fields = {"connect": "connect_timeout", "section": "section_timeout", "node": "node_timeout"}
    declared = {name: getattr(node.connection, field, None) for name, field in fields.items()}
    return Timeouts(
        **{name: ceil(seconds) for name, seconds in declared.items() if seconds is not None}
    )


def gate_item(node: Node) -> Item:
    """Return the gate's own item of a node."""
    on_file = expected(node)
    fields = {"hash": on_file.hash_on_file if on_file is not None else None}
    place = Source(f"node-configs/{node.name}/system-identity.yaml", 1)
    return Item(node.name, GATE_TYPE, GATE_NAME, GATE_NAME, None, fields, (place,))


def script_for(node: Node) -> ProbeScript:
    """Return the probe script for all items of a node."""
    return probe_script(node.name, expected(node), node.items, timeouts(node))


def ask(nodes: Iterable[Node], options: Options) -> dict[str, Pending]:
    """Send every node its script, in parallel, and return at once.

    Returns the pending answer by node. Raises BadRoute.
    """
    return start([Job(script_for(node), route_to(node, options)) for node in nodes])


def host(node: Node, options: Options, sockets: Path, lifeline: Lifeline) -> Any:
    """Return testinfra's host of a node, over the route that the probe takes (see Route.host).

    Its processes end when `lifeline` is cut. Raises BadRoute.
    """
    found = route_to(node, options).host(timeouts(node).connect, sockets)
    guard(found, lifeline)
    return found


def route_to(node: Node, options: Options) -> Route:
    """Return the route to a node. Raises BadRoute, with the node's name."""
    try:
        return find_route(node.connection, expected(node), options)
    except BadRoute as error:
        raise BadRoute(f"{node.name}: {error}") from None


def names_of(node: Node, options: Options) -> frozenset[str]:
    """Return what a message may call a node: its name, its host, user@host."""
    try:
        user, _, place = urlsplit(route_to(node, options).url).netloc.rpartition("@")
    except (BadRoute, ValueError):
        return frozenset((node.name,))
    host = re.sub(r":[0-9]*$", "", place) if not place.endswith("]") else place.strip("[]")
    return frozenset((node.name, place, host, f"{user.partition(':')[0]}@{host}"))


@dataclass(frozen=True, eq=False)
class Checked:
    """A node and its answer, or the reason why there is none.

    The answer is parsed when the first observation is read.
    """

    node: Node
    answer: Answer | Unreachable | NotAsked
    age: str | None = None
    """The age of an answer that came by other means, as displayed. None: the node was asked now."""
    stale: str | None = None
    """Why such an answer cannot be used: it is too old, or from the future."""
    _cpu_limits: defaultdict[str, CpuLimit] = field(
        init=False, default_factory=lambda: defaultdict(lambda: CpuLimit(JUDGING_SECONDS))
    )
    """By resource type, so that no type uses up the time of another."""

    @cached_property
    def gate(self) -> Gate:
        """The gate: open, or not, with an exit status and the reason."""
        if isinstance(self.answer, NotAsked):
            return Gate(exit_status.UNKNOWN, str(self.answer))
        if isinstance(self.answer, Unreachable):
            return Gate(exit_status.UNREACHABLE, f"unreachable: {self.answer}")
        if self.answer.gate is None:
            return Gate(exit_status.UNREACHABLE, "unreachable: the answer ends before the gate")
        record = f"power-edge identity {quote(self.node.name)} --write"
        found = gate.judge(
            expected(self.node), self.answer.readings, record, partial(others, self.node.path)
        )
        nowhere = self.node.connection is None and self.age is None
        if nowhere and found.status == exit_status.WRONG_MACHINE and expected(self.node):
            why = found.why or ""
            start = _ANOTHER if why.startswith(_ANOTHER) else ""
            why = f"{start}{_NO_CONNECTION}{why.removeprefix(start)}"
            return found._replace(why=why)
        return found

    @property
    def shown(self) -> identifiers.Shown:
        """What the machine that answered showed of itself; nothing if none did."""
        readings = self.answer.readings if isinstance(self.answer, Answer) else {}
        hashes = {kind: each.hash for kind, each in readings.items() if each.hash is not None}
        return identifiers.Shown((expected(self.node) or identifiers.ANY_MACHINE).os, hashes)

    @cached_property
    def gate_result(self) -> Result:
        """The result of the gate's own item, `node[identity]`."""
        item = gate_item(self.node)
        if not self.gate.open:
            return self._not_looked_at(item)
        if self.stale is not None:
            return Result(item, Outcome.UNKNOWN, why=self.stale)
        return Result(
            item,
            Outcome.COMPLIANT,
            (agrees("hash", item.expected["hash"], self.gate.observed),),
            self.gate.why,
        )

    @property
    def observations(self) -> Mapping[str, Observations | NotObserved]:
        """The observations by resource type; none if the gate is shut."""
        return _bulky(self) if self._size > BULKY else self._cached

    @cached_property
    def _size(self) -> int:
        return (
            sum(len(output.stdout) for output in self.answer.outputs.values())
            if isinstance(self.answer, Answer)
            else 0
        )

    @cached_property
    def _cached(self) -> Mapping[str, Observations | NotObserved]:
        return self._observed()

    def _observed(self) -> Mapping[str, Observations | NotObserved]:
        if not isinstance(self.answer, Answer) or not self.gate.open:
            return {}
        items = sorted(self.node.items, key=lambda item: item.type)
        return {
            kind: self._observed_of(kind, list(members), self.answer)
            for kind, members in groupby(items, key=lambda item: item.type)
        }

    def _observed_of(
        self, kind: str, items: Sequence[Item], answer: Answer
    ) -> Observations | NotObserved:
        if self.stale is not None:
            return NotObserved(self.stale)
        try:
            return self._cpu_limits[kind].spend(lambda: observe(resource(kind), items, answer))
        except TookTooLong as error:
            return NotObserved(str(error))

    def answered_at(self, run_started: float) -> float | None:
        """Return when the node itself answered, in seconds since 1970.

        None if it did not answer, or if its time is in the future. `run_started` is in seconds
        since 1970, too.
        """
        if not isinstance(self.answer, Answer) or not self.gate.open:
            return None
        if self.age is None:
            return run_started
        return float(self.answer.time) if self.answer.time <= run_started + _FUTURE else None

    def result(self, item: Item) -> Result:
        """Return the result of one of the node's items."""
        if not self.gate.open:
            return self._not_looked_at(item)
        observed = self.observations[item.type]
        try:
            return self._cpu_limits[item.type].spend(
                lambda: judge(resource(item.type), item, observed)
            )
        except TookTooLong as error:
            return unknown(item, str(error))

    def _not_looked_at(self, item: Item) -> Result:
        """Return the result of an item if the gate is not open: unknown if the node was not asked,
        else blocked.
        """
        not_asked = self.gate.status == exit_status.UNKNOWN
        return Result(item, Outcome.UNKNOWN if not_asked else Outcome.BLOCKED, why=self.gate.why)


@lru_cache(maxsize=1)
def _bulky(checked: Checked) -> Mapping[str, Observations | NotObserved]:
    """Return the observations of a long answer, kept for one node at a time: they take up to 45
    times the memory of the answer.
    """
    return checked._observed()


def wait(node: Node, pending: Pending) -> Checked:
    """Wait for a node's answer, at most until its deadline."""
    return wait_by(node, pending.answer)


def wait_by(node: Node, answer: Callable[[], Answer]) -> Checked:
    """Wait for a node's answer by a function that raises what Pending.answer does."""
    try:
        return Checked(node, answer())
    except (Unreachable, NotAsked) as error:
        return Checked(node, error)


def from_answer(node: Node, answer: Answer, max_age: float, now: float | None = None) -> Checked:
    """Return a node with an answer that came by other means.

    `max_age` is in seconds, by the node's clock in the answer. `now` is in seconds since 1970, by
    default the current time.
    """
    age = (time.time() if now is None else now) - answer.time
    stale = None
    if age < -_FUTURE:
        stale = (
            f"the answer is from the future: {format_duration(-age)} ahead of this machine's clock"
        )
    elif age > max_age:
        limit = format_duration(max_age)
        stale = f"the answer is {format_duration(age)} old, more than {limit} (--max-age)"
    return Checked(node, answer, format_duration(max(age, 0)), stale)


def format_duration(seconds: float) -> str:
    """Return a duration for display: `90 s`, `15 min`, `7 h`, `3 d`."""
    for unit, size, most in (("s", 1, 120), ("min", 60, 120 * 60), ("h", 3600, 48 * 3600)):
        if seconds < most:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds / 86400:.0f} d"
