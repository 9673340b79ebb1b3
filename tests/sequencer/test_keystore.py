from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from sequencer.errors import BadKeystore
from sequencer.keystore import create_keystore, open_keystore

PASSPHRASE = "a long enough passphrase"
CHEAP = 2


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "operator.json"


def test_what_was_written_opens_to_the_same_keys(path: Path) -> None:
    made = create_keystore(path, PASSPHRASE, bytes([7] * 32), CHEAP)
    opened = open_keystore(path, PASSPHRASE)
    assert opened.address == made.address
    assert opened.receipt_key.public == made.receipt_key.public
    assert opened.account_key_hash == made.account_key_hash
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_new_key_is_another_one_each_time(tmp_path: Path) -> None:
    one, two = (create_keystore(tmp_path / name, PASSPHRASE, None, CHEAP) for name in "ab")
    assert one.address != two.address


def test_the_three_keys_do_not_reveal_each_other(path: Path) -> None:
    keys = create_keystore(path, PASSPHRASE, None, CHEAP)
    text = path.read_text() + repr(keys)
    secret = bytes(keys.account.key).hex()
    assert secret not in text
    assert str(keys.account_secret) not in text
    assert keys.account_secret != int(secret, 16)


def test_a_keystore_is_never_overwritten(path: Path) -> None:
    create_keystore(path, PASSPHRASE, None, CHEAP)
    before = path.read_text()
    with pytest.raises(BadKeystore):
        create_keystore(path, PASSPHRASE, None, CHEAP)
    assert path.read_text() == before


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "no JSON"),
        ("[1]", "no crypto section"),
        ("{}", "no crypto section"),
        ('{"crypto": {}}', "malformed"),
        ('{"crypto": 5, "version": 3}', "malformed"),
        ('{"crypto": {}, "version": 9}', "malformed"),
    ],
)
def test_a_malformed_keystore_is_one_clear_error(path: Path, content: str, says: str) -> None:
    path.write_text(content)
    with pytest.raises(BadKeystore, match=says):
        open_keystore(path, PASSPHRASE)


def test_a_changed_ciphertext_or_passphrase_is_refused(path: Path) -> None:
    create_keystore(path, PASSPHRASE, None, CHEAP)
    with pytest.raises(BadKeystore, match="passphrase is wrong") as caught:
        open_keystore(path, PASSPHRASE + "!")
    assert PASSPHRASE not in str(caught.value)
    content = json.loads(path.read_text())
    flipped = int(content["crypto"]["ciphertext"], 16) ^ 1
    content["crypto"]["ciphertext"] = f"{flipped:064x}"
    path.write_text(json.dumps(content))
    with pytest.raises(BadKeystore):
        open_keystore(path, PASSPHRASE)


def test_missing_short_and_impossible_ones_are_named(path: Path) -> None:
    with pytest.raises(BadKeystore, match="sequencer init"):
        open_keystore(path, PASSPHRASE)
    with pytest.raises(BadKeystore, match="at least 8"):
        create_keystore(path, "short", None, CHEAP)
    with pytest.raises(BadKeystore, match="no private key"):
        create_keystore(path, PASSPHRASE, bytes(32), CHEAP)
    with pytest.raises(BadKeystore, match="cannot be written"):
        create_keystore(path / "nowhere" / "a.json", PASSPHRASE, None, CHEAP)
    assert not path.exists()
