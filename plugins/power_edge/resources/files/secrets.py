"""Which files are secrets, by the rules of discovery.

A check says of a secret that it is equal or different. Neither its content nor its hash is in any
message, whether declared or observed.
"""

import posixpath

from power_edge.model.generated.resources.files_schema import File as Declared
from power_edge.resources.files.spelling import canonical
from power_edge.secret_rules import has_secret_line, matches


def secret(declared: Declared) -> bool:
    """Whether a declaration is of a secret, by its path or by a line of its content."""
    return secret_path(declared.path) or (
        declared.content is not None and _secret_content(declared.path, declared.content)
    )


def secret_path(path: str) -> bool:
    """Whether a file at this path is a secret.

    `..` is followed as far as that can be done without the node, which looks at the rest.
    """
    path = canonical(path)
    return any(
        matches(each, "accounts", "keys", "secrets") for each in {path, posixpath.normpath(path)}
    )


def _secret_content(path: str, content: str) -> bool:
    return not matches(canonical(path), "no_secrets") and has_secret_line(content)
