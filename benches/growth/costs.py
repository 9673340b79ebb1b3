"""What a day costs: every figure from a measurement that is named, nothing guessed but the prices.

Gas: contracts/snapshots/gas.json (measured by tests/contracts/test_gas.py). Seconds: figures in
benches/results.json, each with the command that measured it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import log2
from pathlib import Path

from benches.growth.day import Day

CONSTRAINTS = 261_510
"""Of the batch circuit with 2 queue slots and 9 user slots (prover/circuits/counts.json)."""

GWEI_ETHER = 1e-9
TIP_GWEI = 1.0
PRICES_GWEI = (1.0, 5.0, 20.0)
"""L1's base fees that money is shown at; the tip comes on top."""


@dataclass(frozen=True, slots=True)
class Gas:
    """L1 gas, of contracts/snapshots/gas.json."""

    measured: Mapping[str, int]

    @classmethod
    def load(cls, path: Path = Path("contracts/snapshots/gas.json")) -> Gas:
        """From the committed snapshot."""
        return cls(json.loads(path.read_text()))

    def batch(self, proofs: int, ops: int, withdrawals: int, *, blob: bool = False) -> float:
        """A batch's whole transaction; between 1, 4 and 16 proofs on the line between the two."""
        where = " in a blob, the whole transaction" if blob else None
        points = [
            (
                count,
                self.measured[
                    f"batch of {count} proof{'s' if count > 1 else ''}"
                    f"{where or ', the whole transaction with full data'}"
                ],
            )
            for count in (1, 4, 16)
        ]
        (x0, y0), (x1, y1) = points[:2] if proofs <= 4 else points[1:]
        gas = y0 + (proofs - x0) * (y1 - y0) / (x1 - x0)
        gas += ops * self.measured["each queue op in a batch"]
        if withdrawals:
            further = self.measured["each further withdrawal, to a new recipient"]
            first = self.measured["a withdrawal in a batch, to a new recipient"]
            gas += first + (withdrawals - 1) * further
        return gas

    def day(self, day: Day, *, blob: bool = False) -> float:
        """All batches of a day."""
        return sum(
            self.batch(one.proofs, one.ops, one.withdrawals, blob=blob) for one in day.batches
        )

    def homes(self, day: Day) -> float:
        """What homes themselves pay for: deposits and collected withdrawals."""
        withdrawals = sum(one.withdrawals for one in day.batches)
        return day.ops * self.measured["deposit"] + withdrawals * self.measured["withdraw"]


def ether(gas: float, base_fee_gwei: float) -> float:
    """At a base fee, with the tip."""
    return gas * (base_fee_gwei + TIP_GWEI) * GWEI_ETHER


@dataclass(frozen=True, slots=True)
class Measured:
    """A figure, and where it comes from."""

    value: float
    source: str


def figure(name: str, path: Path = Path("benches/results.json")) -> Measured | None:
    """The first of the committed results whose name begins so; None where it was not measured."""
    for row in json.loads(path.read_text()):
        if row["name"].startswith(name) and row["ours"] is not None:
            return Measured(row["ours"], f"`{row['command']}` on {row['device']}: {name}")
    return None


def proof_seconds(path: Path = Path("benches/results.json")) -> Measured:
    """A proof of the batch circuit: between 2^17 and 2^20 constraints by the logarithm."""
    for row in json.loads(path.read_text()):
        if row["name"] == "proof, a constraint: 2^20 against 2^17":
            at_17, at_20 = row["peer"], row["ours"]
            share = (log2(CONSTRAINTS) - 17) / 3
            seconds = CONSTRAINTS * (at_17 + share * (at_20 - at_17)) * 1e-6
            return Measured(seconds, f"`{row['command']}` on {row['device']}: {row['name']}")
    raise SystemExit("benches/results.json has no proof: run python -m benches prover_batch")
