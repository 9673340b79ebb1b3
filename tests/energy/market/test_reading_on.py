"""Who reads another's journal stops at the first entry that breaks anything, and says where."""

from __future__ import annotations

from pathlib import Path

import pytest

from energy.bills.journal_records import read_records
from energy.errors import AnotherRollup, DoesNotFollow, EntryDoesNotFollow, JournalBroken
from energy.market.follower import Follower
from energy.market.journal import read_journal
from energy.market.reading_on import followed
from energy.meters.reading import Reading
from tests.energy.market.journals import entry
from tests.energy.market.served import Served
from tests.energy.market.street import Street, quarter


async def test_a_document_that_nobody_foresaw_is_named_kept_and_fells_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = Served(tmp_path / "market")
    await served.begin()
    place = (await served.client.submit(served.street.reading(1, quarter(0), 0, 0))).seq

    def fails(_document: bytes) -> Reading:
        raise RecursionError("a check with a hole")

    monkeypatch.setattr("energy.market.market.decode_reading", fails)
    reason = rf"entry {place} of the .* \(RecursionError: a check with a hole\)"
    follower = await Follower.open(served.client, tmp_path / "copy")
    for _ in range(2):
        with pytest.raises(EntryDoesNotFollow, match=reason):
            await follower.catch_up()
    follower.close()
    with pytest.raises(EntryDoesNotFollow, match=reason):  # it was kept, as the proof
        await Follower.open(served.client, tmp_path / "copy")
    _, kept = read_journal(tmp_path / "copy")
    fault = read_records(kept).fault
    assert fault is not None
    assert fault.place == place
    served.service.close()


def test_a_check_that_says_no_is_named_in_its_own_words() -> None:
    found = entry(None, b"x", 1)

    def says_no(_entry: object) -> None:
        raise DoesNotFollow("the clearing", 5, "it was not due yet")

    with pytest.raises(EntryDoesNotFollow, match=r"entry 1 .*: the clearing .* not due") as caught:
        followed(found, says_no)
    assert isinstance(caught.value.__cause__, DoesNotFollow)
    assert not issubclass(EntryDoesNotFollow, JournalBroken)


def test_a_journal_of_another_rollup_is_said_to_be_one() -> None:
    street = Street()
    street.begin()
    with pytest.raises(AnotherRollup):
        read_records(street.entries, domain=street.community.domain + 1)
