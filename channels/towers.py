"""Handing vouchers over to watchtowers: the latest of every lane, behind the payments' back.

The outbox is the difference between what this node has received (on disk before it is
acknowledged) and what a tower has said it has on disk; so nothing is written for it when a payment
comes, a hundred payments make one hand-over, and a restart goes on where it was.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog

from channels.box import Box
from channels.errors import BadTowersFile, TowerError, TowerRefused
from channels.handover import Handover, LaneName, clear, key_of, sealed
from channels.records import SaveHanded
from channels.store import Store
from channels.tower_client import MOST_LANES, TowerClient
from protocol.channels import Lane
from protocol.vouchers import Voucher

FIRST_PAUSE_S, LAST_PAUSE_S = 1.0, 60.0
"""Between attempts at a tower that fails."""

COALESCE_S = 0.2
"""What comes within this time goes in one request."""

HANDED_KEY = 1
"""What the store holds of a lane's key at a keeper, in the place of a lane value."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class TowerAddress:
    """A tower and this home's token there. With a keeper, records are sealed: the tower cannot
    read them before the keeper, another party, has seen the channel closing."""

    url: str
    token: str
    keeper_url: str | None = None
    keeper_token: str = ""

    def __repr__(self) -> str:
        return f"TowerAddress({self.url}, keeper_url={self.keeper_url})"


def read_towers(path: Path) -> tuple[TowerAddress, ...]:
    """The towers in a JSON file: [{"url", "token", "keeper": {"url", "token"} or left out}].

    Raises BadTowersFile, also where others than its owner may read it.
    """
    try:
        if path.stat().st_mode & 0o077:
            raise BadTowersFile(str(path), "others may read the tokens in it (chmod 600)")
        given = json.loads(path.read_text())
        found = []
        for one in given:
            keeper = one.get("keeper") or {}
            found.append(
                TowerAddress(
                    str(one["url"]),
                    str(one["token"]),
                    str(keeper["url"]) if keeper else None,
                    str(keeper["token"]) if keeper else "",
                )
            )
    except OSError as error:
        raise BadTowersFile(str(path), error.strerror or "unreadable") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadTowersFile(str(path), f"{type(error).__name__}: {error}") from error
    return tuple(found)


class _Outbox:
    """What one tower (or keeper) lacks."""

    def __init__(self, client: TowerClient, store: Store) -> None:
        self.client, self._store = client, store
        self._handed: dict[int, int] = store.load_handed(client.url)

    def lacks(self, channel_id: int, value: int) -> bool:
        """Whether it has less than this value of the channel's lane."""
        return self._handed.get(channel_id, 0) < value

    async def hand_over(self, given: Mapping[int, tuple[int, Handover]]) -> None:
        """Hand over {channel id: (value, record)}. Raises TowerError."""
        waiting = list(given.items())
        for start in range(0, len(waiting), MOST_LANES):
            part = waiting[start : start + MOST_LANES]
            await self.client.hand_over([record for _, (_, record) in part])
            for channel_id, (value, _) in part:
                self._handed[channel_id] = value
                self._store.write_soon(SaveHanded(self.client.url, channel_id, value))


class TowerDesk:
    """One node's hand-overs to one tower. `key_for` gives the secret of a lane's sealed records."""

    def __init__(
        self,
        address: TowerAddress,
        store: Store,
        boxes: Mapping[int, Box],
        key_for: Callable[[bytes], bytes],
    ) -> None:
        self._boxes = boxes
        self._key_for = key_for
        self._tower = _Outbox(TowerClient(address.url, address.token), store)
        self._keeper = (
            None
            if address.keeper_url is None
            else _Outbox(TowerClient(address.keeper_url, address.keeper_token), store)
        )
        self._wake = asyncio.Event()
        self._last_number = 0
        self.problem: str | None = None
        """Why the last attempt failed, or None."""

    def wake(self) -> None:
        """There may be something new. Costs a payment nothing."""
        self._wake.set()

    async def run(self) -> None:
        """Hand over without end; a tower that fails is tried again, less and less often."""
        pause_s = FIRST_PAUSE_S
        try:
            while True:
                try:
                    await self.once()
                except TowerError as error:
                    if self.problem is None:
                        _log.warning("a watchtower lacks vouchers", reason=str(error))
                    self.problem = f"{error.code}: {error}"
                    await asyncio.sleep(pause_s)
                    pause_s = min(2 * pause_s, LAST_PAUSE_S)
                    continue
                self.problem, pause_s = None, FIRST_PAUSE_S
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LAST_PAUSE_S):
                        await self._wake.wait()
                await asyncio.sleep(COALESCE_S)
        finally:
            for outbox in (self._tower, self._keeper):
                if outbox is not None:
                    await outbox.client.close()

    async def once(self) -> None:
        """Hand over all that is lacking now. Raises TowerError."""
        self._wake.clear()
        lacking = {
            box.channel_id: voucher
            for box in self._boxes.values()
            if (voucher := box.state.received) is not None
            and not box.state.is_gone
            and self._tower.lacks(box.channel_id, voucher.lane_value)
        }
        if not lacking:
            return
        if self._keeper is not None:
            await self._keeper.hand_over(
                {
                    channel_id: (HANDED_KEY, self._key(voucher))
                    for channel_id, voucher in lacking.items()
                    if self._keeper.lacks(channel_id, HANDED_KEY)
                }
            )
        records = {
            channel_id: (voucher.lane_value, self._record(voucher))
            for channel_id, voucher in lacking.items()
        }
        try:
            await self._tower.hand_over(records)
        except TowerRefused:
            if len(records) == 1:
                raise
            await self._one_by_one(records)

    async def _one_by_one(self, records: Mapping[int, tuple[int, Handover]]) -> None:
        """One channel that a tower does not take must not keep the others from it."""
        failure: TowerRefused | None = None
        for channel_id, one in records.items():
            try:
                await self._tower.hand_over({channel_id: one})
            except TowerRefused as error:
                failure = error
        if failure is not None:
            raise failure

    def _record(self, voucher: Voucher) -> Handover:
        if self._keeper is None:
            return clear(voucher)
        # Counts upward across restarts without telling how many payments there were.
        self._last_number = max(time.time_ns() // 1_000_000, self._last_number + 1)
        return sealed(voucher, self._secret(voucher), self._last_number)

    def _key(self, voucher: Voucher) -> Handover:
        name = LaneName(voucher.channel_id, Lane(voucher.lane))
        return key_of(name, self._secret(voucher), HANDED_KEY)

    def _secret(self, voucher: Voucher) -> bytes:
        return self._key_for(LaneName(voucher.channel_id, voucher.lane).to_bytes())
