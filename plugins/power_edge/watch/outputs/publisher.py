"""The state of the watch for others: the textfile of Prometheus, and HTTP."""

import asyncio
import socket
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import NamedTuple

from power_edge.config import Node
from power_edge.model import Outcome
from power_edge.own_version import own_version
from power_edge.report.prometheus import last_seen
from power_edge.text import printable
from power_edge.watch.node import NodeWatch, State
from power_edge.watch.outputs import health, metrics
from power_edge.watch.outputs.commit import commit_around
from power_edge.watch.outputs.listen import address_of
from power_edge.watch.outputs.serve import Make, Page, Server
from power_edge.watch.outputs.status import as_json, status
from power_edge.watch.outputs.textfile import Textfile
from power_edge.watch.outputs.view import History, Loaded, View, snapshot
from power_edge.watch.threads import in_thread
from power_edge.watch.transition import Transition


class Current(NamedTuple):
    """A node as it is watched now, and why its present files cannot be used; None if they can."""

    node: Node
    watch: NodeWatch
    config_error: str | None = None


class Targets(NamedTuple):
    """Where the state goes: a file for node_exporter, a socket that listens; None for neither."""

    textfile: Path | None = None
    listener: socket.socket | None = None


class Publisher:
    """Publishes the state of all nodes, from `start` until `stop`."""

    def __init__(
        self,
        targets: Targets,
        say: Callable[[str], None],
        *,
        broken: Iterable[str] = (),
        own: Callable[[str], Mapping[str, Outcome] | None] = lambda _: None,
        log_error: Callable[[], str | None] = lambda: None,
    ) -> None:
        """`say` gets lines for people. `broken`: nodes whose configuration cannot be used, and that
        are not watched. `own`: the outcomes of a node's own tests, None if it has none.
        `log_error`: why the event log cannot be written, None if it can.
        """
        self._targets = targets
        self._say_raw = say
        self._broken = tuple(broken)
        self._own = own
        self._log_error = log_error
        self._started = time.time()
        self._current: Callable[[], Sequence[Current]] = tuple
        self._histories: defaultdict[str, History] = defaultdict(History)
        self._loaded: dict[str, Loaded] = {}
        self._seen_before: Mapping[str, float] = {}
        self._textfile: Textfile | None = None
        self._server: Server | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def textfile_error(self) -> OSError | None:
        """Why the textfile could not be written the last time; None if it could."""
        return self._textfile.error if self._textfile is not None else None

    def _say(self, text: str) -> None:
        self._say_raw(printable(text))

    # What the watch calls.

    async def start(self, current: Callable[[], Sequence[Current]]) -> None:
        """Begin to publish what `current` returns: nodes that were `loaded`."""
        self._current = current
        file, listener = self._targets
        if file is not None:
            self._seen_before = await in_thread(last_seen, file)
            self._textfile = Textfile(file, self._text_to_write, self._say)
            self._task = asyncio.create_task(self._textfile.run(), name="textfile")
        if listener is not None:
            self._server = Server(self._pages(), self._say)
            await self._server.start(listener)
            self._say(f"listening: http://{address_of(listener)}/ ({' '.join(self._pages())})")

    def loaded(self, node: Node) -> None:
        """A node's configuration has just been loaded."""
        self._loaded[node.name] = Loaded(node.path, time.time(), commit_around(node.path))

    def on_transition(self, transition: Transition) -> None:
        """Take in a transition."""
        self._histories[transition.result.item.node].add(transition)
        self.changed()

    def on_cycle(self, _: State) -> None:
        """A node has been checked, completely or in part."""
        self.changed()

    def changed(self) -> None:
        """Something else has changed that others should read soon."""
        if self._textfile is not None:
            self._textfile.change()

    async def stop(self) -> None:
        """Publish the last state, and end."""
        if self._server is not None:
            await self._server.stop()
        if self._textfile is not None and self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            await self._textfile.write_last()

    # What is published.

    def views(self) -> list[View]:
        """Return all nodes as they are now."""
        now = asyncio.get_running_loop().time()
        return [
            snapshot(
                node=node,
                state=watch.state,
                sources=watch.health,
                overdue=watch.overdue(now),
                history=self._histories[node.name],
                loaded=self._loaded[node.name],
                own=self._own(node.name),
                config_error=config_error,
            )
            for node, watch, config_error in self._current()
        ]

    def _unwritten(self) -> dict[str, str]:
        """Return the outputs that cannot be written, and why."""
        file, log = self.textfile_error, self._log_error()
        errors = {
            "the event log": log,
            "the textfile": (file.strerror or str(file)) if file is not None else None,
        }
        return {name: why for name, why in errors.items() if why is not None}

    def _text_to_write(self) -> Callable[[], str] | None:
        """Return what makes the textfile; None while it would lack a node that the old one has."""
        views = self.views()
        if not views or any(view.state.last_full is None for view in views):
            return None
        return partial(metrics.render, views, self._broken, self._seen_before)

    def _pages(self) -> Mapping[str, Make]:
        return {
            "/metrics": self._metrics,
            "/health": self._health,
            "/status": self._status,
            "/version": self._version,
        }

    async def _metrics(self) -> Page:
        views = self.views()
        text = await in_thread(metrics.render, views, self._broken, self._seen_before)
        return Page(text.encode(), metrics.CONTENT_TYPE)

    async def _health(self) -> Page:
        judgement = health.judge(self.views(), self._unwritten())
        return Page(
            health.text(judgement).encode(),
            status=HTTPStatus.OK if judgement.healthy else HTTPStatus.SERVICE_UNAVAILABLE,
        )

    async def _status(self) -> Page:
        views = self.views()
        judgement = health.judge(views, self._unwritten())
        make = partial(status, views, judgement, own_version(), self._started, time.time())
        return Page(await in_thread(lambda: as_json(make())), "application/json")

    async def _version(self) -> Page:
        return Page(f"power-edge {own_version()}\n".encode())
