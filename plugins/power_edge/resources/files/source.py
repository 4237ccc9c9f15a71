"""A content that is declared by a file beside state.yaml."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from power_edge.model.generated.resources.files_schema import File as Declared
from power_edge.resources.files.observation import LONGEST_TEXT
from power_edge.resources.files.secrets import secret_content, secret_path


@dataclass(frozen=True, kw_only=True)
class Loaded(Declared):
    """A declaration as state.yaml has it, without secrets in its repr, which a traceback or a
    failed assertion shows. `source_sha256` is the hash of its source, once that was read, and
    `source_text` its content if that is text.
    """

    content: str | None = field(default=None, repr=False)
    sha256: str | None = field(default=None, repr=False)
    contains: str | None = field(default=None, repr=False)
    matches: str | None = field(default=None, repr=False)
    source_sha256: str | None = field(default=None, repr=False)
    source_text: str | None = field(default=None, repr=False)


def digest(declared: Declared) -> str | None:
    """Return the declared SHA-256, which may be that of the source; None if there is none, or if
    the source was not read.
    """
    return (
        declared.source_sha256
        if isinstance(declared, Loaded) and declared.source
        else declared.sha256
    )


def attach(declared: Declared, read: Callable[[str], bytes]) -> Declared:
    """Return a declaration with the hash of its source, and its text. `read` returns a file's
    content.

    ValueError: the source cannot be used. What `read` raises passes.
    """
    if declared.source is None or not isinstance(declared, Loaded):
        return declared
    content = read(declared.source)
    if len(content) > LONGEST_TEXT:
        raise ValueError(f"it has more than {LONGEST_TEXT} bytes: declare its sha256")
    if (
        secret_path(declared.path)
        or secret_path(f"/{declared.source}")
        or secret_content(declared.path, content.decode("utf-8", "replace"))
    ):
        raise ValueError(
            "it is a secret by discovery's rules, which no repository should hold:"
            " declare mode and owner alone"
        )
    digest_of_it = hashlib.sha256(content).hexdigest()
    return replace(declared, source_sha256=digest_of_it, source_text=_as_text(content))


def text(declared: Declared) -> str | None:
    """Return the declared content, which may be that of the source; None if there is none, or if
    the source is not text.
    """
    return (
        declared.source_text
        if isinstance(declared, Loaded) and declared.source
        else declared.content
    )


def _as_text(content: bytes) -> str | None:
    try:
        return None if b"\0" in content else content.decode()
    except UnicodeDecodeError:
        return None
