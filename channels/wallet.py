"""A household's keys: everything follows from one recovery phrase, and nothing secret shows.

BIP-39 gives the seed. The Jubjub secret is HKDF-SHA-512 of the seed under a domain string,
64 bytes reduced mod l (bias below 2^-250), never 0; the L1 key is BIP-44's first account. A key
that is replaced (KEY_CHANGE) gives way to the next one of the same phrase: its number is in the
domain string, so that one key tells nothing of another.
Ref: BIP-39; RFC 5869; BIP-32, path m/44'/60'/0'/0/0.
"""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from eth_account import Account as EthAccount
from eth_account.hdaccount import key_from_seed
from eth_account.signers.local import LocalAccount
from mnemonic import Mnemonic

from channels import keystore
from channels.errors import BadRecoveryPhrase, MalformedKeystore
from channels.passphrase import check_passphrase
from protocol.crypto.jubjub import SUBGROUP_ORDER, Point
from protocol.crypto.schnorr import Signature, Signer

FILE_NAME = "wallet.json"
L1_PATH = "m/44'/60'/0'/0/0"
_WORDS = Mnemonic("english")
_STRENGTH_BITS = 128
_KEY_NUMBER = "key_number"
_MOST_DIGITS = 10


def _jubjub_secret(seed: bytes, key_number: int) -> int:
    attempt, key = 0, f"key {key_number}/" if key_number else ""
    while True:
        info = f"wattlane/jubjub/{key}{attempt}".encode()
        wide = HKDF(algorithm=SHA512(), length=64, salt=None, info=info).derive(seed)
        secret = int.from_bytes(wide, "little") % SUBGROUP_ORDER
        if secret:
            return secret
        attempt += 1


def _derived(secret: bytes, info: bytes) -> bytes:
    return HKDF(algorithm=SHA512(), length=32, salt=None, info=info).derive(secret)


class Wallet:
    """An unlocked wallet: signs, and shows only what is public."""

    __slots__ = (
        "__l1_account",
        "__signer",
        "__towers",
        "key",
        "key_hash",
        "key_number",
        "l1_address",
        "path",
    )

    def __init__(self, path: Path, entropy: bytes, key_number: int = 0) -> None:
        seed = _WORDS.to_seed(_WORDS.to_mnemonic(entropy))
        self.path = path
        self.key_number = key_number
        self.__signer = Signer(_jubjub_secret(seed, key_number))
        self.__towers = _derived(seed, b"wattlane/towers")
        self.__l1_account: LocalAccount = EthAccount.from_key(key_from_seed(seed, L1_PATH))
        self.key: Point = self.__signer.key
        self.key_hash: int = self.__signer.key_hash
        self.l1_address: str = self.__l1_account.address

    def __repr__(self) -> str:
        return f"Wallet(l1_address={self.l1_address}, key_hash={self.key_hash:#x})"

    def __reduce__(self) -> str:
        raise TypeError("a wallet is not pickled: load it from its keystore")

    @property
    def l1_account(self) -> LocalAccount:
        """The L1 account, for signing L1 transactions."""
        return self.__l1_account

    def sign(self, message: int) -> Signature:
        """Schnorr signature over a field element, with fresh randomness."""
        return self.__signer.sign(message, os.urandom(32))

    def tower_key(self, lane: bytes) -> bytes:
        """The 32-byte key of a lane's sealed records: the same in every process of this wallet."""
        return _derived(self.__towers, b"wattlane/sealed/" + lane)

    @classmethod
    def create(cls, folder: Path | str, passphrase: str) -> tuple[Wallet, str]:
        """A new wallet in `folder` and its recovery phrase (12 words), to be written down.

        Raises BadPassphrase, KeystoreExists.
        """
        phrase = _WORDS.generate(_STRENGTH_BITS)
        return cls.restore(folder, phrase, passphrase), phrase

    @classmethod
    def restore(
        cls, folder: Path | str, phrase: str, passphrase: str, key_number: int = 0
    ) -> Wallet:
        """The wallet of a recovery phrase, under a passphrase of your choice.

        `key_number`: how often its key was replaced. Raises BadRecoveryPhrase, BadPassphrase,
        KeystoreExists.
        """
        check_passphrase(passphrase)
        words = " ".join(phrase.lower().split())
        if not _WORDS.check(words):
            raise BadRecoveryPhrase
        entropy = bytes(_WORDS.to_entropy(words))
        path = Path(folder) / FILE_NAME
        wallet = cls(path, entropy, key_number)
        keystore.seal(path, entropy, passphrase, wallet._public())
        return wallet

    @classmethod
    def rotate(cls, folder: Path | str, passphrase: str) -> Wallet:
        """Replace the key of the wallet in `folder` by the next one of its phrase.

        The account has the new key once a KEY_CHANGE says so on L1. Raises as `load`.
        """
        path = Path(folder) / FILE_NAME
        entropy = _entropy(path, passphrase)
        wallet = cls(path, entropy, _key_number(path) + 1)
        keystore.seal(wallet.path, entropy, passphrase, wallet._public(), replace=True)
        return wallet

    def _public(self) -> dict[str, str]:
        shown = {"key_hash": f"{self.key_hash:#066x}", "l1_address": self.l1_address}
        return shown | ({_KEY_NUMBER: str(self.key_number)} if self.key_number else {})

    @classmethod
    def load(cls, folder: Path | str, passphrase: str) -> Wallet:
        """Unlock the wallet in `folder`.

        Raises KeystoreMissing, MalformedKeystore, KeystoreTooNew, WrongPassphrase.
        """
        path = Path(folder) / FILE_NAME
        entropy = _entropy(path, passphrase)  # which authenticates what is public beside it
        return cls(path, entropy, _key_number(path))

    @staticmethod
    def export(folder: Path | str, passphrase: str) -> str:
        """The recovery phrase: whoever reads it owns the money. Raises as `load`."""
        return _WORDS.to_mnemonic(_entropy(Path(folder) / FILE_NAME, passphrase))

    @staticmethod
    def show(folder: Path | str) -> dict[str, str]:
        """key_hash and l1_address as the file has them, without a passphrase. Raises as `load`."""
        return keystore.read_public(Path(folder) / FILE_NAME)


def _entropy(path: Path, passphrase: str) -> bytes:
    entropy = keystore.unseal(path, passphrase)
    if len(entropy) not in (16, 20, 24, 28, 32):
        raise MalformedKeystore(str(path), "the secret has an impossible length")
    return entropy


def _key_number(path: Path) -> int:
    """How often the key of the wallet in this file was replaced. Authentic once it is unsealed."""
    given = keystore.read_public(path).get(_KEY_NUMBER, "0")
    if not (given.isascii() and given.isdigit() and len(given) < _MOST_DIGITS):
        raise MalformedKeystore(str(path), "no number of its key")
    return int(given)
