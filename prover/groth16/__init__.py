"""Groth16 over BLS12-381 for any R1CS: setup, keys, proofs and two independent verifiers."""

from prover.groth16.keys import INSECURE, ProvingKey, VerifyingKey, load, save
from prover.groth16.proof import Proof
from prover.groth16.prove import prove
from prover.groth16.setup import setup
from prover.groth16.verify_arkworks import verify_arkworks
from prover.groth16.verify_py_ecc import verify_py_ecc

__all__ = [
    "INSECURE",
    "Proof",
    "ProvingKey",
    "VerifyingKey",
    "load",
    "prove",
    "save",
    "setup",
    "verify_arkworks",
    "verify_py_ecc",
]
