"""What a meter shows at one moment, as an adapter reads it: registers, clock, and the raw bytes.

An adapter translates and never computes: what it was given goes along untouched in `raw`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from energy.errors import BadSample

MOST = (1 << 63) - 1
MOST_RAW_BYTES = 1 << 16
MOST_CONTEXT = 64
WRAP = "wrap"
"""Context of the first sample after a register passed its last digit: its epoch is one higher."""
SWAP = "swap"
"""Context of the first sample of another device: registers begin anew, in an epoch one higher."""


class Clock(Enum):
    """How far the meter's clock can be trusted. Only SYNCHRONISED ones are paid by.

    INFORMATIVE: set, but nobody vouches for it. RELATIVE: counts from an unknown moment.
    """

    SYNCHRONISED = "synchronised"
    INFORMATIVE = "informative"
    RELATIVE = "relative"
    UNKNOWN = "unknown"


class Quality(Enum):
    """Where the registers' values come from. SUBSTITUTED: by the meter's operator afterwards."""

    MEASURED = "measured"
    SUBSTITUTED = "substituted"
    ESTIMATED = "estimated"


@dataclass(frozen=True, slots=True)
class Sample:
    """A meter's registers at `time_ms` (Unix ms, UTC). Raises BadSample.

    `import_wh`, `export_wh`: counted since the device was new, Wh. `register_epoch`: one more after
    each wrap or swap, named by `context`, which is else a word of the source or empty.
    `soc_permille`: a battery's state of charge, 0 to 1000, None where there is none. `raw`: the
    source's bytes that all of this was read from.
    """

    time_ms: int
    clock: Clock
    import_wh: int
    export_wh: int
    register_epoch: int = 0
    quality: Quality = Quality.MEASURED
    context: str = ""
    soc_permille: int | None = None
    raw: bytes = b""

    def __post_init__(self) -> None:
        for name in ("time_ms", "import_wh", "export_wh", "register_epoch"):
            if not 0 <= getattr(self, name) <= MOST:
                raise BadSample(f"{name} is {getattr(self, name)}, it must be 0 to {MOST}")
        if self.soc_permille is not None and not 0 <= self.soc_permille <= 1000:
            raise BadSample(f"soc_permille is {self.soc_permille}, it must be 0 to 1000")
        if len(self.context) > MOST_CONTEXT:
            raise BadSample(f"context has {len(self.context)} characters, at most {MOST_CONTEXT}")
        if len(self.raw) > MOST_RAW_BYTES:
            raise BadSample(f"{len(self.raw)} raw bytes, at most {MOST_RAW_BYTES} are kept")


class Source(Protocol):
    """An adapter: samples of one meter, in order of their times; it ends where its input does."""

    def __aiter__(self) -> AsyncIterator[Sample]: ...
