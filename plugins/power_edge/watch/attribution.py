"""Which act caused a transition. Nothing here touches the machine.

A cause is offered only if it did something to that very item, in the time in which the item was
changed. Without one, the cause is None: not known.
"""

from collections.abc import Iterable

from power_edge.model import Item
from power_edge.resources import resource
from power_edge.watch.cause import Act, Cause
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
    """Return the words of a command line of systemctl that are no options: the verb, then names.

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


def choose(
    acts: Iterable[Act], item: Item, since: float, until: float, family: str = ""
) -> Cause | None:
    """Return the cause of a change of an item: the last act that touched it, after `since` and
    until `until`.

    If others touched it as well, it says so. Acts of PID 1 do not count: it acts for others.
    """
    kept = [act for act in acts if since < act.time <= until and act.cause.pid != _PID_1]
    found = sorted((act for act in kept if touches(act, item, family)), key=lambda act: act.time)
    if not found:
        return None
    last = found[-1]
    pid = last.cause.pid
    # The same process in a record that says more: who it was.
    cause = next(
        (act for act in kept if act.subject == subject_of_commit(pid)),
        last,
    ).cause
    others = {act.cause.pid: act.cause for act in found}
    others.pop(pid, None)
    also = sorted(f"{each.command or 'process'} ({each.pid})" for each in others.values())
    if not also:
        return cause
    return cause._replace(detail=(*cause.detail, f"also touched by {', '.join(also)}"))


def subject_of_command(name: str) -> Subject:
    """Return the subject of an act that is a command."""
    return Subject(Kind.COMMAND, name)


def subject_of_commit(pid: int | None) -> Subject:
    """Return the subject of an act that changed some packet filter."""
    return Subject(Kind.TOPIC, f"{COMMIT}{pid}")
