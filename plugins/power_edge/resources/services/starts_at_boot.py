"""Whether a boot starts a unit, and because of what: the facts that the verdicts on `enabled` and
the remedies share.
"""

from collections.abc import Iterable, Iterator

from power_edge.resources.services.unit import Puller, Trigger, Unit

LINKS = ("disk", "vendor", "generator")
"""The kinds of pullers that are a link on disk when the next boot looks."""


def starts(observed: Unit) -> bool | None:
    """Return whether a boot starts the unit, by itself or for another unit; None: unknown."""
    if observed.boot is not None:
        return None if observed.boot.doubt else observed.boot.starts
    puller = pull(observed)
    return False if puller is None else surely_pulls(puller) or None


def pull(observed: Unit) -> Puller | None:
    """Return a unit that pulls this one in at boot: one that surely does, else one that may; None
    if no unit does. No boot starts a unit by an entry that masks, so `mask` needs no look.
    """
    lasting = [
        puller
        for puller in observed.pullers
        if puller.by != "runtime" and puller.boots is not False
    ]
    return max(lasting, key=surely_pulls, default=None)


def surely_pulls(puller: Puller | None) -> bool:
    """Return whether there is such a unit, a boot starts it, and it pulls by a link on disk."""
    return puller is not None and puller.boots is True and puller.by != "memory"


def from_generator(observed: Unit) -> bool:
    """Return whether a link that a generator made may pull the unit in at boot."""
    return any(
        puller.by == "generator" and puller.boots is not False for puller in observed.pullers
    )


def boot_triggers(observed: Unit) -> Iterator[Trigger]:
    """Yield the triggers of the unit that a boot starts."""
    return (trigger for trigger in observed.triggers if trigger.boots)


def waking_triggers(observed: Unit) -> list[Trigger]:
    """Return the triggers that start the unit after a boot: those that a boot starts, and active
    timers.
    """
    return [
        trigger
        for trigger in observed.triggers
        if trigger.boots or (trigger.active and trigger.name.endswith(".timer"))
    ]


def boot_pullers(observed: Unit) -> str:
    """Return the names of the units that a boot starts and that pull this one in."""
    return names_of(puller for puller in observed.pullers if puller.boots) or "another unit"


def names_of(pullers: Iterable[Puller]) -> str:
    """Return `a.target, b.target`."""
    return ", ".join(puller.name for puller in pullers)


def only_masked(observed: Unit) -> bool:
    """Return whether each link that would pull the unit in is a mask, and no other unit does it.
    `systemctl is-enabled` counts a mask as a link all the same.
    """
    return (
        pull(observed) is None
        and any(puller.by == "mask" for puller in observed.pullers)
        and all(puller.by not in LINKS for puller in observed.pullers)
    )


def masking_folders(observed: Unit) -> str:
    """Return the `.wants` folders that hold a mask for the unit, as `a.target.wants, ...`."""
    return ", ".join(f"{puller.name}.wants" for puller in observed.pullers if puller.by == "mask")
