"""Proofs and keys survive JSON and bytes, and nothing malformed becomes one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from protocol.crypto.field_code import FQ
from prover.groth16 import Proof, VerifyingKey
from prover.groth16.errors import MalformedEncoding
from prover.groth16.keys import INSECURE
from tests.prover.groth16.conftest import Case


def test_a_proof_survives_json_and_bytes(cube: Case) -> None:
    assert Proof.from_json(json.loads(json.dumps(cube.proof.to_json()))) == cube.proof
    assert Proof.decode(cube.proof.encode()) == cube.proof


def test_the_bytes_are_those_of_eip_2537(cube: Case) -> None:
    numbers = [*cube.proof.a_g1, *cube.proof.b_g2, *cube.proof.c_g1]
    assert cube.proof.encode() == b"".join(n.to_bytes(64, "big") for n in numbers)
    assert all(cube.proof.encode()[i : i + 16] == bytes(16) for i in range(0, 512, 64))


def test_a_verifying_key_survives_json_with_its_warning(cube: Case) -> None:
    key = cube.key.verifying_key
    text = json.dumps(key.to_json())
    assert INSECURE in text
    assert VerifyingKey.from_json(json.loads(text)) == key


def test_bytes_that_are_no_proof(cube: Case) -> None:
    data = cube.proof.encode()
    for bad in (b"", data[:-1], data + b"\0", b"\1" + data[1:]):
        with pytest.raises(MalformedEncoding):
            Proof.decode(bad)
    for position in range(0, 512, 64):
        bad = data[:position] + FQ.modulus.to_bytes(64, "big") + data[position + 64 :]
        with pytest.raises(MalformedEncoding, match="below q"):
            Proof.decode(bad)


def changes(given: dict[str, Any]) -> list[Any]:
    """Broken versions of a JSON object, each in one place."""
    broken: list[Any] = [None, [], "text", 7]
    for name, member in given.items():
        broken.append({k: v for k, v in given.items() if k != name})
        for other in (
            None,
            7,
            "x",
            [],
            [["1"]],
            ["1", "2"],
            ["1", "2", "0"],
            ["-1", "2", "1"],
            ["01", "2", "1"],
        ):
            if name not in ("security",):
                broken.append({**given, name: other})
        if isinstance(member, list):
            broken.append({**given, name: member[:-1]})
            broken.append({**given, name: [*member, "1"]})
    return broken


def test_json_that_is_no_proof(cube: Case) -> None:
    for bad in changes(cube.proof.to_json()):
        with pytest.raises(MalformedEncoding):
            Proof.from_json(bad)


def test_json_that_is_no_verifying_key(cube: Case) -> None:
    given = cube.key.verifying_key.to_json()
    for bad in changes(given):
        if isinstance(bad, dict) and "security" not in bad:
            assert not VerifyingKey.from_json(bad).insecure
            continue
        with pytest.raises(MalformedEncoding):
            VerifyingKey.from_json(bad)
