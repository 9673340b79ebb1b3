"""What a node says that it holds is on its disk: what is only on its way there is not shown."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import cast

from channels.box import Box
from channels.copy_desk import CopyDesk
from channels.frames import Ask
from channels.records import Change
from channels.sessions import Session
from channels.standings import Payer, StandingDesk
from channels.store import Store
from tests.channels.street import ANN, BEN, CLOCK, LEAF, PAYMENT, POLICY, ben, voucher


class SlowStore:
    """A store whose barrier takes until a later voucher was taken, and is not on disk yet."""

    def __init__(self, box: Box) -> None:
        self._box = box

    def write(self, *_: Change) -> asyncio.Future[None]:
        """What was handed in before is on disk; meanwhile another voucher came."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        later = voucher(PAYMENT.on(self._box.state.received_lane))
        self._box.state = replace(self._box.state, received=later)
        done.set_result(None)
        return done


class FromAnn:
    """A session with Ann."""

    peer_index = ANN.index


async def test_c7_a_voucher_that_is_not_on_disk_yet_is_not_shown() -> None:
    held = voucher(PAYMENT.on(0))
    box = Box(replace(ben(), received=held))
    desk = StandingDesk(
        Payer(BEN.sign, BEN.key_hash, POLICY, 1.0),
        cast(Store, SlowStore(box)),
        {LEAF.id: box},
        lambda: CLOCK,
        cast(CopyDesk, None),
    )
    standing = await desk.standing(cast(Session, FromAnn()), Ask(1, LEAF.id))
    assert standing.received == held
    assert box.state.received_lane > held.lane_value
