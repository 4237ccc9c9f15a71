"""`make check` installs no package of the tests, and pytest reads tests/conftest.py all the same."""

import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.support.installed import of_tests

CHECKOUT = Path(__file__).parents[2]


@pytest.mark.shell
def test_conftest_needs_no_package_of_the_tests() -> None:
    distributions = {*of_tests((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))}
    modules = [
        module
        for module, names in packages_distributions().items()
        if not distributions.isdisjoint(names)
    ]
    assert "hypothesis" in modules
    program = f"import sys; sys.modules.update(dict.fromkeys({modules})); import tests.conftest"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=CHECKOUT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
