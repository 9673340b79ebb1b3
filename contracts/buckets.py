"""Token buckets by name, in bounded memory: who keeps to the rate never waits.

A bucket that nobody has used for long is full, so forgetting it changes nothing; where more names
than fit are at work at once, the one that was idle for longest is forgotten before it is full.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

MOST_NAMES = 20_000


@dataclass(frozen=True, slots=True)
class Rate:
    """So many a second for ever, and `burst` at once. `per_s` 0: no limit."""

    per_s: float
    burst: int


class Buckets:
    """A bucket of `rate.burst` tokens a name. Thread-safe."""

    def __init__(
        self,
        rate: Rate,
        clock: Callable[[], float] = time.monotonic,
        most_names: int = MOST_NAMES,
    ) -> None:
        self._rate, self._clock, self._most = rate, clock, most_names
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._levels)

    def take(self, name: str) -> float:
        """Take a token: 0.0. Where there is none: the seconds until there is one, taking none."""
        return self._take(name, 1.0)

    def wait_s(self, name: str) -> float:
        """The seconds until there is a token, taking none."""
        return self._take(name, 0.0)

    def _take(self, name: str, tokens: float) -> float:
        if self._rate.per_s <= 0:
            return 0.0
        with self._lock:
            now = self._clock()
            level, since = self._levels.get(name, (float(self._rate.burst), now))
            level = min(float(self._rate.burst), level + (now - since) * self._rate.per_s)
            missing = 1.0 - level
            if missing > 0:
                return missing / self._rate.per_s
            if tokens:
                self._levels[name] = level - tokens, now
                self._levels.move_to_end(name)
                if len(self._levels) > self._most:
                    self._levels.popitem(last=False)
            return 0.0
