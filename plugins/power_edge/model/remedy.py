"""What ends a drift."""

from typing import NamedTuple

Command = tuple[str, ...]
"""One command as argv, run as root on the node."""


class Remedy(NamedTuple):
    """The commands that end a drift, or what a person would do.

    A command is given only if a test on a real node has shown that it leads from that drift to
    compliant, locks nobody out, and changes nothing else (DESIGN.md, rule 9). Commands run in this
    order, each only after the success of the one before.
    """

    commands: tuple[Command, ...] = ()
    cuts: bool = False
    """Whether the commands could end the operator's own connection to the node, such as ssh."""
    advice: str | None = None
    """One sentence: what to do by hand if no command is known, or what the commands do not do."""


NOTHING = Remedy()
