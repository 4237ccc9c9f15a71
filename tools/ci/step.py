"""What a step reads and writes: its environment, its outputs, other commands."""

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from power_edge.release.version import Version


class Refused(Exception):
    """The step cannot be done; the text says why, and what to do."""


def given(name: str) -> str:
    """Return what the workflow passes as `name`. Raises Refused if there is nothing."""
    value = os.environ.get(name, "")
    if not value:
        raise Refused(f"the workflow has to pass {name} in env:")
    return value


def boolean(name: str) -> bool:
    """Return an input of type boolean, which reaches a command as the word true or false.

    Anything else is refused: it would count as false, and a rollback would be none.
    """
    value = os.environ.get(name, "")
    if value not in ("true", "false"):
        raise Refused(f"{name} is {value!r}: it has to be true or false")
    return value == "true"


def version(text: str) -> "Version":
    """Return a version. Raises Refused if it is not one."""
    from power_edge.release.schema_set import Unusable  # `done` runs where this is not installed
    from power_edge.release.version import Version

    try:
        return Version.of(text)
    except Unusable as error:
        raise Refused(str(error)) from None


def output(**values: str) -> None:
    """Give values to later steps and jobs. Raises Refused for one with a line break: it could set
    another output."""
    lines = []
    for name, value in values.items():
        if len(f"{value} ".splitlines()) != 1:
            raise Refused(f"{name} has a line break")
        lines.append(f"{name}={value}\n")
        print(f"{name}={value}")
    with Path(given("GITHUB_OUTPUT")).open("a", encoding="utf-8") as file:
        file.writelines(lines)


def run(*argv: str, env: dict[str, str] | None = None, fine: tuple[int, ...] = (0,)) -> str:
    """Run a command, and return what it prints. Its errors are shown.

    Raises Refused if it ends with another status than those that are fine.
    """
    done = subprocess.run(
        argv,
        check=False,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **env} if env else None,
    )
    if done.returncode not in fine:
        sys.stdout.write(done.stdout)
        raise Refused(
            f"{Path(argv[0]).name} {argv[1]} ended with {done.returncode} (above it says why)"
        )
    return done.stdout


def power_edge(*words: str, fine: tuple[int, ...] = (0,)) -> str:
    """Run the `power-edge` that is installed beside this Python; as `run`."""
    return run(str(Path(sys.executable).with_name("power-edge")), *words, fine=fine)
