"""A base that this machine cannot read is none that lacks a node."""

import errno
import os
from pathlib import Path

import pytest

from power_edge.change_gate import sides
from power_edge.config import ConfigError, node_configs

STATE = "version: '1.0'\nmetadata: {site: here, environment: production}\n"


@pytest.mark.parametrize(
    ("number", "is_ours"), [(errno.EIO, True), (errno.EMFILE, True), (errno.ELOOP, False)]
)
def test_a_node_that_nobody_could_look_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, is_ours: bool
) -> None:
    root = tmp_path / "node-configs"
    for name in ("a", "b"):
        (root / name).mkdir(parents=True)
        (root / name / "state.yaml").write_text(STATE)
    really = node_configs._open

    def fails(above: Path, file: Path) -> int:
        if file.parent.name == "b":
            raise OSError(number, os.strerror(number))
        return really(above, file)

    monkeypatch.setattr(node_configs, "_open", fails)
    if is_ours:
        with pytest.raises(ConfigError, match=f"cannot be read: {os.strerror(number)}"):
            sides.before(root)
    else:
        side = sides.before(root)
        assert ({*side.nodes}, {*side.broken}) == ({"a"}, {"b"})
