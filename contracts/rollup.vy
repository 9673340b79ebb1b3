# pragma version 0.4.3
"""
@title Wattlane: a rollup of payment channels, accepted batch by batch with a validity proof
@license Apache-2.0
@notice Owns the L1 side of docs/protocol.md: the state root changes only with a proof (C2), every
        queue op takes effect exactly once and in order (C3), and the token balance covers all that
        is owed (C1). Nobody has a key to the funds: the operator may only be first to submit a
        batch, and nothing here can be upgraded.
@dev    Reverts carry a short name (`assert ..., "StaleRoot"`); the list with its meaning is
        contracts/errors.py, where a test holds the two together. An empty revert is a calldata
        word outside its ABI type. Units: ntok = 10^-9 token; times in seconds since 1970.
"""

from ethereum.ercs import IERC20

import blobs
import calldata
import combination
import messages
import polynomials
import queue
import vault
import verifier

initializes: queue
initializes: vault
initializes: verifier
initializes: combination[verifier := verifier]

exports: (vault.withdraw, vault.pending_ntok, vault.held_ntok, combination.proofs_hold)


# Constants

R: constant(uint256) = polynomials.R  # order of the field Fr
# H4(TAG_STATE; E12, E12, 0, 0): both trees empty.
GENESIS_ROOT: constant(uint256) = 47371869789403867778011508693007539615464353420482134488434868181510038898728

OP_NEW_ACCOUNT: constant(uint256) = 1
OP_DEPOSIT: constant(uint256) = 2

MAX_QUEUE_SLOTS: constant(uint256) = queue.QUEUE_SLOTS_MAX
MAX_USER_SLOTS: constant(uint256) = 32
MAX_PROOFS: constant(uint256) = combination.MAX_PROOFS
MAX_OPS: constant(uint256) = queue.MAX_OPS
MAX_DATA: constant(uint256) = 256  # elements of all proofs in a batch
MAX_WITHDRAWALS: constant(uint256) = 256

ACCOUNT_LIMIT: constant(uint256) = 2**24

L1_TIME_LAG: constant(uint256) = 7200  # seconds a batch's l1_time may lie behind its block
OPERATOR_PRIVILEGE: constant(uint256) = 3 * 86400  # seconds; the oldest op older: anyone submits


# Types

# What is fixed at deployment.
struct Settings:
    token: address
    operator: address
    queue_slots: uint256  # Q
    user_slots: uint256  # N
    domain: uint256  # 128 bits
    base_units_per_ntok: uint256  # 1 where the token has 9 decimals or fewer
    ntok_per_base_unit: uint256  # 1 where the token has 9 decimals or more


# Where the rollup stands, kept in one word: l1_time + processed 2^64 + batches 2^128.
struct Progress:
    l1_time: uint256  # seconds; of the last batch
    processed: uint256  # queue ops that took effect
    batches: uint256


# Events: with the calldata of the batches they allow a full rebuild

event BatchAccepted:
    number: indexed(uint256)
    new_root: uint256
    l1_time: uint256  # seconds
    queue_covered: uint256  # seconds; of the last proof
    processed: uint256  # number of the last op that took effect
    proofs: uint256  # in the batch


# Storage and immutables

OPERATOR: immutable(address)
QUEUE_SLOTS: immutable(uint256)  # Q
USER_SLOTS: immutable(uint256)  # N
DOMAIN: immutable(uint256)  # 128 bits

state_root: public(uint256)
packed_progress: uint256
account_count: public(uint256)  # accounts; the index that the next one gets
account_owner: public(HashMap[uint256, address])  # account index -> l1_address


@deploy
def __init__(
    token: IERC20,
    operator: address,
    queue_slots: uint256,
    user_slots: uint256,
    key: verifier.VerifyingKey,
):
    """
    @param token The settlement token; its decimals are read once, here.
    @param operator Who submits batches while the oldest queue op is at most three days old.
    @param queue_slots Q of the circuit, 1 to 8.
    @param user_slots N of the circuit, 1 to 32.
    @param key Verifying key; alpha, gamma and delta negated. Nothing can replace it later.
    """
    assert queue_slots >= 1 and queue_slots <= MAX_QUEUE_SLOTS, "BadSlotCount"
    assert user_slots >= 1 and user_slots <= MAX_USER_SLOTS, "BadSlotCount"
    verifier.__init__(key)
    vault.__init__(token)
    OPERATOR = operator
    QUEUE_SLOTS = queue_slots
    USER_SLOTS = user_slots
    DOMAIN = convert(keccak256(abi_encode("wattlane", chain.id, self)), uint256) % 2**128
    self.state_root = GENESIS_ROOT


# Deposits and the queue

@external
@nonreentrant
def new_account(key_hash: uint256, owner: address, amount_base_units: uint256) -> uint256:
    """
    @notice Opens the next account with a first deposit, paid by the caller.
    @param key_hash H2(TAG_KEY; A.x, A.y) of the account's key, below R.
    @param owner The account's l1_address: deposits must name it, withdrawals go to it.
    @param amount_base_units Of the token; what arrives must be a whole number of ntok, not 0.
    @return The account's index.
    """
    index: uint256 = self.account_count
    assert index < ACCOUNT_LIMIT, "AccountsFull"
    assert key_hash < R, "KeyHashTooLarge"
    assert owner != empty(address), "OwnerZero"
    amount_ntok: uint256 = vault._take_deposit(amount_base_units)
    self.account_count = index + 1
    self.account_owner[index] = owner
    queue._enqueue(OP_NEW_ACCOUNT, index, owner, amount_ntok, key_hash)
    return index


@external
@nonreentrant
def deposit(account_index: uint256, owner: address, amount_base_units: uint256):
    """
    @notice Adds to an account's balance, paid by the caller.
    @param owner Must be the l1_address on record: a reorg may have given the index to another.
    @param amount_base_units As in new_account.
    """
    assert account_index < self.account_count, "UnknownAccount"
    assert self.account_owner[account_index] == owner, "OwnerMismatch"
    amount_ntok: uint256 = vault._take_deposit(amount_base_units)
    queue._enqueue(OP_DEPOSIT, account_index, msg.sender, amount_ntok, 0)


# Batches

@external
def submit_batch(
    l1_time: uint256,
    proofs: DynArray[combination.Proof, MAX_PROOFS],
    data: DynArray[uint256, MAX_DATA],
    ops: DynArray[queue.Op, MAX_OPS],
    withdrawals: DynArray[uint256, MAX_WITHDRAWALS],
    opening: bytes32[3] = empty(bytes32[3]),
):
    """
    @notice Moves the state by 1 to 16 proofs, each from where the one before it ends. Two entries:
            without `opening` all their data are in calldata (mode 0), with it they are in the
            transaction's one blob (mode 1).
    @param l1_time Seconds; the time the batch was made for: not below the last batch's, not
           above this block's, at most 7,200 behind it.
    @param data Exactly S = 1 + N elements a proof, each below R; at most 256. In mode 1 none:
           they are the coefficients of the blob's polynomial.
    @param ops The queue ops it consumes, oldest first: exactly min(Q a proof, unprocessed ops
           enqueued by l1_time); op i is in queue slot i % Q of proof i // Q. Room for at most 32.
    @param withdrawals Every amount paid out, by strictly increasing position: recipient +
           amount in ntok 2^160 + position 2^224.
    @param opening The blob's KZG commitment, which never begins with a zero byte, and the proof
           that its polynomial is at z what the proofs say; 48 bytes each, one after the other.
    """
    # Called by the transaction itself, so that its calldata is these arguments, for all to read. An
    # account with code (EIP-7702) could hide them in calls of its own. So no token can call this
    # from within a transfer either: there is nothing to lock.
    assert msg.sender == tx.origin and msg.sender.codesize == 0, "NotDirect"
    in_blob: bool = opening[0] != empty(bytes32)
    calldata._check_arrays(in_blob, len(proofs), len(data), len(ops), len(withdrawals))
    progress: Progress = self._progress()
    assert msg.sender == OPERATOR or queue._oldest_is_older_than(
        progress.processed, OPERATOR_PRIVILEGE
    ), "NotOperator"
    self._check_time(l1_time, progress.l1_time)
    count: uint256 = len(proofs)
    assert count > 0, "NoProof"
    root: uint256 = self.state_root
    assert proofs[0].old_root == root, "StaleRoot"
    assert count * QUEUE_SLOTS <= MAX_OPS, "TooManyProofs"
    expected_length: uint256 = 0
    if not in_blob:
        expected_length = count * (1 + USER_SLOTS)
    assert len(data) == expected_length, "BadDataLength"

    # The queue, and all messages in one hash.
    commitment: bytes32 = empty(bytes32)
    rolling_hash: bytes32 = empty(bytes32)
    if len(ops) > 0:
        rolling_hash = queue.records[progress.processed].hash
    for entry: queue.Op in ops:
        rolling_hash = queue._chain_hash(rolling_hash, entry)
        commitment = messages._bind_op(commitment, entry.elements)
    processed: uint256 = progress.processed + len(ops)
    queue_covered: uint256 = queue._check_consumed(
        processed, rolling_hash, len(ops), count * QUEUE_SLOTS, l1_time
    )
    free: uint256 = 0  # the lowest position that the next withdrawal may have
    for withdrawal: uint256 in withdrawals:
        assert withdrawal >> 224 >= free, "BadWithdrawalPosition"
        free = (withdrawal >> 224) + 1
        messages._check_withdrawal(withdrawal, count, len(ops), QUEUE_SLOTS, USER_SLOTS)
        commitment = messages._bind_withdrawal(commitment, withdrawal)

    # The chain of roots, what each proof covers of the queue, and z.
    contexts: DynArray[uint256, MAX_PROOFS] = []
    mode: uint256 = polynomials.MODE_CALLDATA
    data_commitment: bytes32 = empty(bytes32)
    if in_blob:
        mode = polynomials.MODE_BLOB
        data_commitment = blobs._only_hash()
    else:
        data_commitment = keccak256(abi_encode(data))
    bound: bytes32 = polynomials._start(mode, count, data_commitment, commitment)
    for k: uint256 in range(count, bound=MAX_PROOFS):
        proof: combination.Proof = proofs[k]
        assert proof.old_root == root, "BrokenChain"
        assert (
            proof.new_root < R and proof.digest < R and proof.y_data < R and proof.y_msg < R
        ), "InputTooLarge"
        root = proof.new_root
        covered: uint256 = queue_covered
        left: uint256 = (k + 1) * QUEUE_SLOTS  # the batch's first op that this proof leaves
        if left < len(ops):
            covered = queue._enqueue_time(ops[left].elements)
        context: uint256 = DOMAIN | l1_time << 128 | covered << 168
        bound = polynomials._bind(bound, proof.old_root, root, context, proof.digest)
        contexts.append(context)
    z: uint256 = convert(bound, uint256) % R

    # Each proof's messages at z, and all data at z.
    expected: DynArray[uint256, MAX_PROOFS] = []
    width: uint256 = messages.SLOT_WIDTH * QUEUE_SLOTS + USER_SLOTS
    z_w: uint256 = polynomials._power(z, width)
    for k: uint256 in range(count, bound=MAX_PROOFS):
        expected.append(
            messages._links_at(proofs[k].old_root, proofs[k].new_root, contexts[k], z, z_w)
        )
    for i: uint256 in range(len(ops), bound=MAX_OPS):
        k: uint256 = i // QUEUE_SLOTS
        term: uint256 = messages._op_at(ops[i].elements, i % QUEUE_SLOTS, z)
        expected[k] = uint256_addmod(expected[k], term, R)
    for withdrawal: uint256 in withdrawals:
        k: uint256 = (withdrawal >> 224) // width
        term: uint256 = messages._withdrawal_at(withdrawal, width, z)
        expected[k] = uint256_addmod(expected[k], term, R)
    claimed_data: uint256 = 0
    power: uint256 = 1
    z_s: uint256 = polynomials._power(z, 1 + USER_SLOTS)
    for k: uint256 in range(count, bound=MAX_PROOFS):
        assert proofs[k].y_msg == expected[k], "MessagesMismatch"
        claimed_data = uint256_addmod(claimed_data, uint256_mulmod(proofs[k].y_data, power, R), R)
        power = uint256_mulmod(power, z_s, R)
    if in_blob:
        blobs._check_opening(data_commitment, z, claimed_data, opening)
    else:
        actual_data: uint256 = 0
        power = 1
        for element: uint256 in data:
            assert element < R, "DataTooLarge"
            actual_data = uint256_addmod(actual_data, uint256_mulmod(element, power, R), R)
            power = uint256_mulmod(power, z, R)
        assert actual_data == claimed_data, "DataMismatch"

    if count == 1:
        assert verifier._verify(
            proofs[0].points, [proofs[0].digest, z, proofs[0].y_data, proofs[0].y_msg]
        ), "ProofRejected"
    else:
        assert staticcall combination.Itself(self).proofs_hold(proofs, z), "ProofRejected"

    number: uint256 = progress.batches + 1
    self.state_root = root
    self.packed_progress = l1_time | processed << 64 | number << 128
    for withdrawal: uint256 in withdrawals:
        recipient: address = convert(withdrawal % 2**160, address)
        amount_ntok: uint256 = (withdrawal >> 160) % 2**64
        vault._owe(recipient, amount_ntok, number, withdrawal >> 224)
    log BatchAccepted(
        number=number,
        new_root=root,
        l1_time=l1_time,
        queue_covered=queue_covered,
        processed=processed,
        proofs=count,
    )


@internal
@view
def _check_time(l1_time: uint256, last_l1_time: uint256):
    assert l1_time >= last_l1_time, "TimeWentBack"
    assert l1_time <= block.timestamp, "TimeInFuture"
    assert l1_time + L1_TIME_LAG >= block.timestamp, "TimeTooOld"


# Views

@internal
@view
def _progress() -> Progress:
    packed: uint256 = self.packed_progress
    return Progress(
        l1_time=packed % 2**64, processed=(packed >> 64) % 2**64, batches=packed >> 128
    )


@external
@view
def progress() -> Progress:
    """
    @return The last batch's l1_time in seconds, queue ops processed, batches accepted.
    """
    return self._progress()


@external
@view
def enqueued() -> uint256:
    """
    @return How many queue ops there are, which is the number of the newest.
    """
    return queue.enqueued


@external
@view
def queue_record(number: uint256) -> queue.Record:
    """
    @param number From 1; 0 and numbers not yet given have an empty record.
    """
    return queue.records[number]


@external
@view
def settings() -> Settings:
    """
    @return What was fixed at deployment, except for the key.
    """
    return Settings(
        token=vault.TOKEN.address,
        operator=OPERATOR,
        queue_slots=QUEUE_SLOTS,
        user_slots=USER_SLOTS,
        domain=DOMAIN,
        base_units_per_ntok=vault.BASE_UNITS_PER_NTOK,
        ntok_per_base_unit=vault.NTOK_PER_BASE_UNIT,
    )


@external
@view
def verifying_key() -> verifier.VerifyingKey:
    """
    @return The key as deployed: alpha, gamma and delta negated.
    """
    return verifier.KEY
