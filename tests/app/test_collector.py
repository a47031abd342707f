"""The garbage collector is kept away from what stays, and is back at work afterwards."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from cqrs_nest.common.collector import made_to_stay


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    gc.unfreeze()
    yield
    gc.unfreeze()
    gc.enable()


def test_elsewhere_than_in_lambda_it_works_on() -> None:
    with made_to_stay():
        assert gc.isenabled()
    assert gc.get_freeze_count() == 0


def test_in_lambda_it_stops_also_for_what_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "todo")

    def fail() -> None:
        with made_to_stay():
            assert not gc.isenabled()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert gc.isenabled()
    assert gc.get_freeze_count() > 0


def test_one_that_was_off_stays_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "todo")
    gc.disable()
    with made_to_stay():
        assert not gc.isenabled()
    assert not gc.isenabled()


def test_makers_at_the_same_time_leave_it_at_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "todo")
    for first_ends_first in (True, False):
        one, other = made_to_stay(), made_to_stay()
        one.__enter__()
        other.__enter__()
        before, after = (one, other) if first_ends_first else (other, one)
        before.__exit__(None, None, None)
        assert not gc.isenabled()
        after.__exit__(None, None, None)
        assert gc.isenabled()
