"""What ufw keeps in its files: the rules of user.rules and user6.rules, and its settings.

ufw writes each rule twice: as lines for iptables-restore, and before them as one comment `### tuple
### ACTION PROTO PORT TO FROM-PORT FROM [TO-APP FROM-APP] DIRECTION [comment=HEX]`. ACTION is allow,
deny, reject or limit, followed by `_log` or `_log-all` for rules that log, and preceded by `route:`
for forwarded connections. DIRECTION is in or out, followed by `_INTERFACE`. (ufw 0.36,
backend_iptables.py, `_write_rules`.)
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from power_edge.resources.firewall.packets.dimension import DADDR, SADDR, Dimension
from power_edge.resources.firewall.packets.rule_match import PROTOCOLS
from power_edge.resources.firewall.packets.sets import (
    Box,
    Numbers,
    interface,
    network,
    numbers,
    subtract_all,
)
from power_edge.resources.firewall.readers import iptables

ANY = "any"
EVERY = ("0.0.0.0/0", "::/0")
_PLAIN = re.compile(r'(ENABLED=)?("?)(yes|no|YES|NO)\2')
_CHAINS = {4: "ufw", 6: "ufw6"}
_TARGETS = {"allow": "ACCEPT", "deny": "DROP", "reject": "REJECT", "limit": "limit-accept"}
_OTHER_TARGETS = {"", "limit", "logging-input"}
"""What the lines of a rule also jump to in the user's chains: a rate limit, the log."""
POLICIES = {"ACCEPT": "allow", "DROP": "deny", "REJECT": "reject"}


class Settings(NamedTuple):
    """What ufw is set to do. None stands for unknown.

    `enabled`: ENABLED of ufw.conf. From /etc/default/ufw: `incoming`: the default action; `ipv6`:
    whether IPv6 goes through ufw's rules; `builtins`: whether ufw flushes everything else in the
    filter table when it starts. `init`: the path of ufw-init. `edited`: the files of rules that are
    not as installed. `plain`: whether ufw's commands read ENABLED as ufw-init does at a boot.
    `code`: a line of these files that is code of the shell, and may set anything; empty for none.
    """

    enabled: bool
    incoming: str | None = None
    ipv6: bool | None = None
    builtins: bool | None = None
    init: str | None = None
    edited: tuple[str, ...] | None = None
    plain: bool = True
    code: str = ""


class Tuple(NamedTuple):
    """One rule for incoming connections, of one family."""

    action: str
    log: str
    proto: str
    port: str
    target: str
    from_port: str
    source: str
    app: str
    from_app: str
    interface: str

    @property
    def family(self) -> int:
        """The family of its addresses."""
        return 6 if ":" in self.source + self.target else 4

    def box(self) -> Box:
        """Return the packets that the rule matches. ValueError for an unknown word."""
        found: dict[Dimension, Numbers] = {
            SADDR[self.family]: (network(self.source)[1],),
            DADDR[self.family]: (network(self.target)[1],),
        }
        if self.proto != ANY:
            if self.proto not in PROTOCOLS:
                raise ValueError(f"protocol {self.proto}")
            found[Dimension.PROTO] = ((PROTOCOLS[self.proto],) * 2,)
        elif (self.port, self.from_port) != (ANY, ANY):
            found[Dimension.PROTO] = ((6, 6), (17, 17))
        if self.port != ANY:
            found[Dimension.DPORT] = _ports(self.port)
        if self.from_port != ANY:
            found[Dimension.SPORT] = _ports(self.from_port)
        if self.interface:
            # As in iptables, eth+ means every name that begins with eth.
            name = self.interface
            found[Dimension.IIF] = (interface(name[:-1] + "*" if name.endswith("+") else name),)
        return found

    def spelling(self, *, both: bool = True) -> tuple[str, ...]:
        """Return the words behind `ufw delete` by which ufw finds the rule.

        ufw looks for a rule with the same fields: `22` (any protocol) is not `22/tcp`, and a rule
        of an application is not one of its ports. Not `both`: the rule of this family alone, where
        the words would mean both families.
        """
        log = (self.log,) if self.log else ()
        ends = (self.source, self.target, self.from_port, self.from_app, self.interface)
        if both and ends in {(every, every, ANY, "-", "") for every in EVERY}:
            if self.app != "-":
                return (self.action, *log, self.app)
            if self.port != ANY:
                proto = "" if self.proto == ANY else f"/{self.proto}"
                return (self.action, *log, self.port + proto)
        words = [self.action, *(("in", "on", self.interface) if self.interface else ()), *log]
        if self.proto != ANY and self.app == self.from_app == "-":
            words += ["proto", self.proto]
        words += ["from", _end(self.source) if both else self.source]
        words += _port(self.from_app, self.from_port)
        words += ["to", _end(self.target)]
        words += _port(self.app, self.port)
        return tuple(words)


def settings(
    conf: Sequence[str], defaults: Iterable[str], edited: tuple[str, ...] | None, code: str = ""
) -> Settings:
    """Return the settings in lines such as `ENABLED=yes`; `code`: a line that is not a setting.

    As for the shell, the last line of a name counts, and a value ends before a blank.
    """
    words = {}
    for line in (*conf, *defaults):
        name, equals, value = line.strip().partition("=")
        words[name.removeprefix("export").strip() if equals else "ENABLED"] = _word(
            value if equals else name
        )
    return Settings(
        words.get("ENABLED", "") in {"yes", "YES"},  # what ufw-init accepts at a boot
        POLICIES.get(words.get("DEFAULT_INPUT_POLICY", "")),
        _truth(words.get("IPV6")),
        _truth(words.get("MANAGE_BUILTINS")),
        words.get("INIT"),
        edited,
        all(map(_PLAIN.fullmatch, conf)) and not code,
        code,
    )


def _word(text: str) -> str:
    """Return the first word of a text, as the shell reads it."""
    return re.split(r"[\s;&|]", text, maxsplit=1)[0].replace('"', "").replace("'", "")


def _truth(word: str | None) -> bool | None:
    return None if word is None else word.lower() == "yes"


def by_hand(lines: Iterable[str]) -> str:
    """Return a line of user.rules that ufw did not make of its rules, or a rule without lines.

    Empty if there is no such line. `lines`: the comments about rules, and the lines for
    iptables-restore about incoming connections.
    """
    comment, found = "", list[str]()
    for line in (*lines, "### tuple ###"):
        if line.startswith("### tuple ###"):
            if unknown_line := _line_not_of_rule(comment, found):
                return unknown_line
            comment, found = line, []
        elif line:
            found.append(line)
    return ""


def _line_not_of_rule(comment: str, lines: list[str]) -> str:
    try:
        rule = next(tuples([comment]), None) if comment else None
    except ValueError:
        return comment
    if rule is None:
        return next(iter(lines), "")
    remaining = [rule.box()]
    for line in lines:
        start = f"-A {_CHAINS[rule.family]}-user-input "
        if not line.startswith(start):
            return line
        saved = iptables.parse_rule(line, start)
        target = (saved.target or "").removeprefix(f"{_CHAINS[rule.family]}-user-")
        if target in _OTHER_TARGETS:
            continue
        boxes = [
            box
            for each in iptables.as_rules(saved, rule.family, ("ufw", "filter", ""), ())
            for box in each.boxes
            if each.opaque is None
        ]
        if target != _TARGETS[rule.action] or not boxes or subtract_all(boxes, [rule.box()]):
            return line
        remaining = subtract_all(remaining, boxes)
    return comment if remaining else ""


def tuples(lines: Iterable[str]) -> Iterator[Tuple]:
    """Yield the rules for incoming connections. ValueError for a rule that is not understood."""
    for line in lines:
        words = [word for word in line.split()[3:] if not word.startswith("comment=")]
        if len(words) not in {7, 9}:
            raise ValueError(f"a rule of ufw that is not understood: {line[:80]!r}")
        action, proto, port, target, from_port, source, *apps, direction = words
        which, _, interface = direction.partition("_")
        if which != "in" or action.startswith("route:"):
            continue
        action, _, log = action.partition("_")
        app, from_app = (word.replace("%20", " ") for word in apps or ("-", "-"))
        yield Tuple(action, log, proto, port, target, from_port, source, app, from_app, interface)


class Route(NamedTuple):
    """One rule for forwarded connections. An interface is "" where the rule names none."""

    action: str
    proto: str
    port: str
    target: str
    source: str
    interface: str
    out_interface: str


def routes(lines: Iterable[str]) -> Iterator[Route]:
    """Yield the rules for forwarded connections from any port; others are left out."""
    for line in lines:
        words = [word for word in line.split()[3:] if not word.startswith("comment=")]
        if len(words) not in {7, 9} or not words[0].startswith("route:") or words[4] != ANY:
            continue
        sides = {
            side: name for side, _, name in (part.partition("_") for part in words[-1].split("!"))
        }
        action = words[0].removeprefix("route:").partition("_")[0]
        proto, port, target, _, source = words[1:6]
        yield Route(action, proto, port, target, source, sides.get("in", ""), sides.get("out", ""))


def _port(app: str, port: str) -> tuple[str, ...]:
    if app != "-":
        return ("app", app)
    return () if port == ANY else ("port", port)


def _end(text: str) -> str:
    return ANY if text in EVERY else text


def _ports(text: str) -> Numbers:
    spans = (part.partition(":")[::2] for part in text.split(","))
    return numbers((int(low), int(high or low)) for low, high in spans)
