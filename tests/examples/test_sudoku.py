"""The example of the library, run as its readers would, and attacked as they might."""

from __future__ import annotations

import pytest

from examples import sudoku
from prover import Circuit, ProvingKey, prove, setup, verify
from prover.groth16.errors import ProofRejected
from prover.r1cs.errors import BrokenConstraint


@pytest.fixture(scope="module")
def circuit() -> Circuit:
    return Circuit("sudoku", sudoku.define)


@pytest.fixture(scope="module")
def key(circuit: Circuit) -> ProvingKey:
    return setup(circuit)


def test_the_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    sudoku.main()
    assert "shows that this puzzle is solved" in capsys.readouterr().out


def test_the_proof_is_for_this_puzzle_alone(circuit: Circuit, key: ProvingKey) -> None:
    proof, publics = prove(key, circuit, sudoku.inputs(sudoku.PUZZLE, sudoku.SOLUTION))
    verify(key.verifying_key, publics, proof)
    assert publics[0] == 5
    with pytest.raises(ProofRejected):
        verify(key.verifying_key, (4, *publics[1:]), proof)


@pytest.mark.parametrize(
    ("old", "new", "broken"),
    [
        ("534678912", "534678921", "group"),  # two digits of a row exchanged: columns break
        ("672195348", "672195384", "group"),
        ("534678912", "634578912", "clue"),  # the clue 5 became a 6
    ],
)
def test_no_false_solution_passes(circuit: Circuit, old: str, new: str, broken: str) -> None:
    false = sudoku.SOLUTION.replace(old, new)
    with pytest.raises(BrokenConstraint, match=broken):
        circuit.witness(sudoku.inputs(sudoku.PUZZLE, false))


def test_two_digits_in_one_cell_do_not_pass(circuit: Circuit) -> None:
    inputs = sudoku.inputs(sudoku.PUZZLE, sudoku.SOLUTION)
    inputs["cell/00 is 4"] = 1
    with pytest.raises(BrokenConstraint, match="one digit in"):
        circuit.witness(inputs)
