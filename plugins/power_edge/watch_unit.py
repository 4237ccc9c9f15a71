"""The unit of systemd for a watch, for each way of installation."""

from power_edge import package_data

TEMPLATE = "power-edge-watch@.service"
PYTHON = "/opt/power-edge/bin/python"
"""What the template has in place of the Python of an installation."""
_PYTEST = f"{PYTHON} -P -m pytest -q -p power_edge.pytest_plugin "
_UMASK = "UMask=0077\n"


def template() -> str:
    """Return the unit of an installation in a virtual environment."""
    return package_data.text(f"deploy/systemd/{TEMPLATE}")


def with_python(text: str, python: str) -> str:
    """Return a unit that runs the Python of a virtual environment.

    `python` is written as a word of ExecStart=.
    """
    return text.replace(PYTHON, python)


def with_program(text: str, program: str) -> str:
    """Return a unit that runs power-edge.pyz, which unpacks itself into /var/cache/power-edge.

    `program` is the file, written as a word of ExecStart=.
    """
    text = text.replace(_PYTEST, f"{program} check -q ")
    return text.replace(_UMASK, f"{_UMASK}CacheDirectory=power-edge\n")
