"""Makes the gate's report the one comment of a pull request: `comment.py REPORT`.

Where the token may not comment (a pull request from a fork), or GitHub does not answer, the report
goes into the summary of the job. Of the program only what needs nothing installed is used, from the
checkout of this action: this runs also when the program could not be installed.
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "plugins"))

from power_edge.github import GitHub, GitHubError

MARKER = "<!-- power-edge gate -->"
UNFINISHED = f"{MARKER}\n### power-edge gate: it did not end; the log of the job says why\n"


def main() -> None:
    """Post the report, and print what became of it."""
    report = Path(sys.argv[1])
    # A report of an earlier commit must not stand there as if it were this one's.
    body = report.read_text("utf-8") if report.is_file() else UNFINISHED
    try:
        was_there = GitHub().comment(int(os.environ["PULL_REQUEST"]), body, MARKER)
        print(f"the comment was {'written anew' if was_there else 'made'}")
    except GitHubError as error:
        with Path(os.environ["GITHUB_STEP_SUMMARY"]).open("a", encoding="utf-8") as summary:
            summary.write(f"{body}\n")
        print(f"no comment ({said(error)}): the report is in the summary of the job")


def said(error: GitHubError) -> str:
    """Return an error in a few words of our own: its text may be anybody's."""
    return "no answer" if error.status is None else f"HTTP {error.status}"


if __name__ == "__main__":
    main()
