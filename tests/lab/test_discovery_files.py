"""Discovery of files: in the shells that nodes have, on nodes of dpkg and of rpm, and of a state
that was made there.
"""

import hashlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from power_edge.discover.sections import LeftOut, Section
from tests.resources.files.test_discover import OF_THESE, used
from tests.support.lab.discovering import FEW, discovered, wrong
from tests.support.lab.nodes import Node
from tests.support.shells import each_shell
from tests.support.trees import lines, run

pytestmark = pytest.mark.lab

OF_THE_LAB = {
    "/etc/apt/apt.conf.d/99mmdebstrap",
    "/etc/dpkg/dpkg.cfg.d/99mmdebstrap",
    "/etc/ssh/lab_authorized_keys",
    "/etc/ssh/sshd_config.d/lab.conf",
    "/etc/sudoers.d/stella",
    "/etc/sysctl.d/00-lab.conf",
}
"""What whoever made the lab's nodes left on them."""
DEB = """
cd "$(mktemp -d)"
build() { # VERSION CONFFILE...
    rm -rf p
    mkdir -p p/DEBIAN p/etc/pe p/usr/share/pe p/usr/share/doc/pe
    printf 'Package: pe-conf\\nVersion: %s\\nArchitecture: all\\nMaintainer: x <x@x>\\nDescription: t\\n' "$1" >p/DEBIAN/control
    shift
    for name; do echo "$name" >"p/etc/pe/$name"; echo "/etc/pe/$name" >>p/DEBIAN/conffiles; done
    echo example >p/usr/share/doc/pe/example
    echo template >p/usr/share/pe/template
    (cd p; md5sum usr/share/*/pe/* usr/share/pe/*) >p/DEBIAN/md5sums
    dpkg-deb -b p pe.deb >/dev/null
    dpkg -i pe.deb >/dev/null
}
build 1 same changed gone linked obsolete
build 2 same changed gone linked
cd /etc/pe
echo more >>changed
rm gone
ln -sf same linked
cp /usr/share/doc/pe/example /usr/share/pe/template .
echo mine >mine
chmod 604 mine
echo k >pe.key
printf 'Cipher = aes\\n' >vpn.ovpn
"""
SPEC = """
Name: peconf
Version: 1
Release: 1
Summary: A package with files under /etc
License: none
BuildArch: noarch
%description
None.
%install
mkdir -p %{buildroot}/etc/pe
for name in same changed closed gone ghost; do echo $name >%{buildroot}/etc/pe/$name; done
%files
%config(noreplace) /etc/pe/same
%config(noreplace) /etc/pe/changed
%config(noreplace) %attr(0644,root,adm) /etc/pe/closed
%config /etc/pe/gone
%ghost /etc/pe/ghost
"""
RPM = """
cd "$(mktemp -d)"
rpmbuild -bb --quiet --define "_topdir $PWD" --define "_rpmdir $PWD" /root/pe.spec
rpm --install --nodeps --force $(find . -name '*.rpm')
cd /etc/pe
echo more >>changed
chmod 600 closed
rm gone
echo x >ghost
echo x >mine
"""


def by_path(section: Section, folder: str = "/etc/") -> dict[str, dict[str, Any]]:
    return {
        found.name: {field: value for field, value in found.value.items() if field != "path"}
        for found in section.found
        if found.name.startswith(folder)
    }


@each_shell("dash", "bash", "mksh", "busybox")
def test_in_any_shell(shell: list[str], tmp_path: Path) -> None:
    used(tmp_path)
    (tmp_path / "etc" / "café \\ *").write_text("mine\n")
    (tmp_path / "etc" / "café \\ *").chmod(0o644)
    odd_names = {"+*:::/etc/caf\\0303\\0251\\0040\\0134\\0040*": "belongs to no package"}
    assert lines(run("files", tmp_path, shell=shell)) == OF_THESE | odd_names


@pytest.mark.parametrize("user", ["root", "stella", "guest"])
def test_a_node_that_nobody_worked_on(node: Node, user: str) -> None:
    section = discovered(node, "files", user=user)
    paths = {found.name for found in section.found}
    hidden = {hidden.what for hidden in section.hidden}
    assert paths | (hidden & OF_THE_LAB) == OF_THE_LAB
    assert bool(hidden) is (user == "guest")
    assert section.left_out == ()
    assert wrong(node, section, user=user) == []


@pytest.mark.parametrize("user", ["root", "guest"])
def test_the_inventory(node: Node, user: str) -> None:
    section = discovered(node, "files", mode="all", user=user)
    assert len(section.found) > 150
    assert not [
        found.name
        for found in section.found
        if "sha256" in found.value
        and not int(found.value["mode"], 8) & 0o004
        and not found.name.startswith("/etc/sudoers")  # what sudo allows is not a secret
    ]
    assert wrong(node, section, user=user) == []


def test_what_was_done_to_a_package_of_dpkg(node: Node) -> None:
    node.sh(DEB)
    section = discovered(node, "files")
    found = {
        found.name.removeprefix("/etc/pe/"): found.why
        for found in section.found
        if found.name.startswith("/etc/pe/")
    }
    assert found == {
        "changed": "changed since pe-conf installed it",
        "example": "belongs to no package",
        "mine": "belongs to no package",
        "vpn.ovpn": "belongs to no package; it may hold a secret, so no hash",
    }
    assert section.left_out == (
        LeftOut("/etc/pe/gone", "pe-conf installed it, and it was removed"),
        LeftOut("/etc/pe/linked", "not a regular file, as pe-conf installed it"),
        LeftOut("/etc/pe/pe.key", "a key"),
    )
    assert by_path(section)["/etc/pe/mine"]["mode"] == "0604"
    assert wrong(node, section) == []
    node.sh("chmod 700 /etc/pe")
    assert not [left.what for left in discovered(node, "files", user="guest").left_out]
    node.sh("rm -rf /etc/pe; dpkg -P pe-conf")


def test_what_was_done_to_a_package_of_rpm(rpm_node: Node) -> None:
    rpm_node.write("/root/pe.spec", SPEC)
    rpm_node.sh(RPM)
    section = discovered(rpm_node, "files")
    found = {
        found.name.removeprefix("/etc/pe/"): found.why
        for found in section.found
        if found.name.startswith("/etc/pe/")
    }
    assert found == {
        "changed": "changed since peconf installed it",
        "closed": "mode or owner changed since peconf installed it; not everybody may read it, so no hash",
        "mine": "belongs to no package",
    }
    assert section.left_out == (LeftOut("/etc/pe/gone", "peconf installed it, and it was removed"),)
    assert wrong(rpm_node, section) == []
    assert [
        hidden.what
        for hidden in discovered(rpm_node, "files", user="guest").hidden
        if "/pe/" in hidden.what
    ] == ["/etc/pe/closed"]


def test_a_folder_that_only_root_may_enter_is_named_once(node: Node) -> None:
    node.sh(
        "mkdir -p /etc/closed; echo 1 >/etc/closed/a; echo 2 >/etc/closed/b; chmod 700 /etc/closed"
    )
    assert [
        hidden.what
        for hidden in discovered(node, "files", user="guest").hidden
        if "closed" in hidden.what
    ] == ["/etc/closed/"]
    for user in ("root", "stella"):
        attributes = {"mode": "0644", "owner": "root", "group": "root"}
        assert by_path(discovered(node, "files", user=user), "/etc/closed/") == {
            "/etc/closed/a": attributes,
            "/etc/closed/b": attributes,
        }
    node.sh("rm -r /etc/closed")


def test_what_takes_long_to_hash_is_declared_without(node: Node) -> None:
    node.sh("mkdir /etc/big; truncate -s 64G /etc/big/sparse; yes | head -c 5000000 >/etc/big/five")
    section = discovered(node, "files")
    assert ["sha256" in fields for fields in by_path(section, "/etc/big/").values()] == [
        True,
        False,
    ]
    assert [found.why for found in section.found if "sparse" in found.name] == [
        "belongs to no package; too big to hash at each check"
    ]
    node.sh("rm -r /etc/big")


# A name that ends in ~ is an editor's; others that a rule leaves out are not to be expected of
# chance.
NAMES = st.text(
    st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=12
).filter(lambda name: name not in (".", "..") and name[-1] != "~")
FILES = st.dictionaries(
    NAMES,
    st.tuples(
        st.binary(max_size=20),
        st.sampled_from([0o644, 0o600, 0o4755, 0o640, 0o004]),
        st.sampled_from([0, 1, 4711]),
    ),
    max_size=6,
)


@FEW
@given(FILES)
def test_what_is_discovered_of_a_state_is_that_state(
    node: Node, files: dict[str, tuple[bytes, int, int]]
) -> None:
    assume(all(len(name.encode()) < 200 for name in files))
    names = {0: "root", 1: "daemon", 4711: "4711"}
    expected = {}
    node.sh("rm -rf /etc/made; mkdir /etc/made")
    for name, (content, mode, owner) in files.items():
        octal = "".join(f"\\0{byte:03o}" for byte in b"=" + content)
        script = 'printf %b "$2" >"$1"; chown "$4:$4" "$1"; chmod "$3" "$1"'
        node.run("sh", "-euc", script, "make", f"/etc/made/{name}", octal, f"{mode:o}", str(owner))
        digest = {"sha256": hashlib.sha256(b"=" + content).hexdigest()} if mode & 4 else {}
        expected[f"/etc/made/{name}"] = {
            **digest,
            "mode": f"{mode:04o}",
            "owner": names[owner],
            "group": names[owner],
        }
    section = discovered(node, "files")
    assert by_path(section, "/etc/made/") == expected
    assert wrong(node, section) == []
