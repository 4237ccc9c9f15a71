"""The files probe, run: in the shells that nodes have, as root, as a plain user, with and without sudo."""

import os
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from power_edge import data
from power_edge.judging import judge
from power_edge.model import Item, Observations, Result, Source, Unseen
from power_edge.model.declared.resources.files_schema import File as Declared
from power_edge.resources.files import RESOURCE, ask, parse
from tests.lab.nodes import Node

pytestmark = pytest.mark.lab

BODY = data.text("probes/resources/files.sh")
SHELLS = [["dash"], ["bash"], ["mksh"], ["busybox", "sh"]]
NAMES = ["plain", "a\nb", "back\\slash", "*.conf", 'it\'s "q"', "$(reboot)", "café", "caf\udce9", "a b", "-rf", "final\n", "x:y", "a\rb"]
HELLO = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"


def probe(shell: Sequence[str], items: Sequence[Declared]) -> Observations:
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C"}
    done = subprocess.run(
        [*shell, "-c", BODY, "pe", *ask(items)], check=False, capture_output=True, stdin=subprocess.DEVNULL, env=environment, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return parse(done.stdout)


def judged(item: Declared, seen: Observations | Unseen) -> Result:
    return judge(RESOURCE, Item("node", "files", item.path, RESOURCE.canonical(item.path), item, RESOURCE.asserts(item), Source("f", 1)), seen)


@pytest.fixture(params=SHELLS, ids=lambda shell: shell[0])
def shell(request: pytest.FixtureRequest) -> Any:
    return request.param


def test_any_name(shell: list[str], tmp_path: Path) -> None:
    for name in NAMES:
        (tmp_path / name).write_text(name, errors="surrogateescape")
    items = [Declared(path=f"{tmp_path}/{name}", content=name) for name in NAMES]
    seen = probe(shell, items)
    assert {item.path: judged(item, seen).outcome.value for item in items} == {item.path: "compliant" for item in items}
    others = [Declared(path=item.path, content=f"{str(item.content)[:-1]}~") for item in items]
    seen = probe(shell, others)
    assert {judged(item, seen).outcome.value for item in others} == {"drift"}


def test_what_is_no_regular_file(shell: list[str], tmp_path: Path) -> None:
    (tmp_path / "directory").mkdir()
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "dangling").symlink_to("/nonexistent/x")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").touch()
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(tmp_path / "socket"))
    paths = [f"{tmp_path}/{name}" for name in ("directory", "fifo", "dangling", "loop", "file/x", "missing", "no/such", "socket", "file/")]
    items = [Declared(path=path, content="", sha256=None) for path in [*paths, "/dev/zero"]]
    seen = probe(shell, items)
    assert {item.path: judged(item, seen).outcome.value for item in items} == {item.path: "drift" for item in items}
    for opened_by_nobody in (f"{tmp_path}/fifo", f"{tmp_path}/socket", "/dev/zero"):
        assert (seen[opened_by_nobody].sha256, seen[opened_by_nobody].dark) == (None, None)


def test_one_that_cannot_be_read_does_not_lend_its_place_to_another(shell: list[str], tmp_path: Path) -> None:
    (tmp_path / "one").write_text("hello\n")
    (tmp_path / "unreadable").symlink_to("/proc/self/mem")
    (tmp_path / "two").write_text("")
    items = [Declared(path=f"{tmp_path}/{name}", sha256=HELLO) for name in ("one", "unreadable", "two")]
    seen = probe(shell, items)
    assert [judged(item, seen).outcome.value for item in items] == ["compliant", "unknown", "drift"]


def test_files_of_the_kernel_are_read(shell: list[str]) -> None:
    version = Path("/proc/version").read_text()
    enabled = Path("/sys/kernel/mm/transparent_hugepage/enabled").read_text()
    items = [Declared(path="/proc/version", content=version), Declared(path="/sys/kernel/mm/transparent_hugepage/enabled", content=enabled)]
    seen = probe(shell, items)
    assert [judged(item, seen).outcome.value for item in items] == ["compliant", "compliant"]
    items = [Declared(path=item.path, content="") for item in items]
    seen = probe(shell, items)
    assert [judged(item, seen).outcome.value for item in items] == ["drift", "drift"]


@pytest.mark.parametrize("shell", [["dash"], ["busybox", "sh"]], ids=lambda shell: shell[0])  # their timeouts end with 124 and with 143
def test_what_takes_too_long_does_not_starve_the_rest(shell: list[str], tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).write_text("hello\n")
    with (tmp_path / "sparse").open("wb") as sparse:
        sparse.truncate(64 << 30)
    names = ("one", "sparse", "two")
    items = [*(Declared(path=f"{tmp_path}/{name}", sha256=HELLO, mode="0644") for name in names), Declared(path="/proc/kmsg", content="")]
    for path in tmp_path.iterdir():
        path.chmod(0o644)
    seen = probe(shell, items)
    assert [judged(item, seen).outcome.value for item in items] == ["compliant", "unknown", "compliant", "unknown"]
    sized = Declared(path=f"{tmp_path}/sparse", content="hello\n")
    assert judged(sized, probe(shell, [sized])).outcome.value == "drift"


def test_many_files(shell: list[str], tmp_path: Path) -> None:
    for number in range(150):
        (tmp_path / str(number)).write_text(str(number))
    items = [Declared(path=f"{tmp_path}/{number}", content=str(number), owner="root") for number in range(150)]
    seen = probe(shell, items)
    assert {judged(item, seen).outcome.value for item in items} == {"compliant"}


def on(node: Node, user: str, sudo: str, items: Sequence[Declared]) -> list[dict[str, str]]:
    run = ("runuser", "-u", user, "--", "env", f"PE_SUDO={sudo}", "LC_ALL=C", "sh", "-c", BODY, "pe", *ask(items))
    seen = parse(node.run(*run).stdout.encode(errors="surrogateescape"))
    results = [judged(item, seen) for item in items]
    return [{finding.field: finding.outcome.value for finding in result.findings} or {"all": result.outcome.value} for result in results]


def test_a_plain_user_with_and_without_sudo(node: Node) -> None:
    node.write("/srv/secret", "s3\n", 0o600)
    node.sh("mkdir -p /srv/closed; chmod 700 /srv/closed; echo x >/srv/closed/there")
    items = [
        Declared(path="/srv/secret", content="s3\n", mode="0600", owner="root"),
        Declared(path="/srv/closed/there", content="x\n"),
        Declared(path="/srv/closed/missing"),
    ]
    compliant = {"type": "compliant", "content": "compliant"}
    attributes = {"mode": "compliant", "owner": "compliant"}
    assert on(node, "stella", "sudo -n", items) == [compliant | attributes, compliant, {"type": "drift"}]
    for sudo in ("", "sudo -n"):
        assert on(node, "guest", sudo, items) == [compliant | {"content": "unknown"} | attributes, {"all": "unknown"}, {"all": "unknown"}]


def test_owners_are_compared_by_id(node: Node) -> None:
    node.sh("useradd -o -u 0 -g root toor; touch /srv/toor /srv/nobodys; chown 4711:4712 /srv/nobodys")
    items = [
        Declared(path="/srv/toor", owner="toor", group="root"),
        Declared(path="/srv/toor", owner="0"),
        Declared(path="/srv/toor", owner="stella"),
        Declared(path="/srv/nobodys", owner="4711", group="4712"),
        Declared(path="/srv/nobodys", owner="UNKNOWN"),
    ]
    found = [on(node, "root", "", [item])[0]["owner"] for item in items]
    assert found == ["compliant", "compliant", "drift", "compliant", "drift"]


def test_the_command_to_mend_mends(node: Node) -> None:
    content = "a 'b' \"c\" $HOME `x` \\n 100%s\n\té\x1b!\n-"
    item = Declared(path="/srv/it's here/f", content=content, mode="4750", owner="stella", group="4711")
    for arrange in ("true", 'chmod 600 "$1"; chown 0:0 "$1"', 'echo other >"$1"'):
        node.run("/bin/sh", "-euc", arrange, "arrange", item.path)
        found = judged(item, parse(node.run("sh", "-c", BODY, "pe", *ask([item])).stdout.encode()))
        assert found.outcome.value == "drift"
        node.sh(str(found.mend))
        assert judged(item, parse(node.run("sh", "-c", BODY, "pe", *ask([item])).stdout.encode())).outcome.value == "compliant"
