"""A node that answers commands from a table."""

from collections.abc import Mapping
from typing import NamedTuple


class Done(NamedTuple):
    """What a command came to, as testinfra has it."""

    stdout: str = ""
    rc: int = 0
    stderr: str = ""


MANAGER = "1:name=systemd:/init.scope\n0::/init.scope\n"
"""The control groups of systemd itself (/proc/1/cgroup)."""

INSTRUCTIONS = "ip t c 2\n  [ immediate reg 0 accept ]\n"
"""What the kernel runs, as nft prints it: some rule without a condition."""


class Host:
    """Answers a command that contains a key with its value; of several, the last key counts."""

    def __init__(self, answers: Mapping[str, str | Done]) -> None:
        self.answers = {"cat /proc/1/cgroup": MANAGER, "--debug=netlink": INSTRUCTIONS, **answers}

    def run(self, command: str) -> Done:
        found = [value for key, value in self.answers.items() if key in command]
        if not found:
            return Done(rc=127, stderr=f"sh: {command}: not found")
        return Done(found[-1]) if isinstance(found[-1], str) else found[-1]
