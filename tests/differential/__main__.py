"""The command line: how many, where it is noted, and what came across."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from protocol.crypto import compiled
from tests.differential.run import run


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.differential", description=__doc__)
    parser.add_argument("--transactions", type=int, default=1_000_000)
    parser.add_argument("--state", type=Path, default=Path("differential.jsonl"))
    parser.add_argument("--first-seed", type=int, default=0, help="others see other streets")
    given = parser.parse_args()
    compiled.install()
    started = time.monotonic()

    def report(done: int, wanted: int) -> None:
        seconds = time.monotonic() - started
        print(f"{min(done, wanted):,} of {wanted:,}, {seconds:,.0f} s", flush=True)

    seen = run(given.transactions, given.state, first_seed=given.first_seed, report=report)
    for name, count in seen.most_common():
        print(f"{count:10,}  {name}")
    print("executor and circuit agree on all of them")


if __name__ == "__main__":
    main()
