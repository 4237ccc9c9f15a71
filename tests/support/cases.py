"""Recordings: what tools printed on real nodes, and what is to be made of it.

A case is a file `SLUG.expect.yaml` under tests/recordings/AREA/, with a file
`SLUG.NAME[.txt]` for each capture beside it. An area's test turns captures into what its probe
would have printed and leaves the rest to `verdict_of`.

`SLUG.setup.sh` (sh, run as root) makes the case's state on a lab node that has just booted from
the root `node`; without that key it is the area's own root. A case without a script is the state
of a fresh `node`, or `no_node` says why it cannot be had in the lab.
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
from power_edge.resources import resource

RECORDINGS = Path(__file__).parents[1] / "recordings"
VERDICTS = {Outcome.COMPLIANT: "pass", Outcome.DRIFT: "fail", Outcome.UNKNOWN: "unknown"}
"""The recordings' words for outcomes; beside them `invalid`: a declaration that is refused."""
OWN_NODE = {"firewalld": "firewalld"}
"""The lab's root for an area's cases that name none, where it is not `base`."""


@dataclass(frozen=True)
class Capture:
    """One command's stdout, as it came, and how the command ended."""

    path: Path
    command: str
    exit: int
    stderr: str
    where: str | None = None

    @property
    def stdout(self) -> bytes:
        return self.path.read_bytes()


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
    source: str
    captures: Mapping[str, Capture]
    verdicts: tuple[Verdict, ...]
    facts: str = ""
    """What the case taught beyond its verdicts."""
    node: str | None = None
    """The lab's root on which the state can be made."""
    no_node: str | None = None
    """Why it can be made on none."""
    setup: Path | None = None
    """The script that makes it; None: a node is in this state when it has booted."""

    def capture(self, name: str) -> bytes:
        """The stdout of a capture, by the NAME of its file without `.txt`.

        KeyError: there is none.
        """
        return self.captures[name].stdout


def cases(area: str) -> list[Case]:
    """The cases of an area, by name."""
    found = sorted((RECORDINGS / area).glob("*.expect.yaml"))
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
    told = "; ".join(
        f"{result.item.name}: {result.outcome.value} {result.findings} {result.why}"
        for result in results
    )
    wrong = " (wrong under any policy)" if got in verdict.never else ""
    assert got == verdict.verdict, f"{got}{wrong}, not {verdict.verdict}: {verdict.why} [{told}]"
    fields = {
        finding.field: VERDICTS[finding.outcome]
        for result in results
        for finding in result.findings
    }
    for name, expected in verdict.fields.items():
        assert fields.get(name) == expected, (
            f"{name} is {fields.get(name)}, not {expected}: {verdict.why} [{told}]"
        )
    return results


def load(path: Path) -> Case:
    """The case of a `SLUG.expect.yaml`.

    ValueError: it is not of the form that is documented above.
    """
    recorded = yaml.load(path.read_bytes(), yaml.CSafeLoader)  # safe, and fast
    _refuse_unknown(
        recorded,
        Keys(
            required={"case", "source", "captures", "verdicts"},
            optional={"facts", "node", "no_node"},
        ),
        path,
    )
    area, slug = path.parent.name, path.name.removesuffix(".expect.yaml")
    captures = {}
    for capture in recorded["captures"]:
        _refuse_unknown(
            capture, Keys(required={"file", "command"}, optional={"exit", "stderr", "where"}), path
        )
        name = capture["file"].removeprefix(f"{slug}.").removesuffix(".txt")
        file = path.parent / capture["file"]
        captures[name] = Capture(
            file,
            capture["command"],
            capture.get("exit", 0),
            capture.get("stderr") or "",
            capture.get("where"),
        )
    verdicts = tuple(_verdict(area, verdict, path) for verdict in recorded["verdicts"])
    setup = path.with_name(f"{slug}.setup.sh")
    node, no_node = recorded.get("node"), recorded.get("no_node")
    if setup.exists():
        node = node or OWN_NODE.get(area, "base")
    if (node is None) is (no_node is None):
        raise ValueError(
            f"{path}: {setup.name} or `node` makes the state in the lab, or `no_node` says why not"
        )
    return Case(
        area=area,
        name=slug,
        source=recorded["source"],
        captures=captures,
        verdicts=verdicts,
        facts=recorded.get("facts", ""),
        node=node,
        no_node=no_node,
        setup=setup if setup.exists() else None,
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
