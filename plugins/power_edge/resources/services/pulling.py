"""Which units start a unit at boot: those that pull it in, and those that trigger it."""

from collections.abc import Iterator

from power_edge.resources.services.answer import Answer, Link, Properties, seconds, unit_names
from power_edge.resources.services.unit import Puller, Trigger

_BOOT_TARGETS = frozenset(
    f"{name}.target"
    for name in (
        "sysinit",
        "basic",
        "multi-user",
        "sockets",
        "timers",
        "paths",
        "local-fs",
        "swap",
        "slices",
        "getty",
    )
)
"""Targets that every boot into multi-user or graphical mode reaches (bootup(7))."""

_LASTING = {"mask": 0, "runtime": 1, "disk": 2, "generator": 3, "vendor": 3}

_FIXED = ("static", "generated", "masked", "transient")
"""File states that `systemctl disable` does not change."""


def pullers(
    declared_name: str, names: set[str], properties: Properties, answer: Answer
) -> dict[str, Puller]:
    """Return the units that pull in the unit with these names, by their own names."""
    links = _links(names, answer)
    found = {
        link.puller: Puller(link.puller, link.by, _pulled_at_boot(link, answer)) for link in links
    }
    if answer.jobs is not None and not answer.jobs.start(declared_name, names):
        # No boot starts it. So of a mask and a link with the same name the mask has won.
        found |= {
            link.puller: Puller(link.puller, "mask", False) for link in links if link.by == "mask"
        }
    for puller in _remembered(properties):
        found.setdefault(puller, Puller(puller, "memory", started_at_boot(puller, answer)))
    return found


def triggers(
    name: str, names: set[str], properties: Properties, answer: Answer
) -> Iterator[Trigger]:
    """Yield the triggers of a unit: first those that the manager knows, then those that are linked
    by hand, which it learns with the next reload or boot.
    """
    known = unit_names(properties.get("TriggeredBy", ""))
    for trigger in known:
        its = answer.properties.get(trigger)
        yield Trigger(
            trigger,
            None if its is None else its["ActiveState"] not in ("inactive", "failed"),
            _armed_at_boot(trigger, answer, name),
            0.0 if its is None else seconds(its, "StateChangeTimestampMonotonic"),
            answer.states.get(trigger) in _FIXED
            or any(link.by in ("vendor", "generator") for link in _links({trigger}, answer)),
        )
    if answer.jobs is not None:
        wakers = {waker for each in names for waker in answer.jobs.wakers.get(each, ())}
        for waker in sorted(wakers - {*known}):
            if waker.endswith((".socket", ".timer", ".path")) and waker in answer.jobs.jobs:
                yield Trigger(waker, False, _armed_at_boot(waker, answer))
        return
    by_name = {trigger for each in names for trigger in answer.activating.get(each, ())}
    if name.endswith(".service"):
        stem = name.removesuffix(".service")
        by_name |= {f"{stem}{suffix}" for suffix in (".socket", ".timer", ".path")}
    for link in _links(by_name - {*known}, answer):
        if link.by not in ("runtime", "mask") and link.puller in _BOOT_TARGETS:
            sure = answer.goal is None and _surely_pulls(link, answer)
            yield Trigger(link.pulled, False, True if sure else None)


def started_at_boot(name: str, answer: Answer, apart_from: str = "") -> bool | None:
    """Return whether a boot starts a unit that pulls or triggers another one; None: unknown.

    The job list decides. Without one the unit's own links decide, and no further links are
    followed. `apart_from` is a unit that does not count as one that pulls.
    """
    if answer.jobs is not None:
        if answer.jobs.traps or answer.jobs.doubted((name,)):
            return None
        return name in answer.jobs.jobs or (None if name in answer.jobs.wakers else False)
    state = answer.states.get(name, "")
    if state.startswith("masked"):
        return False if state == "masked" else None
    links = [link for link in _links({name}, answer) if link.by not in ("runtime", "mask")]
    if name in _BOOT_TARGETS or any(_surely_pulls(link, answer) for link in links):
        return True if answer.goal is None else None
    pulled = (
        links
        or name not in answer.properties
        or set(_remembered(answer.properties[name])) - {apart_from}
    )
    if state in ("disabled", "indirect", "linked", "transient") or (
        state == "static" and not pulled
    ):
        return None if links else False
    return None


def _armed_at_boot(trigger: str, answer: Answer, apart_from: str = "") -> bool | None:
    """Return whether a boot starts a trigger; None: unknown.

    A unit that pulls another one in does so by its job alone. A trigger has to be up: a condition
    that fails, or the kernel's command line, may keep it from that.
    """
    boots = started_at_boot(trigger, answer, apart_from)
    jobs = answer.jobs
    return None if boots and jobs and (trigger in jobs.unmet or trigger in jobs.early) else boots


def _links(names: set[str], answer: Answer) -> list[Link]:
    """Return the entries that pull in one of the names; those that last come last."""
    return sorted(
        (link for name in sorted(names) for link in answer.links.get(name, ())),
        key=lambda link: _LASTING[link.by],
    )


def _masked(link: Link, answer: Answer) -> bool:
    """Return whether another entry of the same name masks this one. The order of their folders
    decides which of the two counts.
    """
    return (link.pulled, link.puller) in answer.masks


def _pulled_at_boot(link: Link, answer: Answer) -> bool | None:
    """Return whether a boot starts the unit that an entry belongs to; None also where systemd may
    ignore the entry.
    """
    if link.by == "mask":
        return False
    boots = started_at_boot(link.puller, answer)
    return None if boots and (not link.link or _masked(link, answer)) else boots


def _surely_pulls(link: Link, answer: Answer) -> bool:
    """Return whether the entry lies in a target that every boot reaches, and nothing masks it."""
    masked = answer.states.get(link.puller, "").startswith("masked") or _masked(link, answer)
    return link.puller in _BOOT_TARGETS and link.link and not masked


def _remembered(properties: Properties) -> list[str]:
    """Return the units that pull this one in, as the manager remembers them."""
    return [
        name
        for key in ("WantedBy", "RequiredBy", "UpheldBy", "BoundBy")
        for name in unit_names(properties.get(key, ""))
    ]
