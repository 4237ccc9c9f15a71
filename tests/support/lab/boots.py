"""What the product says of units, and what a boot then does: asked on a node, and compared.

The effects: a node, the product's own script over ssh, a power cut. Compared is one answer for
`enabled: true`, one for `enabled: false` and one for `state: disabled`, of each unit.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import chain
from typing import Literal, NamedTuple

from power_edge.checking.evaluate import judge
from power_edge.identity.identifiers import ANY_MACHINE
from power_edge.model import Item, NotObserved, Observations, Outcome, Result
from power_edge.model.generated.resources.services_schema import Service
from power_edge.probing.framing import read
from power_edge.probing.observe import observe
from power_edge.probing.script import ProbeScript, Section, Timeouts, probe_script
from power_edge.resources.services import RESOURCE
from tests.support.items import item_of
from tests.support.lab.nodes import Lab, Node
from tests.support.lab.random_units import MARK, Scenario, Step, related, script
from tests.support.lab.roots import Root

_SET_AGAINST_BOOT = ("disabled", "indirect", "linked", "linked-runtime", "masked", "transient")
DRIFT = Outcome.DRIFT
_PROPERTIES = "Id,Names,ActiveState,InactiveExitTimestampMonotonic,TriggeredBy,Result"
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
    setting: str = ""
    """What `is-enabled` said before the boot."""

    @property
    def contradicted(self) -> Literal["false pass", "false fail", "setting"] | None:
        """How the boot contradicts the verdict, if it does.

        `false pass`: compliant, and the boot broke it. `false fail`: drift, and it was kept.
        `setting`: drift by the unit's own setting, on which this boot did not act: it is enabled
        for what no boot starts, or disabled and started for another unit, or a timer that no boot
        starts is active now. That is drift all the same: docs/verdicts/services.md.
        """
        if self.outcome is Outcome.COMPLIANT:
            return "false pass" if self._kept is False else None
        if self.outcome is Outcome.DRIFT and self._kept is True:
            set_against = _SET_AGAINST_BOOT if self.declaration.boot else ("enabled",)
            if not self.declaration.boot and any(
                trigger.endswith(".timer") for trigger in self.before.waiting
            ):
                return "setting"
            return "setting" if self.setting in set_against else "false fail"
        return None

    @property
    def kind(self) -> tuple[object, ...]:
        """What two cases of one fault have in common."""
        return self.contradicted, self.declaration, self.why.split("; ")[0]

    @property
    def wrong(self) -> bool:
        """Whether the boot shows that the verdict is wrong."""
        return self.contradicted in ("false pass", "false fail")

    @property
    def _kept(self) -> bool | None:
        """Whether the declaration is true of this boot; None where the boot cannot decide."""
        if self.declaration.boot:
            # What a timer or a path has started, the boot alone may not have.
            early = [trigger for trigger in self.after.waiting if not trigger.endswith(".socket")]
            return None if self.after.started and early else self.after.started
        if self.after.started or self.after.waiting:
            return False
        now = self.before.active or bool(self.before.waiting)
        return None if self.declaration.state and now else True

    def __str__(self) -> str:
        asked = f"{self.name} ({self.declaration.words}, as {self.user})"
        said = f"{asked} -> {self.outcome.value} [{self.why}]"
        looks = f"before the boot: {self.before}, after: {self.after}"
        return f"{self.contradicted or 'right'}: {said}; {looks}"


def cases(
    lab: Lab,
    root: Root,
    drawn: Scenario,
    users: Collection[str],
    declarations: Collection[Declaration] = DECLARATIONS,
) -> list[Case]:
    """Make the state on a new node, check it as each user, boot, and look.

    AssertionError: the node did not come up again.
    """
    with lab.node("drawn", root=root) as node:
        settle(node, drawn)
        said = {
            (user, declaration, name): result
            for user in users
            for declaration, results in _judged(lab, node, user, declarations, drawn.names)
            for name, result in results.items()
        }
        drifted = {name for (*_, name), result in said.items() if result.outcome is DRIFT}
        settings = _settings(node, sorted(drifted))
        before = look(node, drawn.names)
        after = look(lab.reboot(node), drawn.names)
    return [
        Case(
            name,
            declaration,
            user,
            result.outcome,
            result.why or "",
            before[name],
            after[name],
            settings.get(name, ""),
        )
        for (user, declaration, name), result in said.items()
    ]


def settle(node: Node, drawn: Scenario) -> None:
    """Make the state on a node, and wait until no job is left."""
    node.run("/bin/sh", stdin=script(drawn.steps), check=False)
    node.sh(_NO_JOBS)


def _judged(
    lab: Lab,
    node: Node,
    user: str,
    declarations: Collection[Declaration],
    names: Sequence[str],
) -> Iterator[tuple[Declaration, Mapping[str, Result]]]:
    """The verdict on each unit, all of them declared alike, for each declaration.

    The node is asked once for declarations that the product asks the same for.
    """
    answers: dict[tuple[Section, ...], Observations | NotObserved] = {}
    for declaration in declarations:
        items = _items(node, [declaration.of(name) for name in names])
        asked = _script(node, items).sections
        if asked not in answers:
            answers[asked] = _observed(lab, node, user, items)
        yield declaration, {item.name: judge(RESOURCE, item, answers[asked]) for item in items}


def verdicts(lab: Lab, node: Node, user: str, declared: Sequence[Service]) -> dict[str, Result]:
    """The product's verdict on what is declared together: its script over ssh, its judge."""
    items = _items(node, declared)
    observed = _observed(lab, node, user, items)
    return {item.name: judge(RESOURCE, item, observed) for item in items}


def _observed(lab: Lab, node: Node, user: str, items: Sequence[Item]) -> Observations | NotObserved:
    (command,) = _script(node, items).commands()
    answer = lab.ssh(f"{user}@{node.name}", command).stdout
    return observe(RESOURCE, items, read(answer.encode(errors="surrogateescape")))


def _script(node: Node, items: Sequence[Item]) -> ProbeScript:
    return probe_script(node.name, ANY_MACHINE, items, Timeouts(section=60))


def _items(node: Node, declared: Sequence[Service]) -> list[Item]:
    return [item_of(RESOURCE, each.name, each) for each in declared]


def look(node: Node, names: Sequence[str]) -> Mapping[str, Look]:
    """The units as they are once no job is left."""
    node.sh(_NO_JOBS)
    marked = node.sh(f"ls -d {MARK}* 2>/dev/null", check=False).split()
    marks = {path.removeprefix(MARK) for path in marked}
    shown = _shown(node, names)
    triggers = {name: each["TriggeredBy"].split() for name, each in shown.items()}
    shown_triggers = _shown(node, sorted({*chain.from_iterable(triggers.values())}))
    active = {name for name, each in shown_triggers.items() if each["ActiveState"] == "active"}
    looks = {}
    for name, each in shown.items():
        skipped = each.get("Result") == "exec-condition"
        left = each["InactiveExitTimestampMonotonic"] != "0" and not skipped
        waiting = tuple(trigger for trigger in triggers[name] if trigger in active)
        looks[name] = Look(left or each["Id"] in marks, each["ActiveState"] == "active", waiting)
    return looks


def _settings(node: Node, names: Sequence[str]) -> dict[str, str]:
    """What `is-enabled` says of units. Most are in one listing; the others are asked one by one."""
    listing = node.run("systemctl", "list-unit-files", "--full", "--plain", "--no-legend").stdout
    ids = {name: shown["Id"] for name, shown in _shown(node, names).items()}
    known = {line.split()[0] for line in listing.splitlines()}
    ask = 'for unit; do echo "$unit" "$(systemctl is-enabled -- "$unit" | head -n 1)"; done'
    rest = node.run("/bin/sh", "-c", ask, "ask", *sorted({*ids.values()} - known), check=False)
    states = dict([*line.split(), ""][:2] for line in (listing + rest.stdout).splitlines())
    return {name: states[unit] for name, unit in ids.items()}


def _shown(node: Node, names: Sequence[str]) -> dict[str, dict[str, str]]:
    """`systemctl show` of units, by the names asked for: one block for each, in their order."""
    if not names:
        return {}
    blocks = node.run("systemctl", "show", "-p", _PROPERTIES, "--", *names).stdout.split("\n\n")
    parsed = [dict(line.split("=", 1) for line in block.strip().splitlines()) for block in blocks]
    shown = dict(zip(names, parsed, strict=True))
    assert all(name in block["Names"].split() for name, block in shown.items()), blocks
    return shown


def explained(lab: Lab, root: Root, drawn: Scenario, wrong: Case) -> str:
    """The steps that are needed for a wrong verdict, as sh. Costs some dozen boots."""
    found = wrong

    def fails(steps: Sequence[Step]) -> bool:
        nonlocal found
        alone = Scenario(tuple(steps), (wrong.name,))
        try:
            (again,) = cases(lab, root, alone, (wrong.user,), (wrong.declaration,))
        except AssertionError:  # such a node does not come up
            return False
        same = again.kind == wrong.kind
        found = again if same else found
        return same

    nearer = [related(drawn.steps, wrong.name, distance) for distance in (0, 1, 2)]
    steps = shrink([*nearer, drawn.steps], fails)
    if steps is None:
        return f"{wrong}\nThe same steps and another boot do not bring it again."
    return f"{found}\nThe node:\n{script(steps)}"


def shrink(
    starts: Sequence[Sequence[Step]],
    fails: Callable[[Sequence[Step]], bool],
    tries: int = 60,
) -> list[Step] | None:
    """The steps that are needed to fail, of the first of some lists that fails; None: none does.

    After so many tries what is left is left.
    """
    kept = next((list(steps) for steps in starts if fails(steps)), None)
    if kept is None:
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
