"""What a cheating operator would like a whole batch to say, each lie stopped by name.

A lie here is complete: roots, digest, challenge and evaluations are computed from what is claimed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from protocol.batch import (
    ExecutedProof,
    challenge,
    digest_of,
    evaluate,
    link_elements,
    public_inputs,
    seal,
)
from protocol.crypto.field import R
from protocol.data import header
from protocol.execute import execute
from protocol.execute_queue import execute_queue_op
from protocol.queue import Deposit, NewAccount
from protocol.state import State
from protocol.trace import Context
from protocol.transactions import Transfer, Withdraw
from prover.circuits.batch import TAIL, batch_circuit, queue_name
from prover.circuits.ends import head, head_inputs, tail
from prover.circuits.queue_slot import queue_slot
from prover.circuits.tree_place import place_inputs
from prover.errors import Unsatisfied
from prover.r1cs.engine import solve
from prover.r1cs.errors import BrokenConstraint
from prover.witness import batch_inputs
from tests.protocol.street import ANNA, BERT, CARL, CONTEXT, LATER, NOW, STRANGER, signed
from tests.prover.circuits.cases import seasoned_street
from tests.prover.circuits.lone import Inputs, failing
from tests.prover.circuits.proofs import SMALL, check, executed, witness_of
from tests.prover.circuits.queue_cases import QUEUE_CASES
from tests.soundness.test_mutations import exports, free_hints, free_wires

NEW = NewAccount(1, NOW, 6, STRANGER.key_hash, STRANGER.l1_address, 5_000, 0xCAFE)
DEPOSIT = Deposit(2, NOW, 6, 70, 0xCAFE)
TRANSFER = signed(Transfer(0, 6, 0, 900, 7, LATER), ANNA)
WITHDRAW = signed(Withdraw(1, 1, 40, 3, LATER), BERT)


def honest(state: State | None = None) -> ExecutedProof:
    """Both ops, both transactions, fees of 10 for Carl."""
    start = seasoned_street() if state is None else state
    return executed(start, [NEW, DEPOSIT], [(TRANSFER, None), (WITHDRAW, None)])


def claiming(proof: ExecutedProof, **changes: object) -> ExecutedProof:
    """The proof with other claims; its digest is that of all that is claimed."""
    changed = replace(proof, **changes)  # type: ignore[arg-type]
    links = link_elements(changed.old_root, changed.new_root, changed.context)
    return replace(changed, digest=digest_of(changed.data, changed.messages, links))


def rejection(proof: ExecutedProof) -> str:
    """The name of the first constraint that fails."""
    with pytest.raises(BrokenConstraint) as caught:
        check(proof)
    return caught.value.name


def test_the_honest_proof_passes() -> None:
    check(honest())


def without_credit() -> ExecutedProof:
    """Fees are taken and vanish."""
    state, before = seasoned_street(), seasoned_street().tree_roots
    queue = [execute_queue_op(state, CONTEXT, op) for op in (NEW, DEPOSIT)]
    users = [execute(state, CONTEXT, tx) for tx in (TRANSFER, WITHDRAW)]
    windows = honest().windows
    return seal(SMALL, CONTEXT, 0, before, state.root, queue, users, windows, None)


def credited_elsewhere() -> ExecutedProof:
    """Bert gets the fees, the data says Carl."""
    proof = executed(
        seasoned_street(),
        [NEW, DEPOSIT],
        [(TRANSFER, None), (WITHDRAW, None)],
        operator_index=BERT.index,
    )
    return claiming(proof, data=(header(CARL.index, 2), *proof.data[1:]))


def consumed_lies(consumed: int) -> ExecutedProof:
    proof = honest()
    return claiming(proof, data=(header(CARL.index, consumed), *proof.data[1:]))


def op_skipped() -> ExecutedProof:
    """The deposit is in what L1 sees, but no slot executes it."""
    claimed = honest()
    done = executed(seasoned_street(), [NEW], [(TRANSFER, None), (WITHDRAW, None)])
    return claiming(done, data=claimed.data, messages=claimed.messages)


def op_twice() -> ExecutedProof:
    """The same op in both slots, the second as if the account were still empty."""
    state = seasoned_street()
    before = state.tree_roots
    once = execute_queue_op(state, CONTEXT, NEW)
    windows = executed(state.copy(), [], []).windows
    return seal(SMALL, CONTEXT, 0, before, state.root, [once, once], [], windows, None)


def other_amount() -> ExecutedProof:
    """A deposit of 70 credits 71."""
    done = executed(seasoned_street(), [NEW, replace(DEPOSIT, amount_ntok=71)], [])
    return claiming(done, messages=executed(seasoned_street(), [NEW, DEPOSIT], []).messages)


def withdrawal_raised() -> ExecutedProof:
    proof = honest()
    messages = (*proof.messages[:-1], proof.messages[-1] + (1 << 160))
    return claiming(proof, messages=messages)


def withdrawal_hidden() -> ExecutedProof:
    proof = honest()
    return claiming(proof, messages=(*proof.messages[:-1], 0))


def other_data() -> ExecutedProof:
    """Data that nobody could rebuild the state from."""
    proof = honest()
    return claiming(proof, data=(*proof.data[:-1], proof.data[-1] ^ 1 << 40))


LIES: dict[str, tuple[Callable[[], ExecutedProof], str]] = {
    "fees vanish": (without_credit, "tail/operator/old leaf is in the tree"),
    "the fees' receiver is not the one named": (credited_elsewhere, "tail/digest/digest"),
    "one op fewer consumed": (lambda: consumed_lies(1), "tail/digest/digest"),
    "one op more consumed": (lambda: consumed_lies(3), "tail/digest/digest"),
    "an op skipped": (op_skipped, "tail/digest/digest"),
    "an op executed twice": (op_twice, "queue1/account1/old leaf is in the tree"),
    "a larger deposit": (other_amount, "tail/digest/digest"),
    "a larger withdrawal": (withdrawal_raised, "tail/digest/digest"),
    "a hidden withdrawal": (withdrawal_hidden, "tail/digest/digest"),
    "other data": (other_data, "tail/digest/digest"),
    "another new root": (
        lambda: claiming(honest(), new_root=honest().old_root),
        "tail/digest/digest",
    ),
    "another old root": (
        lambda: claiming(honest(), old_root=honest().new_root),
        "tail/digest/digest",
    ),
    "a context of 209 bits": (
        lambda: claiming(honest(), context=Wide(CONTEXT.domain, NOW, NOW)),
        "head/context/bits add up",
    ),
}


class Wide(Context):
    """A context with a bit too many."""

    __slots__ = ()

    def element(self) -> int:
        return Context.element(self) + (1 << 208)


@pytest.mark.parametrize("name", LIES)
def test_no_lie_is_proved(name: str) -> None:
    lie, says_no = LIES[name]
    assert rejection(lie()) == says_no


@pytest.mark.parametrize(
    ("which", "says_no"),
    [
        ("digest", "tail/digest/digest"),
        ("z", "tail/y_data"),
        ("y_data", "tail/y_data"),
        ("y_msg", "tail/y_msg"),
    ],
)
def test_every_public_input_is_bound(which: str, says_no: str) -> None:
    proof = honest()
    public = public_inputs(proof, challenge([proof]))
    changed = replace(public, **{which: (getattr(public, which) + 1) % R})
    circuit = batch_circuit(SMALL)
    witness = circuit.circuit.witness(batch_inputs(circuit, proof, changed))
    with pytest.raises(BrokenConstraint) as caught:
        circuit.circuit.check(witness)
    assert caught.value.name == says_no


@pytest.mark.parametrize("which", range(3))
def test_roots_and_context_are_bound_by_y_msg_too(which: int) -> None:
    """With the true digest, and the evaluation of another old root, new root or context."""
    proof = honest()
    public = public_inputs(proof, challenge([proof]))
    links = list(link_elements(proof.old_root, proof.new_root, proof.context))
    links[which] += 1
    lie = replace(public, y_msg=evaluate((*proof.messages, *links), public.z))
    circuit = batch_circuit(SMALL)
    with pytest.raises(BrokenConstraint, match="tail/y_msg"):
        circuit.circuit.check(circuit.circuit.witness(batch_inputs(circuit, proof, lie)))


def test_no_public_input_may_change_after_the_fact() -> None:
    witness = witness_of(honest())
    circuit = batch_circuit(SMALL)
    for wire in range(1, 5):
        changed = witness.copy()
        changed[wire] = witness[wire % 4 + 1]
        with pytest.raises(Unsatisfied):
            circuit.circuit.check(changed)


def test_an_unused_queue_slot_comes_last() -> None:
    """Swap the two slots' inputs: unused, then used."""
    proof = executed(seasoned_street(), [NEW], [])
    circuit = batch_circuit(SMALL)
    inputs = batch_inputs(circuit, proof, public_inputs(proof, 5))
    inputs[queue_name(0)], inputs[queue_name(1)] = inputs[queue_name(1)], inputs[queue_name(0)]
    with pytest.raises(BrokenConstraint, match="queue1/used slots come first"):
        circuit.circuit.check(circuit.circuit.witness(inputs))


def test_nobody_is_named_where_there_are_no_fees() -> None:
    proof = executed(seasoned_street(), [NEW], [])
    circuit = batch_circuit(SMALL)
    inputs = batch_inputs(circuit, proof, public_inputs(proof, 5))
    inputs[TAIL] |= {"operator/index/value": CARL.index}
    with pytest.raises(BrokenConstraint, match="tail/operator/inactive index"):
        circuit.circuit.check(circuit.circuit.witness(inputs))


def forged_exists(name: str, exists: int) -> set[str]:
    """A queue slot whose account is said to exist, or not to, against its leaf."""
    inputs = QUEUE_CASES[name]().inputs | {"account1/exists": exists}
    if not exists:
        inputs |= {f"account1/{lane}": 0 for lane in ("key_hash", "owner", "balance", "totals")}
    return failing(queue_slot(), inputs)


@pytest.mark.parametrize("name", ["new account at a taken index", "deposit", "deposit past 2^64"])
def test_an_account_cannot_be_denied(name: str) -> None:
    """Otherwise a NEW_ACCOUNT would take over a taken index, a deposit would vanish."""
    assert forged_exists(name, 0) == {"account1/old leaf is in the tree"}


@pytest.mark.parametrize("name", ["new account", "deposit to nobody"])
def test_an_account_cannot_be_made_up(name: str) -> None:
    """Otherwise a NEW_ACCOUNT could be ignored."""
    assert forged_exists(name, 1) == {"account1/old leaf is in the tree"}


def test_an_unused_queue_slot_has_no_elements() -> None:
    inputs = QUEUE_CASES["unused"]().inputs
    fields = ("side", "enqueue_time/value", "epoch/value", "word/value", "element2", "element6")
    for which in fields:
        assert failing(queue_slot(), {**inputs, f"op/{which}": 1}), which
    for which in ("account1/index/value", "account2/index/value", "channel/index/value"):
        assert failing(queue_slot(), {**inputs, which: 1}), which


def test_a_wrapped_deposit_mints_nothing() -> None:
    inputs = QUEUE_CASES["deposit"]().inputs
    minus_5 = inputs["op/word/value"] - (5_005 << 160)
    failed = failing(queue_slot(), {**inputs, "op/word/value": minus_5 % R})
    assert "op/word/bits add up" in failed


def tail_case(proof: ExecutedProof) -> Inputs:
    """All that the tail is given in this proof, links included."""
    circuit = batch_circuit(SMALL)
    public = public_inputs(proof, challenge([proof]))
    inputs = batch_inputs(circuit, proof, public)
    witness = circuit.circuit.witness(inputs)
    links = circuit.circuit.instances[-1].links
    return inputs[TAIL] | {
        link: circuit.circuit.value_of(witness, port) for link, port in links.items()
    }


def test_every_value_of_the_tail_is_bound() -> None:
    for proof, free in (
        (honest(), set()),
        (executed(seasoned_street(), [NEW], []), {"operator/no fees inverse"}),
    ):
        template = tail(SMALL)
        inputs = tail_case(proof)
        values = solve(template, inputs)
        assert set(free_hints(template, values)) == free
        assert set(free_wires(template, values)) == free
        for which in template.inputs:
            changed = {**inputs, which: (inputs[which] + 1) % R}
            assert failing(template, changed), which
    assert exports(tail(SMALL), values) == {}


def test_every_value_of_the_head_is_bound() -> None:
    proof = honest()
    public = public_inputs(proof, challenge([proof]))
    values = solve(head(), head_inputs(public, proof.context, proof.old_trees))
    assert set(free_hints(head(), values)) == set()
    assert set(free_wires(head(), values)) == set()


def test_operator_gets_all_fees() -> None:
    state = seasoned_street()
    proof = honest(state)
    assert proof.fees_ntok == 10
    assert state.account(CARL.index).balance_ntok == 1_000_002 + 10
    less = tail_case(proof) | {"operator/balance": 1_000_002 - 1}
    assert "operator/old leaf is in the tree" in failing(tail(SMALL), less)
    unpaid = {**tail_case(proof), **place_inputs("operator")}
    assert "operator/old leaf is in the tree" in failing(tail(SMALL), unpaid)


def test_the_operator_cannot_be_made_rich_past_2_64() -> None:
    state = seasoned_street()
    rich = replace(state.account(CARL.index), balance_ntok=2**64 - 10)
    state.write_account(CARL.index, rich)
    inputs = tail_case(honest())
    lanes = {"operator/balance": rich.balance_ntok}
    assert "operator/new balance/bit0 is a bit" in failing(tail(SMALL), {**inputs, **lanes})
