"""Going through a journal that somebody else has written: whatever an entry breaks, it is named.

Its documents are foreign. One that none of the checks foresaw does not follow either: whoever reads
stops there and says where and why, as with every other, and does not fall over it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from energy.errors import AnotherRollup, EnergyError, EntryDoesNotFollow
from energy.market.entries import Entry

_R = TypeVar("_R")


def followed(entry: Entry, take: Callable[[Entry], _R]) -> _R:
    """What `take` makes of the next entry. Raises EntryDoesNotFollow for whatever it raises.

    But AnotherRollup: that is no fault of the entry, whoever reads has come to another's journal.
    What was being folded is not to be gone on with after either.
    """
    try:
        return take(entry)
    except AnotherRollup:
        raise
    except Exception as error:
        raise EntryDoesNotFollow(entry.seq, _why(error)) from error


def _why(error: Exception) -> str:
    """What an entry broke: a check's own words, or what nobody has foreseen, by its kind."""
    if isinstance(error, EnergyError):
        return str(error)
    return f"nothing can be made of it ({type(error).__name__}: {str(error)[:200]})"
