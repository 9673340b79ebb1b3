"""`wattlane bill`: a home's month, and whether every line of it follows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wattlane.cli.completing import folders
from wattlane.cli.options import (
    DEFAULT_FOLDER,
    Archive,
    Beacon,
    BlobSequencer,
    Confirmations,
    Folder,
    checked_address,
    http_url,
)
from wattlane.home_folder import market_copy_in, meter_in

if TYPE_CHECKING:
    from wattlane.bill_on_l1 import OnL1

app = typer.Typer(
    no_args_is_help=True,
    help="A home's bill of a month: what it bought and sold, from the grid and to it, every fee, "
    "and what each line rests on: readings, rules, price, voucher, batch.",
)

Journal = Annotated[
    Path | None,
    typer.Option(
        "--journal",
        envvar="WATTLANE_JOURNAL",
        help="Your copy of the market's journal: its file or folder. Without it: market/ in the "
        "home's folder, where its agent keeps one.",
        autocompletion=folders,
    ),
]
Meters = Annotated[
    list[Path] | None,
    typer.Option(
        "--meter",
        envvar="WATTLANE_METER_FOLDER",
        help="Folder of your meter's records; may be repeated after a new meter. Without it: "
        "meter/ in the home's folder.",
        autocompletion=folders,
    ),
]
MonthOption = Annotated[
    str | None,
    typer.Option("--month", help="Such as 2026-06. Without it: the last month with a settlement."),
]
MaybeL1 = Annotated[
    str | None,
    typer.Option(
        "--l1",
        envvar="WATTLANE_L1",
        callback=http_url,
        help="URL of your own L1 node: then the bill names the batches that settled your channels.",
    ),
]
Contract = Annotated[
    str | None,
    typer.Option(
        "--contract",
        envvar="WATTLANE_CONTRACT",
        callback=checked_address,
        help="Address of the rollup contract on L1, with --l1.",
    ),
]


@app.command()
def show(
    folder: Folder = DEFAULT_FOLDER,
    journal: Journal = None,
    month: MonthOption = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Also write the bill's file, which `verify` takes."),
    ] = None,
    csv: Annotated[Path | None, typer.Option("--csv", help="Also write every line as CSV.")] = None,
    pdf: Annotated[
        Path | None, typer.Option("--pdf", help="Also write it as PDF (extra `pdf`).")
    ] = None,
    lines: Annotated[bool, typer.Option("--lines", help="Show every line too.")] = False,
    l1: MaybeL1 = None,
    contract: Contract = None,
    confirmations: Confirmations = None,
    archive: Archive = None,
    sequencer: BlobSequencer = None,
    beacon: Beacon = None,
) -> None:
    """Make the bill of a month from this home's own files, and show it.

    It is made from the node's books, the copy of the market's journal, which is computed again
    entry by entry, and with --l1 from L1's batches. Nobody is asked, and nothing in it is rounded.
    What the home would have paid without the community stands beside it, also where the community
    costs it more.
    """
    from energy.bills.bill_file import encode_bill
    from energy.bills.csv_file import bill_csv
    from energy.bills.month import parse_month
    from energy.bills.pdf_file import bill_pdf
    from energy.bills.shown import show_bill
    from wattlane.bill_view import bill_lines
    from wattlane.billing import home_bill
    from wattlane.cli.progress import shown_progress
    from wattlane.long_journal import make_haste

    chosen = parse_month(month) if month else None
    on_l1 = _on_l1(l1, contract, confirmations, archive, sequencer, beacon)
    with shown_progress() as progress:
        place = journal or market_copy_in(folder)
        make_haste(place)
        bill, copy = home_bill(folder, place, chosen, on_l1, progress)
        names = copy.history.names
        total = len(bill.lines)
        written = b""
        if pdf is not None:
            written = bill_pdf(bill, names, lambda done: progress("PDF", done, total))
    for line in bill_lines(show_bill(bill, names), lines):
        typer.echo(line)
    if copy.fault is not None:
        typer.echo(
            f"WARNING: entry {copy.fault.place} of the journal does not follow: {copy.fault.why}",
            err=True,
        )
    for file, content in (
        (out, encode_bill(bill) if out else b""),
        (csv, bill_csv(bill).encode() if csv else b""),
        (pdf, written),
    ):
        if file is not None:
            file.write_bytes(content)
            typer.echo(f"written to {file}", err=True)


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(help="A bill's file, as `show --out` writes it.")],
    folder: Folder = DEFAULT_FOLDER,
    journal: Journal = None,
    meter: Meters = None,
    l1: MaybeL1 = None,
    contract: Contract = None,
    confirmations: Confirmations = None,
    archive: Archive = None,
    sequencer: BlobSequencer = None,
    beacon: Beacon = None,
) -> None:
    """Recompute a bill from this home's own files, and name the first line that does not follow.

    Line by line: the meter's signed records show the energy; the journal, computed again, gives
    this settlement by the rules in force; your own order allows the price; and a voucher that its
    payer has signed promises the money. Sums, reckonings and the comparison come after the lines.
    With --l1 the batches that the bill names are checked as `wattlane verify-batch` does, proofs
    too (with py_arkworks; that command has a second library); without it the answer says that they
    are not. Exit status 1 if anything does not follow.
    """
    from wattlane.billing import follow_bill, read_bill
    from wattlane.cli.progress import shown_progress
    from wattlane.long_journal import make_haste

    bill = read_bill(file)
    on_l1 = _on_l1(l1, contract, confirmations, archive, sequencer, beacon)
    place = journal or market_copy_in(folder)
    meters = meter or [meter_in(folder)]
    make_haste(place)
    with shown_progress() as progress:
        followed = follow_bill(bill, folder, place, meters, on_l1, progress)
        checks, cited = 0, ""
        if on_l1 is not None:
            from wattlane.bill_on_l1 import check_batches, cited_batches

            cited = ", ".join(map(str, cited_batches(bill))) or "none"
            for checks, _ in enumerate(check_batches(bill, on_l1), start=1):
                progress("batches and their proofs", checks, checks + 1)
    typer.echo(f"all {followed.lines} lines follow: {bill.name}, {bill.month}")
    typer.echo(
        f"  {followed.readings} intervals by your meter's readings, {followed.settlements} "
        f"settlements computed again, {followed.vouchers} vouchers"
    )
    if followed.batches:
        typer.echo(f"  batches {cited}: {checks} checks on L1")
    elif bill.batches:
        typer.echo("  what it says of batches is NOT checked: give --l1 and --contract")
    else:
        typer.echo("  it names no batches; `wattlane bill show --l1` makes a bill that does")


@app.command()
def members(
    journal: Annotated[
        Path, typer.Argument(help="A copy of the market's journal: its file or folder.")
    ],
    month: MonthOption = None,
) -> None:
    """Show what the community is worth to each of its members in a month, losers included.

    The same readings at the grid's tariff, against all that was settled, fees and adjustments
    included.
    """
    from energy.bills.month import parse_month
    from wattlane.bill_view import member_lines
    from wattlane.cli.progress import shown_progress
    from wattlane.long_journal import make_haste

    chosen = parse_month(month) if month else None
    make_haste(journal)
    with shown_progress() as progress:
        found = member_lines(journal, chosen, progress)
    for line in found:
        typer.echo(line)


def _on_l1(
    l1: str | None,
    contract: str | None,
    confirmations: int | None,
    archive: Path | None,
    sequencer: str | None,
    beacon: str | None,
) -> OnL1 | None:
    from wattlane.errors import BadChoice

    if l1 is None:
        return None
    if contract is None:
        raise BadChoice("--l1 needs --contract, the address of the rollup contract")
    from contracts.blob_places import blob_sources
    from contracts.finality import FINALIZED, Finality
    from contracts.reader import RollupReader
    from protocol.crypto import compiled
    from wattlane.bill_on_l1 import read_l1

    blobs = blob_sources(l1, archive=archive, sequencer=sequencer, beacon=beacon)
    compiled.install()
    finality = FINALIZED if confirmations is None else Finality(confirmations)
    return read_l1(RollupReader(l1, contract, finality=finality, blobs=blobs))
