"""Registers that wrap, and that rise in steps: the market takes what the home has kept.

The home knows its registers from its meter.toml, the market from the community's file.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from energy.bills.bill import Group, Records, make_bill
from energy.bills.journal_records import read_records
from energy.bills.month import Month
from energy.bills.own_files import OwnReadings
from energy.community.community import Community
from energy.community.rules import Side
from energy.errors import ImplausibleReading, UnexplainedEpoch
from energy.meters.adapters.csv_file import CsvSource
from energy.meters.meter import meters_of
from energy.meters.recording import Recorder
from energy.meters.store import MeterStore
from tests.energy.market.street import METERS, Street, community_of, quarter
from tests.energy.meters.adapters.gathering import all_of

KWH_5_DIGITS = 10**8
BITS_32 = 1 << 32
HEADER = "time,meter,import_wh,export_wh,register_epoch,context"
"""Home 3 imports 900 Wh in each quarter; the rows begin at the street's START_MS."""
TIMES = ("2026-06-01T00:00:00+02:00", "2026-06-01T00:15:00+02:00", "2026-06-01T00:30:00+02:00")


def rows(register_wh: int) -> str:
    """A register that passes its last digit in the first quarter."""
    stood = (register_wh - 500, 400, 1_300)
    epochs = ("0,", "1,wrap", "1,")
    lines = [f"{time},3,{wh},0,{said}" for time, wh, said in zip(TIMES, stood, epochs, strict=True)]
    return "\n".join([HEADER, *lines]) + "\n"


def with_registers(register_wh: int, step_wh: int = 1) -> Community:
    """The street's community, which says how home 3's meter counts."""
    plain = community_of()
    *others, home = plain.members
    (key,) = home.meters
    stated = replace(key, register_wh=register_wh, step_wh=step_wh)
    return replace(plain, members=(*others, replace(home, meters=(stated,))))


async def begun(folder: Path, register_wh: int, said: Community) -> Street:
    """A street whose home 3 has recorded rows by its own settings; the market has `said`."""
    path = folder / "readings.csv"
    path.write_text(rows(register_wh), encoding="utf-8")
    (meter,) = meters_of(with_registers(register_wh).member(3)).values()
    with MeterStore(folder, meter.did) as store:
        samples = await all_of(CsvSource(path, "3"))
        kept = Recorder(store, METERS[3], meter).take(samples, quarter(3))
    made = Street(said)
    made.begin()
    made.readings[3] = list(kept)
    for home, side, limit in ((1, Side.SELL, 100_000), (3, Side.BUY, 250_000)):
        made.put(made.order(home, side, limit), quarter(0))
    return made


def show_all(made: Street) -> None:
    """The readings of two quarters, and what is due after each."""
    for number, record in enumerate(made.readings[3]):
        made.put(made.reading(1, quarter(number), 0, 1_000 * number), quarter(number))
        made.put(made.reading(2, quarter(number), 0, 0), quarter(number))
        made.put(record.encoded, quarter(number))
        made.make_due(quarter(number))


@pytest.mark.parametrize("register_wh", [KWH_5_DIGITS, BITS_32])
async def test_a_wrap_goes_from_the_source_to_the_bill(tmp_path: Path, register_wh: int) -> None:
    """A CSV's rows, the home's records, the market's settlements, the home's bill: 900 Wh each."""
    made = await begun(tmp_path, register_wh, with_registers(register_wh))
    show_all(made)
    rounds = list(made.market.periods.rounds.values())
    assert [one.clearing.traded_wh for one in rounds] == [900, 900]
    shown = [{m.home: m for m in one.chain[0].metered}[3] for one in rounds]
    assert [(one.import_wh, one.is_measured) for one in shown] == [(900, True)] * 2
    own, home = OwnReadings([made.readings[3]]), made.community.member(3)
    assert [own.fault(one, [home]) for one in shown] == ["", ""]
    copy = read_records(made.entries)
    assert copy.fault is None
    records = Records(copy.history, copy.head, copy.settled, copy.clearings)
    bill = make_bill(records, 3, Month(2026, 6))
    assert bill.sums[Group.BOUGHT].energy_wh == 1_800


@pytest.mark.parametrize(
    ("register_wh", "refusal"),
    [(KWH_5_DIGITS, ImplausibleReading), (BITS_32, UnexplainedEpoch)],
)
async def test_a_wrap_of_a_register_that_nobody_has_stated_is_refused(
    tmp_path: Path, register_wh: int, refusal: type[Exception]
) -> None:
    made = await begun(tmp_path, register_wh, community_of())
    with pytest.raises(refusal):
        show_all(made)


def test_a_register_that_rises_in_steps_may_jump_by_one() -> None:
    """10 kW carry 27 Wh in ten seconds; a step is 100 Wh, and two at once are refused."""
    later_ms = quarter(0) + 10_000
    for said, rises_wh, is_taken in (
        (with_registers(10**9, step_wh=100), 100, True),
        (with_registers(10**9, step_wh=100), 200, False),
        (community_of(), 100, False),
    ):
        made = Street(said)
        made.begin()
        made.put(made.reading(3, quarter(0), 0, 0), quarter(0))
        record = made.reading(3, later_ms, rises_wh, 0)
        if is_taken:
            made.put(record, later_ms)
        else:
            with pytest.raises(ImplausibleReading):
                made.put(record, later_ms)
