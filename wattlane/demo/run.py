"""The whole demo, from an empty folder to a report; everything that it starts, it also stops."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack, ExitStack, closing
from dataclasses import dataclass

from rich.console import Console

from contracts.transactions import find_receipt
from protocol.data import unpack
from protocol.transactions import TxType
from prover.exit_key import exit_key
from sequencer.settings import Settings
from wattlane.demo import day, tables
from wattlane.demo.books import History, conservation, history, payments, promised
from wattlane.demo.day import Street
from wattlane.demo.homes import connect, start_node
from wattlane.demo.keepsake import keep_l1, show_commands
from wattlane.demo.l1 import DemoL1, open_l1
from wattlane.demo.plan import Plan, plan_day
from wattlane.demo.processes import Children
from wattlane.demo.proving_watch import shown_proofs
from wattlane.demo.replay import Day
from wattlane.demo.report import BatchReport, DemoReport, PairReport, SecondsReport, latency_of
from wattlane.demo.rollup import (
    delete_database,
    deploy,
    reader_of,
    settle_homes,
    start_sequencer,
)
from wattlane.demo.settings import DemoSettings
from wattlane.demo.showing import (
    NODE_OPTIONS,
    PAGE_OPTIONS,
    keep_serving,
    page_home,
    show_explorer,
    show_homes,
)
from wattlane.demo.site import Site, open_site
from wattlane.demo.verdict import Condition, judge
from wattlane.demo.versions import versions
from wattlane.l1_record import L1Record, read_record
from wattlane.matching import midpoint_price
from wattlane.progress import Bars, StageProgress
from wattlane.proving import open_prover
from wattlane.sequencer_view import BatchRow, SequencerView

INSTALL_SECONDS = "WATTLANE_INSTALL_SECONDS"
COMPILING = "compiling kernels"


@dataclass(frozen=True, slots=True)
class Traded:
    """What the processes did, before they were stopped."""

    day: Day
    balanced_while_open: bool
    rows: tuple[BatchRow, ...]
    withdrawing: int


def run_demo(settings: DemoSettings, console: Console) -> bool:
    """Run it and write the report; whether all conditions held.

    Raises WattlaneError, ChannelsError, L1Error, SequencerError, ProverError leaves.
    """
    started, installed = time.monotonic(), _install_seconds()
    price = midpoint_price(settings.feed_in_utok_per_kwh, settings.retail_utok_per_kwh)
    plan = plan_day(settings.street, price)
    _introduce(console, settings, plan)
    with ExitStack() as stack:
        site = stack.enter_context(open_site(settings.keep))
        bars = stack.enter_context(Bars(console))
        state = site.root / "l1" if settings.keep else None
        l1 = stack.enter_context(open_l1(settings.l1, console.print, keep_l1(state)))
        console.print(f"  L1: {l1.client} at {l1.url}")
        if plan.vanishing and not l1.can_move_time:
            console.print(
                "  [yellow]its time cannot be moved: no home disappears, no forced close[/]"
            )
        stages = StageProgress(bars)
        prover = stack.enter_context(closing(open_prover(stages, scheduler=settings.prover)))
        exits = exit_key(progress=stages).verifying_key
        stages.close()
        children = stack.enter_context(Children(site.logs))
        confirmations = 0 if l1.can_move_time else None
        rollup = deploy(site, l1, prover, lambda: exits, confirmations, settings.data_mode)
        slots = prover.shape.queue_slots
        homes, later = settle_homes(plan, site, l1, rollup, slots, bars)
        sequencer, url = start_sequencer(site, children, settings.prover)
        view = stack.enter_context(SequencerView(url))
        shown = page_home(plan) if settings.page else None
        if shown is not None:
            show_explorer(console, url, settings.opens_page)
        for home in homes.values():
            arguments = _node_arguments(rollup, url, home.name, shown)
            start_node(home, site, children, rollup.l1_url, arguments)
        fee = rollup.minimum_fee_ntok
        reader = reader_of(rollup)
        street = Street(
            plan,
            homes,
            site,
            l1,
            reader,
            view,
            children,
            bars,
            settings.window_s,
            fee,
            slots,
            later,
        )
        traded = asyncio.run(_trade(street, shown))
        for home in homes.values():
            if home.name not in (street.vanishing, shown) and home.child is not None:
                children.stop(home.child)
        if shown is None:
            children.stop(sequencer)
            delete_database(site)
        verified = _verify(site, rollup, bars)
        record = read_record(reader)
        books = street.books()
        past = history(record)
        money = conservation(record, reader, books)
        conditions = judge(
            plan,
            {name: home.index for name, home in homes.items()},
            past,
            promised(books),
            money,
            vouchers=len(traded.day.latencies_ms),
            vanished=street.vanishing,
            balanced_while_open=traded.balanced_while_open,
            withdrawn=traded.withdrawing,
            verified=verified,
        )
        names = {home.index: name for name, home in homes.items()}
        report = DemoReport(
            homes=len(plan.homes),
            intervals=len(plan.intervals),
            energy_matched_wh=plan.matched_wh,
            energy_settled_wh=sum(one.energy_wh for one in past.settlements),
            money_settled_ntok=sum(one.paid_ntok for one in past.settlements),
            pairs=_pairs(past, names),
            vouchers=len(traded.day.latencies_ms),
            voucher_latency_ms=latency_of(traded.day.latencies_ms),
            channels_opened=past.opened,
            channels_closed=sum(1 for one in past.settlements if one.together),
            channels_force_closed=sum(1 for one in past.settlements if not one.together),
            batches=_batches(record, l1, traded.rows),
            seconds=SecondsReport(
                install=installed,
                compile=round(stages.seconds.get(COMPILING, 0.0), 1),
                setup=round(
                    sum(took for stage, took in stages.seconds.items() if stage != COMPILING), 1
                ),
                replay=round(traded.day.seconds, 1),
                total=round(installed + time.monotonic() - started, 1),
            ),
            conservation=money,
            versions=versions(l1.client),
        )
        if settings.keep:
            token = record.settings.token
            show_commands(console, site, l1, rollup.contract, token, prover.verifying_key)
        report.write(settings.report)
        feed_in, retail = settings.feed_in_utok_per_kwh, settings.retail_utok_per_kwh
        tables.show(console, plan, report, feed_in, retail)
        held = _conclude(console, settings, conditions)
        if shown is not None:
            keep_serving(console, children, url, site, shown)
    return held


async def _trade(street: Street, shown: str | None) -> Traded:
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(shown_proofs(street.view, street.bars))
        await connect(list(street.homes.values()), street.site, stack)
        if shown is not None:
            show_homes(street.bars.console, street.site, street.homes, shown)
        await day.open_channels(street)
        done = await day.run_day(street)
        balanced = await day.books_balance(street)
        await day.close_together(street)
        if street.vanishing is not None:
            await day.withdraw(street)
            await day.let_the_window_pass(street)
        await day.withdraw(street)
        await day.collect(street)
        rows = await asyncio.to_thread(street.view.batches)
    return Traded(done, balanced, rows, len(street.withdrawn_ntok))


def _introduce(console: Console, settings: DemoSettings, plan: Plan) -> None:
    console.print(f"[bold]A street trades: {settings.title}[/]")
    console.print(
        f"  {len(plan.intervals)} intervals, {plan.matched_wh:,} Wh to trade between "
        f"{len(plan.homes)} homes at {plan.price_utok_per_kwh:,} utok per kWh (grid: pays "
        f"{settings.feed_in_utok_per_kwh:,}, takes {settings.retail_utok_per_kwh:,})"
    )


def _node_arguments(
    rollup: Settings, sequencer_url: str, home: str, shown: str | None
) -> list[str]:
    arguments = ["--contract", rollup.contract, "--sequencer", sequencer_url]
    if rollup.confirmations is not None:
        arguments += ["--confirmations", str(rollup.confirmations)]
    if shown is not None:
        arguments += [*NODE_OPTIONS, *(PAGE_OPTIONS if home == shown else ())]
    return arguments


def _verify(site: Site, rollup: Settings, bars: Bars) -> bool:
    """`wattlane verify-batch all` in a fresh process that knows URL and contract alone."""
    log = site.logs / "verify-batch.log"
    command = [sys.executable, "-m", "wattlane", "verify-batch", "all"]
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


def _pairs(past: History, names: dict[int, str]) -> tuple[PairReport, ...]:
    totals = sorted(payments(past.settlements).items())
    return tuple(
        PairReport(names[payer], names[payee], energy_wh, paid_ntok)
        for (payer, payee), (energy_wh, paid_ntok) in totals
    )


def _batches(record: L1Record, l1: DemoL1, rows: Sequence[BatchRow]) -> tuple[BatchReport, ...]:
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


def _conclude(console: Console, settings: DemoSettings, conditions: Sequence[Condition]) -> bool:
    for condition in conditions:
        mark = "[green]✓[/]" if condition.holds else "[red]✗ DOES NOT HOLD:[/]"
        console.print(f"  {mark} {condition.name}")
    console.print(f"Report: {settings.report}")
    return all(condition.holds for condition in conditions)


def _install_seconds() -> float:
    try:
        return float(os.environ.get(INSTALL_SECONDS, "0"))
    except ValueError:
        return 0.0
