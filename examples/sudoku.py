"""Prove that you have solved a Sudoku without showing the solution.

    python -m examples.sudoku

Public: the puzzle, 81 numbers, 0 for an empty cell. Private: the solution. The circuit says that
every cell holds one digit, that every row, column and box holds each digit once, and that the
solution agrees with the puzzle wherever that is not empty.
"""

from __future__ import annotations

from itertools import product

from prover import Builder, Circuit, prove, setup, verify
from prover.gadgets.bits import input_bit
from prover.gadgets.compare import is_zero
from prover.gadgets.select import enforce_equal_if
from prover.r1cs.lc import Lc

SIDE, BOX = 9, 3
CELLS = list(product(range(SIDE), repeat=2))

PUZZLE = """
53..7....
6..195...
.98....6.
8...6...3
4..8.3..1
7...2...6
.6....28.
...419..5
....8..79
"""
SOLUTION = """
534678912
672195348
198342567
859761423
426853791
713924856
961537284
287419635
345286179
"""


def groups() -> list[list[tuple[int, int]]]:
    """The 27 sets of cells that hold each digit once."""
    rows = [[(r, c) for c in range(SIDE)] for r in range(SIDE)]
    columns = [[(r, c) for r in range(SIDE)] for c in range(SIDE)]
    boxes = [
        [(r, c) for r, c in CELLS if (r // BOX, c // BOX) == box]
        for box in product(range(BOX), repeat=2)
    ]
    return [*rows, *columns, *boxes]


def define(b: Builder) -> None:
    """The statement."""
    clues = {cell: b.public(f"clue/{cell[0]}{cell[1]}") for cell in CELLS}
    holds = {
        (cell, digit): input_bit(b, f"cell/{cell[0]}{cell[1]} is {digit}")
        for cell in CELLS
        for digit in range(1, SIDE + 1)
    }
    for cell in CELLS:
        bits = [holds[cell, digit] for digit in range(1, SIDE + 1)]
        b.enforce_equal(Lc.total((1, bit) for bit in bits), 1, label=f"one digit in {cell}")
        value = Lc.total((digit, bit) for digit, bit in enumerate(bits, start=1))
        given = ~is_zero(b, clues[cell], label=f"{cell} is empty")
        enforce_equal_if(b, given, value, clues[cell], label=f"clue of {cell} is kept")
    for number, group in enumerate(groups()):
        for digit in range(1, SIDE + 1):
            count = Lc.total((1, holds[cell, digit]) for cell in group)
            b.enforce_equal(count, 1, label=f"group {number} has one {digit}")


def inputs(puzzle: str, solution: str) -> dict[str, int]:
    """What the circuit is given, from two grids of nine lines."""
    clues, digits = (
        {(r, c): int(text) for r, line in enumerate(grid.split()) for c, text in enumerate(line)}
        for grid in (puzzle.replace(".", "0"), solution)
    )
    given = {f"clue/{r}{c}": clue for (r, c), clue in clues.items()}
    for (r, c), digit in digits.items():
        given |= {f"cell/{r}{c} is {each}": int(each == digit) for each in range(1, SIDE + 1)}
    return given


def main() -> None:
    """Set up, prove, verify."""
    circuit = Circuit("sudoku", define)
    print(f"{circuit.r1cs.n_constraints} constraints, {len(circuit.public_names)} public inputs")
    key = setup(circuit)
    proof, publics = prove(key, circuit, inputs(PUZZLE, SOLUTION))
    verify(key.verifying_key, publics, proof)
    print(f"a proof of {len(proof.encode())} bytes shows that this puzzle is solved:{PUZZLE}")


if __name__ == "__main__":
    main()
