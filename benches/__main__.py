"""All benches, one after the other; what they found goes into benches/results.json.

    python -m benches [names ...]        default: all; `make bench` installs the peers first

A bench that fails is named at the end, and the figures of the others are kept.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

from benches.figures import Figure, parse

RESULTS = Path("benches/results.json")
BENCHES = (
    "prover_msm",
    "prover_lanes",
    "prover_ntt",
    "prover_batch",
    "prover_snarkjs",
    "prover_gpu",
    "node_kills",
    "node_storage",
    "node_payments",
    "sequencer_intake",
    "growth",
    "market_clearing",
    "market_replay",
    "market_bill",
)


def run(name: str) -> list[Figure] | None:
    """The figures of one bench, its other output passed on; None if it failed."""
    print(f"== {name}", flush=True)
    figures = []
    command = [sys.executable, "-m", f"benches.{name}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            figure = parse(line)
            if figure is None:
                print(line, end="", flush=True)
            else:
                figures.append(figure)
                print(summary(figure), flush=True)
    return figures if process.returncode == 0 else None


def summary(figure: Figure) -> str:
    """A figure as one line."""
    if figure.ours is None:
        return f"  {figure.name}: not measured ({figure.device})"
    parts = [f"  {figure.name}: {figure.ours:.3g} {figure.unit}"]
    if figure.peer is not None:
        parts.append(f"against {figure.peer:.3g}: {figure.ratio:.2f} times as fast")
    if figure.target:
        parts.append(f"target {figure.target}: {'met' if figure.met else 'MISSED'}")
    return "; ".join(parts)


def main() -> None:
    names = sys.argv[1:] or list(BENCHES)
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        sys.exit(f"no such bench: {', '.join(unknown)}; there are {', '.join(BENCHES)}")
    found = {name: run(name) for name in names}
    fresh = [figure for figures in found.values() for figure in figures or ()]
    kept = [] if names == list(BENCHES) else _other_figures({figure.name for figure in fresh})
    RESULTS.write_text(json.dumps([*kept, *(asdict(figure) for figure in fresh)], indent=1) + "\n")
    print(f"wrote {RESULTS}: {sum(bool(figure.met) for figure in fresh)} targets met")
    for figure in fresh:
        if figure.met is False:
            print(f"missed:{summary(figure)}")
    failed = [name for name, figures in found.items() if figures is None]
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


def _other_figures(names: set[str]) -> list[dict[str, object]]:
    """What earlier runs of other benches have found."""
    if not RESULTS.exists():
        return []
    return [row for row in json.loads(RESULTS.read_text()) if row["name"] not in names]


if __name__ == "__main__":
    main()
