"""The operator's keys: one encrypted file, from which everything that the operator signs comes.

The file is the standard Ethereum keystore (scrypt) of the L1 key; receipt key and account key are
derived from it by hash, so there is one thing to back up. Whole or absent: written beside, synced,
renamed, readable by its owner only. Ref: Web3 Secret Storage Definition, version 3.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from eth_account import Account
from eth_account.messages import encode_defunct
from eth_account.signers.local import LocalAccount

from protocol.crypto.jubjub import SUBGROUP_ORDER
from protocol.crypto.schnorr import key_hash, public_key
from protocol.receipts import endorsement_text
from sequencer.errors import BadKeystore
from sequencer.receipts import ReceiptKey

MIN_PASSPHRASE = 8


@dataclass(frozen=True, slots=True)
class OperatorKeys:
    """The opened keystore. Shows nothing of itself in logs."""

    account: LocalAccount = field(repr=False)

    @property
    def address(self) -> str:
        """The operator's L1 address, checksummed."""
        return str(self.account.address)

    def endorsement(self, domain: int) -> str:
        """The L1 key's signature (EIP-191) under the receipt key: 0x and 130 digits."""
        text = endorsement_text(domain, self.receipt_key.public)
        signed = self.account.sign_message(encode_defunct(text=text))
        return "0x" + bytes(signed.signature).hex()

    @property
    def receipt_key(self) -> ReceiptKey:
        """Signs receipts."""
        return ReceiptKey.derive(bytes(self.account.key))

    @property
    def account_secret(self) -> int:
        """The Jubjub secret of the operator's rollup account, which gets the fees."""
        digest = hashlib.sha512(b"wattlane-operator-account" + bytes(self.account.key)).digest()
        return int.from_bytes(digest) % (SUBGROUP_ORDER - 1) + 1

    @property
    def account_key_hash(self) -> int:
        """How the rollup's state names that key."""
        return key_hash(public_key(self.account_secret))


def create_keystore(
    path: Path, passphrase: str, l1_private_key: bytes | None, scrypt_n: int | None = None
) -> OperatorKeys:
    """Write a keystore of the given key, or of a new one; scrypt's cost is eth-account's default.

    Raises BadKeystore if there is one already, or it cannot be written.
    """
    if len(passphrase) < MIN_PASSPHRASE:
        raise BadKeystore(str(path), f"a passphrase needs at least {MIN_PASSPHRASE} characters")
    if path.exists():
        raise BadKeystore(str(path), "there is one already")
    try:
        account: LocalAccount = Account.from_key(l1_private_key or secrets.token_bytes(32))
    except ValueError as error:
        raise BadKeystore(str(path), "that is no private key") from error
    text = json.dumps(Account.encrypt(account.key, passphrase, iterations=scrypt_n))
    beside = path.with_name(path.name + ".new")
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        raise BadKeystore(str(path), f"cannot be written: {error.strerror}") from error
    return OperatorKeys(account)


def open_keystore(path: Path, passphrase: str) -> OperatorKeys:
    """Decrypt a keystore. Raises BadKeystore, naming what is wrong and never the passphrase."""
    try:
        content = json.loads(path.read_text())
    except FileNotFoundError as error:
        raise BadKeystore(str(path), "there is none; run `wattlane sequencer init`") from error
    except (OSError, ValueError) as error:
        raise BadKeystore(str(path), "it is not a keystore (no JSON)") from error
    if not isinstance(content, dict) or "crypto" not in {str(key).lower() for key in content}:
        raise BadKeystore(str(path), "it is not a keystore (no crypto section)")
    try:
        return OperatorKeys(Account.from_key(Account.decrypt(content, passphrase)))
    except ValueError as error:
        wrong = "MAC" in str(error)
        what = "the passphrase is wrong" if wrong else f"it is malformed ({error})"
        raise BadKeystore(str(path), what) from error
    except (KeyError, TypeError, NotImplementedError) as error:
        raise BadKeystore(str(path), f"it is malformed ({type(error).__name__})") from error
