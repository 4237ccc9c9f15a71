"""What the probe printed -> what a node has under each name."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from power_edge.model import NotObserved
from power_edge.resources.packages import versions
from power_edge.resources.packages.candidates import candidates
from power_edge.resources.packages.offers import Candidate
from power_edge.resources.packages.simulation import Simulation, simulation

_GONE = ("not-installed", "config-files")
_USABLE = ("installed", "triggers-pending", "triggers-awaited")


_LONGEST_LINE = 16 * 1024
"""Names and versions have some dozen letters. To compare two takes the square of their length."""


class Row(NamedTuple):
    """A package in the database: dpkg's want, status and error flag; of the other managers `status`
    is always `installed`.
    """

    name: str
    arch: str
    want: str
    status: str
    flag: str
    version: str

    @property
    def here(self) -> bool:
        """Whether any part of it is on the disk, but for configuration files."""
        return self.status not in _GONE

    @property
    def usable(self) -> bool:
        return self.status in _USABLE and self.flag == "ok"


class Package(NamedTuple):
    """What a node has under a name.

    An observation is never None: what is not there has no row that is `here`, and its manager is
    known all the same.

    `others` are rows of other architectures than the name means; `label` is a row that the name
    leads to together with a version (rpm takes `bash-5.1`); `providers` are installed packages that
    provide the name. `tool` is the program that installs packages, None without one, and
    `simulation` what it says that it would do, None where it was not asked. `native` is the node's
    architecture, and `broken` are rows of other packages that are neither installed nor gone.
    `orphan`: there is no row, and dpkg's list of its files is there.
    """

    manager: str
    tool: str | None
    rows: tuple[Row, ...] = ()
    others: tuple[Row, ...] = ()
    label: Row | None = None
    providers: tuple[str, ...] = ()
    candidate: Candidate | None = None
    simulation: Simulation | None = None
    native: str = "-"
    broken: tuple[Row, ...] = ()
    orphan: bool = False

    @property
    def here(self) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if row.here)


class _Told(NamedTuple):
    """A whole answer; `rows` and `providers` by name in small letters, `labels` by what else rpm
    takes for a package, `offers` by name.
    """

    manager: str
    native: str
    tool: str
    rows: Mapping[str, Sequence[Row]]
    labels: Mapping[str, Sequence[Row]]
    providers: Mapping[str, Sequence[str]]
    offers: Mapping[str, Candidate]
    simulations: Mapping[str, Simulation]
    broken: tuple[Row, ...]
    torn: frozenset[str]
    """The names in `broken`."""
    orphans: frozenset[str]


def parse(section: bytes) -> dict[str, Package | NotObserved]:
    """Name as asked -> Package, or NotObserved where the name cannot be asked of this manager."""
    asked, rows, broken, orphans = [], [], [], []
    providers, tagged = defaultdict[str, list[str]](list), defaultdict[str, list[str]](list)
    tries = dict[str, list[str]]()
    manager = native = tool = ""
    for line in section.decode("utf-8", "replace").split("\n"):
        if len(line) > _LONGEST_LINE:
            raise ValueError(f"a line of {len(line):,} letters")
        tag, _, rest = line.partition(" ")
        match tag:
            case "manager":
                manager, native, tool = rest.split(" ")
            case "asked":
                asked.append(rest)
            case "row":
                name, arch, state, version = rest.split(" ")
                want, status, flag = state.split("/")
                rows.append(Row(name, arch, want, status, flag, version))
            case "orphan":
                orphans.append(rest)
            case "broken":
                name, state = rest.split(" ")
                want, status, flag = state.split("/")
                broken.append(Row(name, "-", want, status, flag, "-"))
            case "try":
                name, *words = rest.split(" ")
                tries[name] = words
            case "sim" | "way":
                name, _, said = rest.partition(" ")
                tagged[f"{tag} {name.lower() if tag == 'way' else name}"] += [said] if said else []
            case "provides":
                package, name = rest.split(" ")
                providers[name.lower()].append(package)
            case (
                "now"
                | "uri"
                | "list"
                | "missing"
                | "policy"
                | "repo"
                | "sync"
                | "release"
                | "clock"
            ):
                tagged[tag].append(rest)
            case "stderr":
                command, _, complaint = rest.partition(" ")
                if command == "sim":
                    name, _, complaint = complaint.partition(" ")
                    command = f"sim {name}"
                tagged[f"stderr {command}"].append(complaint)
            case "":
                pass
            case _:
                raise ValueError(f"no line of this probe: {line!r}")
    if manager not in versions.COMPARE:
        raise ValueError(f"no package manager is named: {manager!r}")
    labels = [(label, row) for row in rows for label in _labels(row)] if manager == "rpm" else []
    by_name = _by([(row.name.lower(), row) for row in rows])
    simulations = {name: _simulation(name, words, tagged) for name, words in tries.items()}
    told = _Told(
        manager,
        native,
        tool,
        by_name,
        _by(labels),
        providers,
        candidates(manager, tagged),
        simulations,
        tuple(broken),
        frozenset(row.name for row in broken),
        frozenset(orphans),
    )
    return {name: _package(name, told) for name in asked}


_WAYS = 10
"""Parts of the way to the node of which one package is said to hold."""


def _simulation(name: str, words: Sequence[str], tagged: Mapping[str, Sequence[str]]) -> Simulation:
    ways = [
        way
        for word in words
        for way in tagged.get(f"way {word.partition('=')[0].lower()}", ())[:_WAYS]
    ]
    return simulation(
        words, tagged.get(f"sim {name}", ()), tagged.get(f"stderr sim {name}", ()), ways
    )


def _package(asked: str, told: _Told) -> Package | NotObserved:
    base, _, arch = asked.partition(":")
    if arch and told.manager == "pacman":
        return NotObserved("pacman's packages have no architecture of their own")
    # dpkg takes Bash for bash; to the others these are two names.
    named = [
        row for row in told.rows.get(base.lower(), ()) if told.manager == "dpkg" or row.name == base
    ]
    labelled = told.labels.get(asked, ()) if not named else ()
    named += [row for row in labelled if f"{row.name}.{row.arch}" == asked]
    meant, others = list[Row](), list[Row]()
    for row in named:
        if f"{row.name}.{row.arch}" == asked or _means(told.manager, arch, told.native, row):
            meant.append(row)
        elif row.here:
            others.append(row)
    return Package(
        manager=told.manager,
        tool=None if told.tool == "-" else told.tool,
        rows=tuple(meant),
        others=tuple(others),
        label=next(iter(labelled), None) if not named else None,
        providers=tuple(dict.fromkeys(told.providers.get(base.lower(), ()))),
        simulation=told.simulations.get(asked),
        native=told.native,
        broken=told.broken
        if base.lower() not in told.torn
        else tuple(row for row in told.broken if row.name != base.lower()),
        orphan=base.lower() in told.orphans,
        candidate=told.offers.get(asked)
        or (told.offers.get(base) if arch in ("", told.native) else None),
    )


def _means(manager: str, arch: str, native: str, row: Row) -> bool:
    """Whether a name with this architecture (empty: without one) means that row. dpkg's bare names
    mean the native one.
    """
    if manager != "dpkg":
        return arch in ("", row.arch)
    return arch in ("any", row.arch) or (
        arch in ("", "native", native) and row.arch in (native, "all", "-")
    )


def _labels(row: Row) -> tuple[str, ...]:
    """The names with an architecture or a version that rpm takes for that package; rpm(8),
    PACKAGE_NAME.
    """
    version_release = row.version.rpartition(":")[2]
    version = version_release.rpartition("-")[0]
    return f"{row.name}.{row.arch}", *(
        f"{row.name}-{part}" for part in (version, version_release, f"{version_release}.{row.arch}")
    )


def _by(pairs: Sequence[tuple[str, Row]]) -> Mapping[str, Sequence[Row]]:
    found = defaultdict[str, list[Row]](list)
    for name, row in pairs:
        found[name].append(row)
    return found
