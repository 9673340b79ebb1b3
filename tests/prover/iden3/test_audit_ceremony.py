"""Attacks on a ceremony's key: by whoever made it alone, with a record that says otherwise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from prover.cache import Cache
from prover.curves.groups import G1
from prover.groth16 import prove, setup, verify_py_ecc
from prover.groth16.errors import PointOffSubgroup
from prover.groth16.store import key_for
from prover.iden3.ceremony import import_key
from prover.iden3.contributions import Beacon
from prover.iden3.errors import WitnessOrKeyWrong
from prover.iden3.phase2 import apply_beacon, contribute
from prover.iden3.ptau import Ptau, open_ptau
from prover.iden3.setup_from_ptau import setup_from_ptau
from prover.iden3.verify_ceremony import CeremonyRejected, verify_ceremony
from prover.iden3.zkey import open_zkey, prove_from_zkey
from prover.iden3.zkey_write import write_zkey
from tests.prover.iden3.circuits import four, four_witness
from tests.prover.iden3.conftest import BEACON, ENTROPY
from tests.prover.iden3.damage import sections_of
from tests.prover.iden3.test_damaged_files import write_known_ptau
from tests.prover.iden3.test_phase2 import with_record, with_sections

R1CS = four().r1cs
A, B_G1, L, H = 5, 6, 8, 9
OF_ORDER_THREE = G1.encode((0, 2))
"""On y^2 = x^3 + 4, outside of the subgroup; every pairing with it is 1."""


@pytest.fixture(scope="module")
def powers(tmp_path_factory: pytest.TempPathFactory) -> Ptau:
    path = tmp_path_factory.mktemp("known") / "known.ptau"
    write_known_ptau(path, power=4)
    return open_ptau(path)


@pytest.fixture(scope="module")
def first(powers: Ptau, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The key before anyone contributed."""
    path = tmp_path_factory.mktemp("first") / "0.zkey"
    setup_from_ptau(path, R1CS, powers)
    return path


@pytest.fixture(scope="module")
def contributed(first: Path) -> Path:
    """The key with one contribution."""
    path = first.with_name("1.zkey")
    contribute(open_zkey(first), path, entropy=ENTROPY, name="party")
    return path


def test_a_beacon_alone_makes_no_key_secure(first: Path, powers: Ptau, tmp_path: Path) -> None:
    """Its factor is public, so everyone knows delta."""
    beacon = Beacon(bytes.fromhex(BEACON), 10)
    apply_beacon(open_zkey(first), tmp_path / "beacon.zkey", beacon)
    zkey = open_zkey(tmp_path / "beacon.zkey")
    verify_ceremony(zkey, R1CS, powers)
    assert zkey.verifying_key.insecure
    with pytest.raises(CeremonyRejected, match="no party has contributed"):
        import_key(zkey, R1CS, Cache(tmp_path / "cache"))


def test_a_contribution_does_not_make_a_development_key_secure(tmp_path: Path) -> None:
    """Whoever made it knows tau, alpha, beta and gamma."""
    write_zkey(tmp_path / "0.zkey", setup(R1CS, entropy=ENTROPY), R1CS)
    contribute(open_zkey(tmp_path / "0.zkey"), tmp_path / "1.zkey", entropy=ENTROPY)
    zkey = open_zkey(tmp_path / "1.zkey")
    assert zkey.verifying_key.insecure
    with pytest.raises(CeremonyRejected):
        import_key(zkey, R1CS, Cache(tmp_path / "cache"))


def test_a_record_that_somebody_else_earned_is_not_imported(
    first: Path, contributed: Path, tmp_path: Path
) -> None:
    record = open_zkey(contributed).ceremony
    contribute(open_zkey(first), tmp_path / "mine.zkey", entropy=ENTROPY[::-1])
    for path in (first, tmp_path / "mine.zkey"):
        claimed = with_record(path, tmp_path / "claimed.zkey", record)
        with pytest.raises(CeremonyRejected):
            import_key(open_zkey(claimed), R1CS, Cache(tmp_path / "cache"))


@pytest.mark.parametrize("section", [L, H])
def test_points_off_the_subgroup_do_not_hide_behind_the_pairing(
    contributed: Path, powers: Ptau, tmp_path: Path, section: int
) -> None:
    """Proofs would fail or not by the witness: the last contributor's way to ask questions."""
    content = dict(sections_of(contributed.read_bytes()))[section]
    zkey = open_zkey(contributed)
    pair = np.stack([(zkey.l_points() if section == L else zkey.h_points())[0], OF_ORDER_THREE])
    refs = np.array([0], dtype=np.int32)
    G1.add_pairs(pair, refs, pair, refs + 2, pair)
    changed = pair[0].astype("<u8").tobytes() + content[96:]
    path = with_sections(contributed, tmp_path / "moved.zkey", **{f"_{section}": changed})
    with pytest.raises(CeremonyRejected, match="subgroup"):
        verify_ceremony(open_zkey(path), R1CS, powers)


@pytest.mark.parametrize("section", [A, B_G1, L, H])
def test_a_key_with_points_off_the_subgroup_gives_right_proofs_or_none(
    contributed: Path, tmp_path: Path, section: int
) -> None:
    """The prover's endomorphism is something else there; its own verification decides."""
    content = dict(sections_of(contributed.read_bytes()))[section]
    points = np.frombuffer(content, dtype="<u8").astype(np.uint64).reshape(-1, 12)
    table = np.concatenate([points, OF_ORDER_THREE.reshape(1, -1)])
    refs = 2 * np.flatnonzero(points.any(axis=1)).astype(np.int32)
    moved = points.copy()
    sums = np.empty((refs.shape[0], 12), dtype=np.uint64)
    G1.add_pairs(table, refs, table, np.full_like(refs, 2 * points.shape[0]), sums)
    moved[refs // 2] = sums
    changed = {f"_{section}": moved.astype("<u8").tobytes()}
    zkey = open_zkey(with_sections(contributed, tmp_path / "moved.zkey", **changed))
    refused = 0
    for number in range(4):
        publics = [number + i for i in range(4)]
        try:
            proof = prove_from_zkey(zkey, four_witness(publics), entropy=ENTROPY)
        except (WitnessOrKeyWrong, PointOffSubgroup):
            refused += 1
        else:
            verify_py_ecc(zkey.verifying_key, publics, proof)
    assert refused


def test_a_damaged_key_that_was_imported_first_is_replaced_by_the_right_one(
    contributed: Path, tmp_path: Path
) -> None:
    data = contributed.read_bytes()
    points = dict(sections_of(data))[L]
    changed = points[96:192] + points[:96] + points[192:]
    damaged = with_sections(contributed, tmp_path / "damaged.zkey", **{f"_{L}": changed})
    cache = Cache(tmp_path / "cache")
    witness = four_witness(range(4))
    for path in (damaged, contributed):
        import_key(open_zkey(path), R1CS, cache)
    key = key_for(open_zkey(contributed).verifying_key, R1CS.digest().hex(), cache)
    assert key is not None
    prove(key, R1CS, witness, entropy=ENTROPY)
