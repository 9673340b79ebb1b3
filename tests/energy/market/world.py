"""A served market, lanes between all who trade in it, and an agent for each of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import cache, partial
from pathlib import Path

from energy.community.rules import Side
from energy.market.agent import Agent
from energy.market.follower import Follower
from energy.meters.reading import Reading
from energy.settlement.dues import Due
from protocol.crypto.schnorr import Signature
from tests.energy.community.streets import SIGNERS, START_MS
from tests.energy.market.lanes import FakeNode, Lanes
from tests.energy.market.served import Served
from tests.energy.market.street import FIRST_QUARTER, HOMES, NOTHING_YET, quarter

ALL = (0, *HOMES)


class MeterOf:
    """A home's store: the records that its meter has made in the test's street."""

    def __init__(self, served: Served, home: int) -> None:
        self._chain = served.street.readings.setdefault(home, [])

    def last(self) -> Reading | None:
        """The newest record."""
        return self._chain[-1] if self._chain else None

    def readings(self, span: None = None, after: int = -1) -> list[Reading]:
        """Records of higher sequence."""
        return [one for one in self._chain if one.sequence > after]


class World:
    """A served market, lanes between all, and an agent for each home and the community."""

    def __init__(self, served: Served, stack: AsyncExitStack, folder: Path) -> None:
        self.served, self.lanes, self._stack, self._folder = served, Lanes(), stack, folder
        self.nodes = {
            one: FakeNode(one, self.lanes, tuple(other for other in ALL if other != one))
            for one in ALL
        }
        self.agents: dict[int, Agent] = {}

    async def start(self, carried: dict[tuple[int, int], tuple[int, int]]) -> None:
        """Found the market, one copy for all, and everybody states its funds; whoever has paid
        something before (`carried`) has said that it had not."""
        await self.served.client.submit(self.served.street.signed_community())
        self.lanes.carried |= carried
        for payer, _ in carried:
            await self.served.client.submit(self.served.street.funds(payer, START_MS))
        follower = await self.follower("copy")
        for account in ALL:
            self.agents[account] = self.agent(account, follower)
            await self.agents[account].once()

    async def follower(self, name: str) -> Follower:
        """A copy of its own."""
        follower = await Follower.open(self.served.client, self._folder / name)
        self._stack.callback(follower.close)
        await follower.catch_up()
        return follower

    def agent(self, account: int, follower: Follower, meters: Sequence[str] | None = None) -> Agent:
        """A new agent of an account: it remembers nothing of one before it. `meters`: the DIDs that
        it knows where its meter is read elsewhere; None: it is the one that reads it."""

        meter = MeterOf(self.served, account) if account and meters is None else None
        client, node = self.served.client, self.nodes[account]
        return Agent(account, partial(sign, account), client, follower, node, meter, meters or ())

    def read(self, time_ms: int, shown: Mapping[int, tuple[int, int]]) -> None:
        """Meters record; nobody has been shown it yet."""
        for home, registers in shown.items():
            self.served.street.reading(home, time_ms, *registers)

    async def orders(self, seller_limit: int | None = 100_000) -> None:
        """Homes 1 and 2 sell, home 3 buys."""
        street, client = self.served.street, self.served.client
        await client.submit(street.order(1, Side.SELL, seller_limit))
        await client.submit(street.order(2, Side.SELL, seller_limit))
        await client.submit(street.order(3, Side.BUY, 250_000))

    async def trading(self, shown: Mapping[int, tuple[int, int]] = FIRST_QUARTER) -> None:
        """Orders, and what meters record at the start and at the end of the first quarter."""
        await self.orders()
        self.read(quarter(0), NOTHING_YET)
        self.read(quarter(1), shown)

    async def everybody(self) -> None:
        """Each agent's round, twice: the first ones do not see the last ones' readings."""
        for _ in range(2):
            for account in ALL:
                await self.agents[account].once()

    def owed(self, payer: int, payee: int) -> Due:
        """By the market's settlements."""
        return self.served.service.market.periods.owed.get((payer, payee), Due())

    def net(self, payer: int, payee: int) -> tuple[int, int]:
        """(Wh, ntok) that went one way more than back."""
        out, back = self.lanes.of(payer, payee), self.lanes.of(payee, payer)
        return out[0] - back[0], out[1] - back[1]


@cache
def sign(account: int, message: int) -> Signature:
    """As the account's wallet does, the same every time."""
    return SIGNERS[account].sign(message, message.to_bytes(32, "big"))


Make = Callable[..., Awaitable[World]]
