"""The meter's key file: whole, its owner's alone, under a passphrase or not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from channels import keystore
from channels.errors import KeystoreExists, WrongPassphrase
from energy.errors import BadMeterKeyFile
from energy.meters.meter_key import FILE_NAME, create, load, needs_passphrase

PASSPHRASE = "a passphrase"


@pytest.mark.parametrize("passphrase", [None, PASSPHRASE])
def test_a_key_comes_back_from_its_file(tmp_path: Path, passphrase: str | None) -> None:
    made = create(tmp_path, passphrase)
    again = load(tmp_path, passphrase)
    assert (again.did, again.key_id) == (made.did, made.key_id)
    assert again.sign(b"x") == made.sign(b"x")
    assert needs_passphrase(tmp_path) is (passphrase is not None)
    assert (tmp_path / FILE_NAME).stat().st_mode & 0o777 == 0o600
    with pytest.raises(KeystoreExists):
        create(tmp_path, passphrase)


def test_a_new_key_keeps_the_meters_name(tmp_path: Path) -> None:
    first = create(tmp_path)
    second = create(tmp_path, did=first.did)
    assert second.did == first.did
    assert second.key_id != first.key_id
    assert load(tmp_path).key_id == second.key_id


def test_a_passphrase_is_asked_for_and_checked(tmp_path: Path) -> None:
    create(tmp_path, PASSPHRASE)
    with pytest.raises(BadMeterKeyFile, match="under a passphrase"):
        load(tmp_path)
    with pytest.raises(WrongPassphrase):
        load(tmp_path, "another one")


def test_files_that_cannot_be_used_are_refused(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    with pytest.raises(BadMeterKeyFile, match="there is none"):
        load(tmp_path)
    create(tmp_path)
    good = json.loads(path.read_text())
    path.chmod(0o644)
    with pytest.raises(BadMeterKeyFile, match="chmod 600"):
        load(tmp_path)
    path.chmod(0o600)
    for content, named in (
        ("no json", "not JSON"),
        ("[]", "no JSON object"),
        (json.dumps({"kind": "x"}), "no known kind"),
        (json.dumps(good | {"version": 2}), "no known kind"),
        (json.dumps(good | {"secret": "zz"}), "no secret"),
        (json.dumps(good | {"secret": "00"}), "32 bytes"),
        (json.dumps(good | {"did": "did:key:x"}), "names no meter"),
    ):
        path.write_text(content)
        with pytest.raises(BadMeterKeyFile, match=named):
            load(tmp_path)


def test_a_lost_file_is_no_new_meter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that is being replaced stays until the new one is whole on the disk."""
    first = create(tmp_path)

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(keystore, "write_new", fail)
    with pytest.raises(OSError, match="No space"):
        create(tmp_path, did=first.did)
    assert load(tmp_path).key_id == first.key_id
