"""The month's bill on the household's page, made anew from its own files: nobody is asked."""

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


@dataclass(frozen=True, slots=True)
class BillPage:
    """A bill, or `why` there is none; the months beside it as YYYY-MM."""

    bill: ShownBill | None
    why: str
    month: str = ""
    before: str = ""
    after: str = ""
    fault: str = ""


def shown_bill(folder: Path, month: str | None) -> BillPage:
    """The bill of a month, or of the last one that has a settlement."""
    journal = market_copy_in(folder)
    if not journal.exists():
        return BillPage(
            None, "This home follows no market yet: wattlane market agent keeps a copy of one."
        )
    try:
        chosen = parse_month(month) if month else None
        bill, copy = home_bill(folder, journal, chosen)
    except (EnergyError, ChannelsError, WattlaneError, OSError) as error:
        return BillPage(None, str(error), month or "")
    shown = parse_month(str(bill.month))
    fault = "" if copy.fault is None else f"entry {copy.fault.place}: {copy.fault.why}"
    page = show_bill(bill, copy.history.names)
    return BillPage(page, "", str(shown), str(_before(shown)), str(shown.next), fault)


def _before(month: Month) -> Month:
    last = date.fromordinal(date(month.year, month.month, 1).toordinal() - 1)
    return Month(last.year, last.month)
