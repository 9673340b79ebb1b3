"""One honest example of everything that a user slot can do, on a street that has seen some days."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from protocol.channels import Channel, Lane, pack_lane
from protocol.state import State
from protocol.trace import Context, UserTrace
from protocol.transactions import Claim, Finalize, Open, TopUp, Transaction, Transfer, Withdraw
from protocol.units import DAY_S
from tests.protocol.street import (
    ANNA,
    BERT,
    CONTEXT,
    HOMES,
    LATER,
    NOW,
    at,
    close,
    home,
    run,
    signed,
    start_close,
)
from tests.prover.circuits.lone import Inputs, nodes_of, user_case, windows_of

SLOT = 5
"""Where the cases' channel is: digits 1 1 0 ... in base 4."""

FAR = (1 << 24) - 2
"""An account in another window than the others."""

LANE_AB, LANE_BA = pack_lane(3_000, 90_000), pack_lane(500, 14_000)


@dataclass(frozen=True, slots=True)
class UserCase:
    """An honest user slot: the state before and after, the trace, and all inputs of the slot."""

    before: State
    after: State
    context: Context
    trace: UserTrace | None

    @property
    def inputs(self) -> Inputs:
        return user_case(self.trace, self.before, self.context)

    @property
    def nodes_after(self) -> dict[str, int]:
        """What the slot exports as its windows' nodes."""
        return nodes_of(windows_of(self.trace, self.before), self.after)


def seasoned_street() -> State:
    """Accounts that have traded before, at indices that use more than one digit and window."""
    state = State()
    for number, one in enumerate((*HOMES, home(77), home(FAR))):
        leaf = one.account(1_000_000 + number, nonce=number)
        state.write_account(one.index, replace(leaf, sold_wh=10**6 + number, bought_wh=10**5))
    return state


def street_with_channel(deposit_b_ntok: int = 40_000, closing: bool = False) -> State:
    """Anna (A) and Bert (B) have a channel at SLOT, funded by both, with both lanes used."""
    state = seasoned_street()
    run(state, signed(Open(0, 1, 0, 100_000, 30, DAY_S, LATER), ANNA), slot=SLOT)
    channel_id = channel_of(state).id
    run(state, signed(TopUp(channel_id, Lane.BA, 1, deposit_b_ntok, 20, LATER), BERT))
    for home_, lane, value in ((ANNA, Lane.AB, LANE_AB), (BERT, Lane.BA, LANE_BA)):
        run(state, signed(Claim(channel_id, lane, value), home_))
    if closing:
        run(state, signed(start_close(channel_id, Lane.AB, 1), ANNA))
    return state


def channel_of(state: State) -> Channel:
    """The channel at SLOT."""
    channel = state.find_channel(SLOT)
    assert channel is not None
    return channel


def user(state: State, transaction: Transaction | None, context: Context = CONTEXT) -> UserCase:
    """Execute one transaction (None: a NOOP) on a copy of the state."""
    after = state.copy()
    trace = None
    if transaction is not None:
        slot = SLOT if isinstance(transaction.body, Open) else None
        trace = run(after, transaction, context, slot)
    return UserCase(state, after, context, trace)


def _claim(lane: Lane, value: int, closing: bool = False) -> UserCase:
    state = street_with_channel(closing=closing)
    signer = ANNA if lane is Lane.AB else BERT
    return user(state, signed(Claim(channel_of(state).id, lane, value), signer))


def _close(lane_ab: int, lane_ba: int) -> UserCase:
    state = street_with_channel()
    return user(state, signed(close(channel_of(state), lane_ab, lane_ba), ANNA, BERT))


def _finalize() -> UserCase:
    state = street_with_channel(closing=True)
    channel = channel_of(state)
    return user(state, Transaction(Finalize(channel.id)), at(channel.deadline))


def _on_channel(make: Callable[[int], Transaction]) -> UserCase:
    state = street_with_channel()
    return user(state, make(channel_of(state).id))


USER_CASES: dict[str, Callable[[], UserCase]] = {
    "noop": lambda: user(seasoned_street(), None),
    "transfer": lambda: user(seasoned_street(), signed(Transfer(0, 77, 0, 900, 7, LATER), ANNA)),
    "transfer afar": lambda: user(
        seasoned_street(), signed(Transfer(0, FAR, 0, 900, 7, LATER), ANNA)
    ),
    "withdraw": lambda: user(seasoned_street(), signed(Withdraw(1, 1, 900, 7, NOW), BERT)),
    "withdraw nothing": lambda: user(seasoned_street(), signed(Withdraw(1, 1, 0, 0, NOW), BERT)),
    "open": lambda: user(seasoned_street(), signed(Open(1, 0, 1, 600, 9, DAY_S, LATER), BERT)),
    "top up a": lambda: _on_channel(lambda c: signed(TopUp(c, Lane.AB, 1, 50, 3, LATER), ANNA)),
    "top up b": lambda: _on_channel(lambda c: signed(TopUp(c, Lane.BA, 2, 50, 3, LATER), BERT)),
    "claim ab": lambda: _claim(Lane.AB, LANE_AB + 1),
    "claim ba while closing": lambda: _claim(Lane.BA, pack_lane(0, 14_001), closing=True),
    "start close a": lambda: _on_channel(lambda c: signed(start_close(c, Lane.AB, 1), ANNA)),
    "start close b": lambda: _on_channel(lambda c: signed(start_close(c, Lane.BA, 2), BERT)),
    "close": lambda: _close(LANE_AB + 7, LANE_BA),
    "close, all to b": lambda: _close(pack_lane(9_999, 2**56 - 1), LANE_BA),
    "close, all to a": lambda: _close(LANE_AB, pack_lane(2**40 - 1, 2**56 - 1)),
    "finalize": _finalize,
}
"""Every type, and what goes differently within one."""
