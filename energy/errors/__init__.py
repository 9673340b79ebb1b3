"""Typed errors of this package: each one names what is wrong and what would be right."""

from __future__ import annotations

from energy.errors.base import EnergyError as EnergyError
from energy.errors.documents import BadDocument as BadDocument
from energy.errors.documents import BadInterval as BadInterval
from energy.errors.readings import BadSample as BadSample
