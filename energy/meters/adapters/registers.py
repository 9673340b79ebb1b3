"""Registers in whole Wh, rounded down where a meter shows more digits.

Rounding a register down never makes it fall, and what a reading leaves out the next one has:
differences stay within 1 Wh of the meter's, and no error adds up.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

_WH_OF = {"Wh": 1, "kWh": 1_000, "MWh": 1_000_000}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def whole_wh(shown: Decimal, unit: str) -> int:
    """Wh of what a register shows (>= 0) in Wh, kWh or MWh. Raises ValueError for anything else."""
    if unit not in _WH_OF:
        raise ValueError(f"unit {unit!r} is none of {', '.join(_WH_OF)}")
    if not shown.is_finite() or shown < 0:
        raise ValueError(f"{shown} {unit} is no register")
    return int(shown * _WH_OF[unit])


def scaled_wh(count: int, exponent: int) -> int:
    """count * 10^exponent Wh, whole. Raises ValueError below 0."""
    if count < 0:
        raise ValueError(f"{count} is no register")
    scale: int = 10 ** abs(exponent)
    return count * scale if exponent >= 0 else count // scale


def unix_ms(moment: datetime) -> int:
    """Unix milliseconds of an aware time. Raises ValueError for one without an offset from UTC."""
    if moment.utcoffset() is None:
        raise ValueError(f"{moment.isoformat()} has no offset from UTC")
    return (moment - _EPOCH) // timedelta(milliseconds=1)
