"""Invariant: where a GPU works it is used, where not it is said why, and the result is the same.

The prover asks `add_up` and `quotient`, and does the work itself where they give None. Nothing of
CUDA is imported before numba-cuda and a driver were found, so asking is cheap where there is none.
"""

from prover.gpu.offload import add_up, quotient
from prover.gpu.selection import SWITCH, chosen, reason

__all__ = ["SWITCH", "add_up", "chosen", "quotient", "reason"]
