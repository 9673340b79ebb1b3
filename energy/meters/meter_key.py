"""The file with a meter's key: under a passphrase, or readable by its owner alone.

A meter signs unattended, so the passphrase is a choice: without one, whoever reads the disk can
sign in the meter's name until the community revokes the key. Mode 0600 either way.
"""

from __future__ import annotations

import json
import secrets
import stat
from pathlib import Path

from channels import keystore
from energy.errors import BadMeterKeyFile, BadMeterName
from energy.meters.did import check_did
from energy.meters.signing import MeterSigner

FILE_NAME = "meter-key.json"
KIND = "wattlane-meter-key"
VERSION = 1
SECRET_BYTES = 32
_MOST_BYTES = 1 << 16


def create(folder: Path, passphrase: str | None = None, *, did: str | None = None) -> MeterSigner:
    """A new key in `folder`; of the meter `did` if that has had one already, which it replaces.

    Raises KeystoreExists where one is that is not to be replaced, BadMeterName.
    """
    signer, secret = _fresh(did)
    _write(folder / FILE_NAME, signer, secret, passphrase, replace=did is not None)
    return signer


def load(folder: Path, passphrase: str | None = None) -> MeterSigner:
    """The folder's key. Raises BadMeterKeyFile, and channels' WrongPassphrase."""
    path = folder / FILE_NAME
    document = _document(path)
    if document.get("kind") == keystore.KIND:
        if passphrase is None:
            raise BadMeterKeyFile(str(path), "it is under a passphrase; give that")
        did = keystore.read_public(path).get("did", "")
        secret = keystore.unseal(path, passphrase)
    elif document.get("kind") == KIND and document.get("version") == VERSION:
        did = str(document.get("did"))
        try:
            secret = bytes.fromhex(str(document["secret"]))
        except (KeyError, ValueError):
            raise BadMeterKeyFile(str(path), "it holds no secret") from None
    else:
        raise BadMeterKeyFile(str(path), f"it is of no known kind ({KIND}, version {VERSION})")
    if len(secret) != SECRET_BYTES:
        raise BadMeterKeyFile(str(path), f"its secret is not of {SECRET_BYTES} bytes")
    try:
        return MeterSigner(secret, check_did(did))
    except BadMeterName as error:
        raise BadMeterKeyFile(str(path), str(error)) from error


def names(folder: Path) -> tuple[str, str]:
    """The meter's DID and the name of its key, without unlocking it. Raises BadMeterKeyFile."""
    document = _document(folder / FILE_NAME)
    shown = document.get("public") if document.get("kind") == keystore.KIND else document
    if not isinstance(shown, dict) or not {"did", "key_id"} <= shown.keys():
        raise BadMeterKeyFile(str(folder / FILE_NAME), "it does not say whose key it is")
    return str(shown["did"]), str(shown["key_id"])


def needs_passphrase(folder: Path) -> bool:
    """Whether the folder's key is under one. Raises BadMeterKeyFile."""
    return _document(folder / FILE_NAME).get("kind") == keystore.KIND


def _fresh(did: str | None) -> tuple[MeterSigner, bytes]:
    secret = secrets.token_bytes(SECRET_BYTES)
    return MeterSigner(secret, None if did is None else check_did(did)), secret


def _write(
    path: Path, signer: MeterSigner, secret: bytes, passphrase: str | None, *, replace: bool
) -> None:
    public = {"did": signer.did, "key_id": signer.key_id}
    if passphrase is not None:
        keystore.seal(path, secret, passphrase, public, replace=replace)
        return
    document = {"kind": KIND, "version": VERSION, **public, "secret": secret.hex()}
    keystore.write_new(path, (json.dumps(document, indent=2) + "\n").encode(), replace=replace)


def _document(path: Path) -> dict[str, object]:
    try:
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise BadMeterKeyFile(str(path), "others can read it; chmod 600 it")
        with path.open("rb") as file:
            document = json.loads(file.read(_MOST_BYTES))
    except FileNotFoundError:
        raise BadMeterKeyFile(str(path), "there is none; `wattlane meter init` makes one") from None
    except OSError as error:
        raise BadMeterKeyFile(str(path), error.strerror or "unreadable") from error
    except (ValueError, RecursionError):
        raise BadMeterKeyFile(str(path), "it is not JSON") from None
    if not isinstance(document, dict):
        raise BadMeterKeyFile(str(path), "it is no JSON object")
    return document
