"""Every way in which a household's side can fail, one class each, saying what to do.

`ChannelsError` is the base of all; the groups below it are what callers usually catch:
WalletError, StoreError, Refused (the rules forbid it, nothing was signed or changed),
PeerError, SequencerError, L1Error and ControlError.
"""

from __future__ import annotations

from dataclasses import dataclass


class ChannelsError(Exception):
    """Base of all errors of this package."""

    @property
    def code(self) -> str:
        """The name by which peers and the control interface tell errors apart."""
        return type(self).__name__


# --- wallet and keystore ------------------------------------------------------------------------


class WalletError(ChannelsError):
    """Base: a wallet cannot be made, read or unlocked."""


@dataclass
class KeystoreMissing(WalletError):
    """There is no keystore file in the folder."""

    path: str

    def __str__(self) -> str:
        return f"no wallet at {self.path}; make one with `wattlane wallet new`"


@dataclass
class KeystoreExists(WalletError):
    """A wallet would be overwritten."""

    path: str

    def __str__(self) -> str:
        return f"a wallet exists already at {self.path}; choose another folder, or move it away"


@dataclass
class MalformedKeystore(WalletError):
    """The keystore file is not one, or was damaged."""

    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path} is no keystore ({self.reason}); restore it from the recovery phrase"


@dataclass
class KeystoreTooNew(WalletError):
    """The keystore was written by a newer version of this program."""

    path: str
    version: int
    known: int

    def __str__(self) -> str:
        return (
            f"{self.path} has format {self.version}, this program knows up to {self.known}: "
            "install a newer version"
        )


@dataclass
class WrongPassphrase(WalletError):
    """The passphrase does not open the keystore (or its ciphertext was altered)."""

    path: str

    def __str__(self) -> str:
        return f"the passphrase does not open {self.path}"


@dataclass
class BadPassphrase(WalletError):
    """A passphrase cannot be used or read."""

    reason: str

    def __str__(self) -> str:
        return self.reason


class BadRecoveryPhrase(WalletError):
    """The words are not a BIP-39 phrase. Never quotes them."""

    def __str__(self) -> str:
        return "not a valid recovery phrase: check the words, their order and their spelling"


# --- store --------------------------------------------------------------------------------------


class StoreError(ChannelsError):
    """Base: the node's own files cannot be used."""


@dataclass
class StoreTooNew(StoreError):
    """The store was written by a newer version of this program."""

    path: str
    version: int
    known: int

    def __str__(self) -> str:
        return (
            f"{self.path} has schema {self.version}, this program knows up to {self.known}: "
            "install a newer version; nothing was changed"
        )


@dataclass
class StoreInUse(StoreError):
    """Another process has this store open; two would sign conflicting vouchers."""

    path: str

    def __str__(self) -> str:
        return f"another node is running on {self.path}; stop it first"


@dataclass
class StoreOfAnotherWallet(StoreError):
    """The store belongs to another wallet or another rollup."""

    path: str
    field: str

    def __str__(self) -> str:
        return f"{self.path} was made with another {self.field}; choose another folder"


@dataclass
class StoreCorrupt(StoreError):
    """The file is no database, or what it holds cannot be read."""

    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path} cannot be read ({self.reason})"


@dataclass
class StoreFailed(StoreError):
    """A write did not reach the disk: full, read-only or broken. Nothing was acknowledged.

    The store takes no more writes until it is opened again; whether this last write is there then
    is known by looking, so repeat a payment only with the same payment_id.
    """

    path: str
    reason: str

    def __str__(self) -> str:
        return (
            f"{self.path} cannot be written ({self.reason}); nothing was acknowledged. "
            "Free space or mend the disk, then start the node again"
        )


# --- refusals: pure lane and close rules --------------------------------------------------------


class Refused(ChannelsError):
    """Base: a rule forbids it. Nothing was signed, accepted or changed."""


@dataclass
class BadPayment(Refused):
    """Energy, price or their product is 0, negative, fractional or too large."""

    field: str
    given: object

    def __str__(self) -> str:
        return f"{self.field} = {self.given!r}: a payment needs whole numbers above 0 in range"


@dataclass
class LaneFull(Refused):
    """The lane's energy (2^40 Wh) or money (2^56 ntok) would overflow."""

    energy_wh: int
    paid_ntok: int

    def __str__(self) -> str:
        return (
            f"the lane cannot carry {self.energy_wh} Wh and {self.paid_ntok} ntok in all; "
            "close the channel and open a new one"
        )


@dataclass
class OverCapacity(Refused):
    """The lane would carry more than the payer can pay out of this channel."""

    paid_ntok: int
    capacity_ntok: int

    def __str__(self) -> str:
        return (
            f"the lane would stand at {self.paid_ntok} ntok, "
            f"its payer is good for {self.capacity_ntok} ntok; top up first"
        )


@dataclass
class ChannelNotFinal(Refused):
    """The channel's OPEN is not (yet) in a verified root that L1 holds final."""

    channel_id: int

    def __str__(self) -> str:
        return f"channel {self.channel_id:#x} is not in a root that L1 holds final; wait for it"


@dataclass
class ChannelClosing(Refused):
    """The channel is closing on chain, closed, or about to be closed by one of the sides."""

    channel_id: int

    def __str__(self) -> str:
        return f"channel {self.channel_id:#x} is closing or closed; open a new one"


@dataclass
class CloseSigned(Refused):
    """A CLOSE was signed: its lanes stand until it can no longer land, and a day more."""

    channel_id: int
    locked_until: int

    def __str__(self) -> str:
        return (
            f"a CLOSE of channel {self.channel_id:#x} is signed; "
            f"no voucher before L1 time {self.locked_until}"
        )


@dataclass
class L1TooOld(Refused):
    """The newest final L1 block is older than a quarter of the channel's window."""

    age_s: int
    limit_s: int

    def __str__(self) -> str:
        return (
            f"the newest final L1 block is {self.age_s} s old, more than {self.limit_s} s: "
            "nothing is accepted until L1 can be seen again"
        )


@dataclass
class WindowNotAcceptable(Refused):
    """The challenge window is outside what this node's owner allows."""

    window_s: int

    def __str__(self) -> str:
        return f"a challenge window of {self.window_s} s is not acceptable to this node"


@dataclass
class KeyNotAcceptable(Refused):
    """A pinned key is not this wallet's, or the peer's key is not a safe one."""

    who: str

    def __str__(self) -> str:
        return f"the key of {self.who} is not acceptable in this channel"


@dataclass
class UnknownChannel(Refused):
    """This node has no such channel."""

    channel_id: int

    def __str__(self) -> str:
        return f"channel {self.channel_id:#x} is not known here"


@dataclass
class WrongChannel(Refused):
    """A voucher of another channel."""

    expected: int
    given: int

    def __str__(self) -> str:
        return f"a voucher for channel {self.given:#x} came in channel {self.expected:#x}"


@dataclass
class WrongEpoch(Refused):
    """A voucher of an earlier (or later) channel between the same two accounts."""

    expected: int
    given: int

    def __str__(self) -> str:
        return f"a voucher of epoch {self.given} came in a channel of epoch {self.expected}"


@dataclass
class WrongLane(Refused):
    """A voucher over the lane that this node signs itself."""

    lane: int

    def __str__(self) -> str:
        return f"lane {self.lane} is not the sender's to sign"


@dataclass
class WrongVoucherKey(Refused):
    """The voucher's key is not the one pinned in the channel."""

    channel_id: int

    def __str__(self) -> str:
        return f"the voucher's key is not the one pinned in channel {self.channel_id:#x}"


@dataclass
class BadVoucherSignature(Refused):
    """The signature does not verify over this rollup, channel, lane and value."""

    channel_id: int

    def __str__(self) -> str:
        return f"the voucher's signature in channel {self.channel_id:#x} does not verify"


@dataclass
class VoucherFalls(Refused):
    """The lane value is below the highest one that came before."""

    highest: int
    given: int

    def __str__(self) -> str:
        return f"lane value {self.given} falls below {self.highest}"


@dataclass
class VoucherRepeats(Refused):
    """The lane value is the highest one that came before."""

    given: int

    def __str__(self) -> str:
        return f"lane value {self.given} was accepted before; a payment must raise it"


@dataclass
class AmountMismatch(Refused):
    """The voucher does not raise the lane by exactly the energy and money announced."""

    expected: int
    given: int

    def __str__(self) -> str:
        return f"the voucher says {self.given}, this payment leads to {self.expected}"


@dataclass
class CloseMismatch(Refused):
    """A CLOSE whose lanes or deposits are not exactly those that both sides hold."""

    what: str
    expected: int
    given: int

    def __str__(self) -> str:
        return f"the CLOSE has {self.what} = {self.given}, this node has {self.expected}"


@dataclass
class CloseExpiry(Refused):
    """A CLOSE that is expired, or could land more than an hour from now."""

    valid_until: int
    l1_time: int

    def __str__(self) -> str:
        return f"valid_until {self.valid_until} is not within the hour after L1 time {self.l1_time}"


@dataclass
class PaymentIdReused(Refused):
    """The same payment_id came with another energy, price or channel."""

    payment_id: str

    def __str__(self) -> str:
        return f"payment {self.payment_id} was made before with other terms; use a new payment_id"


@dataclass
class PaymentsInFlight(Refused):
    """A close was asked for while vouchers are not yet acknowledged."""

    channel_id: int
    count: int

    def __str__(self) -> str:
        return (
            f"{self.count} payments in channel {self.channel_id:#x} are not acknowledged; "
            "wait for the peer, or force the close"
        )


# --- peers --------------------------------------------------------------------------------------


class PeerError(ChannelsError):
    """Base: a neighbour's node cannot be reached or does not do its part."""


@dataclass
class PeerUnreachable(PeerError):
    """No connection to the neighbour. Nothing was signed."""

    peer_index: int
    reason: str

    def __str__(self) -> str:
        return f"account {self.peer_index} cannot be reached ({self.reason})"


@dataclass
class PeerNotReady(PeerError):
    """The neighbour does not take vouchers in this channel now. Nothing was signed."""

    peer_index: int
    reason_code: str
    detail: str

    def __str__(self) -> str:
        return f"account {self.peer_index} takes no payment: {self.reason_code}: {self.detail}"


@dataclass
class PaymentPending(PeerError):
    """The voucher is signed and saved, its acknowledgement has not come (peer gone, or slow).

    The node offers the same voucher again as soon as the peer is back; calling `pay` again with
    the same payment_id waits for that and never pays twice.
    """

    payment_id: str
    peer_index: int
    reason: str

    def __str__(self) -> str:
        return (
            f"payment {self.payment_id} to account {self.peer_index} is signed, not acknowledged "
            f"({self.reason}); it is offered again when the peer is back"
        )


@dataclass
class PeerRefused(PeerError):
    """The neighbour answered a request with a refusal; `reason_code` is its error's name."""

    peer_index: int
    reason_code: str
    detail: str

    def __str__(self) -> str:
        return f"account {self.peer_index} refused: {self.reason_code}: {self.detail}"


@dataclass
class BadFrame(PeerError):
    """A frame that is too large, no JSON, or lacks or exceeds its fields."""

    reason: str

    def __str__(self) -> str:
        return f"bad frame: {self.reason}"


@dataclass
class HandshakeFailed(PeerError):
    """The other end is not the account it should be, or is on another rollup."""

    reason: str

    def __str__(self) -> str:
        return f"handshake failed: {self.reason}"


@dataclass
class PortInUse(PeerError):
    """The listening address is taken."""

    address: str

    def __str__(self) -> str:
        return f"{self.address} is in use; choose another port (0 takes any free one)"


# --- sequencer and rollup -----------------------------------------------------------------------


class SequencerError(ChannelsError):
    """Base: the sequencer does not do what a node needs."""


@dataclass
class SequencerUnreachable(SequencerError):
    """No answer within the time allowed, retries included."""

    url: str
    reason: str

    def __str__(self) -> str:
        return f"the sequencer at {self.url} does not answer ({self.reason})"


@dataclass
class SequencerRefused(SequencerError):
    """A problem answer: `reason_code` names it as the protocol's error classes do."""

    status: int
    reason_code: str
    detail: str

    def __str__(self) -> str:
        return f"the sequencer refused ({self.status} {self.reason_code}): {self.detail}"


@dataclass
class SequencerGarbage(SequencerError):
    """An answer that is not what the interface promises."""

    url: str
    reason: str

    def __str__(self) -> str:
        return f"the sequencer's answer from {self.url} makes no sense: {self.reason}"


@dataclass
class UnverifiedAnswer(SequencerError):
    """A leaf whose Merkle path does not lead to the root that L1 holds final."""

    what: str
    expected_root: int
    given_root: int

    def __str__(self) -> str:
        return (
            f"{self.what}: its path leads to {self.given_root:#x}, "
            f"L1 holds {self.expected_root:#x}; the answer is not believed"
        )


@dataclass
class TransactionRejected(SequencerError):
    """A submitted transaction was rejected when its turn came; nothing of it happened."""

    transaction_id: str
    reason_code: str
    detail: str

    def __str__(self) -> str:
        return f"transaction {self.transaction_id[:16]} rejected: {self.reason_code}: {self.detail}"


@dataclass
class FeeTooHigh(SequencerError):
    """The sequencer asks a higher fee than the owner allows. Nothing was signed."""

    asked_ntok: int
    allowed_ntok: int

    def __str__(self) -> str:
        return f"the sequencer asks {self.asked_ntok} ntok, the limit is {self.allowed_ntok} ntok"


@dataclass
class NotFinalInTime(SequencerError):
    """What was waited for did not become final in the time allowed; it may still."""

    what: str
    waited_s: float

    def __str__(self) -> str:
        return f"{self.what} is not final after {self.waited_s:g} s; it may still become so"


@dataclass
class NoAccount(SequencerError):
    """The wallet has no account in a root that L1 holds final."""

    key_hash: int

    def __str__(self) -> str:
        return (
            f"no final account has key hash {self.key_hash:#x}; "
            "deposit first and wait until L1 holds the batch final"
        )


@dataclass
class UnknownPeer(SequencerError):
    """The peer's account is in no root that L1 holds final; nothing is signed towards it."""

    peer_index: int

    def __str__(self) -> str:
        return f"account {self.peer_index} is in no root that L1 holds final"


# --- L1 -----------------------------------------------------------------------------------------


class L1Error(ChannelsError):
    """Base: this node's own view of L1 fails."""


class L1Required(L1Error):
    """A node was opened without an L1 address: it could believe nobody."""

    def __str__(self) -> str:
        return "give the URL of your own L1 RPC (l1=..., or WATTLANE_L1 in the environment)"


@dataclass
class L1Unreachable(L1Error):
    """The RPC times out or answers garbage."""

    url: str
    reason: str

    def __str__(self) -> str:
        return f"the L1 RPC at {self.url} is of no use now ({self.reason})"


@dataclass
class L1Refused(L1Error):
    """An L1 transaction reverted or cannot be paid for."""

    what: str
    reason: str

    def __str__(self) -> str:
        return f"L1 refused {self.what}: {self.reason}"


@dataclass
class WrongRollup(L1Error):
    """Sequencer and L1 do not speak of the same rollup, or not of the one used before."""

    reason: str

    def __str__(self) -> str:
        return self.reason


# --- control ------------------------------------------------------------------------------------


class ControlError(ChannelsError):
    """Base: a running node cannot be commanded."""


@dataclass
class NodeNotRunning(ControlError):
    """No node listens for commands in this folder."""

    folder: str

    def __str__(self) -> str:
        return f"no node is running in {self.folder}; start one with `wattlane node run`"


@dataclass
class CommandFailed(ControlError):
    """The node answered a command with an error; `reason_code` is that error's class name."""

    reason_code: str
    detail: str

    def __str__(self) -> str:
        return f"{self.reason_code}: {self.detail}"
