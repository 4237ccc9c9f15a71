"""A connection to a node that stays open: one ssh, which runs one script after the other.

A watch asks a node again and again. A shared connection (ControlMaster) would do as well, but one
that has lost its node hangs its next user. This one ends with its deadline, and the next script
makes a new one.
"""

import secrets
import time
from threading import Lock
from typing import NamedTuple

from power_edge.probing.failure import Unreachable, no_answer
from power_edge.probing.framing import Answer, NoAnswer, read
from power_edge.probing.process import Conversation, Lifeline, client
from power_edge.probing.route import Route
from power_edge.probing.script import loop
from power_edge.probing.stream import Stream
from power_edge.probing.transport import Job, connected, one_reason, patiently

_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0
"""Seconds after which a failed connection is tried again: twice as long each time."""
_SSH_FAILED = 255


class _Broken(Exception):
    """The connection ended before the answer did."""


class _Complaint(NamedTuple):
    """What ssh printed before it failed, with the attribute names of testinfra's results."""

    stderr_bytes: bytes


class _Open(NamedTuple):
    """A connection that waits for the next script."""

    conversation: Conversation
    route: Route


class Kept:
    """The connection to one node. All that it raises are Unreachable and NotAsked."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._idle: _Open | None = None
        self._closed = False
        self._pause = 0.0
        self._next_try = 0.0
        self._why = ""
        """Why the last attempt failed. Holds until the next one."""

    def ask(self, job: Job, lifeline: Lifeline) -> Answer:
        """Return the node's answer, over the connection that is there, or a new one.

        The connection ends if the lifeline is cut meanwhile.
        """
        lifeline.begun.set()
        idle = self._take(job.route)
        if idle is None and time.monotonic() < self._next_try:
            raise Unreachable(self._why)
        try:
            with one_reason(job.route):
                answer = self._answer(idle, job, lifeline)
        except Unreachable as error:
            self._why = "no answer within its deadline" if lifeline.is_cut else str(error)
            self._pause = min(max(_FIRST_PAUSE, 2 * self._pause), _LONGEST_PAUSE)
            self._next_try = time.monotonic() + self._pause
            raise
        self._pause = 0.0
        return answer

    def try_now(self) -> None:
        """Let the next call make a connection, however often that has failed."""
        self._pause = self._next_try = 0.0

    def close(self) -> None:
        """End the connection that waits, and each that would wait later."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, None
        if idle is not None:
            idle.conversation.close(idle=True)

    def _take(self, route: Route) -> Conversation | None:
        """Return the connection that waits, if it can be used.

        Another call may still be at work, after its deadline: no connection is used by two.
        """
        with self._lock:
            idle, self._idle = self._idle, None
        if idle is None:
            return None
        # What was printed since the last answer is not an answer to the next script.
        if idle.route == route and idle.conversation.is_silent():
            return idle.conversation
        idle.conversation.close(idle=True)
        return None

    def _keep(self, kept: _Open) -> None:
        with self._lock:
            surplus, self._idle = (kept, self._idle) if self._closed else (self._idle, kept)
        if surplus is not None:
            surplus.conversation.close(idle=True)

    def _answer(self, idle: Conversation | None, job: Job, lifeline: Lifeline) -> Answer:
        if idle is not None:
            try:
                return self._ask(idle, job, lifeline, first=False)
            except _Broken:
                pass  # it may have been broken for long: a new one shows whether the node is there
        return patiently(lambda: self._ask(_connection(job), job, lifeline, first=True))

    def _ask(
        self, conversation: Conversation, job: Job, lifeline: Lifeline, *, first: bool
    ) -> Answer:
        token = secrets.token_hex(16)
        stream = Stream(token, job.longest, first=first)
        line = b"%s %s\n" % (token.encode(), job.script.packed())
        reusable = False
        try:
            with lifeline.holding(conversation.lifeline):
                if not conversation.exchange(line, stream.feed):
                    if not first and not lifeline.is_cut:
                        raise _Broken
                    raise _failure(conversation, stream, line)
                try:
                    answer = read(stream.answer())
                except NoAnswer as error:
                    why = conversation.finish().stderr
                    raise Unreachable(no_answer(error, stream.answer(), why, line, "ssh")) from None
            reusable = stream.is_clean() and conversation.sent_whole
            return answer
        finally:
            if reusable:
                self._keep(_Open(conversation, job.route))
            else:
                conversation.close()


def _connection(job: Job) -> Conversation:
    host = connected(job.route, job.script.timeouts)
    return Conversation(client(host, loop(job.route.shell_prefix())))


def _failure(conversation: Conversation, stream: Stream, line: bytes) -> Exception:
    """Return why a connection ended without an answer. It has ended after this."""
    ended = conversation.finish()
    if ended.status == _SSH_FAILED:
        return RuntimeError(_Complaint(ended.stderr))
    try:
        read(stream.received())
    except NoAnswer as error:
        return Unreachable(no_answer(error, stream.received(), ended.stderr, line, "ssh"))
    return Unreachable("the connection ended before the answer did")
