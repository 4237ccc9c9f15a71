"""A plugin of pytest that notes when the phases of a run about nodes end (`-p bench.phases`).

It writes them to the file that PHASES names: a line for each phase, in seconds since 1970.
"""

import os
import time
from collections.abc import Generator
from pathlib import Path

import pytest

PHASES = (
    "start of Python and pytest",
    "configuration read and sent",
    "items built",
    "waiting for the node",
    "judging and reporting",
)
"""What is done in each phase. After the last one the process ends."""

_ends: list[float] = []


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests() -> Generator[None]:
    _ends.append(time.time())
    return (yield)


@pytest.hookimpl(tryfirst=True)
def pytest_configure() -> None:
    _ends.append(time.time())


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    _ends.append(time.time())


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_logreport() -> None:
    if len(_ends) < len(PHASES) - 1:
        _ends.append(time.time())


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish() -> None:
    _ends.append(time.time())
    Path(os.environ["PHASES"]).write_text("".join(f"{end}\n" for end in _ends))
