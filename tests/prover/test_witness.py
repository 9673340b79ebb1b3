"""The witness: everything comes from the executor's traces; padding is all zeros."""

from __future__ import annotations

from protocol.batch import challenge, public_inputs
from prover.circuits.batch import TAIL, batch_circuit, queue_name, user_name
from prover.circuits.queue_inputs import queue_inputs
from prover.circuits.user_inputs import user_inputs
from prover.gadgets.schnorr import DUMMY, signature_inputs
from prover.witness import batch_inputs
from tests.prover.circuits.cases import USER_CASES, seasoned_street
from tests.prover.circuits.lone import windows_of
from tests.prover.circuits.proofs import SMALL, executed


def test_padding_is_all_zeros_but_for_dummy_signatures() -> None:
    dummies = signature_inputs("signature1", DUMMY) | signature_inputs("signature2", DUMMY)
    windows = executed(seasoned_street(), [], []).windows
    assert {name: v for name, v in user_inputs(None, windows).items() if v} == {
        name: v for name, v in dummies.items() if v
    }
    assert not any(queue_inputs(None).values())


def test_every_part_gets_its_inputs_and_no_links() -> None:
    proof = executed(seasoned_street(), [], [])
    inputs = batch_inputs(batch_circuit(SMALL), proof, public_inputs(proof, challenge([proof])))
    instances = batch_circuit(SMALL).circuit.instances
    assert set(inputs) == {instance.name for instance in instances}
    for instance in instances:
        template = instance.template
        own = set(template.given) - set(template.links)
        assert set(inputs[instance.name]) == own, instance.name
    assert {TAIL, queue_name(1), user_name(1)} <= set(inputs)


def test_fields_are_those_before_the_slot() -> None:
    case = USER_CASES["close"]()
    assert case.trace is not None
    assert case.trace.account_1 is not None
    before = case.trace.account_1.before
    assert before is not None
    inputs = user_inputs(case.trace, windows_of(case.trace, case.before))
    assert inputs["account1/balance"] == before.balance_ntok
    assert inputs["account1/owner"] >> 160 == before.nonce
