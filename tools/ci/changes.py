"""What has changed between two commits."""

import json

from tools.ci.step import power_edge


def needs_build(base: str) -> bool:
    """Return whether HEAD has changed more than node-configs/ since `base`, a commit."""
    found = power_edge("version", "check", "--json", f"--base={base}", fine=(0, 1))
    return bool(json.loads(found)["build"])
