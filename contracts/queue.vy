# pragma version 0.4.3
"""
@title The L1 queue: ops in order, each bound by a rolling hash
@license Apache-2.0
@notice Owns the order of the ops: op n's hash binds ops 1 to n with who paid for them, so an op
        opens from its predecessor's hash and nothing but the ops that were enqueued fits. And
        what an op costs: ether that is burned, the more the more ops wait, so that nobody fills
        the queue for little, and nobody gains by a full one.
@dev    Which ops there are, and who may enqueue them, is the business of `accounts` and `closing`.
"""

import standing

uses: standing

QUEUE_SLOTS_MAX: constant(uint256) = 8
MAX_OPS: constant(uint256) = 32  # in a batch

FEE_STEP: constant(uint256) = 1000  # pending ops at which the fee doubles
FEE_DOUBLINGS: constant(uint256) = 6  # to 64 times the base, and no further
MAX_BASE_FEE_WEI: constant(uint256) = 10**16


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
    index: indexed(uint256)  # of an account, or a channel's slot
    payer: indexed(address)
    elements: uint256[7]


BASE_FEE_WEI: immutable(uint256)

records: HashMap[uint256, Record]  # op number, from 1 -> record


@deploy
def __init__(base_fee_wei: uint256):
    """
    @param base_fee_wei Of an op while fewer than 1,000 are pending; at most 10^16.
    """
    assert base_fee_wei <= MAX_BASE_FEE_WEI, "BadQueueFee"
    BASE_FEE_WEI = base_fee_wei


@internal
@payable
def _enqueue(op: uint256, index: uint256, second: uint256, key: uint256[5], place: uint256):
    """
    @dev The caller has checked all widths. The sender pays the fee and gets back what it sent
         beyond. Both leave at the end, under the entry point's lock.
    @param index Of the account, or the channel's slot.
    @param second Message element 1 as the op has it.
    @param key Message elements 2 to 6.
    @param place side 2^32 + epoch 2^80 of a channel op.
    """
    now: standing.Standing = standing._load()
    assert now.exodus_start == 0, "ExodusStarted"
    fee_wei: uint256 = self._fee_wei(now)
    assert msg.value >= fee_wei, "FeeTooLow"
    previous: bytes32 = self.records[now.enqueued].hash
    now.enqueued += 1
    standing._store(now)
    entry: Op = Op(
        elements=[
            op | index << 8 | block.timestamp << 40 | place,
            second,
            key[0],
            key[1],
            key[2],
            key[3],
            key[4],
        ],
        payer=msg.sender,
    )
    self.records[now.enqueued] = Record(
        hash=self._chain_hash(previous, entry), enqueue_time=block.timestamp
    )
    log OpEnqueued(
        number=now.enqueued, index=index, payer=msg.sender, elements=entry.elements
    )
    send(empty(address), fee_wei)
    if msg.value > fee_wei:
        success: bool = raw_call(
            msg.sender, b"", value=msg.value - fee_wei, revert_on_failure=False
        )
        assert success, "ChangeRefused"


@internal
@view
def _fee_wei(now: standing.Standing) -> uint256:
    """
    @return What the next op costs.
    """
    return BASE_FEE_WEI << min(FEE_DOUBLINGS, (now.enqueued - now.processed) // FEE_STEP)


@external
@view
def queue_fee_wei() -> uint256:
    """
    @return What the next op costs; send more where others may come first, the rest comes back.
    """
    return self._fee_wei(standing._load())


@external
@view
def enqueued() -> uint256:
    """
    @return How many queue ops there are, which is the number of the newest.
    """
    return standing._load().enqueued


@external
@view
def queue_record(number: uint256) -> Record:
    """
    @param number From 1; 0 and numbers not yet given have an empty record.
    """
    return self.records[number]


@internal
@pure
def _chain_hash(previous: bytes32, entry: Op) -> bytes32:
    return keccak256(abi_encode(previous, entry))


@internal
@view
def _check_consumed(
    now: standing.Standing, hash: bytes32, count: uint256, slots: uint256, l1_time: uint256
) -> uint256:
    """
    @notice The batch's `count` ops must be exactly the oldest min(slots, ops enqueued by l1_time)
            that are not processed yet.
    @dev Enqueue times never fall along the queue, so looking at its two ends is enough. A number
         that does not exist yet has the hash 0, which no list of ops has.
    @param now Where the rollup stands before the batch.
    @param hash The batch's ops, chained to the hash of the last one that was processed before.
    @param slots Queue slots of all proofs in the batch.
    @return The enqueue time of the oldest op left unprocessed, seconds; l1_time if that is earlier.
    """
    assert count <= slots, "TooManyOps"
    last: uint256 = now.processed + count
    if count > 0:
        assert hash == self.records[last].hash, "QueueMismatch"
        assert self.records[last].enqueue_time <= l1_time, "OpNotDue"
    if last == now.enqueued:
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
def _oldest_is_older_than(now: standing.Standing, age: uint256) -> bool:
    """
    @return Whether the oldest unprocessed op was enqueued more than `age` seconds ago.
    """
    if now.processed == now.enqueued:
        return False
    return self.records[now.processed + 1].enqueue_time + age < block.timestamp
