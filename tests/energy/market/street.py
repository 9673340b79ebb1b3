"""A street for the market's tests: homes with keys, meters and channels, and a journal in memory.

Home 1 and 2 have panels, home 3 has none. Every home has a channel with each other one and with the
community's account (0), number `channel_of`, with DEPOSIT_NTOK on either side.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache

from energy.community.changes import Amendment, encode_amendment
from energy.community.community import Community
from energy.community.document import encode_community
from energy.community.members import MeterKey
from energy.community.rules import Rules, Side, Tariff
from energy.intervals import QUARTER_MS
from energy.market.entries import BEGINNING, Entry
from energy.market.funds import ChannelFunds, Funds, encode_funds
from energy.market.market import Market
from energy.meters.reading import Reading
from energy.meters.sample import Clock, Sample
from energy.meters.signing import MeterSigner, Salts
from energy.orders.order import Cancel, Order, encode_cancel, encode_order
from energy.signed import Signed, encode_signed, message
from protocol.crypto.schnorr import Signer
from tests.energy.community.streets import DOMAIN, SIGNERS, START_MS, member, street
from tests.energy.market.journals import entry

DEPOSIT_NTOK = 10**12
HOMES = (1, 2, 3)
FOREVER_MS = START_MS + 400 * 86_400_000
METERS = {
    home: MeterSigner(hashlib.sha256(b"meter" + bytes([home])).digest()) for home in range(1, 6)
}


def channel_of(one: int, other: int) -> int:
    """The channel between two accounts."""
    low, high = sorted((one, other))
    return low + (high << 32) + (1 << 64)


@cache
def signed(document: bytes, signer: Signer, domain: int = DOMAIN) -> bytes:
    """A document under an account's key, as it is handed in: the same whenever it is asked for."""
    fresh = hashlib.sha256(document).digest()
    return encode_signed(Signed(document, signer.sign(message(document, domain), fresh)))


def community_of(**changes: object) -> Community:
    """The street's community: homes with meters, no feeders, no fees unless they are given."""
    homes = tuple(
        member(
            home,
            is_green=home != 3,
            meters=(MeterKey(METERS[home].did, METERS[home].key_id, START_MS - 86_400_000),),
        )
        for home in HOMES
    )
    plain = {
        "members": homes,
        "feeders": (),
        "tariffs": (Tariff(START_MS, 320_000, 80_000),),
        "rules": (Rules(1, START_MS),),
    }
    return street(**(plain | changes))


class Street:
    """The homes, and a market whose journal is `entries`."""

    def __init__(self, community: Community | None = None) -> None:
        self.community = community or community_of()
        self.market = Market()
        self.entries: list[Entry] = []
        self.readings: dict[int, list[Reading]] = {}
        self._orders: dict[int, int] = {}
        self._funds: dict[int, int] = {}

    def begin(self, now_ms: int = START_MS) -> None:
        """The community, everybody's funds, and registers at 0."""
        self.put(self.signed_community(), now_ms)
        for account in (0, *HOMES):
            self.put(self.funds(account, now_ms), now_ms)

    def signed_community(self, community: Community | None = None) -> bytes:
        """The community's file, signed by its own key."""
        return signed(encode_community(community or self.community), SIGNERS[0])

    def put(self, document: bytes, now_ms: int) -> Entry:
        """Make a document the next entry."""
        prepared = self.market.prepare(document, now_ms)
        last = self.entries[-1] if self.entries else None
        made = entry(last, document, now_ms)
        prepared.apply(made)
        self.entries.append(made)
        return made

    def make_due(self, now_ms: int) -> int:
        """Make all that is due; how many documents."""
        count = 0
        while (document := self.market.due(now_ms)) is not None:
            self.put(document, now_ms)
            count += 1
        return count

    def amend(self, now_ms: int, **changes: object) -> Entry:
        """The community's account changes its file."""
        latest = self.market.history.latest
        changed = replace(latest.community, **changes)  # type: ignore[arg-type]
        amendment = Amendment(latest.digest, changed)
        return self.put(signed(encode_amendment(amendment), SIGNERS[0]), now_ms)

    def leaves(self, home: int, now_ms: int) -> Entry:
        """A home is taken out of the community's file."""
        members = self.market.community.members
        return self.amend(now_ms, members=tuple(one for one in members if one.account != home))

    def order(
        self,
        account: int,
        side: Side,
        limit: int | None,
        signer: Signer | None = None,
        **changes: object,
    ) -> bytes:
        """The next order of an account, signed."""
        number = self._orders[account] = self._orders.get(account, 0) + 1
        made = Order(account, number, side, limit, 0, START_MS, FOREVER_MS)
        made = replace(made, **changes)  # type: ignore[arg-type]
        return signed(encode_order(made), signer or SIGNERS[account])

    def cancel(self, account: int, name: bytes) -> bytes:
        """An order's cancel, signed."""
        number = self._orders[account] = self._orders.get(account, 0) + 1
        return signed(encode_cancel(Cancel(account, number, name)), SIGNERS[account])

    def funds(
        self,
        account: int,
        now_ms: int,
        paid: Mapping[int, tuple[int, int]] | None = None,
        got: Mapping[int, tuple[int, int]] | None = None,
        deposit_ntok: int = DEPOSIT_NTOK,
        peer_deposit_ntok: int = DEPOSIT_NTOK,
        peers: Iterable[int] = (0, *HOMES),
        seen: tuple[int, bytes] = (0, BEGINNING),
    ) -> bytes:
        """What an account says of its channels. `paid`, `got`: (Wh, ntok) by peer."""
        number = self._funds[account] = self._funds.get(account, 0) + 1
        lines = []
        for peer in peers:
            if peer == account:
                continue
            out, back = (paid or {}).get(peer, (0, 0)), (got or {}).get(peer, (0, 0))
            deposits = deposit_ntok, peer_deposit_ntok
            lines.append(ChannelFunds(channel_of(account, peer), True, *deposits, *out, *back))
        lines.sort(key=lambda one: one.channel_id)
        statement = Funds(account, number, now_ms, tuple(lines), *seen)
        return signed(encode_funds(statement), SIGNERS[account])

    def reading(self, home: int, time_ms: int, import_wh: int, export_wh: int) -> bytes:
        """The next record of a home's meter."""
        chain = self.readings.setdefault(home, [])
        salts = Salts(bytes(32), bytes(32))
        sample = Sample(time_ms, Clock.SYNCHRONISED, import_wh, export_wh, raw=b"raw")
        chain.append(METERS[home].record(chain[-1] if chain else None, sample, salts))
        return chain[-1].encoded

    def read_all(self, time_ms: int, registers: Mapping[int, tuple[int, int]]) -> None:
        """Every home's meter shows (import, export), and its reading is taken at once."""
        for home, (import_wh, export_wh) in registers.items():
            self.put(self.reading(home, time_ms, import_wh, export_wh), time_ms)


def quarter(number: int) -> int:
    """When a quarter of an hour of the street's first day begins."""
    return START_MS + number * QUARTER_MS


NOTHING_YET = dict.fromkeys(HOMES, (0, 0))

FIRST_QUARTER = {1: (0, 1_000), 2: (0, 500), 3: (900, 0)}
"""Home 1 gives 1,000 Wh, home 2 gives 500, home 3 takes 900."""


def trading(community: Community | None = None, most_utok_per_kwh: int = 250_000) -> Street:
    """A street whose homes 1 and 2 sell at 100,000 or more, and 3 buys up to a price."""
    made = Street(community)
    made.begin()
    made.put(made.order(1, Side.SELL, 100_000), START_MS)
    made.put(made.order(2, Side.SELL, 100_000), START_MS)
    made.put(made.order(3, Side.BUY, most_utok_per_kwh), START_MS)
    made.read_all(quarter(0), NOTHING_YET)
    return made
