from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.buckets import Buckets, Rate


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_is_taken_at_once_and_the_rest_at_the_rate() -> None:
    clock = Clock()
    buckets = Buckets(Rate(2.0, 3), clock)
    assert [buckets.take("a") for _ in range(4)] == [0, 0, 0, 0.5]
    clock.now = 0.5
    assert (buckets.wait_s("a"), buckets.take("a"), buckets.take("a")) == (0, 0, 0.5)
    assert buckets.take("b") == 0
    clock.now = 100
    assert [buckets.take("a") for _ in range(4)] == [0, 0, 0, 0.5]


def test_whoever_waits_as_long_as_told_is_served() -> None:
    clock = Clock()
    buckets = Buckets(Rate(7.0, 1), clock)
    for _ in range(1_000):
        wait_s = buckets.take("a")
        clock.now += wait_s + 1e-9 if wait_s else 0.0


def test_no_rate_is_no_limit_and_no_memory() -> None:
    buckets = Buckets(Rate(0.0, 0))
    assert not any(buckets.take(str(number)) for number in range(1_000))
    assert len(buckets) == 0


def test_memory_is_bounded_and_forgets_who_was_idle_for_longest() -> None:
    clock = Clock()
    buckets = Buckets(Rate(0.001, 1), clock, most_names=10)
    for number in range(10):
        assert buckets.take(str(number)) == 0
    assert buckets.take("5") > 0, "asking without success is no use of a bucket"
    assert buckets.take("new") == 0
    assert len(buckets) == 10
    assert buckets.take("1") > 0
    assert buckets.take("0") == 0, "the one that was idle for longest was forgotten"


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0, 3), max_size=60), st.integers(1, 5), st.floats(0.1, 5))
def test_never_more_than_burst_and_rate_in_any_stretch(
    pauses: list[float], burst: int, per_s: float
) -> None:
    clock = Clock()
    buckets, taken = Buckets(Rate(per_s, burst), clock), []
    for pause in pauses:
        clock.now += pause
        if buckets.take("a") == 0:
            taken.append(clock.now)
    for first in range(len(taken)):
        for last in range(first, len(taken)):
            stretch = taken[last] - taken[first]
            assert last - first + 1 <= burst + stretch * per_s + 1e-6
