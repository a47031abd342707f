from hypothesis import given
from hypothesis import strategies as st

from cqrs_nest.core.expiring_map import FEW, ExpiringMap

STEPS = st.lists(
    st.tuples(st.sampled_from("abcdef"), st.floats(0, 5), st.floats(0, 3), st.booleans()), max_size=60
)


@given(STEPS)
def test_it_has_what_has_not_expired(steps: list[tuple[str, float, float, bool]]) -> None:
    kept = ExpiringMap[str, int]()
    expected: dict[str, tuple[float, int]] = {}
    now = 0.0
    for number, (key, lifetime, pause, is_forgotten) in enumerate(steps):
        if is_forgotten:
            kept.forget(key)
            expected.pop(key, None)
        else:
            kept.put(key, number, until=now + lifetime, now=now)
            expected[key] = now + lifetime, number
        now += pause
        for each in "abcdef":
            until, value = expected.get(each, (0.0, 0))
            assert kept.get(each, now) == (value if now < until else None)


@given(STEPS)
def test_it_holds_no_more_than_it_may(steps: list[tuple[str, float, float, bool]]) -> None:
    kept = ExpiringMap[str, int](most=3)
    now, newest = 0.0, list[str]()
    for number, (key, lifetime, pause, _) in enumerate(steps):
        kept.put(key, number, until=now + 1 + lifetime, now=now)
        newest = [*(each for each in newest if each != key), key][-3:]
        assert len(kept) <= 3
        assert all(kept.get(each, now) is None for each in set("abcdef") - set(newest))
        now += pause


def test_what_has_expired_makes_room() -> None:
    kept = ExpiringMap[int, str]()
    for number in range(1000):
        kept.put(number, "x", until=number + 10.0, now=number)
        assert len(kept) <= 10


def test_what_has_expired_makes_room_behind_one_that_lasts_longer() -> None:
    kept = ExpiringMap[int, str]()
    kept.put(-1, "lasts", until=1e9, now=0.0)
    for number in range(10_000):
        kept.put(number, "x", until=number + 10.0, now=number)
        assert len(kept) <= FEW
    assert kept.get(-1, 10_000.0) == "lasts"
    assert kept.get(9_999, 10_000.0) == "x"


class Moment(float):
    """Counts how often it is asked whether it is over."""

    asked = 0

    def __le__(self, other: float) -> bool:
        Moment.asked += 1
        return super().__le__(other)


def test_looking_for_what_has_expired_costs_a_put_no_more_the_more_there_is() -> None:
    kept = ExpiringMap[int, str]()
    for number in range(20_000):
        kept.put(number, "x", until=Moment(1e9), now=number)
    assert FEW < Moment.asked < 2 * 20_000


def test_what_has_expired_when_it_comes_is_not_kept() -> None:
    kept = ExpiringMap[str, str]()
    kept.put("a", "x", until=1.0, now=1.0)
    assert len(kept) == 0
