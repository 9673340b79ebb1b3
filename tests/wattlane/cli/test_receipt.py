"""`wattlane receipt verify`: one line a promise, and an exit status that says if one was broken."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from eth_account import Account
from typer.testing import CliRunner

from contracts import endorsements, reader
from contracts.endorsements import Operators
from protocol.units import DAY_S
from tests.wattlane.records import DOMAIN, START, record
from tests.wattlane.test_receipt_check import LATER, OPERATOR, TRANSFER, file_of
from wattlane import l1_record
from wattlane.cli.app import app
from wattlane.l1_record import L1Record

WHERE = ["--l1", "http://127.0.0.1:9", "--contract", "0x" + "5f" * 20]


class Reader:
    """L1 with the record's six batches, the last of them not final."""

    def __init__(self, *_: object, **__: object) -> None:
        """Anywhere."""

    def settings(self) -> SimpleNamespace:
        return SimpleNamespace(domain=DOMAIN)

    operator = OPERATOR.address
    final_number, final_time = 59, START + 6 * DAY_S

    def powers(self) -> SimpleNamespace:
        return SimpleNamespace(operator=self.operator)

    def final_block(self) -> SimpleNamespace:
        return SimpleNamespace(number=self.final_number, timestamp=self.final_time)


@pytest.fixture(autouse=True)
def l1(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "RollupReader", Reader)
    monkeypatch.setattr(l1_record, "read_record", lambda _reader: record())


def verified(path: Path, document: object) -> tuple[int, str]:
    path.write_text(json.dumps(document))
    done = CliRunner().invoke(app, ["receipt", "verify", str(path), *WHERE])
    return done.exit_code, done.output


def test_a_promise_that_was_kept_is_said_to_be(tmp_path: Path) -> None:
    code, output = verified(tmp_path / "receipt.json", file_of(TRANSFER, LATER, "final", 4, 2))
    assert code == 0
    assert [line.split()[0] for line in output.splitlines()] == ["kept", "kept"]


def test_a_broken_promise_is_named(tmp_path: Path) -> None:
    code, output = verified(tmp_path / "receipt.json", file_of(TRANSFER, LATER, "final", 4, 1))
    assert code == 1
    kept, broken = output.splitlines()
    assert kept.startswith("kept")
    assert broken.startswith("BROKEN  final at position 1 of batch 4: it is at position 2")


def test_what_is_no_receipt_is_one_clear_line(tmp_path: Path) -> None:
    documents: tuple[object, ...] = ({}, [], {"transaction": 1})
    for document in documents:
        path = tmp_path / "receipt.json"
        path.write_text(json.dumps(document))
        done = CliRunner().invoke(app, ["receipt", "verify", str(path), *WHERE])
        assert "no receipt of this rollup's operator" in str(done.exception)
    done = CliRunner().invoke(app, ["receipt", "verify", str(tmp_path / "none"), *WHERE])
    assert "cannot be read" in str(done.exception)


def test_what_became_final_while_the_record_was_read_is_not_held_against_the_operator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record has three batches; the fourth, with the transaction, comes while it is read."""
    monkeypatch.setattr(Reader, "final_number", 30)
    monkeypatch.setattr(Reader, "final_time", START + 212)

    def slow(_reader: object) -> L1Record:
        Reader.final_number, Reader.final_time = 60, START + 7 * DAY_S
        whole = record()
        return replace(whole, batches=whole.batches[:3], block_times=whole.block_times[:3])

    monkeypatch.setattr(l1_record, "read_record", slow)
    code, output = verified(tmp_path / "receipt.json", file_of(TRANSFER, START + 400))
    assert (code, output.split()[0]) == (0, "open")


@pytest.mark.parametrize("first_is_missing", [False, True])
def test_whoever_was_the_operator_is_held_to_its_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first_is_missing: bool
) -> None:
    following = Account.from_key(bytes([8]) * 32).address
    monkeypatch.setattr(Reader, "operator", following)
    had = Operators(frozenset({following}), first_is_missing)
    if not first_is_missing:
        had = Operators(frozenset({following, OPERATOR.address}))
    monkeypatch.setattr(endorsements, "operators_had", lambda _reader: had)
    path = tmp_path / "receipt.json"
    path.write_text(json.dumps(file_of(TRANSFER, LATER)))
    done = CliRunner().invoke(app, ["receipt", "verify", str(path), *WHERE])
    if first_is_missing:
        assert "not the operator on L1, and never was, unless the first" in str(done.exception)
    else:
        assert (done.exit_code, done.output.split()[0]) == (0, "kept")
