"""The second phase by us and by snarkjs: each takes and checks what the other has made."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from prover.curves.groups import G1
from prover.groth16.errors import TooLittleEntropy
from prover.iden3.contributions import Beacon, Ceremony
from prover.iden3.errors import CircuitMismatch, FormatError
from prover.iden3.phase2 import BadBeacon, apply_beacon, contribute
from prover.iden3.ptau import Ptau, open_ptau
from prover.iden3.setup_from_ptau import setup_from_ptau
from prover.iden3.verify_ceremony import CeremonyRejected, verify_ceremony
from prover.iden3.zkey import open_zkey, prove_from_zkey
from tests.prover.iden3.circuits import four, four_witness
from tests.prover.iden3.conftest import BEACON, ENTROPY
from tests.prover.iden3.damage import joined, sections_of
from tests.prover.iden3.test_damaged_files import write_known_ptau
from tests.prover.random_system import random_system
from tests.support.iden3_tools import Iden3Tools

RECORD = 10
R1CS = four().r1cs


@pytest.fixture(scope="module")
def powers(tmp_path_factory: pytest.TempPathFactory) -> Ptau:
    """Known powers of tau: for tests that need no snarkjs."""
    path = tmp_path_factory.mktemp("known") / "known.ptau"
    write_known_ptau(path, power=4)
    return open_ptau(path)


@pytest.fixture(scope="module")
def ours(powers: Ptau, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the keys of a ceremony by us alone: 0.zkey to 3.zkey, a beacon last."""
    folder = tmp_path_factory.mktemp("ours")
    setup_from_ptau(folder / "0.zkey", R1CS, powers)
    for number in (1, 2):
        before = open_zkey(folder / f"{number - 1}.zkey")
        entropy = ENTROPY + bytes([number])
        contribute(before, folder / f"{number}.zkey", entropy=entropy, name=f"party {number}")
    beacon = Beacon(bytes.fromhex(BEACON), 10)
    apply_beacon(open_zkey(folder / "2.zkey"), folder / "3.zkey", beacon, name="beacon")
    return folder


def test_a_beacon_applied_by_us_is_that_of_snarkjs_bit_for_bit(
    ceremony: Path, tmp_path: Path
) -> None:
    beacon = Beacon(bytes.fromhex(BEACON), 10)
    apply_beacon(open_zkey(ceremony / "2.zkey"), tmp_path / "final.zkey", beacon, name="beacon")
    ours, theirs = (
        dict(sections_of((folder / "final.zkey").read_bytes())) for folder in (tmp_path, ceremony)
    )
    assert ours == theirs


def test_our_check_accepts_the_ceremony_of_snarkjs(ceremony: Path, unprepared_ptau: Path) -> None:
    verify_ceremony(open_zkey(ceremony / "final.zkey"), R1CS, open_ptau(unprepared_ptau))


def test_snarkjs_accepts_our_contribution_and_prints_the_hash_that_we_return(
    tools: Iden3Tools, ceremony: Path, ptau: Path, tmp_path: Path
) -> None:
    before = open_zkey(ceremony / "2.zkey")
    digest = contribute(before, tmp_path / "3.zkey", entropy=ENTROPY, name="party 3")
    output = tools.snarkjs(
        tmp_path, "zkey", "verify", ceremony / "four.r1cs", ptau, tmp_path / "3.zkey"
    )
    assert "ZKey Ok!" in output
    words = [digest.hex()[i : i + 8] for i in range(0, 128, 8)]
    assert " ".join(words[:4]) in output
    assert " ".join(words[-4:]) in output


def test_a_ceremony_by_us_is_accepted_and_its_key_proves(ours: Path, powers: Ptau) -> None:
    for number in range(4):
        verify_ceremony(open_zkey(ours / f"{number}.zkey"), R1CS, powers)
    zkey = open_zkey(ours / "3.zkey")
    assert [each.name for each in zkey.ceremony.contributions] == ["party 1", "party 2", "beacon"]
    prove_from_zkey(zkey, four_witness(range(4)), entropy=ENTROPY)


def test_another_circuit_or_other_powers_of_tau_are_refused(
    ours: Path, powers: Ptau, tmp_path: Path
) -> None:
    zkey = open_zkey(ours / "3.zkey")
    other, _ = random_system(1, 7, n_public=4)
    with pytest.raises(CircuitMismatch):
        verify_ceremony(zkey, other, powers)
    write_known_ptau(tmp_path / "other.ptau", power=4, tau=0xBAD)
    with pytest.raises(CeremonyRejected):
        verify_ceremony(zkey, R1CS, open_ptau(tmp_path / "other.ptau"))


def with_sections(source: Path, path: Path, **changed: bytes) -> Path:
    """A copy with other contents of sections: _3=..., _10=..."""
    data = source.read_bytes()
    sections = dict(sections_of(data))
    sections |= {int(number[1:]): content for number, content in changed.items()}
    path.write_bytes(joined(data, list(sections.items())))
    return path


def with_record(source: Path, path: Path, record: Ceremony) -> Path:
    return with_sections(source, path, **{f"_{RECORD}": record.encode()})


def test_a_record_that_does_not_belong_to_the_key_is_refused(
    ours: Path, powers: Ptau, tmp_path: Path
) -> None:
    source, record = ours / "3.zkey", open_zkey(ours / "3.zkey").ceremony
    first, second, last = record.contributions
    assert last.beacon is not None
    wrong = (
        replace(record, contributions=(first, second)),
        replace(record, contributions=(second, first, last)),
        replace(record, contributions=(first, last)),
        replace(record, contributions=(replace(first, transcript=bytes(64)), second, last)),
        replace(record, contributions=(replace(first, s_g1=second.s_g1), second, last)),
        replace(record, contributions=(replace(first, delta_g1=G1.generator), second, last)),
        replace(record, contributions=(first, second, replace(last, beacon=Beacon(b"x", 10)))),
        replace(record, contributions=(replace(first, beacon=last.beacon), second, last)),
        replace(
            record,
            contributions=(first, second, replace(last, beacon=Beacon(last.beacon.value, 60))),
        ),
        replace(record, circuit_hash=bytes(64)),
    )
    for number, each in enumerate(wrong):
        path = with_record(source, tmp_path / f"{number}.zkey", each)
        with pytest.raises(CeremonyRejected):
            verify_ceremony(open_zkey(path), R1CS, powers)


@pytest.mark.parametrize("section", [3, 5, 6, 7, 8, 9])
def test_points_of_another_key_are_refused(
    ours: Path, powers: Ptau, tmp_path: Path, section: int
) -> None:
    """Two points of the section exchanged: right ones in the wrong places."""
    source, width = ours / "3.zkey", 192 if section == 7 else 96
    content = dict(sections_of(source.read_bytes()))[section]
    points = [content[i : i + width] for i in range(0, len(content), width)]
    one, two = [i for i, point in enumerate(points) if any(point)][:2]
    points[one], points[two] = points[two], points[one]
    path = tmp_path / "exchanged.zkey"
    with_sections(source, path, **{f"_{section}": b"".join(points)})
    with pytest.raises(CeremonyRejected):
        verify_ceremony(open_zkey(path), R1CS, powers)


def test_a_contribution_without_entropy_or_a_beacon_without_sense_is_refused(
    ours: Path, tmp_path: Path
) -> None:
    zkey, path = open_zkey(ours / "0.zkey"), tmp_path / "1.zkey"
    with pytest.raises(TooLittleEntropy):
        contribute(zkey, path, entropy=b"short")
    for beacon in (Beacon(b"", 10), Beacon(bytes(256), 10), Beacon(b"x", 9), Beacon(b"x", 27)):
        with pytest.raises(BadBeacon):
            apply_beacon(zkey, path, beacon)
    with pytest.raises(FormatError):
        contribute(zkey, tmp_path / "nowhere" / "1.zkey", entropy=ENTROPY)
    assert not list(tmp_path.iterdir())


def test_the_same_entropy_after_another_contribution_is_another_transcript(
    ours: Path, tmp_path: Path
) -> None:
    digests = [
        contribute(open_zkey(ours / f"{number}.zkey"), tmp_path / "next.zkey", entropy=ENTROPY)
        for number in (0, 1)
    ]
    assert digests[0] != digests[1]
