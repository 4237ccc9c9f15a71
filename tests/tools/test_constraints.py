"""constraints.txt fits pyproject.toml, and names no machine and no registry."""

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

CHECKOUT = Path(__file__).parents[2]
FILE = CHECKOUT / "constraints.txt"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")


def pins() -> list[Requirement]:
    lines = (line.partition("#")[0].strip() for line in FILE.read_text().splitlines())
    return [Requirement(line) for line in lines if line]


def wanted() -> Iterator[Requirement]:
    """Every dependency that pyproject.toml names in any place."""
    pyproject = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())
    named = [*pyproject["build-system"]["requires"], *pyproject["project"]["dependencies"]]
    for extra in pyproject["project"]["optional-dependencies"].values():
        named += extra
    for group in pyproject["dependency-groups"].values():
        named += [each for each in group if isinstance(each, str)]
    yield from map(Requirement, named)


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("requirement", sorted(set(map(str, wanted()))))
def test_every_dependency_has_one_pin_that_it_allows(requirement: str, python: str) -> None:
    want = Requirement(requirement)
    found = [
        specifier.version
        for pin in pins()
        if canonicalize_name(pin.name) == canonicalize_name(want.name)
        and (
            pin.marker is None
            or pin.marker.evaluate({"python_version": python, "python_full_version": f"{python}.1"})
        )
        for specifier in pin.specifier
    ]
    assert len(found) == 1, f"{requirement} has the pins {found}: run make constraints"
    assert want.specifier.contains(found[0], prereleases=True), (
        f"run make constraints: {found[0]} is pinned"
    )


def test_nothing_in_it_is_of_one_machine() -> None:
    assert not [
        line
        for line in FILE.read_text().splitlines()
        if "://" in line or line.startswith(("-", "/"))
    ]
