"""Check the nodes of a folder again and again, as a watch over ssh does, and print the times.

`sweep.py FOLDER SSH_CONFIG SWEEPS NODE...`: by turns over connections that are kept and over new
ones. Each line is the seconds of both. The last is the seconds of one core that the connections
took in ten seconds at rest, and their number.
"""

import os
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from power_edge.checking import check
from power_edge.config import Node, load_node
from power_edge.probing.connection import Options
from power_edge.probing.framing import Answer
from power_edge.probing.kept_connection import Kept
from power_edge.probing.parallel import start
from power_edge.probing.process import Lifeline
from power_edge.probing.transport import Job, ask

_REST = 10.0


def main() -> None:
    """Measure what the arguments say, and print."""
    folder, ssh_config, sweeps, *names = sys.argv[1:]
    nodes = [load_node(Path(folder) / name) for name in names]
    options = Options(ssh_config=ssh_config)
    kept = {node.name: Kept() for node in nodes}

    def over_kept(job: Job, lifeline: Lifeline) -> Answer:
        return kept[job.script.node].ask(job, lifeline)

    sweep(nodes, options, over_kept)
    for _ in range(int(sweeps)):
        print(sweep(nodes, options, over_kept), sweep(nodes, options, ask), flush=True)
    before = ticks()
    time.sleep(_REST)
    after = ticks()
    print((sum(after) - sum(before)) / os.sysconf("SC_CLK_TCK"), len(after))
    for each in kept.values():
        each.close()


def sweep(nodes: Iterable[Node], options: Options, by: Callable[[Job, Lifeline], Answer]) -> float:
    """Ask all nodes, and judge all of their items; the seconds that it took."""
    began = time.perf_counter()
    jobs = [Job(check.script_for(node), check.route_to(node, options)) for node in nodes]
    pending = start(jobs, by)
    for node in nodes:
        checked = check.Checked(node, pending[node.name].answer())
        wrong = [item for item in node.items if checked.result(item).outcome != "compliant"]
        assert not wrong, wrong
    return time.perf_counter() - began


def ticks() -> list[int]:
    """What the children of this process have taken of the processor."""
    children = Path("/proc/self/task").glob("*/children")
    stats = [
        Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        for each in children
        for pid in each.read_text().split()
    ]
    return [int(stat[11]) + int(stat[12]) for stat in stats]


if __name__ == "__main__":
    main()
