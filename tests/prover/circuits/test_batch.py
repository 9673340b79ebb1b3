"""The batch circuit: what it takes, what it says, and its committed size."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from protocol.batch import Shape, challenge, public_inputs
from protocol.channels import Lane, channel_id, pack_lane
from protocol.execute_queue import execute_queue_op
from protocol.queue import Deposit, NewAccount, QueueOp
from protocol.trace import Context
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
from prover.circuits import batch
from prover.circuits.batch import CLOSED, DEFAULT_SHAPE, batch_circuit
from prover.curves.fr import to_ints
from prover.errors import WrongShape
from prover.groth16.polynomials import log_domain_size
from prover.r1cs.compose import Port
from prover.witness import batch_witness
from tests.protocol.street import (
    ANNA,
    BERT,
    CARL,
    CONTEXT,
    LATER,
    NOW,
    STRANGER,
    Home,
    at,
    run,
    signed,
)
from tests.prover.circuits.cases import LANE_AB, channel_of, seasoned_street, street_with_channel
from tests.prover.circuits.lone import nodes_of
from tests.prover.circuits.proofs import SMALL, check, executed, witness_of

COUNTS = Path(batch.__file__).with_name("counts.json")
OPS: list[QueueOp] = [
    NewAccount(1, NOW, 6, STRANGER.key_hash, STRANGER.l1_address, 5_000, 0xCAFE),
    Deposit(2, NOW, 6, 70, 0xCAFE),
]
TRANSACTIONS = [
    (signed(Transfer(0, 6, 0, 900, 7, LATER), ANNA), None),
    (signed(Withdraw(1, 1, 40, 3, LATER), BERT), None),
]


@pytest.mark.parametrize("n_ops", range(3))
@pytest.mark.parametrize("n_transactions", range(3))
def test_any_number_of_slots_may_be_used(n_ops: int, n_transactions: int) -> None:
    state = seasoned_street()
    if n_ops == 0:
        state.write_account(6, STRANGER.account())
    check(executed(state, OPS[:n_ops], TRANSACTIONS[:n_transactions]))


def test_public_inputs_are_the_protocols_in_its_order() -> None:
    proof = executed(seasoned_street(), OPS, TRANSACTIONS)
    public = public_inputs(proof, challenge([proof]))
    witness = witness_of(proof)
    assert batch_circuit(SMALL).r1cs.n_public == 4
    assert tuple(to_ints(witness[1:5])) == public.values()


def test_each_slot_leaves_the_trees_that_the_executor_has() -> None:
    state = seasoned_street()
    one = executed(state.copy(), OPS, TRANSACTIONS)
    witness, circuit = witness_of(one), batch_circuit(SMALL).circuit
    after = state.copy()
    for op, name in zip(OPS, ("queue0", "queue1"), strict=True):
        execute_queue_op(after, CONTEXT, op)
        assert circuit.value_of(witness, Port(name, "accounts")) == after.accounts_root
    for (transaction, _), name in zip(TRANSACTIONS, ("user0", "user1"), strict=True):
        run(after, transaction)
        for window, node in nodes_of(one.windows, after).items():
            assert circuit.value_of(witness, Port(name, window)) == node
    assert circuit.value_of(witness, Port(CLOSED, "accounts")) == after.accounts_root
    assert circuit.value_of(witness, Port(CLOSED, "channels")) == after.channels_root


def test_accounts_of_two_windows_and_a_channel_far_away() -> None:
    """Every type between accounts in the first and the last window, in either order."""
    far, slot = (1 << 24) - 1, 1 << 23
    state = seasoned_street()
    state.write_account(far, STRANGER.account(10**6))
    opened = Open(far, 0, 0, 500, 1, DAY_S, LATER)
    made = channel_id(far, 0, 0)
    bodies: list[tuple[Body, tuple[Home, ...]]] = [
        (Transfer(far, 1, 1, 4, 0, LATER), (STRANGER,)),
        (Transfer(0, far, 0, 5, 1, LATER), (ANNA,)),
        (TopUp(made, Lane.BA, 1, 50, 3, LATER), (ANNA,)),
        (Close(made, pack_lane(9, 70), 0, 500, 50, LATER), (STRANGER, ANNA)),
    ]
    first = executed(state, OPS[:1], [(signed(opened, STRANGER), slot)])
    check(first)
    assert [each.prefix for each in first.windows.accounts] == [4_095, 0]
    for body, signers in bodies:
        check(executed(state, [], [(signed(body, *signers), None)]))


def test_every_type_in_two_proofs_of_the_default_shape() -> None:
    state = street_with_channel()
    channel, fresh = channel_of(state), channel_id(0, 2, 2)
    bodies: list[tuple[Body, Home]] = [
        (Transfer(0, 77, 1, 900, 7, LATER), ANNA),
        (Withdraw(1, 2, 900, 7, LATER), BERT),
        (Open(0, 2, 2, 600, 9, DAY_S, LATER), ANNA),
        (TopUp(channel.id, Lane.BA, 3, 50, 3, LATER), BERT),
        (Claim(channel.id, Lane.AB, LANE_AB + 1), ANNA),
        (StartClose(channel.id, Lane.AB, 3, LATER), ANNA),
    ]
    first = [(signed(body, signer), None) for body, signer in bodies]
    check(executed(state, OPS, first, shape=DEFAULT_SHAPE))
    end = channel_of(state).deadline
    both = signed(Close(fresh, pack_lane(9, 70), 0, 600, 0, end), ANNA, CARL)
    second = [(Transaction(Finalize(channel.id)), None), (both, None)]
    check(executed(state, [], second, shape=DEFAULT_SHAPE, context=at(end)))
    assert not state.channels


def test_another_shape_is_refused() -> None:
    proof = executed(seasoned_street(), [], [], shape=Shape(1, 1))
    with pytest.raises(WrongShape, match="queue_slots=1"):
        batch_witness(batch_circuit(SMALL), proof, public_inputs(proof, 5))


def test_a_proof_without_queue_slots_or_of_another_context_works() -> None:
    shape = Shape(queue_slots=0, user_slots=1)
    context = Context((1 << 128) - 1, (1 << 40) - 1, (1 << 40) - 1)
    check(executed(seasoned_street(), [], [], shape=shape, context=context))
    late = replace(CONTEXT, queue_covered=0)
    check(executed(seasoned_street(), [], TRANSACTIONS[1:], shape=shape, context=late))


def test_counts_are_the_committed_ones() -> None:
    counts = dict(batch_circuit(DEFAULT_SHAPE).counts)
    assert counts == json.loads(COUNTS.read_text()), "if meant, write this into counts.json"
    assert counts["user slot"] <= 20_300


def test_the_default_shape_is_the_largest_for_its_domain() -> None:
    assert log_domain_size(batch_circuit(DEFAULT_SHAPE).r1cs) == 18
    counts = batch_circuit(DEFAULT_SHAPE).counts
    assert counts["batch"] + counts["user slot"] > 1 << 18
    assert counts["batch"] + counts["queue slot"] > 1 << 18
