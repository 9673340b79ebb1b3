"""`wattlane bill`: made and followed from a home's files; the first wrong line is named."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from contracts import reader
from contracts.errors import NotFinalYet
from contracts.finality import FINALIZED, Finality
from energy.bills.bill_file import decode_bill, encode_bill
from tests.energy.bills.street_files import Files, trading, write_files
from wattlane.cli.app import app
from wattlane.cli.failures import report


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """Home 3's files."""
    return asyncio.run(write_files(tmp_path_factory.mktemp("street"), trading()))


@pytest.fixture(scope="module")
def made(files: Files, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Its bill's file, and what `show` said; CSV and PDF beside it."""
    folder = tmp_path_factory.mktemp("bills")
    done = CliRunner().invoke(
        app,
        [
            *("bill", "show", "--folder", str(files.home), "--journal", str(files.journal)),
            *("--out", str(folder / "june.bill"), "--csv", str(folder / "june.csv")),
            *("--pdf", str(folder / "june.pdf"), "--lines"),
        ],
    )
    assert done.exit_code == 0, done.output
    return folder / "june.bill", done.stdout


def _where(files: Files) -> list[str]:
    places = "--folder", files.home, "--journal", files.journal, "--meter", files.meter
    return [str(one) for one in places]


def test_a_bill_is_shown_and_written(made: tuple[Path, str]) -> None:
    """In words, as a file, as CSV and as PDF."""
    file, said = made
    assert "Bill of no. 3 for 2026-06" in said
    assert "saved by the community" in said
    assert decode_bill(file.read_bytes()).home == 3
    rows = file.with_suffix(".csv").read_text().splitlines()
    assert len(rows) == 1 + len(decode_bill(file.read_bytes()).lines)
    assert file.with_suffix(".pdf").read_bytes().startswith(b"%PDF-")


def test_a_bill_follows(files: Files, made: tuple[Path, str]) -> None:
    """Exit status 0, with what was checked and what was not."""
    done = CliRunner().invoke(app, ["bill", "verify", str(made[0]), *_where(files)])
    assert done.exit_code == 0, done.output
    assert "all 8 lines follow: no. 3, 2026-06" in done.stdout
    assert "2 intervals by your meter's readings, 2 settlements computed again" in done.stdout
    assert "it names no batches" in done.stdout


def test_the_first_wrong_line_is_named(
    files: Files, made: tuple[Path, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line on stderr and exit status 1."""
    bill = decode_bill(made[0].read_bytes())
    line = bill.lines[3]
    more = replace(
        line, energy_wh=line.energy_wh + 1,
        amount_ntok=(line.energy_wh + 1) * line.price_utok_per_kwh,
    )  # fmt: skip
    lie = replace(bill, lines=(*bill.lines[:3], more, *bill.lines[4:]))
    wrong = tmp_path / "wrong.bill"
    wrong.write_bytes(encode_bill(lie))
    done = CliRunner().invoke(app, ["bill", "verify", str(wrong), *_where(files)])
    assert done.exit_code == 1
    assert report(done.exception or AssertionError()) == 1
    assert "error: line 4: settlement: energy_wh is" in capsys.readouterr().err


def test_what_is_no_bill_is_refused(files: Files, tmp_path: Path) -> None:
    """By what is wrong with it; and a month without settlements, a journal that is not there."""
    other = tmp_path / "other.pdf"
    other.write_bytes(b"%PDF-1.7")
    runner = CliRunner()
    done = runner.invoke(app, ["bill", "verify", str(other), *_where(files)])
    assert "no usable bill" in str(done.exception)
    show = ["bill", "show", "--folder", str(files.home), "--journal"]
    done = runner.invoke(app, [*show, str(files.journal), "--month", "2026-05"])
    assert "nothing was settled for account 3 in 2026-05" in str(done.exception)
    done = runner.invoke(app, [*show, str(tmp_path / "none")])
    assert "there is no journal" in str(done.exception)
    done = runner.invoke(app, [*show, str(files.journal), "--l1", "http://127.0.0.1:9"])
    assert "--l1 needs --contract" in str(done.exception)


def test_members_are_compared(files: Files) -> None:
    """By the journal alone."""
    done = CliRunner().invoke(app, ["bill", "members", str(files.journal)])
    assert done.exit_code == 0, done.output
    assert "3 members, 0 lose" in done.stdout


def test_l1_is_believed_as_far_as_it_is_final(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its own word, or after so many blocks on a development chain."""
    asked: list[Finality] = []

    class Reader:
        def __init__(self, _l1: str, _contract: str, *, finality: Finality, blobs: object) -> None:
            asked.append(finality)

        def final_block(self) -> None:
            raise NotFinalYet("http://127.0.0.1:9")

    monkeypatch.setattr(reader, "RollupReader", Reader)
    show = ["bill", "show", "--folder", str(files.home), "--journal", str(files.journal)]
    where = ["--l1", "http://127.0.0.1:9", "--contract", "0x" + "5f" * 20]
    for more in ([], ["--confirmations", "2"]):
        done = CliRunner().invoke(app, [*show, *where, *more])
        assert isinstance(done.exception, NotFinalYet)
    assert asked == [FINALIZED, Finality(2)]
