"""Discovers the packages that somebody installed on purpose.

They are declared by name alone, so that an upgrade is not a drift. A package on hold is declared
with its version, since the hold is for that.
"""

from collections.abc import Iterator, Mapping

from power_edge.model.discovery import Discovery
from power_edge.model.generated.resources.packages_schema import Package as Declared
from power_edge.resources.packages.observation import Package


def forms(_: str, observed: Package) -> Iterator[Mapping[str, str]]:
    """Yield declarations, best first.

    A package that is not installed is one that apk was configured to refuse (`!NAME` in its world
    file); with other managers discovery names none.
    """
    if not observed.here:
        if observed.manager == "apk":
            yield {"state": "absent"}
        return
    if any(row.want == "hold" for row in observed.here):
        yield {"version": observed.here[0].version}
    yield {}


DISCOVERY: Discovery[Declared, Package] = Discovery(name=str, forms=forms)
