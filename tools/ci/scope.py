"""What a pull request, or a change in the merge queue, needs: a build, or the gate alone."""

import os
import re

from power_edge.github import GitHub
from tools.ci.changes import needs_build
from tools.ci.step import Refused, given, output

_QUEUE = re.compile(r"refs/heads/gh-readonly-queue/.+/pr-([0-9]+)-[0-9a-f]+")


def main() -> None:
    """Give `build`, true or false, and `actor`, who made the change."""
    output(build="true" if needs_build(given("BASE")) else "false", actor=_author())


def _author() -> str:
    """Return who opened the pull request; the merge queue's own events name only its number."""
    if author := os.environ.get("AUTHOR"):
        return author
    queue = given("QUEUE")
    found = _QUEUE.fullmatch(queue)
    if found is None:
        raise Refused(f"{queue!r} is not a branch of the merge queue")
    return GitHub().author(int(found[1]))
