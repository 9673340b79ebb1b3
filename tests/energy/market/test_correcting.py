"""A corrected reading changes what was settled by it, by an adjustment, for sixty days."""

from __future__ import annotations

import pytest

from energy.errors import CorrectionOutOfTurn, CorrectionsOver, FallingRegister, UnknownMeter
from energy.market.market import fold
from energy.meters.corrections import correct
from energy.meters.reading import Reading
from energy.meters.sample import Quality, Sample
from energy.meters.signing import Salts
from energy.settlement.dues import Due, Pair
from energy.settlement.flows import Stage
from energy.settlement.revise import corrected_until_ms
from tests.energy.market.street import FIRST_QUARTER, METERS, Street, quarter, trading

SECOND_QUARTER = {1: (0, 1_500), 2: (0, 900), 3: (1_800, 0)}


def two_quarters() -> Street:
    made = trading()
    for number, registers in ((1, FIRST_QUARTER), (2, SECOND_QUARTER)):
        made.read_all(quarter(number), registers)
        made.make_due(quarter(number))
    return made


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
    made.put(correction(reading, right, later_ms), later_ms)
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
        made.put(correction(reading, right, later_ms, number=number), later_ms)
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
    late = correction(reading, (0, 0), until_ms + 1)
    with pytest.raises(CorrectionsOver):
        made.put(late, until_ms + 1)
    made.put(correction(reading, (0, 0), until_ms), until_ms)
    assert made.make_due(until_ms) >= 2


def _owed_wh(owed: dict[Pair, Due]) -> int:
    return sum(due.energy_wh for due in owed.values())
