"""How long the gate for changes takes: 50 nodes with 100 items each, against a base.

Prints the medians of whole processes, and what they do; asserts nothing.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
NODES, ITEMS = 50, 100
GATE = [
    sys.executable,
    "-c",
    "from power_edge.command import main; main()",
    "gate",
    "--format=json",
]
ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": str(ROOT / "plugins"),
    "GIT_CONFIG_GLOBAL": os.devnull,
    **{
        f"GIT_{who}_{what}": "bench"
        for who in ("AUTHOR", "COMMITTER")
        for what in ("NAME", "EMAIL")
    },
}


def main() -> None:
    """Measure, and print."""
    runs = int(os.environ.get("BENCH_RUNS", "7"))
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        _git(folder, "init", "-q", "-b", "main")
        _write(folder, "60")
        (folder / "node-configs/policy.yaml").write_text("max_nodes: 50\n")
        _git(folder, "add", ".")
        _git(folder, "commit", "-q", "-m", "base")
        _git(folder, "checkout", "-q", "-b", "change")
        _write(folder, "10")
        _git(folder, "commit", "-q", "-a", "-m", "change")
        times, computing = [], []
        for _ in range(runs):
            begun, before = time.perf_counter(), os.times()
            subprocess.run(GATE, cwd=folder, env=ENVIRONMENT, check=True, capture_output=True)
            times.append(time.perf_counter() - begun)
            after = os.times()
            computing.append(sum(after[2:4]) - sum(before[2:4]))
    print(
        f"gate, {NODES} nodes x {ITEMS} items, all nodes changed: median of {runs}"
        f" {statistics.median(times):.2f} s ({min(times):.2f} to {max(times):.2f}),"
        f" {statistics.median(computing):.2f} s of computing"
    )


def _write(folder: Path, swappiness: str) -> None:
    for index in range(NODES):
        node = folder / "node-configs" / f"rig-{index:02}"
        node.mkdir(parents=True, exist_ok=True)
        services = "".join(
            f"- {{name: bench-{item:03}, state: running, enabled: true}}\n"
            for item in range(ITEMS - 1)
        )
        (node / "state.yaml").write_text(
            'version: "1.0"\nmetadata: {site: sea, environment: staging}\n'
            f'sysctl: {{vm.swappiness: "{swappiness}"}}\nservices:\n{services}'
        )


def _git(folder: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=folder, env=ENVIRONMENT, check=True)


if __name__ == "__main__":
    main()
