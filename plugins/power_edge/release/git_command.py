"""Runs git. Only plumbing is called with it: no hook, filter or driver of a repository runs."""

from pathlib import Path

from power_edge.probing.process import Ended, Lifeline, NoRoom, TooLong, run
from power_edge.release.schema_set import Unusable


def git(*words: str, stdin: bytes = b"", folder: Path | None = None) -> Ended:
    """Return how git ended, in a folder or in the current one.

    Raises Unusable if git cannot be run, or does not want to read the repository.
    """
    place = [] if folder is None else ["-C", str(folder)]
    # Replaced objects are a local matter: what is judged is what the others have. Comparing trees
    # would start a monitor of files.
    options = ["--no-pager", "--no-replace-objects", "-c", "core.fsmonitor=false"]
    command = ["git", *options, *place, *words]
    try:
        ended = run(command, stdin, Lifeline())
    except (TooLong, NoRoom) as error:
        raise Unusable(f"git {words[0]}: {error}") from None
    if ended.status == 127:
        raise Unusable("git is not installed; it is needed to read a ref")
    if b"dubious ownership" in ended.stderr:
        raise Unusable(
            "git does not read a repository of another user: see safe.directory in git help config"
        )
    return ended
