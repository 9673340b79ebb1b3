"""How long to wait before the next attempt: longer each time, and never in step with others.

After a relay or a street's router comes back, all homes would dial in the same instant; each pause
is drawn between half and the whole of its length. Pure: the caller gives the randomness.
"""

from __future__ import annotations

import random


class Backoff:
    """Pauses in seconds from `first_s`, doubled up to `last_s`. `begin_again` after a success."""

    def __init__(self, first_s: float, last_s: float, rng: random.Random) -> None:
        self._first_s, self._last_s, self._rng = first_s, last_s, rng
        self._length_s = first_s

    def begin_again(self) -> None:
        """The next pause is a first one."""
        self._length_s = self._first_s

    def at_least(self, length_s: float) -> None:
        """The next pause is drawn from at least this length, if the longest allows it."""
        self._length_s = min(max(self._length_s, length_s), self._last_s)

    def next_s(self) -> float:
        """The pause before the next attempt."""
        length_s = self._length_s
        self._length_s = min(2 * length_s, self._last_s)
        return self._rng.uniform(length_s / 2, length_s)
