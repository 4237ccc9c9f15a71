"""What the product says of units, and what a boot then does: asked on a node, and compared.

The effects: a node, the product's own script over ssh, a power cut. Compared is one answer for
`enabled: true`, one for `enabled: false` and one for `state: disabled`, of each unit.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import chain
from typing import Literal, NamedTuple

from power_edge.gate import ANY_MACHINE
from power_edge.judging import judge
from power_edge.model import Item, Outcome, Result, Source
from power_edge.model.declared.resources.services_schema import Service
from power_edge.probing.answer import read
from power_edge.probing.observe import observe
from power_edge.probing.plan import Timeouts, plan
from power_edge.resources.services import RESOURCE
from tests.lab.nodes import Lab, Node
from tests.lab.random_units import MARK, Scenario, Step, script
from tests.lab.roots import Root

_PROPERTIES = "Id,Names,ActiveState,InactiveExitTimestampMonotonic,TriggeredBy"
_NO_JOBS = 'until [ -z "$(systemctl list-jobs --no-legend)" ]; do :; done'


class Declaration(NamedTuple):
    """What a unit is declared to be."""

    words: str
    boot: bool
    """Whether a boot is to start it."""
    state: Literal["disabled"] | None = None

    def of(self, name: str) -> Service:
        """The declaration for a unit."""
        return Service(name=name, state=self.state, enabled=None if self.state else self.boot)


DECLARATIONS = (
    Declaration("enabled: true", True),
    Declaration("enabled: false", False),
    Declaration("state: disabled", False, "disabled"),
)


class Look(NamedTuple):
    """A unit on a running node.

    `started`: at any time since the boot. `waiting`: active units that may start it yet.
    """

    started: bool
    active: bool
    waiting: tuple[str, ...]


class Case(NamedTuple):
    """A verdict and the boot that followed."""

    name: str
    declaration: Declaration
    user: str
    outcome: Outcome
    why: str
    before: Look
    after: Look

    @property
    def wrong(self) -> str | None:
        """`false pass`: compliant, and the boot broke it. `false fail`: drift, and it was kept."""
        match self.outcome:
            case Outcome.COMPLIANT:
                return "false pass" if self._kept is False else None
            case Outcome.DRIFT:
                return "false fail" if self._kept is True else None
        return None

    @property
    def _kept(self) -> bool | None:
        """Whether the declaration is true of this boot; None where the boot cannot decide."""
        if self.declaration.boot:
            # What a timer or a path has started, the boot alone may not have.
            early = [trigger for trigger in self.after.waiting if not trigger.endswith(".socket")]
            return None if self.after.started and early else self.after.started
        if self.after.started or self.after.waiting:
            return False
        now = self.declaration.state is not None and (self.before.active or bool(self.before.waiting))
        return None if now else True

    def __str__(self) -> str:
        said = f"{self.name} ({self.declaration.words}, as {self.user}) -> {self.outcome.value}"
        return f"{said} [{self.why}]; before: {self.before}; after the boot: {self.after}"


def cases(lab: Lab, root: Root, drawn: Scenario, users: Collection[str]) -> list[Case]:
    """Make the state on a new node, check it as each user, boot, and look.

    AssertionError: the node did not come up again.
    """
    with lab.node("drawn", root=root) as node:
        node.run("/bin/sh", stdin=script(drawn.steps), check=False)
        node.sh(_NO_JOBS)
        said = {(user, declaration): verdicts(lab, node, user, declaration, drawn.names) for user in users for declaration in DECLARATIONS}
        before = look(node, drawn.names)
        after = look(lab.reboot(node), drawn.names)
    return [
        Case(name, declaration, user, result.outcome, result.why or "", before[name], after[name])
        for (user, declaration), results in said.items()
        for name, result in results.items()
    ]


def verdicts(lab: Lab, node: Node, user: str, declaration: Declaration, names: Sequence[str]) -> Mapping[str, Result]:
    """The product's verdict on each unit, all declared alike: its script over ssh, its judge."""
    declared = [declaration.of(name) for name in names]
    items = [
        Item(
            node.name,
            RESOURCE.name,
            each.name,
            RESOURCE.canonical(each.name),
            each,
            RESOURCE.asserts(each),
            Source("drawn", 1),
        )
        for each in declared
    ]
    (command,) = plan(node.name, ANY_MACHINE, items, Timeouts(section=60)).commands()
    answer = lab.ssh(f"{user}@{node.name}", command).stdout
    seen = observe(RESOURCE, items, read(answer.encode(errors="surrogateescape")))
    return {item.name: judge(RESOURCE, item, seen) for item in items}


def look(node: Node, names: Sequence[str]) -> Mapping[str, Look]:
    """The units as they are once no job is left."""
    node.sh(_NO_JOBS)
    marks = {path.removeprefix(MARK) for path in node.sh(f"ls -d {MARK}* 2>/dev/null", check=False).split()}
    shown = _shown(node, names)
    triggers = {name: each["TriggeredBy"].split() for name, each in shown.items()}
    shown_triggers = _shown(node, sorted({*chain.from_iterable(triggers.values())}))
    active = {name for name, each in shown_triggers.items() if each["ActiveState"] == "active"}
    looks = {}
    for name, each in shown.items():
        left = each["InactiveExitTimestampMonotonic"] != "0"
        waiting = tuple(trigger for trigger in triggers[name] if trigger in active)
        looks[name] = Look(left or each["Id"] in marks, each["ActiveState"] == "active", waiting)
    return looks


def _shown(node: Node, names: Sequence[str]) -> dict[str, dict[str, str]]:
    """`systemctl show` of units, by the names asked for: one block for each, in their order."""
    if not names:
        return {}
    blocks = node.run("systemctl", "show", "-p", _PROPERTIES, "--", *names).stdout.split("\n\n")
    parsed = [dict(line.split("=", 1) for line in block.strip().splitlines()) for block in blocks]
    assert all(name in block["Names"].split() for name, block in zip(names, parsed, strict=True)), blocks
    return dict(zip(names, parsed, strict=True))


def shrink(steps: Sequence[Step], fails: Callable[[Sequence[Step]], bool], tries: int = 80) -> list[Step] | None:
    """The steps that are needed to fail; None where the same steps do not fail again.

    Each try costs a boot. After the last one the rest is left as it is.
    """
    kept = list(steps)
    if not fails(kept):
        return None
    size = max(len(kept) // 2, 1)
    start = 0
    for _ in range(tries):
        fewer = kept[:start] + kept[start + size :]
        if fails(fewer):
            kept = fewer
        else:
            start += size
        if start >= len(kept):
            if size == 1:
                break
            size, start = size // 2, 0
    return kept
