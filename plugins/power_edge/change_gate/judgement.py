"""A change of the configuration, judged: the one record that all reports are made from."""

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path

from power_edge import atomic_file
from power_edge.change_gate import sides
from power_edge.change_gate.bump import bump
from power_edge.change_gate.change import Group, grouped
from power_edge.change_gate.forecast import Forecast, forecasts
from power_edge.change_gate.repository import LINK, Base, Blob, Repository, Signature, unpack
from power_edge.change_gate.risk import Level, Risk, risk
from power_edge.change_gate.rules import Actor, Breach, Case, breaches, person
from power_edge.change_gate.sides import Difference
from power_edge.config import ConfigError, Node
from power_edge.config.node_configs import NO_NODES, NODE_CONFIGS, SOURCES
from power_edge.config.policy import Policy, load_policy


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What a change does, and what the policy says to it."""

    base: Base
    prefix: str
    """The path of node-configs/ in the repository, with a slash at its end."""
    difference: Difference
    elsewhere: Sequence[str]
    """Files outside of node-configs/ that the commits change."""
    policy: Policy | None
    breaches: Sequence[Breach]
    forecasts: Sequence[Forecast] | None
    """None without answers."""
    risk: Risk
    fail_on: Level | None
    """The lowest risk that is refused, whatever the policy says; None if no risk is."""
    actor: Actor
    bump: str
    """The part of the version that configuration and schemas require: MAJOR, MINOR, PATCH; `none`
    if nothing of either changed.
    """

    @property
    def is_too_risky(self) -> bool:
        """Whether the risk alone refuses the change."""
        return self.fail_on is not None and self.risk.level >= self.fail_on

    @property
    def passes(self) -> bool:
        """Whether nothing refuses the change: neither the policy nor its risk."""
        return not self.breaches and not self.is_too_risky

    @cached_property
    def groups(self) -> Sequence[Group]:
        """The changes of nodes that are there before and after, equal ones of several together."""
        return grouped(change for change in self.difference.changes if not change.of_node)


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked of the gate."""

    root: Path
    ref: str | None = None
    answers: Path | None = None
    max_age: float = 0
    actor: str | None = None
    fail_on: Level | None = None
    now: float | None = None
    """Seconds since 1970; by default the current time."""


def judge(question: Question) -> Judgement:
    """Return what a change does: the work tree, compared with its base.

    Raises ConfigError for a configuration that cannot be used, Unusable for a base that cannot be
    found or read.
    """
    new = sides.after(question.root)
    repository = Repository(question.root)
    base = repository.base(question.ref)
    with atomic_file.scratch() as scratch:
        policy = _policy(repository, base, scratch / "policy" / NODE_CONFIGS)
        tree = repository.tree(base.fork)
        root = scratch / "base" / NODE_CONFIGS
        _written(repository, tree, root)
        old = _before(root, base)
        head = repository.head()
        committed = tree if head == base.fork else repository.tree(head)
        files = sides.changed_files(question.root, tree, committed, repository.present())
        return _judged(question, repository, base, sides.difference(old, new, files), policy)


def _judged(
    question: Question,
    repository: Repository,
    base: Base,
    difference: Difference,
    policy: Policy | None,
) -> Judgement:
    signatures: dict[str, Signature] = {}
    if (
        policy is not None
        and not difference.is_empty
        and (question.actor is None or policy.declared.signed)
    ):
        commits = repository.commits(base)
        signatures = {commit.hash: repository.signature(commit) for commit in commits}
    actor = _actor(question.actor, [*signatures.values()], is_committed=difference.is_committed)
    now = time.time() if question.now is None else question.now
    found: list[Breach] = []
    if policy is not None:
        unsigned = [name for name, each in signatures.items() if not each.is_good]
        at = datetime.fromtimestamp(now, UTC)
        earlier = partial(_earlier, repository, base)
        found = breaches(Case(policy, difference, at, actor, unsigned, earlier))
    expected = (
        list(forecasts(difference, question.answers, question.max_age, now))
        if question.answers is not None
        else None
    )
    elsewhere = repository.elsewhere(base)
    return Judgement(
        base=base,
        prefix=repository.prefix,
        difference=difference,
        elsewhere=elsewhere,
        policy=policy,
        breaches=found,
        forecasts=expected,
        risk=risk(difference, found, policy, expected or ()),
        fail_on=question.fail_on,
        actor=actor,
        bump=bump(repository, base, elsewhere, is_config_changed=not difference.is_empty),
    )


def _before(root: Path, base: Base) -> sides.Side:
    try:
        return sides.before(root)
    except ConfigError as error:
        raise sides.in_base(error, base.fork) from None


def _earlier(
    repository: Repository, base: Base, names: Collection[str]
) -> Iterator[Mapping[str, Node]]:
    """Yield the nodes of these names that could be used, for each commit before the base that
    changed them or what they share, the newest first.
    """
    folders = (*names, *NO_NODES)
    for commit in repository.history(base.fork, folders):
        tree = repository.tree(commit)
        mine = {name: blob for name, blob in tree.items() if name.partition("/")[0] in folders}
        with atomic_file.scratch() as scratch:
            root = scratch / NODE_CONFIGS
            _written(repository, mine, root)
            yield sides.before(root).nodes


def _policy(repository: Repository, base: Base, root: Path) -> Policy | None:
    """Return the policy of the base as it is now. Raises ConfigError, with the base's name.

    It is not that of the fork: a change that starts from an old commit would have old rules.
    """
    _written(repository, repository.tree(base.tip), root)
    try:
        return load_policy(root)
    except ConfigError as error:
        raise sides.in_base(error, base.tip) from None


def _written(repository: Repository, tree: dict[str, Blob], root: Path) -> None:
    root.mkdir(parents=True)
    # Where links are, any file may be the state of a node.
    whole = any(blob.mode == LINK for blob in tree.values())
    wanted = [
        blob.hash
        for name, blob in tree.items()
        if whole or name.endswith(".yaml") or name.split("/")[1:2] == [SOURCES]
    ]
    unpack(tree, repository.contents(wanted) if wanted else {}, root)


def _actor(named: str | None, signatures: Sequence[Signature], *, is_committed: bool) -> Actor:
    """Return who made a change: the name that the caller gives, else all verified signers."""
    if named is not None:
        return Actor((frozenset([named]),))
    if not is_committed:
        return Actor(why="some of it is not committed")
    persons = [each for each in signatures if not each.is_automatic]
    signers = [each.signer for each in persons if each.is_good and each.signer is not None]
    if not persons or len(signers) < len(persons):
        return Actor()
    return Actor(tuple(dict.fromkeys(map(person, signers))))
