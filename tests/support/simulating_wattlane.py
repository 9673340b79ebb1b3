"""`python -m tests.support.simulating_wattlane`: the command line, but batches' proofs simulated,
also those of the processes that it starts.

Everything else is what ships: the contract checks those proofs against the key that simulates.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import prover.jobs
import wattlane.program
import wattlane.proving
from prover.circuits.batch import DEFAULT_SHAPE
from prover.groth16.keys import VerifyingKey
from tests.support.simulated_prover import SimulatedProver
from tests.support.trapdoor import Trapdoor


class SimulatedSetup:
    """What `wattlane l1 dev` asks of a prover: its key."""

    def __init__(self, *_shape: object, **_options: object) -> None:
        self.verifying_key: VerifyingKey = Trapdoor.make().verifying_key

    def setup(self) -> None:
        """There is nothing to make."""


def _open_prover(*_given: object, **_options: object) -> SimulatedProver:
    return SimulatedProver(DEFAULT_SHAPE)


def main() -> None:
    """Run one command."""
    from wattlane.cli import main as command_line

    wattlane.program.MODULE = "tests.support.simulating_wattlane"
    replaced: tuple[tuple[object, str, Callable[..., object]], ...] = (
        (prover.jobs, "BatchProver", SimulatedSetup),
        (wattlane.proving, "open_prover", _open_prover),
    )
    for module, name, stand_in in replaced:
        _replace(getattr(module, name), name, stand_in)
    command_line()


def _replace(original: object, name: str, stand_in: Callable[..., object]) -> None:
    """Wherever it was imported to already, too."""
    for module in list(sys.modules.values()):
        if vars(module).get(name) is original:
            setattr(module, name, stand_in)


if __name__ == "__main__":
    main()
