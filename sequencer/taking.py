"""What the ledger asks of a transaction before it executes it, and what it promises afterwards.

Pure: the book and the terms come as arguments, and nothing is changed.
"""

from __future__ import annotations

from protocol.errors import NoOperatorAccount
from protocol.transactions import Open, TopUp, Transaction, Transfer, Withdraw
from sequencer.admission import ANYBODY, Policy, party_of
from sequencer.book import Book
from sequencer.errors import MempoolFull
from sequencer.receipts import Receipt

BATCHES_AHEAD = 4
"""So many full batches of executed transactions wait at most, before the intake holds the rest."""


def room_ahead(book: Book, most_transactions: int) -> int:
    """How many more transactions of the intake may be executed before batches take them."""
    return max(0, BATCHES_AHEAD * most_transactions - len(book.soft.pending))


def check_room(policy: Policy, book: Book, transaction: Transaction) -> None:
    """Raises MempoolFull where too many wait, altogether or of this party.

    What nobody signs is not held to a party's limit here: it ends a channel, once, or is refused.
    """
    if len(book.soft.pending) >= policy.mempool_limit:
        raise MempoolFull("everyone", policy.mempool_limit)
    party = party_of(transaction)
    if party != ANYBODY and book.soft.parties[party] >= policy.party_limit:
        raise MempoolFull(party, policy.party_limit)


def crowded(policy: Policy, book: Book) -> list[str]:
    """The parties that have as many waiting as they may."""
    return [party for party, count in book.soft.parties.items() if count >= policy.party_limit]


def check_operator(book: Book, transaction: Transaction) -> None:
    """Raises NoOperatorAccount where a fee would have nobody to go to."""
    body, index = transaction.body, book.rollup.operator_index
    pays = isinstance(body, Transfer | Withdraw | Open | TopUp) and body.fee_ntok > 0
    if pays and book.soft.state.find_account(index) is None:
        raise NoOperatorAccount(index)


def soft_receipt(book: Book, id_: str, most_transactions: int, policy: Policy) -> Receipt:
    """Where a transaction that was just executed, and not appended yet, stands in the order."""
    batches_ahead, position = divmod(len(book.soft.pending), most_transactions)
    number = book.sealed_number + 1 + batches_ahead
    deadline = book.position.l1_time + policy.included_within_s
    return Receipt(id_, "soft", number, position, book.soft.state.root, deadline)
