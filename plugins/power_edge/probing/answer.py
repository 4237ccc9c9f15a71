"""The framing of an answer, as probes/prelude.sh writes it."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from power_edge.gate import Reading

_HEADER = re.compile(rb"^PE1 ([0-9a-f]{32}) (\d{1,10}) (\d{1,12}) (.*)\n", re.MULTILINE)
NOT_STARTED = "the probe did not start"
_TIMED_OUT = frozenset({124, 137, 143})  # timeout(1), its KILL, and busybox's own number
_PASSING = re.compile(r"sudo(-rs)?: unable to resolve host ")


class Output(NamedTuple):
    """What one section printed. `status` is None where the answer was cut before its end."""

    status: int | None
    stdout: bytes
    stderr: str

    @property
    def timed_out(self) -> bool:
        return self.status in _TIMED_OUT

    def failure(self) -> str | None:
        """Why this section is no observation, None when it is one."""
        if self.status == 0:
            return None
        if self.status is None:
            return "the answer was cut"
        if self.timed_out:
            return "timed out"
        return _said(self.stderr) or f"the probe ended with status {self.status}"


class Answer(NamedTuple):
    """An answer read: whose it says it is, when (seconds since 1970, the node's clock), its identifiers, and what its sections printed."""

    node: str
    uid: int
    time: int
    readings: dict[str, Reading]
    gate: str | None
    outputs: dict[str, Output]
    complete: bool


class NoAnswer(Exception):
    """These bytes hold no answer; the text says why."""


def read(answer: bytes) -> Answer:
    """The answer in these bytes; what a login shell printed before it is passed over. Raises NoAnswer."""
    header = _HEADER.search(answer)
    if header is None:
        raise NoAnswer(NOT_STARTED)
    nonce, uid, time, node = header.groups()
    if node.endswith(b"\r"):
        # What a file of that node holds could no longer be told from what the carrier made of it.
        raise NoAnswer("its line ends were changed on the way (CR LF): carry it as it is")
    body = answer[header.end() - 1 :]
    readings: dict[str, Reading] = {}
    outputs: dict[str, Output] = {}
    gate, complete, name, start, ended = None, False, None, 0, 0
    for frame in re.finditer(rb"\n?^" + nonce + rb" ([IGBEZ])(?: (.*))?$", body, re.MULTILINE):
        ended = frame.end()
        sort, words = frame[1], (frame[2] or b"").decode("ascii", "replace").split()
        match sort, words:
            case b"I", [kind, state, digest]:
                readings[kind] = Reading(state, digest if state == "ok" else None)
            case b"G", ["open" | "hidden" | "wrong" as verdict]:
                gate = verdict
            case b"B", [section]:
                name, start = section, frame.end() + 1
            case b"E", [section, status] if section == name:
                following = body.find(b"\n" + nonce + b" ", frame.end())
                errors = body[frame.end() : following if following >= 0 else None]
                outputs[section] = Output(_number(status), body[start : frame.start()], errors.decode("utf-8", "replace").strip())
                name = None
            case b"Z", _:
                complete = True
    if (second := _HEADER.search(body, ended)) is not None and second[1] != nonce:
        # Appended to one file, say: which of them is to be believed nobody knows.
        raise NoAnswer("more than one answer: keep each in a file of its own")
    if name is not None:
        outputs[name] = Output(None, b"", "")
    return Answer(node.decode("utf-8", "replace"), int(uid), int(time), readings, gate, outputs, complete)


def merge(answers: Iterable[Answer]) -> Answer:
    """One answer of the several that a long plan is split into; they are of one node, and the gate of each must agree with the first's."""
    first, *others = answers
    for other in others:
        if (other.readings, other.node) != (first.readings, first.node):
            raise NoAnswer("another machine answered in the middle of the run")
        first = first._replace(outputs={**first.outputs, **other.outputs}, complete=first.complete and other.complete)
    return first


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) <= 3 else 1


def _said(stderr: str) -> str:
    """The first line that is no warning of a sudo that goes on all the same."""
    lines = stderr.strip().splitlines()
    return next((line for line in lines if not _PASSING.match(line)), lines[0] if lines else "")
