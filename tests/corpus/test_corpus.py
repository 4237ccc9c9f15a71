"""Every file that was valid at a release loads to the same values ever after."""

import json
from pathlib import Path

import pytest

from power_edge.release.reading import values
from tests.corpus.loaded import VALUES, lost, nodes


def test_there_is_a_corpus() -> None:
    assert nodes()


@pytest.mark.parametrize("folder", nodes(), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_it_loads_to_equal_values(folder: Path) -> None:
    assert lost(json.loads((folder / VALUES).read_text()), values(folder)) == []


def test_a_difference_is_seen() -> None:
    recorded = {"a": [1, {"b": None}], "c": "x"}
    assert lost(recorded, {"a": [1, {"b": None, "new": 1}], "c": "x", "new": 2}) == []
    assert lost(recorded, {"a": [1], "c": "x"}) != []
    assert lost(recorded, {"a": [True, {"b": None}], "c": "x"}) != []
    assert lost(recorded, {"a": [1, {"b": None}]}) == [".c: 'x' is 'not there' now"]
