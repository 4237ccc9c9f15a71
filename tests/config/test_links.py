"""Links below node-configs/: followed only if they stay inside, never written through."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from power_edge import atomic_file
from power_edge.config import ConfigError, load_node
from power_edge.config.node_configs import NODE_CONFIGS, read_file
from power_edge.yaml_edit.changeset import propose, tidy

STATE = b'version: "1.0"\nmetadata: {site: rig, environment: production}\n'
SECRET = b"root:$6$secret:19000:0:99999:7:::\n"
OUT = "is a symbolic link that leads out of node-configs/"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / NODE_CONFIGS
    for node in ("a", "b"):
        (root / node).mkdir(parents=True)
        (root / node / "state.yaml").write_bytes(STATE)
    (tmp_path / "shadow").write_bytes(SECRET)
    return root


def to_a_file(root: Path) -> None:
    (root / "a" / "identity.yaml").symlink_to(root.parent / "shadow")


def to_a_relative_file(root: Path) -> None:
    (root / "a" / "identity.yaml").symlink_to("../../shadow")


def by_another_link(root: Path) -> None:
    (root / "b" / "other").symlink_to(root.parent)
    (root / "a" / "identity.yaml").symlink_to("../b/other/shadow")


def to_a_folder_with_the_same_beginning(root: Path) -> None:
    beside = root.with_name(f"{NODE_CONFIGS}-old")
    beside.mkdir()
    (beside / "identity.yaml").write_bytes(SECRET)
    (root / "a" / "identity.yaml").symlink_to(beside / "identity.yaml")


def by_the_node_s_folder(root: Path) -> None:
    outside = root.parent / "elsewhere"
    outside.mkdir()
    (outside / "state.yaml").write_bytes(STATE)
    (outside / "identity.yaml").write_bytes(SECRET)
    (root / "a" / "state.yaml").unlink()
    (root / "a").rmdir()
    (root / "a").symlink_to(outside)


LINKS = (
    to_a_file,
    to_a_relative_file,
    by_another_link,
    to_a_folder_with_the_same_beginning,
    by_the_node_s_folder,
)


@pytest.mark.parametrize("link", LINKS)
def test_a_link_that_leads_out_is_refused_unread(
    root: Path, link: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    link(root)
    opened: list[object] = []
    really = os.open

    def spy(path: object, *rest: object, **more: object) -> int:
        opened.append(path)
        return really(path, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", spy)
    with pytest.raises(ConfigError, match=OUT) as caught:
        load_node(root / "a")
    assert "secret" not in str(caught.value)
    assert not [path for path in opened if Path(str(path)).name in ("shadow", "identity.yaml")]


def test_a_link_that_stays_inside_is_read(root: Path) -> None:
    (root / "b" / "watcher.yaml").write_bytes(b"events: []\n")
    (root / "a" / "watcher.yaml").symlink_to("../b/watcher.yaml")
    assert read_file(root / "a", "watcher.yaml") == b"events: []\n"


def test_node_configs_itself_may_be_a_link(root: Path, tmp_path: Path) -> None:
    link = tmp_path / "linked"
    link.symlink_to(root)
    (root / "a" / "watcher.yaml").symlink_to("../b/state.yaml")
    assert read_file(link / "a", "watcher.yaml") == STATE


@pytest.fixture
def nested(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Path, int], None]]:
    """Makes folders in one another. A path may be no longer than PATH_MAX, a commit's as well."""
    made: list[Path] = []

    def make(folder: Path, folders: int) -> None:
        folder.mkdir()
        made.append(folder)
        with monkeypatch.context() as inside:
            inside.chdir(folder)
            for _ in range(folders):
                Path("a").mkdir()
                os.chdir("a")

    yield make
    # pytest could not remove them either.
    subprocess.run(["rm", "-rf", *made], check=True)


def test_folders_in_one_another_without_end_are_refused(
    root: Path, nested: Callable[[Path, int], None]
) -> None:
    """To ask of each where it really is took minutes; pytest does not come through them."""
    nested(root / "a" / "few", 30)
    load_node(root / "a")
    nested(root / "a" / "many", 1500)
    with pytest.raises(ConfigError, match="is nested deeper than 32 folders") as caught:
        load_node(root / "a")
    assert len(caught.value.problems) == 1


def test_what_looks_left_behind_may_have_no_end(
    root: Path, nested: Callable[[Path, int], None]
) -> None:
    nested(root / "a" / ".power-edge-0.tmp", 1500)
    tidy(root)
    load_node(root / "a")
    atomic_file.write_all(root / "a", {"state.yaml": (STATE, STATE + b"# new\n")})
    assert (root / "a" / "state.yaml").read_bytes() == STATE + b"# new\n"


def test_a_link_in_a_circle_is_refused(root: Path) -> None:
    (root / "a" / "watcher.yaml").symlink_to("watcher.yaml")
    with pytest.raises(ConfigError, match="cannot be read: Too many levels"):
        read_file(root / "a", "watcher.yaml")


def test_nothing_is_written_through_a_link(root: Path) -> None:
    (root / "a" / "state.yaml").unlink()
    (root / "a" / "state.yaml").symlink_to("../b/state.yaml")
    with pytest.raises(
        ConfigError,
        match=r"node-configs/a/state\.yaml: leads to 'b/state\.yaml' through a symbolic link",
    ):
        propose(root / "a", {"state.yaml": (STATE, STATE + b"# more\n")})
    propose(root / "a", {"state.yaml": (STATE, STATE)})  # nothing to write
    assert (root / "b" / "state.yaml").read_bytes() == STATE


def test_nothing_is_written_into_a_linked_folder(root: Path) -> None:
    (root / "c").symlink_to("b")
    with pytest.raises(ConfigError, match=r"leads to 'b/state\.yaml'"):
        propose(root / "c", {"state.yaml": (STATE, STATE + b"# more\n")})


@pytest.mark.shell
def test_one_command_waits_for_another_and_looks_again(root: Path) -> None:
    proposal = propose(root / "a", {"state.yaml": (STATE, STATE + b"# mine\n")})
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:  # another command, which holds the lock
        with atomic_file.locked(root):
            os.write(writing, b"locked")
            atomic_file.write(root / "a" / "state.yaml", STATE + b"# theirs\n")
        os._exit(0)
    assert os.read(reading, 6) == b"locked"
    with pytest.raises(ConfigError, match="was changed meanwhile"):
        proposal.write()
    os.waitpid(child, 0)
    assert (root / "a" / "state.yaml").read_bytes() == STATE + b"# theirs\n"
