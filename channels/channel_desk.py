"""Closing and topping up: what a channel's owner asks for, until it is final."""

from __future__ import annotations

import asyncio

from channels.account import AccountDesk
from channels.box import Box
from channels.closes import CloseDesk
from channels.closing import close_transaction
from channels.errors import ChannelClosing, NotFinalInTime, SequencerRefused
from channels.rounds import Rounds
from channels.sequencer_client import SequencerClient


class ChannelDesk:
    """What one node does for its channels when it is told to."""

    def __init__(
        self, sequencer: SequencerClient, closes: CloseDesk, rounds: Rounds, account: AccountDesk
    ) -> None:
        self._sequencer = sequencer
        self._closes = closes
        self._rounds = rounds
        self._account = account

    async def close(self, box: Box, wait: bool, timeout_s: float) -> None:
        """See ChannelHandle.close."""
        if box.state.is_gone:
            raise ChannelClosing(box.channel_id)
        if not (box.state.close and box.state.close.peer_signature):
            await self._closes.agree(box)
        transaction = close_transaction(box.state)
        assert transaction is not None
        try:
            await self._sequencer.submit(transaction)
        except SequencerRefused as error:
            if error.reason_code != "UnknownChannel":  # the peer was faster
                raise
        self._rounds.hurry()
        if wait:
            await self._until_gone(box, timeout_s)

    async def force_close(self, box: Box, wait: bool, timeout_s: float) -> None:
        """See ChannelHandle.force_close."""
        await self._rounds.wish_to_force(box)
        await self._rounds.once()
        if wait:
            await self._until_gone(box, timeout_s)

    async def top_up(self, box: Box, amount_ntok: int, wait: bool, timeout_s: float) -> str:
        """See ChannelHandle.top_up."""
        box.require_wanted()
        submission = await self._account.top_up(box.channel_id, box.state.side, amount_ntok)
        if wait:
            await self._account.wait_final(submission, timeout_s)
            await self._rounds.once()
        return submission.transaction_id

    async def _until_gone(self, box: Box, timeout_s: float) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                while not box.state.is_gone:
                    await box.changed.wait()
        except TimeoutError:
            raise NotFinalInTime(f"the end of channel {box.channel_id:#x}", timeout_s) from None
