"""Whatever the executor accepts has a witness, at every edge too: no money is stuck for a bound.

Each case is a whole proof, whose new root, data and messages the circuit compares with the
executor's. One step further is an attack (test_user_attacks) or a no-op.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pytest

from protocol.accounts import Account
from protocol.channels import Channel, Lane, Status, pack_lane
from protocol.crypto.field import R
from protocol.queue import (
    Deposit,
    ForcedClaim,
    ForcedExit,
    ForcedFinalize,
    ForcedStartClose,
    KeyChange,
    NewAccount,
    QueueOp,
)
from protocol.state import State
from protocol.trace import Context
from protocol.transactions import (
    Claim,
    Close,
    Finalize,
    Open,
    StartClose,
    TopUp,
    Transaction,
    Transfer,
    Withdraw,
)
from protocol.units import DAY_S, L1_TIME_SLACK_S, MAX_WINDOW_S, MIN_WINDOW_S
from protocol.vouchers import voucher_message
from tests.protocol.street import Home, home, signed
from tests.prover.circuits.proofs import check, executed

TOP = 2**24 - 1
AMOUNT, FEE, NONCE, TIME, ADDRESS = 2**64 - 1, 2**32 - 1, 2**32 - 1, 2**40 - 1, 2**160 - 1
LANE, TOTAL_WH = 2**96 - 1, 2**96 - 1
ALICE, BOB, CARA = home(TOP), home(0), home(TOP - 1)
END = Context(2**128 - 1, TIME, TIME)
"""The last second that a context can name, on the rollup with the last domain."""
EARLY = replace(END, l1_time=TIME - L1_TIME_SLACK_S - DAY_S, queue_covered=0)
"""A close that starts here has the last deadline that fits."""


@dataclass(frozen=True, slots=True)
class Case:
    """One proof's worth."""

    state: State
    transactions: Sequence[tuple[Transaction, int | None]]
    context: Context = END
    operator: Home = CARA
    ops: Sequence[QueueOp] = ()


def account(owner: Home, balance_ntok: int = 0, nonce: int = 0, **more: int) -> Account:
    return replace(owner.account(balance_ntok, nonce), l1_address=ADDRESS, **more)


def street(alice: Account, bob: Account, channel: Channel | None = None) -> State:
    accounts = {TOP: alice, 0: bob, CARA.index: account(CARA)}
    return State.of(accounts, {} if channel is None else {TOP: channel})


def channel(
    deposits: tuple[int, int] = (0, 0), lanes: tuple[int, int] = (0, 0), deadline: int | None = None
) -> Channel:
    """Alice (A) and Bob's at the last slot; closing if it has a deadline."""
    return Channel(
        a_index=TOP,
        b_index=0,
        epoch=NONCE - 1,
        window_s=DAY_S,
        status=Status.OPEN if deadline is None else Status.CLOSING,
        deadline=deadline or 0,
        deposit_a_ntok=deposits[0],
        deposit_b_ntok=deposits[1],
        lane_ab=lanes[0],
        lane_ba=lanes[1],
        key_hash_a=ALICE.key_hash,
        key_hash_b=BOB.key_hash,
    )


def one(
    state: State,
    body: Transfer | Withdraw | Open | TopUp | Claim | StartClose | Close | Finalize,
    *signers: Home,
    context: Context = END,
) -> Case:
    slot = TOP if isinstance(body, Open) else None
    return Case(state, [(signed(body, *signers, domain=context.domain), slot)], context)


def transfer(amount_ntok: int, fee_ntok: int, received_before: int) -> Case:
    state = street(account(ALICE, AMOUNT, NONCE - 1), account(BOB, received_before))
    return one(state, Transfer(TOP, 0, NONCE - 1, amount_ntok, fee_ntok, TIME), ALICE)


def withdraw(amount_ntok: int, fee_ntok: int) -> Case:
    state = street(account(ALICE, amount_ntok + fee_ntok, NONCE - 1), account(BOB))
    return one(state, Withdraw(TOP, NONCE - 1, amount_ntok, fee_ntok, TIME), ALICE)


def open_(deposit_ntok: int, fee_ntok: int, window_s: int) -> Case:
    state = street(account(ALICE, deposit_ntok + fee_ntok, NONCE - 1), account(BOB, AMOUNT))
    body = Open(TOP, 0, NONCE - 1, deposit_ntok, fee_ntok, window_s, TIME)
    return one(state, body, ALICE)


def top_up(side: Lane, before: tuple[int, int], amount_ntok: int, fee_ntok: int) -> Case:
    payer = ALICE if side is Lane.AB else BOB
    rich = account(payer, amount_ntok + fee_ntok, NONCE - 1)
    a, b = (rich, account(BOB)) if side is Lane.AB else (account(ALICE), rich)
    one_channel = channel(before)
    body = TopUp(one_channel.id, side, NONCE - 1, amount_ntok, fee_ntok, TIME)
    return one(street(a, b, one_channel), body, payer)


def claim(side: Lane, before: tuple[int, int], value: int, deadline: int | None = None) -> Case:
    one_channel = channel((AMOUNT, AMOUNT), before, deadline)
    state = street(account(ALICE), account(BOB), one_channel)
    body = Claim(one_channel.id, side, value)
    return one(state, body, ALICE if side is Lane.AB else BOB)


def start_close(side: Lane) -> Case:
    state = street(account(ALICE, 0, NONCE - 1), account(BOB, 0, NONCE - 1), channel())
    body = StartClose(channel().id, side, NONCE - 1, EARLY.l1_time)
    return one(state, body, ALICE if side is Lane.AB else BOB, context=EARLY)


def close(
    deposits: tuple[int, int], lanes: tuple[int, int], a: Account, b: Account, *, late: bool = False
) -> Case:
    one_channel = channel(deposits, (0, 0), TIME if late else None)
    body = Close(one_channel.id, *lanes, *deposits, TIME)
    return one(street(a, b, one_channel), body, ALICE, BOB)


def finalize(deposits: tuple[int, int], lanes: tuple[int, int]) -> Case:
    one_channel = channel(deposits, lanes, TIME)
    return one(street(account(ALICE), account(BOB), one_channel), Finalize(one_channel.id))


def paid(ab_ntok: int, ba_ntok: int) -> tuple[int, int]:
    return pack_lane(0, ab_ntok), pack_lane(0, ba_ntok)


def from_nothing() -> Case:
    """Two accounts come to be in the empty state and trade at once; one of them is the operator."""
    ops = [
        NewAccount(1, TIME, 0, BOB.key_hash, ADDRESS, AMOUNT - FEE, ADDRESS),
        NewAccount(2, TIME, TOP, ALICE.key_hash, 1, FEE, 0),
    ]
    pay = signed(Transfer(0, TOP, 0, 0, FEE, TIME), BOB, domain=END.domain)
    trade = signed(Open(TOP, 0, 0, 0, FEE, MAX_WINDOW_S, TIME), ALICE, domain=END.domain)
    return Case(State(), [(pay, None), (trade, None)], operator=BOB, ops=ops)


def the_whole_life_of_a_channel_but_its_opening() -> Case:
    """TOP_UP and CLOSE of one channel in one proof, one party being the operator."""
    one_channel = channel((1, AMOUNT - FEE - 1))
    state = street(account(ALICE, FEE), account(BOB), one_channel)
    funded = signed(TopUp(one_channel.id, Lane.AB, 0, 0, FEE, TIME), ALICE, domain=END.domain)
    body = Close(one_channel.id, LANE, LANE, 1, AMOUNT - FEE - 1, TIME)
    closed = signed(body, ALICE, BOB, domain=END.domain)
    return Case(state, [(funded, None), (closed, None)], operator=ALICE)


def fees_up_to_the_last_ntok() -> Case:
    state = street(account(ALICE, 2 * FEE), account(BOB))
    state.write_account(CARA.index, account(CARA, AMOUNT - 2 * FEE))
    bodies = [Transfer(TOP, 0, nonce, 0, FEE, TIME) for nonce in (0, 1)]
    return Case(state, [(signed(body, ALICE, domain=END.domain), None) for body in bodies])


def deposits(before_ntok: int, *amounts_ntok: int) -> Case:
    ops = [Deposit(n, TIME, TOP, amount, ADDRESS) for n, amount in enumerate(amounts_ntok, 1)]
    return Case(street(account(ALICE, before_ntok), account(BOB)), [], ops=ops)


def ops(state: State, *ops: QueueOp, context: Context = END) -> Case:
    return Case(state, [], context, ops=ops)


def rotated_to_the_last_nonce() -> Case:
    """The last key change that there can be, and a forced exit that leaves the nonce as it is."""
    return ops(
        street(account(ALICE, AMOUNT, NONCE - 1), account(BOB)),
        KeyChange(1, TIME, TOP, R - 1, ADDRESS),
        ForcedExit(2, TIME, TOP, ADDRESS),
    )


def forced_claims(deadline: int | None, *lanes: Lane) -> Case:
    """The highest vouchers."""
    one_channel = channel((AMOUNT, AMOUNT), (LANE - 1, 0), deadline)
    claims = []
    for number, lane in enumerate(lanes, 1):
        message = voucher_message(END.domain, one_channel.id, lane, LANE)
        signature = (ALICE if lane is Lane.AB else BOB).sign(message)
        epoch = one_channel.epoch
        claims.append(ForcedClaim(number, TIME, TOP, epoch, lane, LANE, signature, ADDRESS))
    return ops(street(account(ALICE), account(BOB), one_channel), *claims)


def forced_end(
    deposits: tuple[int, int], lanes: tuple[int, int], balances: tuple[int, int] = (0, 0)
) -> Case:
    """A payout of a channel whose deadline is the op's own second."""
    one_channel = channel(deposits, lanes, TIME)
    state = street(account(ALICE, balances[0]), account(BOB, balances[1]), one_channel)
    return ops(state, ForcedFinalize(1, TIME, TOP, one_channel.epoch, 0))


def forced_start(context: Context) -> Case:
    start = ForcedStartClose(1, 0, TOP, NONCE - 1, Lane.BA, ADDRESS)
    return ops(street(account(ALICE), account(BOB), channel()), start, context=context)


A, B = account(ALICE), account(BOB)
ALMOST = TOTAL_WH - (2**40 - 1)

CASES: dict[str, Callable[[], Case]] = {
    "transfer all": lambda: transfer(AMOUNT, 0, 0),
    "transfer all but the highest fee": lambda: transfer(AMOUNT - FEE, FEE, FEE),
    "transfer nothing": lambda: transfer(0, 0, AMOUNT),
    "withdraw all": lambda: withdraw(AMOUNT, 0),
    "withdraw nothing for the highest fee": lambda: withdraw(0, FEE),
    "open with all": lambda: open_(AMOUNT - FEE, FEE, MIN_WINDOW_S),
    "open with nothing": lambda: open_(0, 0, MAX_WINDOW_S),
    "top up a to the end": lambda: top_up(Lane.AB, (1, AMOUNT), AMOUNT - 1, 1),
    "top up b to the end": lambda: top_up(Lane.BA, (AMOUNT, FEE), AMOUNT - FEE, FEE),
    "top up b with nothing": lambda: top_up(Lane.BA, (AMOUNT, AMOUNT), 0, 0),
    "claim the highest ab": lambda: claim(Lane.AB, (LANE - 1, LANE), LANE),
    "claim the highest ba": lambda: claim(Lane.BA, (LANE, 0), LANE),
    "claim one wh": lambda: claim(Lane.BA, (0, LANE - 1), LANE, TIME),
    "claim in the last second": lambda: claim(Lane.AB, (0, 0), 1, TIME),
    "start close a": lambda: start_close(Lane.AB),
    "start close b": lambda: start_close(Lane.BA),
    "close, both lanes full": lambda: close((AMOUNT, 0), (LANE, LANE), A, B),
    "close, nothing in it": lambda: close((0, 0), (LANE, LANE), A, B),
    "close, b owes more than all": lambda: close((7, AMOUNT - 7), (0, LANE), A, B),
    "close, a owes more than all": lambda: close((AMOUNT, 0), (LANE, 0), A, B),
    "close, b owes just all": lambda: close((5, 9), paid(1, 10), A, B),
    "close, b owes one more": lambda: close((5, 9), paid(1, 11), A, B),
    "close, a owes just all": lambda: close((5, 9), paid(7, 2), A, B),
    "close, a owes one more": lambda: close((5, 9), paid(8, 2), A, B),
    "close, both deposits full": lambda: close((AMOUNT, AMOUNT), (LANE, LANE), A, B),
    "close in the last second": lambda: close((3, 4), (LANE, LANE), A, B, late=True),
    "close, energy totals to the end": lambda: close(
        (0, AMOUNT),
        (LANE, LANE),
        account(ALICE, AMOUNT, NONCE, sold_wh=ALMOST, bought_wh=ALMOST),
        account(BOB, 0, NONCE, sold_wh=ALMOST, bought_wh=ALMOST),
    ),
    "finalize, both lanes full": lambda: finalize((AMOUNT, AMOUNT), (LANE, LANE)),
    "finalize, a owes more than all": lambda: finalize((1, AMOUNT - 1), (LANE, 0)),
    "finalize, b owes more than all": lambda: finalize((0, AMOUNT), (0, LANE)),
    "from nothing": from_nothing,
    "top up and close": the_whole_life_of_a_channel_but_its_opening,
    "fees up to the last ntok": fees_up_to_the_last_ntok,
    "deposits up to the last ntok": lambda: deposits(1, AMOUNT - 2, 1),
    "a deposit that does not fit, and one that does": lambda: deposits(1, AMOUNT, 1),
    "key change and exit at the last nonce": rotated_to_the_last_nonce,
    "forced claims of both highest lanes": lambda: forced_claims(None, Lane.AB, Lane.BA),
    "forced claim in the last second": lambda: forced_claims(TIME, Lane.BA),
    "forced start of a close with the last deadline": lambda: forced_start(EARLY),
    "forced start of a close past it": lambda: forced_start(replace(EARLY, l1_time=TIME)),
    "forced end, both lanes full": lambda: forced_end((AMOUNT, 0), (LANE, LANE)),
    "forced end, a owes more than all": lambda: forced_end((1, AMOUNT - 1), (LANE, 0)),
    "forced end, b owes more than all": lambda: forced_end((0, AMOUNT), (0, LANE)),
    "forced end up to the last ntok": lambda: forced_end(
        (5, 9), paid(1, 3), (AMOUNT - 7, AMOUNT - 7)
    ),
    "forced end past a's last ntok": lambda: forced_end((5, 9), paid(1, 3), (AMOUNT - 6, 0)),
    "forced end past b's last ntok": lambda: forced_end((5, 9), paid(1, 3), (0, AMOUNT - 6)),
    "forced end far past a's last ntok": lambda: forced_end(
        (AMOUNT, AMOUNT), (0, LANE), (AMOUNT, 0)
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_edge_has_a_witness(name: str) -> None:
    case = CASES[name]()
    check(
        executed(
            case.state,
            case.ops,
            case.transactions,
            context=case.context,
            operator_index=case.operator.index,
        )
    )


@pytest.mark.parametrize("name", [name for name in CASES if name.startswith(("key", "forced"))])
def test_the_edge_is_where_it_should_be(name: str) -> None:
    case = CASES[name]()
    proof = executed(case.state, case.ops, [], context=case.context)
    assert all(trace.applied for trace in proof.queue) == ("past" not in name)
