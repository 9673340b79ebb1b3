"""Libraries that only one adapter needs, imported where it is opened."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from energy.errors import MissingExtra


def library(module: str, extra: str) -> ModuleType:
    """The module, or MissingExtra, which names what to install.

    A module that is there but broken says so itself.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise
        raise MissingExtra(extra, error.name) from error
