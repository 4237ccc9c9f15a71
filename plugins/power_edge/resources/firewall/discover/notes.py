"""What ufw's files say of its rules for people: comments, and names of application profiles."""

from collections.abc import Iterable
from urllib.parse import unquote

from power_edge.resources.firewall import canonical
from power_edge.resources.firewall.discover.kernel_rules import declarable
from power_edge.resources.firewall.packets.sets import numbers
from power_edge.resources.firewall.readers.ufw_files import ANY

EVERY = {"0.0.0.0/0", "::/0"}
LONGEST = 200
"""Characters of a comment that is carried over: one line for people."""


def notes(tuples: Iterable[str]) -> dict[str, str]:
    """Return the comment of each rule, or the profile it was made from, by canonical name.

    `tuples`: the lines `### tuple ###` of user.rules and user6.rules (ufw_files.py has their form).
    """
    found: dict[str, str] = {}
    for line in tuples:
        words = line.split()[3:]
        comment = (
            words.pop().removeprefix("comment=")
            if words and words[-1].startswith("comment=")
            else ""
        )
        if len(words) not in {7, 9} or words[4] != ANY:
            continue
        action, proto, ports, target, _, source, *rest, direction = words
        which, _, interface = direction.partition("_")
        if which != "in":
            continue
        where = f" on {interface}" if interface else ""
        text = _decoded(comment) or (unquote(rest[0]) if len(rest) == 2 and rest[0] != "-" else "")
        for port in _ports(ports) if 0 < len(text) <= LONGEST and text.isprintable() else ():
            for each in ("tcp", "udp") if proto == ANY else (proto,):
                # allow_log and allow_log-all also log
                ends = [ANY if end in EVERY else end for end in (source, target)]
                rule = (
                    f"{action.partition('_')[0]} {port}/{each} from {ends[0]} to {ends[1]}{where}"
                )
                found.setdefault(canonical(rule), text)
    return found


def _decoded(comment: str) -> str:
    try:
        return bytes.fromhex(comment).decode()
    except ValueError:
        return ""


def _ports(text: str) -> list[int | str]:
    """Return the ports of a line as discovery declares them, from `22,60000:61000`."""
    spans = [part.partition(":")[::2] for part in text.split(",")]
    if not all(low.isdecimal() and (high or low).isdecimal() for low, high in spans):
        return []
    try:
        return list(declarable(numbers((int(low), int(high or low)) for low, high in spans)))
    except ValueError:  # a range that ends before it begins
        return []
