"""Discovers files under /etc that somebody changed or added: their hash, mode, owner and group."""

import stat
from collections.abc import Iterator, Mapping
from dataclasses import replace

from power_edge.model import NotObserved
from power_edge.model.discovery import Discovery
from power_edge.model.generated.resources.files_schema import File as Declared
from power_edge.resources.files import REGULAR, Broken, File, Missing, path_state, unescape


def name(argument: str) -> str:
    """Return the path in the probe's argument, WANT:OWNER:GROUP:PATH."""
    return unescape(argument.split(":", 3)[-1])


def forms(_: str, observed: File | Missing | Broken) -> Iterator[Mapping[str, object]]:
    """Yield declarations, best first: with owner and group by name, then by number for names that
    cannot be declared. The hash is in both if the probe was asked for it and got it.
    """
    if isinstance(observed, File) and observed.itself and observed.type != REGULAR:
        yield {
            field: value
            for field, value in path_state.fact(observed).items()
            if not isinstance(value, NotObserved)
        }
    if not isinstance(observed, File) or observed.type != REGULAR or observed.itself:
        return
    content = {"sha256": observed.sha256} if observed.sha256 is not None else {}
    fields = {**content, "mode": f"{stat.S_IMODE(observed.mode):04o}"}
    user, group = str(observed.uid), str(observed.gid)
    yield {**fields, "owner": observed.user or user, "group": observed.group or group}
    yield {**fields, "owner": user, "group": group}


def with_hash(declared: Declared) -> Declared:
    """Return the declaration with `sha256`: without it the probe hashes a content only if its
    length is as declared.
    """
    return declared if declared.content is None else replace(declared, sha256="")


DISCOVERY: Discovery[Declared, File | Missing | Broken] = Discovery(
    name=name, forms=forms, widen=with_hash
)
