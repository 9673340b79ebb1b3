"""Invariant: a call that was signed once is sent once, however often whoever makes it starts again.

Every signed transaction is in a journal, on disk, before its first byte is sent. Making the same
call again finds it there: what is in a block is not sent again, what is not is sent again as it is,
or, where the market has left its fees behind, replaced by another of the same nonce.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from eth_account.signers.local import LocalAccount

from contracts.errors import ReceiptTimeout
from contracts.fees import highest
from contracts.rpc import Rpc
from contracts.transactions import PreparedTransaction, Receipt, Sender, find_receipt
from sequencer.errors import BadSettings

POLL_S = 0.05


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
            made = [one for one in self._signed.get(call, ()) if self._can_take_effect(one)]
            if not made:
                made = [self.prepare(to, data, value_wei)]
                self._write(call, made[0])
            elif self._is_stuck(made):
                nonce, offered = made[-1].nonce, highest([one.fees for one in made])
                made.append(self.prepare(to, data, value_wei, nonce=nonce, replaced=offered))
                self._write(call, made[-1])
            if not self.is_known(made[-1].transaction_hash):
                self.broadcast(made[-1])
            receipt = self._wait_for_one(made)
            self.first_block = min(receipt.block_number, self.first_block or receipt.block_number)
            return receipt

    def _is_stuck(self, made: Sequence[PreparedTransaction]) -> bool:
        """Whether none is in a block, and the newest offers less than the newest block asks."""
        in_block = any(find_receipt(self.rpc, one.transaction_hash) for one in made)
        return not in_block and self.is_outbid(made[-1].fees)

    def _wait_for_one(self, made: Sequence[PreparedTransaction]) -> Receipt:
        """The receipt of whichever gets into a block, as they have one nonce. Raises as `wait`."""
        deadline = time.monotonic() + self.wait_s
        while True:
            for one in made:
                if find_receipt(self.rpc, one.transaction_hash) is not None:
                    return self.wait(one.transaction_hash)
            if time.monotonic() > deadline:
                raise ReceiptTimeout("0x" + made[-1].transaction_hash.hex(), self.wait_s)
            time.sleep(POLL_S)

    def _name(self, to: str | None, data: bytes, value_wei: int) -> str:
        chain_id = self.rpc.quantity("eth_chainId")
        text = f"{chain_id}|{self.address}|{to}|{value_wei}|"
        return hashlib.sha256(text.encode() + data).hexdigest()

    def _can_take_effect(self, prepared: PreparedTransaction) -> bool:
        """Whether it did, or may: it has not failed, and its nonce is still free, or its own."""
        receipt = find_receipt(self.rpc, prepared.transaction_hash)
        if receipt is not None:
            return receipt.succeeded
        if self.is_known(prepared.transaction_hash):
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
        self._signed.setdefault(call, []).append(prepared)


def _read(journal: Path) -> dict[str, list[PreparedTransaction]]:
    """The transactions of each call, in order; a line that was cut off, whose transaction was
    therefore never sent, is removed."""
    try:
        written = journal.read_bytes() if journal.exists() else b""
        whole = written[: written.rfind(b"\n") + 1]
        if whole != written:
            os.truncate(journal, len(whole))
    except OSError as error:
        raise BadSettings(f"{journal} cannot be read: {error.strerror}") from error
    signed: dict[str, list[PreparedTransaction]] = {}
    for number, line in enumerate(whole.splitlines(), start=1):
        try:
            fields = json.loads(line)
            call = fields.pop("call")
            for name in ("raw_bytes", "transaction_hash"):
                fields[name] = bytes.fromhex(fields[name])
            signed.setdefault(call, []).append(PreparedTransaction(**fields))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise BadSettings(f"{journal}, line {number}, is damaged: {error}") from error
    return signed
