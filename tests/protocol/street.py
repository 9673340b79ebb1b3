"""A street for tests: homes with fixed keys, a state that holds them, and what they sign."""

from __future__ import annotations

from dataclasses import dataclass, replace

from protocol.accounts import Account
from protocol.batch import domain_of
from protocol.channels import Channel, Lane, Status, channel_id, pack_lane
from protocol.crypto.jubjub import Point
from protocol.crypto.schnorr import Signature, key_hash, public_key, sign
from protocol.execute import execute
from protocol.state import State
from protocol.trace import Context, UserTrace
from protocol.transactions import (
    Body,
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
from protocol.units import DAY_S
from protocol.windows import Leaves

DOMAIN = domain_of(31_337, 0x5FBDB2315678AFECB367F032D93F642F64180AA3)
NOW = 1_790_000_000
CONTEXT = Context(DOMAIN, NOW, NOW)
LATER = NOW + 3_600
WINDOW_S = DAY_S
FUNDS_NTOK = 1_000_000


@dataclass(frozen=True, slots=True)
class Home:
    """An account's owner."""

    index: int
    secret: int
    l1_address: int

    @property
    def key(self) -> Point:
        return public_key(self.secret)

    @property
    def key_hash(self) -> int:
        return key_hash(self.key)

    def account(self, balance_ntok: int = FUNDS_NTOK, nonce: int = 0) -> Account:
        return Account(self.key_hash, self.l1_address, nonce, balance_ntok, 0, 0)

    def sign(self, message: int) -> Signature:
        return sign(self.secret, message, self.index.to_bytes(32, "big"))


def home(index: int) -> Home:
    return Home(index, 0xA11CE << 64 | index + 1, 0xC0DE << 144 | index + 1)


ANNA, BERT, CARL = home(0), home(1), home(2)
HOMES = (ANNA, BERT, CARL)
STRANGER = home(3)


def street(balance_ntok: int = FUNDS_NTOK) -> State:
    """Anna, Bert and Carl with accounts 0, 1 and 2."""
    return State.of({one.index: one.account(balance_ntok) for one in HOMES}, {})


def signed(body: Body, *signers: Home, domain: int = DOMAIN) -> Transaction:
    if isinstance(body, Finalize):
        return Transaction(body)
    return Transaction(body, tuple(one.sign(body.message(domain)) for one in signers))


def transfer(amount_ntok: int = 5, fee_ntok: int = 0, nonce: int = 0) -> Transfer:
    return Transfer(0, 1, nonce, amount_ntok, fee_ntok, LATER)


def withdraw(amount_ntok: int = 5, fee_ntok: int = 0, nonce: int = 0) -> Withdraw:
    return Withdraw(0, nonce, amount_ntok, fee_ntok, LATER)


def open_(deposit_ntok: int = 500, fee_ntok: int = 0, nonce: int = 0) -> Open:
    return Open(0, 1, nonce, deposit_ntok, fee_ntok, WINDOW_S, LATER)


def top_up(channel: int, side: Lane = Lane.AB, amount_ntok: int = 100, nonce: int = 1) -> TopUp:
    return TopUp(channel, side, nonce, amount_ntok, 0, LATER)


def start_close(channel: int, side: Lane = Lane.AB, nonce: int = 1) -> StartClose:
    return StartClose(channel, side, nonce, LATER)


def close(channel: Channel, lane_ab: int, lane_ba: int) -> Close:
    deposits = channel.deposit_a_ntok, channel.deposit_b_ntok
    return Close(channel.id, lane_ab, lane_ba, *deposits, LATER)


def claim(energy_wh: int, paid_ntok: int, lane: Lane = Lane.AB) -> Claim:
    return Claim(channel_id(0, 1, 0), lane, pack_lane(energy_wh, paid_ntok))


def open_street(deposit_ntok: int = 500) -> tuple[State, Channel]:
    """The street after Anna (A, nonce 0) opened a channel with Bert (B) at slot 0."""
    state = street()
    run(state, signed(open_(deposit_ntok), ANNA))
    channel = state.find_channel(0)
    assert channel is not None
    return state, channel


def closing_street(deposit_ntok: int = 500) -> tuple[State, Channel]:
    """The same after Anna started to close it."""
    state, channel = open_street(deposit_ntok)
    run(state, signed(start_close(channel.id), ANNA))
    closing = state.find_channel(0)
    assert closing is not None
    assert closing.status is Status.CLOSING
    return state, closing


def run(
    state: State, transaction: Transaction, context: Context = CONTEXT, slot: int | None = None
) -> UserTrace:
    return execute(state, context, transaction, slot)


def leaves_in(trace: UserTrace) -> Leaves:
    """What a trace touched."""
    accounts = tuple(one.index for one in (trace.account_1, trace.account_2) if one)
    return Leaves(accounts, trace.channel.slot if trace.channel else None)


def at(l1_time: int, queue_covered: int | None = None) -> Context:
    """The context of another time."""
    covered = l1_time if queue_covered is None else queue_covered
    return replace(CONTEXT, l1_time=l1_time, queue_covered=covered)
