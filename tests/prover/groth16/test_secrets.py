"""What a local setup knew and has to forget is in no file that it leaves."""

from __future__ import annotations

from dataclasses import astuple
from pathlib import Path

import pytest

from prover.cache import Cache
from prover.curves.fr import from_ints
from prover.groth16.keys import ProvingKey
from prover.groth16.setup import _draw
from prover.groth16.store import development_key
from prover.iden3.json_files import write_verification_key
from prover.iden3.zkey_write import write_zkey
from tests.prover.groth16.conftest import SETUP_ENTROPY, Case


def _encodings(number: int) -> list[bytes]:
    montgomery = from_ints([number]).astype("<u8").tobytes()
    return [
        number.to_bytes(32, "little"),
        number.to_bytes(32, "big"),
        montgomery,
        str(number).encode(),
        f"{number:x}".encode(),
    ]


def _found(folder: Path, needles: list[bytes]) -> list[str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path.name for path in files for each in needles if each in path.read_bytes()]


@pytest.fixture
def secrets_of_the_key(random_case: Case) -> list[bytes]:
    drawn = astuple(_draw(SETUP_ENTROPY, random_case.key.log_size))
    assert len(drawn) == 5
    return [SETUP_ENTROPY, *(each for number in drawn for each in _encodings(number))]


def _made(random_case: Case, folder: Path) -> ProvingKey:
    key = development_key(random_case.r1cs, cache=Cache(folder), entropy=SETUP_ENTROPY)
    assert key.verifying_key == random_case.key.verifying_key
    return key


def test_no_secret_of_a_setup_is_in_the_files_it_leaves(
    random_case: Case, secrets_of_the_key: list[bytes], tmp_path: Path
) -> None:
    key = _made(random_case, tmp_path)
    write_zkey(tmp_path / "circuit.zkey", key, random_case.r1cs)
    write_verification_key(tmp_path / "verification_key.json", key.verifying_key)
    assert len(list(tmp_path.rglob("*.npy"))) == 8
    assert _found(tmp_path, secrets_of_the_key) == []


def test_a_secret_in_a_file_would_be_found(
    random_case: Case, secrets_of_the_key: list[bytes], tmp_path: Path
) -> None:
    _made(random_case, tmp_path)
    for number, secret in enumerate(secrets_of_the_key):
        (tmp_path / f"leak {number}").write_bytes(b"before" + secret + b"after")
    found = _found(tmp_path, secrets_of_the_key)
    assert set(found) == {f"leak {number}" for number in range(len(secrets_of_the_key))}
