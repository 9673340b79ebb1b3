"""Two circuits with keys and proofs, made once: the cube of a secret, and a random system."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from prover.curves.fr import to_ints
from prover.groth16 import Proof, ProvingKey, prove, setup
from prover.r1cs.system import R1CS
from tests.prover.random_system import cube_system, random_system

SETUP_ENTROPY = b"setup entropy of the tests, known"
PROOF_ENTROPY = b"proof entropy of the tests, known"


@dataclass(frozen=True)
class Case:
    r1cs: R1CS
    witness: NDArray[np.uint64]
    key: ProvingKey
    proof: Proof

    @property
    def publics(self) -> list[int]:
        return to_ints(self.witness[1 : self.r1cs.n_public + 1])


def make(r1cs: R1CS, witness: NDArray[np.uint64]) -> Case:
    key = setup(r1cs, entropy=SETUP_ENTROPY)
    return Case(r1cs, witness, key, prove(key, r1cs, witness, entropy=PROOF_ENTROPY))


@pytest.fixture(scope="package")
def cube() -> Case:
    return make(*cube_system())


@pytest.fixture(scope="package")
def random_case() -> Case:
    return make(*random_system(seed=4, n_constraints=300))
