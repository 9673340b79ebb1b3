"""How this program starts another of itself: a process of its own that imports what it needs."""

from __future__ import annotations

import sys

MODULE = "wattlane"


def program(*arguments: str) -> list[str]:
    """The command `wattlane ARGUMENTS`, run by this process's interpreter."""
    return [sys.executable, "-m", MODULE, *arguments]
