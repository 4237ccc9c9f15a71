"""The probe's comparison of apt's lists with their Release files."""

import gzip
import re
import subprocess
from pathlib import Path

import pytest

from power_edge import package_data

pytestmark = pytest.mark.shell

FUNCTION = re.compile(r"^wrong_lists\(\) \{.*?^\}$", re.MULTILINE | re.DOTALL)


def wrong_lists(folder: Path, sizes: str, absent: str = "") -> list[str]:
    found = FUNCTION.search(package_data.text("probes/resources/packages.sh"))
    assert found is not None
    done = subprocess.run(
        ["/bin/sh", "-c", f'{found[0]}\nwrong_lists "$1"/*Release', "pe", str(folder)],
        env={"PATH": "/usr/bin:/bin", "SIZES": sizes, "ABSENT": absent},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split("\n")[:-1]


def test_a_release_file_that_cannot_be_read_hides_no_other(tmp_path: Path) -> None:
    (tmp_path / "a_Release").symlink_to("gone")
    (tmp_path / "b_Release").write_text("SHA256:\n 0123 100 main/binary-amd64/Packages\n")
    (tmp_path / "c_Release").touch()
    (tmp_path / "d_Release").mkdir()  # root may read every file
    name = "b_main_binary-amd64_Packages"
    unread = ["cut c_Release", "cut d_Release"]
    assert wrong_lists(tmp_path, f"5 {name}") == [*unread, f"cut {name}"]
    assert wrong_lists(tmp_path, f"100 {name}") == unread


def test_no_release_file_at_all(tmp_path: Path) -> None:
    assert wrong_lists(tmp_path, "") == []


SIGNED = "-----BEGIN PGP SIGNED MESSAGE-----\n{}-----BEGIN PGP SIGNATURE-----\n-----END PGP SIGNATURE-----\n"
MAIN = " 0123 100 main/binary-amd64/Packages\n"
LIST = "b_main_binary-amd64_Packages"


@pytest.mark.parametrize(
    ("release", "sizes", "cut"),
    [
        (SIGNED.format(MAIN), f"100 {LIST}", []),
        (SIGNED.format(MAIN), f"100 {LIST}\n99 {LIST}", [LIST]),  # also compressed
        (SIGNED.format(MAIN), "100 b_main_binary-i386_Packages", ["b_main_binary-i386_Packages"]),
        (SIGNED.format(MAIN), "1 c_main_binary-amd64_Packages", []),  # a source without a Release
        (SIGNED.format(MAIN.replace("Packages", "Packages.xz")), f"700 {LIST}", []),
        (SIGNED.format(MAIN.replace("main", "./a~b_c")), "100 b_a%7eb%5fc_binary-amd64_Packages", []),
        (SIGNED.format(MAIN)[:-20], f"100 {LIST}", ["b_InRelease"]),
        (SIGNED.format("")[:50], f"100 {LIST}", ["b_InRelease", LIST]),
    ],
)  # fmt: skip
def test_a_list_that_its_release_file_does_not_vouch_for(
    tmp_path: Path, release: str, sizes: str, cut: list[str]
) -> None:
    (tmp_path / "b_InRelease").write_text(release)
    assert wrong_lists(tmp_path, sizes) == [f"cut {name}" for name in cut]


HASHES = f"Date: x\nMD5Sum:\n{MAIN}{MAIN.replace('main', 'more')}SHA256:\n{MAIN}{MAIN.replace('main', 'more')}"


@pytest.mark.parametrize(
    ("release", "cut"),
    [
        (HASHES, False),
        (f"{HASHES}Acquire-By-Hash: yes\n", False),
        (HASHES[:-1], True),
        (HASHES[: -len(MAIN)], True),
        (HASHES.partition("SHA256")[0], True),
        (HASHES.partition("MD5Sum")[0], True),
        (HASHES.replace("SHA256", "SHA512"), False),
    ],
)
def test_a_release_file_without_a_signature_that_lacks_its_end(
    tmp_path: Path, release: str, cut: bool
) -> None:
    (tmp_path / "b_Release").write_text(release)
    assert ("cut b_Release" in wrong_lists(tmp_path, "")) is cut


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("more%5fparts_binary-amd64", True),
        ("main_binary-amd64", False),  # empty
        ("more%5fparts_binary-all", False),
        ("more%5fparts_binary-i386", False),
        ("other_binary-amd64", False),
    ],
)
def test_a_component_that_a_release_has_and_does_not_list(
    tmp_path: Path, name: str, missing: bool
) -> None:
    heads = "Architectures: all amd64\nComponents: main more_parts\n"
    (tmp_path / "b_Release").write_text(f"{heads}SHA256:\n{MAIN.replace(' 100 ', ' 0 ')}")
    found = wrong_lists(tmp_path, "", f"b_{name}_Packages")
    assert found == ([f"missing b_{name}_Packages"] if missing else [])


def test_the_size_of_a_compressed_list_is_that_of_its_content(tmp_path: Path) -> None:
    body = package_data.text("probes/resources/packages.sh")
    helper = tmp_path / "usr/lib/apt/apt-helper"
    helper.parent.mkdir(parents=True)
    helper.write_text('#!/bin/sh\n[ "$1" = cat-file ] && gzip -dc "$2"\n')
    helper.chmod(0o755)
    (tmp_path / "a_Packages").write_bytes(b"12345")
    whole = gzip.compress(b"1234567890" * 1000, 1)
    (tmp_path / "b_Packages.gz").write_bytes(whole)
    (tmp_path / "c_Packages.gz").write_bytes(whole[:-20])
    (tmp_path / "d_Packages.gz").write_bytes(b"")
    (tmp_path / "e_Packages.diff_Index").write_text("what has changed since the list before")
    (tmp_path / "f_Packages.diff_Index.gz").write_bytes(whole)
    found = re.search(r"^is_list\(\) \{.*^list_sizes\(\) \{.*?^\}$", body, re.MULTILINE | re.DOTALL)
    assert found is not None
    done = subprocess.run(
        [
            "/bin/sh",
            "-c",
            f"left() {{ echo 4; }}\nlists=$1\n{found[0]}\nlist_sizes",
            "pe",
            tmp_path,
        ],
        env={"PATH": "/usr/bin:/bin", "PE_ROOT": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    first, second, third, fourth = done.stdout.splitlines()
    assert (first, second, fourth) == ("5 a_Packages", "10000 b_Packages", "0 d_Packages")
    assert third != "10000 c_Packages"
