"""A codequality report of GitLab: https://docs.gitlab.com/ci/testing/code_quality/."""

import json
from collections.abc import Iterator
from hashlib import sha256

from power_edge.change_gate.judgement import Judgement
from power_edge.config.node_configs import NODE_CONFIGS
from power_edge.model import Source
from power_edge.report.change_gate import words
from power_edge.text import printable, printable_json


def render(judgement: Judgement) -> str:
    """Return what refuses the change as `critical`, and each change as `info`."""
    text = json.dumps(list(_entries(judgement)), ensure_ascii=False, indent=2)
    return f"{printable_json(text)}\n"


def _entries(judgement: Judgement) -> Iterator[dict[str, object]]:
    for breach in judgement.breaches:
        description = f"{breach.message} (rule {breach.policy}; {breach.lift})"
        yield _entry(judgement, breach.rule, "critical", breach.source, description)
    if judgement.is_too_risky:
        whole = Source(NODE_CONFIGS, 0)
        yield _entry(judgement, "risk", "critical", whole, words.too_risky(judgement))
    for place, line in words.places(judgement):
        yield _entry(judgement, "change", "info", place, line)


def _entry(
    judgement: Judgement, check: str, severity: str, source: Source, message: str
) -> dict[str, object]:
    place = words.in_repository(judgement, source)
    key = json.dumps([check, place.file, message])
    return {
        "description": printable(message),
        "check_name": check,
        "fingerprint": sha256(key.encode("utf-8", "surrogateescape")).hexdigest(),
        "severity": severity,
        "location": {"path": place.file, "lines": {"begin": max(1, place.line)}},
    }
