"""`wattlane market community`: a file is checked, shown, and its changes are signed and counted."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import pytest
from httpx import ASGITransport
from typer.testing import CliRunner

from channels.wallet import Wallet
from energy.community.ballots import Outcome
from energy.community.community_file import load_community
from energy.community.document import community_digest
from energy.community.history import advanced, amended, founded, proposed, voted
from energy.errors import BadCommunityFile, MarketRefused
from energy.market.api import create_app
from energy.market.client import MarketClient
from energy.market.entries import BEGINNING, Entry, chain_of
from energy.market.journal import Journal
from energy.market.log_key import LogKey
from energy.market.service import MarketService, WallClock
from energy.meters.corrections import correct
from energy.meters.sample import Clock, Quality, Sample
from energy.meters.signing import MeterSigner, Salts
from energy.signed import check_signed, decode_signed
from wattlane import community_source
from wattlane.cli.community import app
from wattlane.errors import BadChoice

GERMANY = Path(__file__).parents[3] / "examples" / "communities" / "germany.toml"
DAY_MS = 86_400_000
NEW_RULES = """
[[rules]]
version = 2
valid_from = 2026-08-01
clearing = "uniform"
"""


@cache
def opened(folder: Path | str, _passphrase: str = "") -> Wallet:
    """The wallet of a folder, its keys made from the folder's name."""
    name = Path(folder).name
    return Wallet(Path(folder), hashlib.sha256(name.encode()).digest()[:16])


@pytest.fixture
def street(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The German example with the keys of the wallets `community`, `huber`, `yilmaz`, `schmidt`."""
    monkeypatch.setattr(Wallet, "load", opened)
    monkeypatch.setenv("WATTLANE_PASSPHRASE", "correct horse")
    text = GERMANY.read_text(encoding="utf-8")
    community = load_community(GERMANY)
    keys = [community.key_hash, *(one.key_hash for one in community.members)]
    for key_hash, name in zip(keys, ("community", "huber", "yilmaz", "schmidt"), strict=True):
        text = text.replace(f"{key_hash:#066x}", f"{opened(name).key_hash:#066x}")
    path = tmp_path / "street.toml"
    path.write_text(text, encoding="utf-8")
    return path


def wattlane(*arguments: str | Path) -> str:
    """What `wattlane market community` prints; what it raises is raised."""
    done = CliRunner().invoke(app, [*map(str, arguments)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_check_prints_the_hash_of_what_the_file_says(tmp_path: Path) -> None:
    name = community_digest(load_community(GERMANY)).hex()
    assert f"hash     0x{name}" in wattlane("check", GERMANY)
    other = tmp_path / "street.toml"
    other.write_text(GERMANY.read_text().replace("360_000", "361_000"))
    assert name not in wattlane("check", other)


def test_check_says_who_has_no_meter(tmp_path: Path) -> None:
    text = GERMANY.read_text()
    cut = text.index("[[members.meters]]")
    end = text.index("[[members]]", cut)
    path = tmp_path / "street.toml"
    path.write_text(text[:cut] + text[end:])
    assert "no meter Huber, no. 1: without verified readings they do not trade" in wattlane(
        "check", path
    )


def test_check_and_show_say_which_registers_are_not_the_usual_ones(tmp_path: Path) -> None:
    assert "meter    " not in wattlane("check", GERMANY)
    path = tmp_path / "street.toml"
    key = "valid_from = 2026-06-01\n\n[[members]]"
    stated = "valid_from = 2026-06-01\nregister_wh = 100_000_000\nstep_wh = 100\n\n[[members]]"
    path.write_text(GERMANY.read_text().replace(key, stated, 1))
    said = "its registers begin at 0 again at 100,000,000 Wh, they rise 100 Wh at once"
    assert f"meter    Huber, no. 1: {said}\n" in wattlane("check", path)
    assert f"BiyH, {said}\n" in wattlane("show", path)


def test_check_refuses_a_file_that_cannot_be_used(tmp_path: Path) -> None:
    path = tmp_path / "street.toml"
    path.write_text(GERMANY.read_text().replace('feeder = "transformer 7, line 2"', 'feeder = "x"'))
    with pytest.raises(BadCommunityFile, match="there is no feeder 'x'"):
        wattlane("check", path)


def test_show_marks_what_is_in_force() -> None:
    shown = wattlane("show", GERMANY, "--at", "2026-12-31T22:59Z")
    assert "tariff    from 2026-06-01 00:00 CEST  <- in force" in shown
    assert "tariff    from 2027-01-01 00:00 CET\n" in shown
    shown = wattlane("show", GERMANY, "--at", "2026-12-31T23:00Z")
    assert "tariff    from 2027-01-01 00:00 CET  <- in force" in shown
    assert "every 15 minutes: supply-demand, after the interval" in shown
    with pytest.raises(BadChoice, match="needs its offset"):
        wattlane("show", GERMANY, "--at", "2026-12-31T23:00")


def test_a_street_changes_its_rules_with_the_command_line_alone(
    street: Path, tmp_path: Path
) -> None:
    """Founded, amended, proposed, voted on by two of three homes, and counted from a journal."""
    at_ms = load_community(street).rules[0].valid_from_ms
    wattlane("found", street, "--folder", "community", "--out", tmp_path / "1")
    amended_file, proposed_file = tmp_path / "amended.toml", tmp_path / "proposed.toml"
    text = street.read_text(encoding="utf-8")
    text = text.replace("battery_wh = 10_000", "battery_wh = 15_000")
    amended_file.write_text(text, encoding="utf-8")
    wattlane("amend", street, amended_file, "--folder", "community", "--out", tmp_path / "2")
    proposed_file.write_text(text + NEW_RULES, encoding="utf-8")
    said = wattlane(
        *("propose", amended_file, proposed_file, "--reason", "one price for all"),
        *("--folder", "huber", "--out", tmp_path / "3"),
    )
    name = said.split("proposal 0x")[1][:64]
    assert "votes    one home one vote, open 7 days" in said
    for place, (home, way) in enumerate([("huber", "--for"), ("schmidt", "--for")], 4):
        proposal = f"0x{name}" if home == "huber" else tmp_path / "3"
        out = ("--folder", home, "--out", tmp_path / str(place))
        wattlane("vote", amended_file, proposal, way, *out)

    signed = [decode_signed((tmp_path / str(place)).read_bytes()) for place in range(1, 6)]
    history = amended(founded(signed[0], at_ms), signed[1], at_ms)
    history = proposed(history, signed[2], at_ms)
    for vote in signed[3:]:
        history = voted(history, vote, at_ms + 1)
    history = advanced(history, at_ms + 7 * DAY_MS)
    assert history.ballots[0].outcome is Outcome.ADOPTED
    assert history.latest.community.members[0].battery_wh == 15_000
    assert history.latest.community.rules[1].clearing.value == "uniform"

    key = LogKey.of_folder(tmp_path / "journal")
    journal, chain, entries = Journal(tmp_path / "journal", key.public), BEGINNING, []
    for seq in range(1, 6):
        document = (tmp_path / str(seq)).read_bytes()
        chain = chain_of(chain, seq, at_ms + seq, document)
        entries.append(Entry(seq, at_ms + seq, document, chain, key.sign(chain)))
    journal.append(entries)
    journal.close()
    shown = wattlane("votes", tmp_path / "journal")
    assert f"proposal 0x{name}" in shown
    assert "by Huber, no. 1 (account 1): one price for all" in shown
    assert "for      Schmidt, no. 3, first floor, 1" in shown
    assert "rules  from 2026-08-01 00:00 CEST, or once the delay is over" in shown
    assert "votes  2 for, 0 against, of 3" in shown
    assert "result adopted, in force from 2026-08-01 00:00 CEST" in shown


def test_what_is_no_proposal_is_not_signed(street: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    text = street.read_text(encoding="utf-8")
    propose = ("propose", street, other, "--reason", "-", "--folder", "huber", "--out", "x")

    def refused(new: str, match: str, *arguments: str | Path) -> None:
        other.write_text(new, encoding="utf-8")
        with pytest.raises(BadChoice, match=match):
            wattlane(*(arguments or propose))

    refused(text, "the files differ in: nothing")
    refused(text.replace("363", "362"), "the files differ in: carbon")
    refused(text.replace("adjust_days = 60", "adjust_days = 30"), "rules that there are stay")
    with_both = text.replace("open_days = 7", "open_days = 8") + NEW_RULES
    refused(with_both, "differ in: rules, voting|differ in: voting, rules")
    strangers = (*propose[:-3], "stranger", *propose[-2:])
    refused(text + NEW_RULES, "signs for no home of Sonnenstraße", *strangers)
    amend = ("amend", street, other, "--folder", "community", "--out", "x")
    refused(text, "nothing to amend", *amend)
    refused(text + NEW_RULES, "members vote on that", *amend)
    hubers = (*amend[:-3], "huber", *amend[-2:])
    refused(text.replace("363", "362"), "only the community's own account", *hubers)
    refused(text + NEW_RULES, "say where it shall go", *propose[:-2])


def test_nothing_is_overwritten_and_a_proposals_name_is_checked(
    street: Path, tmp_path: Path
) -> None:
    out = tmp_path / "1"
    wattlane("found", street, "--folder", "community", "--out", out)
    before = out.read_bytes()
    with pytest.raises(BadChoice, match="exists: give another name"):
        wattlane("found", street, "--folder", "community", "--out", out)
    assert out.read_bytes() == before
    for name, reason in (("0x12", "is no proposal's name"), ("nowhere", "No such file")):
        with pytest.raises(BadChoice, match=reason):
            wattlane("vote", street, name, "--for", "--folder", "huber", "--out", "x")
    with pytest.raises(BadChoice, match="no usable signed document"):
        wattlane("vote", street, street, "--for", "--folder", "huber", "--out", "x")


def test_the_same_goes_through_a_running_market(
    street: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Handed in, repeated, voted on; and the community comes back from it as a file."""
    now_ms = load_community(street).rules[0].valid_from_ms
    founds = community_digest(load_community(street))
    clock = WallClock(lambda: now_ms)
    service = MarketService.open(tmp_path / "market", clock, founds=founds)
    transport = ASGITransport(create_app(service))
    monkeypatch.setattr(
        community_source, "MarketClient", partial(MarketClient, attempts=1, transport=transport)
    )
    market = ("--market", "http://market")
    out = tmp_path / "founding"
    wattlane("found", street, "--folder", "community", *market, "--out", out)
    assert "taken    entry 1 of the market's journal, where it was before" in wattlane(
        "send", out, *market
    )
    new = tmp_path / "new.toml"
    new.write_text(street.read_text(encoding="utf-8") + NEW_RULES, encoding="utf-8")
    propose = ("propose", "http://market", new, "--reason", "one price", "--folder", "huber")
    name = wattlane(*propose, *market).split("proposal ")[1][:66]
    for home in ("huber", "yilmaz"):
        wattlane("vote", "http://market", name, "--for", "--folder", home, *market)
    with pytest.raises(MarketRefused, match="there is no proposal 0x00"):
        wattlane("vote", new, "0x" + "00" * 32, "--for", "--folder", "huber", *market)
    shown = wattlane("votes", "http://market")
    assert "votes  2 for, 0 against, of 3" in shown
    assert "result adopted" in shown

    now_ms += 7 * DAY_MS
    service.market.go_on(service.now_ms())  # as it does itself every second while it runs
    saved = tmp_path / "saved.toml"
    said = wattlane("save", "http://market", saved)
    community = load_community(saved)
    assert f"hash     0x{community_digest(community).hex()}" in said
    assert [one.version for one in community.rules] == [1, 2]
    assert "rules     version 2, from 2026-08-01 00:00 CEST" in wattlane("show", "http://market")
    assert community.members == load_community(street).members
    with pytest.raises(BadChoice, match="exists: give another name"):
        wattlane("save", "http://market", saved)
    service.close()


def test_a_correction_at_a_neighbours_cost_is_signed_by_the_community_too(
    street: Path, tmp_path: Path
) -> None:
    meter = MeterSigner(bytes(range(32)))
    sample = Sample(load_community(street).rules[0].valid_from_ms, Clock.SYNCHRONISED, 900, 0)
    reading = meter.record(None, sample, Salts(bytes(32), bytes(32)))
    made = correct(
        meter,
        reading,
        (800, 0),
        number=1,
        made_ms=reading.end_ms,
        quality=Quality.MEASURED,
        reason="doubled pulse",
    )
    given, out = tmp_path / "1.correction", tmp_path / "signed"
    given.write_bytes(made.encoded)
    asked = ("countersign", street, given, "--yes", "--out", out)
    said = wattlane(*asked, "--folder", "community")
    assert "import   900 Wh, corrected to 800 Wh (-100)" in said
    assert "reason   doubled pulse (measured; correction 1 of this reading)" in said
    signed, community = decode_signed(out.read_bytes()), load_community(street)
    check_signed(signed, community.domain, community.account, community.key_hash)
    assert signed.document == made.encoded
    out.unlink()
    with pytest.raises(BadChoice, match="only the community's own account"):
        wattlane(*asked, "--folder", "huber")
    given.write_bytes(replace(made, import_wh=700).encoded)
    with pytest.raises(BadChoice, match="ask for it again"):
        wattlane(*asked, "--folder", "community")
    given.write_bytes(b"x")
    with pytest.raises(BadChoice, match="no usable correction"):
        wattlane(*asked, "--folder", "community")
    assert not out.exists()
