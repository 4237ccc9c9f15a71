"""One version in all forms: each has its own rules of order, and all of them agree."""

import shutil
import subprocess
from itertools import pairwise

import pytest
from packaging.version import Version as Pep440

from power_edge.release.schema_set import Unusable
from power_edge.release.version import Version

ASCENDING = [
    Version.of(text)
    for text in (
        "0.9.0", "1.2.0", "1.2.1-pre.7", "1.2.1", "1.3.0-pre.9", "1.3.0-pre.145", "v1.3.0", "1.3.1-pre.0", "1.10.0", "v2.0.0",
    )
]  # fmt: skip


def test_the_forms_of_a_release() -> None:
    version = Version.of("v1.3.0")
    assert (version.tag, version.semver, version.wheel) == ("v1.3.0", "1.3.0", "1.3.0")
    assert version.oci == ("1.3.0", "1.3", "1")
    assert version.package == "1.3.0-1"


def test_the_forms_of_a_pre_release() -> None:
    version = Version.of("1.3.0-pre.145")
    assert version.tag == "v1.3.0-pre.145"
    assert version.wheel == "1.3.0rc145"
    assert version.oci == ("1.3.0-pre.145",)
    assert version.package == "1.3.0~pre145-1"


def test_a_form_of_a_package_is_its_own_normal_form() -> None:
    assert all(str(Pep440(version.wheel)) == version.wheel for version in ASCENDING)


@pytest.mark.parametrize(("lower", "higher"), list(pairwise(ASCENDING)))
def test_the_order_is_that_of_pip(lower: Version, higher: Version) -> None:
    assert lower.order < higher.order
    assert Pep440(lower.wheel) < Pep440(higher.wheel)


@pytest.mark.shell
def test_the_order_is_that_of_dpkg() -> None:
    dpkg = shutil.which("dpkg")
    assert dpkg is not None or shutil.which("apt-get") is None
    for lower, higher in pairwise(ASCENDING) if dpkg else ():
        words = ["dpkg", "--compare-versions", lower.package, "lt", higher.package]
        assert subprocess.run(words, check=False).returncode == 0, words


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "1.2",
        "1.2.3.4",
        "01.2.3",
        "1.2.3+a",
        "1.2.3-pre",
        "1.2.3-rc.1",
        "v1.2.3\n",
        "1.2.٣",
    ],
)
def test_what_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(Unusable, match="is not a version"):
        Version.of(text)
