"""Which act caused a transition. Nothing here touches the machine.

A cause is offered only if it did something to that very item, in the time in which the item was
changed. Without one, the cause is None: not known.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeVar

from power_edge.model import Item
from power_edge.resources import resource
from power_edge.watch.causes.cause import Act, Cause
from power_edge.watch.event import Kind, Subject

BEFORE = 2.0
"""Seconds from an act to the event that it caused, at most. A program opens a file and writes then;
the change of a value is noticed up to 2 s later.
"""
COMMIT = "commit:"
"""Before the number of a process, in the topic of an act that changed some packet filter: perhaps
that of a container.
"""
_VERBS = """
start stop reload restart try-restart reload-or-restart try-reload-or-restart isolate kill clean
freeze thaw reset-failed set-property enable disable reenable preset mask unmask link revert edit
condrestart condstop force-reload
"""
_SYSTEMCTL = frozenset(_VERBS.split())
"""What changes a unit: `Unit Commands` and `Unit File Commands` of systemctl(1), without those that
only print; and the last three, which it knows from other systems.
"""
_MACHINE = frozenset(("default", "rescue", "emergency", "daemon-reload", "daemon-reexec"))
"""What changes many units at once."""
_WITH_VALUE = frozenset(("-t", "-p", "-P", "-H", "-M", "-s", "-n", "-o"))
"""Options of systemctl(1) whose value is a word of its own."""
_PID_1 = 1
"""systemd acts for others."""
_FEW = 3
"""Commands that are listed."""
T = TypeVar("T")


def touches(act: Act, item: Item, family: str = "") -> bool:
    """Return whether an act did something to this very item.

    - a value in /proc/sys: the item's own;
    - a file: the item's path, or a file in one of the item's folders that has the item's name, as
      the links and settings of a unit have;
    - the packet filter: any item, if a commit changes what all of the type's items share;
    - a command that changes items of the type: the item is one of its arguments.
    """
    triggers = resource(item.type).triggers(item.declared, family)
    kind, name = act.subject
    match kind:
        case Kind.VALUE:
            # One value of the kernel is in the verdict of many rules: which of them, is not known.
            return name in triggers.values and not resource(item.type).whole
        case Kind.UNIT:
            return name in triggers.units
        case Kind.PATH:
            path = act.path or name
            if name not in triggers.paths:
                return False
            if item.key in (path, resource(item.type).canonical(name)):
                return True
            return not {item.key, f"{item.key}.d"}.isdisjoint(path.split("/"))
        case Kind.COMMAND:
            return name in triggers.commands and _names(act.argv, item)
    return name in triggers.topics and resource(item.type).whole


def _names(argv: tuple[str, ...], item: Item) -> bool:
    """Return whether a command line of systemctl changes the unit of an item.

    Other commands are not understood: `dpkg --status ufw` and `apt remove ufw` have one form.
    """
    verb, *rest = _words(argv) or ("",)
    return verb in _SYSTEMCTL and item.key in map(resource(item.type).canonical, rest)


def only_reads(argv: tuple[str, ...]) -> bool:
    """Return whether a command line is certainly one of systemctl that changes nothing."""
    words = _words(argv)
    return (
        argv[:1] != ()
        and argv[0].rpartition("/")[2] == "systemctl"
        and (not words or words[0] not in _SYSTEMCTL | _MACHINE)
    )


def _words(argv: tuple[str, ...]) -> list[str]:
    """Return the words of a command line of systemctl that are not options: the verb, then names.

    The value of a long option may be a word as well (`--signal 9 kill cron`); it is taken for the
    verb then.
    """
    words: list[str] = []
    rest = iter(argv[1:])
    for word in rest:
        if word in _WITH_VALUE:
            next(rest, None)
        elif not word.startswith("-"):
            words.append(word)
    return words


class Window(NamedTuple):
    """The time of a change: after `since`, until `until`. `event` is when the first event reported
    it, None if none did.
    """

    since: float
    until: float
    event: float | None = None


def choose(acts: Iterable[Act], item: Item, window: Window, family: str = "") -> Cause | None:
    """Return the cause of a change of an item: what is true of each act that touched it within the
    window. None if there was none.

    A commit to the packet filter is its own event: what was committed before the first event
    belongs to an earlier check. Acts of PID 1 do not count: it acts for others.
    """
    since, until, event = window
    kept = [act for act in acts if since < act.time <= until and act.cause.pid != _PID_1]
    found: dict[tuple[int | None, str | None], Act] = {}
    for act in sorted(kept, key=lambda act: act.time):
        early = act.subject.kind is Kind.TOPIC and event is not None and act.time < event
        if not early and touches(act, item, family):
            # The same process may be in a record that says more: who it was.
            pid = act.cause.pid
            better = next((each for each in kept if each.subject == subject_of_commit(pid)), act)
            found.pop((pid, act.cause.command), None)
            found[pid, act.cause.command] = better
    by_process = {
        act.cause.pid if act.cause.pid is not None else key: act for key, act in found.items()
    }
    return in_common(list(by_process.values())) if by_process else None


def in_common(acts: Sequence[Act]) -> Cause:
    """Return what is true of each of some acts, in the order of time. One of them, or all together,
    made a change; which one, no record says.
    """
    if len(acts) == 1:
        return acts[0].cause
    causes = [act.cause for act in acts]
    last = causes[-1]
    cause = Cause(
        last.kind,
        user=_same(each.user for each in causes),
        command=_same(each.command for each in causes),
        via=_same(each.via for each in causes) or (),
        unit=_same(each.unit for each in causes),
        terminal=_same(each.terminal for each in causes),
        time=last.time,
    )
    others = tuple(dict.fromkeys(line for each in causes for line in each.detail))
    starter = _starter(acts) if len({(c.user, c.unit, c.terminal) for c in causes}) == 1 else None
    if starter is not None:
        pid, command = starter
        cause = cause._replace(pid=pid, command=command)
        if len(acts) > _FEW:
            return cause._replace(detail=others)
    return cause._replace(detail=(f"one of: {_listed(causes)}", *others))


def _starter(acts: Sequence[Act]) -> tuple[int, str] | None:
    """Return the nearest process that all acts come from: that of ufw, for twenty of iptables."""
    shared = set.intersection(*({pid for pid, _ in act.line} for act in acts)) - {_PID_1}
    return next((each for each in acts[-1].line if each[0] in shared and each[1]), None)


def _listed(causes: Sequence[Cause]) -> str:
    """Return the commands of causes, each once, with their processes."""
    pids: defaultdict[str, list[str]] = defaultdict(list)
    for cause in causes:
        pids[cause.command or "process"].append(str(cause.pid))
    texts = [
        f"{command} ({found[0] if len(found) == 1 else f'{len(found)} processes'})"
        for command, found in pids.items()
    ]
    more = f" and {len(texts) - _FEW} more" if len(texts) > _FEW else ""
    return ", ".join(texts[:_FEW]) + more


def _same(values: Iterable[T]) -> T | None:
    """Return what all values are, None if they differ."""
    first, *rest = values
    return first if all(each == first for each in rest) else None


def subject_of_command(name: str) -> Subject:
    """Return the subject of an act that is a command."""
    return Subject(Kind.COMMAND, name)


def subject_of_commit(pid: int | None) -> Subject:
    """Return the subject of an act that changed some packet filter."""
    return Subject(Kind.TOPIC, f"{COMMIT}{pid}")
