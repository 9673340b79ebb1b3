"""The keystore file: secret bytes under a passphrase, or nothing at all.

A file is either absent, whole, or refused: it is written beside, synced and renamed; its whole
header is authenticated with the ciphertext. scrypt (RFC 7914) gives the key of AES-256-GCM
(NIST SP 800-38D). Mode 0600.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
from pathlib import Path
from typing import Any, cast

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from channels.errors import (
    KeystoreExists,
    KeystoreMissing,
    KeystoreTooNew,
    MalformedKeystore,
    WrongPassphrase,
)

VERSION = 1
KIND = "wattlane-keystore"
_SCRYPT_N, _SCRYPT_R, _SCRYPT_P = 1 << 15, 8, 3
"""32 MiB and a quarter of a second. Ref: OWASP password storage, scrypt parameters."""
_MAX_MEMORY_BYTES = 1 << 28
_MAX_FILE_BYTES = 1 << 16


def _derive(passphrase: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    return Scrypt(salt=salt, length=32, n=n, r=r, p=p).derive(passphrase.encode())


def _header(n: int, r: int, p: int, salt: bytes, nonce: bytes, public: dict[str, str]) -> Any:
    return {
        "kind": KIND,
        "version": VERSION,
        "kdf": {"name": "scrypt", "n": n, "r": r, "p": p, "salt": _text(salt)},
        "cipher": {"name": "aes-256-gcm", "nonce": _text(nonce)},
        "public": public,
    }


def _authenticated(header: dict[str, Any]) -> bytes:
    return json.dumps(header, sort_keys=True, separators=(",", ":")).encode()


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def write_new(path: Path, content: bytes, *, replace: bool = False) -> None:
    """Create `path` (0600) with `content`, whole or not at all.

    Raises KeystoreExists, unless what is there is to be replaced.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            beside.replace(path)
        else:
            os.link(beside, path)  # unlike a rename, never replaces a wallet
    except FileExistsError:
        raise KeystoreExists(str(path)) from None
    finally:
        beside.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def seal(
    path: Path,
    secret: bytes,
    passphrase: str,
    public: dict[str, str],
    *,
    replace: bool = False,
) -> None:
    """Write `secret` under `passphrase`; `public` stays readable. Raises as `write_new`."""
    salt, nonce = secrets.token_bytes(16), secrets.token_bytes(12)
    header = _header(_SCRYPT_N, _SCRYPT_R, _SCRYPT_P, salt, nonce, public)
    key = _derive(passphrase, salt, _SCRYPT_N, _SCRYPT_R, _SCRYPT_P)
    ciphertext = AESGCM(key).encrypt(nonce, secret, _authenticated(header))
    document = header | {"ciphertext": _text(ciphertext)}
    content = (json.dumps(document, indent=2) + "\n").encode()
    write_new(path, content, replace=replace)


def _document(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            raw = file.read(_MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        raise KeystoreMissing(str(path)) from None
    except OSError as error:
        raise MalformedKeystore(str(path), error.strerror or "unreadable") from error
    if len(raw) > _MAX_FILE_BYTES:
        raise MalformedKeystore(str(path), "too large")
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError):
        raise MalformedKeystore(str(path), "not JSON") from None
    if not isinstance(document, dict) or document.get("kind") != KIND:
        raise MalformedKeystore(str(path), f"not of kind {KIND}")
    version = document.get("version")
    if type(version) is not int or version < 1:
        raise MalformedKeystore(str(path), "no version")
    if version > VERSION:
        raise KeystoreTooNew(str(path), version, VERSION)
    return document


def read_public(path: Path) -> dict[str, str]:
    """The readable part, unauthenticated. Raises KeystoreMissing, MalformedKeystore, ...TooNew."""
    public = _document(path).get("public")
    if not isinstance(public, dict) or not all(isinstance(one, str) for one in public.values()):
        raise MalformedKeystore(str(path), "no public part")
    return cast(dict[str, str], public)


def unseal(path: Path, passphrase: str) -> bytes:
    """The secret. Raises KeystoreMissing, MalformedKeystore, KeystoreTooNew, WrongPassphrase."""
    document = _document(path)
    try:
        kdf, cipher = document["kdf"], document["cipher"]
        n, r, p = (int(kdf[name]) for name in ("n", "r", "p"))
        salt = base64.b64decode(kdf["salt"], validate=True)
        nonce = base64.b64decode(cipher["nonce"], validate=True)
        ciphertext = base64.b64decode(document["ciphertext"], validate=True)
        header = _header(n, r, p, salt, nonce, document["public"])
        if header | {"ciphertext": document["ciphertext"]} != document:
            raise MalformedKeystore(str(path), "fields are missing or unknown")
        if not (n > 1 and n & (n - 1) == 0 and r > 0 and p > 0 and 8 <= len(nonce) <= 64):
            raise MalformedKeystore(str(path), "impossible parameters")
        if 128 * n * r > _MAX_MEMORY_BYTES or p > 16:
            raise MalformedKeystore(str(path), "asks for too much memory or time")
    except (KeyError, TypeError, ValueError) as error:
        raise MalformedKeystore(str(path), f"bad field: {type(error).__name__}") from None
    key = _derive(passphrase, salt, n, r, p)
    try:
        return AESGCM(key).decrypt(nonce, ciphertext, _authenticated(header))
    except InvalidTag:
        raise WrongPassphrase(str(path)) from None
