"""A rollback: today's configuration is read by the old program itself, and nothing is lost unseen.

Both versions are this very program; the older one lacks an environment and a field, has another
default, and derives another value.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from power_edge.release import field_origin, reading, rollback
from power_edge.release.field_origin import FieldOrigins, shape
from power_edge.release.schema_set import SchemaSet, Unusable, checked
from power_edge.release.source import Source, source
from tests.support import releases, repository
from tests.support.releases import release
from tests.support.repository import git

pytestmark = pytest.mark.shell

CHECKOUT = Path(__file__).parents[2]
HEAD = "version: '1.0'\nmetadata: {site: here, environment: production}\n"
CONFIG = {
    "node-configs/at-home/state.yaml": (
        "version: '1.0'\nmetadata:\n  site: here\n  environment: home-lab\nsysctl: {a.b: '1'}\n"
    ),
    "node-configs/gateway/state.yaml": HEAD,
    "node-configs/gateway/identity.yaml": (
        "version: '1.0'\n"
        "node: {hostname: gateway}\n"
        "roles: [{name: vpn-gateway}]\n"
        "vpn_gateway:\n"
        "  provider: tailscale\n"
        "  routing: {ip_forward: true}\n"
    ),
    "node-configs/packed/state.yaml": HEAD
    + "packages:\n- {name: vim}\n- {name: nano, state: present}\n",
    "node-configs/plain/state.yaml": HEAD + "sysctl: {vm.swappiness: '60'}\n",
    "node-configs/socket/state.yaml": (
        HEAD + "services:\n- name: ssh\n  state: running\n  by_socket: true\n"
    ),
}
REVERTED = {
    "node-configs/at-home/state.yaml": HEAD,
    "node-configs/socket/state.yaml": HEAD + "services:\n- {name: ssh, state: running}\n",
}


def make_older(folder: Path) -> None:
    """Take from a checkout's program what came with the newer version."""
    replace(folder / "schemas/core.schema.yaml", ", home-lab]", "]")
    replace(
        folder / "schemas/resources/packages.schema.yaml", "default: present", "default: absent"
    )
    replace(
        folder / "plugins/power_edge/model/generated/resources/packages_schema.py",
        "= 'present'",
        "= 'absent'",
    )
    replace(
        folder / "plugins/power_edge/roles/vpn-gateway.yaml",
        'net.ipv4.ip_forward: "1"',
        'net.ipv4.ip_forward: "2"',
    )
    services = folder / "schemas/resources/services.schema.yaml"
    text = services.read_text()
    begin, end = text.index("  by_socket:\n"), text.index("if: {not:")
    services.write_text(text[:begin] + text[end:])
    merged = folder / "schemas/merged/state.schema.json"
    state = json.loads(merged.read_text())
    state["$defs"]["environment"]["enum"].remove("home-lab")
    del state["$defs"]["services"]["properties"]["by_socket"]
    state["$defs"]["packages"]["properties"]["state"]["default"] = "absent"
    merged.write_text(json.dumps(state))


def replace(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """v1.0.0-pre.1 is the older program, and v1.0.0 its release. v1.1.0 is this one."""
    folder = tmp_path_factory.mktemp("template") / "project"
    with pytest.MonkeyPatch.context() as monkeypatch:
        releases.real_project(folder, monkeypatch, CHECKOUT)
        make_older(folder)
        repository.commit({})
        releases.pre_release("1.0.0-pre.1")
        release("promote", "v1.0.0-pre.1", "1.0.0")
        for name in releases.PARTS:
            releases.copied(CHECKOUT / name, folder / name)
        repository.commit({"changelog.d/2.breaking.md": "By socket.\n"}, "v1.1.0")
        repository.commit(CONFIG)
    return folder


@pytest.fixture
def project(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return releases.copy(template, tmp_path / "project", monkeypatch)


def rolled_back(*words: str, status: int = 0) -> str:
    """Roll back from v1.1.0 to the older program, with the nodes of the current folder."""
    return release("promote", "v1.0.0-pre.1", "1.1.1", "--rollback", *words, status=status)


def record() -> Any:
    return json.loads(Path("dist/v1.1.1/promotion.json").read_text())["rollback"]


LOSSES = [
    "node-configs/at-home/state.yaml:4: metadata.environment is refused: 'home-lab' is not one of production, staging,"
    " development (came with v1.1.0)",
    "node-configs/gateway/identity.yaml:6: sysctl[net.ipv4.ip_forward]: value is read differently:"
    " '1' today, '2' by the old version",
    "node-configs/packed/state.yaml:4: packages[vim]: state is read differently: 'present' today,"
    " 'absent' by the old version (came with v1.1.0)",
    "node-configs/socket/state.yaml:6: services[].by_socket is refused: unknown key in services[0] (came with v1.1.0)",
]


def test_without_a_word_about_the_configuration_it_stops(project: Path) -> None:
    output = rolled_back(status=4)
    lines = [line.strip() for line in output.splitlines() if line.startswith("  ")]
    assert lines == LOSSES
    assert "--with-config=REF" in output
    assert "--accept-config-loss" in output
    assert not Path("dist/v1.1.1").exists()
    assert "v1.1.1" not in git("tag", "--list").split()


def test_a_loss_that_is_accepted_is_recorded(project: Path) -> None:
    rolled_back("--accept-config-loss")
    assert record() == {
        "from_release": "1.1.0",
        "configuration": "accepted",
        "config_commit": None,
        "nodes": ["at-home", "gateway", "packed", "socket"],
        "losses": LOSSES,
    }
    release("check-tag", "v1.1.1")
    assert "ROLLBACK" in Path("dist/v1.1.1/NOTES.md").read_text().splitlines()[0]
    assert "ROLLBACK" in git("for-each-ref", "--format=%(subject)", "refs/tags/v1.1.1")


def test_with_the_reverted_configuration_it_is_made(project: Path) -> None:
    commit = repository.commit(REVERTED, "reverted")
    git("reset", "-q", "--hard", "HEAD~1")
    rolled_back("--with-config=reverted")
    assert record()["configuration"] == "reverted"
    assert record()["config_commit"] == commit
    assert record()["nodes"] == ["at-home", "gateway", "packed", "socket"]


@pytest.mark.parametrize(
    ("ref", "words"),
    [("nope", "no git ref"), ("HEAD", "does not load either"), ("v1.1.0", "has no node-configs")],
)
def test_a_configuration_that_does_not_load_either_is_refused(
    ref: str, words: str, project: Path
) -> None:
    assert words in rolled_back(f"--with-config={ref}", status=4)
    assert not Path("dist/v1.1.1").exists()


def test_a_revert_without_a_node_of_today_is_refused(project: Path) -> None:
    repository.commit({**REVERTED, "node-configs/plain/state.yaml": None}, "reverted")
    git("reset", "-q", "--hard", "HEAD~1")
    assert "has no node plain" in rolled_back("--with-config=reverted", status=4)


def test_a_configuration_that_is_read_as_before_needs_no_word(project: Path) -> None:
    for name in ("at-home", "gateway", "packed", "socket"):
        shutil.rmtree(project / "node-configs" / name)
    git("commit", "-q", "-a", "-m", "a")
    rolled_back()
    assert record()["configuration"] == "unchanged"
    assert record()["losses"] == []


def test_a_file_that_is_refused_today_too_is_a_loss(project: Path) -> None:
    repository.commit({"node-configs/plain/state.yaml": HEAD + "nothing: 1\n"})
    assert "node-configs/plain/state.yaml:3: is refused today, too" in rolled_back(status=4)


def test_without_a_configuration_nobody_can_say(project: Path) -> None:
    git("rm", "-q", "-r", "node-configs")
    git("commit", "-q", "-m", "a")
    assert "--node-configs=DIR" in rolled_back(status=4)


@pytest.mark.parametrize(
    ("version", "words"),
    [
        ("1.2.0", "is v1.1.1, the next PATCH"),
        ("1.0.1", "is not higher than v1.1.0"),
        ("1.1.0", "there is a release v1.1.0 already"),
    ],
)
def test_the_number_is_the_next_patch(version: str, words: str, project: Path) -> None:
    output = release("promote", "v1.0.0-pre.1", version, "--rollback", status=4)
    assert words in output


def test_what_is_newer_is_no_rollback(project: Path) -> None:
    repository.commit({"changelog.d/3.bugfix.md": "Three.\n"})
    releases.pre_release("1.1.1-pre.4")
    output = release("promote", "v1.1.1-pre.4", "1.1.1", "--rollback", status=4)
    assert "is not a rollback" in output


def test_back_and_forward_again(project: Path) -> None:
    rolled_back("--accept-config-loss")
    services = Path("schemas/resources/services.schema.yaml")
    replace(services, "  by_socket:\n", "  by_socket:\n    x-since: '2.0'\n")
    repository.commit({"schemas/VERSION": "2.0\n", "changelog.d/3.breaking.md": "Forward.\n"})
    releases.pre_release("2.0.0-pre.4")
    release("promote", "v2.0.0-pre.4", "2.0.0")
    forward = json.loads(Path("dist/v2.0.0/promotion.json").read_text())
    assert (forward["previous"], forward["bump"], forward["rollback"]) == ("1.1.1", "MAJOR", None)


def test_a_rollback_that_was_cut_off_is_continued(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rolled_back("--accept-config-loss")
    first = Path("dist/v1.1.1/promotion.json").read_bytes()
    shutil.rmtree("dist/v1.1.1")
    assert "cut off" in rolled_back("--accept-config-loss")
    assert Path("dist/v1.1.1/promotion.json").read_bytes() == first


def test_the_old_program_is_really_asked(project: Path, tmp_path: Path) -> None:
    """Not this one by another path."""
    module = tmp_path / "old/power_edge/release/reading.py"
    module.parent.mkdir(parents=True)
    for folder in (module.parent, module.parent.parent):
        (folder / "__init__.py").write_text("")
    module.write_text("""print('{"program": "/elsewhere/power_edge", "nodes": {}}')""")
    with pytest.raises(Unusable, match="answered, and not the old version"):
        rollback._reading_of(tmp_path / "old", project / "node-configs")


def test_an_old_program_that_says_nothing_about_a_node_is_refused(
    project: Path, tmp_path: Path
) -> None:
    module = tmp_path / "old/power_edge/release/reading.py"
    module.parent.mkdir(parents=True)
    for folder in (module.parent, module.parent.parent):
        (folder / "__init__.py").write_text("")
    module.write_text(
        """import json; print(json.dumps({"program": __file__, "nodes": {"socket": {}}}))"""
    )
    with pytest.raises(Unusable, match="does not say how it reads node socket"):
        rollback._reading_of(tmp_path / "old", project / "node-configs")


def test_an_old_program_that_cannot_say_is_refused(project: Path, tmp_path: Path) -> None:
    folder = tmp_path / "old" / "power_edge"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    with pytest.raises(Unusable, match="cannot read node-configs"):
        rollback._reading_of(tmp_path / "old", project / "node-configs")


def test_an_old_program_that_cannot_say_needs_somebody_who_accepts_it(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MODULE", "power_edge.release.no_such_module")
    assert "cannot read node-configs" in rolled_back(status=4)
    assert "cannot read node-configs" in rolled_back("--with-config=HEAD", status=4)
    rolled_back("--accept-config-loss")
    assert record()["nodes"] == ["at-home", "gateway", "packed", "plain", "socket"]
    assert all("No module named" in loss for loss in record()["losses"])


def test_a_reading_has_all_that_the_corpus_has(project: Path) -> None:
    found = reading.readings(project / "node-configs")["nodes"]
    assert set(found) == {"at-home", "gateway", "packed", "plain", "socket"}
    assert found["plain"]["values"]["items"][0]["source"] == [
        "node-configs/plain/state.yaml",
        3,
        10,
    ]


@pytest.fixture
def schemas() -> SchemaSet:
    return source("installed").schemas


def test_a_shape_is_found_through_references(schemas: SchemaSet) -> None:
    root = "state.schema.yaml"
    assert shape(schemas, root, ("nothing",)) is None
    assert shape(schemas, root, ("services", 0, "nothing")) is None
    found = shape(schemas, root, ("metadata", "environment"))
    assert found is not None
    assert any("home-lab" in str(part.get("enum")) for part in found)


def test_a_field_with_x_since_names_it(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = dict(source("installed").schemas.files)
    services = json.loads(json.dumps(files["resources/services.schema.yaml"]))
    services["properties"]["by_socket"]["x-since"] = "1.1"
    files["resources/services.schema.yaml"] = services
    now = Source(checked("now", files))
    monkeypatch.setattr(field_origin, "source", lambda _: now)
    assert (
        FieldOrigins("v1.0.0").by("state.yaml", ("services", 0, "by_socket"))
        == "version 1.1 of the schemas"
    )
    assert FieldOrigins("v1.0.0").by("state.yaml", ("metadata", "environment")) == "v1.1.0"
    assert FieldOrigins("v1.0.0").by("state.yaml", ("metadata", "site")) is None
    assert FieldOrigins("v1.0.0").by("notes.txt", ("a",)) is None
