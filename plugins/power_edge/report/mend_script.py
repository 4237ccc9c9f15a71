"""The mends of a node as one script of POSIX sh, to be read and then run by a person.

What a configuration or a node says is data here: arguments are quoted, comments are one line each.
"""

import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from textwrap import wrap
from typing import NamedTuple

from power_edge.model import Command, Outcome
from power_edge.model.generated import report_schema
from power_edge.report.terminal import WIDTH
from power_edge.text import printable

_TAB = 8
"""Columns of a tab on a terminal."""
_SHELLCHECK = "# shellcheck disable=SC1003,SC2016  # names stand in single quotes"


_READ = {
    "machine-id": "tr ABCDEF abcdef 2>/dev/null </etc/machine-id",
    "product-uuid": "tr ABCDEF abcdef 2>/dev/null </sys/class/dmi/id/product_uuid",
    "board-serial": "sed 's/^ *//; s/ *$//' /sys/class/dmi/id/board_serial 2>/dev/null",
}
"""How root reads an identifier on Linux, by its kind: as probes/prelude.sh hashes it."""


class Machine(NamedTuple):
    """The machine that was checked: the name of its node, its kind of system, and the SHA-256 of
    each identifier that it showed, by kind.
    """

    node: str
    os: str
    hashes: Mapping[str, str]


class Step(NamedTuple):
    """An item that is not compliant, and the commands of its mend."""

    record: report_schema.Item
    differences: tuple[str, ...]
    """What is wrong, in a few words each: see `terminal.differences`."""
    commands: tuple[Command, ...]


def script(machine: Machine, steps: Iterable[Step], turn: Callable[[str], int]) -> str:
    """Return the script for a machine, which runs on no other one. Equal mends are one step.

    `turn` returns where the mends of a resource type stand, low numbers first. What could cut a
    person's connection comes after all that could open it.
    """
    node, guards = machine.node, [*_guards(machine)]
    drifts = [each for each in steps if each.record.outcome == Outcome.DRIFT.value]
    others = [each for each in steps if each.record.outcome != Outcome.DRIFT.value]
    drifts.sort(key=lambda each: (turn(each.record.type), _place(each)))
    runs: dict[tuple[Command, ...], list[Step]] = {}
    by_hand: list[Step] = []
    for each in drifts:
        if each.commands and _fits(each.commands):
            runs.setdefault(each.commands, []).append(each)
        else:
            by_hand.append(each)
    cutting = {
        commands: same
        for commands, same in runs.items()
        if any(each.record.mend_cuts for each in same)
    }
    lines = [
        "#!/bin/sh",
        *_comment(
            f"What ends the drift of {node}, as a check of Power Edge found it. Nothing was run."
            f" Read it, then run it as root on {node}. It stops at the first command that fails."
            " Then check the node again."
        ),
        _SHELLCHECK,
        "set -eu",
        "",
        *(_is_this(node) if guards else _comment(_NO_GUARD)),
        "main() {",
        '\t[ "$(id -u)" -eq 0 ] || { echo "run this as root" >&2; exit 1; }',
        *guards,
        "\tset -x  # each command is printed before it runs",
    ]
    for commands, same in runs.items():
        if commands not in cutting:
            lines += _step(commands, same)
    if cutting:
        lines += [
            "",
            *_comment(
                "Careful: what follows could cut your own connection. Keep a console at hand, and"
                " try a new connection before you close this one.",
                "\t",
            ),
        ]
    for commands, same in cutting.items():
        lines += _step(commands, same)
    lines += ["}", ""]
    if by_hand:
        lines += ["# By hand:", *(line for each in by_hand for line in _sentence(each)), ""]
    if others:
        lines += [
            "# Not looked at, or not decided; there is nothing to run:",
            *(line for each in others for line in _title(each)),
            "",
        ]
    if not drifts:
        lines += ["# No drift was found.", ""]
    return "\n".join([*lines, "main </dev/null", ""])


_NO_GUARD = (
    "The machine showed no identifier to the check, so this script cannot tell whether it runs on"
    " the right machine: look at the host name first."
)


def _is_this(node: str) -> Iterator[str]:
    """Yield the function that ends the script on another machine."""
    wrong = f"this machine is not {node}, which was checked: another "
    yield "# Ends the script on another machine than the one that was checked."
    yield "is_this() { # KIND VALUE SHA256"
    yield '\tseen=$(printf %s "$2" | sha256sum)'
    yield (
        f'\t[ "${{seen%% *}}" = "$3" ] ||'
        f' {{ echo {shlex.quote(printable(wrong))}"$1" >&2; exit 1; }}'
    )
    yield "}"
    yield ""


def _guards(machine: Machine) -> Iterator[str]:
    """Yield a line for each identifier that the machine showed. It must be the same one now."""
    for kind, read in _READ.items():
        if kind in machine.hashes and machine.os == "linux":
            # A machine without the file has another value. A stranger wrote the hash.
            value = f'"linux:$({read} || :)"'
            yield f"\tis_this {kind} {value} {shlex.quote(printable(machine.hashes[kind]))}"


def _step(commands: Sequence[Command], same: Sequence[Step]) -> Iterator[str]:
    yield ""
    for each in same:
        yield from _title(each, "\t")
        reasons = dict.fromkeys(reason.reason for reason in each.record.reasons or ())
        for text in (*reasons, *([each.record.advice] if each.record.advice else [])):
            yield from _comment(f"  {text}", "\t")
    for command in commands:
        yield "\t" + " ".join(map(shlex.quote, command))


def _title(step: Step, indent: str = "") -> list[str]:
    label = f"{step.record.type}[{step.record.name}]"
    return _comment(f"{label} {'; '.join(step.differences)}", indent)


def _sentence(step: Step) -> Iterator[str]:
    yield from _title(step)
    note = step.record.advice or "no command is known"
    if step.commands:
        note = "its mend has characters that no line of a script can show: see the check's report"
    yield from _comment(f"  {note}")


def _comment(text: str, indent: str = "") -> list[str]:
    """Return text as lines of comment. It is printable, so that no line ends before we end it."""
    text = printable(text)
    start = " " * (len(text) - len(text.lstrip()))
    width = WIDTH - len("# ") - len(start) - len(indent) * _TAB
    lines = wrap(text.strip(), width, break_long_words=False, break_on_hyphens=False)
    return [f"{indent}# {start}{line}" for line in lines]


def _fits(commands: Sequence[Command]) -> bool:
    """Whether all words can be shown as they are."""
    return all(printable(word) == word for command in commands for word in command)


def _place(step: Step) -> tuple[str, int]:
    file, _, line = (step.record.source or "").rpartition(":")
    return file, int(line or 0)
