"""Flat records as maps of a document and back, field by field: no field is ever forgotten."""

from __future__ import annotations

from dataclasses import fields as fields_of
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar, get_type_hints

from energy.canonical import Value
from energy.fields import Fields

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    _R = TypeVar("_R", bound=DataclassInstance)


def record_value(record: DataclassInstance) -> dict[str, Value]:
    """The map of a dataclass whose fields are whole numbers, text, bytes, flags or text enums."""
    value: dict[str, Value] = {}
    for field in fields_of(record):
        given = getattr(record, field.name)
        value[field.name] = given.value if isinstance(given, Enum) else given
    return value


def record_of(kind: type[_R], given: Value, what: str) -> _R:
    """The record of a map that has all its fields and no others. Whole numbers are >= 0.

    Raises BadDocument.
    """
    fields = Fields(given, what)
    taken: dict[str, Any] = {}
    for name, hint in _hints(kind).items():
        if hint is bool:
            taken[name] = fields.flag(name)
        elif hint is int:
            taken[name] = fields.whole(name)
        elif hint is bytes:
            taken[name] = fields.octets(name)
        elif isinstance(hint, type) and issubclass(hint, Enum):
            taken[name] = fields.one_of(name, hint)
        else:
            assert hint is str, f"{kind.__name__}.{name} is no flat field"
            taken[name] = fields.text(name)
    fields.end()
    return kind(**taken)


@cache
def _hints(kind: type[DataclassInstance]) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields_of(kind)}
