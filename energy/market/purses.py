"""Who can still pay whom, and what was paid, by what both ends of each channel have stated.

Everything is cumulative, as lanes and dues are, so the order in which statements, settlements and
payments arrive does not matter: free = what the lanes can carry - where they started - what is due.
Where a lane started both ends say, each with its first statement: where it matters to one end, the
other's word alone counts for nothing, as it could claim what was paid long before.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from energy.market.funds import ChannelFunds, Funds
from energy.settlement.dues import NOTHING, Due, Pair


class Purses:
    """All statements of a market's accounts, the newest of each; fed in the journal's order."""

    def __init__(self) -> None:
        self._newest: dict[int, Funds] = {}
        self._lines: dict[tuple[int, int], ChannelFunds] = {}
        self._starts: dict[tuple[int, int], Due] = {}
        self._got: dict[tuple[int, int], Due] = {}
        self._between: defaultdict[Pair, set[int]] = defaultdict(set)
        self._payees: defaultdict[int, set[int]] = defaultdict(set)
        self._carries: defaultdict[int, dict[int, int]] = defaultdict(dict)  # payer, payee

    def newest_number(self, account: int) -> int:
        """The number of an account's newest statement, 0 for none."""
        return self._newest[account].number if account in self._newest else 0

    def of_account(self, account: int) -> Funds | None:
        """An account's newest statement."""
        return self._newest.get(account)

    def take(self, funds: Funds) -> None:
        """Count a statement. A channel that it leaves out stays as it was stated before."""
        self._newest[funds.account] = funds
        for line in funds.channels:
            if self._lines.get((line.channel_id, funds.account)) == line:
                continue
            payee = line.peer_of(funds.account)
            self._lines[line.channel_id, funds.account] = line
            self._carries[funds.account].pop(payee, None)
            self._carries[payee].pop(funds.account, None)
            self._starts.setdefault(
                (line.channel_id, funds.account), Due(line.paid_wh, line.paid_ntok)
            )
            self._got.setdefault((line.channel_id, funds.account), Due(line.got_wh, line.got_ntok))
            self._between[funds.account, payee].add(line.channel_id)
            self._payees[funds.account].add(payee)

    def counts(self, channel_id: int, payer: int) -> bool:
        """Whether what a payer pays in a channel is counted: once it has stated it."""
        return (channel_id, payer) in self._starts

    def channels_between(self, pair: Pair) -> frozenset[int]:
        """Channels over which the pair's payer has said that it can pay its payee."""
        return frozenset(self._between.get(pair, ()))

    def payees_of(self, payer: int) -> frozenset[int]:
        """Accounts with which this one has said that it has a channel."""
        return frozenset(self._payees.get(payer, ()))

    def paid(
        self, pair: Pair, lanes: Mapping[int, Due] | None = None, *, to_payee: bool = False
    ) -> Due:
        """What a payer has paid a payee since the market counts, by its own newest word.

        `lanes`: what its lanes carry by now, of channels that are known better from elsewhere: a
        node's own books. `to_payee`: what the payee has to take for paid. There a lane starts from
        the higher of both ends' words: otherwise a payer could ask back what it paid before.
        """
        payer, payee = pair
        paid = NOTHING
        for channel_id in self.channels_between(pair) | (lanes or {}).keys():
            start = self._starts.get((channel_id, payer))
            if start is None:
                continue  # it counts from its first statement on
            if to_payee:
                got = self._got.get((channel_id, payee))
                if got is None:
                    continue
                start = _higher(start, got)
            line = self._lines[channel_id, payer]
            stated = Due(line.paid_wh, line.paid_ntok)
            paid = paid + ((lanes or {}).get(channel_id, stated) - start)
        return paid

    def free_ntok(self, pair: Pair, owed: Mapping[Pair, Due]) -> int:
        """What a payer can still come to owe a payee: both ends' lower word, less what is due."""
        return _less(self._carries_ntok(pair), owed.get(pair))

    def free_of(self, payer: int, owed: Mapping[int, Due]) -> dict[int, int]:
        """What a payer can still come to owe each account with which it has a channel, ntok.

        `owed`: what is due from it already, by payee.
        """
        free = dict(self._carries_of(payer))
        for payee in owed.keys() & free.keys():
            free[payee] = _less(free[payee], owed[payee])
        return free

    def _carries_of(self, payer: int) -> dict[int, int]:
        """What its channels can carry, by payee; kept until one of a channel's ends says more."""
        known, payees = self._carries[payer], self._payees.get(payer, ())
        if len(known) < len(payees):
            for payee in payees:
                if payee not in known:
                    known[payee] = self._carries_ntok((payer, payee))
        return known

    def _carries_ntok(self, pair: Pair) -> int:
        """What a pair's channels can carry beyond where their lanes started."""
        payer, payee = pair
        most = 0
        for channel_id in self._between.get(pair, ()):
            paying, paid = (self._lines.get((channel_id, end)) for end in (payer, payee))
            if paying is None or paid is None:
                continue
            carries = min(paying.most_out_ntok, paid.most_in_ntok)
            started, got = self._starts[channel_id, payer], self._got[channel_id, payee]
            most += max(0, carries - max(started.amount_ntok, got.amount_ntok))
        return most


def _less(carries_ntok: int, due: Due | None) -> int:
    return carries_ntok if due is None else max(0, carries_ntok - max(0, due.amount_ntok))


def _higher(one: Due, other: Due) -> Due:
    return Due(
        max(one.energy_wh, other.energy_wh),
        max(one.amount_ntok, other.amount_ntok),
    )
