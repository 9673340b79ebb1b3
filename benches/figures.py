"""A figure: what was measured, against what, and whether it reaches its target."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import Any

import psutil  # type: ignore[import-untyped]

from prover.curves.parallel import worker_count


def device() -> str:
    """The processor, how many of its cores this process may use, and the memory."""
    memory_gib = psutil.virtual_memory().total / 2**30
    return f"{_processor()}, {worker_count()} cores, {memory_gib:.0f} GiB"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return "unknown processor"
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else "unknown processor"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value.

    ours, peer: in `unit`; peer is None where the target is a bound of its own. ratio: peer / ours
    where less is better (times), None without a peer. target: in words; met: None if not measured.
    """

    name: str
    ours: float | None
    peer: float | None
    unit: str
    ratio: float | None
    target: str
    met: bool | None
    device: str
    command: str


def against(
    name: str, ours: float, peer: float, unit: str, times: float | None, command: str
) -> Figure:
    """Ours against a peer's, both taken in one run; the target, if any: `times` as fast."""
    ratio = peer / ours
    target = "" if times is None else f"at least {times:g} times as fast"
    met = None if times is None else ratio >= times
    return Figure(name, ours, peer, unit, ratio, target, met, device(), command)


def at_most(name: str, ours: float, limit: float, unit: str, command: str) -> Figure:
    """A value with an upper bound as its target."""
    target = f"at most {limit:g} {unit}"
    return Figure(name, ours, None, unit, None, target, ours <= limit, device(), command)


def at_least(name: str, ours: float, limit: float, unit: str, command: str) -> Figure:
    """A value with a lower bound as its target."""
    target = f"at least {limit:g} {unit}"
    return Figure(name, ours, None, unit, None, target, ours >= limit, device(), command)


def beside(name: str, ours: float, unit: str, command: str) -> Figure:
    """A value without a target, to be read beside another one."""
    return Figure(name, ours, None, unit, None, "", None, device(), command)


def not_measured(name: str, unit: str, target: str, why: str, command: str) -> Figure:
    """A value that this machine cannot give; `device` says why."""
    return Figure(name, None, None, unit, None, target, None, why, command)


def emit(figures: Sequence[Figure]) -> None:
    """One line of JSON for each figure, for `python -m benches`."""
    for figure in figures:
        print("FIGURE " + json.dumps(asdict(figure)), flush=True)


def parse(line: str) -> Figure | None:
    """The figure in a line of a bench's output."""
    if not line.startswith("FIGURE "):
        return None
    return Figure(**json.loads(line.removeprefix("FIGURE ")))


def best_of(runs: int, *works: Callable[[], object]) -> list[float]:
    """The shortest time of each work in seconds; the works take turns, so that load hits all."""
    best = [float("inf")] * len(works)
    for _ in range(runs):
        for i, work in enumerate(works):
            start = perf_counter()
            work()
            best[i] = min(best[i], perf_counter() - start)
    return best


def peer(module: str) -> Any:
    """A module that only the benches need; ends with one clear line if it is not installed."""
    if find_spec(module.partition(".")[0]) is None:
        sys.exit(f"{module} is not installed: `make bench` installs what the benches compare with")
    return import_module(module)
