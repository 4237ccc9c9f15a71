"""A repository on GitHub, or on a server with its API: issues, comments, releases and files.

All that is sent is JSON or a file: no text of a person becomes a part of an address or a command.
The action for pull requests reads this file where nothing is installed: it needs the standard
library alone.
"""

import json
import os
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from http.client import HTTPException
from pathlib import Path
from typing import Any, Final, NamedTuple

from power_edge.json_value import Json, decoded
from power_edge.text import printable, quoted

_API: Final = "GITHUB_API_URL"
_REPOSITORY: Final = "GITHUB_REPOSITORY"
_TOKEN: Final = "GITHUB_TOKEN"
VARIABLES: Final = (_API, _REPOSITORY, _TOKEN)
"""The environment variables that name server and repository, as a GitHub workflow sets them."""
_TIMEOUT: Final = 120
"""The longest silence of a connection, in seconds."""
_LARGEST: Final = 256 << 20
_PAGE: Final = 100
_PAGES: Final = 50
_NAME = re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+", re.ASCII)


class GitHubError(Exception):
    """GitHub refuses a request, or gives no answer that can be used; the text is one line.

    `status` is that of HTTP; None if there was no answer.
    """

    def __init__(self, message: str, status: int | None = None) -> None:
        """Take the text and the status."""
        super().__init__(message)
        self.status = status


class Release(NamedTuple):
    """A release on GitHub."""

    id: int
    tag: str
    draft: bool
    upload_url: str


class _NoToken(urllib.request.HTTPRedirectHandler):
    """Follows a redirection without the token: files are kept by other servers."""

    def redirect_request(self, *arguments: Any) -> urllib.request.Request | None:
        request = super().redirect_request(*arguments)
        if request is not None:
            request.headers.pop("Authorization", None)
        return request


class GitHub:
    """A repository, and the right to use it. Each method raises GitHubError."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        """Take address, repository and token as a workflow has them."""
        missing = [each for each in VARIABLES if not environment.get(each)]
        if missing:
            raise GitHubError(
                f"{' and '.join(missing)} must say which repository of which server this is; in a"
                " workflow they are set, the token by `env:`"
            )
        self._api, self._token = environment[_API].rstrip("/"), environment[_TOKEN]
        self._repository = environment[_REPOSITORY]
        if not _NAME.fullmatch(self._repository):
            raise GitHubError(
                f"{_REPOSITORY} is {quoted(self._repository)}, and must be OWNER/NAME"
            )
        if not _is_address(self._api):
            raise GitHubError(
                f"{_API} must be an address of https, as https://api.github.com, without a user"
                f" or a password: {_TOKEN} says who asks"
            )
        self._opener = urllib.request.build_opener(_NoToken)

    def open_issue(self, title: str, body: str, marker: str) -> str:
        """Open an issue unless one of the newest 100 has the marker in its body; return its
        address.
        """
        for issue in self._listed("/issues?state=all&sort=created&direction=desc&per_page=100"):
            if marker in str(issue.get("body")):
                return _address(issue)
        return _address(self._ask("POST", "/issues", {"title": title, "body": body}))

    def comment(self, number: int, body: str, marker: str) -> bool:
        """Replace the bot's comment on a pull request that begins with a marker, or add one. Return
        whether it existed.
        """
        for found in self._pages(f"/issues/{number}/comments"):
            # A person could write our marker, and change what we put into that comment.
            user = found.get("user")
            is_ours = isinstance(user, dict) and user.get("type") == "Bot"
            if is_ours and str(found.get("body")).startswith(marker):
                path = f"/issues/comments/{_number(found.get('id'))}"
                self._ask("PATCH", path, {"body": body})
                return True
        self._ask("POST", f"/issues/{number}/comments", {"body": body})
        return False

    def author(self, pull_request: int) -> str:
        """Return the login of who opened a pull request."""
        user = _object(self._ask("GET", f"/pulls/{pull_request}")).get("user")
        login = user.get("login") if isinstance(user, dict) else None
        if not isinstance(login, str) or not login:
            raise GitHubError(f"GitHub does not say who opened the pull request {pull_request}")
        return login

    def dispatch(self, workflow: str, ref: str, inputs: Mapping[str, str]) -> None:
        """Start a workflow by hand."""
        path = f"/actions/workflows/{urllib.parse.quote(workflow, safe='')}/dispatches"
        self._ask("POST", path, {"ref": ref, "inputs": dict(inputs)})

    def is_published(self, tag: str) -> bool:
        """Whether there is a release of a tag that everybody sees."""
        return self._published(tag) is not None

    def files(self, tag: str) -> dict[str, bytes]:
        """Return the files of the published release of a tag, by name."""
        release = self._published(tag)
        if release is None:
            raise GitHubError(f"there is no release {tag} of {self._repository} to take files from")
        assets = release.get("assets")
        found: dict[str, bytes] = {}
        for asset in assets if isinstance(assets, list) else []:
            if not isinstance(asset, dict):
                continue
            name, url = str(asset.get("name")), str(asset.get("url"))
            if not name or "/" in name or name.startswith("."):
                raise GitHubError(
                    f"the release {tag} has a file {quoted(name)}, which is not a file name"
                )
            if not url.startswith(f"{self._api}/"):
                raise GitHubError(
                    f"the file {quoted(name)} of {tag} is not on the server of {_API}"
                )
            found[name] = self._send("GET", url, accept="application/octet-stream")
        return found

    def release(self, tag: str) -> Release | None:
        """Return the release of a tag, even if it is a draft; None without one."""
        releases = map(_release, self._pages("/releases"))
        return next((each for each in releases if each.tag == tag), None)

    def new_draft(self, tag: str, title: str, notes: str, *, prerelease: bool) -> Release:
        """Make a draft of a release. A draft that an earlier attempt left is removed first."""
        left = self.release(tag)
        if left is not None and left.draft:
            self._ask("DELETE", f"/releases/{left.id}")
        made = {"tag_name": tag, "name": title, "body": notes, "draft": True}
        return _release(_object(self._ask("POST", "/releases", {**made, "prerelease": prerelease})))

    def upload(self, release: Release, files: Iterable[Path]) -> None:
        """Add files to a release. Raises OSError for one that cannot be read."""
        for file in files:
            name = urllib.parse.quote(file.name)
            url = f"{release.upload_url.partition('{')[0]}?name={name}"
            self._send("POST", url, file.read_bytes(), "application/octet-stream")

    def publish(self, release: Release, *, latest: bool) -> None:
        """Show a draft to everybody, as the latest release or not."""
        made = {"draft": False, "make_latest": "true" if latest else "false"}
        self._ask("PATCH", f"/releases/{release.id}", made)

    def _published(self, tag: str) -> dict[str, Json] | None:
        try:
            found = self._ask("GET", f"/releases/tags/{urllib.parse.quote(tag, safe='')}")
        except GitHubError as error:
            if error.status == 404:
                return None
            raise
        return _object(found)

    def _pages(self, path: str) -> Iterator[dict[str, Json]]:
        """Yield the entries of all pages of a list, as far as anybody would read."""
        for page in range(1, _PAGES + 1):
            found = self._listed(f"{path}?per_page={_PAGE}&page={page}")
            yield from found
            if len(found) < _PAGE:
                return

    def _listed(self, path: str) -> list[dict[str, Json]]:
        found = self._ask("GET", path)
        return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []

    def _ask(self, method: str, path: str, content: object = None) -> Json:
        """Return the JSON of an answer; None for an empty one."""
        url = f"{self._api}/repos/{self._repository}{path}"
        data = None if content is None else json.dumps(content).encode()
        body = self._send(method, url, data, "application/json")
        if not body:
            return None
        try:
            return decoded(body)
        except (ValueError, RecursionError):
            raise GitHubError(f"{method} {url}: the answer is not JSON") from None

    def _send(
        self,
        method: str,
        url: str,
        data: bytes | None = None,
        kind: str = "",
        *,
        accept: str = "application/vnd.github+json",
    ) -> bytes:
        """Return the body of an answer that is not an error."""
        headers = {
            "Accept": accept,
            "Authorization": f"Bearer {self._token}",
            "X-GitHub-Api-Version": "2022-11-28",
        }
        if data is not None:
            headers["Content-Type"] = kind
        where = f"{method} {printable(url)}"
        try:
            request = urllib.request.Request(url, data, headers, method=method)
            with self._opener.open(request, timeout=_TIMEOUT) as answer:
                body = bytes(answer.read(_LARGEST + 1))
        except urllib.error.HTTPError as error:
            with error:
                detail = _message(error.read(4096))
            raise GitHubError(
                f"{where}: {error.code} {printable(str(error.reason))}{detail}", error.code
            ) from None
        except (OSError, HTTPException, ValueError) as error:
            reason = getattr(error, "reason", error)
            raise GitHubError(f"{where}: {printable(str(reason))}") from None
        if len(body) > _LARGEST:
            raise GitHubError(f"{where}: the answer is larger than {_LARGEST >> 20} MiB")
        return body


def _is_address(url: str) -> bool:
    """Whether a URL is of a server alone: nothing in it is a secret that a message would show."""
    try:
        parts = urllib.parse.urlsplit(url)
        return (
            parts.scheme in ("https", "http")
            and bool(parts.hostname)
            and "@" not in url
            and parts.port != 0
        )
    except ValueError:  # of the port
        return False


def _message(body: bytes) -> str:
    """Return what GitHub says about an error."""
    try:
        found = decoded(body)
    except (ValueError, RecursionError):
        return ""
    message = found.get("message") if isinstance(found, dict) else None
    return f", {quoted(message)}" if isinstance(message, str) else ""


def _object(answer: Json) -> dict[str, Json]:
    return answer if isinstance(answer, dict) else {}


def _number(value: Json) -> int:
    if not isinstance(value, int):
        raise GitHubError("GitHub's answer has no id where one must be")
    return value


def _release(answer: dict[str, Json]) -> Release:
    return Release(
        _number(answer.get("id")),
        str(answer.get("tag_name")),
        answer.get("draft") is True,
        str(answer.get("upload_url")),
    )


def _address(issue: Json) -> str:
    found = _object(issue).get("html_url")
    if not isinstance(found, str):
        raise GitHubError("the server opened an issue and did not say where it is")
    return printable(found)
