from __future__ import annotations

from collections.abc import Iterator

import pytest

from protocol.errors import OutOfRange
from sequencer.errors import NotFound
from sequencer.pages.overview import event_line
from sequencer.pages.reading import PageReader
from sequencer.pages.searching import search
from sequencer.views import Views
from tests.browser.street import FINAL, OPEN, PROVED, SOFT, TOKEN, Street
from tests.protocol.street import ANNA


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    street = Street(tmp_path_factory.mktemp("street") / "sequencer.db")
    yield street
    street.world.close()


@pytest.fixture(scope="module")
def reader(street: Street) -> PageReader:
    return PageReader(Views(street.world.ledger), "https://l1.example/")


def test_the_overview_has_a_root_for_each_level(reader: PageReader, street: Street) -> None:
    found = reader.overview({"status": "ok", "ailments": {}})
    assert [(one.mark.level, one.batch) for one in found.roots] == [
        ("soft", None),
        ("proved", PROVED),
        ("final", FINAL),
    ]
    assert len({one.root for one in found.roots}) == 3
    assert (found.homes, found.channels, found.settled_wh) == (6, 4, 16_950)
    assert found.is_well
    assert [one.number for one in found.batches] == [7, 6, 5, 4, 3, 2, 1]
    assert found.events[0].path == f"/transactions/{street.withdraw_id}"
    assert found.events[0].what == "executed"
    assert event_line(1, "accepted", "batch 3", 0.0).what == "accepted by L1"
    assert event_line(1, "accepted", street.withdraw_id, 0.0).what == "taken"
    assert event_line(1, "odd", "<b>", 0.0).path is None


def test_what_ails_is_said_in_words(reader: PageReader) -> None:
    ailing = {"status": "degraded", "ailments": {"l1": "L1Unreachable: no", "odd": "x"}}
    found = reader.overview(ailing)
    assert [one.what for one in found.ailments] == ["L1 does not answer", "odd"]
    assert not found.is_well


@pytest.mark.parametrize(
    ("number", "level", "on_l1"),
    [
        (FINAL, "final", True),
        (PROVED, "proved", False),
        (SOFT, "soft", False),
        (OPEN, "open", False),
    ],
)
def test_a_batch_is_marked_by_how_far_it_is(
    reader: PageReader, number: int, level: str, on_l1: bool
) -> None:
    found = reader.batch(number)
    assert (found.line.mark.level, found.on_l1) == (level, on_l1)
    assert [one.is_reached for one in found.ladder] == [
        level in reached
        for reached in (("soft", "proved", "final"), ("proved", "final"), ("final",))
    ]
    assert found.next == (None if number == OPEN else number + 1)


def test_a_batch_shows_gas_data_and_where_it_is_on_l1(reader: PageReader) -> None:
    found = reader.batch(FINAL)
    assert (found.line.gas, found.calldata_bytes, found.gas_a_transaction) == (
        300_000,
        3_000,
        150_000,
    )
    assert found.l1_link == f"https://l1.example/tx/{found.l1_tx}"
    assert all(one.hex for one in found.proofs)
    assert [one.told.kind for one in found.rows] == ["Transfer", "Close"]
    assert [one.told.kind for one in reader.batch(1).ops] == ["New account"] * 3
    assert PageReader(reader._views).batch(FINAL).l1_link is None


def test_batches_are_paged_from_the_newest(
    reader: PageReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sequencer.pages.batches.PAGE", 3)
    newest = reader.batches(None)
    assert ([one.number for one in newest.lines], newest.older, newest.newer) == (
        [7, 6, 5],
        5,
        None,
    )
    middle = reader.batches(5)
    assert ([one.number for one in middle.lines], middle.older, middle.newer) == ([4, 3, 2], 2, 8)
    last = reader.batches(2)
    assert ([one.number for one in last.lines], last.older, last.newer) == ([1], None, 5)
    assert reader.batches(0).lines == ()
    assert [one.number for one in reader.batches(10**9).lines] == [7, 6, 5]


def test_leaves_are_marked_by_the_level_that_has_them(reader: PageReader, street: Street) -> None:
    level = {index: reader.home(index).mark.level for index in range(6)}
    assert level == {0: "proved", 1: "soft", 2: "proved", 3: "soft", 4: "soft", 5: "final"}
    home = reader.home(0)
    assert [one.mark.level for one in home.levels] == ["final", "proved", "soft"]
    before, after = (one.account.balance_ntok for one in home.levels[:2] if one.account)
    assert before - after == 3 * TOKEN + 10
    assert home.locked_ntok == 23 * TOKEN
    (channel,) = home.channels
    assert (channel.status, channel.mark.level, channel.other(0)) == ("open", "proved", 3)
    slot = reader.slot_of(street.channel(1, 4))
    assert slot is not None
    closing = reader.channel(slot)
    assert (closing.status, closing.mark.level) == ("closing", "soft")
    assert closing.deadline > 0


def test_what_is_not_there_is_not_found(reader: PageReader) -> None:
    for read in (reader.home, reader.channel, reader.batch):
        with pytest.raises(NotFound):
            read(999)
    with pytest.raises(NotFound):
        reader.transaction("<b>")
    with pytest.raises(OutOfRange):
        reader.home(2**24)


def test_transactions_are_told_in_words(reader: PageReader, street: Street) -> None:
    close = reader.transaction(street.close_id)
    assert close.told.sentence == "homes 0 and 1 settle 16.950 kWh together"
    assert (close.slot, close.is_there, close.mark.level) == (0, False, "final")
    top_up = reader.transaction(street.top_up_id)
    assert (top_up.told.homes, top_up.is_there) == ((0, 3), True)
    kinds = {"withdraw_id": "Withdraw", "start_close_id": "Start close", "transfer_id": "Transfer"}
    for name, kind in kinds.items():
        assert reader.transaction(getattr(street, name)).told.kind == kind


def test_search_finds_by_number_id_address_and_root(reader: PageReader, street: Street) -> None:
    def paths(typed: str) -> list[str]:
        return [one.path for one in search(reader, typed).hits]

    assert paths("4") == ["/batches/4", "/homes/4", "/channels/4"]
    assert paths(" Home 5 ") == ["/batches/5", "/homes/5"]
    assert paths(street.close_id) == [f"/transactions/{street.close_id}"]
    assert paths(f"{ANNA.l1_address:#042x}".upper().replace("X", "x")) == ["/homes/0"]
    id_ = street.channel(3, 5)
    assert paths(hex(id_)) == paths(str(id_)) == [f"/channels/{reader.slot_of(id_)}"]
    batch = reader.batch(FINAL)
    assert batch.line.new_root is not None
    assert paths(f"{batch.line.new_root:#066x}") == [f"/batches/{FINAL}"]
    assert batch.l1_tx is not None
    assert paths(batch.l1_tx) == [f"/batches/{FINAL}"]
    for nothing in ("", "<script>alert(1)</script>", "0x", "9" * 39, "0x" + "f" * 64, "٣"):
        assert paths(nothing) == []
    assert len(search(reader, "<b>" * 1_000).text) == 128
