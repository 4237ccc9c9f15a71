"""The outputs of a workflow's step, as lines NAME=VALUE."""

import json

from power_edge.change_gate.judgement import Judgement
from power_edge.text import readable


def render(judgement: Judgement) -> str:
    """Return bump, risk, and the nodes as a JSON list. No value can begin another line."""
    nodes = json.dumps([readable(name) for name in judgement.difference.touched])
    return f"bump={judgement.bump}\nrisk={judgement.risk.level.name.lower()}\nnodes={nodes}\n"
