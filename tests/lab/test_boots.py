"""Random units checked on a running node, and then the node's next boot: was the verdict right?

A longer run, with the figures of each boot:

    POWER_EDGE_BOOTS=50 pytest -s tests/lab/test_boots.py

makes 50 boots of each release; POWER_EDGE_BOOTS_FROM=100 begins with the seed 100.
"""

import os
import random
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import cycle

import pytest

from power_edge.model import Outcome, Result
from tests.support.lab.boots import (
    DECLARATIONS,
    Case,
    Look,
    cases,
    explained,
    settle,
    shrink,
    verdicts,
)
from tests.support.lab.nodes import Lab
from tests.support.lab.random_units import Run, Scenario, related, scenario
from tests.support.lab.roots import CORE, TRIXIE, Root, own_distribution

UNITS = 100
MOST_UNKNOWN = 0.35
"""The share of verdicts that may be unknown, for root and the user with sudo."""
EXPLAINED = 2
"""How many wrong verdicts are brought down to the steps behind them, at a boot for each try."""
FIRST = int(os.environ.get("POWER_EDGE_BOOTS_FROM", "1"))
SEEDS = range(FIRST, FIRST + int(os.environ.get("POWER_EDGE_BOOTS", "1")))
PARTS, ALONE = 8, 4
"""In how many parts all services are declared, and how many of them alone."""
GENERATORS = ("generators of systemd have changed", "a boot forgets the generators in /run")
"""Why nobody knows what the next boot makes of any unit."""
USERS = ("root", "stella", "guest")
ON_DEBIAN = pytest.mark.skipif(
    own_distribution() != "debian",
    reason="Debian 13 is made from the archive of a Debian machine",
)
ROOTS = [pytest.param(CORE, id="own"), pytest.param(TRIXIE, id="trixie", marks=ON_DEBIAN)]


@pytest.mark.lab
@pytest.mark.parametrize("root", ROOTS)
def test_the_next_boot_does_as_the_verdict_says(lab: Lab, root: Root) -> None:
    judged: list[Case] = []
    reports = []
    for seed in SEEDS:
        began = time.monotonic()
        drawn = scenario(str(seed), UNITS)
        of_boot = cases(lab, root, drawn, USERS)
        print(f"{root.name}, seed {seed}: {_figures(of_boot)}; {time.monotonic() - began:.1f} s")
        judged += of_boot
        reports += _reports(lab, root, seed, drawn, of_boot)
    print(f"{root.name}, {len(SEEDS)} boots: {_figures(judged)}")
    if reports:
        pytest.fail("\n\n".join(reports), pytrace=False)
    with_root = [case for case in judged if case.user != "guest" and not _any_unit(case)]
    assert (
        not with_root
        or _share(case.outcome is Outcome.UNKNOWN for case in with_root) <= MOST_UNKNOWN
    )
    assert 0.05 < _share(case.after.started for case in judged) < 0.95, "the draw tells little"


@pytest.mark.lab
@pytest.mark.parametrize("root", ROOTS)
def test_the_verdict_of_a_service_is_the_same_alone_and_beside_any_others(
    lab: Lab,
    root: Root,
) -> None:
    drawn = scenario(str(FIRST), UNITS)
    with lab.node("beside", root=root) as node:
        settle(node, drawn)
        for shift in range(len(DECLARATIONS)):
            in_turn = cycle([*DECLARATIONS[shift:], *DECLARATIONS[:shift]])
            declared = [each.of(name) for name, each in zip(drawn.names, in_turn, strict=False)]
            beside = verdicts(lab, node, "root", declared)
            random.Random(FIRST).shuffle(declared)
            parts = [declared[part::PARTS] for part in range(PARTS)]
            for part in [*parts, *([each] for each in declared[:ALONE])]:
                for name, result in verdicts(lab, node, "root", part).items():
                    assert _verdict(result) == _verdict(beside[name]), [each.name for each in part]


def _verdict(result: Result) -> object:
    """The verdict, without the reason: that of a unit that starts and ends all the time changes."""
    fields = [(each.field, each.outcome, each.actual) for each in result.findings]
    return result.outcome, fields, result.remedy


def _any_unit(case: Case) -> bool:
    return any(reason in case.why for reason in GENERATORS)


def _figures(judged: Sequence[Case]) -> str:
    outcomes = Counter(case.outcome.value for case in judged)
    contradicted = Counter(case.contradicted for case in judged if case.contradicted)
    doubts = [case.user for case in judged if case.outcome is Outcome.UNKNOWN]
    unknown = {user: f"{doubts.count(user) * len(USERS) / len(judged):.0%}" for user in USERS}
    started = _share(case.after.started for case in judged)
    return f"{dict(outcomes)}, {dict(contradicted)}, unknown: {unknown}, started: {started:.0%}"


def _share(hits: Iterable[bool]) -> float:
    counted = list(hits)
    return sum(counted) / len(counted)


def _reports(lab: Lab, root: Root, seed: int, drawn: Scenario, judged: Sequence[Case]) -> list[str]:
    """What is wrong about a boot: all of it in a line each, some with the steps behind it."""
    wrong = [case for case in judged if case.wrong]
    if not wrong:
        return []
    listed = [f"seed {seed} on {root.name}:", *map(str, wrong)]
    chosen = _of_each_kind(wrong)[:EXPLAINED]
    return ["\n".join(listed), *(explained(lab, root, drawn, case) for case in chosen)]


def _of_each_kind(wrong: Sequence[Case]) -> list[Case]:
    """One case for each declaration and reason, false passes first."""
    kinds: dict[object, Case] = {}
    for each in wrong:
        kinds.setdefault(each.kind, each)
    return sorted(kinds.values(), key=lambda case: case.contradicted != "false pass")


UP = Look(started=True, active=True, waiting=())
DOWN = Look(started=False, active=False, waiting=())
SOCKET = Look(started=False, active=False, waiting=("a.socket",))
TIMER = Look(started=True, active=True, waiting=("a.timer",))


@pytest.mark.parametrize(
    ("declaration", "outcome", "before", "after", "wrong"),
    [
        ("enabled: true", Outcome.COMPLIANT, DOWN, UP, None),
        ("enabled: true", Outcome.COMPLIANT, UP, DOWN, "false pass"),
        ("enabled: true", Outcome.COMPLIANT, UP, SOCKET, "false pass"),
        ("enabled: true", Outcome.COMPLIANT, UP, TIMER, None),
        ("enabled: true", Outcome.DRIFT, UP, DOWN, None),
        ("enabled: true", Outcome.DRIFT, DOWN, UP, "false fail"),
        ("enabled: true", Outcome.UNKNOWN, DOWN, UP, None),
        ("enabled: false", Outcome.COMPLIANT, UP, DOWN, None),
        ("enabled: false", Outcome.COMPLIANT, DOWN, UP, "false pass"),
        ("enabled: false", Outcome.COMPLIANT, DOWN, SOCKET, "false pass"),
        ("enabled: false", Outcome.DRIFT, DOWN, SOCKET, None),
        ("enabled: false", Outcome.DRIFT, UP, DOWN, "false fail"),
        ("state: disabled", Outcome.DRIFT, UP, DOWN, None),
        ("state: disabled", Outcome.DRIFT, SOCKET, DOWN, None),
        ("state: disabled", Outcome.DRIFT, DOWN, DOWN, "false fail"),
        ("state: disabled", Outcome.COMPLIANT, DOWN, TIMER, "false pass"),
    ],
)
def test_what_a_boot_says_of_a_verdict(
    declaration: str,
    outcome: Outcome,
    before: Look,
    after: Look,
    wrong: str | None,
) -> None:
    (declared,) = (each for each in DECLARATIONS if each.words == declaration)
    assert Case("a", declared, "root", outcome, "", before, after).contradicted == wrong


def test_a_setting_may_be_drift_though_no_boot_acts_on_it() -> None:
    for declared in DECLARATIONS:
        after, setting = (UP, "disabled") if declared.boot else (DOWN, "enabled")
        drift = Case("a", declared, "root", Outcome.DRIFT, "", DOWN, after, setting)
        assert drift.contradicted == "setting"
        assert drift._replace(setting="static").contradicted == "false fail"
        timed = drift._replace(setting="static", before=TIMER).contradicted
        assert timed == ("false fail" if declared.boot else None if declared.state else "setting")


def test_a_seed_draws_the_same_state_again() -> None:
    assert scenario("7") == scenario("7") != scenario("8")
    drawn = scenario("7")
    assert len(drawn.names) >= UNITS
    assert len(set(drawn.names)) == len(drawn.names)


def test_only_the_steps_that_are_needed_are_left() -> None:
    steps = [Run(str(number)) for number in range(50)]
    needed = {steps[3], steps[31]}
    assert shrink([steps[:9], steps], lambda some: needed <= {*some}) == [steps[3], steps[31]]
    assert shrink([steps], lambda some: False) is None


def test_what_a_unit_has_to_do_with_others_is_found_by_distance() -> None:
    steps = [Run("start r01-a"), Run("r01-a wants r02-a"), Run("r02-a wants r03-a"), Run("reload")]
    assert related(steps, "r01-a.service", 0) == [steps[0], steps[1], steps[3]]
    assert related(steps, "r01-a.service", 1) == steps
    assert related(steps, "r03-a.service", 0) == [steps[2], steps[3]]
