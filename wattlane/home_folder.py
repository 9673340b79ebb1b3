"""Where a home's folder has what its market needs, beside the files of its node."""

from __future__ import annotations

from pathlib import Path


def market_copy_in(folder: Path) -> Path:
    """Where the home's agent keeps its copy of the market's journal."""
    return folder / "market"


def meter_in(folder: Path) -> Path:
    """The folder of the home's meter."""
    return folder / "meter"
