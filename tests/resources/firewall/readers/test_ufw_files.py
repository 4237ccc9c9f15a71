"""ufw's files: its settings, and lines that a person wrote into user.rules."""

import os
import subprocess
from pathlib import Path

import pytest

from power_edge import package_data
from power_edge.model import NotObserved
from power_edge.resources.firewall.observation import parse
from power_edge.resources.firewall.readers.ufw_files import by_hand, settings, tuples
from power_edge.resources.firewall.ruleset import Ruleset

pytestmark = pytest.mark.shell

PROBE = package_data.text("probes/resources/firewall.sh")


def probed(tree: Path) -> Ruleset:
    """What the probe prints on a node with these files and no rules in the kernel."""
    nft = tree / "bin/nft"
    nft.parent.mkdir(exist_ok=True)
    nft.write_text("""#!/bin/sh\necho '{"nftables": []}'\n""")
    nft.chmod(0o755)
    environment = {
        "PE_ROOT": str(tree),
        "PE_SUDO": "env",
        "PATH": f"{tree}/bin:/usr/bin:/bin",
        "LC_ALL": "C",
        "HOME": os.environ.get("HOME", "/"),
    }
    done = subprocess.run(
        ["sh", "-c", PROBE, "pe"], capture_output=True, check=True, env=environment
    )
    found = parse(done.stdout)[""]
    assert not isinstance(found, NotObserved)
    return found


def conf(tree: Path, ufw_conf: str, default: str = "") -> Path:
    for path, text in (("etc/ufw/ufw.conf", ufw_conf), ("etc/default/ufw", default)):
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text(f"# ENABLED=yes\n{text}\n")
    return tree


@pytest.mark.parametrize(
    ("ufw_conf", "default", "enabled"),
    [
        ("ENABLED=yes", "", True),
        ("ENABLED=yes # since Monday", "", True),
        (' ENABLED="yes"', "", True),
        ("export ENABLED=yes", "", True),
        ("ENABLED=YES;", "", True),
        ("ENABLED=no\nENABLED=yes", "", True),
        ("", "ENABLED=yes", True),
        ("ENABLED=no", "ENABLED=yes", False),
        ("ENABLED=yes\nENABLED=no", "", False),
        ("ENABLED=Yes", "", False),
        ("XENABLED=yes", "", False),
        ("", "", False),
    ],
)
def test_whether_a_boot_starts_it_is_what_the_shell_reads(
    tmp_path: Path, ufw_conf: str, default: str, enabled: bool
) -> None:
    what = probed(conf(tmp_path, ufw_conf, default))
    assert what.ufw is not None
    assert what.ufw.settings.enabled is enabled


@pytest.mark.parametrize(
    "line",
    [
        "[ -e /nope ] || ENABLED=no",
        "if true; then ENABLED=no; fi",
        ". /etc/ufw/more",
        "ENABLED=no MORE=yes",
        "ENABLED=$OTHER",
        'ENABLED="$(cat /etc/x)"',
        "ENABLED=`cat /etc/x`",
        'MORE="begun',
        "MORE=yes \\",
        "unset ENABLED",
    ],
)
def test_what_code_of_the_shell_sets_is_unknown(tmp_path: Path, line: str) -> None:
    for files in ((line, "ENABLED=yes"), (f"ENABLED=yes\n{line}", "")):
        what = probed(conf(tmp_path, *files))
        assert what.ufw is not None
        assert what.ufw.settings.code == line
        assert not what.ufw.settings.plain


def test_a_file_that_cannot_be_read_may_set_anything(tmp_path: Path) -> None:
    tree = conf(tmp_path, "ENABLED=no")
    (tree / "etc/default/ufw").unlink()
    (tree / "etc/default/ufw").mkdir()
    what = probed(tree)
    assert what.ufw is not None
    assert what.ufw.settings.code.endswith("/etc/default/ufw cannot be read")
    assert not what.ufw.settings.plain


def test_plain_settings_are_no_code(tmp_path: Path) -> None:
    plain = """# ufw
  export ENABLED=yes # since Monday
LOGLEVEL='low'
IPT_MODULES="nf_conntrack_ftp nf_nat_ftp"; # more
EMPTY=
A="b"'c'd
"""
    what = probed(conf(tmp_path, plain, "IPV6=yes"))
    assert what.ufw is not None
    assert what.ufw.settings.code == ""


def test_a_rule_of_one_family_is_not_spelled_as_both() -> None:
    (found,) = tuples(["### tuple ### allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 in"])
    assert found.spelling() == ("allow", "22/tcp")
    assert " ".join(found.spelling(both=False)) == "allow proto tcp from 0.0.0.0/0 to any port 22"


def test_other_settings(tmp_path: Path) -> None:
    what = probed(
        conf(tmp_path, "ENABLED=yes\nIPV6=no", 'IPV6=yes\nDEFAULT_INPUT_POLICY="DROP" # as ever')
    )
    assert what.ufw is not None
    assert (what.ufw.settings.ipv6, what.ufw.settings.incoming) == (False, "deny")
    assert settings(["yes"], [], None).enabled
    managed = settings([], ["MANAGE_BUILTINS=yes"], ("/etc/ufw/before.rules",))
    assert (managed.builtins, managed.edited) == (True, ("/etc/ufw/before.rules",))


@pytest.mark.parametrize(
    ("ufw_conf", "plain"),
    [
        ("ENABLED=yes", True),
        ('ENABLED="no"', True),
        ("ENABLED=yes # on", False),
        ("export ENABLED=yes", False),
    ],
)
def test_whether_ufw_reads_it_as_a_boot_does(tmp_path: Path, ufw_conf: str, plain: bool) -> None:
    what = probed(conf(tmp_path, ufw_conf))
    assert what.ufw is not None
    assert what.ufw.settings.plain is plain


def rule(words: str, *lines: str, chain: str = "ufw-user-input") -> str:
    return "\n".join([f"### tuple ### {words}", *(f"-A {chain} {line}" for line in lines)])


ALLOW_22 = rule("allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 in", "-p tcp --dport 22 -j ACCEPT")
BY_UFW = [
    ALLOW_22,
    rule("allow any 53 0.0.0.0/0 any 0.0.0.0/0 in", "-p tcp --dport 53 -j ACCEPT", "-p udp --dport 53 -j ACCEPT"),
    rule("deny any any 0.0.0.0/0 any 192.0.2.0/24 in", "-s 192.0.2.0/24 -j DROP"),
    rule("reject tcp 80 10.0.0.1 any 192.0.2.1 in_eth0 comment=6f6c64",
         "-i eth0 -p tcp -d 10.0.0.1 --dport 80 -s 192.0.2.1 -j REJECT --reject-with tcp-reset"),
    rule("allow tcp 80,443 0.0.0.0/0 any 0.0.0.0/0 Nginx%20Full - in",
         "-p tcp -m multiport --dports 80,443 -j ACCEPT -m comment --comment 'dapp_Nginx%20Full'"),
    rule("allow tcp 8000:8010 0.0.0.0/0 any 0.0.0.0/0 in", "-p tcp -m multiport --dports 8000:8010 -j ACCEPT"),
    rule("allow udp any 0.0.0.0/0 53 0.0.0.0/0 in", "-p udp --sport 53 -j ACCEPT"),
    rule("allow_log tcp 22 0.0.0.0/0 any 0.0.0.0/0 in", "-p tcp --dport 22 -j ufw-user-logging-input", "-p tcp --dport 22 -j ACCEPT"),
    rule("limit tcp 22 0.0.0.0/0 any 0.0.0.0/0 in", "-p tcp --dport 22 -m conntrack --ctstate NEW -m recent --set",
         "-p tcp --dport 22 -m conntrack --ctstate NEW -m recent --update --seconds 30 --hitcount 6 -j ufw-user-limit",
         "-p tcp --dport 22 -j ufw-user-limit-accept"),
    rule("allow tcp 22 ::/0 any 2001:db8::/32 in", "-p tcp --dport 22 -s 2001:db8::/32 -j ACCEPT", chain="ufw6-user-input"),
    rule("allow esp any 0.0.0.0/0 any 0.0.0.0/0 in", "-p esp -j ACCEPT"),
    "### tuple ### route:allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 in_eth0!out_eth1",
    "### tuple ### deny tcp 25 0.0.0.0/0 any 0.0.0.0/0 out",
]  # fmt: skip
DROP_22 = "-A ufw-user-input -p tcp --dport 22 -j DROP"


@pytest.mark.parametrize("text", BY_UFW)
def test_what_ufw_writes(text: str) -> None:
    assert by_hand(text.split("\n")) == ""
    assert by_hand("\n".join([*BY_UFW, ""]).split("\n")) == ""


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f"{DROP_22}\n{ALLOW_22}", DROP_22),
        (f"{ALLOW_22}\n{DROP_22}", DROP_22),
        (ALLOW_22.replace("ACCEPT", "DROP"), DROP_22),
        (ALLOW_22.split("\n")[0], ALLOW_22.split("\n")[0]),
        (ALLOW_22.replace("--dport 22", "--dport 22 -s 192.0.2.1"), ALLOW_22.split("\n")[0]),
        (ALLOW_22.replace("--dport 22", "--dport 222"), "-A ufw-user-input -p tcp --dport 222 -j ACCEPT"),
        (f"{ALLOW_22}\n-A ufw-before-input -j DROP", "-A ufw-before-input -j DROP"),
        (f"{ALLOW_22}\n-I INPUT -j DROP", "-I INPUT -j DROP"),
        ("\n".join(BY_UFW[-1:]) + f"\n{DROP_22}", DROP_22),
        (BY_UFW[1].rsplit("\n", 1)[0], BY_UFW[1].split("\n")[0]),
        ("### tuple ### allow tcp", "### tuple ### allow tcp"),
    ],
)  # fmt: skip
def test_what_a_person_wrote(text: str, line: str) -> None:
    assert by_hand(text.split("\n")) == line


def test_it_is_read_from_both_files(tmp_path: Path) -> None:
    conf(tmp_path, "ENABLED=no")
    (tmp_path / "etc/ufw/user.rules").write_text(
        f"*filter\n:ufw-user-input - [0:0]\n### RULES ###\n\n{ALLOW_22}\n\n### END RULES ###\nCOMMIT\n"
    )
    (tmp_path / "etc/ufw/user6.rules").write_text(
        "*filter\n:ufw6-user-input - [0:0]\n### RULES ###\n### END RULES ###\n-A ufw6-user-input -j DROP\nCOMMIT\n"
    )
    what = probed(tmp_path)
    assert what.ufw is not None
    assert what.ufw.by_hand == "-A ufw6-user-input -j DROP"
