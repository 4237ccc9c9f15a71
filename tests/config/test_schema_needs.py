"""Which version of the schemas a file needs, and what is said of one that says too little or too
much.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from power_edge.config import ConfigError, load_node, schema_needs
from power_edge.config.schema import names, schema
from power_edge.config.schema_version import SchemaVersion, installed
from power_edge.config.yaml_reader import read
from tests.support.newer_schemas import newer_schemas

HEAD = 'version: "{}"\nmetadata: {{site: rig, environment: production}}\n'
OLD = "services:\n- {name: ssh, state: running}\n"
NEW = "services:\n- {name: ssh, state: running}\n- {name: cron, enabled: true}\n"
PLACE = "node-configs/rig/state.yaml"


@pytest.fixture
def newer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with newer_schemas(tmp_path / "newer", monkeypatch):
        yield


def load(tmp_path: Path, says: str, state: str = OLD, **files: str) -> list[str]:
    """The problems of a node; its state.yaml says a version."""
    folder = tmp_path / "node-configs" / "rig"
    folder.mkdir(parents=True)
    for name, text in {"state": HEAD.format(says) + state, **files}.items():
        (folder / f"{name}.yaml").write_text(text)
    try:
        load_node(folder)
    except ConfigError as error:
        return [str(problem) for problem in error.problems]
    return []


def test_a_version() -> None:
    assert SchemaVersion.of("1.10") == (1, 10)
    assert str(SchemaVersion.of("1.010")) == "1.10"
    assert [
        SchemaVersion.of(text) for text in ("1", "1.0.0", "v1.0", "1.0\n", "1.x", "", "١.٠")
    ] == [None] * 7
    huge = SchemaVersion.of(f"1.{'9' * 5000}")
    assert huge is not None
    assert huge > (1, 10**17)


def test_the_schemas_of_this_program_say_their_version() -> None:
    version = read(HEAD.format(installed()).encode(), "state.yaml")
    pattern = schema("state")["$defs"]["version"]["then"]["pattern"]
    assert pattern == f"^{installed().major}\\."
    schema_needs.check_not_newer(version, "state")


def test_every_x_since_is_a_version_that_is_not_above_that_of_the_schemas() -> None:
    def found(part: Any) -> Iterator[Any]:
        if isinstance(part, list | dict):
            yield from [part["x-since"]] if isinstance(part, dict) and "x-since" in part else []
            for each in part.values() if isinstance(part, dict) else part:
                yield from found(each)

    for since in (each for name in names() for each in found(schema(name))):
        version = SchemaVersion.of(since)
        assert version is not None
        assert (1, 0) < version <= installed()


@pytest.mark.parametrize("says", ["1.5", "2.0", "10.0", "1.99999999999999999999999", "1.05"])
def test_a_file_for_newer_schemas_gets_one_sentence(says: str, tmp_path: Path, newer: None) -> None:
    (problem,) = load(tmp_path, says, "tomorrow: {a: b}\nservices: 5\n", connection="wire: x\n")
    shown = str(SchemaVersion.of(says))
    assert problem == (
        f"{PLACE}:1:10: is for version {shown} of the schemas, and this Power Edge has 1.4"
        " (use a newer Power Edge)"
    )


def test_without_quotes_it_is_a_version_too(tmp_path: Path) -> None:
    folder = tmp_path / "node-configs" / "rig"
    folder.mkdir(parents=True)
    (folder / "state.yaml").write_text("version: 1.10\ntomorrow: 1\n")
    with pytest.raises(ConfigError, match=r"is for version 1\.10 of the schemas") as caught:
        load_node(folder)
    assert len(caught.value.problems) == 1


def test_another_file_for_newer_schemas_does_not_hide_what_is_wrong_in_the_rest(
    tmp_path: Path,
) -> None:
    identity = 'version: "1.1"\nnode: {hostname: rig}\ntomorrow: 1\n'
    assert load(tmp_path, "1.0", "services: 5\n", identity=identity) == [
        "node-configs/rig/identity.yaml:1:10: is for version 1.1 of the schemas, and this Power"
        " Edge has 1.0 (use a newer Power Edge)",
        f"{PLACE}:3:11: services is a number and should be a list",
    ]


@pytest.mark.parametrize("says", ["1.0", "1.1"])
def test_a_version_that_is_too_low_names_the_line_to_write(
    says: str, tmp_path: Path, newer: None
) -> None:
    assert load(tmp_path, says, NEW) == [
        f"{PLACE}:1:10: version {says} is less than 1.2, which services[1].enabled needs"
        ' (write version: "1.2"; services[1].enabled is on line 5)'
    ]


@pytest.mark.parametrize("says", ["1.2", "1.3", "1.4"])
def test_a_version_that_is_high_enough(says: str, tmp_path: Path, newer: None) -> None:
    assert load(tmp_path, says, NEW) == []


def test_the_highest_of_all_fields_counts(tmp_path: Path, newer: None) -> None:
    (problem,) = load(tmp_path, "1.2", NEW + "sysctl: {vm.swappiness: '60'}\n")
    assert 'write version: "1.3"; sysctl is on line 6' in problem


def test_fields_of_the_first_release_need_nothing(tmp_path: Path, newer: None) -> None:
    assert load(tmp_path, "1.0", OLD) == []


def test_a_file_that_fits_no_schema_gets_the_errors_of_the_schema_alone(
    tmp_path: Path, newer: None
) -> None:
    (problem,) = load(tmp_path, "1.0", NEW + "- {name: a, enabled: perhaps}\n")
    assert "should be true or false" in problem


def test_a_file_with_a_version_of_its_own_counts_alone(tmp_path: Path, newer: None) -> None:
    watcher = "version: '{}'\nwatchers: {{enabled: true, inotify: {{enabled: true}}}}\n"
    (problem,) = load(tmp_path / "low", "1.4", watcher=watcher.format("1.3"))
    assert problem.startswith("node-configs/rig/watcher.yaml:1:10: version 1.3 is less than 1.4")
    assert load(tmp_path / "high", "1.0", watcher=watcher.format("1.4")) == []


def test_a_file_without_a_version_counts_as_the_state(tmp_path: Path, newer: None) -> None:
    connection = "ssh:\n  host: rig\n  user: root\n"
    assert load(tmp_path / "low", "1.1", connection=connection) == [
        "node-configs/rig/connection.yaml:3:3: ssh.user needs version 1.2, and"
        f' {PLACE} is for 1.1 (write version: "1.2" at {PLACE}:1)'
    ]
    assert load(tmp_path / "high", "1.2", connection=connection) == []


def test_where_x_since_can_stand() -> None:
    def need(part: dict[str, Any], value: Any) -> list[tuple[str, tuple[str | int, ...]]]:
        fields = schema_needs.fields_of({"$defs": {"new": {"x-since": "1.1"}}, **part})
        return [(str(version), path) for version, path in schema_needs.needs(value, fields)]

    new = {"$ref": "#/$defs/new"}
    for keyword in ("allOf", "anyOf", "oneOf"):
        assert need({keyword: [{}, new]}, 1) == [("1.1", ())]
    for keyword in ("then", "else"):
        assert need({"if": {}, keyword: new}, 1) == [("1.1", ())]
    assert need({"dependentSchemas": {"a": {"properties": {"b": new}}}}, {"b": 1}) == [
        ("1.1", ("b",))
    ]
    assert need({"patternProperties": {"^x": new}}, {"a": 1, "xa": 1}) == [("1.1", ("xa",))]
    mixed = {"properties": {"a": {}}, "patternProperties": {"^x": {}}, "additionalProperties": new}
    assert need(mixed, {"a": 1, "xa": 1, "b": 1}) == [("1.1", ("b",))]
    assert need({"items": new}, [1, 2]) == [("1.1", (0,)), ("1.1", (1,))]
    assert need({"properties": {"a": new}}, {"b": 1}) == []
    assert need({"items": {"not": new}}, [1]) == []


@pytest.mark.parametrize("name", names())
def test_every_schema_of_the_program_can_be_walked(name: str) -> None:
    assert schema_needs.fields_of(schema(name)).named


def test_a_schema_that_refers_to_itself_has_an_end() -> None:
    part = {"properties": {"in": {"$ref": "#"}, "new": {"x-since": "1.1"}}}
    fields = schema_needs.fields_of(part)
    value = {"in": {"in": {"new": 1}}, "new": 2}
    assert [path for _, path in schema_needs.needs(value, fields)] == [
        ("in", "in", "new"),
        ("new",),
    ]


def test_a_schema_without_new_fields_is_not_walked() -> None:
    class Untouchable(dict[str, Any]):
        def items(self) -> Any:
            raise AssertionError

    assert (
        list(
            schema_needs.needs(Untouchable(a=1), schema_needs.fields_of({"properties": {"a": {}}}))
        )
        == []
    )
