"""Wallet and keystore: one phrase gives all keys; what is wrong with a file has a name."""

from __future__ import annotations

import json
import os
import pickle
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from channels.errors import (
    BadPassphrase,
    BadRecoveryPhrase,
    KeystoreExists,
    KeystoreMissing,
    KeystoreTooNew,
    MalformedKeystore,
    WrongPassphrase,
)
from channels.passphrase import ENVIRONMENT, ENVIRONMENT_FILE, read_passphrase
from channels.wallet import FILE_NAME, Wallet
from protocol.crypto.schnorr import is_safe_key, verify

PASSPHRASE = "correct horse battery"
PHRASE = "test test test test test test test test test test test junk"


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wallet of PHRASE."""
    folder = tmp_path_factory.mktemp("wallet")
    Wallet.restore(folder, PHRASE, PASSPHRASE)
    return folder


@pytest.fixture
def damaged(saved: Path, tmp_path: Path) -> Callable[[Callable[[dict[str, Any]], None]], Path]:
    """Copies the keystore after a change to its document."""

    def make(change: Callable[[dict[str, Any]], None]) -> Path:
        document = json.loads((saved / FILE_NAME).read_text())
        change(document)
        (tmp_path / FILE_NAME).write_text(json.dumps(document))
        return tmp_path

    return make


def test_the_recovery_phrase_gives_the_well_known_l1_account(saved: Path) -> None:
    """The address of this phrase at m/44'/60'/0'/0/0 is public knowledge (anvil, hardhat)."""
    wallet = Wallet.load(saved, PASSPHRASE)
    assert wallet.l1_address == "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
    assert wallet.l1_account.address == wallet.l1_address


def test_the_jubjub_key_is_pinned_safe_and_signs(saved: Path) -> None:
    wallet = Wallet.load(saved, PASSPHRASE)
    assert wallet.key_hash == PINNED_KEY_HASH
    assert is_safe_key(wallet.key)
    signature = wallet.sign(77)
    assert signature.key == wallet.key
    assert verify(signature, 77)
    assert not verify(signature, 78)
    assert wallet.sign(77) != signature, "each signature has fresh randomness"


def test_create_export_restore_is_the_same_wallet(tmp_path: Path) -> None:
    wallet, phrase = Wallet.create(tmp_path / "a", PASSPHRASE)
    assert len(phrase.split()) == 12
    assert Wallet.export(tmp_path / "a", PASSPHRASE) == phrase
    again = Wallet.restore(tmp_path / "b", f"  {phrase.upper()}\n", "another passphrase")
    assert (again.key, again.l1_address) == (wallet.key, wallet.l1_address)


def test_a_key_is_replaced_by_the_next_one_of_the_phrase(tmp_path: Path) -> None:
    first = Wallet.restore(tmp_path / "a", PHRASE, PASSPHRASE)
    second = Wallet.rotate(tmp_path / "a", PASSPHRASE)
    third = Wallet.rotate(tmp_path / "a", PASSPHRASE)
    assert [one.key_number for one in (first, second, third)] == [0, 1, 2]
    assert len({one.key_hash for one in (first, second, third)}) == 3
    assert {one.l1_address for one in (first, second, third)} == {first.l1_address}
    assert first.tower_key(b"lane") == third.tower_key(b"lane") != first.tower_key(b"other")
    assert Wallet.load(tmp_path / "a", PASSPHRASE).key_hash == third.key_hash
    assert Wallet.show(tmp_path / "a")["key_hash"] == f"{third.key_hash:#066x}"
    assert Wallet.export(tmp_path / "a", PASSPHRASE) == PHRASE
    again = Wallet.restore(tmp_path / "b", PHRASE, "another passphrase", key_number=2)
    assert again.key_hash == third.key_hash
    assert stat.S_IMODE((tmp_path / "a" / FILE_NAME).stat().st_mode) == 0o600


def test_the_number_of_the_key_is_authenticated(tmp_path: Path) -> None:
    Wallet.restore(tmp_path, PHRASE, PASSPHRASE)
    Wallet.rotate(tmp_path, PASSPHRASE)
    document = json.loads((tmp_path / FILE_NAME).read_text())
    document["public"]["key_number"] = "0"
    (tmp_path / FILE_NAME).write_text(json.dumps(document))
    with pytest.raises(WrongPassphrase):
        Wallet.load(tmp_path, PASSPHRASE)


def test_the_keystore_is_private_and_has_no_secret(saved: Path) -> None:
    path = saved / FILE_NAME
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    content = path.read_text()
    assert not any(word in content for word in ("junk", PASSPHRASE))
    wallet = Wallet.load(saved, PASSPHRASE)
    assert Wallet.show(saved) == {
        "key_hash": f"{wallet.key_hash:#066x}",
        "l1_address": wallet.l1_address,
    }
    assert os.listdir(saved) == [FILE_NAME], "nothing is left beside it"


def test_nothing_secret_shows_and_nothing_is_pickled(saved: Path) -> None:
    wallet = Wallet.load(saved, PASSPHRASE)
    key = wallet.l1_account.key.hex()
    assert key not in repr(wallet)
    assert not hasattr(wallet, "__dict__")
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(wallet)


def test_refuses_to_overwrite_a_wallet(saved: Path) -> None:
    before = (saved / FILE_NAME).read_bytes()
    with pytest.raises(KeystoreExists):
        Wallet.create(saved, PASSPHRASE)
    assert (saved / FILE_NAME).read_bytes() == before


def test_refuses_a_wrong_passphrase(saved: Path) -> None:
    with pytest.raises(WrongPassphrase):
        Wallet.load(saved, PASSPHRASE + "x")
    with pytest.raises(WrongPassphrase):
        Wallet.export(saved, "")


def test_refuses_a_short_passphrase_and_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(BadPassphrase):
        Wallet.create(tmp_path / "a", "short")
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("phrase", ["", "test " * 12, PHRASE + " test", PHRASE.replace("junk", "")])
def test_refuses_a_bad_recovery_phrase_without_quoting_it(tmp_path: Path, phrase: str) -> None:
    with pytest.raises(BadRecoveryPhrase) as raised:
        Wallet.restore(tmp_path, phrase, PASSPHRASE)
    assert "junk" not in str(raised.value)


def test_names_a_missing_keystore(tmp_path: Path) -> None:
    with pytest.raises(KeystoreMissing):
        Wallet.load(tmp_path, PASSPHRASE)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"kind": "other"}', b"\xff" * 70_000])
def test_refuses_what_is_no_keystore(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE_NAME).write_bytes(content)
    with pytest.raises(MalformedKeystore):
        Wallet.load(tmp_path, PASSPHRASE)


@pytest.mark.parametrize(
    ("part", "field", "bad"),
    [
        ("kdf", "n", 3),
        ("kdf", "n", 1 << 40),
        ("kdf", "p", 10_000),
        ("kdf", "salt", "!"),
        ("kdf", "name", "none"),
        ("cipher", "name", "none"),
        ("cipher", "nonce", ""),
    ],
)
def test_refuses_impossible_parameters(
    damaged: Callable[[Callable[[dict[str, Any]], None]], Path], part: str, field: str, bad: object
) -> None:
    folder = damaged(lambda document: document[part].update({field: bad}))
    with pytest.raises(MalformedKeystore):
        Wallet.load(folder, PASSPHRASE)


@pytest.mark.parametrize("field", ["kdf", "cipher", "public", "ciphertext", "version"])
def test_refuses_a_missing_field(
    damaged: Callable[[Callable[[dict[str, Any]], None]], Path], field: str
) -> None:
    def remove(document: dict[str, Any]) -> None:
        del document[field]

    with pytest.raises(MalformedKeystore):
        Wallet.load(damaged(remove), PASSPHRASE)


def test_an_altered_public_part_does_not_unlock(
    damaged: Callable[[Callable[[dict[str, Any]], None]], Path],
) -> None:
    folder = damaged(lambda document: document["public"].update(l1_address="0x" + "11" * 20))
    with pytest.raises(WrongPassphrase):
        Wallet.load(folder, PASSPHRASE)


def test_refuses_a_keystore_of_a_newer_version(
    damaged: Callable[[Callable[[dict[str, Any]], None]], Path],
) -> None:
    folder = damaged(lambda document: document.update(version=2))
    with pytest.raises(KeystoreTooNew):
        Wallet.load(folder, PASSPHRASE)


def test_the_passphrase_comes_from_file_or_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(ENVIRONMENT, raising=False)
    monkeypatch.delenv(ENVIRONMENT_FILE, raising=False)
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    with pytest.raises(BadPassphrase, match="no passphrase"):
        read_passphrase()
    monkeypatch.setenv(ENVIRONMENT, PASSPHRASE)
    assert read_passphrase() == PASSPHRASE
    file = tmp_path / "passphrase"
    file.write_text("from a file\n")
    file.chmod(0o600)
    monkeypatch.setenv(ENVIRONMENT_FILE, str(file))
    assert read_passphrase() == "from a file"
    file.chmod(0o644)
    with pytest.raises(BadPassphrase, match="others can read"):
        read_passphrase()
    with pytest.raises(BadPassphrase, match="cannot read"):
        read_passphrase(tmp_path / "absent")


PINNED_KEY_HASH = 0x4F991D26E0A0CF0EE355CCDEAEE6101EC01A696AF668742EEC03F9BFC7362735
