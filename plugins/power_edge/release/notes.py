"""The notes of a release, in Markdown: what it was made of; for a rollback, what it takes back."""

import re

from power_edge.model.generated.promotion_schema import Promotion, Rollback
from power_edge.text import printable


def code(text: str) -> str:
    """Return a text as code of Markdown on one line: nothing in it is obeyed, nobody is named."""
    text = printable(text)
    fence = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    inner = f" {text} " if text[:1] in ("`", " ") or text[-1:] in ("`", " ") else text
    return f"{fence}{inner}{fence}" if text else "`-`"


def heading(promotion: Promotion) -> str:
    """Return the title of a release, with the word ROLLBACK where it is one."""
    title = f"Power Edge {promotion.release}"
    if promotion.rollback is None:
        return title
    return f"ROLLBACK: {title} takes back {promotion.rollback.from_release}"


def notes(promotion: Promotion) -> str:
    """Return the notes of a release."""
    lines = [f"# {heading(promotion)}", ""]
    if promotion.rollback is not None:
        lines += [*_about(promotion, promotion.rollback), ""]
    lines += [
        f"The commit is {promotion.commit}. It was tested as {promotion.promoted_from}"
        f" ({code(promotion.tested.run)}).",
        "The wheel differs from the tested one in METADATA and RECORD alone: `promotion.json` has"
        " the proof.",
    ]
    if promotion.bump is not None:
        lines += ["", f"Since {promotion.previous or 'the beginning'}: {promotion.bump}.", ""]
        lines += [f"- {code(reason)}" for reason in promotion.reasons]
    return "\n".join(lines) + "\n"


def _about(promotion: Promotion, rollback: Rollback) -> list[str]:
    lines = [
        f"{promotion.release} is the content of {promotion.promoted_from} again. What"
        f" {rollback.from_release} brought is gone."
    ]
    if rollback.configuration == "unchanged":
        return [*lines, "Every node's configuration is read as before."]
    if rollback.configuration == "reverted":
        lines.append(f"The configuration goes back with it: commit {rollback.config_commit}.")
    else:
        lines.append("A person accepted that the configuration loses this:")
    return [*lines, "", *(f"- {code(loss)}" for loss in rollback.losses)]
