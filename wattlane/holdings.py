"""What an L1 address can prove to be its own in one root: accounts, channels, vouchers, deposits.

From the whole state, rebuilt from L1; or, where L1's data cannot be had any more, from the Merkle
witnesses that the home's node has kept. Either way the paths lead to one root, and no exit is made
from two. Ref: docs/protocol.md section 6.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from channels.books import Books
from channels.witnesses import WitnessSet
from protocol.channels import Channel, Lane, lane_paid_ntok
from protocol.errors import ProtocolError
from protocol.exits import (
    AccountExitWitness,
    ChannelExitWitness,
    LaneRaiseWitness,
    account_exit,
    channel_exit,
)
from protocol.inclusion import AccountInclusion, ChannelInclusion, prove_channel
from protocol.queue import Deposit, NewAccount, QueueOp
from protocol.state import State
from protocol.vouchers import Voucher
from wattlane.errors import WattlaneError


@dataclass
class WitnessesOfAnotherRoot(WattlaneError):
    """The witnesses on disk are not of the root that the contract holds."""

    kept: tuple[int, ...]
    root: int

    def __str__(self) -> str:
        kept = ", ".join(f"{one:#018x}"[:18] for one in self.kept) or "none"
        return (
            f"the witnesses kept ({kept}...) are not of the contract's root "
            f"{self.root:#066x}: only L1's own data can help"
        )


@dataclass(frozen=True, slots=True)
class Holdings:
    """All of one L1 address in the root `root`. `deposits`: its ops that no batch has consumed.

    `raises`: the best voucher of each lane, where it promises more than the leaf holds.
    """

    root: int
    accounts: tuple[AccountExitWitness, ...]
    channels: tuple[ChannelExitWitness, ...]
    raises: tuple[LaneRaiseWitness, ...]
    deposits: tuple[NewAccount | Deposit, ...]


def held_in_state(
    state: State, owner: int, domain: int, vouchers: Iterable[Voucher], waiting: Iterable[QueueOp]
) -> Holdings:
    """What `owner` (an L1 address) holds in a state."""
    owned = {i for i, one in state.accounts.items() if one.l1_address == owner}
    mine = {
        slot: channel
        for slot, channel in state.channels.items()
        if {channel.a_index, channel.b_index} & owned
    }
    return Holdings(
        root=state.root,
        accounts=tuple(account_exit(state, index) for index in sorted(owned)),
        channels=tuple(channel_exit(state, slot) for slot in sorted(mine)),
        raises=_raises(mine, vouchers, domain, lambda slot: prove_channel(state, slot)),
        deposits=_deposits(waiting, owner),
    )


def held_in_witnesses(
    sets: Sequence[WitnessSet],
    root: int,
    owner: int,
    domain: int,
    vouchers: Iterable[Voucher],
    waiting: Iterable[QueueOp],
) -> Holdings:
    """What `owner` holds, as far as the kept witnesses of this root tell.

    Raises WitnessesOfAnotherRoot.
    """
    found = next((one for one in sets if one.state_root == root), None)
    if found is None:
        raise WitnessesOfAnotherRoot(tuple(one.state_root for one in sets), root)
    accounts = {one.index: one for one in found.accounts if one.account is not None}
    owned = {index for index, one in accounts.items() if _owner(one) == owner}
    slots: dict[int, ChannelInclusion] = {}
    mine: dict[int, Channel] = {}
    for one in found.channels:
        channel = one.channel
        if channel is not None and {channel.a_index, channel.b_index} & owned:
            slots[one.slot], mine[one.slot] = one, channel
    return Holdings(
        root=root,
        accounts=tuple(AccountExitWitness(accounts[index]) for index in sorted(owned)),
        channels=tuple(
            ChannelExitWitness(slots[slot], accounts[one.a_index], accounts[one.b_index])
            for slot, one in sorted(mine.items())
            if one.a_index in accounts and one.b_index in accounts
        ),
        raises=_raises(mine, vouchers, domain, lambda slot: slots[slot]),
        deposits=_deposits(waiting, owner),
    )


def vouchers_of(books: Books) -> list[Voucher]:
    """The best vouchers of both lanes of every channel, as the node has them on disk."""
    found = []
    for one in books.channels:
        found += [voucher for voucher in (one.state.signed, one.state.received) if voucher]
    return found


def _owner(inclusion: AccountInclusion) -> int | None:
    return None if inclusion.account is None else inclusion.account.l1_address


def _deposits(waiting: Iterable[QueueOp], owner: int) -> tuple[NewAccount | Deposit, ...]:
    return tuple(op for op in waiting if isinstance(op, NewAccount | Deposit) and op.payer == owner)


def _raises(
    mine: dict[int, Channel],
    vouchers: Iterable[Voucher],
    domain: int,
    inclusion_of: Callable[[int], ChannelInclusion],
) -> tuple[LaneRaiseWitness, ...]:
    slots = {channel.id: slot for slot, channel in mine.items()}
    best: dict[tuple[int, Lane], LaneRaiseWitness] = {}
    for voucher in vouchers:
        slot = slots.get(voucher.channel_id)
        if slot is None or not _adds(mine[slot], voucher):
            continue
        place = slot, voucher.lane
        if place in best and best[place].voucher.lane_value >= voucher.lane_value:
            continue
        try:
            best[place] = LaneRaiseWitness(inclusion_of(slot), voucher, domain)
        except ProtocolError:
            continue  # not signed by the lane's payer: it proves nothing
    return tuple(best[place] for place in sorted(best))


def _adds(channel: Channel, voucher: Voucher) -> bool:
    return lane_paid_ntok(voucher.lane_value) > lane_paid_ntok(channel.lane(voucher.lane))
