"""Opens the issue of a rollback; does nothing for a release that goes forward."""

import os

from tools.ci.step import boolean, given, power_edge, version


def main() -> None:
    """Open it with `power-edge release incident`, once for a rollback."""
    if not boolean("IS_ROLLBACK"):
        print("this is not a rollback, so there is no incident")
        return
    why = os.environ.get("WHY", "")  # who rolls back in a hurry may write it later
    words = ["release", "incident", version(given("VERSION")).tag, "--artifacts=release"]
    print(power_edge(*words, *([f"--why={why}"] if why else [])), end="")
