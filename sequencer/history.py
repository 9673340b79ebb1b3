"""Recent states by their root, so that witnesses can be given for what L1 shows, not only for now.

Only states at batch boundaries are kept: no other root ever reaches L1.
"""

from __future__ import annotations

from collections import OrderedDict

from protocol.state import State

KEPT = 48
"""States kept; older ones are dropped, oldest first."""


class History:
    """States after batches, oldest first. Mutable; one owner."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._states: OrderedDict[int, tuple[int, State]] = OrderedDict()

    def add(self, number: int, root: int, state: State) -> None:
        """Remember the state after batch `number`; it must not change any more."""
        self._states[number] = (root, state)
        while len(self._states) > self._kept:
            self._states.popitem(last=False)

    def forget_from(self, number: int) -> None:
        """Forget the states after this batch and all later ones."""
        for one in [key for key in self._states if key >= number]:
            del self._states[one]

    def find(self, root: int) -> State | None:
        """The newest kept state with this root."""
        for found, state in reversed(self._states.values()):
            if found == root:
                return state
        return None

    def roots(self) -> tuple[int, ...]:
        """All roots kept, oldest first."""
        return tuple(root for root, _ in self._states.values())
