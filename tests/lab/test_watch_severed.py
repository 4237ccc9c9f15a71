"""A watch over ssh whose node is cut off without a word, as by a cable that is pulled: no end of the
connection reaches either side.

Cut until the watch has noticed, and booted anew meanwhile. With POWER_EDGE_SOAK cut for a minute
more, and once without a boot.
"""

import os
import time
from pathlib import Path

import pytest

from tests.lab.test_watch_ssh import FILE, FILES, GATE, STATE, drifts_and_comes_back
from tests.support.lab.checking import declare
from tests.support.lab.nodes import COMMAND_SECONDS, Lab, Node
from tests.support.lab.watching_ssh import WATCHER, await_no_session, sessions, watch

pytestmark = pytest.mark.lab

SOAK = bool(os.environ.get("POWER_EDGE_SOAK"))
SECONDS = 60 if SOAK else 0
BOOTS = {"boots-anew": True, **({"comes-back": False} if SOAK else {})}


def await_one_session(node: Node) -> None:
    deadline = time.monotonic() + COMMAND_SECONDS
    while (count := sessions(node)) != 1:
        assert time.monotonic() < deadline, count
        time.sleep(0.05)


@pytest.mark.parametrize("boots", BOOTS.values(), ids=BOOTS)
def test_a_node_that_is_cut_off(lab: Lab, tmp_path: Path, boots: bool) -> None:
    with lab.node("severed", files=FILES) as node:
        declare(tmp_path, node, STATE)
        (tmp_path / "node-configs" / node.name / "watcher.yaml").write_text(WATCHER)
        with watch(lab, tmp_path, node) as running:
            drifts_and_comes_back(running, node)
            running.forget()
            node.sh("ip link set host0 down; chmod 600 /etc/watched")
            # What is not known is neither a drift nor a pass.
            running.wait(node, FILE, "blocked")
            time.sleep(SECONDS)
            assert running.transitions()[-1]["to"] == "blocked"
            running.forget()
            if not boots:
                node.sh("ip link set host0 up")
            again = lab.reboot(node) if boots else node
            running.wait(again, GATE, "compliant")
            running.wait(again, FILE, "drift")
            again.sh("chmod 644 /etc/watched")
            running.wait(again, FILE, "compliant")
            drifts_and_comes_back(running, again)
            # The node's half of the old connection has ended too.
            await_one_session(again)
            assert len(running.clients()) == 1
            assert running.stop()[0] == 0
        await_no_session(again)
        assert running.clients() == []
