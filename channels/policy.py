"""What this node's owner allows: limits that the acceptance rule reads, with safe defaults."""

from __future__ import annotations

from dataclasses import dataclass

from protocol.units import DAY_S, MAX_WINDOW_S, MIN_WINDOW_S

CLOSE_VALID_S = 3_600
"""A CLOSE is signed for at most this long. Ref: docs/protocol.md section 4."""
CLOSE_LOCK_S = DAY_S
"""After a CLOSE's valid_until, this much L1 time passes before the lanes may move again."""
RESTORED_QUIET_S = 2 * CLOSE_VALID_S + CLOSE_LOCK_S
"""So much final L1 time after a restore, no CLOSE that was signed before it can land: an hour for
its validity, one in which a final block may lag behind the newest, and the day that it holds."""
FRESHNESS_DIVISOR = 4
"""The newest final L1 block must be younger than window / 4."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Limits of one node. `trust_limit_ntok`: how much it gives a neighbour on its word alone."""

    trust_limit_ntok: int = 0
    min_window_s: int = MIN_WINDOW_S
    max_window_s: int = MAX_WINDOW_S


DEFAULT_POLICY = Policy()
