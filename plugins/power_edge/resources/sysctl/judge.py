"""Judge a kernel parameter: its value, as the kernel shows it, against the declared one."""

import re
from collections.abc import Iterator

from power_edge.model import Finding, agrees, drifts, undecided
from power_edge.model.ranges import Ranges, merged
from power_edge.resources.sysctl.key import Setting, canonical, missing
from power_edge.resources.sysctl.kinds import NUMBER, another_count

_RANGE = r"(0|[1-9][0-9]{0,17})(-(0|[1-9][0-9]{0,17}))?"
_RANGE_LIST = re.compile(f"{_RANGE}(,{_RANGE})*")
_LONGEST_LIST = 64 * 1024
"""Characters of a list of ranges. The kernel's own buffer is smaller (proc_do_large_bitmap)."""
_RANGE_KEYS = frozenset(("net/ipv4/ip_local_reserved_ports", "kernel/watchdog_cpumask"))
"""Keys whose values are lists of ranges, which the kernel rewrites."""


def judge(declared: Setting, observed: str | None) -> Iterator[Finding]:
    """Yield one finding, `value`."""
    if observed is None:
        yield drifts("value", declared.value, None, missing(canonical(declared.key)))
        return
    actual = str(observed)
    if _equal(declared.value, actual):
        yield agrees("value", declared.value, actual)
    elif (ranges := _ranges(declared.value)) is not None and ranges == _ranges(actual):
        if canonical(declared.key) in _RANGE_KEYS:
            yield agrees("value", declared.value, actual, "the same ranges, written another way")
        else:
            why = (
                "they are equal only if the key holds a list of ranges: declare what the kernel"
                " shows"
            )
            yield undecided("value", declared.value, why, actual)
    else:
        yield drifts("value", declared.value, actual, another_count(declared.value, actual))


def _equal(declared: str, observed: str) -> bool:
    """Return whether two values are the same. Blanks around the declared value do not count.
    Between numbers any blanks are the same, since the kernel writes tabs there.
    """
    if observed in (declared, declared.strip()):
        return True
    numbers = declared.split()
    return numbers == observed.split() and all(map(NUMBER.fullmatch, numbers)) and bool(numbers)


def _ranges(value: str) -> Ranges | None:
    """Return `80,81,90-92` as ((80, 81), (90, 92)); None if the value is not a list of ranges."""
    if len(value) > _LONGEST_LIST or _RANGE_LIST.fullmatch(value.strip()) is None:
        return None
    try:
        return merged(map(_range, value.strip().split(",")))
    except ValueError:
        return None


def _range(part: str) -> tuple[int, int]:
    low, _, high = part.partition("-")
    return int(low), int(high or low)
