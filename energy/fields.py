"""Taking a document apart: each field once, with its type and range, and none left over."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import TypeVar

from energy.canonical import Value
from energy.errors import BadDocument

MOST_WHOLE = (1 << 63) - 1
MOST_TEXT = 400

_E = TypeVar("_E", bound=Enum)


class Fields:
    """The fields of one map. `what` names the document in errors; every method raises BadDocument.

    Take every field, then call `end`, which refuses a document that has others.
    """

    __slots__ = ("_left", "what")

    def __init__(self, given: Value, what: str) -> None:
        if not isinstance(given, Mapping):
            raise BadDocument(what, "it is no map of fields")
        self._left = dict(given)
        self.what = what

    def of_type(self, name: str) -> None:
        """Take the field `type`, which must be this name."""
        found = self.text("type")
        if found != name:
            raise BadDocument(self.what, f"its type is {found[:40]!r}, not {name!r}")

    def whole(self, name: str, least: int = 0, most: int = MOST_WHOLE) -> int:
        """An integer from `least` to `most`."""
        found = self.take(name)
        if type(found) is not int or not least <= found <= most:
            raise self.refused(name, f"is no integer from {least} to {most}")
        return found

    def text(self, name: str, most: int = MOST_TEXT) -> str:
        """Text of at most so many characters."""
        found = self.take(name)
        if not isinstance(found, str) or len(found) > most:
            raise self.refused(name, f"is no text of at most {most} characters")
        return found

    def octets(self, name: str, length: int | None = None) -> bytes:
        """Bytes, of this length where one is given."""
        found = self.take(name)
        if not isinstance(found, bytes) or (length is not None and len(found) != length):
            raise self.refused(name, "is no bytes" + (f" of length {length}" if length else ""))
        return found

    def flag(self, name: str) -> bool:
        """True or False."""
        found = self.take(name)
        if not isinstance(found, bool):
            raise self.refused(name, "is neither true nor false")
        return found

    def one_of(self, name: str, kind: type[_E]) -> _E:
        """A member of an enum, by its value, which is text."""
        found = self.text(name)
        try:
            return kind(found)
        except ValueError:
            known = ", ".join(str(one.value) for one in kind)
            raise self.refused(name, f"is {found[:40]!r}, none of: {known}") from None

    def items(self, name: str, most: int) -> tuple[Value, ...]:
        """A list of at most so many values."""
        found = self.take(name)
        if not isinstance(found, list | tuple) or len(found) > most:
            raise self.refused(name, f"is no list of at most {most}")
        return tuple(found)

    def take(self, name: str) -> Value:
        """A field's value, whatever it is."""
        try:
            return self._left.pop(name)
        except KeyError:
            raise BadDocument(self.what, f"it has no field {name}") from None

    def inner(self, name: str) -> Fields:
        """The fields of a map inside."""
        return Fields(self.take(name), f"{name} in the {self.what}")

    def has(self, name: str) -> bool:
        """Whether an optional field is there and not yet taken."""
        return name in self._left

    def end(self) -> None:
        """Refuse fields that nothing has taken."""
        if self._left:
            names = ", ".join(sorted(name[:40] for name in self._left)[:5])
            raise BadDocument(self.what, f"unknown fields: {names}")

    def refused(self, name: str, why: str) -> BadDocument:
        """The error for a field's value, to be raised."""
        return BadDocument(self.what, f"{name} {why}")
