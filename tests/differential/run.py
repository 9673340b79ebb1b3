"""Episodes on all processors, each noted in a file when it is done, so that nothing is done twice.

The file: a line of JSON for each episode, {"seed": ..., "length": ..., "seen": {...}}. A last line
that was cut off is an episode that is played again.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from prover.curves.parallel import worker_count
from tests.differential.episode import LENGTH, Episode

Report = Callable[[int, int], None]


def _silent(done: int, wanted: int) -> None:
    return


def done_in(path: Path, length: int) -> dict[int, Counter[str]]:
    """The episodes of this length that the file has, by their seeds."""
    done: dict[int, Counter[str]] = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        try:
            noted = json.loads(line)
        except json.JSONDecodeError:
            continue
        if noted["length"] == length:
            done[noted["seed"]] = Counter(noted["seen"])
    return done


def run(
    transactions: int,
    path: Path,
    *,
    first_seed: int = 0,
    length: int = LENGTH,
    report: Report = _silent,
) -> Counter[str]:
    """Play what the file lacks of so many transactions; what was seen in all of them.

    Raises Disagreement; episodes that ended before stay noted.
    """
    wanted = range(first_seed, first_seed + -(-transactions // length))
    done = done_in(path, length)
    waiting = [seed for seed in wanted if seed not in done]
    with ThreadPoolExecutor(worker_count()) as pool, path.open("a", encoding="utf-8") as file:
        file.write("\n")  # ends a line that was cut off
        jobs = {pool.submit(Episode(seed).play, length): seed for seed in waiting}
        try:
            for job in as_completed(jobs):
                seed, seen = jobs[job], job.result()
                done[seed] = seen
                noted = {"seed": seed, "length": length, "seen": dict(seen)}
                file.write(json.dumps(noted) + "\n")
                file.flush()
                report(length * sum(seed in done for seed in wanted), transactions)
        finally:
            for job in jobs:
                job.cancel()
    return sum((done[seed] for seed in wanted), Counter[str]())
