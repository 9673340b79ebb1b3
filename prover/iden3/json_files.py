"""Invariant: keys, proofs and public inputs in JSON are snarkjs', checked for form when read.

verification_key.json, proof.json, public.json: numbers are decimal strings, points affine.
Ref: snarkjs, src/zkey_export_verificationkey.js and src/groth16_prove.js.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from protocol.crypto.field import R
from prover.groth16.errors import MalformedEncoding
from prover.groth16.keys import VerifyingKey
from prover.groth16.points import Json
from prover.groth16.proof import Proof
from prover.iden3.binfile import require_file
from prover.iden3.errors import MalformedFile, UnreadableFile

MAX_BYTES = 64 * 2**20
"""No file of these kinds is longer: a key with 100,000 public inputs has 30 MB."""

_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
MAX_DEPTH = 8
"""Of lists and objects in one another: the parser's own limit can be beyond the stack's."""


def read_verification_key(path: Path) -> VerifyingKey:
    """The key of a verification_key.json; its points are checked by the verifiers.

    Raises MalformedFile, UnreadableFile.
    """
    try:
        return VerifyingKey.from_json(_load(path))
    except MalformedEncoding as error:
        raise MalformedFile(path, "verification key", error.what) from error


def write_verification_key(path: Path, key: VerifyingKey) -> None:
    """Write a verification_key.json. Raises UnreadableFile."""
    _store(path, key.to_json())


def read_proof(path: Path) -> Proof:
    """The proof of a proof.json; its points are checked by the verifiers.

    Raises MalformedFile, UnreadableFile.
    """
    try:
        return Proof.from_json(_load(path))
    except MalformedEncoding as error:
        raise MalformedFile(path, "proof", error.what) from error


def write_proof(path: Path, proof: Proof) -> None:
    """Write a proof.json. Raises UnreadableFile."""
    _store(path, proof.to_json())


def read_public(path: Path) -> list[int]:
    """The public inputs of a public.json, each in 0 .. r - 1.

    Raises MalformedFile, UnreadableFile.
    """
    given = _load(path)
    if not isinstance(given, list):
        raise MalformedFile(path, "public inputs", "not a list")
    return [_number(path, i, text) for i, text in enumerate(given)]


def write_public(path: Path, publics: Sequence[int]) -> None:
    """Write a public.json. Raises UnreadableFile."""
    _store(path, [str(number) for number in publics])


def _number(path: Path, index: int, text: Json) -> int:
    if not isinstance(text, str) or not text.isascii() or not text.isdigit() or len(text) > 80:
        raise MalformedFile(path, f"public input {index}", "is not a decimal number in quotes")
    number = int(text)
    if text.startswith("0") and text != "0":
        raise MalformedFile(path, f"public input {index}", "begins with a needless 0")
    if number >= R:
        raise MalformedFile(path, f"public input {index}", "is not below r")
    return number


def _load(path: Path) -> Json:
    require_file(path)
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise UnreadableFile(path, str(error)) from error
    if len(data) > MAX_BYTES:
        raise MalformedFile(path, "JSON", f"longer than {MAX_BYTES} bytes")
    if _depth(_STRING.sub(b"", data)) > MAX_DEPTH:
        raise MalformedFile(path, "JSON", f"nested deeper than {MAX_DEPTH}")
    try:
        loaded: Json = json.loads(data.decode())
    except ValueError as error:
        raise MalformedFile(path, "JSON", str(error)) from error
    return loaded


def _depth(data: bytes) -> int:
    """How deep brackets nest at most, in JSON without its strings, whose brackets would mislead."""
    signs = np.zeros(256, dtype=np.int64)
    signs[list(b"[{")], signs[list(b"]}")] = 1, -1
    return int(signs[np.frombuffer(data, dtype=np.uint8)].cumsum().max(initial=0))


def _store(path: Path, value: Json) -> None:
    try:
        path.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise UnreadableFile(path, str(error)) from error
