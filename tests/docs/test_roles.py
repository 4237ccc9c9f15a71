"""docs/roles.md: its role of one's own works, and its table has all roles of the package."""

import re
from pathlib import Path

from power_edge.config import load_node
from power_edge.config.role_files import built_in
from tests.docs.test_docs import CHECKOUT, STATE, blocks

PAGE = CHECKOUT / "docs" / "roles.md"


def test_the_role_of_the_page_works(tmp_path: Path) -> None:
    for block in blocks():
        if block.place.startswith("docs/roles.md"):
            file = tmp_path / block.title
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text)
            assert block.text.count("\n") <= 10
    folder = tmp_path / "node-configs" / "rig-7"
    (folder / "state.yaml").write_text(STATE)
    (item,) = load_node(folder).items
    assert (item.type, item.name) == ("services", "rest-server")
    assert item.reasons[0].text == (
        "backup-target takes copies: rest-server must run and start at boot"
    )


def test_the_table_has_all_roles() -> None:
    assert set(re.findall(r"(?m)^\| `([\w-]+)` \|", PAGE.read_text())) == set(built_in())
