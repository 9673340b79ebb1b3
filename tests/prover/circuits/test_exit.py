"""The exit circuit: for every kind the protocol's public inputs, and its committed size."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from protocol.exits import ExitKind, exit_inputs
from prover.circuits import exit as exit_
from prover.circuits.exit import EXIT, PUBLIC, exit_circuit, exit_template
from prover.circuits.exit_inputs import circuit_inputs
from prover.curves.fr import to_ints
from prover.groth16.polynomials import log_domain_size
from prover.r1cs.engine import solve
from tests.prover.circuits.exit_cases import EXIT_CASES
from tests.vectors import generate
from tests.vectors.exits import statements, witnesses

COUNTS = Path(exit_.__file__).with_name("exit_counts.json")


@pytest.mark.parametrize("name", EXIT_CASES)
def test_each_kind_is_satisfied_by_the_protocols_public_inputs(name: str) -> None:
    witness = EXIT_CASES[name]()
    values = solve(exit_template(), circuit_inputs(witness))
    assert tuple(values[1 : 1 + len(PUBLIC)]) == exit_inputs(witness).values()


@pytest.mark.parametrize("name", ["account", "channel", "raise ab"])
def test_the_compiled_circuit_agrees(name: str) -> None:
    inputs, circuit = circuit_inputs(EXIT_CASES[name]()), exit_circuit().circuit
    witness = circuit.witness({EXIT: inputs})
    circuit.check(witness)
    assert to_ints(witness) == solve(exit_template(), inputs)[: exit_template().n_wires]


def test_the_committed_vectors_are_satisfied() -> None:
    """The same numbers that protocol's and contract's tests read."""
    entries = json.loads(generate.FILE.read_text())["exits"][len(statements()) :]
    for witness, entry in zip(witnesses(), entries, strict=True):
        values = solve(exit_template(), circuit_inputs(witness))
        assert [hex(value) for value in values[1:5]] == entry["public_inputs"]
    assert {entry["kind"] for entry in entries} == {kind.name for kind in ExitKind}


def test_the_public_inputs_are_four_in_the_protocols_order() -> None:
    r1cs = exit_circuit().r1cs
    assert tuple(exit_template().public) == PUBLIC == ("root", "what", "first", "second")
    assert r1cs.n_public == len(PUBLIC)
    assert not exit_template().links


def test_the_count_is_the_committed_one_and_fits_2_14() -> None:
    counts = dict(exit_circuit().counts)
    assert counts == json.loads(COUNTS.read_text()), "if meant, write this into exit_counts.json"
    assert log_domain_size(exit_circuit().r1cs) == 14
