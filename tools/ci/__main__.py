"""`python -m tools.ci NAME`: one step. Prints one line and ends with 1 if it cannot be done."""

import importlib
import re
import sys

from power_edge.github import GitHubError
from tools.ci.step import Refused

if __name__ == "__main__":
    if len(sys.argv) != 2 or not re.fullmatch(r"[a-z]+(-[a-z]+)*", sys.argv[1]):
        sys.exit("usage: python -m tools.ci NAME, a module of tools/ci/")
    try:
        importlib.import_module(f"tools.ci.{sys.argv[1].replace('-', '_')}").main()
    except (Refused, GitHubError) as error:
        sys.exit(f"{sys.argv[1]}: {error}")
