"""A market's journal, its API, and those who ask it. What a document lacks is its own part's."""

from __future__ import annotations

from dataclasses import dataclass

from energy.errors.base import EnergyError


class MarketError(EnergyError):
    """Base of what a market and its clients say about journal, requests and each other."""


@dataclass
class JournalInUse(MarketError):
    """Another process writes this journal."""

    folder: str
    holder: str

    def __str__(self) -> str:
        return f"{self.folder} is in use by {self.holder}: a journal has one writer; stop it first"


@dataclass
class JournalUnusable(MarketError):
    """The journal's file cannot be opened, read or written."""

    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


@dataclass
class JournalBroken(MarketError):
    """An entry does not follow from the one before it, or the market's key has not signed it."""

    seq: int
    reason: str

    def __str__(self) -> str:
        return f"entry {self.seq} of the journal does not follow: {self.reason}"


@dataclass
class JournalForked(MarketError):
    """The market shows another journal than before: both its signatures prove that it lied."""

    seq: int

    def __str__(self) -> str:
        return (
            f"the market shows another entry {self.seq} than it did before; keep the copy of the "
            "journal that you have, its signatures prove it, and tell the community"
        )


@dataclass
class SplitView(MarketError):
    """An account has followed another journal than this one, and both are one market's.

    `seen`: the chain value that it names for entry `seq`; `here`: the one that is here, or none.
    """

    account: int
    seq: int
    seen: bytes
    here: bytes

    def __str__(self) -> str:
        here = f"0x{self.here.hex()}" if self.here else "none"
        return (
            f"account {self.account} has seen entry {self.seq} with the chain value "
            f"0x{self.seen.hex()}, in this journal it has {here}: the market shows two journals; "
            "compare both copies (`wattlane market recompute`), and tell the community"
        )


@dataclass
class UnknownKind(MarketError):
    """A document of a type that a market does not keep, or does not take from outside."""

    kind: str

    def __str__(self) -> str:
        return f"a market takes no document of type {self.kind[:40]!r} from outside"


@dataclass
class NoCommunityYet(MarketError):
    """The journal does not begin with a community."""

    def __str__(self) -> str:
        return "the journal has no community yet: its first entry must be one"


class AlreadyFounded(MarketError):
    """A second founding of a community in one journal."""

    def __str__(self) -> str:
        return "this market has a community: amend it, or propose what members vote on"


@dataclass
class NotToBeFounded(MarketError):
    """A founding that whoever runs the market has not named. `founds`: the one that is, or none."""

    founds: bytes
    given: bytes

    def __str__(self) -> str:
        if not self.founds:
            return "this market takes no founding from outside: whoever runs it gives it at start"
        return (
            f"this market begins with the community 0x{self.founds.hex()} alone, as whoever runs "
            f"it has said, not with 0x{self.given.hex()}"
        )


@dataclass
class NothingToBegin(MarketError):
    """A market that is to begin and is not told with which community."""

    folder: str

    def __str__(self) -> str:
        return (
            f"the journal in {self.folder} has no community, and the first who came could found "
            "one: give --founding FILE (from `wattlane market community found --out`), or "
            "--community FILE, whose founding alone is then waited for"
        )


@dataclass
class AnotherRollup(MarketError):
    """A community, or a copy of a journal, that belongs to another rollup."""

    domain: int
    given: int

    def __str__(self) -> str:
        return f"this market's rollup is {self.domain:#x}, the document is for {self.given:#x}"


@dataclass
class FromTheFuture(MarketError):
    """A document whose time lies further ahead of the market's clock than clocks may differ."""

    time_ms: int
    now_ms: int

    def __str__(self) -> str:
        ahead_s = (self.time_ms - self.now_ms) // 1000
        return f"dated {ahead_s} s ahead of the market's clock: set this machine's clock by NTP"


@dataclass
class OutOfTurn(MarketError):
    """A numbered document that does not come after the account's newest one of its kind."""

    what: str
    number: int
    newest: int

    def __str__(self) -> str:
        return f"{self.what} number {self.number} does not come after number {self.newest}"


@dataclass
class DoesNotFollow(MarketError):
    """What the journal says of an interval is not what its own entries give."""

    what: str
    start_ms: int
    reason: str

    def __str__(self) -> str:
        return f"{self.what} of the interval from {self.start_ms} ms does not follow: {self.reason}"


@dataclass
class EntryDoesNotFollow(MarketError):
    """The first entry of a journal that does not follow from those before it."""

    seq: int
    reason: str

    def __str__(self) -> str:
        return f"entry {self.seq} of the journal does not follow: {self.reason}"


@dataclass
class NotThere(MarketError):
    """Nothing of this name is known to the market."""

    what: str

    def __str__(self) -> str:
        return f"there is no {self.what}"


@dataclass
class BadRequest(MarketError):
    """A request that is not what the interface asks for."""

    reason: str

    def __str__(self) -> str:
        return f"the request makes no sense: {self.reason}"


@dataclass
class TooLarge(MarketError):
    """A body of more bytes than are taken."""

    most_bytes: int

    def __str__(self) -> str:
        return f"at most {self.most_bytes} bytes are taken"


@dataclass
class TooManyRequests(MarketError):
    """This address, member or meter has used up its share for now; Retry-After says for how long.

    `whose`: which one.
    """

    whose: str
    retry_after_s: int

    def __str__(self) -> str:
        return f"{self.whose} has used up its share; try again in {self.retry_after_s} s"


class MarketFailed(MarketError):
    """The market itself failed; its log says how."""

    def __str__(self) -> str:
        return "the market failed; its log says how"


@dataclass
class CannotServe(MarketError):
    """The market cannot listen where it should."""

    place: str
    reason: str

    def __str__(self) -> str:
        return f"cannot listen on {self.place}: {self.reason}"


@dataclass
class MarketUnreachable(MarketError):
    """No answer of a market, or none that makes sense."""

    url: str
    reason: str

    def __str__(self) -> str:
        return f"no market answers at {self.url}: {self.reason}"


@dataclass
class MarketRefused(MarketError):
    """A market's refusal, by its name."""

    status: int
    reason_code: str
    detail: str

    def __str__(self) -> str:
        return f"the market refuses ({self.reason_code}): {self.detail}"


@dataclass
class UnknownMeter(MarketError):
    """A reading of a meter that no member of the community has."""

    meter: str

    def __str__(self) -> str:
        return f"no member of the community has the meter {self.meter[:80]}"


@dataclass
class AnotherKey(MarketError):
    """A market that signs its journal with another key than the one that was known."""

    key: str

    def __str__(self) -> str:
        return (
            f"this market signs with the key {self.key}, not with the one that is known: another "
            "market, or one whose folder was lost; ask the community before you trust it"
        )


@dataclass
class StrangeReading(MarketError):
    """The market has a reading of this home's meter that this home does not have."""

    meter: str
    sequence: int

    def __str__(self) -> str:
        return (
            f"the market has a reading {self.sequence} of {self.meter} that is not in this home's "
            "store: its key is in other hands, or the store was put back; have the key revoked"
        )


@dataclass
class InOtherHands(MarketError):
    """The community's file lets another key or another meter speak for an account."""

    account: int
    what: str

    def __str__(self) -> str:
        return (
            f"somebody else speaks for account {self.account}: {self.what}; nothing is paid: "
            "compare the amendments of the community's file with what you have agreed to"
        )


@dataclass
class ClockAhead(MarketError):
    """A market's entry is dated in the future."""

    seq: int
    ahead_ms: int

    def __str__(self) -> str:
        return (
            f"entry {self.seq} of the journal is dated {self.ahead_ms // 1000} s ahead of this "
            "machine's clock: nothing is paid by it; compare both clocks with the true time"
        )
