"""The base of all."""

from __future__ import annotations


class SequencerError(Exception):
    """Base of all errors of this package."""
