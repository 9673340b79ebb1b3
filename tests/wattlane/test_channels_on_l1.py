"""What batches have made of a home's channels: opened, raised, ended, together or by force."""

from __future__ import annotations

from dataclasses import replace

import pytest

from energy.bills.reckoning import OnL1
from protocol.channels import Lane, channel_id, pack_lane
from protocol.errors import ReplayMismatch
from protocol.queue import ForcedClaim, ForcedFinalize, NewAccount, QueueOp
from protocol.transactions import Open, StartClose
from protocol.units import DAY_S, L1_TIME_SLACK_S
from protocol.vouchers import voucher_message
from tests.protocol.street import ANNA, BERT, signed
from tests.wattlane.records import DOMAIN, FOR_EVER, FUNDS_NTOK, START, record, record_of
from wattlane.channels_on_l1 import channels_on_l1

FIRST, SECOND = channel_id(0, 1, 0), channel_id(0, 1, 1)
PAID, MORE = pack_lane(1_200, 240_000), pack_lane(900, 180_000)


def test_both_ways_to_end_a_channel() -> None:
    """By CLOSE, whose lanes no leaf ever holds, and by CLAIM and FINALIZE."""
    looked = channels_on_l1(record(), ANNA.index)
    assert looked.batches == 6
    first, second = looked.channels
    assert (first.channel_id, first.opened, first.ended) == (FIRST, 2, 3)
    assert first.on_l1 == (OnL1(3, Lane.AB, PAID),)
    assert (second.channel_id, second.opened, second.ended) == (SECOND, 2, 5)
    assert second.on_l1 == (OnL1(4, Lane.AB, MORE),)
    assert (second.lane_ab, second.lane_ba, second.side) == (MORE, 0, Lane.AB)
    assert {one.side for one in channels_on_l1(record(), BERT.index).channels} == {Lane.BA}
    assert channels_on_l1(record(), 7).channels == ()


def test_up_to_a_batch() -> None:
    """Nothing that came later is known then."""
    told: list[int] = []
    first, second = channels_on_l1(record(), 0, 3, told.append).channels
    assert (first.ended, second.ended, second.on_l1) == (3, 0, ())
    assert told == [1, 2, 3]


def test_what_was_forced_through_the_queue_counts_too() -> None:
    """A claim and an end that the operator left out of its batches."""
    deadline = START + 200 + L1_TIME_SLACK_S + DAY_S
    voucher = ANNA.sign(voucher_message(DOMAIN, FIRST, Lane.AB, PAID))
    sender = BERT.l1_address
    homes: list[QueueOp] = [
        NewAccount(number, START, home.index, home.key_hash, home.l1_address, FUNDS_NTOK, sender)
        for number, home in enumerate((ANNA, BERT), start=1)
    ]
    ops = (
        *homes,
        ForcedClaim(3, START + 250, 0, 0, Lane.AB, PAID, voucher, sender),
        ForcedFinalize(4, deadline + 10, 0, 0, sender),
    )
    opening = signed(Open(0, 1, 0, 400_000, 0, DAY_S, FOR_EVER), ANNA, domain=DOMAIN)
    closing = signed(StartClose(FIRST, Lane.BA, 0, FOR_EVER), BERT, domain=DOMAIN)
    made = record_of(
        ops,
        (
            (START + 10, [()]),
            (START + 100, [(opening,)]),
            (START + 200, [(closing,)]),
            (START + 300, [()]),
            (deadline + 20, [()]),
        ),
    )
    (found,) = channels_on_l1(made, BERT.index).channels
    assert (found.opened, found.ended, found.on_l1) == (2, 5, (OnL1(4, Lane.AB, PAID),))


def test_data_that_lead_elsewhere_are_refused() -> None:
    """A record with another root than its data give."""
    whole = record()
    proofs = whole.batches[1].submission.proofs
    wrong = replace(proofs[0], new_root=proofs[0].new_root + 1)
    submission = replace(whole.batches[1].submission, proofs=(wrong,))
    lie = replace(whole.batches[1], submission=submission)
    batches = (whole.batches[0], lie, *whole.batches[2:])
    with pytest.raises(ReplayMismatch, match="another root"):
        channels_on_l1(replace(whole, batches=batches), 0)
