"""`wattlane node backup`, `restore` and `recover` as a household types them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from channels import keystore, sealed_file
from channels.errors import BackupRefused, StoreExists
from channels.records import Identity, SaveLeaf
from channels.store import FILE_NAME, Store
from channels.wallet import Wallet
from tests.channels.street import DOMAIN, ann
from wattlane.cli.app import app

PASSPHRASE = "correct horse battery"


def typed(*words: str, answer: str = "") -> Result:
    """What `wattlane node` makes of these words."""
    return CliRunner().invoke(
        app, ["node", *words], input=answer, env={"WATTLANE_PASSPHRASE": PASSPHRASE}
    )


def test_a_home_is_saved_lost_put_back_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keystore, "_SCRYPT_N", 2)
    monkeypatch.setattr(sealed_file, "_SCRYPT_N", 2)
    home, new, file = tmp_path / "home", tmp_path / "new", str(tmp_path / "backup")
    wallet, _ = Wallet.create(home, PASSPHRASE)
    identity = Identity(DOMAIN, 3, wallet.key_hash)

    async def keep() -> None:
        with Store.open(home, identity) as store:
            await store.write(SaveLeaf(ann()))

    asyncio.run(keep())
    of_home, of_new = ("--folder", str(home)), ("--folder", str(new))
    assert isinstance(typed("backup", str(home / FILE_NAME), *of_home).exception, BackupRefused)
    saved = typed("backup", file, *of_home)
    assert saved.stdout == f"account 3, 1 channels: {file}\n", saved.exception
    assert isinstance(typed("restore", file, *of_home).exception, StoreExists)
    back = typed("restore", file, *of_new)
    assert back.stdout == f"account 3, 1 channels: {new / FILE_NAME}\n", back.exception
    asked = typed("recover", *of_new, answer="n\n")
    assert asked.exit_code == 1
    assert "No other copy of this node runs" in asked.stdout
    kept = typed("recover", *of_new, "--yes")
    assert kept.stdout == "1 channels ask before they sign; start the node\n", kept.exception
    with Store.open(new, identity) as store:
        assert [one.state.is_restored for one in store.load_channels()] == [True]
