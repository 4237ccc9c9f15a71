"""What the role suites of compliance/ share, and operators' own tests may use."""

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

__all__ = ["Unknown", "for_all", "output", "output_json"]


class Unknown(Exception):
    """What a test reads could not be looked at.

    The test ends with an error, never passed or failed.
    """


def run(host: Any, command: str) -> Any:
    """Return what testinfra's `host.run` does, also for the exit status 255 over ssh.

    ssh itself ends with 255 if a connection fails, so testinfra raises RuntimeError for each 255,
    with the result. Both are in it: a command that ended so, and a connection that failed.
    """
    try:
        return host.run(command)
    except RuntimeError as error:
        if not error.args or not hasattr(error.args[0], "rc"):
            raise
        return error.args[0]


def output(host: Any, command: str, *, seconds: int = 20) -> str:
    """Return what a command prints on the node (testinfra's `host`), as it is.

    Raises Unknown if the command is missing, fails, or has not ended after `seconds`.
    """
    done = run(host, f"LC_ALL=C timeout {seconds} {command}")
    if done.rc == 0:
        return str(done.stdout)
    if done.rc == 124:
        raise Unknown(f"{command}: not done after {seconds} s")
    lines = done.stderr.strip().splitlines() or [f"exit status {done.rc}"]
    raise Unknown(f"{command}: {lines[-1]}")


def output_json(host: Any, command: str) -> Any:
    """Return what a command prints as JSON. Raises Unknown as `output` does, and for other text."""
    text = output(host, command)
    try:
        return json.loads(text)
    except ValueError:
        raise Unknown(f"{command}: it prints no JSON") from None


def for_all(things: Iterable[Sequence[Any]], check: Callable[..., object]) -> None:
    """Call a check with each of several things. A failure beats an Unknown, whichever is first.

    Raises what the first check that fails raises, else the first Unknown.
    """
    unknown: Unknown | None = None
    for each in things:
        try:
            check(*each)
        except Unknown as error:
            unknown = unknown or error
    if unknown is not None:
        raise unknown
