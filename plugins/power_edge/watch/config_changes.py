"""Changes of a node's files in node-configs/: they are polled. Nobody needs them within a second,
and polling works on any file system.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from power_edge.config.node_configs import ROLES
from power_edge.watch.path_chain import Fingerprint, Look, Stat

_SECONDS, _EACH = 1.0, 0.05
"""Seconds between two looks at a node's files, and as many for each node of the watch if that is
more: a look takes 0.8 ms.
"""


def pause(nodes: int) -> float:
    """Return the seconds between two looks at the files of one of so many nodes."""
    return max(_SECONDS, _EACH * nodes)


async def changes(folder: Path, seconds: float) -> AsyncIterator[None]:
    """Yield whenever a node's files, or the roles beside it, have changed and then stayed the same
    for a moment. `seconds`: between two looks.
    """
    known = _of(folder)
    while True:
        await asyncio.sleep(seconds)
        now = _of(folder)
        if now == known:
            continue
        while True:  # an editor, or git, is at work
            await asyncio.sleep(seconds / 4)
            later = _of(folder)
            if later == now:
                break
            now = later
        known = now
        yield


def _of(folder: Path) -> Fingerprint:
    """Return the fingerprint of the YAML files of the folder and of the contents in its files/, and
    of the folder of roles beside it, and of what links among them lead to.
    """
    found: dict[str, Stat] = {}
    look = Look()
    for each in (folder, folder.parent / ROLES):
        for path in sorted([*each.glob("*.yaml"), *each.glob("files/**/*")]):
            found |= look.fingerprint(look.chain(str(path)))
    return found
