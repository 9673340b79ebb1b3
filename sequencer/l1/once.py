"""Invariant: a call that was signed once is sent once, however often whoever makes it starts again.

Every signed transaction is in a journal, on disk, before its first byte is sent. Making the same
call again finds it there: what is in a block is not sent again, what is not is sent again as it is.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict
from pathlib import Path

from eth_account.signers.local import LocalAccount

from contracts.rpc import Rpc
from contracts.transactions import PreparedTransaction, Receipt, Sender, find_receipt
from sequencer.errors import BadSettings


class OnceSender(Sender):
    """A Sender with a journal. Two equal calls are one call."""

    def __init__(self, rpc: Rpc, account: LocalAccount, journal: Path) -> None:
        """Raises BadSettings where the journal cannot be read."""
        super().__init__(rpc, account)
        self._journal = journal
        self._signed = _read(journal)
        self.first_block: int | None = None

    def send(self, to: str | None, data: bytes, value_wei: int = 0) -> Receipt:
        """See Sender.send; a call that was made before gives the receipt that it has, or gets.

        `first_block` is then the oldest block in which one of the calls made so far is.
        """
        with self._lock:
            call = self._name(to, data, value_wei)
            prepared = self._signed.get(call)
            if prepared is None or not self._can_take_effect(prepared):
                prepared = self.prepare(to, data, value_wei)
                self._write(call, prepared)
            if not self._is_known(prepared.transaction_hash):
                self.broadcast(prepared)
            receipt = self.wait(prepared.transaction_hash)
            self.first_block = min(receipt.block_number, self.first_block or receipt.block_number)
            return receipt

    def _name(self, to: str | None, data: bytes, value_wei: int) -> str:
        chain_id = self.rpc.quantity("eth_chainId")
        text = f"{chain_id}|{self.address}|{to}|{value_wei}|"
        return hashlib.sha256(text.encode() + data).hexdigest()

    def _can_take_effect(self, prepared: PreparedTransaction) -> bool:
        """Whether it did, or may: it has not failed, and its nonce is still free, or its own."""
        receipt = find_receipt(self.rpc, prepared.transaction_hash)
        if receipt is not None:
            return receipt.succeeded
        if self._is_known(prepared.transaction_hash):
            return True
        free = self.rpc.quantity("eth_getTransactionCount", self.address, "pending")
        return prepared.nonce == free

    def _write(self, call: str, prepared: PreparedTransaction) -> None:
        fields = asdict(prepared)
        for name in ("raw_bytes", "transaction_hash"):
            fields[name] = fields[name].hex()
        try:
            with self._journal.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"call": call, **fields}) + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise BadSettings(f"{self._journal} cannot be written: {error.strerror}") from error
        self._signed[call] = prepared


def _read(journal: Path) -> dict[str, PreparedTransaction]:
    """The newest transaction of each call; a line that was cut off, whose transaction was therefore
    never sent, is removed."""
    try:
        written = journal.read_bytes() if journal.exists() else b""
        whole = written[: written.rfind(b"\n") + 1]
        if whole != written:
            os.truncate(journal, len(whole))
    except OSError as error:
        raise BadSettings(f"{journal} cannot be read: {error.strerror}") from error
    signed: dict[str, PreparedTransaction] = {}
    for number, line in enumerate(whole.splitlines(), start=1):
        try:
            fields = json.loads(line)
            call = fields.pop("call")
            for name in ("raw_bytes", "transaction_hash"):
                fields[name] = bytes.fromhex(fields[name])
            signed[call] = PreparedTransaction(**fields)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise BadSettings(f"{journal}, line {number}, is damaged: {error}") from error
    return signed
