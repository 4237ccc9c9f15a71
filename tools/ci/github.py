"""GitHub's API, as far as the workflows need it: releases with files, a dispatch, an issue."""

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
    prerelease: bool
    upload_url: str
    files: dict[str, str]
    """The address of each file, by its name."""


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

    def download(self, release: Release, folder: Path) -> None:
        """Write the files of a release into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, address in release.files.items():
            if Path(name).name != name or name.startswith("."):
                raise Refused(f"release {release.tag} has a file called {name!r}")
            (folder / name).write_bytes(
                self._send("GET", address, accept="application/octet-stream")
            )

    def dispatch(self, workflow: str, ref: str, inputs: dict[str, str]) -> None:
        """Start a workflow by hand."""
        self._ask(
            "POST", f"actions/workflows/{workflow}/dispatches", {"ref": ref, "inputs": inputs}
        )

    def open_issue(self, title: str, body: str) -> str:
        """Open an issue, unless an open one has its title; return its address."""
        for page in self._pages("issues?state=open"):
            for issue in page:
                if issue["title"] == title:
                    return str(issue["html_url"])
        return str(self._ask("POST", "issues", {"title": title, "body": body})["html_url"])

    def author(self, pull_request: int) -> str:
        """Return who opened a pull request."""
        return str(self._ask("GET", f"pulls/{pull_request}")["user"]["login"])

    def _releases(self) -> Iterator[Release]:
        for page in self._pages("releases"):
            yield from map(_release, page)

    def _pages(self, path: str) -> Iterator[list[Any]]:
        number = 1
        while page := self._ask(
            "GET", f"{path}{'&' if '?' in path else '?'}per_page=100&page={number}"
        ):
            yield page
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
        accept: str = "application/vnd.github+json",
    ) -> bytes:
        request = urllib.request.Request(address, data, method=method)
        request.add_header("Accept", accept)
        request.add_header("X-GitHub-Api-Version", "2022-11-28")
        # A download is redirected to another server, which must not see the token.
        request.add_unredirected_header("Authorization", f"Bearer {self.token}")
        if data is not None:
            request.add_header("Content-Type", kind)
        try:
            with urllib.request.urlopen(request, timeout=_SECONDS) as answer:
                return bytes(answer.read())
        except urllib.error.HTTPError as error:
            said = error.read(500).decode(errors="replace")
            raise Refused(f"GitHub refuses {method} {address}: {error.code} {said}") from None
        except OSError as error:
            raise Refused(f"GitHub cannot be reached ({method} {address}): {error}") from None


def _release(answer: dict[str, Any]) -> Release:
    return Release(
        answer["id"],
        answer["tag_name"],
        answer["draft"],
        answer["prerelease"],
        answer["upload_url"],
        {asset["name"]: asset["url"] for asset in answer["assets"]},
    )
