"""The recordings themselves: each is of the documented form and holds one verdict for each
declaration.
"""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.cases import RECORDINGS, load

GOOD: dict[str, Any] = {
    "source": "a node",
    "node": "base",
    "verdicts": [
        {
            "declared": {"sysctl": {"vm.x": "1"}},
            "verdict": "unknown",
            "never": ["pass"],
            "why": "not read",
        }
    ],
}


def written(folder: Path, **changes: Any) -> Path:
    path = folder / "expect.yaml"
    path.write_text(yaml.safe_dump(GOOD | changes))
    return path


def test_every_recording_is_loaded_by_the_strict_loader() -> None:
    loaded = [load(path) for path in RECORDINGS.glob("*/*/expect.yaml")]
    assert sum(len(case.verdicts) for case in loaded) > 600


def test_a_recording(tmp_path: Path) -> None:
    (verdict,) = load(written(tmp_path)).verdicts
    assert (verdict.verdict, verdict.never) == ("unknown", frozenset({"pass"}))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"acceptable": ["unknown", "fail"]}, "unknown keys ['acceptable']"),
        ({"verdict": ["unknown", "fail"]}, "a verdict is one of"),
        ({"verdict": "drift"}, "a verdict is one of"),
        ({"never": ["drift"]}, "a verdict is one of"),
        ({"verdict": "pass"}, "also one of `never`"),
        ({"fieldz": {}}, "unknown keys ['fieldz']"),
    ],
)
def test_a_loose_verdict_is_refused(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    path = written(tmp_path, verdicts=[GOOD["verdicts"][0] | change])
    with pytest.raises(ValueError, match=r"expect\.yaml") as problem:
        load(path)
    assert words in str(problem.value)


@pytest.mark.parametrize(
    "change",
    [
        {"note": "x"},
        {"verdicts": [GOOD["verdicts"][0] | {"more": 1}]},
    ],
)
def test_a_key_that_nothing_reads_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"unknown keys|missing keys"):
        load(written(tmp_path, **change))


@pytest.mark.parametrize("setup", [True, False])
@pytest.mark.parametrize("key", ["node", "no_node", None])
def test_how_to_have_the_state_in_the_lab_is_said_once(
    tmp_path: Path, setup: bool, key: str | None
) -> None:
    (tmp_path / "area" / "x").mkdir(parents=True)
    path = tmp_path / "area" / "x" / "expect.yaml"
    path.write_text(
        yaml.safe_dump(
            {name: value for name, value in GOOD.items() if name != "node"}
            | ({key: "rpm"} if key else {})
        )
    )
    if setup:
        path.with_name("setup.sh").write_text("true\n")
    if (setup or key == "node") == (key == "no_node"):
        with pytest.raises(ValueError, match="`no_node` says why not"):
            load(path)
        return
    case = load(path)
    assert (case.node, case.no_node) == (
        (None, "rpm") if key == "no_node" else ("rpm" if key else "base", None)
    )
    assert (case.setup is not None) is setup


USUAL = {"expect.yaml", "section", "setup.sh"}
OF_A_MACHINE = {
    "expect.yaml",
    "ioreg.txt",
    "machine-id.txt",
    "root.txt",
    "system-identity.yaml",
    "three-nodes.txt",
    "values.txt",
}
"""What cases of identity hold; tests/pytest_integration/test_gate.py reads it."""
OTHER_FILES = {"packages/apk-installed-db/installed"}
"""Read by tests/lab/test_packages.py."""


def test_no_file_of_a_recording_is_left_over() -> None:
    """A case holds what is documented; only identity's hold the files of a machine."""
    for path in RECORDINGS.glob("*/*/*"):
        assert (path.parent / "expect.yaml").is_file(), path
        known = OF_A_MACHINE if path.parent.parent.name == "identity" else USUAL
        assert path.name in known or str(path.relative_to(RECORDINGS)) in OTHER_FILES, path


def test_each_case_of_a_type_has_a_section_or_the_reason_why_not() -> None:
    loaded = [load(path) for path in RECORDINGS.glob("*/*/expect.yaml")]
    for case in loaded:
        if case.area != "identity":
            assert (case.path / "section").exists() is (case.failed is None), case.path
