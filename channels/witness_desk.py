"""Keeps the home's Merkle witnesses as new as the newest final root."""

from __future__ import annotations

from collections.abc import Mapping

from channels.box import Box
from channels.errors import SequencerError
from channels.records import SaveWitnesses
from channels.store import Store
from channels.watch import Watch
from channels.witnesses import Collecting, Inclusions

Wanted = tuple[int, tuple[int, ...], tuple[int, ...]]
"""A root, accounts and channel slots in it."""


class WitnessDesk:
    """One node's. `boxes` grows as channels become final."""

    def __init__(
        self,
        account_index: int,
        watch: Watch,
        source: Inclusions,
        store: Store,
        boxes: Mapping[int, Box],
    ) -> None:
        self._index = account_index
        self._watch = watch
        self._source = source
        self._store = store
        self._boxes = boxes
        self._collecting = Collecting(-1, 0)
        self._kept: Wanted | None = None
        for one in store.load_witnesses():
            if one.is_complete:
                accounts = tuple(given.index for given in one.accounts)
                slots = tuple(given.slot for given in one.channels)
                self._kept = one.state_root, accounts, slots

    async def refresh(self) -> None:
        """Have everything in the newest final root on disk; what arrives is kept even if not all
        does. Raises StoreFailed, SequencerError leaves."""
        final = self._watch.final
        wanted = final.state_root, *self._places()
        if wanted == self._kept:
            return
        if self._collecting.state_root != final.state_root:
            self._collecting = Collecting(final.state_root, final.timestamp)
        collecting, before = self._collecting, self._collecting.count
        failure: SequencerError | None = await collecting.collect(self._source, *wanted[1:])
        if failure is None:
            await self._store.write(SaveWitnesses(collecting.standing(*wanted[1:])))
            self._kept = wanted
            return
        if collecting.count > before:
            await self._store.write(SaveWitnesses(collecting.standing(*wanted[1:])))
        raise failure

    def _places(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The own account and those of all counterparties; the slots of all channels."""
        live = [box.state for box in self._boxes.values() if not box.state.is_gone]
        accounts = {self._index, *(state.peer_index for state in live)}
        slots = {state.verified.slot for state in live if state.verified}
        return tuple(sorted(accounts)), tuple(sorted(slots))
