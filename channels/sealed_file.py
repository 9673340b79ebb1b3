"""A file for one's own later self: a readable header, a sealed body, a checksum over both.

The body is under the passphrase (scrypt, AES-256-GCM, as the keystore); the header is
authenticated with it. The checksum tells a damaged file from a wrong passphrase. Layout: the kind
and a newline, 4 bytes length of the header, the header (JSON), the sealed body, 32 bytes SHA-256
of all before. Ref: RFC 7914; NIST SP 800-38D.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from channels.errors import BackupTooNew, BackupUnreadable, WrongPassphrase
from channels.keystore import write_new

VERSION = 1
_KIND = b"wattlane-backup\n"
_SCRYPT_N, _SCRYPT_R, _SCRYPT_P = 1 << 15, 8, 3
_SALT_BYTES, _NONCE_BYTES, _SUM_BYTES, _LENGTH_BYTES = 16, 12, 32, 4
_MAX_HEADER_BYTES = 1 << 16
MAX_FILE_BYTES = 1 << 30


@dataclass(frozen=True, slots=True)
class SealedFile:
    """What a file says openly (authentic only once it is opened), and its sealed body."""

    path: Path
    public: dict[str, str]
    salt: bytes
    nonce: bytes
    header: bytes
    body: bytes

    def open(self, passphrase: str) -> bytes:
        """The body. Raises WrongPassphrase."""
        try:
            return AESGCM(_key(passphrase, self.salt)).decrypt(self.nonce, self.body, self.header)
        except InvalidTag:
            raise WrongPassphrase(str(self.path)) from None


def _key(passphrase: str, salt: bytes) -> bytes:
    kdf = Scrypt(salt=salt, length=32, n=_SCRYPT_N, r=_SCRYPT_R, p=_SCRYPT_P)
    return kdf.derive(passphrase.encode())


def seal_file(path: Path, body: bytes, passphrase: str, public: dict[str, str]) -> None:
    """Write `body` under `passphrase`, whole or not at all; a file that is there is replaced.

    Raises OSError.
    """
    salt, nonce = secrets.token_bytes(_SALT_BYTES), secrets.token_bytes(_NONCE_BYTES)
    document = {
        "version": VERSION,
        "salt": salt.hex(),
        "nonce": nonce.hex(),
        "public": public,
    }
    header = json.dumps(document, sort_keys=True).encode()
    sealed = AESGCM(_key(passphrase, salt)).encrypt(nonce, body, header)
    content = _KIND + len(header).to_bytes(_LENGTH_BYTES, "big") + header + sealed
    write_new(path, content + hashlib.sha256(content).digest(), replace=True)


def is_sealed_file(path: Path) -> bool:
    """Whether a file says that it is one, be it whole or not."""
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return file.read(len(_KIND)) == _KIND
    except OSError:
        return False


def read_sealed_file(path: Path) -> SealedFile:
    """A file that is whole. Raises BackupUnreadable, BackupTooNew."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise BackupUnreadable(str(path), error.strerror or "cannot be read") from error
    start = len(_KIND) + _LENGTH_BYTES
    if len(raw) > MAX_FILE_BYTES or not raw.startswith(_KIND) or len(raw) < start + _SUM_BYTES:
        raise BackupUnreadable(str(path), "not of this kind, or cut off")
    length = int.from_bytes(raw[len(_KIND) : start], "big")
    header, body = raw[start : start + length], raw[start + length : -_SUM_BYTES]
    version = _version(header) if length <= _MAX_HEADER_BYTES else None
    if version is not None and version > VERSION:
        raise BackupTooNew(str(path), version, VERSION)
    if hashlib.sha256(raw[:-_SUM_BYTES]).digest() != raw[-_SUM_BYTES:]:
        raise BackupUnreadable(str(path), "its checksum is another")
    try:
        document = json.loads(header)
        public = {str(name): str(value) for name, value in document["public"].items()}
        salt, nonce = bytes.fromhex(document["salt"]), bytes.fromhex(document["nonce"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise BackupUnreadable(str(path), "its header makes no sense") from None
    if len(salt) != _SALT_BYTES or len(nonce) != _NONCE_BYTES:
        raise BackupUnreadable(str(path), "its header makes no sense")
    return SealedFile(path, public, salt, nonce, header, body)


def _version(header: bytes) -> int | None:
    try:
        version = json.loads(header)["version"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return version if type(version) is int else None
