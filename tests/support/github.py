"""A small server in place of GitHub's API: it answers what a test gives it, and keeps what it got."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, NamedTuple

import pytest


class Request(NamedTuple):
    method: str
    path: str
    headers: dict[str, str]
    body: Any


class Server:
    """`answers` has a status and a body for each method and path; all else is 404."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.answers: dict[str, tuple[int, Any]] = {}
        self.requests: list[Request] = []

    def got(self, method: str) -> list[Request]:
        return [each for each in self.requests if each.method == method]


@contextmanager
def served() -> Iterator[Server]:
    """Run a server until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            size = int(self.headers.get("Content-Length", 0))
            sent = self.rfile.read(size)
            body = json.loads(sent) if sent else None
            server.requests.append(Request(self.command, self.path, dict(self.headers), body))
            status, content = server.answers.get(
                f"{self.command} {self.path}", (404, {"message": "Not Found"})
            )
            data = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            if status == 302:
                self.send_header("Location", str(content))
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        server = Server(f"http://127.0.0.1:{listening.server_address[1]}")
        thread = Thread(target=listening.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            listening.shutdown()
            thread.join()


def as_in_a_workflow(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_API_URL", server.url)
    monkeypatch.setenv("GITHUB_REPOSITORY", "an-owner/a-project")
    monkeypatch.setenv("GITHUB_TOKEN", "the-token")
