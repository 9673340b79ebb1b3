"""What others have seen of this journal: whoever was shown another one says so unknowingly.

A market signs one chain of entries. If it kept two and showed each to another home, each would
follow. But the homes' own statements name the newest entry that they have followed, with its chain
value, and one that names another chain than the journal it stands in does not follow there.
"""

from __future__ import annotations

from energy.errors import SplitView
from energy.market.entries import BEGINNING, CHAIN_BYTES, Entry
from energy.market.funds import Funds


class Chain:
    """The chain values of a journal from its beginning on; 32 bytes an entry."""

    def __init__(self) -> None:
        self._values = bytearray(BEGINNING)

    def take(self, entry: Entry) -> None:
        """The next entry."""
        self._values += entry.chain

    @property
    def newest(self) -> tuple[int, bytes]:
        """The newest entry's number, 0 for none, and its chain value, also while others come."""
        seq = len(self._values) // CHAIN_BYTES - 1
        return seq, self._at(seq)

    def check(self, funds: Funds) -> None:
        """Raises SplitView where an account has seen an entry that is not here, or is another."""
        here = self._at(funds.seen_seq)
        if here != funds.seen_chain:
            raise SplitView(funds.account, funds.seen_seq, funds.seen_chain, here)

    def _at(self, seq: int) -> bytes:
        """The chain value at an entry, nothing where there is none."""
        return bytes(self._values[seq * CHAIN_BYTES : (seq + 1) * CHAIN_BYTES])
