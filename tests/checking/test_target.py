"""What the word for a machine means: this one, a node, or a way."""

from pathlib import Path

import pytest

from power_edge.checking.target import target
from power_edge.config import ConfigError
from power_edge.probing.connection import BadRoute, Options
from power_edge.probing.script import Timeouts

STATE = "version: '1.0'\nmetadata: {site: x, environment: development}\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("rig-7", "joe@rig-8"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "state.yaml").write_text(STATE)
        (tmp_path / name / "connection.yaml").write_text(
            "{ssh: {host: 10.8.0.7, user: stella}, connect_timeout: 2}\n"
        )
    return tmp_path


def test_nothing_is_this_machine(root: Path) -> None:
    found = target(None, root, Options())
    assert (found.route.url, found.node, found.name) == ("local://", None, "this machine")
    assert target(None, None, Options(sudo=True)).route.sudo


@pytest.mark.parametrize("name", ["rig-7", "joe@rig-8"])
def test_a_node_by_its_name_has_its_way_and_its_deadlines(root: Path, name: str) -> None:
    found = target(name, root, Options())
    assert (found.route.url, found.timeouts, found.name) == (
        "ssh://stella@10.8.0.7",
        Timeouts(connect=2),
        name,
    )
    assert found.node is not None
    assert found.node.name == name


def test_options_lead_another_way_to_a_node(root: Path) -> None:
    assert target("rig-7", root, Options(hosts="ssh://10.8.0.8")).route.url == "ssh://10.8.0.8"
    assert (
        target("rig-7", root, Options(connection="paramiko")).route.url
        == "paramiko://stella@10.8.0.7"
    )


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("joe@host", "ssh://joe@host"),
        ("joe@host:2222", "ssh://joe@host:2222"),
        ("joe@fd10:8::7", "ssh://joe@[fd10:8::7]"),
        ("joe@[fd10:8::7]:22", "ssh://joe@[fd10:8::7]:22"),
        ("ssh://host", "ssh://host"),
        ("docker://web", "docker://web"),
        ("local://", "local://"),
    ],
)
def test_a_way(root: Path, text: str, url: str) -> None:
    for folder in (root, None):
        found = target(text, folder, Options(ssh_config="f"))
        assert (found.route.url, found.route.ssh_config, found.node, found.name) == (
            url,
            "f",
            None,
            text,
        )


def test_another_backend_for_an_ssh_destination(root: Path) -> None:
    assert (
        target("joe@host", root, Options(connection="paramiko")).route.url == "paramiko://joe@host"
    )


@pytest.mark.parametrize(
    "text",
    [
        "joe@-oProxyCommand=x",
        "ssh://-oProxyCommand=x",
        "@",
        "joe@",
        "joe@host:path",
        "nothing://host",
        "joe@a b",
        "ssh://",
        "joe@host/path",
    ],
)
def test_no_way(root: Path, text: str) -> None:
    with pytest.raises(BadRoute):
        target(text, root, Options())


@pytest.mark.parametrize(
    ("text", "options"),
    [
        (None, Options(hosts="h")),
        ("joe@h", Options(hosts="h")),
        ("ssh://h", Options(connection="ssh")),
    ],
)
def test_options_that_contradict_the_target(root: Path, text: str | None, options: Options) -> None:
    with pytest.raises(BadRoute):
        target(text, root, options)


def test_a_word_that_is_no_node_is_told_with_the_nearest_and_the_way_out(root: Path) -> None:
    message = r"no node matches 'rig-9' \(write a machine that is not a node as user@host or ssh://host; did you mean rig-7"
    with pytest.raises(ConfigError, match=message):
        target("rig-9", root, Options())
    with pytest.raises(ConfigError, match=r"there is no node-configs/ .*user@host"):
        target("host", None, Options())


def test_a_node_that_does_not_load_says_why(root: Path) -> None:
    (root / "rig-7" / "state.yaml").write_text(f"{STATE}nothing: 1\n")
    with pytest.raises(ConfigError, match=r"rig-7/state\.yaml:3") as raised:
        target("rig-7", root, Options())
    assert "user@host" not in str(raised.value)


def test_a_folder_of_nodes_that_is_yet_to_be_made_is_in_no_way(tmp_path: Path) -> None:
    assert target("joe@host", tmp_path / "none", Options()).route.url == "ssh://joe@host"
    with pytest.raises(ConfigError, match="none' cannot be read"):
        target("rig-7", tmp_path / "none", Options())


@pytest.mark.parametrize("text", ["node-configs/rig-7", "./node-configs/rig-7/"])
def test_a_node_by_the_path_of_its_folder_is_told_by_its_name(root: Path, text: str) -> None:
    with pytest.raises(ConfigError, match=r"did you mean rig-7"):
        target(text, root, Options())


def test_this_machine_by_its_name_is_told_how_it_is_meant(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("power_edge.checking.target.socket.gethostname", lambda: "my-desk")
    for text in ("my-desk", "localhost"):
        with pytest.raises(ConfigError, match="for this machine, give no TARGET"):
            target(text, root, Options())


@pytest.mark.parametrize("text", ["*", "*rig-*"])
def test_a_glob_that_matches_several_nodes_is_none_of_them(root: Path, text: str) -> None:
    with pytest.raises(ConfigError, match=r"matches 2 nodes \(.*name one of them"):
        target(text, root, Options())
    assert target("rig*", root, Options()).name == "rig-7"
