"""What this sequencer takes beyond what the rules allow, and the names of what it refuses.

Pure: the soft state and L1's time come as arguments. The rules themselves (nonce, signature,
balance, expiry) are checked by executing on the soft state; here stand the policy, and the finer
names for two mistakes that the rules only see as an unknown channel or a wrong key.
"""

from __future__ import annotations

from dataclasses import dataclass

from protocol.channels import Channel, Lane
from protocol.crypto.schnorr import key_hash
from protocol.errors import Expired, ProtocolError, UnknownChannel, WrongKey
from protocol.state import State
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
from sequencer.errors import (
    AmountZero,
    ExpiresTooLate,
    ExpiresTooSoon,
    FeeTooLow,
    SequencerError,
    WrongDomain,
    WrongEpoch,
    WrongLane,
)

ANYBODY = "anybody"
"""The party of what nobody has signed."""

_PARTIES_MASK = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class Policy:
    """What the operator asks of a transaction, and promises: that L1 accepts a batch with it
    `included_within_s` after it was taken. Times in L1 seconds.
    """

    minimum_fee_ntok: int = 1_000
    valid_at_least_s: int = 120
    valid_at_most_s: int = 7 * 86_400
    mempool_limit: int = 10_000
    party_limit: int = 256
    included_within_s: int = 3_600


def party_of(transaction: Transaction) -> str:
    """Whom a transaction counts against: its signer, or else its channel.

    A Finalize is signed by nobody, so that anybody may send it: all of them together are a party.
    """
    body = transaction.body
    match body:
        case Transfer():
            return f"account {body.from_index}"
        case Withdraw():
            return f"account {body.index}"
        case Open():
            return f"account {body.a_index}"
        case Finalize():
            return ANYBODY
        case _:
            return f"channel {body.channel_id:#x}"


def check_policy(
    policy: Policy, transaction: Transaction, l1_time: int, domain: int, given_domain: int | None
) -> None:
    """Raises WrongDomain, AmountZero, FeeTooLow, Expired, ExpiresTooSoon or ExpiresTooLate.

    `given_domain`: the domain that the submitter says it signed for; None if it does not say.
    """
    if given_domain is not None and given_domain != domain:
        raise WrongDomain(domain, given_domain)
    body = transaction.body
    if isinstance(body, Transfer | Withdraw | TopUp) and body.amount_ntok == 0:
        raise AmountZero("amount_ntok")
    if isinstance(body, Open) and body.deposit_ntok == 0:
        raise AmountZero("deposit_ntok")
    if isinstance(body, Claim) and body.lane_value == 0:
        raise AmountZero("lane_value")
    if isinstance(body, Transfer | Withdraw | Open | TopUp) and (
        body.fee_ntok < policy.minimum_fee_ntok
    ):
        raise FeeTooLow(body.fee_ntok, policy.minimum_fee_ntok)
    valid_until = expiry_of(transaction)
    if valid_until is None:
        return
    if valid_until < l1_time:
        raise Expired(valid_until, l1_time)
    earliest, latest = l1_time + policy.valid_at_least_s, l1_time + policy.valid_at_most_s
    if valid_until < earliest:
        raise ExpiresTooSoon(valid_until, earliest)
    if valid_until > latest:
        raise ExpiresTooLate(valid_until, latest)


def expiry_of(transaction: Transaction) -> int | None:
    """The L1 time after which a transaction does not apply any more; None where it always does."""
    body = transaction.body
    return None if isinstance(body, Claim | Finalize) else body.valid_until


def explain(
    state: State, transaction: Transaction, error: ProtocolError
) -> ProtocolError | SequencerError:
    """The most precise name for what execution refused; `error` itself where it is that already."""
    body = transaction.body
    if isinstance(body, TopUp | Claim | StartClose | Close | Finalize):
        if isinstance(error, UnknownChannel):
            present = _same_parties(state, body.channel_id)
            if present is not None:
                return WrongEpoch(body.channel_id, present.epoch, body.channel_id >> 64)
        if isinstance(error, WrongKey) and isinstance(body, Claim):
            channel = state.find_channel(state.slot_of(body.channel_id))
            other = Lane(1 - body.lane)
            signer = key_hash(transaction.signatures[0].key)
            if channel is not None and channel.key_hash(other) == signer:
                return WrongLane(int(body.lane))
    return error


def _same_parties(state: State, channel_id: int) -> Channel | None:
    for channel in state.channels.values():
        if channel.id & _PARTIES_MASK == channel_id & _PARTIES_MASK:
            return channel
    return None
