"""One proof of a circom circuit of 2^15 constraints: ours, snarkjs' and zksnake's, in one run.

    python -m benches.prover_snarkjs [log2 of the number of constraints, default 15]

circom compiles the circuit and makes its witness, all values of which are full-size; our setup
makes the key, which is written as a .zkey for snarkjs and us alike. Three times are taken:

- from the files, libraries and kernels loaded: .zkey and .wtns are read, a proof is made. Ours is
  verified too, which snarkjs leaves to another command.
- the whole command, with a new process: what a shell user waits for.
- the proof alone, the key in memory, as a sequencer makes one after the other; zksnake has no
  other way, and a key of its own (it reads no .zkey) for the same matrices.

Needs node and npm; zksnake is left out where it is not installed.
"""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from benches.figures import Figure, against, best_of, emit, not_measured
from prover.curves.fr import Elements, to_ints
from prover.groth16 import prove, setup
from prover.iden3.r1cs import read_r1cs
from prover.iden3.rows import entries_of
from prover.iden3.wtns import read_wtns
from prover.iden3.zkey import open_zkey, prove_from_zkey
from prover.iden3.zkey_write import write_zkey
from prover.kernels import warm
from prover.r1cs.system import R1CS, Matrix
from tests.support.iden3_tools import Iden3Tools, ToolsUnavailable, iden3_tools

RUNS = 3
_CIRCOM = """pragma circom 2.1.0;
template Chain(n) {
    signal input secret;
    signal input salt;
    signal output result;
    signal chain[n];
    chain[0] <== secret * secret + salt;
    for (var i = 1; i < n; i++) {
        chain[i] <== (chain[i - 1] + i) * (chain[i - 1] + salt) + 7 * secret;
    }
    result <== chain[n - 1] * salt;
}
component main {public [salt]} = Chain(%d);
"""
_IN_PROCESS = """
const snarkjs = require(process.argv[2]);
(async () => {
    const times = [];
    for (let i = 0; i <= Number(process.argv[3]); i++) {
        const start = performance.now();
        await snarkjs.groth16.prove("chain.zkey", "chain.wtns");
        times.push((performance.now() - start) / 1000);
    }
    console.log(JSON.stringify(times));
    process.exit(0);
})();
"""
_OURS = """
import secrets, sys
from pathlib import Path
from prover.curves.fr import to_ints
from prover.iden3.json_files import write_proof, write_public
from prover.iden3.wtns import read_wtns
from prover.iden3.zkey import open_zkey, prove_from_zkey
zkey, witness = open_zkey(Path("chain.zkey")), read_wtns(Path("chain.wtns"))
proof = prove_from_zkey(zkey, witness, entropy=secrets.token_bytes(32))
write_proof(Path("ours.json"), proof)
write_public(Path("public.json"), to_ints(witness[1 : zkey.n_public + 1]))
"""


def make_files(tools: Iden3Tools, folder: Path, log_size: int) -> tuple[R1CS, Elements]:
    """chain.r1cs and chain.wtns by circom, chain.zkey by us."""
    (folder / "chain.circom").write_text(_CIRCOM % ((1 << log_size) - 4))
    tools.circom(folder, folder / "chain.circom")
    tools.witness(folder, "chain", {"secret": 3**150, "salt": 5**100})
    r1cs, witness = read_r1cs(folder / "chain.r1cs"), read_wtns(folder / "chain.wtns")
    write_zkey(folder / "chain.zkey", setup(r1cs, entropy=secrets.token_bytes(32)), r1cs)
    return r1cs, witness


def snarkjs_in_process(tools: Iden3Tools, folder: Path) -> list[float]:
    """Seconds of snarkjs.groth16.prove from the files, the first (which compiles) left out."""
    (folder / "prove.cjs").write_text(_IN_PROCESS)
    library = tools.modules / "snarkjs" / "build" / "main.cjs"
    command = [tools.node, "prove.cjs", str(library), "1"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    times: list[float] = json.loads(done.stdout.strip().splitlines()[-1])
    return times[1:]


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def against_snarkjs(tools: Iden3Tools, folder: Path, command: str, name: str) -> list[Figure]:
    """From the files and as whole commands; the programs take turns."""
    witness = read_wtns(folder / "chain.wtns")
    script = tools.modules / "snarkjs" / "build" / "cli.cjs"
    theirs = [tools.node, str(script), "groth16", "prove", "chain.zkey", "chain.wtns"]

    def files() -> None:
        zkey = open_zkey(folder / "chain.zkey")
        prove_from_zkey(zkey, read_wtns(folder / "chain.wtns"), entropy=secrets.token_bytes(32))

    def run(parts: Sequence[str]) -> None:
        subprocess.run(parts, cwd=folder, check=True, capture_output=True)

    times: dict[str, list[float]] = {"files": [], "library": [], "ours": [], "theirs": []}
    for _ in range(RUNS):
        times["files"].append(seconds(files))
        times["library"] += snarkjs_in_process(tools, folder)
        times["ours"].append(seconds(lambda: run([sys.executable, "-c", _OURS])))
        times["theirs"].append(seconds(lambda: run([*theirs, "proof.json", "public.json"])))
    assert witness.shape[0] == open_zkey(folder / "chain.zkey").n_wires
    best = {what: min(taken) for what, taken in times.items()}
    return [
        against(f"{name}, from files, snarkjs", best["files"], best["library"], "s", 3, command),
        against(f"{name}, whole command, snarkjs", best["ours"], best["theirs"], "s", 3, command),
    ]


def against_zksnake(r1cs: R1CS, witness: Elements, command: str, name: str) -> Figure:
    """The proof alone, keys in memory."""
    what = f"{name}, key in memory, zksnake"
    if find_spec("zksnake") is None:
        why = "zksnake 0.1.0 is not installed: `make bench` installs it"
        return not_measured(what, "s", "at least 5 times as fast", why, command)
    groth16 = import_module("zksnake.groth16").Groth16(_for_zksnake(r1cs), "BLS12_381")
    groth16.setup()
    numbers, first = to_ints(witness), r1cs.n_public + 1
    key = setup(r1cs, entropy=secrets.token_bytes(32))
    ours, theirs = best_of(
        RUNS,
        lambda: prove(key, r1cs, witness, entropy=secrets.token_bytes(32)),
        lambda: groth16.prove(numbers[:first], numbers[first:]),
    )
    assert groth16.verify(groth16.prove(numbers[:first], numbers[first:]), numbers[:first])
    return against(what, ours, theirs, "s", 5, command)


def _for_zksnake(r1cs: R1CS) -> object:
    """Our matrices as zksnake's R1CS, whose own reader of .r1cs files takes hours at this size."""
    array = import_module("zksnake.array").SparseArray
    order = import_module("zksnake.constant").BLS12_381_SCALAR_FIELD

    class Matrices:
        n_public = r1cs.n_public + 1

        def __init__(self) -> None:
            self.A, self.B, self.C = (self._array(each) for each in (r1cs.a, r1cs.b, r1cs.c))

        def _array(self, matrix: Matrix) -> object:
            made = array([[]], r1cs.n_constraints, r1cs.n_wires, order)
            entries = entries_of(r1cs, matrix)
            numbers = to_ints(entries.coefficient)
            made.append(zip(entries.row.tolist(), entries.wire.tolist(), numbers, strict=True))
            return made

    return Matrices()


def main() -> None:
    log_size = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    command = f"python -m benches.prover_snarkjs {log_size}"
    name = f"proof of a circom circuit of 2^{log_size} constraints"
    warm()
    try:
        tools = iden3_tools()
    except ToolsUnavailable as error:
        emit([not_measured(f"{name}, snarkjs", "s", "3 times as fast", str(error), command)])
        sys.exit(f"not measured: {error}")
    with tempfile.TemporaryDirectory() as name_of_folder:
        folder = Path(name_of_folder)
        r1cs, witness = make_files(tools, folder, log_size)
        print(f"{r1cs.n_constraints} constraints, {r1cs.n_wires} wires", flush=True)
        emit(against_snarkjs(tools, folder, command, name))
    emit([against_zksnake(r1cs, witness, command, name)])


if __name__ == "__main__":
    main()
