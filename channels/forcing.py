"""Forced ops on L1, each paid for once: signed and stored before it is sent, found again after.

`pursue` is called again and again while something is wanted. It sends the same bytes until they
are in a block (also after a reorg has dropped them), looks into L1's queue before it signs, and
stops when L1 has processed the op. Ref: docs/protocol.md section 4, "L1 queue".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import structlog

from channels.errors import ForcedOpVoid, L1Refused, QueueFeeTooHigh
from channels.forced import ForcedRecord, Wanted
from channels.l1 import Fate, ForcedL1

DEFAULT_MAX_QUEUE_FEE_WEI = 10**15
"""Above 64 times the contract's default base of 10^13 wei: the fee's own ceiling."""

STUCK_S = 600
"""A transaction this old that is in no block is signed again with the same nonce and more tip."""

_log = structlog.get_logger(__name__)


class ForcedRecords(Protocol):
    """Where records survive a crash."""

    def load_forced(self) -> Sequence[ForcedRecord]:
        """All that were saved and not dropped."""
        ...

    async def save_forced(self, record: ForcedRecord) -> None:
        """Returns when it is on disk."""
        ...

    async def drop_forced(self, key: str) -> None:
        """Returns when it is gone from disk."""
        ...


class ForcedDesk:
    """Forced ops of one L1 account. `max_fee_wei`: the most that one may cost besides gas."""

    def __init__(self, l1: ForcedL1, records: ForcedRecords, max_fee_wei: int) -> None:
        self._l1 = l1
        self._records = records
        self._max_fee_wei = max_fee_wei
        self._known = {one.key: one for one in records.load_forced()}

    def record_of(self, wanted: Wanted) -> ForcedRecord | None:
        """What was signed for it, if anything."""
        return self._known.get(wanted.key)

    async def pursue(self, wanted: Wanted, processed: int) -> None:
        """Bring it a step nearer to L1's queue.

        `processed`: number of the last op that L1 has processed in the block whose root shows it
        still wanted. Raises QueueFeeTooHigh, ForcedOpVoid, L1Refused, L1Unreachable, StoreFailed.
        """
        record = self._known.get(wanted.key)
        if record is None:
            await self._begin(wanted, processed)
            return
        if record.is_void:
            raise ForcedOpVoid(wanted.key, record.op_number or 0)
        fate = await self._l1.fate(record.signed)
        if fate is None:
            await self._send_again(wanted, record, processed)
        else:
            await self._in_a_block(wanted, record, fate, processed)

    async def _begin(self, wanted: Wanted, processed: int) -> None:
        own = self._l1.l1_address
        for op in await self._l1.ops_after(processed):
            if wanted.is_met_by(op, own):
                _log.info("already in L1's queue", wanted=wanted.key, op=op.number)
                return
        await self._sign_and_send(wanted)

    async def _sign_and_send(self, wanted: Wanted, stuck: ForcedRecord | None = None) -> None:
        fee_wei = await self._l1.queue_fee_wei()
        if fee_wei > self._max_fee_wei:
            raise QueueFeeTooHigh(fee_wei, self._max_fee_wei)
        # The fee can double before the block comes; what is not needed comes back.
        value_wei = min(2 * fee_wei, self._max_fee_wei)
        replacing = None if stuck is None else stuck.signed
        signed = await self._l1.sign_forced(wanted, value_wei, replacing)
        record = ForcedRecord(wanted.key, signed, await self._l1.head_time())
        await self._save(record)
        if await self._l1.send(signed):
            _log.warning("forced on L1", wanted=wanted.key, transaction=signed.transaction_hash)

    async def _send_again(self, wanted: Wanted, record: ForcedRecord, processed: int) -> None:
        """In no block: never sent, still waiting, or dropped by a reorg."""
        if not await self._l1.send(record.signed):
            # Its nonce is used: by a replacement of it, which the queue shows, or by a stranger.
            await self._forget(record)
            await self._begin(wanted, processed)
        elif await self._l1.head_time() >= record.signed_at + STUCK_S:
            await self._sign_and_send(wanted, record)

    async def _in_a_block(
        self, wanted: Wanted, record: ForcedRecord, fate: Fate, processed: int
    ) -> None:
        if fate.op_number is None:
            await self._forget(record)
            raise L1Refused(wanted.key, "its transaction reverted")
        if fate.op_number != record.op_number:
            record = replace(record, op_number=fate.op_number)
            await self._save(record)
        if processed >= fate.op_number:
            # The root that shows it still wanted has the op behind it: paying for it again would
            # change nothing either.
            await self._save(replace(record, is_void=True))
            raise ForcedOpVoid(wanted.key, fate.op_number)

    async def _save(self, record: ForcedRecord) -> None:
        await self._records.save_forced(record)
        self._known[record.key] = record

    async def _forget(self, record: ForcedRecord) -> None:
        await self._records.drop_forced(record.key)
        del self._known[record.key]
