"""Judge the mode, owner and group of what is at a path."""

import stat
from collections.abc import Iterator, Mapping

from power_edge.model import Finding, agrees, drifts, finding
from power_edge.model.generated.resources.files_schema import File as Declared
from power_edge.resources.files.observation import File


def attributes(observed: File) -> dict[str, str]:
    """Return the three as a declaration writes them."""
    return {
        "mode": f"{stat.S_IMODE(observed.mode):04o}",
        "owner": observed.user or str(observed.uid),
        "group": observed.group or str(observed.gid),
    }


def judge_attributes(declared: Declared, observed: File) -> Iterator[Finding]:
    """Yield a finding for each of the three that is declared. Ids are compared, not names."""
    if declared.mode is not None:
        mode = stat.S_IMODE(observed.mode)
        yield finding("mode", declared.mode, f"{mode:04o}", int(declared.mode, 8) == mode)
    if declared.owner is not None:
        yield _judge_owner("owner", declared.owner, observed.uid, observed.user, observed.uids)
    if declared.group is not None:
        yield _judge_owner("group", declared.group, observed.gid, observed.group, observed.gids)


def _judge_owner(
    field: str, declared: str, number: int, name: str | None, numbers: Mapping[str, int]
) -> Finding:
    actual = str(number) if name is None or declared.isdecimal() else name
    if declared.isdecimal():
        return finding(field, declared, actual, int(declared) == number)
    if declared == name:
        return agrees(field, declared, declared)
    if numbers.get(declared) == number:
        return agrees(field, declared, declared, f"id {number}, also called {actual}")
    kind = "user" if field == "owner" else "group"
    unknown = None if declared in numbers else f"the node knows no {kind} of that name"
    return drifts(field, declared, actual, unknown)
