"""Why a node gave no answer, as people read it."""

import pytest

from power_edge.probing.failure import no_answer
from power_edge.probing.framing import NOT_STARTED, NoAnswer

HINT = "(the node is there, but has no sudo: leave out --sudo, or connect as root)"


@pytest.mark.parametrize(
    ("printed", "missing"),
    [
        ("sh: 1: sudo: not found", True),
        ("bash: line 1: sudo: command not found", True),
        ("zsh:1: command not found: sudo", True),
        ("fish: Unknown command: sudo", True),
        ("/bin/sh: sudo: No such file or directory", True),
        ("sudo: a password is required", False),
        ("sudo: unable to execute /bin/sh: No such file or directory", False),
    ],
)
@pytest.mark.parametrize("backend", ["local", "ssh"])
def test_a_node_without_sudo_is_said_to_be_there(printed: str, missing: bool, backend: str) -> None:
    said = no_answer(NoAnswer(NOT_STARTED), b"", printed.encode(), b"", backend)
    assert printed in said
    assert said.endswith(HINT) == missing
