# pragma version 0.4.3
"""
@title Accounts as L1 knows them, and what their owners ask for here
@license Apache-2.0
@notice Owns the numbering: the contract gives each account its index and remembers its l1_address,
        so nobody can plant an account under another's key. Whoever is an account's l1_address can
        change its key and take out its balance without the operator; what the rollup's state says
        of the sender decides that when the op takes effect, here anyone may ask.
@dev    All cost the queue's fee in ether (`queue.queue_fee_wei`).
"""

import governance
import polynomials
import queue
import vault

uses: governance
uses: queue
uses: vault

R: constant(uint256) = polynomials.R

OP_NEW_ACCOUNT: constant(uint256) = 1
OP_DEPOSIT: constant(uint256) = 2
OP_KEY_CHANGE: constant(uint256) = 3
OP_FORCED_EXIT: constant(uint256) = 4

ACCOUNT_LIMIT: constant(uint256) = 2**24

account_count: public(uint256)  # accounts; the index that the next one gets
account_owner: public(HashMap[uint256, address])  # account index -> l1_address


@external
@payable
@nonreentrant
def new_account(key_hash: uint256, owner: address, amount_base_units: uint256) -> uint256:
    """
    @notice Opens the next account with a first deposit, paid by the caller.
    @param key_hash H2(TAG_KEY; A.x, A.y) of the account's key, below R.
    @param owner The account's l1_address: deposits must name it, withdrawals go to it.
    @param amount_base_units Of the token; what arrives must be a whole number of ntok, not 0.
    @return The account's index.
    """
    governance._check_deposits()
    index: uint256 = self.account_count
    assert index < ACCOUNT_LIMIT, "AccountsFull"
    assert key_hash < R, "KeyHashTooLarge"
    assert owner != empty(address), "OwnerZero"
    amount_ntok: uint256 = vault._take_deposit(amount_base_units)
    self.account_count = index + 1
    self.account_owner[index] = owner
    self._enqueue(OP_NEW_ACCOUNT, index, owner, amount_ntok, key_hash)
    return index


@external
@payable
@nonreentrant
def deposit(account_index: uint256, owner: address, amount_base_units: uint256):
    """
    @notice Adds to an account's balance, paid by the caller.
    @param owner Must be the l1_address on record: a reorg may have given the index to another.
    @param amount_base_units As in new_account.
    """
    governance._check_deposits()
    self._check_exists(account_index)
    assert self.account_owner[account_index] == owner, "OwnerMismatch"
    amount_ntok: uint256 = vault._take_deposit(amount_base_units)
    self._enqueue(OP_DEPOSIT, account_index, msg.sender, amount_ntok, 0)


@external
@payable
@nonreentrant
def change_key(account_index: uint256, key_hash: uint256):
    """
    @notice Gives the account another key, if the sender is its l1_address.
    @param key_hash Of the new key, below R.
    """
    self._check_exists(account_index)
    assert key_hash < R, "KeyHashTooLarge"
    self._enqueue(OP_KEY_CHANGE, account_index, msg.sender, 0, key_hash)


@external
@payable
@nonreentrant
def force_exit(account_index: uint256):
    """
    @notice Takes the account's whole balance out, if the sender is its l1_address.
    """
    self._check_exists(account_index)
    self._enqueue(OP_FORCED_EXIT, account_index, msg.sender, 0, 0)


@internal
@view
def _check_exists(account_index: uint256):
    assert account_index < self.account_count, "UnknownAccount"


@internal
@payable
def _enqueue(
    op: uint256, index: uint256, party: address, amount_ntok: uint256, key_hash: uint256
):
    """
    @param party Owner of a new account, payer of a deposit, else the sender.
    """
    queue._enqueue(
        op, index, convert(party, uint256) | amount_ntok << 160, [key_hash, 0, 0, 0, 0], 0
    )
