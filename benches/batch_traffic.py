"""A proof full of the traffic of a street, of any size, for the prover's benches.

Of ten slots four open channels, three close them together, one tops up, one transfers, one
withdraws: what homes do that keep their channels for weeks.
"""

from __future__ import annotations

from protocol.accounts import Account
from protocol.batch import (
    ExecutedProof,
    PublicInputs,
    Shape,
    challenge,
    public_inputs,
)
from protocol.channels import Channel, Lane, Status, pack_lane
from protocol.crypto.schnorr import key_hash, public_key, sign
from protocol.proof_builder import execute_proof
from protocol.queue import Deposit
from protocol.state import State
from protocol.trace import Context
from protocol.transactions import Close, Open, TopUp, Transaction, Transfer, Withdraw
from protocol.units import DAY_S

NOW = 1_790_000_000
_CONTEXT = Context(domain=7, l1_time=NOW, queue_covered=NOW)
_LATER = NOW + 3_600
_FUNDS_NTOK = 10**12
_MIX = ("open", "close", "open", "top_up", "close", "open", "transfer", "close", "open", "withdraw")


_Signed = Open | Close | TopUp | Transfer | Withdraw


def _secret(index: int) -> int:
    return (0x5EED << 64) + index + 1


def _signed(body: _Signed, *indices: int) -> Transaction:
    message = body.message(_CONTEXT.domain)
    signatures = (sign(_secret(i), message, i.to_bytes(32, "big")) for i in indices)
    return Transaction(body, tuple(signatures))


def full_proof(shape: Shape) -> tuple[ExecutedProof, PublicInputs]:
    """An executed proof without an empty slot, and its public inputs."""
    n_homes = max(4, shape.user_slots)
    hashes = [key_hash(public_key(_secret(i))) for i in range(n_homes)]
    state = State()
    for index, hashed in enumerate(hashes):
        state.write_account(index, Account(hashed, 0xC0DE + index, 0, _FUNDS_NTOK, 0, 0))
    for slot in range(shape.user_slots):
        state.write_channel(slot, _channel(slot, n_homes, hashes))
    nonces = [0] * n_homes
    transactions: list[tuple[Transaction, int | None]] = []
    for i in range(shape.user_slots):
        a = i % n_homes
        kind, b = _MIX[i % len(_MIX)], (a + 1) % n_homes
        body, signers, opened = _body(kind, i, a, b, nonces[a], state)
        if not isinstance(body, Close):
            nonces[a] += 1
        transactions.append((_signed(body, *signers), opened))
    ops = [Deposit(j + 1, NOW - 60, j, 1_000, 0xFEED) for j in range(shape.queue_slots)]
    executed = execute_proof(state, shape, _CONTEXT, 0, ops, transactions)
    return executed, public_inputs(executed, challenge([executed]))


def _channel(slot: int, n_homes: int, hashes: list[int]) -> Channel:
    a, b = slot % n_homes, (slot + 1) % n_homes
    return Channel(
        a_index=a,
        b_index=b,
        epoch=10**6 + slot,
        window_s=DAY_S,
        status=Status.OPEN,
        deadline=0,
        deposit_a_ntok=10**9,
        deposit_b_ntok=10**9,
        lane_ab=pack_lane(100, 10_000),
        lane_ba=pack_lane(50, 5_000),
        key_hash_a=hashes[a],
        key_hash_b=hashes[b],
    )


def _body(
    kind: str, slot: int, a: int, b: int, nonce: int, state: State
) -> tuple[_Signed, tuple[int, ...], int | None]:
    channel = state.find_channel(slot)
    assert channel is not None
    match kind:
        case "open":
            return Open(a, b, nonce, 10**6, 10, DAY_S, _LATER), (a,), (1 << 12) - 1 - slot
        case "close":
            lanes = pack_lane(3_000, 400_000), pack_lane(700, 90_000)
            deposits = channel.deposit_a_ntok, channel.deposit_b_ntok
            return Close(channel.id, *lanes, *deposits, _LATER), (a, b), None
        case "top_up":
            return TopUp(channel.id, Lane.AB, nonce, 10**5, 10, _LATER), (a,), None
        case "transfer":
            return Transfer(a, b, nonce, 10**5, 10, _LATER), (a,), None
        case _:
            return Withdraw(a, nonce, 10**5, 10, _LATER), (a,), None
