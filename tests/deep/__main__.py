"""The part of `make test-deep` that is not Python: forge and halmos on the committed bytecode.

Usage: python -m tests.deep. A few minutes; without npm it says so and does nothing.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

from tests.deep.project import TAKEN, write_project
from tests.deep.tools import InstallFailed, NoNpm, Tools, installed

ROOT = Path(__file__).parent.parent.parent
FOLDER = ROOT / "build" / "deep"
HARDFORK = "osaka"
RUNS = 500
DEPTH = 200
LEAST_TAKEN = 25
"""How often the runs together must have taken each kind of step, to have searched anything."""
LOOP_BOUND = 64
"""Above every loop that a request runs through; a path that is cut at it is a failure here."""
FALSE = "FalseClaims"


def main() -> int:
    """0 where everything holds or npm is missing, else 1."""
    try:
        tools = installed()
    except NoNpm:
        say("SKIPPED, forge and halmos: npm is not installed (Node.js brings it)")
        return 0
    except InstallFailed as error:
        say(f"FAILED: {error}")
        return 1
    write_project(FOLDER, tools.solc, HARDFORK, RUNS, DEPTH)
    failures = run_forge(tools) + run_halmos(tools)
    for failure in failures:
        say(f"FAILED: {failure}")
    if not failures:
        say("forge and halmos: everything holds")
    return 1 if failures else 0


def say(text: str) -> None:
    print(f"test-deep: {text}", flush=True)


def environment(tools: Tools) -> dict[str, str]:
    """halmos calls forge by its name."""
    return os.environ | {"PATH": f"{tools.forge.parent}{os.pathsep}{os.environ['PATH']}"}


def run_forge(tools: Tools) -> list[str]:
    """Random sequences of calls of anybody, beside a model. What failed."""
    say(f"forge, {RUNS} runs of {DEPTH} calls at the committed bytecode, invariants after each")
    command = [str(tools.forge), "test", "--match-contract", "Invariants", "-vv"]
    done = subprocess.run(command, cwd=FOLDER, env=environment(tools))
    if done.returncode:
        return ["an invariant, see above"]
    taken: Counter[str] = Counter()
    for line in (FOLDER / TAKEN).read_text(encoding="utf-8").splitlines():
        kind, times = line.split()
        taken[kind] += int(times)
    print("  taken:", ", ".join(f"{times} {kind}" for kind, times in taken.items()), flush=True)
    return [f"the runs took only {n} of {kind}" for kind, n in taken.items() if n < LEAST_TAKEN]


def run_halmos(tools: Tools) -> list[str]:
    """All inputs at once: every claim of InputChecks holds, every one of FalseClaims does not."""
    say("halmos, all inputs of the requests at the committed bytecode")
    results, log = FOLDER / "halmos.json", FOLDER / "halmos.log"
    command = [str(tools.halmos), "--match-contract", f"^(InputChecks|{FALSE})$"]
    command += ["--function", "check_", "--storage-layout", "generic", "--loop", str(LOOP_BOUND)]
    command += ["--solver-timeout-assertion", "120s", "--no-status"]
    command += ["--json-output", str(results)]
    with log.open("w", encoding="utf-8") as output:
        subprocess.run(command, cwd=FOLDER, env=environment(tools), stdout=output, stderr=output)
    if not results.exists():
        print(log.read_text(encoding="utf-8", errors="replace")[-3_000:])
        return ["halmos did not get through"]
    return judge(json.loads(results.read_text(encoding="utf-8")), log)


def judge(results: Mapping[str, object], log: Path) -> list[str]:
    """What halmos should have shown and did not; prints a line a claim."""
    failures = []
    contracts = cast(Mapping[str, Sequence[Mapping[str, object]]], results["test_results"])
    for contract, claims in contracts.items():
        expected = "refuted" if contract.endswith(f":{FALSE}") else "holds"
        for claim in claims:
            verdict = verdict_on(claim)
            paths, *_ = cast(Sequence[int], claim["num_paths"])
            seconds, *_ = cast(Sequence[float], claim["time"])
            name = cast(str, claim["name"]).split("(")[0]
            print(f"  {verdict:8} {name} ({paths} paths, {seconds:.1f} s)", flush=True)
            if verdict != expected:
                failures.append(f"{name} is not what it should be, {expected}; see {log}")
    if len(contracts) != 2 or not all(contracts.values()):
        failures.append(f"halmos found no claims; see {log}")
    return failures


def verdict_on(claim: Mapping[str, object]) -> str:
    """`holds` on all paths, `refuted` by a counterexample that the solver vouches for, or open."""
    models = cast(Sequence[Mapping[str, object]], claim["models"] or ())
    if claim["exitcode"] == 0 and claim["num_bounded_loops"] == 0:
        return "holds"
    return "refuted" if any(model["is_valid"] for model in models) else "open"


if __name__ == "__main__":
    sys.exit(main())
