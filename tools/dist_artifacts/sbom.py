"""What the wheel is installed with: an SBOM of CycloneDX."""

import json
import sys

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tools.dist_artifacts.build import BIN, Build, Unbuildable
from tools.dist_artifacts.wheelhouse import folder_of


def make(build: Build) -> None:
    """Install the wheel into an environment of its own, and list what is in there."""
    environment = build.place / "environment"
    python = environment / "bin/python"
    build.run(sys.executable, "-m", "venv", "--without-pip", environment)
    build.run(
        sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-index",
        f"--find-links={folder_of(build)}", f"power-edge=={build.version}",
    )  # fmt: skip
    printed = build.run(
        BIN / "cyclonedx-py", "environment", "--output-reproducible", "--sv=1.6", "--of=JSON",
        python,
    )  # fmt: skip
    check(printed)
    file = build.out / f"power-edge-{build.version}.cdx.json"
    file.write_text(printed, encoding="utf-8")


def check(text: str) -> None:
    """Raise Unbuildable if a text is not an SBOM of CycloneDX 1.6, or names a local path."""
    if error := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        raise Unbuildable(f"the SBOM is not valid: {error}")
    if "file:" in text:
        raise Unbuildable("the SBOM names a file of this machine")
    if "power-edge" not in {each["name"] for each in json.loads(text)["components"]}:
        raise Unbuildable("the SBOM does not name power-edge")
