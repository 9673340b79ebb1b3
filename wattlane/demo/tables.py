"""What the demo shows at its end: pairs, batches, conservation, and a bill for each home."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from protocol.units import amount_ntok
from wattlane.demo.plan import Plan
from wattlane.demo.report import DemoReport
from wattlane.money import show_energy, show_tokens


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    for place, column in enumerate(columns):
        table.add_column(column, justify="left" if place == 0 else "right", no_wrap=True)
    return table


def bills(plan: Plan, report: DemoReport, feed_in: int, retail: int) -> Table:
    """Bought, sold, paid, earned, and what the neighbours were worth against the grid."""
    table = _table(
        "Bill of each home (kWh and tokens)",
        "home",
        "bought",
        "sold",
        "paid",
        "earned",
        "saved",
        "gained",
    )
    table.caption = (
        "saved: paid less than retail; gained: earned more than the grid's feed-in price"
    )
    table.caption_justify = "left"
    for home in plan.homes:
        bought = sum(pair.energy_wh for pair in report.pairs if pair.payer == home)
        sold = sum(pair.energy_wh for pair in report.pairs if pair.payee == home)
        paid = sum(pair.money_ntok for pair in report.pairs if pair.payer == home)
        earned = sum(pair.money_ntok for pair in report.pairs if pair.payee == home)
        table.add_row(
            home,
            show_energy(bought),
            show_energy(sold),
            show_tokens(paid, 4),
            show_tokens(earned, 4),
            show_tokens(amount_ntok(bought, retail) - paid, 4),
            show_tokens(earned - amount_ntok(sold, feed_in), 4),
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


def show(console: Console, plan: Plan, report: DemoReport, feed_in: int, retail: int) -> None:
    """All tables, and the day in three lines."""
    for table in (pairs(report), batches(report), conservation(report)):
        console.print(table)
    console.print(bills(plan, report, feed_in, retail))
    used = sum(batch.transactions for batch in report.batches)
    slots = sum(batch.slots for batch in report.batches)
    latency, seconds = report.voucher_latency_ms, report.seconds
    console.print(
        f"{show_energy(report.energy_settled_wh)} kWh settled of "
        f"{show_energy(report.energy_matched_wh)} matched, by {report.vouchers} vouchers "
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
