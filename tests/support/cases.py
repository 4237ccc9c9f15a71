"""Recordings: what probes printed on real nodes, and the verdicts that it must lead to.

A case is a folder tests/recordings/AREA/CASE/ with

- `expect.yaml`: the verdicts, and where the state came from,
- `section`: what the probe of the resource type printed (`failed` in expect.yaml: what it said on
  stderr when it could not look). `make record` writes it (tests/support/lab/record.py). Cases of
  `identity` hold the files of a machine instead, and no script,
- `setup.sh` (sh, run as root): makes the state on a lab node that has just booted from the root
  `node`; without that key it is the area's own root. It may be a link to that of another
  case: the same state on another root. A case without a script is the state of a fresh `node`, or
  `no_node` says why the lab cannot have it. The functions of `functions.sh` in the
  folder of the area are defined for each script.
"""

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from power_edge.checking.evaluate import judge
from power_edge.config import ConfigError, load_state
from power_edge.model import Item, NotObserved, Observations, Outcome, Result
from power_edge.resources import names, resource

RECORDINGS = Path(__file__).parents[1] / "recordings"
VERDICTS = {Outcome.COMPLIANT: "pass", Outcome.DRIFT: "fail", Outcome.UNKNOWN: "unknown"}
"""The recordings' words for outcomes; beside them `invalid`: a declaration that is refused."""
FIREWALLS = ("ufw", "firewalld", "nftables", "iptables")
"""The areas of the firewall, by provider."""
AREAS = (*(name for name in names() if (RECORDINGS / name).is_dir()), *FIREWALLS)
"""The areas whose cases are sections of a resource type's probe."""
OWN_NODE = {"firewalld": "firewalld"}
"""The lab's root for an area's cases that name none, where it is not `base`."""


@dataclass(frozen=True)
class Verdict:
    """What is right for a declaration, on the node of the case."""

    declared: dict[str, Any]
    """As sections of a state.yaml: `{"services": [{"name": "cron", ...}]}`."""
    verdict: str
    never: frozenset[str]
    """Wrong whatever the product's choices are: a change of `verdict` to one of these is a mistake.
    """
    fields: Mapping[str, str]
    why: str


@dataclass(frozen=True)
class Case:
    area: str
    name: str
    path: Path
    source: str
    verdicts: tuple[Verdict, ...]
    facts: str = ""
    """What the case taught beyond its verdicts."""
    node: str | None = None
    """The lab's root on which the state can be made."""
    no_node: str | None = None
    """Why it can be made on none."""
    failed: str | None = None
    """Why the probe could not look."""
    asked: tuple[str, ...] = ()
    """The arguments of the probe, if they are not those of the declarations."""
    user: str = "root"
    """Who ran the probe."""

    @property
    def kind(self) -> str:
        """The resource type: an area is a type, or a provider of the firewall."""
        return self.area if self.area in names() else "firewall"

    @property
    def setup(self) -> Path | None:
        """The script that makes the state; None: a node is in this state when it has booted."""
        script = self.path / "setup.sh"
        return script if script.exists() else None

    @property
    def functions(self) -> Path | None:
        """What the scripts of the area share."""
        shared = self.path.parent / "functions.sh"
        return shared if shared.exists() else None

    @property
    def section(self) -> bytes:
        """What the probe printed."""
        return (self.path / "section").read_bytes()

    def has(self, name: str) -> bool:
        """Whether the case holds a file of the machine, by its name without `.txt`."""
        return self._file(name) is not None

    def content(self, name: str) -> bytes:
        """Return a file of the machine, by its name without `.txt`. KeyError: there is none."""
        file = self._file(name)
        if file is None:
            raise KeyError(name)
        return file.read_bytes()

    def _file(self, name: str) -> Path | None:
        found = (self.path / name, self.path / f"{name}.txt")
        return next((file for file in found if file.exists()), None)

    def observed(self) -> Observations | NotObserved:
        """Return what the product's own parser makes of the section."""
        if self.failed is not None:
            return NotObserved(self.failed)
        return resource(self.kind).parse(self.section)


def cases(area: str) -> list[Case]:
    """The cases of an area, by name."""
    found = sorted((RECORDINGS / area).glob("*/expect.yaml"))
    assert found, f"no recordings of {area}"
    return [load(path) for path in found]


def parameters(area: str) -> Iterator[Any]:
    """A pytest parameter (case, verdict) for each verdict of an area."""
    for case in cases(area):
        for number, verdict in enumerate(case.verdicts, 1):
            yield pytest.param(case, verdict, id=f"{case.name}-{number}")


def verdict_of(
    declared: Mapping[str, Any], observations: Mapping[str, Observations | NotObserved]
) -> tuple[str, list[Result]]:
    """What loading and judging make of sections of a state.yaml: the worst of the items' verdicts,
    and the results (none when invalid).

    `observations` holds what the probe of each type saw, as the type's `parse` tells it.
    """
    try:
        items = items_of(declared)
    except ConfigError:
        return "invalid", []
    results = [judge(resource(item.type), item, observations[item.type]) for item in items]
    return worst(results), results


def items_of(declared: Mapping[str, Any]) -> tuple[Item, ...]:
    """The items of a declaration. Raises ConfigError where it is refused."""
    state = {
        "version": "1.0",
        "metadata": {"site": "recorded", "environment": "development"},
        **declared,
    }
    written = yaml.safe_dump(state, allow_unicode=True).encode()
    return load_state(written, "node-configs/recorded/state.yaml", "recorded").items


def worst(results: Iterable[Result]) -> str:
    """The verdict of several results, in the recordings' words."""
    verdicts = {VERDICTS[result.outcome] for result in results}
    assert verdicts, "nothing was judged"
    return next(verdict for verdict in ("fail", "unknown", "pass") if verdict in verdicts)


def check(
    verdict: Verdict,
    declared: Mapping[str, Any],
    observations: Mapping[str, Observations | NotObserved],
) -> list[Result]:
    """Asserts that a verdict comes out as it should, field by field where the case says so; the
    results.
    """
    got, results = verdict_of(declared, observations)
    details = "; ".join(
        f"{result.item.name}: {result.outcome.value} {result.findings} {result.why}"
        for result in results
    )
    wrong = " (wrong under any policy)" if got in verdict.never else ""
    assert got == verdict.verdict, f"{got}{wrong}, not {verdict.verdict}: {verdict.why} [{details}]"
    fields = {
        finding.field: VERDICTS[finding.outcome]
        for result in results
        for finding in result.findings
    }
    for name, expected in verdict.fields.items():
        assert fields.get(name) == expected, (
            f"{name} is {fields.get(name)}, not {expected}: {verdict.why} [{details}]"
        )
    return results


def load(path: Path) -> Case:
    """Return the case of an expect.yaml. ValueError: it is not of the form documented above."""
    recorded = yaml.load(path.read_bytes(), yaml.CSafeLoader)  # safe, and fast
    optional = {"facts", "node", "no_node", "failed", "asked", "user"}
    _refuse_unknown(recorded, Keys(required={"source", "verdicts"}, optional=optional), path)
    area, name = path.parent.parent.name, path.parent.name
    node, no_node = recorded.get("node"), recorded.get("no_node")
    if (path.parent / "setup.sh").exists():
        node = node or OWN_NODE.get(area, "base")
    # The tests of identity make a file tree of what a case holds, and no node.
    if area != "identity" and (node is None) is (no_node is None):
        raise ValueError(
            f"{path}: setup.sh or `node` makes the state in the lab, or `no_node` says why not"
        )
    return Case(
        area=area,
        name=name,
        path=path.parent,
        source=recorded["source"],
        verdicts=tuple(_verdict(area, verdict, path) for verdict in recorded["verdicts"]),
        facts=recorded.get("facts", ""),
        node=node,
        no_node=no_node,
        failed=recorded.get("failed"),
        asked=tuple(recorded.get("asked", ())),
        user=recorded.get("user", "root"),
    )


def _verdict(area: str, recorded: dict[str, Any], path: Path) -> Verdict:
    _refuse_unknown(
        recorded, Keys(required={"declared", "verdict", "why"}, optional={"never", "fields"}), path
    )
    verdict, never = recorded["verdict"], frozenset(recorded.get("never", ()))
    if not isinstance(verdict, str) or not {verdict, *never} <= {*VERDICTS.values(), "invalid"}:
        raise ValueError(
            f"{path}: a verdict is one of pass, fail, unknown, invalid: {recorded['declared']}"
        )
    if verdict in never:
        raise ValueError(
            f"{path}: the verdict {verdict} is also one of `never`: {recorded['declared']}"
        )
    declared = {"services": [recorded["declared"]]} if area == "services" else recorded["declared"]
    return Verdict(declared, verdict, never, recorded.get("fields") or {}, recorded["why"] or "")


class Keys(NamedTuple):
    required: AbstractSet[str]
    optional: AbstractSet[str]


def _refuse_unknown(mapping: Mapping[str, Any], keys: Keys, path: Path) -> None:
    unknown, missing = (
        mapping.keys() - keys.required - keys.optional,
        keys.required - mapping.keys(),
    )
    if unknown or missing:
        raise ValueError(
            f"{path}: unknown keys {sorted(unknown)}, missing keys {sorted(missing)} in {dict(mapping)}"
        )
