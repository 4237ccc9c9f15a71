"""A file against its declaration."""

import hashlib
import posixpath
import stat
from collections.abc import Iterator, Mapping
from typing import Any

from power_edge.model import Finding, Outcome, agrees, compare, drifts, undecided
from power_edge.model.generated.resources.files_schema import File as Declared
from power_edge.resources.files.observation import REGULAR, Broken, File, Missing
from power_edge.resources.files.secrets import secret, secret_path

MISSING = "missing"
EQUAL, DIFFERENT = "equal", "different"
"""What is said of a secret, in place of contents and hashes."""
WITHHELD = "a secret: neither content nor hash is shown"
HIDDEN = ("content", "sha256")
"""The fields that say what is in a file."""


def expected(declared: Declared) -> dict[str, Any]:
    """A path alone asserts a regular file, so `type` is always among the fields."""
    return _expected(declared, hidden=secret(declared))


def _expected(declared: Declared, *, hidden: bool) -> dict[str, Any]:
    fields = {
        field: getattr(declared, field) for field in ("content", "sha256", "mode", "owner", "group")
    }
    shown = {
        field: EQUAL if hidden and field in HIDDEN else value
        for field, value in fields.items()
        if value is not None
    }
    return {"type": REGULAR} | shown


def is_secret(declared: Declared, observed: File | Missing | Broken) -> bool:
    """Whether a file is a secret, by its declaration, by where a link leads, or by what the node
    found in it.
    """
    if isinstance(observed, File) and observed.salted is not None:
        return True
    target = None if isinstance(observed, Missing) else observed.target
    return secret(declared) or (
        target is not None and secret_path(posixpath.join(posixpath.dirname(declared.path), target))
    )


def judge(declared: Declared, observed: File | Missing | Broken) -> Iterator[Finding]:
    """A finding for each field."""
    hidden = is_secret(declared, observed)
    if not isinstance(observed, File):
        why = (
            "no such file"
            if not isinstance(observed, Broken)
            else f"a symbolic link to {observed.target}, where nothing is"
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
        finding = _judge_content(declared.content, observed)
        yield _withheld(finding, observed) if hidden else finding
    if declared.sha256 is not None:
        finding = _judge_sha256(declared.sha256, observed)
        yield _withheld(finding, observed) if hidden else finding
    if declared.mode is not None:
        actual = f"{stat.S_IMODE(observed.mode):04o}"
        yield (agrees if int(declared.mode, 8) == stat.S_IMODE(observed.mode) else drifts)(
            "mode", declared.mode, actual
        )
    if declared.owner is not None:
        yield _judge_owner("owner", declared.owner, observed.uid, observed.user, observed.uids)
    if declared.group is not None:
        yield _judge_owner("group", declared.group, observed.gid, observed.group, observed.gids)


def _judge_content(content: str, observed: File) -> Finding:
    declared = content_bytes(content)
    if observed.type != REGULAR:
        return drifts("content", content, observed.type)
    if (same := _same(hashlib.sha256(declared).hexdigest(), observed)) is not None:
        return (agrees if same else drifts)(
            "content", content, f"sha256:{observed.sha256} ({observed.size} bytes)"
        )
    if observed.dark is None and observed.size != len(declared):
        return drifts(
            "content", content, f"{observed.size} bytes", f"declared: {len(declared)} bytes"
        )
    return undecided("content", content, observed.dark or _NO_HASH)


def _judge_sha256(digest: str, observed: File) -> Finding:
    if observed.type != REGULAR:
        return drifts("sha256", digest, observed.type)
    if (same := _same(digest.lower(), observed)) is None:
        return undecided("sha256", digest, observed.dark or _NO_HASH)
    return (agrees if same else drifts)("sha256", digest, observed.sha256)


_NO_HASH = "the node did not tell its hash"


def _same(digest: str, observed: File) -> bool | None:
    """Whether the content has this SHA-256; None where that is not known."""
    if observed.salted is not None:
        return observed.salted.fits(digest)
    return None if observed.sha256 is None else observed.sha256 == digest


def _withheld(finding: Finding, observed: File) -> Finding:
    """A finding about what is in a secret, without anything of it."""
    finding = finding._replace(expected=EQUAL, secret=True)
    if observed.type != REGULAR or finding.outcome is Outcome.UNKNOWN:
        return finding
    return finding._replace(
        actual=EQUAL if finding.outcome is Outcome.COMPLIANT else DIFFERENT, why=WITHHELD
    )


def _judge_owner(
    field: str, declared: str, number: int, name: str | None, numbers: Mapping[str, int]
) -> Finding:
    actual = str(number) if name is None or declared.isdecimal() else name
    if declared.isdecimal():
        return (agrees if int(declared) == number else drifts)(field, declared, actual)
    if declared == name or numbers.get(declared) == number:
        return agrees(
            field,
            declared,
            declared,
            None if declared == name else f"id {number}, also called {actual}",
        )
    return drifts(
        field,
        declared,
        actual,
        None
        if declared in numbers
        else f"the node knows no {'user' if field == 'owner' else 'group'} of that name",
    )


def content_bytes(content: str) -> bytes:
    """A declared content as it is on disk."""
    return content.encode("utf-8", "surrogateescape")
