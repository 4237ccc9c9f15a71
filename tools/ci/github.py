"""GitHub's API, as far as the workflows need it: releases with files, and a dispatch."""

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tools.ci.step import Refused, given

_SECONDS = 120
"""The longest silence of a connection."""


class Release(NamedTuple):
    """A release on GitHub."""

    id: int
    tag: str
    draft: bool
    upload_url: str


class Repository(NamedTuple):
    """A repository on GitHub, and the right to use it."""

    api: str
    name: str
    token: str

    @classmethod
    def of_environment(cls) -> "Repository":
        """Return the repository of the run. Raises Refused outside of a workflow."""
        return cls(given("GITHUB_API_URL"), given("GITHUB_REPOSITORY"), given("GITHUB_TOKEN"))

    def release(self, tag: str) -> Release | None:
        """Return the release of a tag, also one that is a draft still; None if there is none."""
        return next((each for each in self._releases() if each.tag == tag), None)

    def new_draft(self, tag: str, title: str, notes: str, *, prerelease: bool) -> Release:
        """Make a release that nobody sees yet. One that was left half done is removed first."""
        left = self.release(tag)
        if left is not None and left.draft:
            self._ask("DELETE", f"releases/{left.id}")
        made = {"tag_name": tag, "name": title, "body": notes, "draft": True}
        return _release(self._ask("POST", "releases", {**made, "prerelease": prerelease}))

    def upload(self, release: Release, files: Iterable[Path]) -> None:
        """Add files to a release."""
        for file in files:
            name = urllib.parse.quote(file.name)
            address = f"{release.upload_url.partition('{')[0]}?name={name}"
            self._send("POST", address, file.read_bytes(), "application/octet-stream")

    def publish(self, release: Release, *, latest: bool) -> None:
        """Show a draft to everybody, as the latest release or not."""
        made = {"draft": False, "make_latest": "true" if latest else "false"}
        self._ask("PATCH", f"releases/{release.id}", made)

    def dispatch(self, workflow: str, ref: str, inputs: dict[str, str]) -> None:
        """Start a workflow by hand."""
        self._ask(
            "POST", f"actions/workflows/{workflow}/dispatches", {"ref": ref, "inputs": inputs}
        )

    def author(self, pull_request: int) -> str:
        """Return who opened a pull request."""
        return str(self._ask("GET", f"pulls/{pull_request}")["user"]["login"])

    def _releases(self) -> Iterator[Release]:
        number = 1
        while page := self._ask("GET", f"releases?per_page=100&page={number}"):
            yield from map(_release, page)
            number += 1

    def _ask(self, method: str, path: str, sent: dict[str, Any] | None = None) -> Any:
        data = None if sent is None else json.dumps(sent).encode()
        got = self._send(method, f"{self.api}/repos/{self.name}/{path}", data, "application/json")
        return json.loads(got) if got else None

    def _send(
        self,
        method: str,
        address: str,
        data: bytes | None = None,
        kind: str = "",
    ) -> bytes:
        request = urllib.request.Request(address, data, method=method)
        request.add_header("Accept", "application/vnd.github+json")
        request.add_header("X-GitHub-Api-Version", "2022-11-28")
        # Another server, to which an answer may send us on, must not see the token.
        request.add_unredirected_header("Authorization", f"Bearer {self.token}")
        if data is not None:
            request.add_header("Content-Type", kind)
        try:
            with urllib.request.urlopen(request, timeout=_SECONDS) as answer:
                return bytes(answer.read())
        except urllib.error.HTTPError as error:
            said = error.read(500).decode(errors="replace")
            raise Refused(f"GitHub refuses {method} {address}: {error.code} {said!r}") from None
        except OSError as error:
            raise Refused(f"GitHub cannot be reached ({method} {address}): {error}") from None


def _release(answer: dict[str, Any]) -> Release:
    return Release(
        answer["id"],
        answer["tag_name"],
        answer["draft"],
        answer["upload_url"],
    )
