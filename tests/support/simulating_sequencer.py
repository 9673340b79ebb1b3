"""The real daemon in a process of its own, with simulated proofs: `python -m ... FOLDER`.

Prints "ready URL" once it answers, or "failed CODE: detail" and ends with status 1. To be killed at
a named point: WATTLANE_TEST_KILL_AT=point, which is where `sequencer.ledger.Ledger` writes.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from contracts.errors import L1Error
from sequencer.daemon import run_sequencer
from sequencer.errors import SequencerError
from sequencer.ledger import Ledger
from sequencer.settings import load_settings
from tests.support.simulated_prover import SimulatedProver

PASSPHRASE = "a passphrase for tests"


def _kill_at(point: str) -> None:
    """End this process without warning at a point of the ledger: "before:seal", "after:seal"."""
    when, name = point.split(":")
    original = getattr(Ledger, name)

    def deadly(*arguments: object, **named: object) -> object:
        if when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = original(*arguments, **named)
        if result is not None or name.startswith(("record", "observe")):
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(Ledger, name, deadly)


def main() -> int:
    """Run until SIGTERM."""
    point = os.environ.get("WATTLANE_TEST_KILL_AT")
    if point:
        _kill_at(point)
    seconds = float(os.environ.get("WATTLANE_TEST_PROOF_S", "0"))
    try:
        settings = load_settings(Path(sys.argv[1]))
        run_sequencer(
            settings,
            PASSPHRASE,
            SimulatedProver(seconds=seconds),
            lambda url: print("ready", url, flush=True),
        )
    except (SequencerError, L1Error) as error:
        print(f"failed {type(error).__name__}: {error}", flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
