"""A corrected reading changes what was settled by it, by an adjustment, for sixty days."""

from __future__ import annotations

import pytest

from energy.errors import (
    CorrectionOutOfTurn,
    CorrectionsOver,
    FallingRegister,
    ImplausibleReading,
    NeedsCountersignature,
    NotSigned,
    UnknownMeter,
)
from energy.market.market import fold
from energy.meters.corrections import correct
from energy.meters.reading import Reading
from energy.meters.sample import Quality, Sample
from energy.meters.signing import Salts
from energy.settlement.dues import Due, Pair
from energy.settlement.flows import Stage
from energy.settlement.revise import corrected_until_ms
from tests.energy.community.streets import SIGNERS
from tests.energy.market.journals import entry
from tests.energy.market.street import (
    FIRST_QUARTER,
    METERS,
    Street,
    quarter,
    signed,
    trading,
)

SECOND_QUARTER = {1: (0, 1_500), 2: (0, 900), 3: (1_800, 0)}
WITH_GRID = tuple({1: (0, 600 * n), 2: (0, 900 * n), 3: (2_000 * n, 0)} for n in (1, 2, 3))
"""Registers at the ends of three quarters: home 3 buys 1,500 Wh in each, and 500 of the grid."""


def quarters(*registers: dict[int, tuple[int, int]]) -> Street:
    """Quarters of an hour of trade, by the registers at their ends."""
    made = trading()
    for number, shown in enumerate(registers, 1):
        made.read_all(quarter(number), shown)
        made.make_due(quarter(number))
    return made


def two_quarters() -> Street:
    return quarters(FIRST_QUARTER, SECOND_QUARTER)


def countersigned(document: bytes, account: int = 0) -> bytes:
    """With the signature of an account of the rollup, by default the community's own."""
    return signed(document, SIGNERS[account])


def correction(
    reading: Reading, registers: tuple[int, int], made_ms: int, home: int = 3, number: int = 1
) -> bytes:
    return correct(
        METERS[home],
        reading,
        registers,
        number=number,
        made_ms=made_ms,
        quality=Quality.MEASURED,
        reason="the register was read off wrongly",
    ).encoded


def test_a_corrected_reading_adjusts_both_intervals_that_it_ends() -> None:
    made = two_quarters()
    reading = made.readings[3][1]
    assert reading.import_wh == FIRST_QUARTER[3][0]
    less_wh = 100
    later_ms = quarter(500)
    right = (reading.import_wh - less_wh, 0)
    made.put(countersigned(correction(reading, right, later_ms)), later_ms)
    before = dict(made.market.periods.rounds[quarter(0)].owed)
    made.make_due(later_ms)
    for number, wh in ((0, right[0]), (1, SECOND_QUARTER[3][0] - right[0])):
        chain = made.market.periods.rounds[quarter(number)].chain
        assert [one.stage for one in chain[:2]] == [Stage.PROVISIONAL, Stage.CORRECTED]
        assert {one.home: one.import_wh for one in chain[-1].metered}[3] == wh
    now = made.market.periods.rounds[quarter(0)].owed
    assert (
        sum(due.energy_wh for due in now.values())
        == sum(due.energy_wh for due in before.values()) - less_wh
    )
    again = fold(made.entries)
    assert again.periods.owed == made.market.periods.owed


def test_a_second_correction_counts_from_the_first_on() -> None:
    made = two_quarters()
    reading, later_ms = made.readings[3][1], quarter(500)
    for number, less_wh in ((1, 100), (2, 40)):
        right = (reading.import_wh - less_wh, 0)
        made.put(countersigned(correction(reading, right, later_ms, number=number)), later_ms)
        made.make_due(later_ms)
        chain = made.market.periods.rounds[quarter(0)].chain
        shown = {one.home: one.import_wh for one in chain[-1].metered}
        assert (len(chain), shown[3]) == (number + 1, right[0])
    with pytest.raises(CorrectionOutOfTurn, match="the next one is 3"):
        made.put(correction(reading, right, later_ms, number=2), later_ms)


def test_what_cannot_be_corrected_is_refused_and_changes_nothing() -> None:
    made = two_quarters()
    reading, later_ms = made.readings[3][1], quarter(500)
    with pytest.raises(FallingRegister):
        made.put(correction(reading, (SECOND_QUARTER[3][0] + 1, 0), later_ms), later_ms)
    sample = Sample(reading.end_ms, reading.clock, 0, 0)
    stranger = METERS[5].record(None, sample, Salts(bytes(32), bytes(32)))
    with pytest.raises(UnknownMeter):
        made.put(correction(stranger, (0, 0), later_ms, home=5), later_ms)
    made.put(made.reading(3, quarter(2) + 60_000, 1_900, 0), quarter(2) + 60_000)
    unsettled = made.readings[3][-1]
    with pytest.raises(CorrectionOutOfTurn, match="nothing has been settled"):
        made.put(correction(unsettled, (1_850, 0), later_ms), later_ms)
    assert len(made.market.periods.rounds[quarter(0)].chain) == 1


def test_after_sixty_days_nothing_is_corrected_any_more() -> None:
    made = two_quarters()
    reading = made.readings[3][1]
    found = made.market.periods.rounds[quarter(0)]
    until_ms = corrected_until_ms(found.interval, found.rules)
    late = countersigned(correction(reading, (0, 0), until_ms + 1))
    with pytest.raises(CorrectionsOver):
        made.put(late, until_ms + 1)
    made.put(countersigned(correction(reading, (0, 0), until_ms)), until_ms)
    assert made.make_due(until_ms) >= 2


def test_less_of_what_a_neighbour_sold_needs_the_communitys_signature() -> None:
    made = two_quarters()
    reading, later_ms = made.readings[3][1], quarter(500)
    less = correction(reading, (reading.import_wh - 100, 0), later_ms)
    with pytest.raises(NeedsCountersignature, match=r"\(buy, .*\) from 900 to 800 Wh") as caught:
        made.put(less, later_ms)
    assert caught.value.start_ms == quarter(0)
    for account in (2, 3):
        with pytest.raises(NotSigned):
            made.put(countersigned(less, account), later_ms)
    assert made.make_due(later_ms) == 0
    made.put(countersigned(less), later_ms)
    with pytest.raises(CorrectionOutOfTurn, match="the next one is 2"):
        made.put(countersigned(less), later_ms)
    false = made.entries[:-1]
    fold(made.entries)
    bare = entry(false[-1], less, later_ms)
    with pytest.raises(NeedsCountersignature):  # whoever recomputes a market's journal
        fold([*false, bare])
    sold = made.readings[1][1]
    with pytest.raises(NeedsCountersignature, match=r"\(sell, .*\) from 600 to 500 Wh"):
        made.put(correction(sold, (0, sold.export_wh - 500), later_ms, home=1), later_ms)


def test_a_home_corrects_alone_what_only_the_grid_sold_and_what_was_more() -> None:
    """Home 3 took 500 Wh of the grid in each quarter beside the 1,500 that it bought."""
    for by_wh in (-500, 500):
        made = quarters(*WITH_GRID)
        reading, later_ms = made.readings[3][2], quarter(500)
        made.put(correction(reading, (reading.import_wh + by_wh, 0), later_ms), later_ms)
        assert made.make_due(later_ms) > 0
    made = quarters(*WITH_GRID)
    for by_wh, start_ms in ((-501, quarter(1)), (501, quarter(2))):
        with pytest.raises(NeedsCountersignature, match="from 1500 to 1499") as caught:
            made.put(correction(reading, (reading.import_wh + by_wh, 0), later_ms), later_ms)
        assert caught.value.start_ms == start_ms


def test_two_corrections_together_take_no_more_than_one() -> None:
    """The second is held against what the first has left, also before anything is adjusted."""
    made = quarters(*WITH_GRID)
    first, second = made.readings[3][1:3]
    later_ms = quarter(500)
    made.put(correction(first, (first.import_wh + 400, 0), later_ms), later_ms)
    less = correction(second, (second.import_wh - 400, 0), later_ms)
    with pytest.raises(NeedsCountersignature, match="from 1500 to 1200"):
        made.put(less, later_ms)


def test_a_reading_is_corrected_once_both_intervals_that_meet_in_it_are_settled() -> None:
    made = quarters(*WITH_GRID[:2])
    reading = made.readings[3][2]
    more = correction(reading, (reading.import_wh + 1, 0), quarter(2))
    with pytest.raises(CorrectionOutOfTurn, match="hand it in again then"):
        made.put(more, quarter(2))
    made.read_all(quarter(3), WITH_GRID[2])
    made.make_due(quarter(3))
    made.put(more, quarter(3))


def test_a_correction_may_leave_as_much_as_the_meter_could_show_at_first() -> None:
    """Read a minute before its start, an interval may show a minute more than its length."""
    most_wh = 10_000 * 15 // 60
    made = Street()
    made.begin()
    made.put(made.reading(3, quarter(0) - 60_000, 0, 0), quarter(0))
    made.read_all(quarter(0), {1: (0, 0), 2: (0, 0)})
    for number, more_wh in ((1, 150), (2, 1_000)):
        made.read_all(quarter(number), {1: (0, 0), 2: (0, 0), 3: (most_wh + more_wh, 0)})
        made.make_due(quarter(number))
    reading, later_ms = made.readings[3][1], quarter(500)
    with pytest.raises(ImplausibleReading):
        made.put(correction(reading, (most_wh + 168, 0), later_ms), later_ms)
    made.put(correction(reading, (most_wh + 149, 0), later_ms), later_ms)
    assert made.make_due(later_ms) == 2


def _owed_wh(owed: dict[Pair, Due]) -> int:
    return sum(due.energy_wh for due in owed.values())
