"""`power-edge install-service`: what is written, what is run, and what is refused."""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from power_edge.cli import install_service, main
from power_edge.probing.process import Ended

STATE = "version: '1.0'\nmetadata: {site: x, environment: development}\n"
CONNECTION = "ssh: {host: rig-7.example, user: stella}\n"
UNIT = "power-edge-watch@rig-1.service"
AUDIT = f"{UNIT}.d/50-power-edge-audit.conf"
SUITES = f"{UNIT}.d/50-power-edge-suites.conf"
LEGACY = f"{UNIT}.d/50-power-edge-iptables-legacy.conf"
DROP_IN = f"{UNIT}.d/50-power-edge-ssh.conf"


class Service:
    """A folder of units, a node-configs/, and what systemctl was called with."""

    def __init__(self, tmp_path: Path) -> None:
        self.units = tmp_path / "units"
        self.configs = tmp_path / "node-configs"
        self.commands: list[list[str]] = []
        self.failing = ""
        self.legacy = tmp_path / "ip6_tables_names"
        self.audit = tmp_path / "loginuid"
        self.booted = tmp_path / "booted"
        self.container = tmp_path / "container"

    def systemctl(self, argv: Sequence[str], stdin: bytes, lifeline: object) -> Ended:
        self.commands.append(list(argv[1:]))
        failed = argv[1] == self.failing
        return Ended(1, b"", b"Job failed.\x1b[2J\n") if failed else Ended(0, b"", b"")

    def files(self) -> list[str]:
        return sorted(str(p.relative_to(self.units)) for p in self.units.rglob("*") if p.is_file())

    def exec_start(self) -> str:
        text = (self.units / UNIT).read_text()
        (line,) = [line for line in text.splitlines() if line.startswith("ExecStart=")]
        return line

    def node(self, name: str = "rig-1", connection: str = "") -> None:
        folder = self.configs / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "state.yaml").write_text(STATE)
        if connection:
            (folder / "connection.yaml").write_text(connection)
        else:
            (folder / "connection.yaml").unlink(missing_ok=True)


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Service:
    made = Service(tmp_path)
    made.units.mkdir()
    made.node()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(install_service, "FOLDER", made.units)
    monkeypatch.setattr(install_service, "run", made.systemctl)
    monkeypatch.setattr(install_service, "_LEGACY", (tmp_path / "missing", made.legacy))
    monkeypatch.setattr(install_service, "_AUDIT", made.audit)
    monkeypatch.setattr(install_service, "_CONTAINER", made.container)
    made.booted.mkdir()
    monkeypatch.setattr(install_service, "_BOOTED", made.booted)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    return made


Run = Callable[..., tuple[object, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: str) -> tuple[object, str, str]:
        monkeypatch.setattr(sys, "argv", ["power-edge", "install-service", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code, *capsys.readouterr()

    return run


def test_the_unit_is_written_with_the_paths_of_this_installation(
    run: Run, service: Service
) -> None:
    assert run("rig-1")[0] == 0
    assert service.files() == [UNIT]
    assert service.exec_start().startswith(f"ExecStart={sys.executable} -P -m pytest ")
    assert f" --node-configs={service.configs} --node=%i --watch " in service.exec_start()
    assert service.commands == [["daemon-reload"], ["enable", UNIT], ["restart", UNIT]]
    assert run("rig-1")[0] == 0  # again, over what is its own


def test_a_node_over_ssh_gets_the_drop_in_and_loses_it_when_it_is_this_machine(
    run: Run, service: Service
) -> None:
    service.node(connection=CONNECTION)
    assert run("rig-1")[0] == 0
    assert service.files() == [UNIT, DROP_IN]
    service.node()
    assert run("rig-1")[0] == 0
    assert service.files() == [UNIT]


def test_a_node_with_rules_of_iptables_legacy_gets_the_drop_in(run: Run, service: Service) -> None:
    service.legacy.write_text("")
    run("rig-1")
    assert service.files() == [UNIT]
    service.legacy.write_text("filter\n")
    run("rig-1")
    assert service.files() == [UNIT, LEGACY]
    assert "CapabilityBoundingSet=CAP_NET_RAW\n" in (service.units / LEGACY).read_text()
    service.node(connection=CONNECTION)
    run("rig-1")
    assert service.files() == [UNIT, DROP_IN]  # the rules of another machine are its own


def test_a_node_with_suites_of_roles_gets_the_drop_in(run: Run, service: Service) -> None:
    identity = service.configs / "rig-1" / "identity.yaml"
    for role, files in [("monitoring-target", [UNIT, SUITES]), ("dev-workstation", [UNIT])]:
        identity.write_text(
            f'version: "1.0"\nnode: {{hostname: r, purpose: p}}\nroles: [{{name: {role}}}]\n'
        )
        run("rig-1")
        assert service.files() == files


def test_remove_undoes_it(run: Run, service: Service) -> None:
    service.node(connection=CONNECTION)
    run("rig-1")
    service.commands.clear()
    assert run("rig-1", "--remove")[0] == 0
    assert service.commands == [
        ["disable", "--now", UNIT],
        ["reset-failed", UNIT],
        ["daemon-reload"],
    ]
    assert list(service.units.iterdir()) == []
    status, _, err = run("rig-1", "--remove")
    assert (status, err) == (4, f"Error: there is no {service.units}/{UNIT}: nothing to remove\n")


def test_a_machine_with_audit_gets_the_drop_in(run: Run, service: Service) -> None:
    service.audit.write_text("4294967295")
    service.legacy.write_text("filter\n")
    run("rig-1")
    assert service.files() == [UNIT, AUDIT, LEGACY]
    added = (service.units / AUDIT).read_text()
    assert "CapabilityBoundingSet=CAP_AUDIT_READ CAP_AUDIT_CONTROL\n" in added
    service.container.write_text("systemd-nspawn\n")
    service.legacy.write_text("")
    run("rig-1")
    assert service.files() == [UNIT]
    service.container.unlink()
    service.node(connection=CONNECTION)
    run("rig-1")
    assert service.files() == [UNIT, DROP_IN]


def test_remove_works_after_the_node_is_gone_and_leaves_the_drop_ins_of_others(
    run: Run, service: Service
) -> None:
    run("rig-1")
    (service.configs / "rig-1" / "state.yaml").unlink()
    other = service.units / f"{UNIT}.d" / "own.conf"
    other.parent.mkdir()
    other.write_text("[Service]\nNice=5\n")
    assert run("rig-1", "--remove")[0] == 0
    assert service.files() == [f"{UNIT}.d/own.conf"]


def test_dry_run_changes_nothing_and_takes_no_root(
    run: Run, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    service.node(connection=CONNECTION)
    status, out, _ = run("rig-1", "--dry-run")
    assert status == 0
    assert f"# would write {service.units}/{UNIT}:\n" in out
    assert f"# would write {service.units}/{DROP_IN}:\n" in out
    assert out.endswith(f"# would run: systemctl restart {UNIT}\n")
    assert (service.files(), service.commands) == ([], [])
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    run("rig-1")
    service.commands.clear()
    before = service.files()
    status, out, _ = run("rig-1", "--remove", "--dry-run")
    assert status == 0
    assert f"# would remove {service.units}/{DROP_IN}\n" in out
    assert (service.files(), service.commands) == (before, [])


def test_without_root_it_says_how(
    run: Run, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("rig-1")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    for words in (["rig-1"], ["rig-1", "--remove"]):
        status, out, err = run(*words)
        assert (status, out) == (4, "")
        assert err.count("\n") == 1
        assert err.rstrip().endswith(
            f": sudo {Path.cwd()}/power-edge install-service {' '.join(words)}"
        )


@pytest.mark.parametrize("make", ["text", "link", "folder", "binary"])
def test_a_unit_that_is_not_ours_stays(run: Run, service: Service, make: str) -> None:
    file = service.units / UNIT
    if make == "text":
        file.write_text("[Service]\nExecStart=/bin/true\n")
    elif make == "link":
        file.symlink_to("/dev/null")
    elif make == "folder":
        file.mkdir()
    else:
        file.write_bytes(b"\xff\xfe")
    for words in (["rig-1"], ["rig-1", "--remove"], ["rig-1", "--dry-run"]):
        status, _, err = run(*words)
        assert status == 4
        assert err.startswith(f"Error: {file} exists and was not written by this command")
    assert service.commands == []
    assert os.path.lexists(file)


@pytest.mark.parametrize(
    "name", ["a b", "a+b", "ä", "*", "../x", "$(id)", "%n", "a\nExecStart=/bin/id", "x" * 250, ""]
)
def test_a_name_that_no_unit_can_have(run: Run, service: Service, name: str) -> None:
    status, _, err = run(name)
    assert status == 4
    assert "cannot be the name of a unit's instance" in err
    assert err.count("\n") == 1
    assert (service.files(), service.commands) == ([], [])


def test_a_node_that_does_not_exist_or_cannot_be_used(run: Run, service: Service) -> None:
    assert run("rig-2")[0] == 4
    (service.configs / "rig-1" / "state.yaml").write_text("version: 7\n")
    assert run("rig-1")[0] == 4
    assert (service.files(), service.commands) == ([], [])


def test_the_unit_runs_the_one_file_if_that_is_what_runs(
    run: Run, service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PEX", "/usr/bin/power-edge")
    assert run("rig-1")[0] == 0
    # The variable of another program's pex.
    assert service.exec_start().startswith(f"ExecStart={sys.executable} -P -m pytest ")
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    (tmp_path / "PEX-INFO").touch()
    assert run("rig-1")[0] == 0
    assert service.exec_start().startswith("ExecStart=/usr/bin/power-edge check -q ")
    assert f" --node-configs={service.configs} --node=%i --watch " in service.exec_start()
    assert "\nCacheDirectory=power-edge\n" in (service.units / UNIT).read_text()


def test_paths_are_data(
    run: Run, service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "a %i $HOME \"b\" 'c' \\d ; e"
    service.configs.rename(folder)
    monkeypatch.setattr(sys, "executable", "/opt/a $b%i/python")
    assert run("--node-configs", str(folder), "rig-1")[0] == 0
    assert service.exec_start().startswith(r"ExecStart=/opt/a\x20$b%%i/python -P ")
    assert (
        r"/a\x20%%i\x20$$HOME\x20\"b\"\x20\'c\'\x20\\d\x20\x3b\x20e --node=%i "
        in service.exec_start()
    )
    broken = tmp_path / "two\nlines"
    folder.rename(broken)
    status, _, err = run("--node-configs", str(broken), "rig-1")
    assert (status, err.count("\n")) == (4, 1)
    assert "a unit cannot hold the path" in err


def test_a_failure_of_systemctl_is_shown(run: Run, service: Service) -> None:
    service.failing = "restart"
    status, _, err = run("rig-1")
    assert status == 3
    assert err == f"Job failed.\\x1b[2J\nError: systemctl restart {UNIT} failed with 1\n"
    service.failing = "disable"
    assert run("rig-1", "--remove")[0] == 3
    assert service.files() == [UNIT]


def test_a_machine_that_systemd_does_not_run(run: Run, service: Service) -> None:
    """Nothing is left there, and what was left is removed."""
    service.booted.rmdir()
    status, _, err = run("rig-1")
    assert (status, err) == (
        4,
        f"Error: systemd does not run this machine (there is no {service.booted}): let another"
        " service manager run `pytest --node=rig-1 --watch`\n",
    )
    assert (service.files(), service.commands) == ([], [])
    service.booted.mkdir()
    run("rig-1")
    service.booted.rmdir()
    service.commands.clear()
    assert run("rig-1", "--remove")[0] == 0
    assert (service.files(), service.commands) == ([], [])
