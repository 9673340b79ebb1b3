"""What we write snarkjs accepts, and what snarkjs and circom write we accept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from prover.curves.fr import from_ints, to_ints
from prover.groth16 import prove, setup, verify_arkworks, verify_py_ecc
from prover.iden3.errors import CircuitMismatch, WitnessOrKeyWrong
from prover.iden3.json_files import (
    read_proof,
    read_public,
    read_verification_key,
    write_proof,
    write_public,
    write_verification_key,
)
from prover.iden3.ptau import open_ptau
from prover.iden3.ptau_write import prepare_phase2
from prover.iden3.r1cs import read_r1cs, write_r1cs
from prover.iden3.setup_from_ptau import PtauTooSmall, setup_from_ptau
from prover.iden3.wtns import read_wtns, write_wtns
from prover.iden3.zkey import open_zkey, prove_from_zkey
from prover.iden3.zkey_write import write_zkey
from prover.r1cs.system import R1CS
from tests.prover.iden3.circuits import path, path_witness
from tests.prover.iden3.conftest import ENTROPY
from tests.prover.random_system import random_system
from tests.support.iden3_tools import Iden3Tools, ToolFailed

SOURCE = Path(__file__).parent / "square_chain.circom"


@pytest.fixture(scope="module")
def circom(tools: Iden3Tools, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with square_chain.r1cs and .wtns, made by circom and its witness calculator."""
    folder = tmp_path_factory.mktemp("circom")
    (folder / SOURCE.name).write_text(SOURCE.read_text())
    tools.circom(folder, folder / SOURCE.name)
    tools.witness(folder, "square_chain", {"secret": 0x5EC23, "salt": 99})
    return folder


def snarkjs_verifies(tools: Iden3Tools, folder: Path) -> bool:
    files = ("verification_key.json", "public.json", "proof.json")
    try:
        return "OK!" in tools.snarkjs(folder, "groth16", "verify", *files)
    except ToolFailed as failure:
        if "Invalid proof" not in failure.output:
            raise
        return False


def test_snarkjs_verifies_our_proof_and_refuses_it_for_other_inputs(
    tools: Iden3Tools, tmp_path: Path
) -> None:
    r1cs, witness = random_system(seed=21, n_constraints=40)
    key = setup(r1cs, entropy=ENTROPY)
    publics = to_ints(witness[1 : r1cs.n_public + 1])
    write_verification_key(tmp_path / "verification_key.json", key.verifying_key)
    write_proof(tmp_path / "proof.json", prove(key, r1cs, witness, entropy=ENTROPY))
    write_public(tmp_path / "public.json", publics)
    assert snarkjs_verifies(tools, tmp_path)
    write_public(tmp_path / "public.json", [*publics[:-1], publics[-1] ^ 1])
    assert not snarkjs_verifies(tools, tmp_path)


def test_snarkjs_accepts_a_circuit_of_ours_and_its_witness_and_no_other(
    tools: Iden3Tools, tmp_path: Path
) -> None:
    witness = path_witness()
    write_r1cs(tmp_path / "path.r1cs", path().r1cs)
    write_wtns(tmp_path / "path.wtns", witness)
    assert "WITNESS IS CORRECT" in tools.snarkjs(
        tmp_path, "wtns", "check", "path.r1cs", "path.wtns"
    )
    witness[-1] = from_ints([1])[0]
    write_wtns(tmp_path / "path.wtns", witness)
    with pytest.raises(ToolFailed, match="WITNESS IS NOT CORRECT"):
        tools.snarkjs(tmp_path, "wtns", "check", "path.r1cs", "path.wtns")


def test_our_prover_proves_a_circom_circuit_from_a_zkey_of_snarkjs(
    tools: Iden3Tools, circom: Path, ptau: Path, tmp_path: Path
) -> None:
    zkey_path = tmp_path / "chain.zkey"
    tools.snarkjs(circom, "groth16", "setup", "square_chain.r1cs", ptau, tmp_path / "0.zkey")
    tools.snarkjs(tmp_path, "zkey", "contribute", "0.zkey", zkey_path, "-e=known")
    tools.snarkjs(tmp_path, "zkey", "export", "verificationkey", zkey_path, "verification_key.json")
    zkey = open_zkey(zkey_path)
    zkey.check_circuit(read_r1cs(circom / "square_chain.r1cs"))
    witness = read_wtns(circom / "square_chain.wtns")
    proof = prove_from_zkey(zkey, witness, entropy=ENTROPY)
    write_proof(tmp_path / "proof.json", proof)
    write_public(tmp_path / "public.json", to_ints(witness[1 : zkey.n_public + 1]))
    assert snarkjs_verifies(tools, tmp_path)
    exported = read_verification_key(tmp_path / "verification_key.json")
    assert exported.digest() == zkey.verifying_key.digest()
    assert not zkey.verifying_key.insecure
    verify_py_ecc(exported, read_public(tmp_path / "public.json"), proof)


def test_the_circom_circuit_is_ours_too(circom: Path) -> None:
    r1cs, witness = (
        read_r1cs(circom / "square_chain.r1cs"),
        read_wtns(circom / "square_chain.wtns"),
    )
    r1cs.check(witness)
    key = setup(r1cs, entropy=ENTROPY)
    verify_py_ecc(
        key.verifying_key,
        to_ints(witness[1 : r1cs.n_public + 1]),
        prove(key, r1cs, witness, entropy=ENTROPY),
    )


def test_a_circom_circuit_keeps_its_bytes_through_us(circom: Path, tmp_path: Path) -> None:
    """Constraints as they were, so that `zkey verify` takes our .r1cs for the same circuit."""
    write_r1cs(tmp_path / "again.r1cs", read_r1cs(circom / "square_chain.r1cs"))
    again, given = read_r1cs(tmp_path / "again.r1cs"), read_r1cs(circom / "square_chain.r1cs")
    assert again.digest() == given.digest()
    write_wtns(tmp_path / "again.wtns", read_wtns(circom / "square_chain.wtns"))
    assert (tmp_path / "again.wtns").read_bytes() == (circom / "square_chain.wtns").read_bytes()


def test_snarkjs_proves_with_a_zkey_of_ours(
    tools: Iden3Tools, circom: Path, tmp_path: Path
) -> None:
    r1cs = read_r1cs(circom / "square_chain.r1cs")
    key = setup(r1cs, entropy=ENTROPY)
    write_zkey(tmp_path / "ours.zkey", key, r1cs)
    tools.snarkjs(
        tmp_path, "zkey", "export", "verificationkey", "ours.zkey", "verification_key.json"
    )
    witness_path = circom / "square_chain.wtns"
    files = ("proof.json", "public.json")
    tools.snarkjs(tmp_path, "groth16", "prove", "ours.zkey", witness_path, *files)
    assert snarkjs_verifies(tools, tmp_path)
    exported = read_verification_key(tmp_path / "verification_key.json")
    assert exported.digest() == key.verifying_key.digest()
    verify_arkworks(
        exported, read_public(tmp_path / "public.json"), read_proof(tmp_path / "proof.json")
    )


@pytest.mark.parametrize("prepared", [True, False], ids=["prepared", "unprepared"])
def test_a_first_key_of_ours_is_that_of_snarkjs_bit_for_bit(
    tools: Iden3Tools,
    circom: Path,
    ptau: Path,
    unprepared_ptau: Path,
    tmp_path: Path,
    prepared: bool,
) -> None:
    tools.snarkjs(circom, "groth16", "setup", "square_chain.r1cs", ptau, tmp_path / "theirs.zkey")
    r1cs = read_r1cs(circom / "square_chain.r1cs")
    powers = open_ptau(ptau if prepared else unprepared_ptau)
    assert powers.is_prepared == prepared
    digest = setup_from_ptau(tmp_path / "ours.zkey", r1cs, powers)
    assert (tmp_path / "ours.zkey").read_bytes() == (tmp_path / "theirs.zkey").read_bytes()
    assert open_zkey(tmp_path / "ours.zkey").ceremony.circuit_hash == digest


def test_powers_of_tau_prepared_by_us_are_those_of_snarkjs_bit_for_bit(
    ptau: Path, unprepared_ptau: Path, tmp_path: Path
) -> None:
    prepare_phase2(tmp_path / "ours.ptau", open_ptau(unprepared_ptau))
    assert (tmp_path / "ours.ptau").read_bytes() == ptau.read_bytes()


def test_snarkjs_verifies_what_was_contributed_to_a_first_key_of_ours(
    tools: Iden3Tools, circom: Path, ptau: Path, unprepared_ptau: Path, tmp_path: Path
) -> None:
    r1cs_path = circom / "square_chain.r1cs"
    setup_from_ptau(tmp_path / "0.zkey", read_r1cs(r1cs_path), open_ptau(unprepared_ptau))
    tools.snarkjs(tmp_path, "zkey", "contribute", "0.zkey", "1.zkey", "-e=known")
    assert "ZKey Ok!" in tools.snarkjs(tmp_path, "zkey", "verify", r1cs_path, ptau, "1.zkey")


def test_powers_of_tau_that_do_not_reach_the_circuit(ptau: Path, tmp_path: Path) -> None:
    r1cs, _ = random_system(seed=3, n_constraints=200)
    with pytest.raises(PtauTooSmall) as refused:
        setup_from_ptau(tmp_path / "none.zkey", r1cs, open_ptau(ptau))
    assert (refused.value.power, refused.value.needed) == (6, 8)
    assert not list(tmp_path.iterdir())


def other_circuits() -> list[R1CS]:
    return [random_system(seed, 12, n_public)[0] for seed, n_public in ((1, 3), (2, 3), (1, 4))]


def test_a_zkey_of_another_circuit_is_refused(tmp_path: Path) -> None:
    r1cs, *others = other_circuits()
    write_zkey(tmp_path / "one.zkey", setup(r1cs, entropy=ENTROPY), r1cs)
    zkey = open_zkey(tmp_path / "one.zkey")
    zkey.check_circuit(r1cs)
    for other in others:
        with pytest.raises(CircuitMismatch):
            zkey.check_circuit(other)


def test_a_witness_that_fails_gives_no_proof(tmp_path: Path) -> None:
    r1cs, witness = random_system(5, 12)
    write_zkey(tmp_path / "one.zkey", setup(r1cs, entropy=ENTROPY), r1cs)
    zkey = open_zkey(tmp_path / "one.zkey")
    prove_from_zkey(zkey, witness, entropy=ENTROPY)
    wrong = witness.copy()
    wrong[-1] = from_ints([12345])[0]
    assert not np.array_equal(wrong, witness)
    with pytest.raises(WitnessOrKeyWrong):
        prove_from_zkey(zkey, wrong, entropy=ENTROPY)
