"""A home that leaves the community is paid, corrected and billed for all that came before."""

from __future__ import annotations

import pytest

from energy.community.rules import Side
from energy.errors import UnknownMember, UnknownMeter
from energy.market.market import fold
from energy.market.periods import GRACE_MS
from energy.meters.commitments import close_day
from energy.meters.corrections import correct
from energy.meters.sample import Quality
from tests.energy.community.streets import START_MS
from tests.energy.market.street import FIRST_QUARTER, METERS, quarter, trading

SECOND_QUARTER = {1: (0, 1_500), 2: (0, 900)}
DAY_MS = 86_400_000


def test_the_interval_in_which_a_home_leaves_is_its_last() -> None:
    made = trading()
    made.leaves(3, (quarter(0) + quarter(1)) // 2)
    made.read_all(quarter(1), FIRST_QUARTER)
    assert made.make_due(quarter(1)) == 2
    last = made.market.periods.rounds[quarter(0)]
    assert {one.buyer for one in last.clearing.trades} == {3}
    assert [one.import_wh for one in last.chain[-1].metered if one.home == 3] == [900]
    with pytest.raises(UnknownMeter):
        made.put(made.reading(3, quarter(2), 1_800, 0), quarter(2))
    made.read_all(quarter(2), SECOND_QUARTER)
    assert made.make_due(quarter(2)) == 2
    assert made.market.periods.rounds[quarter(1)].clearing.trades == ()
    assert fold(made.entries).periods.owed == made.market.periods.owed


def test_its_late_readings_its_corrections_and_its_day_are_taken_after_it_has_left() -> None:
    made = trading()
    made.read_all(quarter(1), FIRST_QUARTER)
    made.make_due(quarter(1))
    late = made.reading(3, quarter(2), 1_800, 0)
    made.read_all(quarter(2), SECOND_QUARTER)
    made.make_due(quarter(2) + GRACE_MS)
    made.leaves(3, quarter(3))
    made.put(late, quarter(3))
    assert made.make_due(quarter(3)) == 1
    adjusted = made.market.periods.rounds[quarter(1)].chain[-1]
    assert [one.import_wh for one in adjusted.metered if one.home == 3] == [900]
    first = made.readings[3][1]
    more = correct(
        METERS[3],
        first,
        (first.import_wh + 100, 0),
        number=1,
        made_ms=quarter(3) + 1,
        quality=Quality.MEASURED,
        reason="misread",
    )
    made.put(more.encoded, quarter(3) + 1)
    assert made.make_due(quarter(3) + 1) == 2
    day = close_day(METERS[3], START_MS, START_MS + DAY_MS, 0, [bytes(32)])
    made.put(day.encoded, quarter(96))
    made.put(made.funds(3, quarter(96), paid={1: (600, 1)}), quarter(96))
    after = close_day(METERS[3], START_MS + DAY_MS, START_MS + 2 * DAY_MS, 1, [bytes(32)])
    with pytest.raises(UnknownMeter):
        made.put(after.encoded, quarter(192))
    with pytest.raises(UnknownMember):
        made.put(made.order(3, Side.BUY, None), quarter(192))
