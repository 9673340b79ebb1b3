"""What L1 finally accepted, and the leaves that it changed.

A batch that this database did not make is rebuilt from its data alone (C6), so a sequencer whose
database was lost, or that another one stood in for, goes on from where L1 is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from protocol.accounts import Account
from protocol.batch import Statement
from protocol.blobs import blob_of
from protocol.channels import Channel
from protocol.data import unpack_header
from protocol.errors import ReplayMismatch
from protocol.queue import QueueOp
from protocol.replay import replay_proof
from protocol.state import AccountUpdate, State
from protocol.trace import QueueTrace, UserTrace
from sequencer.errors import ForeignBatch
from sequencer.sealing import DataMode, SealedBatch


@dataclass(frozen=True, slots=True)
class AcceptedOnL1:
    """A batch as its L1 transaction holds it: what each proof states, and all ops consumed.

    `versioned_hash`: of the blob that holds its data; None where they are in calldata.
    """

    number: int
    statements: tuple[Statement, ...]
    ops: tuple[QueueOp, ...]
    l1_tx: str
    l1_block: int
    gas_used: int | None
    calldata_bytes: int
    versioned_hash: bytes | None = None

    @property
    def data_mode(self) -> DataMode:
        """Where its data are."""
        return DataMode.CALLDATA if self.versioned_hash is None else DataMode.BLOB

    @property
    def blob(self) -> bytes:
        """The blob of all its data."""
        return blob_of([element for one in self.statements for element in one.data])

    @property
    def old_root(self) -> int:
        """Where the first proof begins."""
        return self.statements[0].old_root

    @property
    def new_root(self) -> int:
        """Where the last proof ends."""
        return self.statements[-1].new_root

    def is_same(self, sealed: SealedBatch) -> bool:
        """Whether it is this one of ours: equal roots and digests are equal contents."""
        return _says(self.statements) == _says(sealed.proofs)


def _says(proofs: Sequence[Statement]) -> list[tuple[int, int]]:
    return [(proof.new_root, proof.digest) for proof in proofs]


@dataclass(frozen=True, slots=True)
class ChangedLeaves:
    """Leaves as they are now; None is an emptied channel slot."""

    accounts: dict[int, Account]
    channels: dict[int, Channel | None]


def changed_by(batch: SealedBatch) -> ChangedLeaves:
    """The leaves that our own batch wrote, from its traces."""
    changed = ChangedLeaves({}, {})
    for proof in batch.proofs:
        updates: list[AccountUpdate | None] = []
        traces: list[QueueTrace | UserTrace] = [*proof.queue, *proof.users]
        for trace in traces:
            updates += [trace.account_1, trace.account_2]
            if trace.channel:
                changed.channels[trace.channel.slot] = trace.channel.after
        for update in (*updates, proof.fees):
            if update and update.after:
                changed.accounts[update.index] = update.after
    return changed


def replayed(state: State, batch: AcceptedOnL1) -> tuple[State, ChangedLeaves]:
    """The state after a batch that is not ours. Raises ForeignBatch where its data do not lead
    to its roots."""
    after, consumed = state.copy(), 0
    for statement in batch.statements:
        try:
            replay_proof(after, statement.context, batch.ops[consumed:], statement.data)
        except ReplayMismatch as error:
            raise ForeignBatch(batch.number, batch.new_root) from error
        if after.root != statement.new_root:
            raise ForeignBatch(batch.number, batch.new_root)
        consumed += unpack_header(statement.data[0])[1]
    return after, difference(state, after)


def difference(before: State, after: State) -> ChangedLeaves:
    """The leaves in which two states differ."""
    old_accounts, new_channels = before.accounts, after.channels
    changed_accounts = {
        index: account
        for index, account in after.accounts.items()
        if old_accounts.get(index) != account
    }
    changed_channels: dict[int, Channel | None] = {
        slot: new_channels.get(slot)
        for slot in before.channels.keys() | new_channels.keys()
        if before.find_channel(slot) != new_channels.get(slot)
    }
    return ChangedLeaves(changed_accounts, changed_channels)
