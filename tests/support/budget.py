"""How long the fuzzers run, and by which seed: a minute all together, and always the same, unless
POWER_EDGE_FUZZ_SECONDS (for each of them) and POWER_EDGE_SEED say otherwise.
"""

import os
import random
import time
from collections import Counter
from collections.abc import Iterator

SECONDS = float(os.environ.get("POWER_EDGE_FUZZ_SECONDS", "30"))
SEED = os.environ.get("POWER_EDGE_SEED", "1")


class Budget:
    """The time of one test, a share of its fuzzer's, and what was done in it; `pytest -s` shows the
    counts.
    """

    def __init__(self, name: str, share: float, least: int = 20) -> None:
        self.name = name
        self.chance = random.Random(f"{SEED} {name}")
        self.counts: Counter[str] = Counter()
        self._seconds, self._least = SECONDS * share, least

    def rounds(self) -> Iterator[int]:
        """Numbers, until the time is over."""
        until = time.monotonic() + self._seconds
        number = 0
        while time.monotonic() < until or number < self._least:
            yield number
            number += 1
        counts = ", ".join(f"{count} {what}" for what, count in sorted(self.counts.items()))
        print(f"\n{self.name}: {number} tried{f' ({counts})' if counts else ''}", flush=True)
