"""Growth: 10,000 homes for a day, and what 1, 10 and 100 thousand ask of machines, money and time.

    python -m benches.growth [--homes 10000] [--hours 24] [--real-hours 2] [--seed 1]
                             [--database URL]

No proofs are made. The day is simulated event by event on the real rules of sealing; the ledger
itself, with signatures, execution and a database with full sync, lives the busiest hours of 10,000
homes (`--real-hours`, 24 for all), and the counting desk must make the same batches of them. What
goes in is printed with its source: a measurement by its command, an assumption as one.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter

import numpy as np

from benches import figures
from benches.figures import Figure
from benches.growth.costs import PRICES_GWEI, TIP_GWEI, Gas, Measured, ether, figure, proof_seconds
from benches.growth.day import BLOCK_S, EPOCH_S, FINAL_EPOCHS, Day, Terms, live
from benches.growth.demand import BY_HOUR, Kind, Rates, Wish, neighbours, wishes
from benches.growth.desks import SHAPE, Batch, CountingDesk
from benches.growth.real import RealDesk
from protocol.crypto import compiled
from sequencer.history import KEPT
from sequencer.sealing import SealingPolicy

COMMAND = "python -m benches.growth"
SIZES = (1_000, 10_000, 100_000)
REAL_HOMES = 10_000
BUSY_SHARE = 0.7
"""A machine that is busier than this in its busiest hour is too small."""

CHEAP = SealingPolicy()
DEAR = replace(CHEAP, patient_above_wei=0)
POLICIES = {"cheap L1": CHEAP, "dear L1": DEAR}
PAYMENTS_A_HOME = 720
"""A voucher a minute for half a day: an assumption; only the homes' nodes see them."""


@dataclass(frozen=True, slots=True)
class Result:
    """A day of so many homes under a policy."""

    homes: int
    policy: str
    day: Day
    gas: float
    proof_s: float

    @property
    def busiest(self) -> float:
        """The share of one prover's busiest hour."""
        return self.day.busiest_hour_s / 3_600

    @property
    def provers(self) -> int:
        """Machines that prove."""
        return max(1, int(np.ceil(self.busiest / BUSY_SHARE)))


def simulate(homes: int, hours: int, seed: int, proof_s: float, gas: Gas) -> list[Result]:
    """The day of so many homes under each policy, with as many provers as it takes."""
    wished, found = wishes(homes, hours, seed, Rates()), []
    for name, policy in POLICIES.items():
        provers, needed = 0, 1
        while provers < needed:
            provers = needed
            desk = CountingDesk(policy, len(neighbours(homes)))
            day = live(desk, wished, Terms(policy, proof_s, provers))
            result = Result(homes, name, day, gas.day(day), proof_s)
            needed = result.provers
        found.append(result)
    return found


@dataclass(frozen=True, slots=True)
class Lived:
    """What the real ledger was seen to take. `kept_mib`: memory of one more state that is kept."""

    transactions: int
    cpu_ms: float
    kept_mib: float
    seconds: float


def lived_by_the_ledger(
    homes: int, hours: int, seed: int, proof_s: float, url: str | None
) -> Lived:
    """The busiest hours of the day by the real ledger. Ends the bench where counting differs."""
    begun, busiest = perf_counter(), _busiest(wishes(homes, 24, seed, Rates()), hours)
    with tempfile.TemporaryDirectory() as folder:
        desk = RealDesk(Path(folder), homes, CHEAP, url)
        try:
            real = live(desk, busiest, Terms(CHEAP, proof_s))
            kept_mib = desk.kept_bytes() / 2**20
        finally:
            desk.close()
        seconds = perf_counter() - begun
    counted = live(CountingDesk(CHEAP, len(neighbours(homes))), busiest, Terms(CHEAP, proof_s))
    if [_shape(one) for one in real.batches] != [_shape(one) for one in counted.batches]:
        sys.exit("the counting desk makes other batches than the ledger does")
    if real.refused:
        sys.exit(f"the ledger refused {real.refused}: {sorted(set(desk.refusals))}")
    return Lived(real.taken, 1e3 * desk.cpu_s / max(1, real.taken), kept_mib, seconds)


def _shape(batch: Batch) -> tuple[int, int, int]:
    return batch.proofs, len(batch.wishes), batch.ops


def _busiest(wished: list[Wish], hours: int) -> list[Wish]:
    """The wishes of the busiest so many hours, from time 0 on, but those that need earlier ones."""
    if hours >= 24:
        return wished
    first = max(
        range(25 - hours),
        key=lambda hour: sum(hour <= one.at_s // 3_600 < hour + hours for one in wished),
    )
    begin, end = first * 3_600, (first + hours) * 3_600
    ended: set[tuple[int, int]] = set()
    found = []
    for one in wished:
        if not begin <= one.at_s < end:
            continue
        if one.kind in (Kind.CLOSE, Kind.START_CLOSE):
            ended.add((one.a, one.b))
        if one.kind in (Kind.OPEN, Kind.CLAIM) and (one.a, one.b) not in ended:
            continue
        found.append(replace(one, at_s=one.at_s - begin))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--homes", type=int, default=REAL_HOMES)
    parser.add_argument("--hours", type=int, default=24)
    parser.add_argument("--real-hours", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", help="of an empty PostgreSQL database instead of SQLite")
    given = parser.parse_args()
    compiled.install()
    begun = perf_counter()
    gas, proof = Gas.load(), proof_seconds()
    print(f"Assumed ({given.hours} hours, seed {given.seed}):")
    for line in Rates().lines():
        print(f"- {line}")
    print(
        f"- L1 puts a batch into the next block of {BLOCK_S} s, {FINAL_EPOCHS} epochs of "
        f"{EPOCH_S} s make it final, and the tip is {TIP_GWEI:g} gwei"
    )
    print(f"Measured:\n- a proof takes {proof.value:.2f} s ({proof.source})")
    print(
        "- gas: contracts/snapshots/gas.json, measured by tests/contracts/test_gas.py; of proofs "
        "full of data, so a little too much where slots stay empty"
    )
    sizes = sorted({*SIZES, given.homes})
    results: list[Result] = []
    seconds_of_given = 0.0
    for homes in sizes:
        at = perf_counter()
        results += simulate(homes, given.hours, given.seed, proof.value, gas)
        if homes == given.homes:
            seconds_of_given = perf_counter() - at
    lived = lived_by_the_ledger(
        given.homes, given.real_hours, given.seed, proof.value, given.database
    )
    seconds_of_given += lived.seconds
    database = "the given database" if given.database else "SQLite, full sync"
    print(
        f"- the real ledger lived the busiest {given.real_hours} of 24 hours of {given.homes:,} "
        f"homes ({lived.transactions:,} transactions, {database}), and the counting desk made the "
        f"same batches: {lived.cpu_ms:.1f} ms of processor a transaction, all told (this run)\n"
    )
    print_table(results, gas)
    print_limits(results, lived, proof, given.homes)
    emit(results, lived, seconds_of_given, given.homes)
    print(f"{perf_counter() - begun:.0f} s in all")


def print_table(results: list[Result], gas: Gas) -> None:
    """A row a size and policy, as Markdown."""
    prices = "".join(f" ether at {price:g} gwei |" for price in PRICES_GWEI)
    print(
        "| homes | L1 | transactions | batches | proofs | transactions a proof | provers (busiest "
        f"hour of one) | gas, millions | gas a transaction |{prices} homes' own gas, millions | "
        "proved, median / p99 | on L1 | final |"
    )
    print("|" + " --- |" * (13 + len(PRICES_GWEI)))
    for one in results:
        day = one.day
        money = " | ".join(f"{ether(one.gas, price):.3f}" for price in PRICES_GWEI)
        print(
            f"| {one.homes:,} | {one.policy} | {day.taken:,} + {day.ops:,} ops "
            f"| {len(day.batches):,} | {day.proofs:,} | {day.taken / day.proofs:.2f} "
            f"| {one.provers} ({one.busiest:.0%}) | {one.gas / 1e6:.0f} "
            f"| {one.gas / day.taken:,.0f} | {money} | {gas.homes(day) / 1e6:.0f} "
            f"| {_times(day.proved_s)} | {_times(day.on_l1_s)} | {_times(day.final_s)} |"
        )


def _times(seconds: list[float]) -> str:
    middle, late = np.percentile(seconds, [50, 99])
    return f"{middle:,.0f} / {late:,.0f} s"


def print_limits(results: list[Result], lived: Lived, proof: Measured, homes: int) -> None:
    """Where each part of one machine ends, and what comes next."""
    print("\nWhere one machine ends:")
    for one in results:
        if one.policy != "cheap L1" or one.homes < homes:
            continue
        day, most = one.day, one.homes
        fits = int(most * BUSY_SHARE / one.busiest)
        a_day = day.taken / most
        print(
            f"- proofs, at the traffic of {most:,} homes: {day.taken / day.proofs:.2f} "
            f"transactions share a proof of {SHAPE.user_slots} slots, as few stand in one window; "
            f"one prover is busy for {BUSY_SHARE:.0%} of its busiest hour at about {fits:,} homes. "
            f"Then: a Dask cluster (`--prover tcp://...`), {one.provers} machine(s) here"
        )
        print(
            f"- L1 takes one batch a block: it was waited for {day.l1_busy_s / 864:.0f} % of the "
            "day. More proofs a batch (`proofs_per_batch`, up to 16 by the queue's slots) go on"
        )
        at_peak = a_day * max(BY_HOUR) / sum(BY_HOUR) / 3_600
        ledger = int(BUSY_SHARE / (at_peak * lived.cpu_ms / 1e3))
        print(
            f"- the ledger, one process: {lived.cpu_ms:.1f} ms a transaction (this run, at "
            f"{homes:,} homes) would end at about {ledger:,}, and sooner, as it copies the state "
            "at each seal"
        )
    print(
        f"- memory: {KEPT} recent states are kept for witnesses; at {homes:,} homes each takes "
        f"{lived.kept_mib:.1f} MiB (this run), {KEPT * lived.kept_mib / 1024:.2f} GiB in all, and "
        f"in proportion to the homes: {KEPT * lived.kept_mib / 1024 * SIZES[-1] / homes:.1f} GiB "
        f"at {SIZES[-1]:,}"
    )
    intake = figure("intake")
    print(
        "- requests: homes ask for states and witnesses; several API workers share them once the "
        "database is PostgreSQL and the bus is Redis (`database_url`, `redis_url`, `api_workers`)"
        + ("" if intake is None else f"; intake {intake.value:.0f}/s ({intake.source})")
    )
    node = figure("node payments per second")
    payments = homes * PAYMENTS_A_HOME
    print(
        f"- payments are no business of the operator's: {homes:,} homes with {PAYMENTS_A_HOME} "
        f"vouchers a day (assumed) make {payments:,} a day, each between two nodes"
        + (
            "; what a node takes: not measured yet (`python -m benches.node_payments`)"
            if node is None
            else f"; a pair of nodes takes {node.value:.0f}/s ({node.source}), so a home's own "
            f"take {PAYMENTS_A_HOME / node.value:.1f} s of its day"
        )
    )


def emit(results: list[Result], lived: Lived, seconds: float, homes: int) -> None:
    """The figures."""
    found: list[Figure] = [
        figures.at_most(f"growth: {homes} homes for a day, simulated", seconds, 180, "s", COMMAND),
        figures.beside(
            f"growth: processor a transaction in the ledger, {homes} homes",
            lived.cpu_ms,
            "ms",
            COMMAND,
        ),
    ]
    for one in results:
        where = f"growth: {one.homes} homes, {one.policy}"
        day = one.day
        late = float(np.percentile(day.final_s, 99))
        for what, value, unit in (
            ("provers", float(one.provers), "machines"),
            ("busiest hour of one prover", 100 * one.busiest, "%"),
            ("gas a day", one.gas / 1e6, "million gas"),
            ("gas a transaction", one.gas / day.taken, "gas"),
            (f"a day at {PRICES_GWEI[0]:g} gwei", ether(one.gas, PRICES_GWEI[0]), "ether"),
            ("p99 until proved", float(np.percentile(day.proved_s, 99)), "s"),
            ("p99 until final", late, "s"),
        ):
            found.append(figures.beside(f"{where}: {what}", value, unit, COMMAND))
    figures.emit(found)


if __name__ == "__main__":
    main()
