"""Invariant: a sequencer that was told to stop has ended a bounded time later.

A step may hang in a call that nothing can interrupt (a silent L1, a slow disk). What is not done in
time is abandoned by ending the process: it loses nothing that it has answered for, as after a kill.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence

import structlog

CLEAN_UP_S = 5.0

_log = structlog.get_logger(__name__)


class Abandoning:
    """Ends the process if it is there some time after `begin`, or when that is called twice."""

    def __init__(
        self, limit_s: float, clean_up: Callable[[], None], busy: Callable[[], Sequence[str]]
    ) -> None:
        """`clean_up` ends other processes of ours, and is not waited for long; `busy` names the
        parts that are not done."""
        self._limit_s, self._clean_up, self._busy = limit_s, clean_up, busy
        self._timer: threading.Timer | None = None

    def begin(self) -> None:
        """From now on the time runs."""
        limit_s = self._limit_s if self._timer is None else 0.0
        self.cancel()
        self._timer = threading.Timer(limit_s, self._end)
        self._timer.daemon = True
        self._timer.start()

    def cancel(self) -> None:
        """All is done."""
        if self._timer is not None:
            self._timer.cancel()

    def _end(self) -> None:
        _log.warning(
            "stopping has taken too long: what is not done is abandoned", busy=self._busy()
        )
        cleaning = threading.Thread(target=self._clean_up, daemon=True)
        cleaning.start()
        cleaning.join(CLEAN_UP_S)
        os._exit(0)
