"""A forced op is paid for once, whatever crashes, reorgs or others do in between."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from channels.errors import ForcedOpVoid, L1Refused, QueueFeeTooHigh
from channels.forced import ForcedRecord, SignedL1, WantClaim, Wanted, WantFinalize, WantStartClose
from channels.forcing import STUCK_S, ForcedDesk
from channels.l1 import Fate
from protocol.channels import Lane
from protocol.queue import ForcedClaim, ForcedFinalize, ForcedStartClose, QueueOp
from tests.channels.street import BEN, LEAF, NOW, voucher

OWN = 0xB0B
FEE_WEI = 10**13
MAX_WEI = 10**15
CLAIM = WantClaim(3, voucher(5 << 40))
EPOCH = LEAF.epoch


class Disk:
    """Records that survive the desk."""

    def __init__(self) -> None:
        self.records: dict[str, ForcedRecord] = {}

    def load_forced(self) -> Sequence[ForcedRecord]:
        return list(self.records.values())

    async def save_forced(self, record: ForcedRecord) -> None:
        self.records[record.key] = record

    async def drop_forced(self, key: str) -> None:
        del self.records[key]


class L1:
    """An L1 with one sender: its blocks are mined by the test."""

    l1_address = OWN

    def __init__(self, disk: Disk) -> None:
        self.disk = disk
        self.time, self.fee_wei, self.nonce = NOW, FEE_WEI, 7
        self.ops: list[QueueOp] = []
        self.pool: list[SignedL1] = []
        self.mined: dict[str, int | None] = {}
        self.used: set[int] = set()
        self.values: list[int] = []
        self.dies_before_sending = False

    async def head_time(self) -> int:
        return self.time

    async def queue_fee_wei(self) -> int:
        return self.fee_wei

    async def ops_after(self, number: int) -> tuple[QueueOp, ...]:
        return tuple(op for op in self.ops if op.number > number)

    async def sign_forced(
        self, wanted: Wanted, value_wei: int, replacing: SignedL1 | None = None
    ) -> SignedL1:
        self.values.append(value_wei)
        nonce = self.nonce if replacing is None else replacing.nonce
        return SignedL1(f"0x{len(self.values):064x}", wanted.key.encode(), nonce)

    async def send(self, signed: SignedL1) -> bool:
        stored = {record.signed.transaction_hash for record in self.disk.records.values()}
        assert signed.transaction_hash in stored, "it is on disk before it leaves"
        if self.dies_before_sending:
            raise KeyboardInterrupt
        if signed.nonce in self.used and signed.transaction_hash not in self.mined:
            return False
        if signed not in self.pool and signed.transaction_hash not in self.mined:
            self.pool.append(signed)
        return True

    async def fate(self, signed: SignedL1) -> Fate | None:
        if signed.transaction_hash not in self.mined:
            return None
        return Fate(self.mined[signed.transaction_hash])

    def mine(self, signed: SignedL1 | None = None, *, reverts: bool = False) -> None:
        """Put the newest transaction of the pool (or this one) into a block."""
        one = signed or self.pool[-1]
        self.pool = [other for other in self.pool if other.nonce != one.nonce]
        self.used.add(one.nonce)
        self.nonce = one.nonce + 1
        self.mined[one.transaction_hash] = None if reverts else len(self.ops) + 1
        if not reverts:
            self.ops.append(claim_op(len(self.ops) + 1))

    def reorg(self) -> None:
        """The newest op and its block were never there; the transaction is lost."""
        number = len(self.ops)
        self.ops.pop()
        name = next(key for key, found in self.mined.items() if found == number)
        del self.mined[name]
        self.used.clear()


def claim_op(number: int, sender: int = OWN, wanted: WantClaim = CLAIM) -> ForcedClaim:
    given = wanted.voucher
    return ForcedClaim(
        number, NOW, wanted.slot, EPOCH, given.lane, given.lane_value, given.signature, sender
    )


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture
def l1(disk: Disk) -> L1:
    return L1(disk)


def desk(l1: L1, max_wei: int = MAX_WEI) -> ForcedDesk:
    """A desk as a process that has just started."""
    return ForcedDesk(l1, l1.disk, max_wei)


async def test_is_sent_once_however_often_it_is_wanted_and_restarted(l1: L1, disk: Disk) -> None:
    await desk(l1).pursue(CLAIM, 0)
    for _ in range(3):
        await desk(l1).pursue(CLAIM, 0)
    assert len(l1.pool) == len(l1.values) == 1
    l1.mine()
    for _ in range(3):
        await desk(l1).pursue(CLAIM, 0)
    assert (len(l1.ops), len(l1.values), l1.pool) == (1, 1, [])
    assert disk.records[CLAIM.key].op_number == 1


async def test_a_crash_between_signing_and_sending_sends_the_same_bytes(l1: L1) -> None:
    l1.dies_before_sending = True
    with pytest.raises(KeyboardInterrupt):
        await desk(l1).pursue(CLAIM, 0)
    l1.dies_before_sending = False
    await desk(l1).pursue(CLAIM, 0)
    assert len(l1.values) == len(l1.pool) == 1


async def test_an_equal_op_in_the_queue_is_not_paid_for_again(l1: L1, disk: Disk) -> None:
    l1.ops.append(claim_op(1, sender=0xE1E))
    await desk(l1).pursue(CLAIM, 0)
    assert (l1.values, disk.records) == ([], {})
    await desk(l1).pursue(CLAIM, 1)  # that one is processed, and the lane is still too low
    assert len(l1.values) == 1


async def test_reorg_that_drops_a_forced_op_sends_it_again(l1: L1) -> None:
    first = desk(l1)
    await first.pursue(CLAIM, 0)
    l1.mine()
    await first.pursue(CLAIM, 0)
    l1.reorg()
    await first.pursue(CLAIM, 0)
    assert len(l1.pool) == 1
    l1.mine()
    await desk(l1).pursue(CLAIM, 0)
    assert (len(l1.ops), len(l1.values)) == (1, 1)


async def test_reorg_that_gives_its_nonce_away_signs_anew(l1: L1) -> None:
    await desk(l1).pursue(CLAIM, 0)
    l1.mine()
    l1.reorg()
    l1.used.add(7)  # a deposit of the same account took the nonce
    l1.nonce = 8
    await desk(l1).pursue(CLAIM, 0)
    assert len(l1.values) == 2
    assert [one.nonce for one in l1.pool] == [8]


async def test_what_does_not_get_into_a_block_is_replaced_under_its_nonce(l1: L1) -> None:
    await desk(l1).pursue(CLAIM, 0)
    (stuck,) = l1.pool
    l1.time += STUCK_S
    await desk(l1).pursue(CLAIM, 0)
    assert [one.nonce for one in l1.pool] == [7, 7]
    l1.mine(stuck)  # of all things the old one lands
    await desk(l1).pursue(CLAIM, 0)
    await desk(l1).pursue(CLAIM, 0)
    assert (len(l1.ops), len(l1.values), l1.pool) == (1, 2, [])


async def test_an_op_that_changed_nothing_is_not_repeated(l1: L1) -> None:
    await desk(l1).pursue(CLAIM, 0)
    l1.mine()
    for processed in (1, 1, 5):
        with pytest.raises(ForcedOpVoid):
            await desk(l1).pursue(CLAIM, processed)
    assert len(l1.values) == 1


async def test_a_transaction_that_reverted_is_named_and_tried_again(l1: L1, disk: Disk) -> None:
    await desk(l1).pursue(CLAIM, 0)
    l1.mine(reverts=True)
    with pytest.raises(L1Refused):
        await desk(l1).pursue(CLAIM, 0)
    assert disk.records == {}
    await desk(l1).pursue(CLAIM, 0)
    assert len(l1.values) == 2


async def test_never_pays_more_than_its_owner_allows(l1: L1) -> None:
    l1.fee_wei = MAX_WEI + 1
    with pytest.raises(QueueFeeTooHigh):
        await desk(l1).pursue(CLAIM, 0)
    assert l1.values == []
    l1.fee_wei = MAX_WEI - 1
    await desk(l1).pursue(CLAIM, 0)
    assert l1.values == [MAX_WEI]  # twice the fee would be more


OTHER = ForcedClaim(1, NOW, 3, EPOCH, Lane.AB, 5 << 40, voucher(5 << 40, by=BEN).signature, OWN)
CLOSE = WantStartClose(3, LEAF.id, Lane.BA)
FINALIZE = WantFinalize(3, LEAF.id, NOW)


@pytest.mark.parametrize(
    ("wanted", "op", "met"),
    [
        (CLAIM, claim_op(1), True),
        (CLAIM, claim_op(1, sender=1), True),
        (CLAIM, OTHER, False),
        (CLAIM, claim_op(1, wanted=WantClaim(4, CLAIM.voucher)), False),
        (CLAIM, ForcedFinalize(1, NOW, 3, EPOCH, OWN), False),
        (CLOSE, ForcedStartClose(1, NOW, 3, EPOCH, Lane.BA, OWN), True),
        (CLOSE, ForcedStartClose(1, NOW, 3, EPOCH, Lane.AB, OWN), False),
        (CLOSE, ForcedStartClose(1, NOW, 3, EPOCH, Lane.BA, 1), False),
        (CLOSE, ForcedStartClose(1, NOW, 3, 9, Lane.BA, OWN), False),
        (FINALIZE, ForcedFinalize(1, NOW, 3, EPOCH, 1), True),
        (WantFinalize(3, LEAF.id, NOW + 1), ForcedFinalize(1, NOW, 3, EPOCH, 1), False),
        (FINALIZE, ForcedFinalize(1, NOW, 4, EPOCH, 1), False),
    ],
)  # fmt: skip
def test_which_op_in_the_queue_does_it(wanted: Wanted, op: QueueOp, met: bool) -> None:
    assert wanted.is_met_by(op, OWN) is met
