"""L1 times as people read them."""

from __future__ import annotations

from datetime import UTC, datetime


def show_time(timestamp: int) -> str:
    """An L1 time as people read it, in UTC."""
    return datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
