"""Times as people read them: L1's in UTC, a household's day by its own clock."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo


def show_time(timestamp: int) -> str:
    """An L1 time as people read it, in UTC."""
    return datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def clock(time_ms: int, zone: ZoneInfo) -> str:
    """A time of day in the community's zone, with its offset where clocks are turned that day."""
    at = datetime.fromtimestamp(time_ms // 1000, zone)
    midnight = at.replace(hour=0, minute=0)
    turned = midnight.utcoffset() != at.replace(hour=23).utcoffset()
    return f"{at:%H:%M}{f'{at:%z}'[:3] if turned else ''}"
