"""A change in words, printable, for all formats that people read."""

from collections.abc import Iterator, Sequence

from power_edge.change_gate.change import Change, Field, Group, Kind
from power_edge.change_gate.judgement import Judgement
from power_edge.change_gate.risk import is_other
from power_edge.change_gate.rules import place_of
from power_edge.config.node_configs import NODE_CONFIGS
from power_edge.model import Outcome, Result, Source, Value
from power_edge.report.shell_line import shell_line
from power_edge.report.terminal import headline, shortened, value
from power_edge.text import counted, printable

_LONGEST = 120
"""Characters of a value. The JSON report has more."""
_NODES = 12
"""The most nodes that a line names."""
_UNNAMED = ("", "value")
"""Fields whose name says nothing that the item's name does not."""


def group_line(group: Group) -> str:
    """Return a change with the nodes that it concerns."""
    return f"{what(group.first)} on {on_nodes(group.nodes)}"


def what(change: Change) -> str:
    """Return a change in one line: `sysctl[vm.swappiness] 60 -> 10`."""
    label = subject(change)
    if change.kind is Kind.CHANGED:
        return f"{label} {', '.join(map(_changed, change.fields))}"
    fields = ", ".join(_set(field, change.kind) for field in change.fields)
    word = "added" if change.kind is Kind.ADDED else "removed, was"
    return f"{label} {word}: {fields}"


def subject(change: Change) -> str:
    """Return what a change is about: `sysctl[vm.swappiness]`, `identity.yaml node.purpose`."""
    name = printable(change.name)
    return f"{change.type}[{name}]" if change.is_item else f"{change.type} {name}"


def on_nodes(names: Sequence[str]) -> str:
    """Return `3 nodes (rig-03, rig-07, rig-11)`."""
    more = f" and {len(names) - _NODES} more" if len(names) > _NODES else ""
    return f"{counted(len(names), 'node')} ({', '.join(map(printable, names[:_NODES]))}{more})"


def _changed(field: Field) -> str:
    name = "" if field.name in _UNNAMED else f"{field.name} "
    if field.secret:
        return f"{name}changed (its values are not shown)"
    return f"{name}{_short(field.was)} -> {_short(field.now)}"


def _set(field: Field, kind: Kind) -> str:
    name = "" if field.name in _UNNAMED else f"{field.name} "
    if field.secret:
        return f"{name}(not shown)"
    return f"{name}{_short(field.now if kind is Kind.ADDED else field.was)}"


def _short(observed: Value) -> str:
    return shortened(value(observed), _LONGEST)


def head_lines(judgement: Judgement) -> Iterator[str]:
    """Yield what the change is compared with, and how much it touches."""
    base, difference = judgement.base, judgement.difference
    touched = difference.touched
    files = counted(len(difference.files), "file")
    does = f"{on_nodes(touched)} change" if len(touched) != 1 else f"{on_nodes(touched)} changes"
    if difference.is_empty:
        does = "nothing changes"
    elif not touched:
        does = f"no node changes ({files} changed)"
    yield f"compared with {printable(base.ref)} ({base.fork[:12]}): {does}"
    if not difference.is_committed:
        yield "note: some of it is not committed; the work tree is judged"
    if judgement.elsewhere:
        yield (
            f"note: {counted(len(judgement.elsewhere), 'file')} outside of node-configs/ changed,"
            " too: such a change has to pass `power-edge version check` as well"
        )


def change_sections(judgement: Judgement) -> Iterator[tuple[str, list[str]]]:
    """Yield what changes, in blocks: a line, and those that belong to it."""
    difference = judgement.difference
    for pair in difference.pairs:
        if pair.is_renamed and pair.before is not None:
            yield f"node {printable(pair.before.name)} is now called {printable(pair.name)}", []
    for word, names in (("new", difference.added), ("gone", difference.removed)):
        for name in names:
            mine = [each for each in difference.changes if each.node == name and each.is_item]
            yield f"node {printable(name)} is {word}: {counted(len(mine), 'item')}", []
    for name in difference.broken:
        if name not in difference.removed:
            yield f"node {printable(name)} cannot be used in the base: all of it counts as new", []
    by_role: dict[str | None, list[Group]] = {}
    for group in judgement.groups:
        by_role.setdefault(group.first.role, []).append(group)
    for role in difference.roles:
        groups = by_role.pop(role.name, [])
        nodes = {name for group in groups for name in group.nodes}
        items = sum(len(group.changes) for group in groups)
        yield (
            f"role {printable(role.name)}: {role.what}, {counted(len(nodes), 'node')},"
            f" {counted(items, 'item')} ({place(role.source)})",
            [line for group in groups for line in _lines(group)],
        )
    for groups in by_role.values():
        for group in groups:
            first, *more = _lines(group)
            yield first, more


def _lines(group: Group) -> Iterator[str]:
    yield group_line(group)
    for reason in dict.fromkeys(reason for each in group.changes for reason in each.reasons):
        yield f"  {printable(reason)}"


def other_files(judgement: Judgement) -> list[str]:
    """Return the changed files below node-configs/ that declare nothing, such as tests."""
    return [
        f"{printable(file.path)} {file.kind.value}"
        for file in judgement.difference.files
        if is_other(file.path)
    ]


def forecast_lines(judgement: Judgement) -> Iterator[tuple[str, list[str]]]:
    """Yield what drifts on which nodes, with the commands, and what is unknown."""
    drifts: dict[tuple[str, ...], list[str]] = {}
    unknown: dict[str, list[str]] = {}
    compliant: list[str] = []
    for forecast in judgement.forecasts or ():
        node = forecast.node
        if forecast.why is not None:
            unknown.setdefault(printable(forecast.why), []).append(node)
        elif all(result.outcome is Outcome.COMPLIANT for _, result in forecast.results):
            compliant.append(node)
        for change, result in forecast.results:
            if result.outcome is Outcome.DRIFT:
                drifts.setdefault(
                    (subject(change), headline(result), *_mending(result)), []
                ).append(node)
            elif result.outcome is not Outcome.COMPLIANT:
                unknown.setdefault(f"{subject(change)}: {printable(result.why or '')}", []).append(
                    node
                )
    for (label, how, *mending), names in drifts.items():
        yield f"drift: {label} on {on_nodes(names)}: {how}", list(mending)
    for why, names in unknown.items():
        yield f"unknown: {on_nodes(names)}: {why}", []
    if compliant:
        yield f"compliant already: {on_nodes(compliant)}", []


def _mending(result: Result) -> Iterator[str]:
    command = shell_line(result.remedy)
    if command is not None:
        yield f"mend: {printable(command)}"
    if result.mend_cuts:
        yield "careful: this could cut your own connection"
    if result.advice:
        yield f"{'by hand' if command is None else 'note'}: {printable(result.advice)}"


def breach_lines(judgement: Judgement) -> Iterator[tuple[str, list[str]]]:
    """Yield what breaks the policy, where, and who can lift it."""
    for breach in judgement.breaches:
        yield (
            f"{place(breach.source)}: {breach.rule}: {printable(breach.message)}",
            [f"rule: {breach.policy} in the base", f"lift: {printable(breach.lift)}"],
        )


def place(source: Source) -> str:
    """Return a place for people."""
    return printable(str(source) if source.line else source.file)


def verdict_lines(judgement: Judgement) -> Iterator[str]:
    """Yield the risk with its reasons, the author, and the verdict."""
    if judgement.policy is None:
        yield f"policy: none in {printable(judgement.base.ref)}, so nothing limits the change"
    else:
        yield f"author: {printable(judgement.actor.label)}"
    yield f"risk: {judgement.risk.level.name.lower()}"
    yield from (f"  {level.name.lower()}: {why}" for level, why in judgement.risk.reasons)
    yield f"bump: {judgement.bump}"
    yield verdict(judgement)


def verdict(judgement: Judgement) -> str:
    """Return `passes`, or what refuses the change."""
    breaches = len(judgement.breaches)
    refused = [f"{breaches} breach{'es' if breaches > 1 else ''} of the policy"] if breaches else []
    if judgement.is_too_risky:
        refused.append(too_risky(judgement))
    return "; ".join(refused) or "passes"


def too_risky(judgement: Judgement) -> str:
    """Return why the risk refuses the change. It has one that is refused."""
    assert judgement.fail_on is not None
    level, limit = (each.name.lower() for each in (judgement.risk.level, judgement.fail_on))
    return f"refused: its risk is {level}, and --fail-on is {limit}"


def places(judgement: Judgement) -> Iterator[tuple[Source, str]]:
    """Yield where each change is to be shown, with its words."""
    for group in judgement.groups:
        yield place_of(group.first), group_line(group)


def in_repository(judgement: Judgement, source: Source) -> Source:
    """Return a place with the path that its file has in the repository."""
    file = source.file
    if file == NODE_CONFIGS or file.startswith(f"{NODE_CONFIGS}/"):
        file = f"{judgement.prefix.rstrip('/')}{file.removeprefix(NODE_CONFIGS)}"
    return source._replace(file=printable(file))
