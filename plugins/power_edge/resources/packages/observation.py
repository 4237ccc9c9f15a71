"""Reads the probe's answer: what a node has under each package name."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from power_edge.model import NotObserved
from power_edge.resources.packages import versions
from power_edge.resources.packages.candidates import candidates, unread
from power_edge.resources.packages.offers import Candidate
from power_edge.resources.packages.simulation import Simulation, simulation

_NOT_INSTALLED = ("not-installed", "config-files")
_USABLE = ("installed", "triggers-pending", "triggers-awaited")

_LONGEST_LINE = 16 * 1024
"""Names and versions have a few dozen characters. The time to compare two grows with the square of
their length.
"""


class Row(NamedTuple):
    """A package in the database.

    `want`, `status` and `flag` are dpkg's words. With other package managers `status` is always
    `installed`. `-` stands for an unknown architecture or version.
    """

    name: str
    arch: str
    want: str
    status: str
    flag: str
    version: str

    @property
    def here(self) -> bool:
        """Whether any part of it is on disk, other than configuration files."""
        return self.status not in _NOT_INSTALLED

    @property
    def usable(self) -> bool:
        """Whether it is completely installed."""
        return self.status in _USABLE and self.flag == "ok"


class Package(NamedTuple):
    """What a node has under a name. A package that is not installed has a record, too.

    - `manager`: dpkg, rpm, apk or pacman. `tool`: the program that installs packages, None if there
      is none.
    - `rows`: what the database has. `others`: rows of other architectures than the name means.
    - `label`: the row that the name means together with a version (rpm takes `bash-5.1`).
    - `providers`: installed packages that provide the name.
    - `candidate`: what the package lists offer. `simulation`: what the tool would do; None if the
      probe did not simulate it.
    - `unread`: why it is unknown what the package lists offer; None if that was read, or not asked.
    - `native`: the node's architecture.
    - `broken`: rows of other packages that are neither installed nor removed completely.
    - `orphan`: the database has no row, but dpkg's list of its files exists.
    """

    manager: str
    tool: str | None
    rows: tuple[Row, ...] = ()
    others: tuple[Row, ...] = ()
    label: Row | None = None
    providers: tuple[str, ...] = ()
    candidate: Candidate | None = None
    simulation: Simulation | None = None
    unread: str | None = None
    native: str = "-"
    broken: tuple[Row, ...] = ()
    orphan: bool = False

    @property
    def here(self) -> tuple[Row, ...]:
        """The rows of which any part is on disk, other than configuration files."""
        return tuple(row for row in self.rows if row.here)


class _Answer(NamedTuple):
    """The whole answer.

    `rows` and `providers` are by name in lower case, `labels` by other names that rpm takes for a
    package, `offers` and `simulations` by name. `broken_names` are the names in `broken`.
    """

    manager: str
    native: str
    tool: str
    rows: Mapping[str, Sequence[Row]]
    labels: Mapping[str, Sequence[Row]]
    providers: Mapping[str, Sequence[str]]
    offers: Mapping[str, Candidate]
    simulations: Mapping[str, Simulation]
    unread: str | None
    broken: tuple[Row, ...]
    broken_names: frozenset[str]
    orphans: frozenset[str]


def parse(section: bytes) -> dict[str, Package | NotObserved]:
    """Return by name a Package, or NotObserved for a name that this package manager cannot have.

    ValueError: this is not an answer of the probe.
    """
    names, rows, broken, orphans = [], [], [], []
    providers, tagged = defaultdict[str, list[str]](list), defaultdict[str, list[str]](list)
    simulated = dict[str, list[str]]()
    manager = native = tool = ""
    for line in section.decode("utf-8", "replace").split("\n"):
        if len(line) > _LONGEST_LINE:
            raise ValueError(f"a line of {len(line):,} characters")
        tag, _, rest = line.partition(" ")
        match tag:
            case "manager":
                manager, native, tool = rest.split(" ")
            case "asked":
                names.append(rest)
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
                simulated[name] = words
            case "provides":
                package, name = rest.split(" ")
                providers[name.lower()].append(package)
            case "":
                pass
            case _:
                tag, text = _tagged(line)
                tagged[tag] += text
    if manager not in versions.COMPARE:
        raise ValueError(f"not a known package manager: {manager!r}")
    labels = [(label, row) for row in rows for label in _labels(row)] if manager == "rpm" else []
    by_name = _by_name([(row.name.lower(), row) for row in rows])
    simulations = {name: _simulation(name, words, tagged) for name, words in simulated.items()}
    answer = _Answer(
        manager,
        native,
        tool,
        by_name,
        _by_name(labels),
        providers,
        candidates(manager, tagged),
        simulations,
        unread(manager, tagged),
        tuple(broken),
        frozenset(row.name for row in broken),
        frozenset(orphans),
    )
    return {name: _package(name, answer) for name in names}


_RAW = ("now", "uri", "list", "missing", "cut", "policy", "repo", "sync", "release", "clock")
"""Tags of lines that `offers` reads."""


def _tagged(line: str) -> tuple[str, list[str]]:
    """Return the tag of a raw line of a command, and its text: one line, or none if it is empty.

    The tag of a simulation holds the name, as in `sim NAME` and `stderr sim NAME`.
    """
    tag, _, rest = line.partition(" ")
    if tag in _RAW:
        return tag, [rest]
    if tag in ("sim", "way"):
        name, _, text = rest.partition(" ")
        return f"{tag} {name.lower() if tag == 'way' else name}", [text] if text else []
    if tag == "stderr":
        command, _, complaint = rest.partition(" ")
        if command == "sim":
            name, _, complaint = complaint.partition(" ")
            command = f"sim {name}"
        return f"stderr {command}", [complaint]
    raise ValueError(f"not an answer about packages: {line!r}")


_MOST_ACCESS = 10
"""Files and units per package that are reported as needed for access to the node."""


def _simulation(name: str, words: Sequence[str], tagged: Mapping[str, Sequence[str]]) -> Simulation:
    access = [
        part
        for word in words
        for part in tagged.get(f"way {word.partition('=')[0].lower()}", ())[:_MOST_ACCESS]
    ]
    return simulation(
        words, tagged.get(f"sim {name}", ()), tagged.get(f"stderr sim {name}", ()), access
    )


def _package(requested: str, answer: _Answer) -> Package | NotObserved:
    base, _, arch = requested.partition(":")
    if arch and answer.manager == "pacman":
        return NotObserved("pacman's packages have no architecture of their own")
    # For dpkg Bash and bash are one name, for the others two.
    named = [
        row
        for row in answer.rows.get(base.lower(), ())
        if answer.manager == "dpkg" or row.name == base
    ]
    labelled = answer.labels.get(requested, ()) if not named else ()
    named += [row for row in labelled if f"{row.name}.{row.arch}" == requested]
    matching, others = list[Row](), list[Row]()
    for row in named:
        if f"{row.name}.{row.arch}" == requested or _means(
            answer.manager, arch, answer.native, row
        ):
            matching.append(row)
        elif row.here:
            others.append(row)
    return Package(
        manager=answer.manager,
        tool=None if answer.tool == "-" else answer.tool,
        rows=tuple(matching),
        others=tuple(others),
        label=next(iter(labelled), None) if not named else None,
        providers=tuple(dict.fromkeys(answer.providers.get(base.lower(), ()))),
        simulation=answer.simulations.get(requested),
        unread=answer.unread,
        native=answer.native,
        broken=answer.broken
        if base.lower() not in answer.broken_names
        else tuple(row for row in answer.broken if row.name != base.lower()),
        orphan=base.lower() in answer.orphans,
        candidate=answer.offers.get(requested)
        or (answer.offers.get(base) if arch == answer.native else None),
    )


def _means(manager: str, arch: str, native: str, row: Row) -> bool:
    """Return whether a name with this architecture (empty: without one) means that row. For dpkg a
    name without one means the native architecture.
    """
    if manager != "dpkg":
        return arch in ("", row.arch)
    return arch in ("any", row.arch) or (
        arch in ("", "native", native) and row.arch in (native, "all", "-")
    )


def _labels(row: Row) -> tuple[str, ...]:
    """Return the names with an architecture or a version that rpm takes for that package (rpm(8),
    PACKAGE_NAME).
    """
    version_release = row.version.rpartition(":")[2]
    version = version_release.rpartition("-")[0]
    return f"{row.name}.{row.arch}", *(
        f"{row.name}-{part}" for part in (version, version_release, f"{version_release}.{row.arch}")
    )


def _by_name(pairs: Sequence[tuple[str, Row]]) -> Mapping[str, Sequence[Row]]:
    rows = defaultdict[str, list[Row]](list)
    for name, row in pairs:
        rows[name].append(row)
    return rows
