"""Random changes of a node under a watch: at each quiet moment the watch knows what a fresh check
finds, and what the script that made the changes knows.

Two minutes of one seed; POWER_EDGE_SOAK makes it half an hour of seeds by chance. A failure names
the seed and what was done.
"""

import os
import random
import time
from collections.abc import Collection, Iterator

import pytest

from tests.support.lab.nodes import Lab, Node
from tests.support.lab.watch_model import LOADS, SENTINELS, World, prepare
from tests.support.lab.watch_state import LISTEN, PATIENT, compared, until
from tests.support.lab.watching import Watch, declare, watch, watched_node

pytestmark = pytest.mark.lab

SOAK = bool(os.environ.get("POWER_EDGE_SOAK"))
SECONDS = 1800 if SOAK else 120
SEED = int(os.environ.get("POWER_EDGE_SEED") or (random.randrange(2**32) if SOAK else 11))
AT_LEAST = 3
"""Quiet moments, on a machine that does much else."""
_TOGETHER = 6
"""Changes between two quiet moments, at most."""


@pytest.fixture(scope="module")
def node(lab: Lab) -> Iterator[Node]:
    with watched_node(lab, "model") as booted:
        prepare(booted)
        yield booted


def judged(running: Watch, items: Collection[tuple[str, str]], outcome: str) -> bool:
    """Whether this is the last outcome of all these items."""
    last = {(line["type"], line["name"]): line["to"] for line in running.transitions()}
    return all(last.get(item) == outcome for item in items)


def quiet(node: Node, running: Watch, world: World) -> None:
    """Wait until everything that has happened was checked.

    /status says when a check has ended, not what it had heard of. So one thing is changed for each
    way in which a change becomes known, after all others: when their verdicts are there, the events
    before them were checked too, for none overtakes another of its source, and what settles first
    (packages, firewall) settles together with them.
    """
    world.drifted = not world.drifted
    node.sh("\n".join(each.drift if world.drifted else each.back for each in SENTINELS))
    items = [each.item for each in SENTINELS]
    until(running, lambda: judged(running, items, "drift" if world.drifted else "compliant"))


def load(node: Node, running: Watch, world: World) -> None:
    """Wait until the watch has loaded what is declared now."""
    world.declared_anew, world.odd = False, not world.odd
    declare(node, world.state(), connection=PATIENT)
    outcome = "drift" if world.odd else "compliant"
    until(running, lambda: judged(running, [("files", LOADS)], outcome))


def test_the_watch_knows_what_is_true(node: Node) -> None:
    world = World(random.Random(SEED))
    rounds: list[str] = []
    end = time.monotonic() + SECONDS
    declare(node, world.state(), connection=PATIENT)
    with watch(node, LISTEN) as running:
        while time.monotonic() < end or len(rounds) < AT_LEAST:
            changes = [world.change() for _ in range(world.random.randint(1, _TOGETHER))]
            rounds.append("\n".join(filter(None, changes)))
            node.sh(rounds[-1])
            if world.declared_anew:
                load(node, running, world)
            quiet(node, running, world)
            where = f"seed {SEED}, quiet moment {len(rounds)}, after {rounds[-3:]}"
            knows, found = compared(node)
            assert knows == found, where
            wrong = {
                name: (true, found[name])
                for name, true in world.truth().items()
                if found[name].startswith("compliant") != true
            }
            assert wrong == {}, where
        running.stop()
    print(f"seed {SEED}: {len(rounds)} quiet moments")
