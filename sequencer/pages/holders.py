"""Homes (accounts) and channels as their pages show them: each with its leaf at every level."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from protocol.accounts import Account
from protocol.channels import Channel, Lane, Payout, Status, lane_paid_ntok, lane_wh
from sequencer.pages.marks import LADDER, Mark, leaf_mark


@dataclass(frozen=True, slots=True)
class Level:
    """A value at one level: `account` None where it does not exist there yet."""

    mark: Mark
    account: Account | None


@dataclass(frozen=True, slots=True)
class LaneView:
    """What one side has promised in a channel, as far as the rollup knows: L1's word, not the
    newest voucher, which only the two homes have."""

    payer: int
    payee: int
    energy_wh: int
    paid_ntok: int


@dataclass(frozen=True, slots=True)
class ChannelView:
    """A channel with the leaf that the soft state has, or the last one that it had."""

    slot: int
    channel_id: int
    a_index: int
    b_index: int
    status: str
    mark: Mark
    deposit_a_ntok: int
    deposit_b_ntok: int
    window_s: int
    deadline: int
    lanes: tuple[LaneView, LaneView]
    payout: Payout
    key_hash_a: int
    key_hash_b: int

    def other(self, index: int) -> int:
        """The neighbour of one of its homes."""
        return self.b_index if index == self.a_index else self.a_index


@dataclass(frozen=True, slots=True)
class AccountView:
    """A home: its account at every level, and its channels in the soft state."""

    index: int
    mark: Mark
    account: Account
    levels: tuple[Level, ...]
    channels: tuple[ChannelView, ...]

    @property
    def locked_ntok(self) -> int:
        """What lies in its channels as deposits of its own."""
        return sum(
            one.deposit_a_ntok if one.a_index == self.index else one.deposit_b_ntok
            for one in self.channels
        )


def account_view(
    index: int, leaves: Mapping[str, Account | None], channels: tuple[ChannelView, ...]
) -> AccountView | None:
    """A home from its leaf at each level; None where it has none at any."""
    newest = leaves["soft"] or leaves["proved"] or leaves["final"]
    if newest is None:
        return None
    return AccountView(
        index=index,
        mark=leaf_mark(leaves["soft"], leaves["proved"], leaves["final"]),
        account=newest,
        levels=tuple(Level(Mark(level), leaves[level]) for level in reversed(LADDER)),
        channels=channels,
    )


def channel_view(slot: int, leaves: Mapping[str, Channel | None]) -> ChannelView | None:
    """A channel from its leaf at each level; None where no level has one.

    A slot is used again: a leaf counts as the same channel only if its id is the same.
    """
    newest = leaves["soft"] or leaves["proved"] or leaves["final"]
    if newest is None:
        return None
    status = "closed" if leaves["soft"] is None else newest.status.name.lower()
    return ChannelView(
        slot=slot,
        channel_id=newest.id,
        a_index=newest.a_index,
        b_index=newest.b_index,
        status=status,
        mark=leaf_mark(leaves["soft"], leaves["proved"], leaves["final"]),
        deposit_a_ntok=newest.deposit_a_ntok,
        deposit_b_ntok=newest.deposit_b_ntok,
        window_s=newest.window_s,
        deadline=newest.deadline if newest.status is Status.CLOSING else 0,
        lanes=(
            _lane(newest.a_index, newest.b_index, newest.lane(Lane.AB)),
            _lane(newest.b_index, newest.a_index, newest.lane(Lane.BA)),
        ),
        payout=newest.payout(newest.lane_ab, newest.lane_ba),
        key_hash_a=newest.key_hash_a,
        key_hash_b=newest.key_hash_b,
    )


def _lane(payer: int, payee: int, lane_value: int) -> LaneView:
    return LaneView(payer, payee, lane_wh(lane_value), lane_paid_ntok(lane_value))
