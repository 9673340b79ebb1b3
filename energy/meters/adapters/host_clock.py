"""Whether this computer's clock is kept in step with UTC, asked of the kernel, which knows."""

from __future__ import annotations

import ctypes
import sys
import time

from energy.meters.sample import Clock

_TIMEX_BYTES = 512
"""More than struct timex has on any machine; its first field, modes, is 0: nothing is changed."""
_NOT_SYNCHRONISED = 5
"""TIME_ERROR of adjtimex(2)."""


def host_time_ms() -> int:
    """This computer's time, Unix ms."""
    return time.time_ns() // 1_000_000


def host_clock() -> Clock:
    """SYNCHRONISED where a time service (NTP, PTP) keeps the clock and the kernel says so.

    INFORMATIVE where it does not, and on systems other than Linux, which cannot be asked.
    """
    if sys.platform != "linux":
        return Clock.INFORMATIVE
    adjtimex = getattr(ctypes.CDLL(None), "adjtimex", None)
    if adjtimex is None:
        return Clock.INFORMATIVE
    state = adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    return Clock.SYNCHRONISED if 0 <= state < _NOT_SYNCHRONISED else Clock.INFORMATIVE
