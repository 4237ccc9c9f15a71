"""A small server in place of GitHub's API: what the workflows did can be looked up in it."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

REPOSITORY = "an-owner/power-edge"
TOKEN = "a-token"


@dataclass
class StandIn:
    """What GitHub would know."""

    address: str = ""
    releases: dict[int, dict[str, Any]] = field(default_factory=dict)
    assets: dict[int, bytes] = field(default_factory=dict)
    dispatches: list[dict[str, Any]] = field(default_factory=list)
    issues: list[dict[str, Any]] = field(default_factory=list)
    comments: list[dict[str, Any]] = field(default_factory=list)
    authors: dict[int, str] = field(default_factory=dict)
    """Who opened which pull request."""
    latest: str | None = None
    """The tag of the latest release."""
    may_comment: bool = True
    """The token of a fork may not."""

    def release(self, tag: str) -> dict[str, Any] | None:
        """Return a release with its files, also a draft."""
        return next((each for each in self.releases.values() if each["tag_name"] == tag), None)

    def files(self, tag: str) -> dict[str, bytes]:
        """Return the files of a release, by name."""
        found = self.release(tag)
        assert found is not None, f"no release {tag}"
        return {each["name"]: self.assets[each["id"]] for each in found["assets"]}

    def answer(self, method: str, path: str, query: str, data: bytes) -> tuple[int, Any]:
        """Return the status and what is sent back: bytes, or what becomes JSON."""
        for wanted, pattern, function in _ROUTES:
            found = re.fullmatch(f"/repos/{REPOSITORY}/{pattern}", path)
            if wanted == method and found:
                return function(self, found.groups(), query, data)
        return 404, {"message": f"Not Found: {method} {path}"}

    def _page(self, what: list[Any], query: str) -> tuple[int, Any]:
        return 200, what if parse_qs(query).get("page", ["1"]) == ["1"] else []

    def _list_releases(self, _: tuple[str, ...], query: str, data: bytes) -> tuple[int, Any]:
        return self._page(list(self.releases.values()), query)

    def _find_release(self, tags: tuple[str, ...], query: str, data: bytes) -> tuple[int, Any]:
        found = self.release(tags[0])
        return (404, {"message": "Not Found"}) if found is None or found["draft"] else (200, found)

    def _make_release(self, _: tuple[str, ...], query: str, data: bytes) -> tuple[int, Any]:
        number = len(self.releases) + 1
        at = f"{self.address}/repos/{REPOSITORY}/releases/{number}"
        made = {"id": number, "assets": [], "upload_url": f"{at}/assets{{?name,label}}"}
        self.releases[number] = {**made, **json.loads(data)}
        return 201, self.releases[number]

    def _change_release(self, ids: tuple[str, ...], query: str, data: bytes) -> tuple[int, Any]:
        release, change = self.releases[int(ids[0])], json.loads(data)
        if change.pop("make_latest", "true") == "true":
            self.latest = release["tag_name"]
        release.update(change)
        return 200, release

    def _remove_release(self, ids: tuple[str, ...], query: str, data: bytes) -> tuple[int, Any]:
        self.releases.pop(int(ids[0]))
        return 204, b""

    def _upload(self, ids: tuple[str, ...], query: str, data: bytes) -> tuple[int, Any]:
        number, name = len(self.assets) + 1, parse_qs(query)["name"][0]
        self.assets[number] = data
        url = f"{self.address}/repos/{REPOSITORY}/releases/assets/{number}"
        asset = {"id": number, "name": name, "url": url}
        self.releases[int(ids[0])]["assets"].append(asset)
        return 201, asset

    def _download(self, ids: tuple[str, ...], query: str, data: bytes) -> tuple[int, Any]:
        return 200, self.assets[int(ids[0])]

    def _dispatch(self, ids: tuple[str, ...], query: str, data: bytes) -> tuple[int, Any]:
        self.dispatches.append({"workflow": ids[0], **json.loads(data)})
        return 204, b""

    def _list_issues(self, _: tuple[str, ...], query: str, data: bytes) -> tuple[int, Any]:
        return self._page(self.issues, query)

    def _open_issue(self, _: tuple[str, ...], query: str, data: bytes) -> tuple[int, Any]:
        number = len(self.issues) + 1
        address = f"{self.address}/{REPOSITORY}/issues/{number}"
        self.issues.append({"number": number, "html_url": address, **json.loads(data)})
        return 201, self.issues[-1]

    def _pull_request(self, ids: tuple[str, ...], query: str, data: bytes) -> tuple[int, Any]:
        return 200, {"user": {"login": self.authors[int(ids[0])]}}

    def _list_comments(self, ids: tuple[str, ...], query: str, data: bytes) -> tuple[int, Any]:
        return self._page([each for each in self.comments if each["issue"] == ids[0]], query)

    def _comment(self, ids: tuple[str, ...], query: str, data: bytes) -> tuple[int, Any]:
        if not self.may_comment:
            return 403, {"message": "Resource not accessible by integration"}
        by = {"id": len(self.comments) + 1, "issue": ids[0], "user": {"type": "Bot"}}
        self.comments.append({**by, **json.loads(data)})
        return 201, self.comments[-1]

    def _change_comment(self, ids: tuple[str, ...], query: str, data: bytes) -> tuple[int, Any]:
        self.comments[int(ids[0]) - 1].update(json.loads(data))
        return 200, self.comments[int(ids[0]) - 1]


_Function = Callable[[StandIn, tuple[str, ...], str, bytes], tuple[int, Any]]
_ROUTES: list[tuple[str, str, _Function]] = [
    ("GET", "releases", StandIn._list_releases),
    ("GET", "releases/tags/([^/]+)", StandIn._find_release),
    ("POST", "releases", StandIn._make_release),
    ("PATCH", "releases/([0-9]+)", StandIn._change_release),
    ("DELETE", "releases/([0-9]+)", StandIn._remove_release),
    ("POST", "releases/([0-9]+)/assets", StandIn._upload),
    ("GET", "releases/assets/([0-9]+)", StandIn._download),
    ("POST", "actions/workflows/([a-z-]+[.]yml)/dispatches", StandIn._dispatch),
    ("GET", "issues", StandIn._list_issues),
    ("POST", "issues", StandIn._open_issue),
    ("GET", "pulls/([0-9]+)", StandIn._pull_request),
    ("GET", "issues/([0-9]+)/comments", StandIn._list_comments),
    ("POST", "issues/([0-9]+)/comments", StandIn._comment),
    ("PATCH", "issues/comments/([0-9]+)", StandIn._change_comment),
]


@contextmanager
def stand_in() -> Iterator[StandIn]:
    """Serve one on this machine."""
    state, one_at_a_time = StandIn(), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            data = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            at = urlsplit(self.path)
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                status, sent = 401, {"message": "Bad credentials"}
            else:
                with one_at_a_time:
                    status, sent = state.answer(self.command, at.path, at.query, data)
            body = sent if isinstance(sent, bytes) else json.dumps(sent).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PATCH = do_DELETE = _answer  # noqa: N815 (http.server's names)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    state.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
