"""py_arkworks, py_ecc and L1 give one verdict on every proof, good or mutated in any way.

WATTLANE_PROOFS says how many proofs are drawn; py_ecc, which takes half a second, sees a sample.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from contracts.abi import load
from contracts.chain import start_chain
from contracts.errors import Reverted
from contracts.verifying_key import PROOF_BYTES, P, negate, words
from protocol.crypto.field import R
from prover.errors import ProverError
from prover.groth16.keys import VerifyingKey
from prover.groth16.proof import Proof
from prover.groth16.verify_arkworks import verify_arkworks
from prover.groth16.verify_py_ecc import verify_py_ecc
from tests.contracts.points import off_curve_g1, off_curve_g2, off_subgroup_g1, off_subgroup_g2
from tests.support.simulated_proofs import SimulatedKey, g1_bytes, g2_bytes
from tests.support.simulated_rollup import SimulatedRollup, deploy_simulated
from wattlane.proof_check import from_contract_key

COUNT = int(os.environ.get("WATTLANE_PROOFS", "200"))
PY_ECC_EVERY = 40
SLICES = {"a": slice(0, 128), "b": slice(128, 384), "c": slice(384, PROOF_BYTES)}


@dataclass(frozen=True, slots=True)
class Case:
    """A proof, in the form that L1 takes, and its public inputs."""

    kind: str
    proof_bytes: bytes
    inputs: tuple[int, ...]

    @property
    def is_good(self) -> bool:
        return self.kind.startswith("good")


Mutation = Callable[[random.Random, bytes, tuple[int, ...]], tuple[bytes, tuple[int, ...]]]


def _with(proof: bytes, name: str, point: bytes) -> bytes:
    place = SLICES[name]
    return proof[: place.start] + point + proof[place.stop :]


def _point(name: str, change: Callable[[random.Random, bytes], bytes]) -> Mutation:
    return lambda rng, proof, inputs: (_with(proof, name, change(rng, proof[SLICES[name]])), inputs)


def _coordinate_raised(rng: random.Random, point: bytes) -> bytes:
    at = 64 * rng.randrange(len(point) // 64)
    raised = int.from_bytes(point[at : at + 64], "big") + P
    return point[:at] + raised.to_bytes(64, "big") + point[at + 64 :]


def _bit_flipped(rng: random.Random, point: bytes) -> bytes:
    bit = rng.randrange(8 * len(point))
    return (int.from_bytes(point, "big") ^ 1 << bit).to_bytes(len(point), "big")


def _input_changed(
    rng: random.Random, proof: bytes, inputs: tuple[int, ...]
) -> tuple[bytes, tuple[int, ...]]:
    i = rng.randrange(len(inputs))
    return proof, (*inputs[:i], (inputs[i] + rng.randrange(1, R)) % R, *inputs[i + 1 :])


def _inputs_exchanged(
    rng: random.Random, proof: bytes, inputs: tuple[int, ...]
) -> tuple[bytes, tuple[int, ...]]:
    i, j = rng.sample(range(len(inputs)), 2)
    mixed = list(inputs)
    mixed[i], mixed[j] = mixed[j], mixed[i]
    return proof, tuple(mixed)


MUTATIONS: dict[str, Mutation] = {
    **{
        f"{name} {what}": _point(name, change)
        for name in SLICES
        for what, change in (
            ("negated", lambda rng, point: negate(point)),
            ("at infinity", lambda rng, point: bytes(len(point))),
            ("raised by p", _coordinate_raised),
            ("with a bit flipped", _bit_flipped),
            (
                "another point",
                lambda rng, point: (g1_bytes if len(point) == 128 else g2_bytes)(rng.randrange(R)),
            ),
            (
                "off the curve",
                lambda rng, point: off_curve_g1() if len(point) == 128 else off_curve_g2(),
            ),
            (
                "off the subgroup",
                lambda rng, point: off_subgroup_g1() if len(point) == 128 else off_subgroup_g2(),
            ),
        )
    },
    "a and c exchanged": lambda rng, proof, inputs: (
        proof[SLICES["c"]] + proof[SLICES["b"]] + proof[SLICES["a"]],
        inputs,
    ),
    "an input changed": _input_changed,
    "two inputs exchanged": _inputs_exchanged,
}


def cases(key: SimulatedKey, count: int) -> Iterator[Case]:
    """Half of them good, some by another representation of the same proof."""
    rng = random.Random(3)
    for i in range(count):
        inputs = tuple(rng.randrange(R) for _ in range(4))
        proof = key.prove(inputs)
        if i % 4 == 0:
            yield Case("good", proof, inputs)
        elif i % 4 == 2:  # e(-A, -B) = e(A, B)
            both = _with(proof, "a", negate(proof[SLICES["a"]]))
            yield Case(
                "good, a and b negated", _with(both, "b", negate(proof[SLICES["b"]])), inputs
            )
        else:
            kind = rng.choice(list(MUTATIONS))
            yield Case(kind, *MUTATIONS[kind](rng, proof, inputs))


@pytest.fixture(scope="module")
def rollup() -> Iterator[SimulatedRollup]:
    with start_chain("embedded") as chain:
        yield deploy_simulated(chain, chain.accounts[0])


def _on_l1(rollup: SimulatedRollup, case: Case) -> bool:
    digest, z, y_data, y_msg = case.inputs
    a, b, c = (words(case.proof_bytes[place]) for place in SLICES.values())
    proof = 0, 0, digest, y_data, y_msg, (a, b, c)  # of the roots, y_msg alone tells
    call = load("rollup").functions["proofs_hold"].encode_call([proof], z)
    try:
        return int.from_bytes(rollup.client.call(call), "big") == 1
    except Reverted:
        return False


def _by(
    verify: Callable[[VerifyingKey, tuple[int, ...], Proof], None], key: VerifyingKey, case: Case
) -> bool:
    try:
        verify(key, case.inputs, Proof.decode(case.proof_bytes))
    except ProverError:
        return False
    return True


def test_three_verifiers_agree_on_good_and_mutated_proofs(rollup: SimulatedRollup) -> None:
    assert isinstance(rollup.key, SimulatedKey)
    key = from_contract_key(rollup.key.key)
    seen: Counter[str] = Counter()
    for i, case in enumerate(cases(rollup.key, COUNT)):
        verdicts = [_by(verify_arkworks, key, case), _on_l1(rollup, case)]
        if i % PY_ECC_EVERY < 2:  # a good one and another
            verdicts.append(_by(verify_py_ecc, key, case))
        assert verdicts == [case.is_good] * len(verdicts), case
        seen[case.kind] += 1
    assert len(seen) == len(MUTATIONS) + 2, "every mutation was drawn"
