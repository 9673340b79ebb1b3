"""The real daemon in a process of its own, with simulated proofs, that can be told where to die.

Started by `multiprocessing`'s fork server, which has imported everything once, so that a test can
afford many restarts. `kill_at` is a point where sequencer.ledger.Ledger writes: "before:seal".
"""

from __future__ import annotations

import os
import signal
import sys
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

from contracts.errors import L1Error
from contracts.verifying_key import VerifyingKey as ContractKey
from protocol.crypto import compiled
from sequencer.daemon import Parts, run_sequencer
from sequencer.errors import SequencerError
from sequencer.ledger import Ledger
from sequencer.log import LogFormat
from sequencer.proving import Prover, contract_key
from sequencer.settings import load_settings
from sequencer.supervisor import run_supervised
from tests.support.simulated_prover import SimulatedProver, simulated_exit_key

PASSPHRASE = "a passphrase for tests"
HELD = "no-proofs"
"""A file of this name in the sequencer's folder holds all proofs up."""

EXIT_KEY_FILE = b"an exit key for tests"

compiled.install()


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


def serve(folder: Path, log: Path, answer: Connection, kill_at: str | None, proof_s: float) -> None:
    """Run until SIGTERM; sends ("ready", url), or ("failed", text) and ends with status 1."""
    if kill_at:
        _kill_at(kill_at)
    run(folder, log, answer, SimulatedProver(seconds=proof_s, held=folder / HELD))


def serve_json(
    folder: Path, log: Path, answer: Connection, _kill_at: str | None, proof_s: float
) -> None:
    """The same with a log for machines."""
    run(folder, log, answer, SimulatedProver(seconds=proof_s), LogFormat.JSON)


def supervise(
    folder: Path, log: Path, answer: Connection, kill_at: str | None, proof_s: float
) -> None:
    """As `serve`, with a batcher and workers in processes of their own."""
    assert kill_at is None, "whoever is to die is killed from outside"
    _write_to(log)
    try:
        run_supervised(
            load_settings(folder),
            PASSPHRASE,
            partial(_parts, proof_s),
            lambda url: answer.send(("ready", url)),
        )
    except (SequencerError, L1Error) as error:
        answer.send(("failed", f"{type(error).__name__}: {error}"))
        sys.exit(1)


def _parts(proof_s: float) -> Parts:
    return Parts(SimulatedProver(seconds=proof_s))


def _write_to(log: Path) -> None:
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)


def _exit_key(folder: Path, held: ContractKey) -> Path | None:
    """A file for the key that simulated rollups have, for no other."""
    if held != contract_key(simulated_exit_key()):
        return None
    path = folder / "exit.zkey"
    path.write_bytes(EXIT_KEY_FILE)
    return path


def run(
    folder: Path,
    log: Path,
    answer: Connection,
    prover: Prover,
    log_format: LogFormat = LogFormat.TEXT,
) -> None:
    """The same with another prover."""
    _write_to(log)
    try:
        run_sequencer(
            load_settings(folder),
            PASSPHRASE,
            prover,
            lambda url: answer.send(("ready", url)),
            exit_key=partial(_exit_key, folder),
            log_format=log_format,
        )
    except (SequencerError, L1Error) as error:
        answer.send(("failed", f"{type(error).__name__}: {error}"))
        sys.exit(1)
