"""Every failure becomes one clear line on stderr and an exit status; nothing secret is quoted."""

from __future__ import annotations

import os
import sys
import traceback
from typing import Protocol, runtime_checkable

from channels.errors import ChannelsError
from contracts.errors import L1Error
from contracts.redaction import Redaction
from energy.errors import EnergyError
from protocol.errors import ProtocolError
from prover.errors import ProverError
from sequencer.errors import SequencerError
from watchtower.errors import WatchtowerError
from wattlane.errors import WattlaneError

FAILED, USAGE, INTERRUPTED = 1, 2, 130
OWN_ERRORS = (
    ChannelsError,
    EnergyError,
    L1Error,
    ProtocolError,
    ProverError,
    SequencerError,
    WatchtowerError,
    WattlaneError,
)
_ENVIRONMENT = "WATTLANE_DEBUG"


@runtime_checkable
class _UsageFault(Protocol):
    """What the argument parser raises for a command line that it does not understand."""

    exit_code: int

    def format_message(self) -> str: ...


def report(error: BaseException) -> int:
    """Print the error's line and return the exit status that goes with it."""
    if os.environ.get(_ENVIRONMENT) == "1":
        trace = "".join(traceback.format_exception(error))
        print(Redaction().text(trace), file=sys.stderr, end="")
    if isinstance(error, KeyboardInterrupt):
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    if isinstance(error, _UsageFault):
        print(f"usage error: {error.format_message()} (--help explains)", file=sys.stderr)
        return error.exit_code or USAGE
    if isinstance(error, BaseExceptionGroup):
        return max(report(one) for one in error.exceptions)
    print(f"error: {explain(error)}", file=sys.stderr)
    return FAILED


def explain(error: BaseException) -> str:
    """The line for an error: its own words where it is ours, its kind too where it is not."""
    if isinstance(error, OWN_ERRORS):
        return str(error)
    if isinstance(error, MemoryError):
        return "out of memory; free some, or choose a smaller circuit"
    if isinstance(error, OSError) and error.strerror:
        where = f" ({error.filename})" if error.filename else ""
        return f"{error.strerror}{where}"
    lines = str(error).splitlines() or [""]
    said = Redaction().text(lines[0])
    return f"{type(error).__name__}: {said} (a bug: {_ENVIRONMENT}=1 shows where)"
