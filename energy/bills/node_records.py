"""A home's channels from its node's files: lanes, the vouchers behind them, and pinned keys."""

from __future__ import annotations

from channels.books import Books
from channels.records import Direction, StoredChannel
from energy.bills.channel_evidence import OwnChannel
from energy.bills.reckoning import PaidChannel
from protocol.channels import Lane


def paid_channels(books: Books) -> list[PaidChannel]:
    """Every channel that a final root has held, with all that its vouchers promise."""
    steps: dict[int, list[tuple[Lane, int]]] = {}
    for bill in books.bills:
        lane = _lane(bill.direction, books, bill.channel_id)
        steps.setdefault(bill.channel_id, []).append((lane, bill.lane_value))
    return [
        _paid_channel(one, tuple(sorted(steps.get(one.state.channel_id, ()))))
        for one in books.channels
        if one.state.verified is not None
    ]


def own_channels(books: Books) -> dict[int, OwnChannel]:
    """The same as evidence, by channel id."""
    found = {}
    for one in books.channels:
        state = one.state
        if state.verified is not None:
            leaf, (lane_ab, lane_ba) = state.verified.leaf, state.lanes
            keys = leaf.key_hash_a, leaf.key_hash_b
            found[state.channel_id] = OwnChannel(state.side, lane_ab, lane_ba, keys)
    return found


def _paid_channel(stored: StoredChannel, steps: tuple[tuple[Lane, int], ...]) -> PaidChannel:
    state = stored.state
    lane_ab, lane_ba = state.lanes
    highest = {Lane.AB: lane_ab, Lane.BA: lane_ba}
    vouchers = tuple(
        one
        for one in (state.signed, state.received)
        if one is not None and one.lane_value == highest[one.lane]
    )
    return PaidChannel(state.channel_id, state.side, lane_ab, lane_ba, vouchers, steps=steps)


def _lane(direction: Direction, books: Books, channel_id: int) -> Lane:
    """The lane of a payment: A, whose account comes first in the id, pays in lane ab."""
    is_a = channel_id & 0xFFFFFFFF == books.owner.account_index
    return Lane.AB if is_a is (direction is Direction.OUT) else Lane.BA
