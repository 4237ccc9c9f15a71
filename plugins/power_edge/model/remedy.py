"""What leads from a drift back to the declaration."""

from typing import NamedTuple

Command = tuple[str, ...]
"""One command as argv, run as root on the node."""


class Remedy(NamedTuple):
    """The commands that lead from a drift to compliant, or what a person would do.

    Commands are given only where they were seen, on a real node, to lead from that drift to
    compliant, to lock nobody out, and to change nothing else (DESIGN.md, rule 9). They run in this
    order, each after the success of the one before.
    """

    commands: tuple[Command, ...] = ()
    cuts: bool = False
    """Whether the commands could end the operator's own way to the node, such as ssh.

    They come after what opens it.
    """
    advice: str | None = None
    """One sentence for a person: what to do where no command is known, or what the commands leave
    undone.
    """


NOTHING = Remedy()
