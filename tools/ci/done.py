"""Sums up all jobs of version-check: the one check that a branch has to require."""

import json

from tools.ci.step import Refused, boolean, given

_OF_CODE = {"lint", "build", "test", "e2e-test"}
"""What a change of node-configs/ alone does not need."""
_NOT_OF_DRAFTS = {"e2e-test"}


def main() -> None:
    """Succeed if every job that must succeed did."""
    needs = json.loads(given("NEEDS"))
    may_be_skipped = _may_be_skipped(needs, is_draft=boolean("DRAFT"))
    bad = []
    for name, job in needs.items():
        print(f"{name}: {job['result']}")
        if job["result"] != ("skipped" if name in may_be_skipped else "success"):
            bad.append(name)
    if bad:
        raise Refused(f"not done: {', '.join(bad)}")


def _may_be_skipped(needs: dict[str, dict[str, object]], *, is_draft: bool) -> set[str]:
    """Return the jobs that are to be skipped."""
    outputs = needs["scope"]["outputs"]
    build = outputs.get("build") if isinstance(outputs, dict) else None
    if build == "false":
        return _OF_CODE
    return _NOT_OF_DRAFTS if is_draft else set()
