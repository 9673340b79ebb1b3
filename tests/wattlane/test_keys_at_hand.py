"""Keys that are not there: what is missing, and where to get it, before anything is proved."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.addresses import address_of
from contracts.exodus import ExodusReader
from contracts.rpc import Rpc
from contracts.verifying_key import VerifyingKey
from protocol.exits import account_exit
from prover.cache import Cache
from prover.errors import KeyNotFound, OtherKey
from prover.exit_key import exit_key, exit_key_file
from sequencer.proving import contract_key
from tests.protocol.street import ANNA
from tests.prover.circuits.exit_cases import left_state
from tests.support.simulated_proofs import EXIT_KEY
from tests.wattlane.record_reader import RecordReader
from wattlane import exit_prover, proving
from wattlane.exit_prover import ExitKeyMissing, ExitProver
from wattlane.proof_check import from_contract_key
from wattlane.proving import ProvingKeyMissing, open_prover_for

WITNESS = account_exit(left_state(), ANNA.index)


class Exodus(ExodusReader):
    """Holds this key."""

    def __init__(self, key: VerifyingKey) -> None:
        super().__init__(Rpc("http://192.0.2.1"), address_of(1))
        self._key = key

    def verifying_key(self) -> VerifyingKey:
        return self._key


class Keyed(RecordReader):
    """A rollup with the record's key."""

    def verifying_key(self) -> VerifyingKey:
        return self.record.key


def test_without_the_contracts_proving_key_nothing_is_made_in_its_place(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[bytes | None] = []

    def nothing_there(*_: object, key: bytes | None = None, **__: object) -> None:
        asked.append(key)
        raise KeyNotFound("aa" * 32, "bb" * 32, tmp_path)

    monkeypatch.setattr(proving, "open_prover", nothing_there)
    reader = Keyed()
    with (
        pytest.raises(ProvingKeyMissing, match="wattlane ceremony import"),
        open_prover_for(reader),
    ):
        pass
    assert asked == [from_contract_key(reader.record.key).digest()]


def test_an_exit_key_that_is_nowhere_or_another_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(exit_prover, "user_cache", lambda: Cache(tmp_path))
    nowhere = ExitProver(Exodus(EXIT_KEY.key), None, tmp_path, lambda *_: None)
    with pytest.raises(ExitKeyMissing, match=r"get exit\.zkey from a neighbour"):
        nowhere.prove(WITNESS)
    other = ExitProver(Exodus(EXIT_KEY.key), exit_key_file(exit_key()), tmp_path, lambda *_: None)
    with pytest.raises(OtherKey):
        other.prove(WITNESS)


def test_the_key_is_found_once_and_proves(tmp_path: Path) -> None:
    key = contract_key(exit_key().verifying_key)
    stages: list[str] = []
    prover = ExitProver(Exodus(key), None, tmp_path, lambda stage, *_: stages.append(stage))
    assert len(prover.prove(WITNESS)) == 512
    assert stages == ["proof of account 0: 0.001000000 tokens"] * 2
