"""Changes of a node's files are noticed, those in files/ among them."""

import asyncio
from pathlib import Path

import pytest

from power_edge.watch.config_changes import changes, pause


@pytest.mark.parametrize("name", ["state.yaml", "files/motd", "files/etc/motd"])
def test_a_changed_file_is_noticed(tmp_path: Path, name: str) -> None:
    file = tmp_path / "rig" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("one\n")

    async def noticed() -> bool:
        found = changes(tmp_path / "rig", seconds=0.01)
        waiting = asyncio.ensure_future(anext(found))
        await asyncio.sleep(0)  # the first look is made
        file.write_text("another\n")
        await waiting
        await found.aclose()  # type: ignore[attr-defined]  # an async generator
        return True

    assert asyncio.run(asyncio.wait_for(noticed(), 20))


def test_the_files_of_many_nodes_are_looked_at_less_often() -> None:
    assert [pause(nodes) for nodes in (1, 20, 50)] == [1.0, 1.0, 2.5]
