"""How many places one name holds at once, so that nobody alone fills what is there for everyone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


class Places:
    """At most `most` a name. Belongs to one event loop."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: Counter[str] = Counter()

    def __len__(self) -> int:
        return self._held.total()

    @contextmanager
    def one(self, name: str) -> Iterator[bool]:
        """Hold a place of this name; False where it has none left, and then none is held."""
        if self._held.get(name, 0) >= self._most:
            yield False
            return
        self._held[name] += 1
        try:
            yield True
        finally:
            self._held[name] -= 1
            if not self._held[name]:
                del self._held[name]
