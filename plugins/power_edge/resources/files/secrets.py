"""Which files are secrets, by the rules of discovery.

A check only says whether a secret is equal or different. No message has its content or its hash,
declared or observed.
"""

import posixpath

from power_edge.model.generated.resources.files_schema import File as Declared
from power_edge.resources.files.spelling import canonical
from power_edge.secret_rules import has_secret_line, matches


def secret(declared: Declared) -> bool:
    """Return whether a declared file is a secret, by its path or by a line of what is declared of
    its content.
    """
    texts = (declared.content, declared.contains, declared.matches)
    return secret_path(declared.path) or any(
        text is not None and secret_content(declared.path, text) for text in texts
    )


def secret_path(path: str) -> bool:
    """Return whether a file at this path is a secret.

    `..` is resolved as far as that is possible without the node; the node does the rest.
    """
    path = canonical(path)
    return any(
        matches(each, "accounts", "keys", "secrets") for each in {path, posixpath.normpath(path)}
    )


def secret_content(path: str, content: str) -> bool:
    """Return whether a content makes the file at a path a secret."""
    return not matches(canonical(path), "no_secrets", "sudo_rules") and has_secret_line(content)
