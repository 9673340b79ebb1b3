# pragma version 0.4.3
"""
@title Wattlane: a rollup of payment channels, accepted batch by batch with a validity proof
@license Apache-2.0
@notice Owns the L1 side of docs/protocol.md: the state root changes only with a proof (C2), every
        queue op takes effect exactly once and in order (C3), and the token balance covers all that
        is owed (C1). Nobody has a key to the funds: the operator may only be first to submit a
        batch, the owner only what `governance` says, and nothing here can be upgraded.
@dev    Reverts carry a short name (`assert ..., "StaleRoot"`); the list with its meaning is
        contracts/errors.py, where a test holds the two together. An empty revert is a calldata
        word outside its ABI type. Units: ntok = 10^-9 token; times in seconds since 1970.
"""

from ethereum.ercs import IERC20

import accounts
import blobs
import calldata
import closing
import combination
import ending
import governance
import messages
import polynomials
import queue
import standing
import vault
import verifier

initializes: standing
initializes: vault
initializes: queue[standing := standing]
initializes: governance[standing := standing]
initializes: accounts[governance := governance, queue := queue, vault := vault]
initializes: closing[queue := queue]
initializes: ending[
    governance := governance, queue := queue, standing := standing, vault := vault
]
initializes: verifier
initializes: combination[verifier := verifier]

exports: (
    accounts.new_account,
    accounts.deposit,
    accounts.change_key,
    accounts.force_exit,
    accounts.account_count,
    accounts.account_owner,
    closing.force_start_close,
    closing.force_claim,
    closing.force_finalize,
    queue.queue_fee_wei,
    queue.enqueued,
    queue.queue_record,
    vault.withdraw,
    vault.pending_ntok,
    vault.held_ntok,
    governance.transfer_ownership,
    governance.accept_ownership,
    governance.pause,
    governance.unpause,
    governance.announce_operator,
    governance.apply_operator,
    governance.announce_sunset,
    governance.powers,
    ending.start_exodus,
    ending.credit_exit,
    ending.exodus_start,
    combination.proofs_hold,
)


# Constants

R: constant(uint256) = polynomials.R  # order of the field Fr
# H4(TAG_STATE; E12, E12, 0, 0): both trees empty.
GENESIS_ROOT: constant(uint256) = 47371869789403867778011508693007539615464353420482134488434868181510038898728

MAX_QUEUE_SLOTS: constant(uint256) = queue.QUEUE_SLOTS_MAX
MAX_USER_SLOTS: constant(uint256) = 32
MAX_PROOFS: constant(uint256) = combination.MAX_PROOFS
MAX_OPS: constant(uint256) = queue.MAX_OPS
MAX_DATA: constant(uint256) = 256  # elements of all proofs in a batch
MAX_WITHDRAWALS: constant(uint256) = 256

L1_TIME_LAG: constant(uint256) = 7200  # seconds a batch's l1_time may lie behind its block
OPERATOR_PRIVILEGE: constant(uint256) = 3 * 86400  # seconds; the oldest op older: anyone submits


# Types

# What is fixed at deployment.
struct Settings:
    token: address
    queue_slots: uint256  # Q
    user_slots: uint256  # N
    domain: uint256  # 128 bits
    base_units_per_ntok: uint256  # 1 where the token has 9 decimals or fewer
    ntok_per_base_unit: uint256  # 1 where the token has 9 decimals or more
    exodus: address  # through which everyone leaves when the rollup has ended


# How far the rollup is.
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

QUEUE_SLOTS: immutable(uint256)  # Q
USER_SLOTS: immutable(uint256)  # N
DOMAIN: immutable(uint256)  # 128 bits

state_root: public(uint256)


@deploy
def __init__(
    token: IERC20,
    operator: address,
    owner: address,
    queue_slots: uint256,
    user_slots: uint256,
    base_fee_wei: uint256,
    key: verifier.VerifyingKey,
    exodus_blueprint: address,
    exit_key: verifier.VerifyingKey,
):
    """
    @param token The settlement token; its decimals are read once, here.
    @param operator Who submits batches while the oldest queue op is at most three days old.
    @param owner Who governs, within what `governance` allows; zero for nobody.
    @param queue_slots Q of the circuit, 1 to 8.
    @param user_slots N of the circuit, 1 to 32.
    @param base_fee_wei Of a queue op while fewer than 1,000 are pending.
    @param key Verifying key; alpha, gamma and delta negated. Nothing can replace it later.
    @param exodus_blueprint What the exodus contract is made from, here (ERC-5202).
    @param exit_key Verifying key of its proofs; negated as the other.
    """
    assert queue_slots >= 1 and queue_slots <= MAX_QUEUE_SLOTS, "BadSlotCount"
    assert user_slots >= 1 and user_slots <= MAX_USER_SLOTS, "BadSlotCount"
    verifier.__init__(key)
    vault.__init__(token)
    queue.__init__(base_fee_wei)
    governance.__init__(owner, operator)
    QUEUE_SLOTS = queue_slots
    USER_SLOTS = user_slots
    domain: uint256 = convert(keccak256(abi_encode("wattlane", chain.id, self)), uint256) % 2**128
    DOMAIN = domain
    ending.__init__(create_from_blueprint(exodus_blueprint, exit_key, domain))
    self.state_root = GENESIS_ROOT


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
    now: standing.Standing = standing._load()
    assert now.exodus_start == 0, "ExodusStarted"
    if block.timestamp < now.pause_end:
        assert queue._oldest_is_older_than(now, OPERATOR_PRIVILEGE), "Paused"
    if msg.sender != governance.operator:
        assert queue._oldest_is_older_than(now, OPERATOR_PRIVILEGE), "NotOperator"
    self._check_time(l1_time, now.l1_time)
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
        rolling_hash = queue.records[now.processed].hash
    for entry: queue.Op in ops:
        rolling_hash = queue._chain_hash(rolling_hash, entry)
        commitment = messages._bind_op(commitment, entry.elements)
    queue_covered: uint256 = queue._check_consumed(
        now, rolling_hash, len(ops), count * QUEUE_SLOTS, l1_time
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

    self.state_root = root
    now.l1_time = l1_time
    now.processed += len(ops)
    now.batches += 1
    standing._store(now)
    for withdrawal: uint256 in withdrawals:
        recipient: address = convert(withdrawal % 2**160, address)
        amount_ntok: uint256 = (withdrawal >> 160) % 2**64
        vault._owe(recipient, amount_ntok, now.batches, withdrawal >> 224)
    log BatchAccepted(
        number=now.batches,
        new_root=root,
        l1_time=l1_time,
        queue_covered=queue_covered,
        processed=now.processed,
        proofs=count,
    )


@internal
@view
def _check_time(l1_time: uint256, last_l1_time: uint256):
    assert l1_time >= last_l1_time, "TimeWentBack"
    assert l1_time <= block.timestamp, "TimeInFuture"
    assert l1_time + L1_TIME_LAG >= block.timestamp, "TimeTooOld"


# Views

@external
@view
def progress() -> Progress:
    """
    @return The last batch's l1_time in seconds, queue ops processed, batches accepted.
    """
    now: standing.Standing = standing._load()
    return Progress(l1_time=now.l1_time, processed=now.processed, batches=now.batches)


@external
@view
def settings() -> Settings:
    """
    @return What was fixed at deployment, except for the key.
    """
    return Settings(
        token=vault.TOKEN.address,
        queue_slots=QUEUE_SLOTS,
        user_slots=USER_SLOTS,
        domain=DOMAIN,
        base_units_per_ntok=vault.BASE_UNITS_PER_NTOK,
        ntok_per_base_unit=vault.NTOK_PER_BASE_UNIT,
        exodus=ending.EXODUS,
    )


@external
@view
def verifying_key() -> verifier.VerifyingKey:
    """
    @return The key as deployed: alpha, gamma and delta negated.
    """
    return verifier.KEY
