"""Transactions into the mempool by any process, without the batcher: checked, durable, answered.

Accepted means: the operator's policy takes it, it is signed by a key that the account or channel
may have, and its row is on the disk. Whether it applies is known once the batcher has executed it,
in the order of the rows. Nothing here holds state that could be lost: what is remembered is read
from the database and only ever makes a check stricter than the batcher's where it is read anew.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic

from protocol.codec import transaction_id
from protocol.crypto.schnorr import key_hash, verify
from protocol.errors import (
    BadSignature,
    ProtocolError,
    UnknownAccount,
    UnknownChannel,
    WrongKey,
    WrongNonce,
)
from protocol.transactions import (
    Claim,
    Close,
    Finalize,
    Open,
    StartClose,
    TopUp,
    Transaction,
    Transfer,
    Withdraw,
)
from protocol.units import INDEX_BITS
from sequencer.admission import Policy, check_policy, party_of
from sequencer.ending import Ending
from sequencer.errors import AdmissionError, MempoolFull
from sequencer.storage import intake, mempool, meta, signers
from sequencer.storage.database import Connection, Database
from sequencer.storage.intake import Offered
from sequencer.storage.signers import AccountKeys

REMEMBERED_S = 0.5
"""So long L1's time, the mempool's size and the like are not read again."""

MOST_REMEMBERED = 100_000
_INDEX_MASK = (1 << INDEX_BITS) - 1


@dataclass(frozen=True, slots=True)
class _Terms:
    """What holds for all transactions. `waiting`: how many there are in the intake."""

    domain: int
    l1_time: int
    ending: Ending
    waiting: int


def _count_nowhere(_transaction: Transaction) -> None:
    return


class Intake:
    """Thread-safe. `clock` is the operator's, in seconds.

    `on_taken` is told of each transaction once its row is on the disk, and never of one that was
    here already: it is what a party's share is counted by.
    """

    def __init__(
        self,
        database: Database,
        policy: Policy,
        clock: Callable[[], float],
        on_taken: Callable[[Transaction], None] = _count_nowhere,
    ) -> None:
        self._database, self._policy, self._clock = database, policy, clock
        self._on_taken = on_taken
        self._lock = threading.Lock()
        self._terms: _Terms | None = None
        self._read_at = 0.0
        self._accounts: dict[int, AccountKeys] = {}
        self._channels: dict[int, tuple[int, int]] = {}

    @property
    def domain(self) -> int:
        """What transactions are signed for. Raises StorageError."""
        return self._now().domain

    def check(self, transaction: Transaction, given_domain: int | None = None) -> Offered:
        """Whether it may be accepted, as far as can be told without executing it.

        One that was taken before may always be offered again. Raises AdmissionError, ProtocolError,
        StorageError.
        """
        offered = Offered(transaction_id(transaction), party_of(transaction), transaction)
        try:
            self._check(transaction, given_domain)
        except (AdmissionError, ProtocolError):
            if not self.knows(transaction):
                raise
        return offered

    def knows(self, transaction: Transaction) -> bool:
        """Whether it is here already, and was not rejected. Raises StorageError."""
        id_ = transaction_id(transaction)
        with self._database.read() as connection:
            return bool(self._known(connection, [id_]))

    def _check(self, transaction: Transaction, given_domain: int | None) -> None:
        terms = self._now()
        terms.ending.check(transaction, terms.l1_time)
        check_policy(self._policy, transaction, terms.l1_time, terms.domain, given_domain)
        self._check_signed(transaction, terms.domain)

    def accept(self, offered: Sequence[Offered]) -> list[MempoolFull | None]:
        """Keep them in one write; for each None, or why it was not accepted.

        What was accepted, or executed without being refused, stays as it is. Raises StorageError,
        and then nothing was accepted that was not before.
        """
        now = self._clock()
        with self._database.write() as connection:
            known = self._known(connection, [one.id for one in offered])
            fresh = [one for one in offered if one.id not in known]
            waiting = intake.count_by_party(connection, {one.party for one in fresh})
            room = self._policy.mempool_limit - self._now().waiting
            outcomes: dict[str, MempoolFull | None] = dict.fromkeys(known)
            taken: list[Offered] = []
            for one in fresh:
                if one.id in outcomes:
                    continue
                outcomes[one.id] = self._refusal(one, waiting.get(one.party, 0), len(taken), room)
                if outcomes[one.id] is None:
                    waiting[one.party] = waiting.get(one.party, 0) + 1
                    taken.append(one)
            intake.add(connection, taken, now)
        self._count(len(taken))
        for one in taken:
            self._on_taken(one.transaction)
        return [outcomes[one.id] for one in offered]

    def _known(self, connection: Connection, ids: Sequence[str]) -> set[str]:
        executed = mempool.standing(connection, ids)
        done = {id_ for id_, status in executed.items() if status in mempool.TAKEN}
        return done | intake.present(connection, ids)

    def _refusal(self, one: Offered, of_party: int, taken: int, room: int) -> MempoolFull | None:
        if taken >= room:
            return MempoolFull("everyone", self._policy.mempool_limit)
        if of_party >= self._policy.party_limit:
            return MempoolFull(one.party, self._policy.party_limit)
        return None

    # ------------------------------------------------------------------------ signatures

    def _check_signed(self, transaction: Transaction, domain: int) -> None:
        body = transaction.body
        match body:
            case Transfer():
                self._check_account(body.from_index, body.nonce, transaction, "the sender")
            case Withdraw():
                self._check_account(body.index, body.nonce, transaction, "the owner")
            case Open():
                self._check_account(body.a_index, body.nonce, transaction, "the opener")
            case TopUp():
                side = _parties(body.channel_id)[body.side]
                self._check_account(side, body.nonce, transaction, "the payer")
            case StartClose():
                side = _parties(body.channel_id)[body.side]
                self._check_account(side, body.nonce, transaction, "the closer")
            case Claim():
                self._check_channel(body.channel_id, int(body.lane), transaction, 0, "the payer")
            case Close():
                self._check_channel(body.channel_id, 0, transaction, 0, "side A")
                self._check_channel(body.channel_id, 1, transaction, 1, "side B")
            case Finalize():
                if self._channel(body.channel_id) is None:
                    raise UnknownChannel(f"{body.channel_id:#x}")
                return
        message = body.message(domain)
        for signature in transaction.signatures:
            if not verify(signature, message):
                raise BadSignature("a signer")

    def _check_account(self, index: int, nonce: int, transaction: Transaction, who: str) -> None:
        signer = key_hash(transaction.signatures[0].key)
        known = self._accounts.get(index)
        if known is None or signer not in known.key_hashes:
            known = self._account(index)  # it may be new, or have another key now
        if known is None:
            raise UnknownAccount(index)
        if signer not in known.key_hashes:
            raise WrongKey(who)
        if nonce < known.nonce:
            raise WrongNonce(index, known.nonce, nonce)

    def _check_channel(
        self, id_: int, side: int, transaction: Transaction, signature: int, who: str
    ) -> None:
        """A channel's keys are those that its accounts had when it was opened."""
        signer = key_hash(transaction.signatures[signature].key)
        keys = self._channel(id_)
        if keys is not None:
            if signer != keys[side]:
                raise WrongKey(who)
            return
        index = _parties(id_)[side]  # it is too new to be final: so are its keys
        account = self._account(index)
        if account is None:
            raise UnknownAccount(index)
        if signer not in account.key_hashes:
            raise WrongKey(who)

    def _account(self, index: int) -> AccountKeys | None:
        with self._database.read() as connection:
            found = signers.of_accounts(connection, [index]).get(index)
        if found is not None:
            if len(self._accounts) >= MOST_REMEMBERED:
                self._accounts.clear()
            self._accounts[index] = found
        return found

    def _channel(self, id_: int) -> tuple[int, int] | None:
        """Its keys, which never change; None where it is not final."""
        found = self._channels.get(id_)
        if found is None:
            with self._database.read() as connection:
                found = signers.of_channels(connection, [id_]).get(id_)
            if found is not None:
                if len(self._channels) >= MOST_REMEMBERED:
                    self._channels.clear()
                self._channels[id_] = found
        return found

    # ------------------------------------------------------------------------ terms

    def _now(self) -> _Terms:
        with self._lock:
            terms = self._terms
            if terms is not None and monotonic() - self._read_at < REMEMBERED_S:
                return terms
        with self._database.read() as connection:
            terms = _Terms(
                meta.get_int(connection, meta.DOMAIN, 0),
                meta.get_int(connection, meta.L1_TIME, 0),
                Ending(
                    meta.get_int(connection, meta.EXODUS_START, 0),
                    meta.get_int(connection, meta.SUNSET, 0),
                ),
                intake.count(connection),
            )
        with self._lock:
            self._terms, self._read_at = terms, monotonic()
        return terms

    def _count(self, taken: int) -> None:
        """What this process has added counts at once; what others have, after a moment."""
        with self._lock:
            if self._terms is not None:
                terms = self._terms
                self._terms = _Terms(
                    terms.domain, terms.l1_time, terms.ending, terms.waiting + taken
                )


def _parties(channel_id: int) -> tuple[int, int]:
    return channel_id & _INDEX_MASK, channel_id >> 32 & _INDEX_MASK
