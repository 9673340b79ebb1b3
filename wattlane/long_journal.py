"""A long journal is computed with compiled signature checks: the same ones, only sooner.

Loading what compiles them takes about a second, which is two hundred signatures in plain Python.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from energy.errors import JournalUnusable
from energy.market.journal import newest_of
from protocol.crypto import compiled
from protocol.crypto.kernel_cache import KernelCacheUnwritable

LONG = 1_000
"""Entries from which on it is worth it; about one in four of a journal is signed by an account."""


def make_haste(journal: Path) -> None:
    """Install compiled cryptography in this process if the journal is long, and where it can be.

    A file that is none is left to whoever reads it next, who says what it lacks.
    """
    with contextlib.suppress(JournalUnusable, KernelCacheUnwritable):
        if newest_of(journal) >= LONG:
            compiled.install()
