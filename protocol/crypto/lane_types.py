"""Invariant: Numba's types of eight elements side by side, and whether this processor has them.

An element of lanes is a tuple of VECTORs (see lane_code.py), FRX8_TYPE and so on; a condition on
lanes is an integer whose bit l is the answer for lane l; eight indices are a VECTOR.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import config
from numba.core.codegen import get_host_cpu_features
from numba.core.datamodel import models
from numba.core.extending import register_model

from protocol.crypto import lane_code
from protocol.crypto.field_code import FQ, FR

_NEEDED = ("avx512f", "avx512dq", "avx512vl", "avx512ifma")
_config: Any = config
_host_features: Callable[[], str] = get_host_cpu_features
_uni_tuple: Any = types.UniTuple
_register: Any = register_model


def _available() -> bool:
    """Whether Numba compiles for a processor that multiplies eight 52-bit numbers at once."""
    if os.environ.get("WATTLANE_SCALAR", "") not in ("", "0"):
        return False
    given = _config.CPU_FEATURES
    if given is None:
        given = "" if _config.CPU_NAME is not None else _host_features()
    return {f"+{feature}" for feature in _NEEDED} <= set(given.split(","))


AVAILABLE = _available()
"""Kernels on lanes may run; WATTLANE_SCALAR=1 in the environment says that they shall not."""


class Vector(types.Type):
    """Eight 64-bit words that are worked on at once."""

    def __init__(self) -> None:
        super().__init__(name="Vector")


@_register(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager: Any, numba_type: Any) -> None:
        super().__init__(manager, numba_type, lane_code.VECTOR)  # type: ignore[no-untyped-call]


VECTOR = Vector()
CONDITION = types.uint64
FRX8_TYPE = _uni_tuple(VECTOR, lane_code.limb_count(FR.limbs))
FQX8_TYPE = _uni_tuple(VECTOR, lane_code.limb_count(FQ.limbs))
FQ2X8_TYPE = _uni_tuple(FQX8_TYPE, 2)

_FQ_TYPE = _uni_tuple(types.uint64, FQ.limbs)
ONE_LANE = {
    FRX8_TYPE: _uni_tuple(types.uint64, FR.limbs),
    FQX8_TYPE: _FQ_TYPE,
    FQ2X8_TYPE: _uni_tuple(_FQ_TYPE, 2),
}
"""What an element of lanes is eight of."""


def condition(builder: Any, lanes: Any) -> Any:
    """A mask of LLVM as CONDITION."""
    return builder.zext(builder.bitcast(lanes, ir.IntType(lane_code.LANES)), ir.IntType(64))


def mask(builder: Any, given: Any) -> Any:
    """A CONDITION as mask of LLVM."""
    return builder.bitcast(builder.trunc(given, ir.IntType(lane_code.LANES)), lane_code.MASK)
