"""Makes the gate's report the one comment of a pull request: `comment.py REPORT`.

Where the token may not comment (a pull request from a fork), or GitHub does not answer, the report
goes into the summary of the job. Only the standard library is used: this runs beside the program,
also when it could not be installed.
"""

import json
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

MARKER = "<!-- power-edge gate -->"
UNFINISHED = f"{MARKER}\n### power-edge gate: it did not end; the log of the job says why\n"
SECONDS = 30
PAGES = 50


def main() -> None:
    """Post the report, and print what became of it."""
    report = Path(sys.argv[1])
    # A report of an earlier commit must not stand there as if it were this one's.
    body = report.read_text("utf-8") if report.is_file() else UNFINISHED
    try:
        print(post(body))
    except (OSError, ValueError) as error:
        with Path(os.environ["GITHUB_STEP_SUMMARY"]).open("a", encoding="utf-8") as summary:
            summary.write(f"{body}\n")
        print(f"no comment ({said(error)}): the report is in the summary of the job")


def post(body: str) -> str:
    """Write the comment anew, or make it. Raises OSError and ValueError."""
    repository = os.environ["GITHUB_REPOSITORY"]
    issues = f"/repos/{repository}/issues"
    number = int(os.environ["PULL_REQUEST"])
    for comment in comments(f"{issues}/{number}/comments"):
        # A person could write our marker, and change what we put into that comment.
        is_ours = (comment["user"] or {}).get("type") == "Bot"
        if is_ours and (comment["body"] or "").startswith(MARKER):
            request("PATCH", f"{issues}/comments/{int(comment['id'])}", {"body": body})
            return "the comment was written anew"
    request("POST", f"{issues}/{number}/comments", {"body": body})
    return "the comment was made"


def comments(path: str) -> Iterator[dict[str, Any]]:
    """Yield the comments of a pull request, the oldest first."""
    for page in range(1, PAGES + 1):
        found = request("GET", f"{path}?per_page=100&page={page}")
        yield from found
        if len(found) < 100:
            return


def request(method: str, path: str, body: dict[str, str] | None = None) -> Any:
    """Return what GitHub answers. Raises OSError and ValueError."""
    asked = urllib.request.Request(
        os.environ["GITHUB_API_URL"] + path,
        None if body is None else json.dumps(body).encode(),
        {
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {os.environ['TOKEN']}",
            "Content-Type": "application/json",
            "X-GitHub-Api-Version": "2022-11-28",
        },
        method=method,
    )
    with urllib.request.urlopen(asked, timeout=SECONDS) as answer:
        return json.load(answer)


def said(error: Exception) -> str:
    """Return an error in a few words of our own: its text may be anybody's."""
    if isinstance(error, urllib.error.HTTPError):
        return f"HTTP {error.code}"
    return type(error).__name__


if __name__ == "__main__":
    main()
