"""Which units a missing or masked name may mean."""

import difflib

from power_edge.resources.services.answer import Names

_MANY_NAMES = 20_000
"""With more names than this no similar one is looked for: comparing two names takes a few
microseconds.
"""


def claimed_by(name: str, missing: bool, names: Names) -> tuple[str, ...]:
    """Return the units whose file says Alias=NAME, or may say so because it cannot be read; and for
    a missing service the socket of its name.
    """
    claims = dict.fromkeys((*names.unread, *names.claims.get(name, ())))
    if missing and name.endswith(".service"):
        socket = f"{name.removesuffix('.service')}.socket"
        claims |= dict.fromkeys(unit for unit in names.claims.get(socket, ()) if unit == socket)
    claims.pop(name, None)
    return tuple(claims)


def nearest(name: str, names: Names) -> tuple[str, ...]:
    """Return up to three units with similar names. Suffixes are not compared: they would make all
    services similar.
    """
    if len(names.known) > _MANY_NAMES:
        return ()
    known = {
        stem: others
        for stem, units in names.known.items()
        if (others := [unit for unit in units if unit != name])
    }
    stems = difflib.get_close_matches(name.rpartition(".")[0], sorted(known), 3, 0.7)
    return tuple(dict.fromkeys(unit for stem in stems for unit in known[stem]))[:3]
