"""What the demo shows at its end: pairs, batches, conservation, and a bill for each home."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from wattlane.demo.report import DemoReport
from wattlane.money import show_energy, show_tokens


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    for place, column in enumerate(columns):
        table.add_column(column, justify="left" if place == 0 else "right", no_wrap=True)
    return table


def bills(report: DemoReport) -> Table:
    """Bought, sold, the whole cost, and what the neighbours were worth against the grid alone."""
    table = _table(
        "Bill of each home (kWh and tokens)",
        "home",
        "bought",
        "sold",
        "costs",
        "without",
        "gained",
        "lines",
        "follow",
    )
    table.caption = (
        "costs: with the grid's part, below 0 where the home earns; without: the same readings "
        "without neighbours"
    )
    table.caption_justify = "left"
    for bill in report.market.bills:
        table.add_row(
            bill.home,
            show_energy(bill.bought_wh),
            show_energy(bill.sold_wh),
            show_tokens(bill.cost_ntok, 4),
            show_tokens(bill.without_ntok, 4),
            show_tokens(bill.without_ntok - bill.cost_ntok, 4),
            str(bill.lines),
            "[green]yes[/]" if bill.follows else "[red]NO[/]",
        )
    return table


def pairs(report: DemoReport) -> Table:
    """Who paid whom."""
    table = _table("Settled between neighbours", "buyer", "seller", "kWh", "tokens")
    for pair in report.pairs:
        energy, money = show_energy(pair.energy_wh), show_tokens(pair.money_ntok, 4)
        table.add_row(pair.payer, pair.payee, energy, money)
    return table


def batches(report: DemoReport) -> Table:
    """Every batch with its proofs and its price on L1."""
    table = _table(
        "Batches accepted by L1", "no.", "proofs", "slots", "proof s", "gas", "calldata", "new root"
    )
    for one in report.batches:
        table.add_row(
            str(one.number),
            str(one.proofs),
            f"{one.transactions}/{one.slots}",
            f"{one.prove_seconds:.1f}",
            f"{one.gas_used:,}",
            f"{one.calldata_bytes:,}",
            one.new_root[:12] + "…",
        )
    if report.batches:
        table.caption = f"each proof: {report.batches[-1].constraints:,} constraints"
        table.caption_justify = "left"
    return table


def conservation(report: DemoReport) -> Table:
    """The books of invariant C1."""
    money = report.conservation
    table = _table("Where the money is (tokens)", "book", "amount", "read from")
    table.add_row("accounts", show_tokens(money.accounts), "state rebuilt from L1")
    table.add_row("channels", show_tokens(money.channels), "the nodes' files")
    table.add_row("pending withdrawals", show_tokens(money.pending), "L1 events")
    unprocessed = show_tokens(money.unprocessed_deposits)
    table.add_row("unprocessed deposits", unprocessed, "L1 queue")
    table.add_section()
    equal = "[green]equal[/]" if money.equal else "[red]NOT EQUAL[/]"
    table.add_row("held by the contract", show_tokens(money.l1_balance), f"the ERC-20: {equal}")
    return table


def show(console: Console, report: DemoReport) -> None:
    """All tables, and the day in four lines."""
    for table in (pairs(report), batches(report), conservation(report), bills(report)):
        console.print(table)
    used = sum(batch.transactions for batch in report.batches)
    slots = sum(batch.slots for batch in report.batches)
    latency, seconds, market = report.voucher_latency_ms, report.seconds, report.market
    console.print(
        f"Market: {market.readings:,} signed readings and {market.orders} orders, "
        f"{market.cleared} intervals cleared by {market.rule} at {market.lowest_price:,} to "
        f"{market.highest_price:,} utok per kWh, in a journal of {market.entries:,} entries."
    )
    console.print(
        f"{show_energy(report.energy_matched_wh)} kWh traded, "
        f"{show_energy(report.energy_settled_wh)} in closed lanes, by {report.vouchers} vouchers "
        f"(p50 {latency.p50:.1f} ms, p99 {latency.p99:.1f} ms, max {latency.max:.1f} ms); "
        f"{len(report.batches)} batches with {sum(one.proofs for one in report.batches)} proofs, "
        f"{used} of {slots} slots used ({100 * used // max(slots, 1)} %)."
    )
    console.print(
        f"Channels: {report.channels_opened} opened, {report.channels_closed} closed together, "
        f"{report.channels_force_closed} closed by force."
    )
    console.print(
        f"Seconds: install {seconds.install:.0f}, compile {seconds.compile:.0f}, key setup "
        f"{seconds.setup:.0f}, replay {seconds.replay:.0f}, in all {seconds.total:.0f}."
    )
