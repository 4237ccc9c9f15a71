"""Whether two nodes are blocked by one cause: their reasons are equal, except for their names."""

import re
from collections.abc import Iterable

_ITSELF = "*"
_ADDRESS = re.compile(
    r"(?<![\w.:])([0-9]{1,3}(\.[0-9]{1,3}){3}|[0-9a-fA-F]{0,4}(:[0-9a-fA-F]{0,4}){2,7}(%\w+)?)(?![\w:])"
)


def cause(why: str, names: Iterable[str]) -> str:
    """Return a reason without what is the node's own: its names and addresses.

    `names` are all that a message may call it: the node, its host, user@host. Other addresses are
    taken out as well, since ssh(1) names the address that an alias leads to.
    """
    for name in sorted(filter(None, names), key=len, reverse=True):
        why = re.sub(rf"(?<![\w.@-]){re.escape(name)}(?![\w-])", _ITSELF, why)
    return _ADDRESS.sub(_ITSELF, why)
