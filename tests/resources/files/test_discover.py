"""Files under /etc: which are a person's, which of them may be hashed, and what is declared of
them.
"""

import os
import re
from collections.abc import Mapping
from hashlib import md5
from pathlib import Path

import msgspec
import pytest

from power_edge.checking.evaluate import judge
from power_edge.model import Outcome
from power_edge.model.generated.resources.files_schema import File as Declared
from power_edge.resources.files import RESOURCE, Broken, File, Missing, ask, parse
from power_edge.resources.files.discover import DISCOVERY
from tests.support.items import item_of
from tests.support.scripts import HOSTILE, body
from tests.support.trees import apk, dpkg, lines, run, tool, write

pytestmark = pytest.mark.shell

HASHED, UNHASHED = "+*:::", "+-:::"
CONFFILES = {
    "/etc/app/app.conf": "a=1\n",
    "/etc/app/same.conf": "b=1\n",
    "/etc/app/gone.conf": "c\n",
    "/etc/app/linked.conf": "d\n",
}
PACKAGED = {
    "/usr/share/app/template": "template\n",
    "/usr/share/doc/app/example": "example\n",
    "/usr/lib/systemd/system/app.service": "[Service]\n",
}
FILES = {
    "/etc/app/app.conf": "a=2\n",
    "/etc/app/same.conf": "b=1\n",
    "/etc/app/dropped": "x\n",
    "/etc/app/fresh": "x\n",
    "/etc/app/list": "its own\n",
    "/etc/app/mine.conf": "mine\n",
    "/etc/app/a blank": "1\n",
    "/etc/app/empty": "",
    "/etc/app/comments": "# nothing\n\n   ; at all\n",
    "/etc/app/ucf.conf": "set up\n",
    "/etc/app/ucf-changed.conf": "changed\n",
    "/etc/template": "template\n",
    "/etc/example": "example\n",
    "/etc/copy-of-a-conffile": "b=1\n",
    "/etc/systemd/system/app.service": "[Service]\n",
    "/etc/app/closed/inside": "1\n",
    "/etc/app/password.conf": "user = a\npassword = b\n",
    "/etc/app/address.conf": "see https://me:pass@example.org/\n",
    "/etc/app/both.pem": "-----BEGIN CERTIFICATE-----\n-----BEGIN RSA PRIVATE KEY-----\n",
    "/etc/app/cert.pem": "-----BEGIN CERTIFICATE-----\n",
    "/etc/app/said.conf": "PasswordAuthentication no\n# password = b\n",
    "/etc/app/server.key": "k\n",
    "/etc/nsswitch.conf": "passwd: files\n",
    "/etc/hostname": "here\n",
    "/etc/shadow": "root:*:\n",
}
OF_THESE = {
    "+*:::/etc/app/app.conf": "changed since app installed it",
    "-/etc/app/gone.conf": "app installed it, and it was removed",
    "-/etc/app/linked.conf": "not a regular file, as app installed it",
    "+*:::/etc/app/ucf-changed.conf": "changed since its package installed it",
    "+*:::/etc/app/mine.conf": "belongs to no package",
    "+*:::/etc/app/a\\0040blank": "belongs to no package",
    "+*:::/etc/app/empty": "belongs to no package",
    "+*:::/etc/app/cert.pem": "belongs to no package",
    "+*:::/etc/app/said.conf": "belongs to no package",
    "+*:::/etc/nsswitch.conf": "belongs to no package",
    "+*:::/etc/example": "belongs to no package",
    "+*:::/etc/systemd/system/app.service": "belongs to no package",
    "+-:::/etc/app/closed/inside": "belongs to no package; not everybody may read it, so no hash",
    "+-:::/etc/app/sudo": "belongs to no package; not everybody may read it, so no hash",
    "+-:::/etc/app/password.conf": "belongs to no package; it may hold a secret, so no hash",
    "+-:::/etc/app/address.conf": "belongs to no package; it may hold a secret, so no hash",
    "+-:::/etc/app/both.pem": "belongs to no package; it may hold a secret, so no hash",
    "-/etc/app/server.key": "a key",
}


def used(tree: Path) -> Path:
    """A machine that somebody has worked on."""
    dpkg(tree, CONFFILES, ["/etc/app/list"], PACKAGED)
    write(tree, FILES)
    ucf = {"/etc/app/ucf.conf": "set up\n", "/etc/app/ucf-changed.conf": "set up\n"}
    write(
        tree,
        {
            "var/lib/ucf/hashfile": "".join(
                f"{md5(content.encode()).hexdigest()}  {path}\n" for path, content in ucf.items()
            )
        },
    )
    write(tree, {"etc/app/sudo": "ALL\n"})
    (tree / "etc/app/sudo").chmod(0o440)
    (tree / "etc/app/closed").chmod(0o700)
    (tree / "etc/app/linked.conf").symlink_to("app.conf")
    return tree


def test_a_machine_that_somebody_has_worked_on(tmp_path: Path) -> None:
    assert lines(run("files", used(tmp_path))) == OF_THESE


def test_the_inventory_holds_all_but_secrets_and_what_changes(tmp_path: Path) -> None:
    found = lines(run("files", used(tmp_path), "all"))
    assert found["+*:::/etc/app/same.conf"] == "installed by app"
    assert found["+*:::/etc/app/list"] == "installed by a package"
    assert found["+*:::/etc/app/app.conf"] == "changed since app installed it"
    assert found["-/etc/app/server.key"] == "a key"
    paths = {DISCOVERY.name(what[1:]) for what in found if what.startswith("+")}
    assert paths == {*FILES, "/etc/app/sudo"} - {"/etc/shadow", "/etc/app/server.key"}


NEVER = [
    "/etc/shadow-",
    "/etc/machine-id",
    "/etc/ssh/ssh_host_rsa_key",
    "/etc/ssh/ssh_host_rsa_key.pub",
    "/etc/resolv.conf",
    "/etc/ld.so.cache",
    "/etc/adjtime",
    "/etc/cups/ppd/p.ppd",
    "/etc/letsencrypt/live/a/cert.pem",
    "/etc/letsencrypt/renewal/a.conf",
    "/etc/kubernetes/admin.conf",
    "/etc/kubernetes/pki/ca.crt",
    "/etc/rancher/k3s/k3s.yaml",
    "/etc/docker/key.json",
    "/etc/openvpn/easy-rsa/pki/index.txt",
    "/etc/openvpn/server/ipp.txt",
    "/etc/openvpn/status.log",
    "/etc/.git/config",
    "/etc/lvm/backup/vg",
    "/etc/app.conf~",
    "/etc/app.conf.dpkg-old",
    "/etc/app.conf.rpmnew",
    "/etc/selinux/targeted/policy/policy.33",
]
KEYS = [
    "/etc/openvpn/ta.key",
    "/etc/app/store.p12",
    "/etc/app/app.jks",
    "/etc/krb5.keytab",
    "/etc/app/id_ed25519",
    "/etc/ssl/private/a.pem",
]
UNHASHED_WHEREVER = [
    "/etc/NetworkManager/system-connections/home.nmconnection",
    "/etc/netplan/50-cloud-init.yaml",
    "/etc/wpa_supplicant/wpa_supplicant.conf",
    "/etc/wireguard/wg0.conf",
    "/etc/ppp/peers/isp",
    "/etc/ipsec.secrets",
    "/etc/snmp/snmpd.conf",
    "/etc/mysql/debian.cnf",
    "/etc/nginx/.htpasswd",
    "/etc/app/api-token",
    "/etc/openvpn/client.ovpn",
    "/etc/chrony/chrony.keys",
    "/etc/app/credentials.json",
]


@pytest.mark.parametrize("mode", ["changed", "all"])
def test_secrets_are_not_hashed_whoever_may_read_them(tmp_path: Path, mode: str) -> None:
    dpkg(tmp_path, {"/etc/app/app.conf": ""})
    write(tmp_path, dict.fromkeys([*NEVER, *KEYS, *UNHASHED_WHEREVER, "/etc/app/app.conf"], ""))
    found = set(lines(run("files", tmp_path, mode)))
    assert found - {"+*:::/etc/app/app.conf"} == {
        f"{UNHASHED}{path}" for path in UNHASHED_WHEREVER
    } | {f"-{path}" for path in KEYS}


SECRET_LINES = [
    "DB_PASS=hunter2",
    "MYSQL_PWD=hunter2",
    "requirepass hunter2",
    "    auth_pass hunter2",
    "Server=db;User Id=sa;Password=hunter2;",
    "<password>hunter2</password>",
    "define('DB_PASSWORD', 'hunter2');",
    "1 1 * * * root mysqldump -u root -phunter2 all",
    "curl -s -u admin:hunter2 http://x/",
    "ExecStart=/bin/app --password hunter2",
    "password: '#hunter2'",
    "api-key: hunter2",
    "bindpw hunter2",
    "machine x login y password hunter2",
    "password hunter2",
    "username x privilege 15 secret 5 hunter2",
    "redis://:hunter2@host/0",
    "Authorization: Basic dTpodW50ZXIy",
    "admin:{PLAIN}hunter2",
    "admin:$apr1$x$y",
    "rocommunity hunter2",
    '"password":',
    "PrivateKey = hunter2",
    "pin: 1234",
    "AGE-SECRET-KEY-1",
]
NO_SECRET_LINES = [
    "PasswordAuthentication no",
    "AuthenticationMethods publickey,password",
    "password  requisite  pam_pwquality.so retry=3",
    "password [success=1 default=ignore] pam_unix.so obscure use_authtok",
    "@include common-password",
    "proxy_pass http://backend:8080;",
    "ssl_certificate_key /etc/app/server.pem;",
    "PASS_MAX_DAYS 99999",
    "password =",
    "# password = hunter2",
    "  ; password = hunter2",
    "ExecStart=/usr/bin/docker run --user 1000:1000 -p 80:80 app",
    "keyfile /etc/chrony/chrony.keys",
    "0 3 * * * root rsync -a /srv user@host:/srv",
]


@pytest.mark.parametrize(
    "grep", ["", pytest.param("exec busybox grep", marks=pytest.mark.shell("busybox"))]
)
def test_a_line_that_holds_a_secret(tmp_path: Path, grep: str) -> None:
    dpkg(tmp_path, {"/etc/app/app.conf": ""})
    if grep:
        tool(tmp_path, "grep", f'{grep} "$@"')
    write(
        tmp_path,
        {
            f"/etc/app/{number}": f"a\n{line}\n"
            for number, line in enumerate([*SECRET_LINES, *NO_SECRET_LINES])
        },
    )
    found = lines(run("files", tmp_path))
    hashed = [
        line
        for number, line in enumerate([*SECRET_LINES, *NO_SECRET_LINES])
        if f"{HASHED}/etc/app/{number}" in found
    ]
    assert hashed == NO_SECRET_LINES


def test_a_file_too_big_to_compare_is_still_searched_for_secrets(
    tmp_path: Path,
) -> None:
    big = "password = hunter2\n" + " " * (4 << 20)
    dpkg(tmp_path, {"/etc/app/app.conf": ""})
    write(tmp_path, {"/etc/app/app.conf": big, "/etc/app/mine": big})
    assert lines(run("files", tmp_path)) == {
        "-/etc/app/app.conf": "too big to compare with what app installed",
        "+-:::/etc/app/mine": "belongs to no package; it may hold a secret, so no hash",
    }


def test_any_name(tmp_path: Path) -> None:
    dpkg(tmp_path, {"/etc/app.conf": ""})
    names = {name.replace("/", "_") for name in HOSTILE} | {
        "café",
        "caf\u0301e",
        "\U0001f600",
        "a:b",
        "*:::",
        "a\tb",
        "-",
        " ",
    }
    write(tmp_path, {f"/etc/odd {name}/{name}": "mine\n" for name in names})
    found = lines(run("files", tmp_path))
    utf8 = names - {"\udcff\udc80", "~"}  # ~: a name that ends so is a backup's
    paths = {DISCOVERY.name(what.removeprefix("+")) for what in found if what.startswith("+")}
    assert paths == {f"/etc/odd {name}/{name}" for name in utf8}
    assert all(what.startswith(HASHED) and what.isascii() for what in found if what.startswith("+"))
    assert (
        found["-/etc/odd\\0040\\0377\\0200/\\0377\\0200"]
        == "its name is not UTF-8, which YAML cannot hold"
    )
    assert [what for what in found if what.startswith("-")] == [
        "-/etc/app.conf",
        "-/etc/odd\\0040\\0377\\0200/\\0377\\0200",
    ]


NOT_UTF8 = [
    b"\x80",
    b"\xc3",
    b"\xc0\x80",
    b"\xc1\xbf",
    b"\xe0\x80\x80",
    b"\xed\xa0\x80",
    b"\xf0\x80\x80\x80",
    b"\xf4\x90\x80\x80",
    b"\xf5\x80\x80\x80",
]


def test_what_is_not_utf8_is_left_out(tmp_path: Path) -> None:
    dpkg(tmp_path, {"/etc/app.conf": ""})
    write(
        tmp_path,
        {"/etc/app.conf": "", **{f"/etc/{os.fsdecode(name)}x": "1\n" for name in NOT_UTF8}},
    )
    found = lines(run("files", tmp_path))
    assert set(found) == {
        "-/etc/" + "".join(f"\\0{byte:03o}" for byte in name) + "x" for name in NOT_UTF8
    }
    assert set(found.values()) == {"its name is not UTF-8, which YAML cannot hold"}


def test_odd_names_do_not_bypass_the_rules(tmp_path: Path) -> None:
    dpkg(tmp_path, {"/etc/app.conf": ""})
    write(
        tmp_path,
        {
            "/etc/é/a.key": "k\n",
            "/etc/é/password": "1\n",
            "/etc/é/holds": "token: x\n",
            "/etc/é/a~": "1\n",
            "/etc/closed é/in": "1\n",
        },
    )
    write(tmp_path, {"/etc/é/private": "1\n", "/etc/app.conf": ""})
    (tmp_path / "etc/é/private").chmod(0o600)
    (tmp_path / "etc/closed é").chmod(0o700)
    found = lines(run("files", tmp_path))
    assert set(found) == {
        "-/etc/\\0303\\0251/a.key",
        "+-:::/etc/\\0303\\0251/password",
        "+-:::/etc/\\0303\\0251/holds",
        "+-:::/etc/\\0303\\0251/private",
        "+-:::/etc/closed\\0040\\0303\\0251/in",
    }


def test_a_node_of_apk(tmp_path: Path) -> None:
    apk(tmp_path, "etc/app", {"same": "1\n", "changed": "2\n"})
    write(tmp_path, {"/etc/app/same": "1\n", "/etc/app/changed": "3\n", "/etc/app/mine": "4\n"})
    assert lines(run("files", tmp_path)) == {
        "+*:::/etc/app/changed": "changed since app installed it",
        "+*:::/etc/app/mine": "belongs to no package",
    }


def test_a_node_of_pacman(tmp_path: Path) -> None:
    backup = f"%FILES%\netc/\netc/same\netc/changed\netc/list\n\n%BACKUP%\netc/same\t{md5(b'1').hexdigest()}\netc/changed\t{md5(b'2').hexdigest()}\n"
    write(
        tmp_path,
        {
            "var/lib/pacman/local/app-1/files": backup,
            "/etc/same": "1",
            "/etc/changed": "3",
            "/etc/list": "4",
            "/etc/mine": "5",
        },
    )
    assert lines(run("files", tmp_path)) == {
        "+*:::/etc/changed": "changed since its package installed it",
        "+*:::/etc/mine": "belongs to no package",
    }


def test_without_a_database_nothing_is_reported(tmp_path: Path) -> None:
    write(tmp_path, {"/etc/mine": "1\n", "/usr/bin/x": ""})
    done = run("files", tmp_path)
    assert (done.returncode != 0, done.stdout) == (True, b"")
    assert b"no known package database" in done.stderr
    dpkg(tmp_path, {"/etc/mine": "1"})
    (tmp_path / "etc").rename(tmp_path / "elsewhere")
    done = run("files", tmp_path)
    assert (done.returncode != 0, done.stdout) == (True, b"")
    assert b"could not be listed" in done.stderr


def first_compliant(path: str, observed: File) -> Mapping[str, object] | None:
    for form in DISCOVERY.forms(path, observed):
        declared = msgspec.convert({"path": path, **form}, Declared)
        item = item_of(RESOURCE, path, declared)
        if judge(RESOURCE, item, {item.key: observed}).outcome is Outcome.COMPLIANT:
            return form
    return None


def test_the_observation_is_what_is_declared() -> None:
    digest = "0" * 64
    observed = File(0o104755, 0, 4711, 3, user="root", sha256=digest)
    assert first_compliant("/etc/a", observed) == {
        "sha256": digest,
        "mode": "4755",
        "owner": "root",
        "group": "4711",
    }
    assert first_compliant("/etc/a", observed._replace(sha256=None)) == {
        "mode": "4755",
        "owner": "root",
        "group": "4711",
    }
    assert list(DISCOVERY.forms("/etc/a", observed._replace(user="CORP\\joe")))[1] == {
        "sha256": digest,
        "mode": "4755",
        "owner": "0",
        "group": "4711",
    }


@pytest.mark.parametrize(
    "observed", [Missing(), Broken("/nowhere"), File(0o040755, 0, 0, 0), File(0o010644, 0, 0, 0)]
)
def test_only_regular_files_are_declared(observed: File | Missing | Broken) -> None:
    assert list(DISCOVERY.forms("/etc/a", observed)) == []


@pytest.mark.parametrize("argument", ["", "x", "*:a", ":::", "*:::a:b\\0072", "\\0999", "é"])
def test_any_argument_has_a_name(argument: str) -> None:
    assert isinstance(DISCOVERY.name(argument), str)


def test_arguments_are_those_of_the_probe() -> None:
    (argument,) = ask([Declared(path="/etc/a b\\é\n", sha256="0" * 64)])
    assert f"+{argument}".replace(",,00000000", "").startswith(
        HASHED
    )  # of a discovered file nothing is declared
    assert DISCOVERY.name(argument) == "/etc/a b\\é\n"
    assert parse(b"gone /etc/a\\0040b stat: '/etc/a b': No such file or directory\n") == {
        "/etc/a b": Missing()
    }


def test_a_folder_that_a_program_fills_is_reported_once(tmp_path: Path) -> None:
    dpkg(tmp_path, {"/etc/app.conf": ""})
    write(
        tmp_path,
        {
            "/etc/app.conf": "",
            **{f"/etc/full/{number}": "x\n" for number in range(101)},
            **{f"/etc/some/{number}": "x\n" for number in range(100)},
        },
    )
    found = lines(run("files", tmp_path))
    assert (
        found.pop("-/etc/full/") == "101 files that belong to no package: declare those that matter"
    )
    assert set(found) == {f"+*:::/etc/some/{number}" for number in range(100)}
    assert len(lines(run("files", tmp_path, "all"))) == 202


def test_the_patterns_are_those_in_the_documentation() -> None:
    probe = body("files", "discovery")
    document = (Path(__file__).parents[3] / "docs/discovery/files.md").read_text()
    patterns = [
        pattern
        for table in re.findall(
            r"^(?:accounts|never|keys|secrets|usual|sudo_rules)='([^']*)'", probe, re.MULTILINE
        )
        for pattern in table.split()
    ]
    found = re.findall(r"`([*/][^` ]+)`", document)
    assert len(patterns) == len(set(patterns)) > 100
    assert sorted(patterns) == sorted(found)
