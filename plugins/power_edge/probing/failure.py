"""Why a node gave no answer, as one line for people.

The reason is looked for in what testinfra raises, in what ssh prints, and in what the node printed
in place of an answer.
"""

import re

from power_edge.probing.framing import NOT_STARTED, NoAnswer
from power_edge.stderr import errors
from power_edge.text import quoted

_HOST_KEY = "Host key verification failed"
_OUR_OPTIONS = "command-line line "
"""How ssh begins a remark on an option that it was built without (GSSAPI). It still connects."""
_NO_TOOL = re.compile(
    r"(\b(base64|gzip|printf)\b|['\"]sh['\"]|: sh\b).*(not found|not recognized)"
    r"|(not found|unknown command)\W*(base64|gzip|printf|sh)\b",
    re.IGNORECASE,
)
"""How shells, docker and Windows say that one of these is missing; not what a startup file wants.
"""
_NO_SUDO = re.compile(
    r"[:'\" ]sudo['\"]?: (command )?(not found|No such file)|(not found|unknown command)\W*sudo\b",
    re.IGNORECASE,
)
"""How shells say that sudo is missing. What sudo itself says begins with its name, too."""
_LONGEST_REASON = 300
"""Characters of a node's own words in a reason. They are looked for at the end of its output."""
_END = 64 * 1024
"""Bytes at the end of an output in which the reason is looked for."""


class Unreachable(Exception):
    """The node gave no answer; the text says why, in one line."""


class NotAsked(Exception):
    """This machine had no file, process or memory left to ask the node: nothing is known of it.

    The argument says what was missing; the text is one line for people.
    """

    def __str__(self) -> str:
        return (
            f"not asked, because this machine ran out of resources ({self.args[0]}):"
            " raise its limits (ulimit -n, ulimit -u), or check fewer nodes at once"
        )


class EndedBefore(NotAsked):
    """The run was ended before the node's turn: nothing is known of it."""

    def __init__(self) -> None:
        super().__init__("the run has ended")

    def __str__(self) -> str:
        return "not asked, because the run ended before its turn: start it again"


def _without_number(error: BaseException) -> str:
    """Return the text of an exception, of the system's without `[Errno -2]`, which says nothing."""
    if isinstance(error, OSError) and isinstance(error.strerror, str) and error.strerror:
        file = error.filename
        return error.strerror if file is None else f"{error.strerror}: {quoted(str(file), 200)}"
    return str(error)


def one_line(error: BaseException) -> str:
    """Return an exception as one line: ssh's own complaint if it is testinfra's RuntimeError.

    testinfra raises that for ssh's exit status 255. It holds the result, whose stderr is for
    people, and the whole command, which is not.
    """
    result: object = error.args[0] if error.args else None
    if not hasattr(result, "stderr_bytes"):
        text = _without_number(error)[:_END].strip()
        return next(iter(text.splitlines()), type(error).__name__)[:_LONGEST_REASON]
    lines = result.stderr_bytes[-_END:].decode("utf-8", "replace").strip().splitlines()
    lines = [line.strip()[:_LONGEST_REASON] for line in lines if not line.startswith(_OUR_OPTIONS)]
    if not lines:
        return "ssh failed without an error message"
    if len(lines) == 1 and lines[0].startswith(_HOST_KEY):
        # ssh would ask whether to accept the key; BatchMode forbids that.
        return f"{lines[0]} Add its key to known_hosts (ssh-keyscan, or connect once by hand)"
    # The line before "Host key verification failed." says whether the key is unknown or changed.
    return " ".join(lines[-2 if lines[-1].startswith(_HOST_KEY) else -1 :])


def no_answer(error: NoAnswer, stdout: bytes, stderr: bytes, script: bytes, backend: str) -> str:
    """Return why the output of a node holds no answer, and what to look at.

    `script` is what the command was given on standard input; `backend` is testinfra's name of the
    connection.
    """
    # An answer of any kind means that the machine was reached, but docker's client says in the same
    # way that there is no container.
    connects = backend in ("ssh", "paramiko")
    silent = str(error) == NOT_STARTED
    # What nologin(8) says, it says on stdout.
    why = _reason(stderr, script) or (_reason(stdout, script) if silent else "")
    hint = _hint(why, login=connects) if silent else ""
    prefix = "connected, but " if connects else ""
    return f"{prefix}{error}{f': {why}' if why else ''}{hint}"


def _hint(why: str, *, login: bool) -> str:
    """Return what to look at if the probe did not start; `login`: a login shell started it."""
    if _NO_TOOL.search(why):
        return " (the node needs a POSIX sh, base64 and gzip)"
    if _NO_SUDO.search(why):
        return " (the node is there, but has no sudo: leave out --sudo, or connect as root)"
    if not login or why.startswith("sudo"):
        return ""
    return (
        " (the login shell did not run it: the account must be allowed to run commands, and no"
        " startup file, such as ~/.bashrc or ~/.cshrc, may end the shell, start another or read"
        " its input)"
    )


def _reason(output: bytes, script: bytes) -> str:
    """Return the line that says why: the first about a missing command, else the last one.

    Commands of a pipe that starve because another is missing complain after it. A shell that took
    the packed script for a command complains of that, which says nothing.
    """
    text = output[-_END:].decode("utf-8", "replace")
    start = script[:20].decode()
    lines = [
        line.strip()
        for line in errors(text) or text.strip().splitlines()
        if not start or start not in line
    ]
    last = lines[-1] if lines else ""
    return next((line for line in lines if "not found" in line), last)[:_LONGEST_REASON]
