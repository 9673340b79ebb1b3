"""A Groth16 prover for Python: circuits, keys, proofs; see prover.library for an example.

The names below are the library's face. They load on first use, so that importing a part of the
prover does not import all of it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prover.groth16.keys import ProvingKey, VerifyingKey
    from prover.groth16.proof import Proof
    from prover.library import Circuit, export, prove, setup, verify
    from prover.r1cs.builder import Builder

__all__ = [
    "Builder",
    "Circuit",
    "Proof",
    "ProvingKey",
    "VerifyingKey",
    "export",
    "prove",
    "setup",
    "verify",
]

_HOMES = {
    "Builder": "prover.r1cs.builder",
    "Circuit": "prover.library",
    "Proof": "prover.groth16.proof",
    "ProvingKey": "prover.groth16.keys",
    "VerifyingKey": "prover.groth16.keys",
    "export": "prover.library",
    "prove": "prover.library",
    "setup": "prover.library",
    "verify": "prover.library",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'prover' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
