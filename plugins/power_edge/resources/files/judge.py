"""Judge a file against its declaration."""

import hashlib
import posixpath
import stat
from collections.abc import Iterator

from power_edge.model import Finding, Outcome, Value, agrees, compare, drifts, finding, undecided
from power_edge.model.generated.resources.files_schema import File as Declared
from power_edge.resources.files import lines, path_state
from power_edge.resources.files.attributes import judge_attributes
from power_edge.resources.files.observation import LONGEST_TEXT, REGULAR, Broken, File, Missing
from power_edge.resources.files.secrets import secret, secret_content, secret_path
from power_edge.resources.files.source import digest, text

MISSING = "missing"
EQUAL, DIFFERENT = "equal", "different"
"""Shown of a secret in place of contents and hashes."""
WITHHELD = "a secret: neither content nor hash is shown"
FIELDS = (
    "state",
    "target",
    "content",
    "sha256",
    "source",
    "contains",
    "matches",
    "mode",
    "owner",
    "group",
)
HIDDEN = ("content", "sha256", "source", "contains", "matches")
"""The fields that say the content of a file, a part of it, or its hash."""


def expected(declared: Declared) -> dict[str, Value]:
    """Return the asserted fields.

    A path without a state asserts a regular file, so `type` is among them.
    """
    return _expected(declared, hidden=secret(declared))


def _expected(declared: Declared, *, hidden: bool) -> dict[str, Value]:
    fields = {field: getattr(declared, field) for field in FIELDS}
    return ({"type": REGULAR} if declared.state is None else {}) | {
        field: EQUAL if hidden and field in HIDDEN else value
        for field, value in fields.items()
        if value is not None
    }


def is_secret(declared: Declared, observed: File | Missing | Broken) -> bool:
    """Return whether a file is a secret: by its declaration, by the target of a link, or by what
    the node found in it.
    """
    if isinstance(observed, File) and observed.salted is not None:
        return True
    target = None if isinstance(observed, Missing) else observed.target
    return secret(declared) or (
        target is not None and secret_path(posixpath.join(posixpath.dirname(declared.path), target))
    )


def judge(declared: Declared, observed: File | Missing | Broken) -> Iterator[Finding]:
    """Yield a finding for each asserted field."""
    if declared.state is not None:
        yield from path_state.judge(declared, expected(declared), observed)
        return
    if isinstance(observed, File | Missing) and observed.itself:
        for field, value in expected(declared).items():
            yield undecided(field, value, path_state.ANOTHER_QUESTION)
        return
    hidden = is_secret(declared, observed)
    if not isinstance(observed, File):
        why = (
            "no such file"
            if not isinstance(observed, Broken)
            else f"a dangling symbolic link to {observed.target}"
        )
        for field, value in _expected(declared, hidden=hidden).items():
            yield drifts(field, value, MISSING, why)._replace(secret=hidden and field in HIDDEN)
        return
    yield compare(
        "type",
        REGULAR,
        observed.type,
        f"a symbolic link to {observed.target}" if observed.target is not None else None,
    )
    if declared.content is not None:
        judged = _judge_content(declared.content, observed)
        yield _withheld(judged, observed) if hidden else _with_text(judged, declared, observed)
    if declared.sha256 is not None:
        judged = _judge_sha256(declared.sha256, observed)
        yield _withheld(judged, observed) if hidden else judged
    if declared.source is not None:
        judged = _judge_source(declared.source, declared, observed)
        yield _withheld(judged, observed) if hidden else _with_text(judged, declared, observed)
    yield from _judge_parts(declared, observed, hidden=hidden)
    yield from judge_attributes(declared, observed)


def _with_text(judged: Finding, declared: Declared, observed: File) -> Finding:
    """Return the finding about a content with the observed text, if that drifts, everybody may read
    it, and it is not a secret. The node's own word is not enough; and the author of a declaration
    must not see more than a user of the node.
    """
    shown = (
        judged.outcome is Outcome.DRIFT
        and bool(observed.mode & stat.S_IROTH)
        and observed.text is not None
        and not secret_content(declared.path, observed.text)
    )
    return judged._replace(text=observed.text, declared_text=text(declared)) if shown else judged


def _judge_content(content: str, observed: File) -> Finding:
    declared = content_bytes(content)
    if observed.type != REGULAR:
        return drifts("content", content, observed.type)
    if (equal := _equal(hashlib.sha256(declared).hexdigest(), observed)) is not None:
        actual = f"sha256:{observed.sha256} ({observed.size} bytes)"
        return finding("content", content, actual, equal)
    if observed.no_hash is None and observed.size != len(declared):
        return drifts(
            "content", content, f"{observed.size} bytes", f"declared: {len(declared)} bytes"
        )
    return undecided("content", content, observed.no_hash or _NO_HASH)


def _judge_sha256(digest: str, observed: File) -> Finding:
    if observed.type != REGULAR:
        return drifts("sha256", digest, observed.type)
    equal = _equal(digest.lower(), observed)
    why = (observed.no_hash or _NO_HASH) if equal is None else None
    return finding("sha256", digest, observed.sha256, equal, why)


def _judge_source(source: str, declared: Declared, observed: File) -> Finding:
    sha256 = digest(declared)
    if sha256 is None:
        return undecided("source", source, "the source was not read")
    if (content := text(declared)) is not None:
        return _judge_content(content, observed)._replace(field="source", expected=source)
    judged = _judge_sha256(sha256, observed)._replace(field="source", expected=source)
    if observed.sha256 is None or observed.type != REGULAR:
        return judged
    return judged._replace(actual=f"sha256:{observed.sha256} ({observed.size} bytes)")


def _judge_parts(declared: Declared, observed: File, *, hidden: bool) -> Iterator[Finding]:
    """Yield a finding for `contains` and for `matches`. A secret is not read: unknown."""
    parts = (
        ("contains", declared.contains, lines.contains),
        ("matches", declared.matches, lines.matches),
    )
    for field, value, holds in parts:
        if value is None:
            continue
        shown = EQUAL if hidden else value
        if observed.type != REGULAR:
            judged = drifts(field, shown, observed.type)
        elif (why := _unread(declared, observed, hidden=hidden)) is not None:
            judged = undecided(field, shown, why)
        elif holds(observed.text or "", value):
            judged = agrees(field, shown, shown)
        else:
            why = lines.unseen(observed.text or "", value, holds)
            judged = drifts(field, shown, NOWHERE, why)
        yield judged._replace(secret=hidden)


def _unread(declared: Declared, observed: File, *, hidden: bool) -> str | None:
    """Return why the content of a file is not known here; None if it is."""
    if hidden or (observed.text is not None and secret_content(declared.path, observed.text)):
        return "a secret by discovery's rules, so its content is not read"
    if observed.text is not None:
        return None
    if observed.no_hash is not None:
        return observed.no_hash
    if observed.size > LONGEST_TEXT:
        return f"it has {observed.size} bytes, and at most {LONGEST_TEXT} are read"
    return observed.no_text or "its content was not sent whole"


NOWHERE = "not in the file"
_NO_HASH = "the node did not send its hash"


def _equal(digest: str, observed: File) -> bool | None:
    """Return whether the content has this SHA-256; None: unknown."""
    if observed.salted is not None:
        return observed.salted.fits(digest)
    return None if observed.sha256 is None else observed.sha256 == digest


def _withheld(judged: Finding, observed: File) -> Finding:
    """Return the finding about the content of a secret without anything of that content."""
    judged = judged._replace(expected=EQUAL, secret=True)
    if observed.type != REGULAR or judged.outcome is Outcome.UNKNOWN:
        return judged
    return judged._replace(
        actual=EQUAL if judged.outcome is Outcome.COMPLIANT else DIFFERENT, why=WITHHELD
    )


def content_bytes(content: str) -> bytes:
    """Return a declared content as its bytes on disk."""
    return content.encode("utf-8", "surrogateescape")
