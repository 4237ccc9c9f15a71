"""The SBOM names what the wheel is installed with, and nothing of the machine that made it."""

import json
import re
import tarfile

import pytest

from tests.support.artifacts import artifact

pytestmark = pytest.mark.artifact


def test_its_components_are_the_wheels_of_the_wheelhouse() -> None:
    # The build has checked it with the schema of CycloneDX.
    found = json.loads(artifact("*.cdx.json").read_text())
    assert (found["bomFormat"], found["specVersion"]) == ("CycloneDX", "1.6")
    with tarfile.open(artifact("*-wheelhouse.tar")) as opened:
        wheels = {tuple(name.split("/")[-1].split("-")[:2]) for name in opened.getnames()[1:]}
    listed = {
        (re.sub(r"[-_.]+", "_", each["name"]).lower(), each["version"])
        for each in found["components"]
    }
    assert listed == wheels
