"""`wattlane receipt verify`: one line a promise, and an exit status that says if one was broken."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from contracts import reader
from protocol.units import DAY_S
from tests.wattlane.records import DOMAIN, START, record
from tests.wattlane.test_receipt_check import LATER, OPERATOR, TRANSFER, file_of
from wattlane import l1_record
from wattlane.cli.app import app

WHERE = ["--l1", "http://127.0.0.1:9", "--contract", "0x" + "5f" * 20]


class Reader:
    """L1 with the record's six batches, the last of them not final."""

    def __init__(self, *_: object, **__: object) -> None:
        """Anywhere."""

    def settings(self) -> SimpleNamespace:
        return SimpleNamespace(domain=DOMAIN)

    def powers(self) -> SimpleNamespace:
        return SimpleNamespace(operator=OPERATOR.address)

    def final_block(self) -> SimpleNamespace:
        return SimpleNamespace(number=59, timestamp=START + 6 * DAY_S)


@pytest.fixture(autouse=True)
def l1(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "RollupReader", Reader)
    monkeypatch.setattr(l1_record, "read_record", lambda _reader: record())


def verified(path: Path, document: object) -> tuple[int, str]:
    path.write_text(json.dumps(document))
    done = CliRunner().invoke(app, ["receipt", "verify", str(path), *WHERE])
    return done.exit_code, done.output


def test_a_promise_that_was_kept_is_said_to_be(tmp_path: Path) -> None:
    code, output = verified(tmp_path / "receipt.json", file_of(TRANSFER, LATER, "proved", 4, 2))
    assert code == 0
    assert [line.split()[0] for line in output.splitlines()] == ["kept", "kept"]


def test_a_broken_promise_is_named(tmp_path: Path) -> None:
    code, output = verified(tmp_path / "receipt.json", file_of(TRANSFER, LATER, "sealed", 4, 1))
    assert code == 1
    kept, broken = output.splitlines()
    assert kept.startswith("kept")
    assert broken.startswith("BROKEN  sealed at position 1 of batch 4: it is at position 2")


def test_what_is_no_receipt_is_one_clear_line(tmp_path: Path) -> None:
    documents: tuple[object, ...] = ({}, [], {"transaction": 1})
    for document in documents:
        path = tmp_path / "receipt.json"
        path.write_text(json.dumps(document))
        done = CliRunner().invoke(app, ["receipt", "verify", str(path), *WHERE])
        assert "no receipt of this rollup's operator" in str(done.exception)
    done = CliRunner().invoke(app, ["receipt", "verify", str(tmp_path / "none"), *WHERE])
    assert "cannot be read" in str(done.exception)
