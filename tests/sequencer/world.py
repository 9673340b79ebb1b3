"""A ledger over a real database, with L1 and the clock moved by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from protocol.batch import Shape
from protocol.queue import Deposit, NewAccount, QueueOp
from protocol.transactions import Body, Open, Transaction, Transfer
from protocol.units import DAY_S
from sequencer.admission import Policy
from sequencer.book import L1Position, Rollup
from sequencer.final import AcceptedOnL1
from sequencer.ledger import L1Update, Ledger
from sequencer.receipts import ReceiptKey
from sequencer.sealing import SealedBatch, SealingPolicy
from sequencer.storage.database import Database, sqlite_url
from sequencer.storage.proofs import MadeProof
from sequencer.views import Views
from tests.protocol.street import ANNA, BERT, CARL, DOMAIN, FUNDS_NTOK, NOW, Home, signed

SHAPE = Shape(queue_slots=3, user_slots=4)
OPERATOR = CARL
FEE_NTOK = 10
POLICY = Policy(minimum_fee_ntok=FEE_NTOK, mempool_limit=50, party_limit=20)
RECEIPT_KEY = ReceiptKey.derive(b"operator" * 4)
PROOF = bytes(512)
MADE = MadeProof(PROOF, 1.5, 1_000)


class World:
    """What a test moves: `clock_s`, L1's time and block, and the ops in its queue."""

    def __init__(
        self,
        path: Path,
        policy: Policy = POLICY,
        shape: Shape = SHAPE,
        domain: int = DOMAIN,
        proofs_per_batch: int = 1,
        url: str | None = None,
    ) -> None:
        """`url`: of another database than the SQLite file at `path`."""
        self.path, self.url, self.policy, self.clock_s = path, url, policy, 1_000.0
        self.sealing = SealingPolicy(20.0, sealed_ahead=3, proofs_per_batch=proofs_per_batch)
        self.rollup = Rollup(domain, shape, OPERATOR.index)
        self.l1_time, self.block, self.enqueued = NOW, 10, 0
        self.accepted: list[AcceptedOnL1] = []
        self.start()

    def start(self) -> None:
        """Open the database and execute what it says."""
        self.database = Database.open(self.url or sqlite_url(self.path))
        self.ledger = Ledger(
            self.database,
            self.rollup,
            self.policy,
            self.sealing,
            RECEIPT_KEY,
            lambda: self.clock_s,
        )

    def restart(self) -> None:
        self.close()
        self.start()

    def close(self) -> None:
        self.database.close()

    def open_street(self) -> None:
        """Three accounts by the queue, in final batch 1."""
        self.new_accounts(ANNA, BERT, CARL)
        self.to_final(self.sealed())

    # -------------------------------------------------------------------- L1

    def new_accounts(self, *homes: Home) -> None:
        self.enqueue(
            *(
                NewAccount(
                    0, 0, home.index, home.key_hash, home.l1_address, FUNDS_NTOK, home.l1_address
                )
                for home in homes
            )
        )

    def deposit(self, index: int, amount_ntok: int) -> None:
        self.enqueue(Deposit(0, 0, index, amount_ntok, 7))

    def enqueue(self, *ops: QueueOp) -> None:
        """Ops become final in a new block."""
        self.l1_time += 12
        numbered = []
        for op in ops:
            self.enqueued += 1
            numbered.append(replace(op, number=self.enqueued, enqueue_time=self.l1_time))
        self.new_block(ops=tuple(numbered), seconds=0)

    def new_block(
        self,
        ops: tuple[QueueOp, ...] = (),
        batches: tuple[AcceptedOnL1, ...] = (),
        seconds: int = 12,
    ) -> None:
        self.l1_time += seconds
        self.block += 1
        position = L1Position(self.block, f"0x{self.block:064x}", self.l1_time)
        self.ledger.observe(L1Update(position, ops, batches))

    # -------------------------------------------------------------------- batches

    def sealed(self) -> SealedBatch:
        batch = self.ledger.seal(at_once=True)
        assert batch is not None
        return batch

    def proved(self) -> SealedBatch:
        batch = self.sealed()
        assert self.prove(batch)
        return batch

    def prove(self, batch: SealedBatch) -> bool:
        """Keep a proof for each place; whether all were waited for."""
        kept = [self.ledger.record_proof(batch, i, MADE) for i in range(len(batch.proofs))]
        return all(kept)

    def to_final(self, batch: SealedBatch) -> None:
        self.prove(batch)
        self.new_block(batches=(on_l1(batch, self.block + 1),))

    def submit(self, body: Body, *signers: Home) -> str:
        return self.ledger.submit(signed(body, *signers))

    def status(self, id_: str) -> str:
        """A transaction's status as users see it."""
        return str(Views(self.ledger).transaction(id_)["status"])

    @property
    def later(self) -> int:
        return self.l1_time + 3_600

    def transfer(
        self, nonce: int = 0, amount_ntok: int = 5, sender: Home = ANNA, to: Home = BERT
    ) -> Transaction:
        body = Transfer(sender.index, to.index, nonce, amount_ntok, FEE_NTOK, self.later)
        return signed(body, sender)

    def open_channel(self, nonce: int = 0, deposit_ntok: int = 500) -> Transaction:
        body = Open(0, 1, nonce, deposit_ntok, FEE_NTOK, DAY_S, self.later)
        return signed(body, ANNA)


def on_l1(batch: SealedBatch, block: int = 20) -> AcceptedOnL1:
    """The batch as L1 shows it."""
    return AcceptedOnL1(
        number=batch.number,
        statements=batch.proofs,
        ops=batch.ops,
        l1_tx=f"0x{batch.number:064x}",
        l1_block=block,
        gas_used=300_000,
        calldata_bytes=3_000,
    )
