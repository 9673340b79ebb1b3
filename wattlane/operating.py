"""What a sequencer's batcher is given: who proves, the exit key's file, the check of a batch."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from prover.distribution import Terms
from prover.progress import Progress, silent
from sequencer.daemon import Parts
from sequencer.settings import Settings
from wattlane.exit_keys import served_exit_key
from wattlane.proving import open_prover
from wattlane.verifying import verifier


def parts_of(fields: Mapping[str, object], progress: Progress = silent) -> Parts:
    """The parts that these settings name, the prover opened. Raises as `open_prover`."""
    settings = Settings.model_validate(dict(fields))
    prover = open_prover(
        progress,
        cache_folder=settings.cache_folder,
        prepared=True,
        scheduler=settings.prover,
        processes=settings.proofs_at_once,
        terms=Terms(settings.proof_timeout_s, settings.proof_attempts),
    )
    return Parts(
        prover,
        partial(served_exit_key, cache_folder=settings.cache_folder),
        verifier(settings.l1_url, settings.contract, settings.archive_folder, settings.beacon_url),
    )
