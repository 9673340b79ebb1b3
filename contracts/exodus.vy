# pragma version 0.4.3
"""
@title The exodus: everyone leaves with proofs against the rollup's last root
@license Apache-2.0
@notice Owns what every leaf of the last state and every deposit that no batch took in is still
        worth: each is credited once, to the address that the leaf or the op names, whoever sends
        the proof. A channel is settled with the highest lanes that anyone has proved within 14
        days of the start.
@dev    Made by the rollup's constructor from a blueprint, and trusted by that rollup alone; it
        holds no token: `withdraw` of the rollup pays out what is credited here.
        Ref: docs/protocol.md section 6. Units: ntok = 10^-9 token; times in seconds since 1970.
"""

import channel_exits
import queue
import verifier

initializes: channel_exits
initializes: verifier

exports: (channel_exits.channel_exit, channel_exits.raised)


# Constants

# What an exit proof is about: the low byte of its second public input.
KIND_ACCOUNT: constant(uint256) = 1
KIND_CHANNEL: constant(uint256) = 2
KIND_RAISE: constant(uint256) = 3

INDEX_LIMIT: constant(uint256) = 2**24
AMOUNT_LIMIT: constant(uint256) = channel_exits.AMOUNT_LIMIT
PAID_LIMIT: constant(uint256) = channel_exits.PAID_LIMIT

OP_NEW_ACCOUNT: constant(uint256) = 1
OP_DEPOSIT: constant(uint256) = 2

RAISE_TIME: constant(uint256) = 14 * 86400  # seconds from the start; later raises are refused


# As the rollup's.
struct Progress:
    l1_time: uint256
    processed: uint256
    batches: uint256


interface Rollup:
    def exodus_start() -> uint256: view
    def state_root() -> uint256: view
    def progress() -> Progress: view
    def queue_record(number: uint256) -> queue.Record: view
    def credit_exit(recipient: address, amount_ntok: uint256): nonpayable


event AccountExited:
    recipient: indexed(address)
    index: indexed(uint256)
    amount_ntok: uint256


event OpRefunded:
    recipient: indexed(address)
    number: indexed(uint256)
    amount_ntok: uint256


# Storage and immutables

ROLLUP: immutable(Rollup)
DOMAIN: immutable(uint256)  # 128 bits; the rollup's

exited_accounts: HashMap[uint256, uint256]  # index // 256 -> one bit an account
refunded_ops: HashMap[uint256, uint256]  # number // 256 -> one bit an op


@deploy
def __init__(key: verifier.VerifyingKey, domain: uint256):
    """
    @notice The sender is the rollup whose exodus this is, for ever.
    @param key Verifying key of the exit circuit; alpha, gamma and delta negated.
    @param domain The rollup's, which vouchers are signed for.
    """
    verifier.__init__(key)
    ROLLUP = Rollup(msg.sender)
    DOMAIN = domain


# Exits

@external
def exit_account(
    index: uint256, l1_address: address, balance_ntok: uint256, points: verifier.Points
):
    """
    @notice Credits an account's balance to its l1_address. Once an account; anyone may send it.
    @param points Proof that the last state has this account with this owner and balance.
    """
    self._check_started()
    assert index < INDEX_LIMIT, "IndexTooLarge"
    assert balance_ntok < AMOUNT_LIMIT, "ExitAmountTooLarge"
    word: uint256 = self.exited_accounts[index // 256]
    bit: uint256 = 1 << (index % 256)
    assert word & bit == 0, "AlreadyExited"
    self.exited_accounts[index // 256] = word | bit
    self._check_proof(
        KIND_ACCOUNT | index << 8 | balance_ntok << 40, convert(l1_address, uint256), 0, points
    )
    log AccountExited(recipient=l1_address, index=index, amount_ntok=balance_ntok)
    self._credit(l1_address, balance_ntok)


@external
def exit_channel(slot: uint256, leaf: channel_exits.Leaf, points: verifier.Points):
    """
    @notice Notes a channel's leaf, open or closing, for `settle`. Once a channel, at any time
            after the start; anyone may send it.
    @param points Proof that the last state has this channel between accounts of these owners.
    """
    self._check_started()
    assert slot < INDEX_LIMIT, "IndexTooLarge"
    assert leaf.deposit_a < AMOUNT_LIMIT and leaf.deposit_b < AMOUNT_LIMIT, "ExitAmountTooLarge"
    assert leaf.paid_ab < PAID_LIMIT and leaf.paid_ba < PAID_LIMIT, "ExitAmountTooLarge"
    channel_exits._note(slot, leaf)
    self._check_proof(
        KIND_CHANNEL | slot << 8 | leaf.deposit_a << 40 | leaf.deposit_b << 104,
        convert(leaf.l1_address_a, uint256) | leaf.paid_ab << 160,
        convert(leaf.l1_address_b, uint256) | leaf.paid_ba << 160,
        points,
    )


@external
def raise_lane(slot: uint256, lane: uint256, paid: uint256, points: verifier.Points):
    """
    @notice Puts a channel's lane to what a voucher promises. Accepted in blocks whose timestamp is
            below the start plus 14 days, before or after the channel's exit; anyone may send it.
    @param lane 0: A pays B; 1: B pays A.
    @param paid ntok; above whatever was raised here before.
    @param points Proof of a voucher for this, signed by the key that the channel in this slot of
           the last state has for this lane.
    """
    assert block.timestamp < self._check_started() + RAISE_TIME, "RaiseTooLate"
    assert slot < INDEX_LIMIT, "IndexTooLarge"
    assert lane <= 1, "LaneTooLarge"
    assert paid < PAID_LIMIT, "ExitAmountTooLarge"
    channel_exits._raise(slot, lane, paid)
    self._check_proof(KIND_RAISE | slot << 8 | lane << 32 | paid << 40, DOMAIN, 0, points)


@external
def settle(slot: uint256):
    """
    @notice Credits a channel's deposits to its two owners, by the higher of leaf and raised lane.
            Once a channel, after its exit, in blocks whose timestamp is at least the start plus 14
            days: no lane rises any more.
    """
    assert block.timestamp >= self._check_started() + RAISE_TIME, "SettleTooEarly"
    leaf: channel_exits.Leaf = empty(channel_exits.Leaf)
    amount_a: uint256 = 0
    amount_b: uint256 = 0
    leaf, amount_a, amount_b = channel_exits._settle(slot)
    self._credit(leaf.l1_address_a, amount_a)
    self._credit(leaf.l1_address_b, amount_b)


@external
def refund(number: uint256, op: queue.Op):
    """
    @notice Credits a deposit that no batch took in to whoever paid it. Once an op; anyone may send
            it. Ops of other kinds hold no money, and are void.
    @param number Of the op, above the last one that was processed.
    @param op As its event published it; it must be the one that the queue's record binds.
    """
    self._check_started()
    assert number > (staticcall ROLLUP.progress()).processed, "OpProcessed"
    previous: bytes32 = (staticcall ROLLUP.queue_record(number - 1)).hash
    actual: bytes32 = (staticcall ROLLUP.queue_record(number)).hash
    assert queue._chain_hash(previous, op) == actual, "QueueMismatch"
    kind: uint256 = op.elements[0] % 256
    assert kind == OP_NEW_ACCOUNT or kind == OP_DEPOSIT, "OpHoldsNothing"
    word: uint256 = self.refunded_ops[number // 256]
    bit: uint256 = 1 << (number % 256)
    assert word & bit == 0, "AlreadyRefunded"
    self.refunded_ops[number // 256] = word | bit
    amount_ntok: uint256 = op.elements[1] >> 160
    log OpRefunded(recipient=op.payer, number=number, amount_ntok=amount_ntok)
    self._credit(op.payer, amount_ntok)


@internal
@view
def _check_started() -> uint256:
    """
    @return When the exodus started, seconds.
    """
    start: uint256 = staticcall ROLLUP.exodus_start()
    assert start > 0, "ExodusNotStarted"
    return start


@internal
@view
def _check_proof(what: uint256, first: uint256, second: uint256, points: verifier.Points):
    """
    @dev The root is below r by the rollup's own check, the others by their widths.
    @param what kind + index 2^8 + lane 2^32 + money 2^40.
    """
    root: uint256 = staticcall ROLLUP.state_root()
    assert verifier._verify(points, [root, what, first, second]), "ProofRejected"


@internal
def _credit(recipient: address, amount_ntok: uint256):
    """
    @dev The rollup only notes it, and calls nobody.
    """
    if amount_ntok > 0:
        extcall ROLLUP.credit_exit(recipient, amount_ntok)


# Views

@external
@view
def rollup() -> address:
    """
    @return The rollup whose exodus this is.
    """
    return ROLLUP.address


@external
@view
def start() -> uint256:
    """
    @return When the exodus started, seconds; 0 before.
    """
    return staticcall ROLLUP.exodus_start()


@external
@view
def domain() -> uint256:
    """
    @return The domain that raised vouchers must be signed for.
    """
    return DOMAIN


@external
@view
def verifying_key() -> verifier.VerifyingKey:
    """
    @return The exit circuit's key as deployed: alpha, gamma and delta negated.
    """
    return verifier.KEY


@external
@view
def account_exited(index: uint256) -> bool:
    """
    @return Whether the account's balance was credited.
    """
    return (self.exited_accounts[index // 256] >> (index % 256)) % 2 == 1


@external
@view
def refunded(number: uint256) -> bool:
    """
    @return Whether the op's amount was credited to its payer.
    """
    return (self.refunded_ops[number // 256] >> (number % 256)) % 2 == 1
