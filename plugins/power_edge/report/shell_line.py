"""The commands of a remedy as one line of shell, to be read and pasted."""

import shlex
import string

from power_edge.model import Remedy

_PLAIN = frozenset(string.ascii_letters + string.digits + string.punctuation + " ") - {"'", "\\"}


def shell_line(remedy: Remedy) -> str | None:
    """Return the commands of a remedy as one line, None if there are none.

    Each runs only after the success of the one before.
    """
    return " && ".join(" ".join(map(quoted, argv)) for argv in remedy.commands) or None


def quoted(argument: str) -> str:
    """Return an argument quoted for a shell, in printable characters on one line.

    As shlex.quote, but characters that a terminal would obey or not show are written as $'...' of
    bash, ksh, zsh and busybox, their bytes in octal.
    """
    if argument.isprintable():
        return shlex.quote(argument)
    escaped = (
        character
        if character in _PLAIN
        else "".join(f"\\{byte:03o}" for byte in character.encode("utf-8", "surrogateescape"))
        for character in argument
    )
    return f"$'{''.join(escaped)}'"
