"""docs/roles.md: its role of one's own works, and its table has all roles of the package."""

import re
from pathlib import Path

import pytest

from power_edge.config import ConfigError, load_node
from power_edge.config.role_files import built_in
from tests.config.test_roles import DEBIAN
from tests.docs.test_docs import CHECKOUT, STATE, blocks

PAGE = CHECKOUT / "docs" / "roles.md"


@pytest.fixture
def node_configs(tmp_path: Path) -> Path:
    """The files of the page."""
    for block in blocks():
        if block.place.startswith("docs/roles.md"):
            file = tmp_path / block.title
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text)
    return tmp_path / "node-configs"


def test_the_role_of_the_page_works(node_configs: Path) -> None:
    folder = node_configs / "rig-7"
    (folder / "state.yaml").write_text(STATE)
    assert (node_configs / "roles" / "backup-target.yaml").read_text().count("\n") <= 10
    (item,) = load_node(folder).items
    assert (item.type, item.name) == ("services", "rest-server")
    assert item.reasons[0].text == (
        "backup-target takes copies: rest-server must run and start at boot"
    )


def test_the_example_demands_what_the_table_says(node_configs: Path) -> None:
    folder = node_configs / "gate-3"
    (folder / "state.yaml").write_text(STATE)
    with pytest.raises(ConfigError, match=r"there is no system-identity.yaml"):
        load_node(folder)
    (folder / "system-identity.yaml").write_text(DEBIAN)
    loaded = load_node(folder)
    assert [item.name for item in loaded.items] == [
        "wg-quick@wg0",
        "prometheus-node-exporter",
        "ssh",
        "net.ipv4.ip_forward",
        "net.ipv4.tcp_keepalive_time",
        "enabled",
        "default_incoming",
        "default_outgoing",
        "allow 51820/udp from any to any",
        "allow 22/tcp from any to any",
        "allow 9100/tcp from any to any",
        "allow 8080/tcp from any to any",
    ]
    assert loaded.derived is not None
    assert len(loaded.derived.notes) == 3  # masquerade, password_auth and root_login


def test_the_table_has_all_roles() -> None:
    assert set(re.findall(r"(?m)^\| `([\w-]+)` \|", PAGE.read_text())) == set(built_in())
