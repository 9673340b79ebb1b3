"""The street, with everything that can be forced through the queue, garbage included.

What L1 checks when it enqueues is so here too; whether an op then applies is the executor's.
"""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import strategies as st
from hypothesis.stateful import rule

from protocol.channels import Channel, Lane
from protocol.crypto.field import R
from protocol.crypto.jubjub import IDENTITY, Point
from protocol.crypto.schnorr import Signature, sign
from protocol.queue import (
    ForcedClaim,
    ForcedExit,
    ForcedFinalize,
    ForcedStartClose,
    KeyChange,
    QueueOp,
)
from protocol.vouchers import voucher_message
from tests.property.executor_machine import ExecutorMachine
from tests.property.executor_model import DOMAIN, HASHES, SECRET_OF, SECRETS
from tests.property.strategies import lanes, numbers, sides, spoilt

GARBAGE_KEYS = (0, 5, R - 1)
garbage = st.sampled_from(
    [None] * 12
    + ["sender", "epoch", "slot", "lane", "domain", "key", "off the curve", "small key"]
    + ["s + l", "s", "r"]
)


class ForcedMachine(ExecutorMachine):
    """Every op of the queue, each right or wrong in one way."""

    def _owner(self, index: int) -> int:
        return 0xA000 + index

    def _promised(self, which: int) -> int:
        """An index that the contract has given: below its counter."""
        return which % self._accounts_promised()

    def _enqueue(self, make: Callable[[int, int], QueueOp]) -> None:
        self.l1_queue.append(make(len(self.l1_queue) + 1, self.now))

    def _at(self, which: int, lie: str | None) -> tuple[int, int, Channel]:
        """Slot and epoch as the op says them, and the channel that is meant."""
        channel = self._channel(which)
        slots = [slot for slot, one in self.state.channels.items() if one == channel]
        slot = slots[0] if slots else 2**24 - 1
        slot = (slot + 1) % 2**24 if lie == "slot" else slot
        return slot, channel.epoch + (lie == "epoch"), channel

    @rule(which=numbers, key=st.sampled_from([*HASHES * 4, *GARBAGE_KEYS]), lie=garbage)
    def a_key_change_is_forced(self, which: int, key: int, lie: str | None) -> None:
        index = self._promised(which)
        sender = self._owner(index) + (lie == "sender")
        self._enqueue(lambda number, now: KeyChange(number, now, index, key, sender))

    @rule(which=numbers, lie=garbage)
    def an_exit_is_forced(self, which: int, lie: str | None) -> None:
        index = self._promised(which)
        sender = self._owner(index) + (lie == "sender")
        self._enqueue(lambda number, now: ForcedExit(number, now, index, sender))

    @rule(which=numbers, side=sides, lie=garbage)
    def a_start_of_a_close_is_forced(self, which: int, side: Lane, lie: str | None) -> None:
        slot, epoch, channel = self._at(which, lie)
        sender = self._owner((channel.a_index, channel.b_index)[side]) + (lie == "sender")
        side = Lane(1 - side) if lie == "lane" else side
        self._enqueue(lambda number, now: ForcedStartClose(number, now, slot, epoch, side, sender))

    @rule(which=numbers, lane=sides, value=lanes, lie=garbage)
    def a_claim_is_forced(self, which: int, lane: Lane, value: int, lie: str | None) -> None:
        slot, epoch, channel = self._at(which, lie)
        domain = DOMAIN ^ (lie == "domain")
        secret = SECRET_OF.get(channel.key_hash(lane), SECRETS[0])
        if lie == "key":
            secret = 12_345
        message = voucher_message(domain, channel.id, lane, value)
        signature = spoilt(sign(secret, message, bytes(32)), lie)
        if lie == "off the curve":
            signature = Signature(Point(1, 2), Point(3, 4), signature.s)
        if lie == "small key":
            signature = Signature(IDENTITY, IDENTITY, 0)
        told = Lane(1 - lane) if lie == "lane" else lane
        self._enqueue(
            lambda number, now: ForcedClaim(number, now, slot, epoch, told, value, signature, 8)
        )

    @rule(which=numbers, lie=garbage)
    def an_end_is_forced(self, which: int, lie: str | None) -> None:
        slot, epoch, _ = self._at(which, lie)
        self._enqueue(lambda number, now: ForcedFinalize(number, now, slot, epoch, 8))

    @rule(
        which=numbers,
        side=sides,
        value=lanes,
        early_s=st.sampled_from([0, 0, 1]),
        claims=st.booleans(),
    )
    def a_household_closes_without_the_sequencer(
        self, which: int, side: Lane, value: int, early_s: int, claims: bool
    ) -> None:
        """A forced start, perhaps a claim, the window, a forced end (or one a second early)."""
        self.a_start_of_a_close_is_forced(which, side, None)
        if claims:
            self.a_claim_is_forced(which, Lane(1 - side), value, None)
        self._work_off()
        channel = self._channel(which)
        self.time_passes(max(channel.deadline - early_s - self.now, 0))
        self.an_end_is_forced(which, None)
        self._work_off()

    def _work_off(self) -> None:
        while self.consumed < len(self.l1_queue):
            self.the_queue_is_worked_off()
