"""demo-report.json: exactly these fields, integers as integers, nothing estimated.

`pairs`: `from` is the buyer, who paid `to`, the seller. Energy and money settled are read from L1:
what the lanes of closed channels carried. `energy_matched_wh`: what the market settled between
neighbours. `slots` of a batch counts queue and user slots of all its proofs. `market`: from the
market's journal, computed again, and from the homes' bills.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from wattlane.errors import BadChoice


@dataclass(frozen=True, slots=True)
class PairReport:
    """All that one home paid another over the day."""

    payer: str
    payee: str
    energy_wh: int
    money_ntok: int


@dataclass(frozen=True, slots=True)
class LatencyReport:
    """Milliseconds from the call that signs a voucher to its durable acknowledgement."""

    p50: float
    p99: float
    max: float


@dataclass(frozen=True, slots=True)
class BatchReport:
    """One batch that L1 accepted. `transactions`: user transactions and queue ops in it; `slots`
    and `prove_seconds` are those of all its proofs, `constraints` are those of one."""

    number: int
    proofs: int
    transactions: int
    slots: int
    constraints: int
    prove_seconds: float
    gas_used: int
    calldata_bytes: int
    new_root: str


@dataclass(frozen=True, slots=True)
class SecondsReport:
    """Where the time went. `total` runs from the start of the installation."""

    install: float
    compile: float
    setup: float
    replay: float
    total: float


@dataclass(frozen=True, slots=True)
class ConservationReport:
    """All money in ntok, each from its own book; `equal`: the books add up to L1's balance."""

    accounts: int
    channels: int
    pending: int
    unprocessed_deposits: int
    l1_balance: int

    @property
    def equal(self) -> bool:
        """Invariant C1 with equality."""
        owed = self.accounts + self.channels + self.pending + self.unprocessed_deposits
        return owed == self.l1_balance


@dataclass(frozen=True, slots=True)
class BillReport:
    """What a home's bill adds up to. `cost_ntok`: with all that the grid takes and pays, below 0
    where the home earns; `without_ntok`: what the same readings cost without neighbours.
    `follows`: whether `wattlane bill verify` found that every line does.
    """

    home: str
    lines: int
    bought_wh: int
    sold_wh: int
    from_grid_wh: int
    to_grid_wh: int
    cost_ntok: int
    without_ntok: int
    follows: bool


@dataclass(frozen=True, slots=True)
class MarketReport:
    """The day's market. `readings`: signed records that the market was shown; prices in utok per
    kWh, of intervals in which neighbours traded; `entries`: of its journal.
    """

    rule: str
    orders: int
    readings: int
    cleared: int
    settled: int
    traded_wh: int
    lowest_price: int
    highest_price: int
    entries: int
    bills: tuple[BillReport, ...]

    def to_json(self) -> dict[str, object]:
        """Its part of the report."""
        return {
            "rule": self.rule,
            "orders": self.orders,
            "readings": self.readings,
            "cleared": self.cleared,
            "settled": self.settled,
            "traded_wh": self.traded_wh,
            "lowest_price": self.lowest_price,
            "highest_price": self.highest_price,
            "entries": self.entries,
            "bills": [
                {
                    "home": bill.home,
                    "lines": bill.lines,
                    "bought_wh": bill.bought_wh,
                    "sold_wh": bill.sold_wh,
                    "from_grid_wh": bill.from_grid_wh,
                    "to_grid_wh": bill.to_grid_wh,
                    "cost_ntok": bill.cost_ntok,
                    "without_ntok": bill.without_ntok,
                    "follows": bill.follows,
                }
                for bill in self.bills
            ],
        }


@dataclass(frozen=True, slots=True)
class DemoReport:
    """The whole day."""

    homes: int
    intervals: int
    energy_matched_wh: int
    energy_settled_wh: int
    money_settled_ntok: int
    pairs: tuple[PairReport, ...]
    vouchers: int
    voucher_latency_ms: LatencyReport
    channels_opened: int
    channels_closed: int
    channels_force_closed: int
    batches: tuple[BatchReport, ...]
    seconds: SecondsReport
    conservation: ConservationReport
    market: MarketReport
    versions: dict[str, str]

    def to_json(self) -> dict[str, object]:
        """The report's JSON object."""
        latency, seconds, money = self.voucher_latency_ms, self.seconds, self.conservation
        return {
            "homes": self.homes,
            "intervals": self.intervals,
            "energy_matched_wh": self.energy_matched_wh,
            "energy_settled_wh": self.energy_settled_wh,
            "money_settled_ntok": self.money_settled_ntok,
            "pairs": [
                {
                    "from": pair.payer,
                    "to": pair.payee,
                    "energy_wh": pair.energy_wh,
                    "money_ntok": pair.money_ntok,
                }
                for pair in self.pairs
            ],
            "vouchers": self.vouchers,
            "voucher_latency_ms": {"p50": latency.p50, "p99": latency.p99, "max": latency.max},
            "channels_opened": self.channels_opened,
            "channels_closed": self.channels_closed,
            "channels_force_closed": self.channels_force_closed,
            "batches": [
                {
                    "number": batch.number,
                    "proofs": batch.proofs,
                    "transactions": batch.transactions,
                    "slots": batch.slots,
                    "constraints": batch.constraints,
                    "prove_seconds": batch.prove_seconds,
                    "gas_used": batch.gas_used,
                    "calldata_bytes": batch.calldata_bytes,
                    "new_root": batch.new_root,
                }
                for batch in self.batches
            ],
            "seconds": {
                "install": seconds.install,
                "compile": seconds.compile,
                "setup": seconds.setup,
                "replay": seconds.replay,
                "total": seconds.total,
            },
            "conservation": {
                "accounts": money.accounts,
                "channels": money.channels,
                "pending": money.pending,
                "unprocessed_deposits": money.unprocessed_deposits,
                "l1_balance": money.l1_balance,
                "equal": money.equal,
            },
            "market": self.market.to_json(),
            "versions": dict(sorted(self.versions.items())),
        }

    def write(self, path: Path) -> None:
        """Write the JSON file, whole or not at all. Raises BadChoice if that is not possible."""
        text = json.dumps(self.to_json(), indent=2) + "\n"
        draft = path.with_name(path.name + ".part")
        try:
            draft.write_text(text, encoding="utf-8")
            draft.replace(path)
        except OSError as error:
            raise BadChoice(f"cannot write the report to {path}: {error.strerror}") from error


def latency_of(milliseconds: Sequence[float]) -> LatencyReport:
    """Nearest-rank percentiles of at least one latency, rounded to a microsecond."""
    ordered = sorted(milliseconds)

    def rank(percent: int) -> float:
        return round(ordered[math.ceil(len(ordered) * percent / 100) - 1], 3)

    return LatencyReport(p50=rank(50), p99=rank(99), max=round(ordered[-1], 3))
