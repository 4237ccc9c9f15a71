"""What a release asks of GitHub, or of any server with its API: issues, releases, and their files.

All that is sent is JSON: no text of a person becomes a part of an address or a command.
"""

import json
import os
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any, Final, NamedTuple

from power_edge.release.schema_set import Json, Unusable
from power_edge.text import printable, quoted

_API: Final = "GITHUB_API_URL"
_REPOSITORY: Final = "GITHUB_REPOSITORY"
_TOKEN: Final = "GITHUB_TOKEN"
VARIABLES: Final = (_API, _REPOSITORY, _TOKEN)
"""What says which repository of which server, as a workflow has it."""
_TIMEOUT: Final = 30
_LARGEST: Final = 256 << 20
_NAME = re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+", re.ASCII)


class Answer(NamedTuple):
    """A status of HTTP, and the body."""

    status: int
    body: bytes


class _NoToken(urllib.request.HTTPRedirectHandler):
    """Follows a redirection without the token: files are kept by other servers."""

    def redirect_request(self, *arguments: Any) -> urllib.request.Request | None:
        request = super().redirect_request(*arguments)
        if request is not None:
            request.headers.pop("Authorization", None)
        return request


class GitHub:
    """A repository on GitHub."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        """Take address, repository and token as a workflow has them. Raises Unusable."""
        missing = [each for each in VARIABLES if not environment.get(each)]
        if missing:
            raise Unusable(
                f"{' and '.join(missing)} must say which repository of which server this is; in a"
                " workflow they are set, the token by `env:`"
            )
        self._api, self._token = environment[_API].rstrip("/"), environment[_TOKEN]
        self._repository = environment[_REPOSITORY]
        if not _NAME.fullmatch(self._repository):
            raise Unusable(f"{_REPOSITORY} is {quoted(self._repository)}, and must be OWNER/NAME")
        if not self._api.startswith(("https://", "http://")):
            raise Unusable(f"{_API} is {quoted(self._api)}, and must be an address of https")
        self._opener = urllib.request.build_opener(_NoToken)

    def open_issue(self, title: str, body: str, marker: str) -> str:
        """Open an issue unless one of the newest 100 has the marker in its body; return its
        address.

        Raises Unusable.
        """
        found = self._json("GET", "/issues?state=all&sort=created&direction=desc&per_page=100")
        for issue in found if isinstance(found, list) else []:
            if isinstance(issue, dict) and marker in str(issue.get("body")):
                return _address(issue)
        return _address(self._json("POST", "/issues", {"title": title, "body": body}))

    def is_published(self, tag: str) -> bool:
        """Whether there is a release of a tag. Raises Unusable."""
        return self._release(tag) is not None

    def files(self, tag: str) -> dict[str, bytes]:
        """Return the files of the release of a tag, by name. Raises Unusable."""
        release = self._release(tag)
        if release is None:
            raise Unusable(f"there is no release {tag} of {self._repository} to take files from")
        assets = release.get("assets")
        found: dict[str, bytes] = {}
        for asset in assets if isinstance(assets, list) else []:
            if not isinstance(asset, dict):
                continue
            name, url = str(asset.get("name")), str(asset.get("url"))
            if not name or "/" in name or name.startswith("."):
                raise Unusable(f"the release {tag} has a file {quoted(name)}, which is no name")
            if not url.startswith(f"{self._api}/"):
                raise Unusable(f"the file {quoted(name)} of {tag} is not on the server of {_API}")
            found[name] = self._asked("GET", url, accept="application/octet-stream").body
        return found

    def _release(self, tag: str) -> dict[str, Json] | None:
        path = f"/releases/tags/{urllib.parse.quote(tag, safe='')}"
        found = self._json("GET", path, may_miss=True)
        return found if isinstance(found, dict) else None

    def _json(
        self, method: str, path: str, content: Json = None, *, may_miss: bool = False
    ) -> Json:
        """Return the JSON of an answer; None if there is nothing there and `may_miss`."""
        url = f"{self._api}/repos/{self._repository}{path}"
        answer = self._asked(method, url, content, may_miss=may_miss)
        if answer.status == 404:
            return None
        try:
            found: Json = json.loads(answer.body)
        except (ValueError, RecursionError):
            raise Unusable(f"{method} {url}: the answer is no JSON") from None
        return found

    def _asked(
        self,
        method: str,
        url: str,
        content: Json = None,
        *,
        accept: str = "application/vnd.github+json",
        may_miss: bool = False,
    ) -> Answer:
        data = None if content is None else json.dumps(content).encode()
        headers = {"Accept": accept, "Authorization": f"Bearer {self._token}"}
        if data is not None:
            headers["Content-Type"] = "application/json"
        request = urllib.request.Request(url, data, headers, method=method)
        try:
            with self._opener.open(request, timeout=_TIMEOUT) as answer:
                body = answer.read(_LARGEST + 1)
                status = int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                if error.code == 404 and may_miss:
                    return Answer(404, b"")
                said = _message(error.read(4096))
            raise Unusable(
                f"{method} {url}: {error.code} {printable(error.reason)}{said}"
            ) from None
        except (OSError, HTTPException, ValueError) as error:
            reason = getattr(error, "reason", error)
            raise Unusable(f"{method} {url}: {printable(str(reason))}") from None
        if len(body) > _LARGEST:
            raise Unusable(f"{method} {url}: the answer is larger than {_LARGEST >> 20} MiB")
        return Answer(status, body)


def _message(body: bytes) -> str:
    """Return what GitHub says about an error."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    message = found.get("message") if isinstance(found, dict) else None
    return f", {quoted(message)}" if isinstance(message, str) else ""


def _address(issue: Json) -> str:
    found = issue.get("html_url") if isinstance(issue, dict) else None
    if not isinstance(found, str):
        raise Unusable("the server opened an issue and did not say where it is")
    return printable(found)
