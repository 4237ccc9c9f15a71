"""What the gate for changes says, one module for each format.

A format is a function from a Judgement to text that ends with a line break.
"""

from collections.abc import Callable, Mapping
from typing import Final

from power_edge.change_gate.judgement import Judgement
from power_edge.report.change_gate import github, gitlab, json_object, junit, markdown, outputs
from power_edge.report.change_gate.text import text

FORMATS: Final[Mapping[str, Callable[[Judgement], str]]] = {
    "text": text,
    "markdown": markdown.markdown,
    "github": github.github,
    "gitlab": gitlab.gitlab,
    "junit": junit.junit,
    "json": json_object.json_object,
    "outputs": outputs.outputs,
}
