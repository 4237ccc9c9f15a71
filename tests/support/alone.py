"""Tests marked `alone` change what the whole machine has one of: no other test runs beside them.

Audit is such a thing: its rules and its switch are the machine's, and every watch on this machine
uses them, whichever worker of pytest-xdist started it.
"""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest


@contextmanager
def _locked(name: str, how: int) -> Iterator[None]:
    path = Path(tempfile.gettempdir()) / f"power-edge-tests-{os.getuid()}.{name}"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, how)
        yield
    finally:
        os.close(descriptor)


@pytest.fixture(scope="module", autouse=True)
def alone(request: pytest.FixtureRequest) -> Iterator[None]:
    """A module marked `alone` waits for the tests of other workers, and keeps new ones waiting."""
    if request.node.get_closest_marker("alone") is None:
        yield
        return
    # Whoever wants to run passes the door: without it, those beside would never all be out.
    with _locked("door", fcntl.LOCK_EX), _locked("room", fcntl.LOCK_EX):
        yield


@pytest.fixture(autouse=True)
def beside(request: pytest.FixtureRequest, alone: None) -> Iterator[None]:
    """Any other test runs beside others, but not beside one that is alone."""
    if request.node.get_closest_marker("alone") is not None:
        yield
        return
    with ExitStack() as room:
        with _locked("door", fcntl.LOCK_SH):
            room.enter_context(_locked("room", fcntl.LOCK_SH))
        yield
