"""`wattlane market recompute`: believe nobody, and compute a journal again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def recompute(
    journal: Annotated[
        str,
        typer.Argument(
            metavar="FOLDER|URL",
            help="A copy of the journal (an agent keeps one in FOLDER/market), or the market's "
            "address.",
        ),
    ],
    keep: Annotated[
        Path | None,
        typer.Option("--keep", help="Folder in which a downloaded journal is kept, and continued."),
    ] = None,
) -> None:
    """Compute every clearing and settlement of a journal again, from what was signed alone.

    Each signature, each reading's place in its meter's chain, each trade and each amount follows
    from the entries before it, or the first that does not is named, with exit status 1. The last
    line is a hash over all clearings and settlements: neighbours who have the same one agree.
    """
    import asyncio
    import tempfile

    from wattlane.cli.progress import shown_progress
    from wattlane.community_source import is_url
    from wattlane.long_journal import make_haste
    from wattlane.market_check import download, from_folder
    from wattlane.money import show_energy

    with shown_progress() as progress, tempfile.TemporaryDirectory() as scratch:
        folder = Path(journal)
        if is_url(journal):
            folder = keep or Path(scratch)
            asyncio.run(
                download(journal, folder, lambda done, of: progress("download", done, max(of, 1)))
            )
        make_haste(folder)
        found = from_folder(folder, lambda done, of: progress("computing", done, of))
    rounds = found.market.periods.rounds
    typer.echo(f"signed by    0x{found.key.hex()}")
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(found.kinds.items()))
    typer.echo(f"entries      {found.market.seq}: {kinds}")
    typer.echo(f"intervals    {len(rounds)} cleared, {found.adjustments} adjustments")
    typer.echo(f"traded       {show_energy(found.traded_wh)} kWh")
    typer.echo(f"sums         {'zero in every interval' if not found.unbalanced_ntok else 'WRONG'}")
    typer.echo(f"state        0x{found.state.hex()}")
