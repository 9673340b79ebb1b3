"""The state of the newest final block, followed from L1's data: only an L1 node is asked.

For whoever must go on without a sequencer: a home's node, a watchtower. Every root on the way is
compared (contracts/rebuilding.py); what was final is replayed once.
"""

from __future__ import annotations

from contracts.errors import L1Error
from contracts.reader import RollupReader
from contracts.rebuilding import Rebuilt, rebuild
from protocol.errors import ReplayMismatch
from protocol.state import State


class ReplayFails(L1Error):
    """What the L1 node told does not add up to what the contract says; nothing was taken."""

    def __str__(self) -> str:
        return f"L1's data cannot be replayed: {super().__str__()}"


class L1Replay:
    """Follows one rollup by replaying it. Not thread-safe; one owner."""

    def __init__(self, reader: RollupReader) -> None:
        self._reader = reader
        self._at: Rebuilt | None = None

    def follow(self) -> State:
        """The state of the newest final block; shared, do not change it.

        Raises RpcError, NotFinalYet, UndecodableBatch, BlobUnavailable and contracts' other
        L1Error leaves; ReplayFails where the node's word does not lead to the contract's root.
        """
        at, final = self._at, self._reader.final_block()
        if at is not None and final.number <= at.block.number:
            return at.state
        if at is not None and self._reader.block(at.block.number) != at.block:
            raise ReplayFails(f"block {at.block.number} was final and is another one now")
        kept: list[Rebuilt] = []  # the last one ends at the final block
        try:
            rebuild(self._reader, start=at, keep=kept.append)
        except ReplayMismatch as error:
            raise ReplayFails(str(error)) from error
        if not kept:
            raise ReplayFails(f"nothing up to block {final.number} is final any more")
        self._at = kept[-1]  # only now: it is the end that was compared with the contract
        return self._at.state
