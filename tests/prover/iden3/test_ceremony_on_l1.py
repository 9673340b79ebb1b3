"""A key from a ceremony run with snarkjs, in the contract: it accepts our proofs and no others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from contracts import errors
from contracts.batches import Submission
from contracts.chain import Chain, ChainUnavailable, start_chain
from contracts.deploy import deploy_rollup, deploy_token
from contracts.finality import LATEST
from contracts.verifying_key import VerifyingKey as ContractKey
from prover.cache import Cache
from prover.groth16 import ProvingKey, prove
from prover.groth16.store import key_for
from prover.iden3.ceremony import import_key
from prover.iden3.errors import CircuitMismatch
from prover.iden3.json_files import read_verification_key
from prover.iden3.ptau import open_ptau
from prover.iden3.setup_from_ptau import setup_from_ptau
from prover.iden3.zkey import open_zkey
from prover.r1cs.system import R1CS
from sequencer.proving import contract_key
from tests.prover.iden3.circuits import four, four_witness
from tests.prover.iden3.conftest import BEACON, ENTROPY
from tests.prover.random_system import random_system
from tests.support.simulated_proofs import EXIT_KEY
from tests.support.simulated_rollup import SHAPE, SimulatedRollup


@dataclass(frozen=True)
class RealKey:
    """In the place of a simulated key: proofs are made by the prover, for real."""

    proving_key: ProvingKey
    r1cs: R1CS

    @property
    def key(self) -> ContractKey:
        return contract_key(self.proving_key.verifying_key)

    def prove(self, inputs: Sequence[int]) -> bytes:
        witness = four_witness(inputs)
        return prove(self.proving_key, self.r1cs, witness, entropy=ENTROPY).encode()


@pytest.fixture(scope="module")
def chain() -> Iterator[Chain]:
    try:
        started = start_chain("embedded")
    except ChainUnavailable as error:
        pytest.skip(f"the ceremony on L1 DID NOT RUN: {error}")
    with started:
        yield started


@pytest.fixture(scope="module")
def imported(ceremony: Path, tmp_path_factory: pytest.TempPathFactory) -> ProvingKey:
    """The key as the prover's cache has it."""
    cache = Cache(tmp_path_factory.mktemp("cache"))
    r1cs = four().r1cs
    import_key(open_zkey(ceremony / "final.zkey"), r1cs, cache)
    key = key_for(read_verification_key(ceremony / "key.json"), r1cs.digest().hex(), cache)
    assert key is not None
    return key


def with_proof(submission: Submission, proof_bytes: bytes) -> Submission:
    """The same batch with another proof."""
    (proved,) = submission.proofs
    return replace(submission, proofs=(replace(proved, proof_bytes=proof_bytes),))


def test_the_imported_key_says_that_it_comes_from_a_ceremony(
    ceremony: Path, imported: ProvingKey
) -> None:
    assert not imported.verifying_key.insecure
    assert imported.label.startswith("ceremony key")
    zkey = open_zkey(ceremony / "final.zkey")
    assert [each.name for each in zkey.ceremony.contributions] == ["party 1", "party 2", "beacon"]
    assert zkey.ceremony.contributions[-1].delta_g1 == zkey.delta_g1
    beacon = zkey.ceremony.contributions[-1].beacon
    assert beacon is not None
    assert beacon.value.hex() == BEACON
    assert beacon.iterations_log == 10


def test_our_first_key_is_the_one_that_the_ceremony_began_with(
    ceremony: Path, unprepared_ptau: Path, tmp_path: Path
) -> None:
    """The powers of tau are more than this circuit needs; the other test uses all of them."""
    setup_from_ptau(tmp_path / "0.zkey", four().r1cs, open_ptau(unprepared_ptau))
    assert (tmp_path / "0.zkey").read_bytes() == (ceremony / "0.zkey").read_bytes()


def test_a_key_of_another_circuit_is_not_imported(ceremony: Path, tmp_path: Path) -> None:
    other, _ = random_system(1, 7, n_public=4)
    with pytest.raises(CircuitMismatch):
        import_key(open_zkey(ceremony / "final.zkey"), other, Cache(tmp_path))
    assert not list(tmp_path.iterdir())


def test_the_contract_with_the_ceremonys_key_takes_our_proofs_only(
    chain: Chain, imported: ProvingKey
) -> None:
    operator, key = chain.accounts[0], RealKey(imported, four().r1cs)
    token = deploy_token(chain.url, operator)
    client = deploy_rollup(
        chain.url,
        operator,
        token=token.address,
        operator=operator.address,
        shape=SHAPE,
        key=key.key,
        exit_key=EXIT_KEY.key,
        finality=LATEST,
    )
    rollup = SimulatedRollup(chain, key, token, client)
    honest = rollup.honest(new_root=17)
    (proof,) = honest.proofs
    for inputs in ([0] * 4, list(range(1, 5))):  # right proofs, of other statements
        with pytest.raises(errors.ProofRejected):
            rollup.try_submit(with_proof(honest, key.prove(inputs)))
    client.submit_batch(honest)
    assert client.state_root() == 17
    other = rollup.honest(new_root=19)
    with pytest.raises(errors.ProofRejected):  # the first batch's proof for the second batch
        rollup.try_submit(with_proof(other, proof.proof_bytes))
    client.submit_batch(other)
    assert client.state_root() == 19


def test_witness_of_the_circuit_holds_for_any_inputs() -> None:
    for inputs in ([0] * 4, list(range(4))):
        witness = four_witness(inputs)
        four().r1cs.check(witness)
        assert witness.dtype == np.uint64
