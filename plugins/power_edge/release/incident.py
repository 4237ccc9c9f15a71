"""The issue that a rollback opens: what happened, to which nodes, and what is left to do."""

from typing import Final, NamedTuple

from power_edge.model.generated.promotion_schema import Promotion
from power_edge.release.notes import code
from power_edge.release.schema_set import Unusable

_CHECKLIST: Final = (
    "The release is published, and `latest` is this version.",
    "Every node runs it (`power-edge --version`), and a check of each ends as before the incident.",
    "The configuration is what this version reads: {configuration}",
    "It is known what was wrong with {taken_back}, and a test shows it.",
    "A fixed version is promoted, and the nodes are on it.",
)
_CONFIGURATION: Final = {
    "unchanged": "nothing has to be done.",
    "reverted": "commit {commit} is merged.",
    "accepted": "what is listed below is out of the files, or those who run the nodes know of it.",
}


class Incident(NamedTuple):
    """An issue. `marker` is a line of its body that no other rollback has."""

    title: str
    body: str
    marker: str


def incident(promotion: Promotion, sha256: str, who: str, why: str | None) -> Incident:
    """Return the issue of a rollback. `who` and `why` are texts of persons: nothing in them is
    obeyed. `sha256` is that of promotion.json: the marker cannot be in an earlier issue.

    Raises Unusable if the promotion is not a rollback.
    """
    rollback = promotion.rollback
    if rollback is None:
        raise Unusable(f"{promotion.release} is not a rollback, so there is no incident")
    taken_back = rollback.from_release
    marker = f"<!-- power-edge rollback {promotion.release} {sha256} -->"
    configuration = _CONFIGURATION[rollback.configuration].format(commit=rollback.config_commit)
    lines = [
        marker,
        f"- from: {taken_back}",
        f"- to: {promotion.release}, the content of {promotion.promoted_from}"
        f" (commit {promotion.commit})",
        f"- who: {code(who)}",
        f"- why: {code(why) if why else 'not said; write it here'}",
        "",
        "## To do",
        *(
            f"- [ ] {each.format(configuration=configuration, taken_back=taken_back)}"
            for each in _CHECKLIST
        ),
        "",
        "## Affected nodes",
    ]
    if not rollback.losses:
        lines.append("None: every node's configuration is read as before.")
    else:
        lines += [f"- {code(node)}" for node in rollback.nodes]
        lines += ["", "What is refused or read differently:", ""]
        lines += [f"- {code(loss)}" for loss in rollback.losses]
    title = f"ROLLBACK: {promotion.release} takes back {taken_back}"
    return Incident(title, "\n".join(lines) + "\n", marker)
