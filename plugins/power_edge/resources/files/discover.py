"""Files under /etc that somebody changed or added, by hash, mode, owner and group."""

import stat
from collections.abc import Iterator, Mapping
from dataclasses import replace

from power_edge.model.discovery import Discovery
from power_edge.model.generated.resources.files_schema import File as Declared
from power_edge.resources.files import REGULAR, Broken, File, Missing, unescape


def name(argument: str) -> str:
    """WANT:OWNER:GROUP:PATH as its path."""
    return unescape(argument.split(":", 3)[-1])


def forms(_: str, observed: File | Missing | Broken) -> Iterator[Mapping[str, str]]:
    """With the hash where the probe was asked for it and had it.

    Owner and group by name, or by number where a name cannot be declared.
    """
    if not isinstance(observed, File) or observed.type != REGULAR:
        return
    content = {"sha256": observed.sha256} if observed.sha256 is not None else {}
    fields = {**content, "mode": f"{stat.S_IMODE(observed.mode):04o}"}
    user, group = str(observed.uid), str(observed.gid)
    yield {**fields, "owner": observed.user or user, "group": observed.group or group}
    yield {**fields, "owner": user, "group": group}


def asked(declared: Declared) -> Declared:
    """With a hash: a content is only hashed where its length is as declared."""
    return declared if declared.content is None else replace(declared, sha256="")


DISCOVERY: Discovery[Declared, File | Missing | Broken] = Discovery(
    name=name, forms=forms, asked=asked
)
