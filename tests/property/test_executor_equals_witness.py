"""C8: executor, witness and circuit agree for any sequence of transactions and ops, garbage too.

What the executor accepts has a witness, with the executor's roots and words; for what it refuses
the best witness that anyone could try (tests.soundness.lenient) fails.
"""

from __future__ import annotations

import random
from collections import Counter
from functools import cache

import pytest

from protocol.batch import Shape
from protocol.errors import InvalidSignature, InvalidTransaction, OutsideWindows
from protocol.execute import credit_fees
from protocol.proof_builder import ProofBuilder, execute_proof
from protocol.queue import OpType, QueueOp
from protocol.state import State, TreeRoots
from protocol.trace import Context
from protocol.transactions import Transaction, TxType
from prover.circuits.batch import CLOSED, batch_circuit
from prover.circuits.user_slot import user_slot
from prover.r1cs.compose import Port
from tests.property.candidates import HOMES, SCATTERED, Street
from tests.protocol.street import DOMAIN, NOW
from tests.prover.circuits.lone import failing, user_case
from tests.prover.circuits.proofs import check, witness_of
from tests.soundness.lenient import lenient_trace

SHAPE = Shape(queue_slots=2, user_slots=3)
SEEDS = range(4)
BATCHES = 12


def new_street(seed: int) -> Street:
    """Every other one with homes and channels in more windows than a proof has."""
    rng = random.Random(seed)
    state, homes = State(), SCATTERED if seed % 2 else HOMES
    for one in homes[:3]:
        state.write_account(one.index, one.account(rng.randrange(10**6, 10**7)))
    slots = (0, 1, 4_095, 4_096, 2**24 - 1) if seed % 2 else tuple(range(6))
    return Street(rng, state, Context(DOMAIN, NOW, NOW), homes, slots)


def choose(
    street: Street, ops: list[QueueOp], seen: Counter[str]
) -> list[tuple[Transaction, int | None]]:
    """Transactions for one proof after the ops; what is refused is tried on the circuit."""
    state = street.state.copy()
    chosen: list[tuple[Transaction, int | None]] = []
    proof = ProofBuilder(state, SHAPE, street.context, 0)
    for op in ops:
        proof.consume(op)
    before, street.state = street.state, state
    for _ in range(24):
        if len(chosen) == SHAPE.user_slots:
            break
        transaction, slot = street.candidate()
        roots = state.tree_roots
        assert ProofBuilder(state, SHAPE, street.context, 0).admits(transaction, slot)
        if not proof.admits(transaction, slot):
            with pytest.raises(OutsideWindows):
                proof.add(transaction, slot)
            seen["left for the next proof"] += 1
            continue
        try:
            proof.add(transaction, slot)
        except (InvalidTransaction, InvalidSignature) as error:
            refusal = error
        else:
            chosen.append((transaction, slot))
            seen[transaction.body.TYPE.name] += 1
            continue
        assert state.tree_roots == roots
        trace = lenient_trace(state, street.context, transaction, slot)
        inputs = user_case(trace, state, street.context)
        assert failing(user_slot(), inputs), f"{refusal!r} of {transaction.body}"
        seen[type(refusal).__name__] += 1
    street.state = before
    return chosen


def prove_a_batch(street: Street, number: int, seen: Counter[str]) -> None:
    """Execute one proof's worth on the state; its witness satisfies and says the same."""
    ops = [street.op(2 * number + i) for i in range(street.rng.choice((0, 1, 2, 2, 2, 2)))]
    transactions = choose(street, ops, seen)
    operator = 0
    proof = execute_proof(street.state, SHAPE, street.context, operator, ops, transactions)
    for trace in proof.queue:
        seen[f"{trace.op.TYPE.name} {'applied' if trace.applied else 'as a no-op'}"] += 1
    check(proof)
    witness, circuit = witness_of(proof), batch_circuit(SHAPE).circuit
    ends = Port(CLOSED, "accounts"), Port(CLOSED, "channels")
    roots = TreeRoots(*(circuit.value_of(witness, port) for port in ends))
    if proof.fees is None:
        assert roots.state_root() == proof.new_root
    else:
        unpaid = street.state.copy()
        assert proof.fees.before is not None
        unpaid.write_account(operator, proof.fees.before)
        assert roots == unpaid.tree_roots
        credit_fees(unpaid, operator, proof.fees_ntok)
        assert unpaid.root == proof.new_root == street.state.root


@cache
def seen_from(seed: int) -> Counter[str]:
    """Prove a street's batches; what came across, by type or error."""
    street, seen = new_street(seed), Counter[str]()
    for number in range(BATCHES):
        prove_a_batch(street, number, seen)
        street.pass_time()
    return seen


@pytest.mark.parametrize("seed", SEEDS)
def test_c8_executor_witness_and_circuit_agree(seed: int) -> None:
    kinds = [name.split(" ")[1:] for name in seen_from(seed) if name.startswith("FORCED")]
    assert ["applied"] in kinds
    assert ["as", "a", "no-op"] in kinds


def test_c8_the_sequences_reach_every_type_and_many_refusals() -> None:
    seen = sum((seen_from(seed) for seed in SEEDS), Counter[str]())
    assert {kind.name for kind in TxType} - {"NOOP"} <= set(seen)
    assert seen["left for the next proof"]
    ops = {kind.name for kind in OpType if kind is not OpType.NONE}
    assert {f"{name} {done}" for name in ops for done in ("applied", "as a no-op")} <= set(seen)
    refusals = [name for name in seen if " " not in name and not name.isupper()]
    assert len(refusals) >= 12, seen
