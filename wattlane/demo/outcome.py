"""What the demo reports, each figure from where it is authoritative: L1, files, the journal."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence

from contracts.transactions import find_receipt
from energy.meters.reading import TYPE as READING
from energy.settlement.flows import FlowKind
from protocol.data import unpack
from protocol.transactions import TxType
from sequencer.settings import Settings
from wattlane.demo.books import History, payments
from wattlane.demo.l1 import DemoL1
from wattlane.demo.market import Told
from wattlane.demo.plan import Plan
from wattlane.demo.report import BatchReport, BillReport, MarketReport, PairReport
from wattlane.demo.site import Site
from wattlane.l1_record import L1Record
from wattlane.program import program
from wattlane.progress import Bars
from wattlane.sequencer_view import BatchRow


def verify_batches(site: Site, rollup: Settings, bars: Bars) -> bool:
    """`wattlane verify-batch all` in a fresh process that knows URL and contract alone."""
    log = site.logs / "verify-batch.log"
    command = program("verify-batch", "all")
    command += ["--contract", rollup.contract]
    if rollup.archive_folder is not None:
        command += ["--archive", str(rollup.archive_folder)]
    started = time.monotonic()
    with log.open("wb") as output:
        done = subprocess.run(
            command,
            env={**os.environ, "WATTLANE_L1": rollup.l1_url},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    bars.done("verify-batch, with nothing but L1", time.monotonic() - started)
    bars.console.print(f"    {lines[-1] if lines else 'it said nothing'}", soft_wrap=True)
    return done.returncode == 0


def pair_reports(past: History, names: Mapping[int, str]) -> tuple[PairReport, ...]:
    """Who paid whom, as L1 settled it."""
    totals = sorted(payments(past.settlements).items())
    return tuple(
        PairReport(names[payer], names[payee], energy_wh, paid_ntok)
        for (payer, payee), (energy_wh, paid_ntok) in totals
    )


def batch_reports(
    record: L1Record, l1: DemoL1, rows: Sequence[BatchRow]
) -> tuple[BatchReport, ...]:
    """From L1; only the prover's own figures come from the sequencer."""
    shape, told = record.settings.shape, {row.number: row for row in rows}
    reports = []
    for batch in record.batches:
        submission, count = batch.submission, len(batch.submission.proofs)
        used = sum(
            unpack(element).type != TxType.NOOP
            for statement in batch.statements(shape, record.settings.domain)
            for element in statement.data[1:]
        )
        receipt = find_receipt(l1.rpc, batch.transaction_hash)
        row = told.get(batch.number)
        reports.append(
            BatchReport(
                number=batch.number,
                proofs=count,
                transactions=used + len(submission.ops),
                slots=count * (shape.user_slots + shape.queue_slots),
                constraints=row.constraints if row else 0,
                prove_seconds=round(row.prove_seconds, 2) if row else 0.0,
                gas_used=receipt.gas_used if receipt else 0,
                calldata_bytes=len(submission.calldata()),
                new_root=f"{submission.new_root:#066x}",
            )
        )
    return tuple(reports)


def market_report(plan: Plan, told: Told, bills: Sequence[BillReport]) -> MarketReport:
    """The market's figures, from its journal computed again."""
    flows = [flow for one in told.settled for flow in one.flows if flow.kind is FlowKind.TRADE]
    prices = [flow.price_utok_per_kwh for flow in flows]
    return MarketReport(
        rule=plan.rules.clearing.value,
        orders=told.kinds["order"],
        readings=told.kinds[READING],
        cleared=told.kinds["clearing"],
        settled=told.kinds["settlement"],
        traded_wh=told.traded_wh,
        lowest_price=min(prices, default=0),
        highest_price=max(prices, default=0),
        entries=told.kinds.total(),
        bills=tuple(bills),
    )
