# pragma version 0.4.3
"""
@title The L1 queue: ops in order, each bound by a rolling hash
@license Apache-2.0
@notice Owns the order of the ops: op n's hash binds ops 1 to n with who paid for them, so an op
        opens from its predecessor's hash and nothing but the ops that were enqueued fits.
@dev    Which ops there are, and who may enqueue them, is the business of the importing contract.
"""

QUEUE_SLOTS_MAX: constant(uint256) = 8
MAX_OPS: constant(uint256) = 32  # in a batch


# What is kept of an op. `hash` = keccak256(predecessor's hash, elements 0..6, payer); op 0's is 0.
struct Record:
    hash: bytes32
    enqueue_time: uint256  # seconds


# An op as its event published it: message elements 0..6 (docs/protocol.md, end of section 5).
struct Op:
    elements: uint256[7]
    payer: address


event OpEnqueued:
    number: indexed(uint256)
    account_index: indexed(uint256)
    payer: indexed(address)
    elements: uint256[7]


enqueued: uint256  # ops; the number of the newest
records: HashMap[uint256, Record]  # op number, from 1 -> record


@internal
def _enqueue(
    op: uint256, account_index: uint256, party: address, amount_ntok: uint256, key_hash: uint256
):
    """
    @dev The sender pays. `party` is the owner of a new account, the payer of a deposit.
    """
    number: uint256 = self.enqueued + 1
    entry: Op = Op(
        elements=[
            op | account_index << 8 | block.timestamp << 40,
            convert(party, uint256) | amount_ntok << 160,
            key_hash,
            0,
            0,
            0,
            0,
        ],
        payer=msg.sender,
    )
    self.enqueued = number
    self.records[number] = Record(
        hash=self._chain_hash(self.records[number - 1].hash, entry), enqueue_time=block.timestamp
    )
    log OpEnqueued(
        number=number, account_index=account_index, payer=msg.sender, elements=entry.elements
    )


@internal
@pure
def _chain_hash(previous: bytes32, entry: Op) -> bytes32:
    return keccak256(abi_encode(previous, entry))


@internal
@view
def _check_consumed(
    last: uint256, hash: bytes32, count: uint256, slots: uint256, l1_time: uint256
) -> uint256:
    """
    @notice The batch's `count` ops must be exactly the oldest min(slots, ops enqueued by l1_time)
            that are not processed yet.
    @dev Enqueue times never fall along the queue, so looking at its two ends is enough. A number
         that does not exist yet has the hash 0, which no list of ops has.
    @param last The number of the last op that is processed with this batch.
    @param hash The batch's ops, chained to the hash of the last one that was processed before.
    @param slots Queue slots of all proofs in the batch.
    @return The enqueue time of the oldest op left unprocessed, seconds; l1_time if that is earlier.
    """
    assert count <= slots, "TooManyOps"
    if count > 0:
        assert hash == self.records[last].hash, "QueueMismatch"
        assert self.records[last].enqueue_time <= l1_time, "OpNotDue"
    if last == self.enqueued:
        return l1_time
    next_time: uint256 = self.records[last + 1].enqueue_time
    assert next_time > l1_time or count == slots, "OpSkipped"
    return min(l1_time, next_time)


@internal
@pure
def _enqueue_time(elements: uint256[7]) -> uint256:
    """
    @return When an op was enqueued, seconds; 40 bits of its first element.
    """
    return (elements[0] >> 40) % 2**40


@internal
@view
def _oldest_is_older_than(processed: uint256, age: uint256) -> bool:
    """
    @return Whether the oldest op after number `processed` was enqueued more than `age` seconds ago.
    """
    if processed == self.enqueued:
        return False
    return self.records[processed + 1].enqueue_time + age < block.timestamp
