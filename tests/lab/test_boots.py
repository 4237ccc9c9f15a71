"""Random units, checked on a node that runs, and then the node's next boot: what is compliant must have come true.

A longer run: `POWER_EDGE_BOOTS=50 pytest tests/lab/test_boots.py` (boots of each release and its first seed: `POWER_EDGE_BOOTS_FROM`).
"""

import os
from collections import Counter
from collections.abc import Sequence

import pytest

from tests.lab.boots import Case, cases, shrink
from tests.lab.nodes import Lab
from tests.lab.random_units import Scenario, Step, scenario, script
from tests.lab.roots import CORE, TRIXIE, Root, own_distribution

pytestmark = pytest.mark.lab

UNITS = 100
MOST_UNKNOWN = 0.35
"""The share of verdicts that may be unknown, of those for root and for the user with sudo."""
EXPLAINED = 2
"""How many wrong verdicts are brought down to what is needed for them; each takes some dozen boots."""
FIRST = int(os.environ.get("POWER_EDGE_BOOTS_FROM", "1"))
SEEDS = range(FIRST, FIRST + int(os.environ.get("POWER_EDGE_BOOTS", "1")))
USERS = ("root", "stella", "guest")


def on_debian(root: Root) -> object:
    reason = "Debian 13 is made from the archive of a Debian machine"
    return pytest.param(root, id=root.name, marks=pytest.mark.skipif(own_distribution() != "debian", reason=reason))


@pytest.mark.parametrize("root", [pytest.param(CORE, id="own"), on_debian(TRIXIE)])
def test_a_boot_bears_out_what_was_said_of_it(lab: Lab, root: Root) -> None:
    judged = [case for seed in SEEDS for case in _boot(lab, root, seed)]
    outcomes = Counter(case.outcome.value for case in judged if case.user != "guest")
    unknown = outcomes["unknown"] / outcomes.total()
    print(f"{root.name}: {len(SEEDS)} boots, {outcomes.total()} verdicts, {unknown:.0%} unknown; {dict(outcomes)}")
    assert unknown <= MOST_UNKNOWN
    assert outcomes["compliant"] > outcomes.total() / 5


def _boot(lab: Lab, root: Root, seed: int) -> list[Case]:
    drawn = scenario(str(seed), UNITS)
    judged = cases(lab, root, drawn, USERS)
    started = sum(case.after.started for case in judged) / len(judged)
    assert 0.15 < started < 0.85, "the draw is one-sided: it tells little"
    if wrong := [case for case in judged if case.wrong]:
        explained = [_explained(lab, root, drawn, case) for case in _of_each_kind(wrong)[:EXPLAINED]]
        listed = "\n".join(f"{case.wrong}: {case}" for case in wrong)
        pytest.fail(f"seed {seed} on {root.name}:\n{listed}\n\n" + "\n\n".join(explained), pytrace=False)
    return judged


def _of_each_kind(wrong: Sequence[Case]) -> list[Case]:
    """One case for each declaration and reason, false passes first."""
    kinds = {(case.wrong, case.declaration, case.why.split("; ")[0]): case for case in reversed(wrong)}
    return sorted(kinds.values(), key=lambda case: case.wrong != "false pass")


def _explained(lab: Lab, root: Root, drawn: Scenario, wrong: Case) -> str:
    """The steps that are needed for a wrong verdict, as sh, and what was said then."""
    found = [wrong]

    def fails(steps: Sequence[Step]) -> bool:
        again = cases(lab, root, Scenario(tuple(steps), (wrong.name,)), (wrong.user,))
        same = [case for case in again if (case.declaration, case.wrong) == (wrong.declaration, wrong.wrong)]
        found[:] = same or found
        return bool(same)

    steps = shrink(drawn.steps, fails)
    return f"{found[0].wrong}: {found[0]}\nThe node:\n{script(steps)}"
