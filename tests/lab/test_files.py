"""The files probe, run: in the shells that nodes have, as root, as a plain user, with and without
sudo.
"""

import hashlib
import os
import socket
import stat
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from power_edge.checking.evaluate import judge
from power_edge.model import NotObserved, Observations, Result
from power_edge.model.generated.resources.files_schema import File as Declared
from power_edge.report.shell_line import shell_line
from power_edge.resources.files import RESOURCE, File, ask, parse
from tests.support.items import item_of
from tests.support.lab.nodes import Node, as_user
from tests.support.scripts import body

pytestmark = pytest.mark.lab

BODY = body("files", "resources")
SHELLS = [["dash"], ["bash"], ["mksh"], ["busybox", "sh"]]
NAMES = [
    "plain",
    "a\nb",
    "back\\slash",
    "*.conf",
    'it\'s "q"',
    "$(reboot)",
    "café",
    "caf\udce9",
    "a b",
    "-rf",
    "final\n",
    "x:y",
    "a\rb",
]
HELLO = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"


def probe(shell: Sequence[str], items: Sequence[Declared]) -> Mapping[str, Any]:
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C"}
    done = subprocess.run(
        [*shell, "-c", BODY, "pe", *ask(items)],
        check=False,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        env=environment,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return parse(done.stdout)


def judged(item: Declared, observed: Observations | NotObserved) -> Result:
    return judge(
        RESOURCE,
        item_of(RESOURCE, item.path, item),
        observed,
    )


@pytest.fixture(params=SHELLS, ids=lambda shell: shell[0])
def shell(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody may look into; pytest's own are for its user alone."""
    with TemporaryDirectory(prefix="power-edge-test-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


def test_any_name(shell: list[str], tmp_path: Path) -> None:
    for name in NAMES:
        (tmp_path / name).write_text(name, errors="surrogateescape")
    items = [Declared(path=f"{tmp_path}/{name}", content=name) for name in NAMES]
    observed = probe(shell, items)
    assert {item.path: judged(item, observed).outcome.value for item in items} == {
        item.path: "compliant" for item in items
    }
    others = [Declared(path=item.path, content=f"{str(item.content)[:-1]}~") for item in items]
    observed = probe(shell, others)
    assert {judged(item, observed).outcome.value for item in others} == {"drift"}
    # busybox's ls shows no letter beyond ASCII: then a person looks.
    pasteable = {
        item.path: item.path.isprintable() and (shell[0] != "busybox" or item.path.isascii())
        for item in others
    }
    assert {
        item.path: bool(shell_line(judged(item, observed).remedy)) for item in others
    } == pasteable


def test_what_is_no_regular_file(shell: list[str], tmp_path: Path) -> None:
    (tmp_path / "directory").mkdir()
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "dangling").symlink_to("/nonexistent/x")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").touch()
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(tmp_path / "socket"))
    paths = [
        f"{tmp_path}/{name}"
        for name in (
            "directory",
            "fifo",
            "dangling",
            "loop",
            "file/x",
            "missing",
            "no/such",
            "socket",
            "file/",
        )
    ]
    items = [Declared(path=path, content="", sha256=None) for path in [*paths, "/dev/zero"]]
    observed = probe(shell, items)
    assert {item.path: judged(item, observed).outcome.value for item in items} == {
        item.path: "drift" for item in items
    }
    for opened_by_nobody in (f"{tmp_path}/fifo", f"{tmp_path}/socket", "/dev/zero"):
        assert (observed[opened_by_nobody].sha256, observed[opened_by_nobody].no_hash) == (
            None,
            None,
        )


def test_one_that_cannot_be_read_does_not_lend_its_place_to_another(
    shell: list[str], tmp_path: Path
) -> None:
    (tmp_path / "one").write_text("hello\n")
    (tmp_path / "unreadable").symlink_to("/proc/self/mem")
    (tmp_path / "two").write_text("")
    items = [
        Declared(path=f"{tmp_path}/{name}", sha256=HELLO) for name in ("one", "unreadable", "two")
    ]
    observed = probe(shell, items)
    assert [judged(item, observed).outcome.value for item in items] == [
        "compliant",
        "unknown",
        "drift",
    ]


def test_files_of_the_kernel_are_read(shell: list[str]) -> None:
    version = Path("/proc/version").read_text()
    enabled = Path("/sys/kernel/mm/transparent_hugepage/enabled").read_text()
    items = [
        Declared(path="/proc/version", content=version),
        Declared(path="/sys/kernel/mm/transparent_hugepage/enabled", content=enabled),
    ]
    observed = probe(shell, items)
    assert [judged(item, observed).outcome.value for item in items] == ["compliant", "compliant"]
    items = [Declared(path=item.path, content="") for item in items]
    observed = probe(shell, items)
    assert [judged(item, observed).outcome.value for item in items] == ["drift", "drift"]


@pytest.mark.parametrize(
    "shell", [["dash"], ["busybox", "sh"]], ids=lambda shell: shell[0]
)  # their timeouts end with 124 and with 143
def test_what_takes_too_long_does_not_starve_the_rest(shell: list[str], tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).write_text("hello\n")
    with (tmp_path / "sparse").open("wb") as sparse:
        sparse.truncate(64 << 30)
    names = ("one", "sparse", "two")
    items = [
        *(Declared(path=f"{tmp_path}/{name}", sha256=HELLO, mode="0644") for name in names),
        Declared(path="/proc/kmsg", content=""),
    ]
    for path in tmp_path.iterdir():
        path.chmod(0o644)
    observed = probe(shell, items)
    assert [judged(item, observed).outcome.value for item in items] == [
        "compliant",
        "unknown",
        "compliant",
        "unknown",
    ]
    sized = Declared(path=f"{tmp_path}/sparse", content="hello\n")
    assert judged(sized, probe(shell, [sized])).outcome.value == "drift"


def test_many_files(shell: list[str], tmp_path: Path) -> None:
    for number in range(150):
        (tmp_path / str(number)).write_text(str(number))
    items = [
        Declared(path=f"{tmp_path}/{number}", content=str(number), owner="root")
        for number in range(150)
    ]
    observed = probe(shell, items)
    assert {judged(item, observed).outcome.value for item in items} == {"compliant"}


def test_which_hashes_are_salted(shell: list[str], tmp_path: Path) -> None:
    # (No part of a path may make it a secret here: the folder is named after the test.)
    texts = {
        "password": "1\n",
        "a.conf": "x\npassword = 2\n",
        "b\\.conf": "token: 3\n",
        "linked": "4\n",
        "plain": "5\n",
        "nsswitch.conf": "passwd: 6\n",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "private").mkdir()
    (tmp_path / "private/x").write_text("4\n")
    (tmp_path / "folder").symlink_to("private")
    (tmp_path / "link").symlink_to(f"{tmp_path}/private/x")
    hidden = {
        "password": "1\n",
        "a.conf": texts["a.conf"],
        "b\\.conf": "token: 3\n",
        "folder/x": "4\n",
        "link": "4\n",
        "private/../private/x": "4\n",
    }
    contents = {"linked": "4\n", "plain": "5\n", "nsswitch.conf": "passwd: 6\n"}
    observed = probe(
        shell,
        [Declared(path=f"{tmp_path}/{name}", sha256="0" * 64) for name in [*hidden, *contents]],
    )
    for name, text in hidden.items():
        file = observed[f"{tmp_path}/{name}"]
        assert (name, file.sha256, file.salted.fits(hashlib.sha256(text.encode()).hexdigest())) == (
            name,
            None,
            True,
        )
        assert not file.salted.fits("0" * 64)
    for name, text in contents.items():
        assert observed[f"{tmp_path}/{name}"].sha256 == hashlib.sha256(text.encode()).hexdigest()


def test_what_cannot_be_searched_is_salted(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("hello\n")
    (tmp_path / "grep").write_text("#!/bin/sh\nexit 2\n")
    (tmp_path / "grep").chmod(0o755)
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "LC_ALL": "C"}
    done = subprocess.run(
        ["sh", "-c", BODY, "pe", f"*:::{tmp_path}/plain"],
        check=True,
        capture_output=True,
        env=environment,
    )
    assert HELLO.encode() not in done.stdout
    file = parse(done.stdout)[f"{tmp_path}/plain"]
    assert isinstance(file, File)
    assert file.salted is not None
    assert file.salted.fits(HELLO)


def on(node: Node, user: str, sudo: str, items: Sequence[Declared]) -> list[dict[str, str]]:
    run = node.run(*as_user(user, sudo), "sh", "-c", BODY, "pe", *ask(items))
    observed = parse(run.stdout.encode(errors="surrogateescape"))
    results = [judged(item, observed) for item in items]
    return [
        {finding.field: finding.outcome.value for finding in result.findings}
        or {"all": result.outcome.value}
        for result in results
    ]


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
    assert on(node, "stella", "sudo -n", items) == [
        compliant | attributes,
        compliant,
        {"type": "drift"},
    ]
    for sudo in ("", "sudo -n"):
        assert on(node, "guest", sudo, items) == [
            compliant | {"content": "unknown"} | attributes,
            {"all": "unknown"},
            {"all": "unknown"},
        ]


SESSIONS = {
    "of-process-1": ("true", "ddccc"),
    "read-only": (
        "mount --bind /usr /usr; mount -o remount,bind,ro /usr; mount --bind /srv /srv",
        "ddccc",
    ),
    "private": ("mount -t tmpfs pe /var/tmp", "uuccc"),
    "another-file": ("mount --bind /etc/hostname /etc/debian_version", "ddccu"),
}
"""What is mounted for a session alone, and the verdicts by their first letters."""


@pytest.mark.parametrize("session", SESSIONS)
def test_what_a_session_sees_alone_is_not_the_nodes(node: Node, session: str) -> None:
    """As with PrivateTmp= or BindPaths= of its sshd. A sandbox that sees the same is none."""
    mounts, expected = SESSIONS[session]
    node.sh("touch /var/tmp/there; ln -sfn /var/tmp /srv/way")
    items = [
        *(
            Declared(path=path, state="absent")
            for path in ("/var/tmp/there", "/srv/way/there", "/var/none", "/srv/none")
        ),
        Declared(path="/etc/debian_version", mode="0644"),
    ]
    for user, sudo in (("root", ""), ("stella", "sudo -n"), ("guest", "")):
        ran = node.run(
            *("unshare", "-m", "sh", "-c", f'{mounts}; exec "$@"', "sh"),
            *as_user(user, sudo),
            *("sh", "-c", BODY, "pe", *ask(items)),
        )
        observed = parse(ran.stdout.encode())
        found = "".join(judged(item, observed).outcome.value[0] for item in items)
        assert found == expected, user


def test_owners_are_compared_by_id(node: Node) -> None:
    node.sh(
        "useradd -o -u 0 -g root toor; touch /srv/toor /srv/nobodys; chown 4711:4712 /srv/nobodys"
    )
    items = [
        Declared(path="/srv/toor", owner="toor", group="root"),
        Declared(path="/srv/toor", owner="0"),
        Declared(path="/srv/toor", owner="stella"),
        Declared(path="/srv/nobodys", owner="4711", group="4712"),
        Declared(path="/srv/nobodys", owner="UNKNOWN"),
    ]
    found = [on(node, "root", "", [item])[0]["owner"] for item in items]
    assert found == ["compliant", "compliant", "drift", "compliant", "drift"]


def looked_at(node: Node, item: Declared) -> Result:
    return judged(item, parse(node.run("sh", "-c", BODY, "pe", *ask([item])).stdout.encode()))


def mended(node: Node, result: Result) -> None:
    """Run the printed commands, by a shell that knows $'...' where they hold it: see
    power_edge.checking.evaluate.quoted.
    """
    command = str(shell_line(result.remedy))
    node.run("bash" if "$'" in command else "sh", "-c", command)


def test_the_command_to_mend_mends(node: Node) -> None:
    content = "a 'b' \"c\" $HOME `x` \\n 100%s\n\té\x1b!\n-"
    item = Declared(
        path="/srv/it's here/f", content=content, mode="4750", owner="stella", group="4711"
    )
    for arrange in ("true", 'chmod 600 "$1"; chown 0:0 "$1"', 'echo other >"$1"'):
        node.run("/bin/sh", "-euc", arrange, "arrange", item.path)
        found = looked_at(node, item)
        assert found.outcome.value == "drift"
        mended(node, found)
        assert looked_at(node, item).outcome.value == "compliant"


AttributesByPath = dict[str, tuple[object, ...]]


def below(node: Node, folder: str) -> AttributesByPath:
    """Everything below a folder of a node: type and mode, owner, group, names, and content or
    target, ACLs and other attributes.
    """
    root = Path(f"/proc/{node.leader}/root")
    observed: AttributesByPath = {}
    for place in sorted((root / folder.lstrip("/")).rglob("*")):
        about = place.lstat()
        content = (
            str(place.readlink())
            if place.is_symlink()
            else place.read_bytes()
            if stat.S_ISREG(about.st_mode)
            else None
        )
        more = {
            name: os.getxattr(place, name, follow_symlinks=False)
            for name in os.listxattr(place, follow_symlinks=False)
        }
        observed[f"/{place.relative_to(root)}"] = (
            oct(about.st_mode),
            about.st_uid,
            about.st_gid,
            about.st_nlink,
            content,
            tuple(more.items()),
        )
    return observed


OTHER = "echo other >f"
MENDED: dict[str, tuple[str, dict[str, Any], str | None]] = {
    "content": (OTHER, {"content": "right\n"}, None),
    "content, of a setuid file": (
        f"{OTHER}; chown stella:adm f; chmod 6751 f",
        {"content": "right\n"},
        None,
    ),
    "content, of a file with an ACL and attributes": (
        f"{OTHER}; setfacl -m u:nobody:r f",
        {"content": "right\n"},
        None,
    ),
    "content, owner and mode": (
        f"{OTHER}; chmod 777 f",
        {"content": "right\n", "owner": "stella", "mode": "0600"},
        None,
    ),
    "content, to be empty": (OTHER, {"content": ""}, None),
    "owner of a setuid file": (f"{OTHER}; chmod 4755 f", {"owner": "stella"}, None),
    "group of a setgid file": (f"{OTHER}; chmod 2755 f", {"group": "adm"}, None),
    "group of a setuid and sticky file": (f"{OTHER}; chmod 5711 f", {"group": "4711"}, None),
    "owner, and setuid that is declared": (OTHER, {"owner": "stella", "mode": "4711"}, None),
    "mode": (f"{OTHER}; chown stella:adm f", {"mode": "0640"}, None),
    "missing": ("true", {"content": "right\n", "mode": "0600", "owner": "stella"}, None),
    "missing and empty": ("true", {"content": ""}, None),
    "missing with its folders": (
        "cd ..; rmdir here",
        {"content": "right\n"},
        "missing directories below /srv/mend are created as well",
    ),
    "below a linked folder": (
        "cd ..; rmdir here; mkdir real; ln -s real here; echo other >here/f",
        {"content": "right\n"},
        "its folder is /srv/mend/real",
    ),
    "missing below a linked folder": (
        "cd ..; rmdir here; mkdir real; ln -s real here",
        {"content": "right\n"},
        "its folder is /srv/mend/real",
    ),
    "of a tmpfs": (
        f"mount -t tmpfs none .; cd .; cd /srv/mend/here; {OTHER}",
        {"content": "right\n"},
        "a tmpfs, so the next boot removes it",
    ),
    "missing on a tmpfs": (
        "mount -t tmpfs none .",
        {"content": "right\n"},
        "a tmpfs, so the next boot removes it",
    ),
}


@pytest.fixture
def place(node: Node) -> Iterator[str]:
    """A folder of a node, with another file beside the one that is to be."""
    node.sh("mkdir -p /srv/mend/here; echo beside >/srv/mend/beside")
    yield "/srv/mend"
    node.run(
        "sh",
        "-c",
        "chattr -R -ia /srv/mend; while umount -l /srv/mend/here /srv/mend/here/f; do :; done; rm -rf /srv/mend",
        check=False,
    )


@pytest.mark.parametrize("case", MENDED)
def test_a_command_changes_what_is_declared_and_nothing_else(
    node: Node, place: str, case: str
) -> None:
    arrange, declared, remark = MENDED[case]
    node.sh(f"cd {place}/here; {arrange}")
    item = Declared(path=f"{place}/here/f", **declared)
    found = looked_at(node, item)
    assert found.outcome.value == "drift", found
    assert shell_line(found.remedy), found
    assert (found.advice is None) if remark is None else (remark in str(found.advice)), found.advice
    before = below(node, place)
    mended(node, found)
    assert looked_at(node, item).outcome.value == "compliant"
    after = below(node, place)
    real = next(path for path in after if path.endswith("/f"))
    created = {path for path in after.keys() - before.keys() if not path.endswith("/f")}
    assert created == ({f"{place}/here"} if "folders" in case else set())
    assert before.keys() <= after.keys()
    assert {path for path in before if path != real and before[path] != after[path]} == set()
    if real in before:
        fixed = {"mode": 0, "owner": 1, "group": 2, "content": 4}
        open_to_change = {fixed[field] for field in declared}
        assert [
            index
            for index, (old, new) in enumerate(zip(before[real], after[real], strict=True))
            if old != new and index not in open_to_change
        ] == []


LEFT: dict[str, tuple[str, dict[str, Any], str]] = {
    "an owner that nobody is": (OTHER, {"owner": "nobody-knows"}, "knows no user nobody-knows"),
    "missing, an owner that nobody is": (
        "true",
        {"content": "x", "owner": "nobody-knows"},
        "knows no user nobody-knows",
    ),
    "a link": ("echo other >g; ln -s g f", {"content": "right\n"}, "would change /srv/mend/here/g"),
    "a link, of its mode": (
        "echo other >g; ln -s g f",
        {"mode": "0600"},
        "would change /srv/mend/here/g",
    ),
    "a link to nothing": ("ln -s g f", {"content": "right\n"}, "symbolic link to g"),
    "a link to itself": ("ln -s f f", {"content": "right\n"}, "symbolic link to f"),
    "a link to a folder": ("ln -s . f", {"content": "right\n"}, "a directory is in the way"),
    "a folder": ("mkdir f", {"content": "right\n"}, "a directory is in the way"),
    "a fifo": ("mkfifo f", {"mode": "0600"}, "a fifo is in the way"),
    "a device": ("mknod f c 1 3", {"content": ""}, "a character device is in the way"),
    "a file for a folder": (
        "cd ..; rmdir here; echo x >here",
        {"content": "right\n"},
        "/srv/mend/here is not a directory",
    ),
    "a link to nothing for a folder": (
        "cd ..; rmdir here; ln -s nowhere here",
        {"content": "right\n"},
        "/srv/mend/here is not a directory",
    ),
    "immutable": (
        f"mount -t tmpfs none .; cd /srv/mend/here; {OTHER}; chattr +i f",
        {"mode": "0600"},
        "immutable: chattr -i /srv/mend/here/f",
    ),
    "append-only": (
        f"mount -t tmpfs none .; cd /srv/mend/here; {OTHER}; chattr +a f",
        {"content": "x"},
        "append-only: chattr -a /srv/mend/here/f",
    ),
    "an immutable folder": (
        f"mount -t tmpfs none .; cd /srv/mend/here; {OTHER}; chattr +i .",
        {"content": "x"},
        "its folder is immutable",
    ),
    "missing from an immutable folder": (
        "mount -t tmpfs none .; chattr +i /srv/mend/here",
        {"content": "x"},
        "its folder is immutable",
    ),
    "several names": (f"{OTHER}; ln f g", {"content": "x"}, "the file has 2 names"),
    "several names, of its mode": (f"{OTHER}; ln f g", {"mode": "0600"}, "the file has 2 names"),
    "an ACL": (f"{OTHER}; setfacl -m u:nobody:rw f", {"mode": "0600"}, "it has an ACL"),
    "capabilities": (
        "cp /bin/true f; setcap cap_net_raw+ep f",
        {"owner": "stella"},
        "it has capabilities",
    ),
    "a read-only file system": (
        f"mount -t tmpfs none .; cd /srv/mend/here; {OTHER}; mount -o remount,ro .",
        {"content": "x"},
        "is mounted read-only",
    ),
    "a read-only bind mount": (
        "mount --bind . .; mount -o remount,bind,ro /srv/mend/here",
        {"content": "x"},
        "is mounted read-only",
    ),
    "a mount point itself": (
        f"{OTHER}; touch g; mount --bind g f",
        {"content": "x"},
        "a mount point itself",
    ),
}


@pytest.mark.parametrize("case", LEFT)
def test_where_a_command_would_fail_or_take_something_along_a_sentence_says_so(
    node: Node, place: str, case: str
) -> None:
    arrange, declared, advice = LEFT[case]
    node.sh(f"cd {place}/here; {arrange}")
    found = looked_at(node, Declared(path=f"{place}/here/f", **declared))
    assert found.outcome.value == "drift", found
    assert (shell_line(found.remedy), advice in str(found.advice)) == (None, True), found


def test_a_kernel_s_file_is_no_file_to_write(node: Node) -> None:
    found = looked_at(node, Declared(path="/proc/sys/net/ipv4/ip_forward", content="1\n"))
    assert (shell_line(found.remedy), found.advice) == (
        None,
        "it is a kernel parameter: declare it under sysctl",
    )


def test_the_text_of_what_differs_is_sent(shell: list[str], open_folder: Path) -> None:
    declared = "one\ntwo\n"
    texts = {
        "same size": "one\ntoo\n",
        "another size": "one\ntwo\nthree\n",
        "empty": "",
        "no end": "one\ntwo",
        "back\\slash\nand more": "back\\slash\n",
        "dash": "-n x\n",
        "longest": f"{'x' * 63}\n" * 4096,
        "café": "é\n",
    }
    for name, text in texts.items():
        (open_folder / name).write_text(text)
    observed = probe(
        shell, [Declared(path=f"{open_folder}/{name}", content=declared) for name in texts]
    )
    assert {name: observed[f"{open_folder}/{name}"].text for name in texts} == texts


def test_what_is_never_sent(shell: list[str], open_folder: Path) -> None:
    contents: dict[str, bytes] = {
        "equal": b"one\n",
        "too long": b"x" * (256 * 1024 + 1),
        "binary": b"\x7fELF\0\0",
        "no text": b"\xff\xfe\n",
        "line": b"port = 1\npassword = hunter2\n",
        "key": b"-----BEGIN OPENSSH PRIVATE KEY-----\n",
        "id_rsa": b"anything\n",
        "by hash": b"x\n",
        "nothing declared": b"x\n",
        "declared is secret": b"no words\n",
        "of its group": b"two\n",
        "of its group, same size": b"two\n",
    }
    for name, content in contents.items():
        (open_folder / name).write_bytes(content)
    for name in ("of its group", "of its group, same size"):
        (open_folder / name).chmod(0o640)
    (open_folder / "leads").symlink_to("id_rsa")
    os.mkfifo(open_folder / "fifo")
    declared: dict[str, dict[str, Any]] = {
        "by hash": {"sha256": HELLO},
        "nothing declared": {"mode": "0600"},
        "declared is secret": {"content": "password = x\n"},
    }
    items = [
        Declared(path=f"{open_folder}/{name}", **declared.get(name, {"content": "one\n"}))
        for name in (*contents, "leads", "fifo")
    ]
    observed = probe(shell, items)
    assert {path: file.text for path, file in observed.items()} == dict.fromkeys(observed)
    assert len(observed) == len(items)


def test_all_that_is_sent_together_is_bounded(shell: list[str], open_folder: Path) -> None:
    """A section that is too long would make all of its items unknown."""
    for number in range(9):
        (open_folder / str(number)).write_text(f"{'x' * 63}\n" * 3900)
    observed = probe(
        shell, [Declared(path=f"{open_folder}/{number}", content="y") for number in range(9)]
    )
    sent = [file for file in observed.values() if file.text is not None]
    assert len(sent) == 6
    assert all(
        judged(Declared(path=path, content="y"), observed).findings[1].outcome == "drift"
        for path in observed
    )


def test_a_text_in_a_closed_folder_is_not_sent(shell: list[str], open_folder: Path) -> None:
    """Its own mode lets everybody read it, and a folder above it lets nobody come there."""
    closed, below = open_folder / "closed", open_folder / "closed" / "open"
    below.mkdir(parents=True)
    files = [open_folder / "a", closed / "a", below / "a", open_folder / "leads"]
    for file in files[:3]:
        file.write_text("two\n")
    files[3].symlink_to("closed/a")
    closed.chmod(0o750)
    observed = probe(shell, [Declared(path=str(file), content="one\n") for file in files])
    assert [observed[str(file)].text for file in files] == ["two\n", None, None, None]


def test_a_name_that_leads_elsewhere_allows_no_secret(shell: list[str], open_folder: Path) -> None:
    """Lines of nsswitch.conf look like secrets and are none; those of what it leads to may be."""
    (open_folder / "app").write_text("password = hunter2\n")
    path = open_folder / "nsswitch.conf"
    path.symlink_to("app")
    observed = probe(shell, [Declared(path=str(path), content="x\n")])
    assert observed[str(path)].text is None
