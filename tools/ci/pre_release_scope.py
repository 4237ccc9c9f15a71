"""Whether HEAD is to become a pre-release, and which."""

import re

from power_edge.github import GitHub
from tools.ci.changes import needs_build
from tools.ci.step import output, power_edge, run, version

_TAG = re.compile(r"tag: (v[^,\s]+)")


def main() -> None:
    """Give `tag` and `version` (as a wheel has it) of the pre-release; both are empty if there is
    none to make.
    """
    own = run("git", "tag", "--points-at", "HEAD", "--list", "v*-pre.*").split()
    if own:  # a commit has one pre-release; this one may have been cut off
        tag = own[0]
    elif (since := _last_tagged()) is not None and not needs_build(since):
        return _nothing(f"nothing but node-configs/ has changed since {since}")
    else:
        tag = power_edge("version", "next", "--pre").strip()
    made = version(tag)
    found = GitHub().release(made.tag)
    if found is not None and not found.draft:
        return _nothing(f"{made.tag} is this commit already")
    return output(tag=made.tag, version=made.wheel)


def _nothing(why: str) -> None:
    output(tag="", version="")
    print(why)


def _last_tagged() -> str | None:
    """Return a version's tag on the last commit of main that has one."""
    refs = ("--decorate=short", "--decorate-refs=refs/tags/v*")
    found = _TAG.search(run("git", "log", "--first-parent", *refs, "--format=%D", "HEAD"))
    return found[1] if found else None
