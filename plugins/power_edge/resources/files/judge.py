"""A file against its declaration."""

import hashlib
import stat
from collections.abc import Iterator, Mapping
from typing import Any

from power_edge.model import Finding, agrees, compare, drifts, undecided
from power_edge.model.declared.resources.files_schema import File as Declared
from power_edge.resources.files.observation import REGULAR, Broken, File, Missing

MISSING = "missing"


def expected(declared: Declared) -> dict[str, Any]:
    """A path alone asserts a regular file, so `type` is always among the fields."""
    fields = {field: getattr(declared, field) for field in ("content", "sha256", "mode", "owner", "group")}
    return {"type": REGULAR} | {field: value for field, value in fields.items() if value is not None}


def judge(declared: Declared, seen: File | Missing | Broken) -> Iterator[Finding]:
    """A finding for each field."""
    if not isinstance(seen, File):
        why = "no such file" if not isinstance(seen, Broken) else f"a symbolic link to {seen.target}, where nothing is"
        for field, value in expected(declared).items():
            yield drifts(field, value, MISSING, why)
        return
    yield compare("type", REGULAR, seen.type, f"a symbolic link to {seen.target}" if seen.target is not None else None)
    if declared.content is not None:
        yield _judge_content(declared.content, seen)
    if declared.sha256 is not None:
        yield _judge_sha256(declared.sha256, seen)
    if declared.mode is not None:
        actual = f"{stat.S_IMODE(seen.mode):04o}"
        yield (agrees if int(declared.mode, 8) == stat.S_IMODE(seen.mode) else drifts)("mode", declared.mode, actual)
    if declared.owner is not None:
        yield _judge_owner("owner", declared.owner, seen.uid, seen.user, seen.uids)
    if declared.group is not None:
        yield _judge_owner("group", declared.group, seen.gid, seen.group, seen.gids)


def _judge_content(content: str, seen: File) -> Finding:
    declared = content_bytes(content)
    if seen.type != REGULAR:
        return drifts("content", content, seen.type)
    if seen.sha256 is not None:
        same = hashlib.sha256(declared).hexdigest() == seen.sha256
        return (agrees if same else drifts)("content", content, f"sha256:{seen.sha256} ({seen.size} bytes)")
    if seen.dark is None and seen.size != len(declared):
        return drifts("content", content, f"{seen.size} bytes", f"declared: {len(declared)} bytes")
    return undecided("content", content, seen.dark or "the node did not tell its hash")


def _judge_sha256(digest: str, seen: File) -> Finding:
    if seen.type != REGULAR:
        return drifts("sha256", digest, seen.type)
    if seen.sha256 is None:
        return undecided("sha256", digest, seen.dark or "the node did not tell its hash")
    return (agrees if digest.lower() == seen.sha256 else drifts)("sha256", digest, seen.sha256)


def _judge_owner(field: str, declared: str, number: int, name: str | None, numbers: Mapping[str, int]) -> Finding:
    actual = str(number) if name is None or declared.isdecimal() else name
    if declared.isdecimal():
        return (agrees if int(declared) == number else drifts)(field, declared, actual)
    if declared == name or numbers.get(declared) == number:
        return agrees(field, declared, declared, None if declared == name else f"id {number}, also called {actual}")
    return drifts(
        field, declared, actual, None if declared in numbers else f"the node knows no {'user' if field == 'owner' else 'group'} of that name"
    )


def content_bytes(content: str) -> bytes:
    """A declared content as it is on disk."""
    return content.encode("utf-8", "surrogateescape")
