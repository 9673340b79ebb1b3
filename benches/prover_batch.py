"""What a batch proof costs: key, witness, proof, memory, against its size and the cores.

    python -m benches.prover_batch [log2 of the sizes ...]      default: 16 17 18 19 20

A size is the most user slots that fit it, all of them used. Making the key and proving are
processes of their own; the prover starts with the key on disk, as a sequencer's does, so its peak
memory counts the mapped key's pages. The second proof counts: the first one pages the key in.
"""

from __future__ import annotations

import csv
import json
import os
import pickle
import resource
import subprocess
import sys
import tempfile
import time
from bisect import bisect_right
from functools import cache
from pathlib import Path

from benches.batch_traffic import full_proof
from benches.figures import Figure, against, at_most, emit
from protocol.batch import Shape
from protocol.crypto import compiled
from prover.cache import Cache
from prover.circuits.batch import batch_circuit
from prover.curves.parallel import worker_count
from prover.groth16 import prove
from prover.groth16.polynomials import log_domain_size
from prover.groth16.store import development_key
from prover.jobs import ProofJob
from prover.kernels import warm
from prover.witness import batch_witness

MODULE = "benches.prover_batch"
SIZES = (16, 17, 18, 19, 20)
TABLE = Path("benches/charts/proof_time.csv")
QUEUE_SLOTS = 2
SLOT_LOG = 14  # a user slot has more than 2^14 constraints
_ENTROPY = bytes(range(32))
Row = dict[str, float]


@cache
def shape_of(log_size: int) -> Shape:
    """The shape with the most user slots whose domain is 2^log_size."""
    counts = range(1, 1 << max(0, log_size - SLOT_LOG))
    return Shape(QUEUE_SLOTS, max(1, bisect_right(counts, log_size, key=_log_size_of)))


def _log_size_of(user_slots: int) -> int:
    return log_domain_size(batch_circuit(Shape(QUEUE_SLOTS, user_slots)).r1cs)


def prepare(shape: Shape, folder: Path) -> Row:
    """Make the key and a full batch; what the key took."""
    circuit = batch_circuit(shape)
    start = time.perf_counter()
    development_key(circuit.r1cs, cache=Cache(folder), entropy=_ENTROPY)
    seconds = time.perf_counter() - start
    (folder / "job").write_bytes(pickle.dumps(ProofJob(*full_proof(shape))))
    return {"setup_s": seconds, "constraints": circuit.r1cs.n_constraints}


def measure(shape: Shape, folder: Path) -> Row:
    """Load everything and prove twice."""
    job: ProofJob = pickle.loads((folder / "job").read_bytes())  # noqa: S301 - our own file
    circuit = batch_circuit(shape)
    row: Row = {}
    start = time.perf_counter()
    key = development_key(circuit.r1cs, cache=Cache(folder), entropy=_ENTROPY)
    row["key_load_s"] = time.perf_counter() - start
    for _ in range(2):
        start = time.perf_counter()
        witness = batch_witness(circuit, job.executed, job.public)
        row["witness_s"] = time.perf_counter() - start
        prove(key, circuit.r1cs, witness, entropy=_ENTROPY)
        row["proof_s"] = time.perf_counter() - start  # the witness included
    row["peak_gib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return row


def run_step(step: str, shape: Shape, folder: Path, cores: int) -> Row:
    """A step in a process of its own, on so many cores."""
    command = [sys.executable, "-m", MODULE, step, str(shape.user_slots), str(folder), str(cores)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    row: Row = json.loads(done.stdout.splitlines()[-1])
    return row


def rows_of(log_size: int) -> list[Row]:
    """One row for all cores and one for a single core."""
    shape = shape_of(log_size)
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = run_step("prepare", shape, folder, worker_count())
        for cores in sorted({1, worker_count()}, reverse=True):
            row = {"log_size": log_size, "user_slots": shape.user_slots, "cores": cores}
            rows.append(row | made | run_step("measure", shape, folder, cores))
            print({name: round(value, 2) for name, value in rows[-1].items()}, flush=True)
    return rows


def figures_of(rows: list[Row]) -> list[Figure]:
    """What the targets ask for, as far as the sizes were run."""
    command = f"python -m {MODULE}"
    all_cores = {row["log_size"]: row for row in rows if row["cores"] == worker_count()}
    figures = []
    if 18 in all_cores:
        row = all_cores[18]
        figures.append(at_most("setup of 2^18 constraints", row["setup_s"], 45, "s", command))
    if 20 in all_cores:
        row = all_cores[20]
        figures += [
            at_most("batch proof of 2^20 constraints", row["proof_s"], 40, "s", command),
            at_most("peak memory of that proof", row["peak_gib"], 6, "GiB", command),
            at_most("loading its key", row["key_load_s"], 1, "s", command),
            at_most(
                "witness, share of that proof",
                100 * row["witness_s"] / row["proof_s"],
                10,
                "%",
                command,
            ),
        ]
    if 17 in all_cores and 20 in all_cores:
        large, small = (
            1e6 * all_cores[size]["proof_s"] / all_cores[size]["constraints"] for size in (20, 17)
        )
        name = "proof, a constraint: 2^20 against 2^17"
        figures.append(against(name, large, small, "us", 1, command))
    return figures


def write_table(rows: list[Row]) -> None:
    """The rows, for the charts."""
    TABLE.parent.mkdir(exist_ok=True)
    with TABLE.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows({name: round(value, 4) for name, value in row.items()} for row in rows)


def child(step: str, user_slots: int, folder: Path, cores: int) -> None:
    """Run one step here and print its row."""
    os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[:cores]))
    warm()
    compiled.install()
    work = prepare if step == "prepare" else measure
    print(json.dumps(work(Shape(QUEUE_SLOTS, user_slots), folder)))


def main() -> None:
    if sys.argv[1:2] in (["prepare"], ["measure"]):
        child(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))
        return
    sizes = [int(text) for text in sys.argv[1:]] or SIZES
    rows = [row for size in sizes for row in rows_of(size)]
    if sizes == SIZES:
        write_table(rows)
    emit(figures_of(rows))


if __name__ == "__main__":
    main()
