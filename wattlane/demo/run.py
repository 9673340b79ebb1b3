"""The whole demo, from an empty folder to a report; everything that it starts, it also stops."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack, ExitStack, closing
from dataclasses import dataclass

from rich.console import Console

from energy.community.community import Community
from energy.community.rules import Rules, Tariff
from prover.exit_key import exit_key
from sequencer.settings import Settings
from wattlane.demo import day, tables
from wattlane.demo.bills import bill_reports, make_bills
from wattlane.demo.books import conservation, history, payment_counts, promised
from wattlane.demo.day import Street
from wattlane.demo.homes import connect, start_node
from wattlane.demo.households import enter_households
from wattlane.demo.keepsake import keep_l1, show_commands
from wattlane.demo.l1 import open_l1
from wattlane.demo.market import meters_follow, read_market, start_market, write_community
from wattlane.demo.outcome import batch_reports, market_report, pair_reports, verify_batches
from wattlane.demo.plan import Plan, plan_day
from wattlane.demo.processes import Children
from wattlane.demo.proving_watch import shown_proofs
from wattlane.demo.replay import Day
from wattlane.demo.report import DemoReport, SecondsReport, latency_of
from wattlane.demo.rollup import (
    delete_database,
    deploy,
    open_community,
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
    show_market,
)
from wattlane.demo.site import open_site
from wattlane.demo.timeline import timeline
from wattlane.demo.verdict import Condition, Ends, MarketDay, judge
from wattlane.demo.versions import versions
from wattlane.demo.wishes import wishes
from wattlane.l1_record import read_record
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

    Raises WattlaneError, ChannelsError, EnergyError, L1Error, SequencerError, ProverError leaves.
    """
    started, installed = time.monotonic(), _install_seconds()
    plan = _plan(settings)
    _introduce(console, settings, plan)
    with ExitStack() as stack:
        site = stack.enter_context(open_site(settings.keep))
        bars = stack.enter_context(Bars(console))
        state = site.root / "l1" if settings.keep else None
        l1 = stack.enter_context(open_l1(settings.l1, console.print, keep_l1(state)))
        console.print(f"  L1: {l1.client} at {l1.url}")
        if plan.vanishing and not l1.can_move_time:
            plan = _plan(settings, can_disappear=False)
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
        own = open_community(site, l1, rollup)
        homes, later = settle_homes(plan, site, l1, rollup, slots, bars)
        sequencer, url = start_sequencer(site, children, settings.prover)
        view = stack.enter_context(SequencerView(url))
        shown = page_home(plan) if settings.page else None
        if shown is not None:
            show_explorer(console, url, settings.opens_page)
        for home in homes.values():
            arguments = _node_arguments(rollup, url, home.name, shown)
            start_node(home, site, children, rollup.l1_url, arguments)
        reader = reader_of(rollup)
        domain = reader.settings().domain
        community = write_community(plan, site, homes, own, domain)
        market, market_url = start_market(site, children, plan, own, community)
        if shown is not None:
            show_market(console, market_url)
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
            rollup.minimum_fee_ntok,
            slots,
            later,
        )
        traded = asyncio.run(_trade(street, shown, community, market_url))
        for home in homes.values():
            if home.name not in (plan.vanishing, shown) and home.child is not None:
                children.stop(home.child)
        if shown is None:
            children.stop(market)
            children.stop(sequencer)
            delete_database(site)
        verified = verify_batches(site, rollup, bars)
        record = read_record(reader)
        books = street.books()
        past = history(record)
        money = conservation(record, reader, books)
        told = read_market(site)
        bills = bill_reports(plan.homes, make_bills(plan, site, rollup, bars))
        conditions = judge(
            plan,
            {name: home.index for name, home in homes.items()},
            MarketDay(told.follows, meters_follow(site, plan, community), told.settled),
            Ends(
                past,
                promised(books),
                money,
                (len(traded.day.latencies_ms), *payment_counts(books)),
                plan.vanishing,
                traded.balanced_while_open,
                traded.withdrawing,
                verified,
            ),
            bills,
        )
        names = {home.index: name for name, home in homes.items()}
        report = DemoReport(
            homes=len(plan.homes),
            intervals=len(plan.timeline.intervals),
            energy_matched_wh=told.traded_wh,
            energy_settled_wh=sum(one.energy_wh for one in past.settlements),
            money_settled_ntok=sum(one.paid_ntok for one in past.settlements),
            pairs=pair_reports(past, names),
            vouchers=len(traded.day.latencies_ms),
            voucher_latency_ms=latency_of(traded.day.latencies_ms),
            channels_opened=past.opened,
            channels_closed=sum(1 for one in past.settlements if one.together),
            channels_force_closed=sum(1 for one in past.settlements if not one.together),
            batches=batch_reports(record, l1, traded.rows),
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
            market=market_report(plan, told, bills),
            versions=versions(l1.client),
        )
        if settings.keep:
            token = record.settings.token
            keys = prover.verifying_key, exits
            show_commands(console, site, l1, rollup.contract, token, keys)
        report.write(settings.report)
        tables.show(console, report)
        held = _conclude(console, settings, conditions)
        if shown is not None:
            keep_serving(console, children, url, market_url, site, shown)
    return held


def _plan(settings: DemoSettings, *, can_disappear: bool = True) -> Plan:
    feed_in, retail = settings.feed_in_utok_per_kwh, settings.retail_utok_per_kwh
    line = timeline(settings.street, settings.zone)
    return plan_day(
        line,
        wishes(tuple(line.stands), feed_in, retail),
        Rules(1, line.times_ms[0], interval_ms=line.interval_ms),
        Tariff(line.times_ms[0], retail, feed_in),
        can_disappear=can_disappear,
    )


async def _trade(
    street: Street, shown: str | None, community: Community, market_url: str
) -> Traded:
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(shown_proofs(street.view, street.bars))
        await connect(list(street.homes.values()), street.site, stack)
        if shown is not None:
            show_homes(street.bars.console, street.site, street.homes, shown)
        street.households = await enter_households(
            street.plan, street.site, street.homes, community, market_url, stack
        )
        await day.open_channels(street)
        done = await day.run_day(street)
        balanced = await day.books_balance(street)
        await day.close_together(street)
        if street.plan.vanishing is not None:
            await day.withdraw(street)
            await day.let_the_window_pass(street)
        await day.withdraw(street)
        await day.collect(street)
        rows = await asyncio.to_thread(street.view.batches)
    return Traded(done, balanced, rows, len(street.withdrawn_ntok))


def _introduce(console: Console, settings: DemoSettings, plan: Plan) -> None:
    console.print(f"[bold]A street trades on its own market: {settings.title}[/]")
    minutes = plan.timeline.interval_ms // 60_000
    console.print(
        f"  {len(plan.timeline.intervals)} intervals of {minutes} minutes, "
        f"{len(plan.timeline.times_ms)} readings of each of {len(plan.homes)} meters, "
        f"{plan.matched_wh:,} Wh to trade at the homes' own limits (grid: pays "
        f"{settings.feed_in_utok_per_kwh:,}, takes {settings.retail_utok_per_kwh:,} utok per kWh)"
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
