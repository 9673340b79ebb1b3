"""The real ledger as a desk: signed transactions, executed twice, in a database with full sync.

Only proofs are left out: a place for each is filled with zeros. What the processor spends in the
ledger is counted, apart from what homes spend on their own signatures.
"""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import process_time

from sqlalchemy import insert

from benches.growth.demand import DAY_S, Kind, Wish, neighbours
from benches.growth.desks import SHAPE, Batch
from protocol.accounts import Account
from protocol.channels import Channel, Lane, Status, pack_lane
from protocol.codec import account_to_json, channel_to_json
from protocol.crypto.schnorr import key_hash, public_key, sign
from protocol.errors import ProtocolError
from protocol.queue import Deposit, ForcedExit, NewAccount, QueueOp
from protocol.transactions import (
    Body,
    Claim,
    Close,
    Open,
    StartClose,
    TopUp,
    Transaction,
    Transfer,
    Withdraw,
)
from protocol.units import DAY_S as WINDOW_S
from sequencer.admission import Policy
from sequencer.book import L1Position, Rollup
from sequencer.errors import AdmissionError
from sequencer.final import AcceptedOnL1
from sequencer.ledger import L1Update, Ledger
from sequencer.receipts import ReceiptKey
from sequencer.sealing import SealedBatch, SealingPolicy
from sequencer.storage import meta
from sequencer.storage.database import Database, sqlite_url
from sequencer.storage.proofs import MadeProof
from sequencer.storage.schema import accounts, channels

NOW, DOMAIN, OPERATOR = 1_790_000_000, 7, 0
FUNDS_NTOK, DEPOSIT_NTOK, FEE_NTOK = 10**12, 10**9, 1_000
NO_PROOF = MadeProof(bytes(512), 0.0, None)


def _secret(home: int) -> int:
    return (0x6A0 << 64) + home + 1


def _sign(body: Body, *signers: int) -> Transaction:
    message = body.message(DOMAIN)  # type: ignore[union-attr]  # none of ours is a Finalize
    return Transaction(
        body, tuple(sign(_secret(home), message, home.to_bytes(32)) for home in signers)
    )


def make_street(database: Database, homes: int) -> None:
    """Accounts and channels of so many homes, as if they had always been there."""
    hashes = [key_hash(public_key(_secret(home))) for home in range(homes)]
    account_rows = [
        {
            "account_index": home,
            "leaf": json.dumps(
                account_to_json(Account(hashes[home], 0xC0DE + home, 0, FUNDS_NTOK, 0, 0))
            ),
        }
        for home in range(homes)
    ]
    channel_rows = []
    for slot, (a, b) in enumerate(neighbours(homes)):
        channel = Channel(
            a_index=a,
            b_index=b,
            epoch=slot,
            window_s=WINDOW_S,
            status=Status.OPEN,
            deadline=0,
            deposit_a_ntok=DEPOSIT_NTOK,
            deposit_b_ntok=DEPOSIT_NTOK,
            lane_ab=0,
            lane_ba=0,
            key_hash_a=hashes[a],
            key_hash_b=hashes[b],
        )
        channel_rows.append({"slot": slot, "leaf": json.dumps(channel_to_json(channel))})
    with database.write() as connection:
        connection.execute(insert(accounts), account_rows)
        connection.execute(insert(channels), channel_rows)
        meta.put(connection, meta.L1_BLOCK, 1)
        meta.put(connection, meta.L1_BLOCK_HASH, "0x" + "11" * 32)
        meta.put(connection, meta.L1_TIME, NOW)


@dataclass(slots=True)
class RealDesk:
    """See desks.Desk. `cpu_s`: what the ledger took."""

    folder: Path
    homes: int
    policy: SealingPolicy
    database_url: str | None = None
    cpu_s: float = 0.0
    refusals: list[str] = field(default_factory=list)
    _now: float = 0.0
    _block: int = 1
    _op: int = 0
    _wished: dict[str, tuple[Wish, float]] = field(default_factory=dict)
    _sealed: dict[int, SealedBatch] = field(default_factory=dict)
    ledger: Ledger = field(init=False)
    database: Database = field(init=False)

    def __post_init__(self) -> None:
        self.database = Database.open(self.database_url or sqlite_url(self.folder / "growth.db"))
        make_street(self.database, self.homes)
        self.ledger = Ledger(
            self.database,
            Rollup(DOMAIN, SHAPE, OPERATOR),
            Policy(minimum_fee_ntok=0, mempool_limit=10**6, party_limit=10**6),
            self.policy,
            ReceiptKey.derive(bytes(32)),
            lambda: self._now,
        )
        self.ledger.base_fee_wei = 1

    def kept_bytes(self) -> int:
        """Memory that one more kept state takes: what it does not share with the one before."""
        tracemalloc.start()
        copied = self.ledger.book.soft.state.copy()
        size, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert copied.accounts_root
        return size

    def close(self) -> None:
        self.database.close()

    @contextmanager
    def _counted(self, now: float) -> Iterator[None]:
        self._now, begun = now, process_time()
        try:
            yield
        finally:
            self.cpu_s += process_time() - begun

    def offer(self, wish: Wish, now: float) -> bool:
        """See Desk."""
        transaction = self._transaction(wish, NOW + int(now) + DAY_S)
        if transaction is None:
            return False
        try:
            with self._counted(now):
                id_ = self.ledger.submit(transaction)
        except (AdmissionError, ProtocolError) as error:
            self.refusals.append(type(error).__name__)
            return False
        self._wished[id_] = (wish, now)
        return True

    def _transaction(self, wish: Wish, until: int) -> Transaction | None:
        state, a, b = self.ledger.book.soft.state, wish.a, wish.b
        nonce = state.account(a).nonce
        match wish.kind:
            case Kind.TRANSFER:
                return _sign(Transfer(a, b, nonce, 5, FEE_NTOK, until), a)
            case Kind.WITHDRAW:
                return _sign(Withdraw(a, nonce, 5, FEE_NTOK, until), a)
            case Kind.OPEN:
                opened = Open(a, b, nonce, DEPOSIT_NTOK, FEE_NTOK, WINDOW_S, until)
                return _sign(opened, a)
        channel = state.find_channel(wish.slot)
        if channel is None:
            return None
        match wish.kind:
            case Kind.TOP_UP:
                return _sign(TopUp(channel.id, Lane.AB, nonce, 5, FEE_NTOK, until), a)
            case Kind.START_CLOSE:
                return _sign(StartClose(channel.id, Lane.AB, nonce, until), a)
            case Kind.CLAIM:
                return _sign(Claim(channel.id, Lane.AB, pack_lane(1_000, 50_000)), a)
            case _:
                lanes = pack_lane(3_000, 400_000), pack_lane(700, 90_000)
                deposits = channel.deposit_a_ntok, channel.deposit_b_ntok
                return _sign(Close(channel.id, *lanes, *deposits, until), a, b)

    def follow(self, ops: Sequence[Wish], now: float, l1_time: float) -> None:
        """See Desk."""
        self._observe(now, l1_time, tuple(self._queue_op(op) for op in ops), ())

    def _queue_op(self, wish: Wish) -> QueueOp:
        self._op += 1
        at = NOW + int(wish.at_s)
        match wish.kind:
            case Kind.DEPOSIT:
                return Deposit(self._op, at, wish.a, 1_000_000, 0xC0DE + wish.a)
            case Kind.FORCED_EXIT:
                return ForcedExit(self._op, at, wish.a, 0xC0DE + wish.a)
            case _:
                self.homes += 1
                index, owner = self.homes - 1, 0xC0DE + self.homes - 1
                hashed = key_hash(public_key(_secret(index)))
                return NewAccount(self._op, at, index, hashed, owner, FUNDS_NTOK, owner)

    def _observe(
        self,
        now: float,
        l1_time: float,
        ops: tuple[QueueOp, ...],
        batches: tuple[AcceptedOnL1, ...],
    ) -> None:
        self._block += 1
        position = L1Position(self._block, f"0x{self._block:064x}", NOW + int(l1_time))
        with self._counted(now):
            self.ledger.observe(L1Update(position, ops, batches))

    def seal(self, now: float, unproved: int) -> Batch | None:
        """See Desk."""
        with self._counted(now):
            sealed = self.ledger.seal()
        if sealed is None:
            return None
        self._sealed[sealed.number] = sealed
        wishes = tuple(self._wished.pop(one.id) for one in sealed.included)
        return Batch(sealed.number, len(sealed.proofs), wishes, len(sealed.ops))

    def proved(self, batch: Batch) -> None:
        """See Desk."""
        with self._counted(self._now):
            for place in range(batch.proofs):
                assert self.ledger.record_proof(self._sealed[batch.number], place, NO_PROOF)

    def final(self, batch: Batch, l1_time: float) -> None:
        """See Desk."""
        sealed = self._sealed.pop(batch.number)
        accepted = AcceptedOnL1(
            number=sealed.number,
            statements=sealed.proofs,
            ops=sealed.ops,
            l1_tx=f"0x{sealed.number:064x}",
            l1_block=self._block + 1,
            gas_used=300_000,
            calldata_bytes=3_000,
        )
        self._observe(self._now, l1_time, (), (accepted,))
