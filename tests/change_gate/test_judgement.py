"""A change is compared item by item after derivation, and nothing of it is missed."""

from pathlib import Path

import pytest

from power_edge.change_gate.repository import Repository
from power_edge.change_gate.risk import Level
from power_edge.config import ConfigError
from power_edge.release.schema_set import Unusable
from tests.support import answers, repository
from tests.support.change import Site, lines

pytestmark = pytest.mark.shell


def test_one_value_on_three_nodes_is_one_line(site: Site) -> None:
    for index in range(1, 5):
        site.node(f"rig-{index}")
    site.branch()
    for index in (1, 2, 4):
        site.node(f"rig-{index}", {"vm.swappiness": "10"})
    site.commit()
    assert lines(site.report()) == [
        "sysctl[vm.swappiness] changed value: 60 -> 10 on rig-1,rig-2,rig-4"
    ]
    assert "sysctl[vm.swappiness] 60 -> 10 on 3 nodes (rig-1, rig-2, rig-4)" in site.run().output


def test_a_rule_of_a_role_shows_the_nodes_and_items_it_reaches(site: Site) -> None:
    site.role(
        "relay", {"sysctl": {"net.core.rmem_max": "1"}}, {"sysctl": {"vm.overcommit_memory": "1"}}
    )
    for index in range(1, 4):
        site.node(f"rig-{index}", roles=("relay",))
    site.node("other")
    site.branch()
    site.role(
        "relay", {"sysctl": {"net.core.rmem_max": "2"}}, {"sysctl": {"vm.overcommit_memory": "1"}}
    )
    output = site.run().output
    assert "role relay: rule changed, 3 nodes, 3 items (node-configs/roles/relay.yaml:4)" in output
    assert "sysctl[net.core.rmem_max] 1 -> 2 on 3 nodes (rig-1, rig-2, rig-3)" in output
    assert "relay demands it" in output
    [change] = site.report()["changes"]
    assert change["role"] == "relay"
    assert change["reasons"] == ["relay demands it"]


def test_roles_that_come_and_go(site: Site) -> None:
    site.role("gone", {"sysctl": {"vm.swappiness": "1"}})
    site.node("rig-1", {})
    site.branch()
    (site.root / "roles/gone.yaml").unlink()
    site.role("vpn-gateway", {"sysctl": {"net.core.rmem_max": "2"}})
    assert [(each["role"], each["what"]) for each in site.report()["roles"]] == [
        ("gone", "the file is gone"),
        ("vpn-gateway", "the file is new"),
    ]
    output = site.run().output
    assert "role gone: the file is gone, 0 nodes, 0 items (node-configs/roles/gone.yaml)" in output


def test_items_come_and_go_with_their_reason(site: Site) -> None:
    site.role("relay", {"services": {"name": "relayd", "state": "running"}})
    site.node("rig-1", roles=("relay",))
    site.node("rig-2", {})
    site.branch()
    site.node("rig-1", identity={"node": {"hostname": "b"}})
    site.node("rig-2", {}, roles=("relay",))
    found = lines(site.report())
    assert "services[relayd] added state: None -> running on rig-2" in found
    assert "services[relayd] removed state: running -> None on rig-1" in found
    assert "identity.yaml[node.hostname] changed : here -> b on rig-1" in found
    assert site.run().output.count("relay demands it") == 2


def test_all_files_of_a_node_count(site: Site) -> None:
    site.node("rig-1", machine=answers.MACHINE)
    site.write("rig-1/connection.yaml", "ssh: {host: secret-host, port: 22}\n")
    site.write("rig-1/watcher.yaml", 'version: "1.0"\nwatchers: {enabled: true}\n')
    site.branch()
    site.node("rig-1", environment="production", machine=answers.OTHER)
    site.write("rig-1/connection.yaml", "ssh: {host: other-host, port: 23}\n")
    site.write("rig-1/watcher.yaml", 'version: "1.0"\nwatchers: {enabled: false}\n')
    found = "\n".join(lines(site.report()))
    assert "connection.yaml[ssh.port] changed : 22 -> 23" in found
    assert "connection.yaml[ssh.host] changed : None -> None" in found
    assert "state.yaml[metadata.environment] changed : staging -> production" in found
    assert "watcher.yaml[watchers.enabled] changed : True -> False" in found
    assert "system-identity.yaml[identifiers.machine_id] changed" in found
    for format_ in ("text", "json", "markdown", "github", "gitlab"):
        assert "-host" not in site.run(f"--format={format_}").output


def test_a_secret_is_changed_and_not_shown(site: Site) -> None:
    file = {"path": "/etc/wireguard/wg0.key", "content": "one-secret"}
    site.node("rig-1", files=[file])
    site.branch()
    site.node("rig-1", files=[{**file, "content": "two-secret"}])
    [change] = site.report()["changes"]
    assert change["name"] == "/etc/wireguard/wg0.key"
    assert all(field == {"field": field["field"], "secret": True} for field in change["fields"])
    for format_ in ("text", "json", "markdown", "github", "gitlab", "junit"):
        assert "-secret" not in site.run(f"--format={format_}").output


def test_what_makes_a_verdict_milder_is_a_change(site: Site) -> None:
    service = {"name": "ssh", "state": "running", "enabled": True}
    site.node("rig-1", services=[service])
    site.branch()
    site.node("rig-1", services=[{**service, "by_socket": True}])
    assert lines(site.report()) == ["services[ssh] changed by_socket: None -> True on rig-1"]


def test_one_rule_of_a_firewall_is_one_change(site: Site) -> None:
    rules = [{"port": 22, "proto": "tcp", "action": "allow"}]
    site.node("rig-1", firewall={"enabled": True, "rules": rules})
    site.branch()
    rules.append({"port": 80, "proto": "tcp", "action": "allow"})
    site.node("rig-1", firewall={"enabled": True, "rules": rules})
    [change] = site.report()["changes"]
    assert change["name"] == "allow 80/tcp from any to any"
    assert site.judge().risk.level is Level.HIGH


def test_a_comment_and_the_order_are_no_change(site: Site) -> None:
    site.node("rig-1", {"vm.swappiness": "60", "kernel.panic": "10"})
    site.branch()
    site.node("rig-1", {"kernel.panic": "10", "vm.swappiness": "60"})
    site.write("rig-1/state.yaml", (site.root / "rig-1/state.yaml").read_text() + "# a note\n")
    site.commit()
    report = site.report()
    assert (report["changes"], report["nodes"]) == ([], [])
    assert report["files"] == [{"path": "node-configs/rig-1/state.yaml", "kind": "changed"}]
    assert "no node changes (1 file changed)" in site.run().output


def test_a_new_name_of_one_machine_is_a_rename(site: Site) -> None:
    site.node("rig-1", machine=answers.MACHINE)
    site.node("rig-9")
    site.branch()
    (site.root / "rig-1").rename(site.root / "rig-2")
    site.node("rig-2", {"vm.swappiness": "10"})
    report = site.report()
    assert report["nodes_renamed"] == [{"was": "rig-1", "is": "rig-2"}]
    assert (report["nodes_added"], report["nodes_removed"]) == ([], [])
    assert lines(report) == ["sysctl[vm.swappiness] changed value: 60 -> 10 on rig-2"]
    assert "node rig-1 is now called rig-2" in site.run().output


def test_a_new_name_without_an_identity_is_a_node_gone_and_a_new_one(site: Site) -> None:
    site.node("rig-1")
    site.node("rig-9")
    site.branch()
    (site.root / "rig-1").rename(site.root / "rig-2")
    report = site.report()
    assert report["nodes_renamed"] == []
    assert (report["nodes_added"], report["nodes_removed"]) == (["rig-2"], ["rig-1"])
    assert report["risk"] == "high"
    assert "node rig-1 is gone: 1 item" in site.run().output


def test_a_node_that_is_broken_in_the_base_counts_as_new(site: Site) -> None:
    site.node("rig-1")
    site.node("rig-2")
    site.write("rig-1/state.yaml", "sysctl: [\n")
    site.policy(owners=[{"fields": ["sysctl"], "who": ["b"]}])
    site.branch()
    site.node("rig-1")
    report = site.report("--actor=a")
    assert report["nodes_unusable_in_base"] == ["rig-1"]
    assert report["nodes"] == ["rig-1"]
    assert [breach["rule"] for breach in report["breaches"]] == ["owners"]


def test_a_node_that_is_broken_in_the_base_and_gone_is_said(site: Site) -> None:
    site.node("rig-2")
    site.write("rig-1/state.yaml", "sysctl: [\n")
    site.branch()
    (site.root / "rig-1/state.yaml").unlink()
    (site.root / "rig-1").rmdir()
    assert site.report()["nodes_removed"] == ["rig-1"]


def test_a_contradiction_of_the_change_is_no_gate_result(site: Site) -> None:
    site.role("relay", {"sysctl": {"vm.swappiness": "1"}})
    site.node("rig-1")
    site.branch()
    site.node("rig-1", roles=("relay",))
    with pytest.raises(ConfigError, match="must be '1' here, and '60'"):
        site.judge()


def test_code_and_configuration_together_pass_both_gates(site: Site) -> None:
    site.node("rig-1")
    site.branch()
    site.node("rig-1", {"vm.swappiness": "10"})
    (site.path / "program.py").write_text("")
    site.commit()
    report = site.report()
    assert report["elsewhere"] == ["program.py"]
    assert "power-edge version check" in site.run().output


SCHEMA = "$schema: https://json-schema.org/draft/2020-12/schema\nenum: [x, y]\n"
ACCEPTED = """\
accepted:
- {file: a.schema.yaml, pointer: /enum, verdict: MINOR, reason: r, author: a, release: 1.0.0}
"""


def schemas(site: Site, **files: str) -> None:
    (site.path / "schemas").mkdir(exist_ok=True)
    for name, text in files.items():
        suffix = ".schema.yaml" if name == "a" else ".yaml"
        (site.path / "schemas" / f"{name}{suffix}").write_text(text)


def test_the_bump_is_that_of_schemas_and_the_change_cannot_accept_itself(site: Site) -> None:
    site.node("rig-1")
    schemas(site, a=SCHEMA)
    site.branch()
    assert site.report()["bump"] == "none"
    site.node("rig-1", {"vm.swappiness": "10"})
    assert site.report()["bump"] == "PATCH"
    schemas(site, a=SCHEMA.replace(", y", ""), accepted=ACCEPTED)
    site.commit()
    assert site.report()["bump"] == "MAJOR"


def test_the_base_accepts(site: Site) -> None:
    site.node("rig-1")
    schemas(site, a=SCHEMA, accepted=ACCEPTED)
    site.branch()
    schemas(site, a=SCHEMA.replace(", y", ""))
    site.commit()
    assert site.report()["bump"] == "MINOR"


def test_tests_of_a_node_are_other_files(site: Site) -> None:
    site.node("rig-1")
    site.branch()
    site.write("rig-1/test_own.py", "def test_it(): pass\n")
    site.commit()
    assert "node-configs/rig-1/test_own.py added" in site.run().output
    assert site.judge().risk.level is Level.MEDIUM


def test_a_harmless_change_is_a_low_risk(site: Site) -> None:
    for index in range(1, 5):
        site.node(f"rig-{index}")
    site.branch()
    site.node("rig-1", {"vm.swappiness": "10"})
    assert site.judge().risk == (Level.LOW, ())
    assert site.run("--fail-on=low").exit_code == 1
    assert site.run("--fail-on=medium").exit_code == 0


@pytest.mark.parametrize(
    ("change", "level"),
    [
        ({"environment": "production"}, Level.MEDIUM),
        ({"identity": {"access_control": {"ssh": {"port": 23}}}}, Level.HIGH),
        ({"firewall": {"enabled": True}}, Level.HIGH),
        ({"machine": answers.OTHER}, Level.HIGH),
    ],
)
def test_the_risk_is_the_highest_of_all_reasons(
    site: Site, change: dict[str, object], level: Level
) -> None:
    for index in range(1, 5):
        site.node(f"rig-{index}")
    site.branch()
    site.node("rig-1", **change)  # type: ignore[arg-type]
    assert site.judge().risk.level is level


def test_without_node_configs_in_the_base_all_is_new(site: Site) -> None:
    site.git("commit", "-q", "--allow-empty", "-m", "a")
    site.git("checkout", "-q", "-b", "change")
    site.node("rig-1")
    assert site.report()["nodes_added"] == ["rig-1"]


def test_links_of_the_base_are_judged_as_everywhere(site: Site) -> None:
    site.node("rig-1")
    (site.root / "rig-2").mkdir()
    (site.root / "rig-2/state.yaml").symlink_to("../rig-1/state.yaml")
    (site.root / "rig-3").mkdir()
    (site.root / "rig-3/state.yaml").symlink_to("/etc/hostname")
    site.branch()
    (site.root / "rig-3/state.yaml").unlink()
    site.node("rig-3")
    site.node("rig-1", {"vm.swappiness": "10"})
    report = site.report()
    assert report["nodes_unusable_in_base"] == ["rig-3"]
    assert lines(report) == ["sysctl[vm.swappiness] changed value: 60 -> 10 on rig-1,rig-2"]


def test_a_submodule_in_the_base_is_refused(site: Site) -> None:
    site.node("rig-1")
    commit = site.commit()
    site.git("update-index", "--add", "--cacheinfo", f"160000,{commit},node-configs/sub")
    site.git("commit", "-q", "-m", "b")
    with pytest.raises(Unusable, match="submodule"):
        site.judge()


def test_a_source_is_compared_by_its_content(site: Site) -> None:
    site.node("rig-1", files=[{"path": "/etc/motd", "source": "files/motd"}])
    site.write("rig-1/files/motd", "hello\n")
    site.node("rig-2")
    site.branch()
    assert site.report()["nodes"] == []
    site.node("rig-2", {"vm.swappiness": "10"})
    assert site.report()["nodes"] == ["rig-2"]
    site.write("rig-1/files/motd", "")
    assert site.report()["nodes"] == ["rig-1", "rig-2"]


def test_a_source_that_git_does_not_know_is_not_committed(site: Site) -> None:
    site.node("rig-1")
    site.branch()
    site.node("rig-1", files=[{"path": "/etc/motd", "source": "files/a/motd"}])
    site.commit()
    site.write("rig-1/files/a/motd", "hello\n")
    assert not site.judge().difference.is_committed
    site.commit()
    assert site.judge().difference.is_committed


@pytest.mark.parametrize("name", ["conftest.py", "rig-1/test_own.py", "rig-1/notes.txt"])
@pytest.mark.parametrize("is_added", [False, True], ids=["unknown", "added"])
def test_any_file_that_is_not_committed_is_a_part_of_the_change(
    site: Site, name: str, is_added: bool
) -> None:
    """pytest runs some of them, so that a local look must say what the pull request will."""
    site.node("rig-1")
    site.branch()
    site.write(name, "x\n")
    if is_added:
        site.git("add", "-A")
    assert [(each.path, each.is_committed) for each in site.judge().difference.files] == [
        (f"node-configs/{name}", False)
    ]


def test_a_folder_whose_name_is_a_pattern_for_git(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a pattern it would fit no file, and nothing would differ."""
    repository.make(tmp_path / "top", monkeypatch)
    root = tmp_path / "top" / ":(top)a" / "node-configs"
    repository.commit({":(top)a/node-configs/rig-1/notes.txt": "x\n"})
    (root / "conftest.py").touch()
    assert Repository(root).present() == {"rig-1/notes.txt", "conftest.py"}


def test_what_git_ignores_and_what_python_makes_is_no_part_of_the_change(site: Site) -> None:
    site.node("rig-1")
    site.write(".gitignore", "*.swp\n")
    site.branch()
    site.write("rig-1/state.yaml.swp", "x")
    site.write("__pycache__/conftest.cpython-311.pyc", "x")
    assert site.judge().difference.files == []
