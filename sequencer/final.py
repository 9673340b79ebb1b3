"""What L1 finally accepted, and the leaves that it changed.

A batch that this database did not make is rebuilt from its data alone (C6), so a sequencer whose
database was lost, or that another one stood in for, goes on from where L1 is.
"""

from __future__ import annotations

from dataclasses import dataclass

from protocol.accounts import Account
from protocol.channels import Channel
from protocol.errors import ReplayMismatch
from protocol.queue import QueueOp
from protocol.replay import replay_proof
from protocol.state import State
from protocol.trace import Context
from sequencer.errors import ForeignBatch
from sequencer.sealing import SealedBatch


@dataclass(frozen=True, slots=True)
class AcceptedOnL1:
    """A batch as its L1 transaction holds it."""

    number: int
    old_root: int
    new_root: int
    l1_time: int
    queue_covered: int
    digest: int
    data: tuple[int, ...]
    ops: tuple[QueueOp, ...]
    l1_tx: str
    l1_block: int
    gas_used: int | None
    calldata_bytes: int


@dataclass(frozen=True, slots=True)
class ChangedLeaves:
    """Leaves as they are now; None is an emptied channel slot."""

    accounts: dict[int, Account]
    channels: dict[int, Channel | None]


def changed_by(batch: SealedBatch) -> ChangedLeaves:
    """The leaves that our own batch wrote, from its traces."""
    changed = ChangedLeaves({}, {})
    executed = batch.executed
    updates = [trace.account for trace in executed.queue]
    for user in executed.users:
        updates += [update for update in (user.account_1, user.account_2) if update]
        if user.channel:
            changed.channels[user.channel.slot] = user.channel.after
    for update in (*updates, executed.fees):
        if update and update.after:
            changed.accounts[update.index] = update.after
    return changed


def replayed(state: State, domain: int, batch: AcceptedOnL1) -> tuple[State, ChangedLeaves]:
    """The state after a batch that is not ours. Raises ForeignBatch where its data do not lead
    to its root."""
    after = state.copy()
    context = Context(domain, batch.l1_time, batch.queue_covered)
    try:
        replay_proof(after, context, batch.ops, batch.data)
    except ReplayMismatch as error:
        raise ForeignBatch(batch.number, batch.new_root) from error
    if after.root != batch.new_root:
        raise ForeignBatch(batch.number, batch.new_root)
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
