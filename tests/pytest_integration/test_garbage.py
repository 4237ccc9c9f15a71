"""The search for garbage rests while the configuration is read, and goes on afterwards."""

import gc

import pytest

from power_edge.pytest_integration.garbage import without_garbage_collection


def test_no_garbage_is_searched_for_meanwhile() -> None:
    with without_garbage_collection():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_it_goes_on_after_an_error() -> None:
    with pytest.raises(pytest.UsageError), without_garbage_collection():
        raise pytest.UsageError
    assert gc.isenabled()


def test_it_stays_off_where_it_was_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gc, "isenabled", lambda: False)
    enabled: list[bool] = []
    monkeypatch.setattr(gc, "enable", lambda: enabled.append(True))
    monkeypatch.setattr(gc, "disable", lambda: None)
    with without_garbage_collection():
        pass
    assert enabled == []
