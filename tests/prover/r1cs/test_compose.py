from __future__ import annotations

import time

import pytest

from protocol.crypto.field import R
from prover.curves.fr import from_ints, to_ints
from prover.gadgets.bits import enforce_bits
from prover.gadgets.merkle import INDEX_BITS, advise_siblings, updated_roots
from prover.r1cs.builder import Builder
from prover.r1cs.compose import Circuit, Instance, Port, compose
from prover.r1cs.errors import BadCircuit, BrokenConstraint, LinkMismatch, WrongInputs
from tests.prover.gadgets.test_merkle import street, update_inputs
from tests.prover.mutation import record


def step(b: Builder) -> None:
    """new = old * shared + x"""
    old, shared, x = b.link("old"), b.link("shared"), b.input("x")
    b.export("new", b.mul(old, shared, x, label="step"))


def frame(b: Builder) -> None:
    first, last = b.public("first"), b.public("last")
    b.enforce_equal(b.link("computed"), last, label="last is computed")
    b.export("shared", b.mul(first, first, label="shared"))


STEP, FRAME = record(step, "step"), record(frame, "frame")
SLOTS = 3


def chained(last: Port | None = None) -> Circuit:
    ports = [Port("frame", "first"), *(Port(f"slot{k}", "new") for k in range(SLOTS))]
    slots = [
        Instance(f"slot{k}", STEP, {"old": ports[k], "shared": Port("frame", "shared")})
        for k in range(SLOTS)
    ]
    return compose("chain", [Instance("frame", FRAME, {"computed": last or ports[-1]}), *slots])


def inputs(first: int = 3) -> dict[str, dict[str, int]]:
    state = first
    given = {}
    for k in range(SLOTS):
        given[f"slot{k}"] = {"old": state, "shared": first * first, "x": k + 5}
        state = (state * first * first + k + 5) % R
    return {"frame": {"first": first, "last": state}, **given}


def test_a_chain_of_slots_is_satisfied_and_links_cost_nothing() -> None:
    circuit = chained()
    witness = circuit.witness(inputs())
    circuit.check(witness)
    assert circuit.r1cs.n_public == 2
    assert circuit.r1cs.n_constraints == 2 + SLOTS
    assert circuit.r1cs.n_wires == 1 + 3 + 2 * SLOTS
    assert to_ints(witness[:3]) == [1, 3, inputs()["frame"]["last"]]
    assert circuit.value_of(witness, Port("slot2", "new")) == inputs()["frame"]["last"]
    assert circuit.wire_of(Port("frame", "first")) == 1


def test_links_left_out_are_taken_from_their_targets() -> None:
    circuit = chained()
    given = inputs()
    bare = {
        "frame": given["frame"] | {"computed": given["frame"]["last"]},
        **{f"slot{k}": {"x": k + 5} for k in range(SLOTS)},
    }
    assert to_ints(circuit.witness(bare)) == to_ints(circuit.witness(given))


def test_a_link_that_differs_from_its_target_is_named() -> None:
    given = inputs()
    given["slot1"]["old"] += 1
    with pytest.raises(LinkMismatch, match=r"slot1: link old was given .* but slot0/new is"):
        chained().witness(given)


def test_a_failing_constraint_is_named_with_its_instance() -> None:
    circuit = chained()
    given = inputs()
    given["frame"] |= {"last": 1, "computed": given["frame"]["last"]}
    with pytest.raises(BrokenConstraint, match="frame/last is computed") as caught:
        circuit.check(circuit.witness(given))
    assert caught.value.row == 0
    witness = circuit.witness(inputs())
    witness[circuit.wire_of(Port("slot1", "new"))] = from_ints([9])[0]
    with pytest.raises(BrokenConstraint, match="slot1/step"):
        circuit.check(witness)


def test_inputs_of_no_instance_and_missing_ones_are_named() -> None:
    with pytest.raises(WrongInputs, match="unknown: slot9"):
        chained().witness({"slot9": {}})
    given = inputs()
    del given["slot1"]["x"]
    with pytest.raises(WrongInputs, match="inputs of circuit slot1 - missing: x"):
        chained().witness(given)


def test_links_in_a_ring_need_values_from_outside() -> None:
    def ring(b: Builder) -> None:
        b.export("next", b.mul(b.link("before"), 2 * b.input("x")))

    template = record(ring)
    ports = [Port("a", "next"), Port("b", "next")]
    circuit = compose(
        "ring",
        [
            Instance("a", template, {"before": ports[1]}),
            Instance("b", template, {"before": ports[0]}),
        ],
    )
    half = pow(2, -1, R)
    given = {"a": {"x": half}, "b": {"x": half}}
    with pytest.raises(WrongInputs, match="missing: a, b"):
        circuit.witness(given)
    given["a"]["before"] = 7
    circuit.check(circuit.witness(given))


def test_badly_joined_circuits_are_refused() -> None:
    with pytest.raises(BadCircuit, match=r"links not tied or unknown: .'computed'"):
        compose("bad", [Instance("frame", FRAME)])
    with pytest.raises(BadCircuit, match="no export slot7/new"):
        chained(last=Port("slot7", "new"))
    with pytest.raises(BadCircuit, match="no export slot0/old"):
        chained(last=Port("slot0", "old"))
    ports = {"computed": Port("frame", "first")}
    with pytest.raises(BadCircuit, match="same name"):
        compose("bad", [Instance("frame", FRAME, ports)] * 2)
    with pytest.raises(BadCircuit, match="second has public inputs but is not the first"):
        compose("bad", [Instance(name, FRAME, ports) for name in ("frame", "second")])


def test_equal_circuits_have_equal_digests_and_others_have_not() -> None:
    assert chained().r1cs.digest() == chained().r1cs.digest()
    assert chained().r1cs.digest() != chained(last=Port("slot0", "new")).r1cs.digest()


def roots(b: Builder) -> None:
    old = b.public("old_root")
    b.mul(old, old)


def update(b: Builder) -> None:
    root = b.link("old_root")
    index = enforce_bits(b, b.input("index"), INDEX_BITS)
    leaves, siblings = (b.input("old_leaf"), b.input("new_leaf")), advise_siblings(b)
    old, new = updated_roots(b, index, *leaves, siblings)
    b.enforce_equal(old, root, label="old root")
    b.export("new_root", new)


def test_2_to_the_18_rows_are_joined_and_witnessed_in_seconds() -> None:
    count, tree, template = 36, street(), record(update, "update")
    ports = [Port("roots", "old_root"), *(Port(f"update{k}", "new_root") for k in range(count))]
    instances = [
        Instance("roots", record(roots, "roots")),
        *(Instance(f"update{k}", template, {"old_root": ports[k]}) for k in range(count)),
    ]
    given = {"roots": {"old_root": tree.root}}
    for k in range(count):
        given[f"update{k}"] = update_inputs(tree, 77 * k, k + 1)
        del given[f"update{k}"]["new_root"]
    started = time.process_time()
    circuit = compose("batch", instances)
    joined = time.process_time()
    witness = circuit.witness(given)
    done = time.process_time()
    circuit.check(witness)
    assert circuit.r1cs.n_constraints > 259_000
    assert circuit.value_of(witness, ports[-1]) == tree.root
    assert joined - started < 10
    assert done - joined < 10  # of which most is compiling, the first time
