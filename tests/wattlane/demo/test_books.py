"""Energy and money settled are read back from L1's data alone."""

from __future__ import annotations

from dataclasses import replace

from protocol.channels import pack_lane
from tests.wattlane import records
from wattlane.demo.books import History, Settlement, history, payments

CLOSED = Settlement(0, 1, pack_lane(1_200, 240_000), 0, True)
FORCED = Settlement(0, 1, pack_lane(900, 180_000), 0, False)


def test_the_history_has_every_channel_with_its_last_lanes() -> None:
    assert history(records.record()) == History(2, (CLOSED, FORCED))


def test_a_claim_counts_only_through_the_end_that_follows_it() -> None:
    whole = records.record()
    batches = whole.batches[:4]
    unfinished = history(replace(whole, batches=batches))
    assert (unfinished.opened, unfinished.settlements) == (2, (CLOSED,))


def test_payments_are_summed_by_payer_and_payee() -> None:
    back = Settlement(1, 0, pack_lane(5, 1_000), pack_lane(7, 1_400), True)
    totals = payments([CLOSED, FORCED, back])
    assert totals == {(0, 1): (2_107, 421_400), (1, 0): (5, 1_000)}
    assert (CLOSED.energy_wh, CLOSED.paid_ntok) == (1_200, 240_000)
    assert (back.energy_wh, back.paid_ntok) == (12, 2_400)
