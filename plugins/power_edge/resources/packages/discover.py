"""Packages that somebody asked for, by name alone: an upgrade is no drift.

Those on hold with their version, which is what the hold is for.
"""

from collections.abc import Iterator, Mapping

from power_edge.model.discovery import Discovery
from power_edge.model.generated.resources.packages_schema import Package as Declared
from power_edge.resources.packages.observation import Package


def forms(_: str, observed: Package) -> Iterator[Mapping[str, str]]:
    """Absent is what apk was told to refuse; elsewhere discovery names nothing that is not there."""
    if not observed.here:
        if observed.manager == "apk":
            yield {"state": "absent"}
        return
    if any(row.want == "hold" for row in observed.here):
        yield {"version": observed.here[0].version}
    yield {}


DISCOVERY: Discovery[Declared, Package] = Discovery(name=str, forms=forms)
