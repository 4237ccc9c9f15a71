"""A content that is declared by a file beside state.yaml: its hash, its text, and the verdicts."""

import hashlib
from typing import Any

import pytest

from power_edge.model.generated.resources.files_schema import File as Declared
from power_edge.resources.files import RESOURCE
from power_edge.resources.files.observation import LONGEST_TEXT, Broken, File, Missing, Salted
from power_edge.resources.files.source import Loaded, attach, digest, text

TEXT, BINARY = b"hello\n", b"\xff\0hell"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def loaded(content: bytes | None, path: str = "/f", **more: Any) -> Declared:
    """Return a declaration with that source; None: it was not read."""
    declared = Loaded(path=path, source="files/a", **more)
    return declared if content is None else attach(declared, {"files/a": content}.__getitem__)


SAME = File(0o100644, 0, 0, 6, "root", "root")


def of(content: bytes, **more: Any) -> File:
    return SAME._replace(sha256=sha256(content), size=len(content), **more)


def seen(content: bytes) -> str:
    return f"sha256:{sha256(content)} ({len(content)} bytes)"


@pytest.mark.parametrize(
    ("source", "observed", "expected"),
    [
        (TEXT, of(TEXT), ("compliant", "files/a", seen(TEXT), None)),
        (TEXT, of(b"hullo\n"), ("drift", "files/a", seen(b"hullo\n"), None)),
        (TEXT, of(b"x"), ("drift", "files/a", seen(b"x"), None)),
        (TEXT, SAME, ("unknown", "files/a", None, "the node did not send its hash")),
        (TEXT, SAME._replace(size=7), ("drift", "files/a", "7 bytes", "declared: 6 bytes")),
        (TEXT, SAME._replace(size=7, no_hash="no"), ("unknown", "files/a", None, "no")),
        (TEXT, of(TEXT, mode=0o40755), ("drift", "files/a", "directory", None)),
        (TEXT, Missing(), ("drift", "files/a", "missing", "no such file")),
        (TEXT, Broken("g"), ("drift", "files/a", "missing", "a dangling symbolic link to g")),
        # What is no text is compared by its hash alone.
        (BINARY, of(BINARY), ("compliant", "files/a", seen(BINARY), None)),
        (BINARY, of(TEXT), ("drift", "files/a", seen(TEXT), None)),
        (BINARY, SAME._replace(size=7), ("unknown", "files/a", None, "the node did not send its hash")),
        (BINARY, SAME._replace(no_hash="no"), ("unknown", "files/a", None, "no")),
        (BINARY, of(BINARY, mode=0o40755), ("drift", "files/a", "directory", None)),
        (None, of(TEXT), ("unknown", "files/a", None, "the source was not read")),
        (None, of(TEXT, mode=0o40755), ("unknown", "files/a", None, "the source was not read")),
    ],
)  # fmt: skip
def test_verdicts(
    source: bytes | None, observed: File | Missing | Broken, expected: tuple[object, ...]
) -> None:
    kind, finding = RESOURCE.judge(loaded(source), observed)
    assert (kind.field, finding.field, finding.secret) == ("type", "source", False)
    assert (finding.outcome.value, finding.expected, finding.actual, finding.why) == expected


@pytest.mark.parametrize(
    ("source", "content", "outcome", "actual"),
    [
        (TEXT, TEXT, "compliant", "equal"),
        (TEXT, b"x", "drift", "different"),
        (BINARY, BINARY, "compliant", "equal"),
        (BINARY, b"x", "drift", "different"),
    ],
)
def test_of_what_the_node_calls_a_secret_nothing_is_shown(
    source: bytes, content: bytes, outcome: str, actual: str
) -> None:
    salted = SAME._replace(salted=Salted.from_sha256("x", sha256(content)), text="hullo\n")
    by_link = of(content, target="/etc/shadow", text="hullo\n")
    for observed in (salted, by_link):
        _, finding = RESOURCE.judge(loaded(source), observed)
        assert (finding.outcome.value, finding.expected, finding.actual, finding.secret) == (
            outcome,
            "equal",
            actual,
            True,
        )
        assert (finding.text, finding.declared_text) == (None, None)


@pytest.mark.parametrize(
    ("observed", "shown"),
    [
        (of(b"hullo\n", text="hullo\n"), True),
        (of(TEXT, text="hello\n"), False),
        (of(b"hullo\n"), False),
        (of(b"hullo\n", text="hullo\n", mode=0o100640), False),
        (of(b"hullo\n", text="password = x\n"), False),
    ],
)
def test_a_text_that_differs_is_kept_for_a_diff(observed: File, shown: bool) -> None:
    _, finding = RESOURCE.judge(loaded(TEXT), observed)
    assert (finding.text, finding.declared_text) == (
        (observed.text, "hello\n") if shown else (None, None)
    )


def test_what_is_declared() -> None:
    given = loaded(TEXT)
    assert (digest(given), text(given)) == (sha256(TEXT), "hello\n")
    given = loaded(BINARY)
    assert (digest(given), text(given)) == (sha256(BINARY), None)
    for content in (b"\xff", b"a\0b"):
        assert text(loaded(content)) is None
    plain: Declared
    for plain in (
        Declared(path="/f", sha256="x", content="y"),
        Loaded(path="/f", sha256="x", content="y"),
    ):
        assert (digest(plain), text(plain)) == ("x", "y")
        assert attach(plain, lambda _: b"") is plain
    assert (digest(loaded(None)), text(loaded(None))) == (None, None)


@pytest.mark.parametrize(
    ("content", "path", "source", "words"),
    [
        (b"x" * (LONGEST_TEXT + 1), "/f", "files/a", "more than 262144 bytes: declare its sha256"),
        (b"x", "/etc/ssl/a.key", "files/a", "a secret by discovery's rules"),
        (b"x", "/f", "files/a.key", "a secret by discovery's rules"),
        (b"password = x\n", "/f", "files/a", "a secret by discovery's rules"),
        (b"password = x\n\xff", "/f", "files/a", "a secret by discovery's rules"),
    ],
)
def test_what_cannot_be_a_source(content: bytes, path: str, source: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        attach(Loaded(path=path, source=source), lambda _: content)


def test_a_source_may_be_as_long_as_what_is_read_of_a_node() -> None:
    assert digest(loaded(b"x" * LONGEST_TEXT)) == sha256(b"x" * LONGEST_TEXT)
