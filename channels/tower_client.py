"""A watchtower over HTTP: records handed over, keys asked for; every failure has a name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import httpx

from channels.errors import TowerRefused, TowerUnreachable
from channels.handover import KEY_BYTES, Handover, LaneName
from channels.service_client import ServiceClient, problem_in
from protocol.codec import to_int
from protocol.errors import ProtocolError

MOST_LANES = 64
"""In one request."""


class TowerClient(ServiceClient):
    """A connection to one tower. Nothing is repeated here: who hands over tries again."""

    unreachable = TowerUnreachable

    def __init__(self, url: str, token: str = "", *, timeout_s: float = 10.0) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        super().__init__(url, timeout_s=timeout_s, headers=headers)

    async def hand_over(self, given: Sequence[Handover]) -> list[int]:
        """Hand over at most 64 records; the numbers that the tower has on disk then.

        Raises TowerRefused, TowerUnreachable.
        """
        lanes = [
            {
                "channel_id": str(one.name.channel_id),
                "lane": str(int(one.name.lane)),
                "number": str(one.number),
                "record": "0x" + one.record.hex(),
            }
            for one in given
        ]
        answer = await self._ask("POST", "/v1/lanes", {"lanes": lanes})
        try:
            kept = [to_int("kept", one) for one in answer["kept"]]
        except (KeyError, TypeError, ProtocolError) as error:
            raise TowerUnreachable(self.url, f"a senseless answer: {error}") from error
        if len(kept) != len(given):
            raise TowerUnreachable(self.url, "an answer of another length")
        return kept

    async def keys(self, name: LaneName) -> list[bytes]:
        """The keys that a keeper gives out for a lane. Raises TowerRefused, TowerUnreachable."""
        answer = await self._ask("GET", f"/v1/keys/{name.channel_id}/{int(name.lane)}", None)
        try:
            keys = [bytes.fromhex(str(one).removeprefix("0x")) for one in answer["keys"]]
        except (KeyError, TypeError, ValueError) as error:
            raise TowerUnreachable(self.url, f"a senseless answer: {error}") from error
        return [one for one in keys if len(one) == KEY_BYTES]

    async def _ask(self, method: str, path: str, body: object) -> Any:
        try:
            response = await self._http.request(method, path, json=body)
            answer = response.json()
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, RecursionError) as error:
            reason = f"{type(error).__name__}: {error}".rstrip(": ")
            raise TowerUnreachable(self.url, reason[:200]) from error
        if response.is_success and isinstance(answer, dict):
            return answer
        raise TowerRefused(self.url, *problem_in(answer))
