"""Discovery on a node of the lab, type by type, without the command line: what is found there, and
whether a fresh look agrees.
"""

from collections.abc import Sequence

from hypothesis import HealthCheck, Phase, settings

from power_edge.checking.evaluate import judge
from power_edge.config.state import state_of
from power_edge.config.yaml_reader import Document
from power_edge.discover.sections import Section, section
from power_edge.json_value import Json
from power_edge.probing import script
from power_edge.probing.framing import Answer, read
from power_edge.probing.script import Discovery, ProbeScript, Timeouts
from power_edge.resources import resource
from tests.support.lab.nodes import Node
from tests.support.scripts import OPEN

FEW = settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
"""For states that are made on a node: each example costs a node's time."""


def discovered(node: Node, kind: str, *, mode: str = "changed", user: str = "root") -> Section:
    """What discovery finds of a type, as a user of the node."""
    asked = Discovery(kind, script.files(kind, "discovery", "resources"), (mode,))
    return section(
        kind, _answer(node, ProbeScript(node.name, OPEN, (asked,), Timeouts(), ("discover",)), user)
    )


def wrong(node: Node, found: Section, *, user: str = "root") -> Sequence[str]:
    """The items that a fresh look does not find compliant."""
    metadata: dict[str, Json] = {"site": "lab", "environment": "development"}
    items = state_of(
        Document.of_value(
            "state.yaml", {"version": "1.0", "metadata": metadata, found.type: found.value}
        ),
        node.name,
    ).items
    answer = _answer(node, script.probe_script(node.name, OPEN, items, Timeouts()), user)
    kind = resource(found.type)
    observed = {
        key: value
        for output in answer.outputs.values()
        for key, value in kind.parse(output.stdout).items()
    }
    assert len(items) == len(found.found)
    return [
        result.item.name
        for item in items
        if (result := judge(kind, item, observed)).outcome.value != "compliant"
    ]


def _answer(node: Node, asked: ProbeScript, user: str) -> Answer:
    done = node.run("runuser", "-u", user, "--", "sh", stdin=asked.text())
    return read(done.stdout.encode(errors="surrogateescape"))
