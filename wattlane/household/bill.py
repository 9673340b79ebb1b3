"""The month's bill on the household's page, made anew from its own files and what L1 has."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from channels.errors import ChannelsError
from energy.bills.month import Month, parse_month
from energy.bills.shown import ShownBill, show_bill
from energy.errors import EnergyError
from wattlane.billing import home_bill
from wattlane.errors import WattlaneError
from wattlane.home_folder import market_copy_in
from wattlane.household.batches import Seen


@dataclass(frozen=True, slots=True)
class BillPage:
    """A bill, or `why` there is none; the months beside it as YYYY-MM.

    `explorer`: the URL before the number of a batch. `without_l1`: why its batches are not, or not
    all, named.
    """

    bill: ShownBill | None
    why: str
    month: str = ""
    before: str = ""
    after: str = ""
    fault: str = ""
    explorer: str = ""
    without_l1: str = ""


def follows_market(folder: Path) -> bool:
    """Whether there is a journal to make a bill from."""
    return market_copy_in(folder).exists()


def shown_bill(folder: Path, month: str | None, seen: Seen, sequencer_url: str) -> BillPage:
    """The bill of a month, or of the last one that has a settlement. `seen`: on L1."""
    journal = market_copy_in(folder)
    if not follows_market(folder):
        return BillPage(
            None, "This home follows no market yet: wattlane market agent keeps a copy of one."
        )
    try:
        chosen = parse_month(month) if month else None
        bill, copy = home_bill(folder, journal, chosen, looked=seen.looked)
    except (EnergyError, ChannelsError, WattlaneError, OSError) as error:
        return BillPage(None, str(error), month or "")
    shown = parse_month(str(bill.month))
    fault = "" if copy.fault is None else f"entry {copy.fault.place}: {copy.fault.why}"
    page = show_bill(bill, copy.history.names)
    months = str(shown), str(_before(shown)), str(shown.next)
    explorer = f"{sequencer_url.rstrip('/')}/batches/"
    return BillPage(page, "", *months, fault, explorer, seen.why)


def _before(month: Month) -> Month:
    last = date.fromordinal(date(month.year, month.month, 1).toordinal() - 1)
    return Month(last.year, last.month)
